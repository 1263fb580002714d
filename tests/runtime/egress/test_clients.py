"""Clients that people really use, through the walls, against real servers."""

from __future__ import annotations

import datetime
import http.server
import os
import shutil
import socket
import ssl
import subprocess
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import dns.message
import dns.rrset
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from confined import own, run, tcp_server, udp_server
from repertory.runtime.egress import lookups
from runtime_lab import until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from repertory.runtime.sandbox.launch import Sandbox

VENDOR = "vendor.test"
WEB = ("requests", "urllib3", "certifi", "idna", "charset_normalizer")


@pytest.fixture(autouse=True)
def _vendor(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that leads to this machine, for the tool only."""
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, *rest: Any, **options: Any) -> Any:
        return real("127.0.0.1" if host == VENDOR else host, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a certificate authority (ca.pem) and a server's certificate for the vendor's name."""
    folder, now = tmp_path_factory.mktemp("authority"), datetime.datetime.now(datetime.timezone.utc)  # noqa: UP017
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test CA")])
    for name, subject, key, extension in (
        ("ca.pem", issuer, keys[0], x509.BasicConstraints(ca=True, path_length=None)),
        ("server.pem", x509.Name([]), keys[1], x509.SubjectAlternativeName([x509.DNSName(VENDOR)])),
    ):
        made = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
        made = made.serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
        made = made.not_valid_after(now + datetime.timedelta(days=1)).add_extension(extension, critical=True)
        plain = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        certificate = made.sign(keys[0], hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        (folder / name).write_bytes(certificate if name == "ca.pem" else plain + certificate)
    return folder


@pytest.fixture
def https(authority: Path) -> Iterator[int]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))[::-1]
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority / "server.pem")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def test_requests_and_urllib_over_tls(walls: Sandbox, https: int, authority: Path) -> None:
    done = run(
        walls,
        """
        import requests, ssl, urllib.request
        url, ca = f"https://vendor.test:{sys.argv[1]}/", sys.argv[2]
        with requests.Session() as session:
            session.verify = ca
            first = [session.post(url, data=b"abc" * 100_000).content == b"cba" * 100_000 for _ in range(3)]
        context = ssl.create_default_context(cafile=ca)
        with urllib.request.urlopen(urllib.request.Request(url, b"xyz"), context=context) as response:
            first.append(response.read().decode())
        say(first)
        """,
        arguments=[https, authority / "ca.pem"], packages=WEB, files=[authority / "ca.pem"], hosts=[own(https, host=VENDOR)],
    )  # fmt: skip
    assert done.said() == [True, True, True, "zyx"]
    assert done.verdicts() == {(VENDOR, https): "allowed"}
    assert done.contacts[0].sent > 900_000


def test_whois_as_its_clients_do_it(walls: Sandbox) -> None:
    def serve(connection: Any) -> None:
        asked = connection.makefile("rb").readline().strip()
        connection.sendall(b"domain: " + asked + b"\r\n" + b"% " + b"x" * 50_000 + b"\r\n")

    with tcp_server(serve) as port:
        done = run(
            walls,
            """
            with socket.create_connection(("vendor.test", int(sys.argv[1])), 20) as connection:
                connection.sendall(b"example.com\\r\\n")
                text = connection.makefile("rb").read()
            say([text[:19].decode(), len(text)])
            """,
            arguments=[port], hosts=[own(port, host=VENDOR)],
        )  # fmt: skip
    assert done.said() == ["domain: example.com", 50_025]


def program(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/local/sbin:/usr/sbin:/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(command: Sequence[str], port: int, log: Path) -> Iterator[None]:
    """A server, as soon as it can be reached."""

    def is_there() -> bool:
        assert process.poll() is None, log.read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    with log.open("w") as file:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file)
    try:
        until(is_there, f"{command[0]} serves")
        yield
    finally:
        process.terminate()
        process.wait()


def test_a_session_by_ssh(walls: Sandbox, tmp_path: Path) -> None:
    """Its account is one that this machine does not have: those that it has may be locked, and are nobody's business."""
    server, port = program("sshd"), free_port()
    for key in ("host", "user"):
        subprocess.run([program("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / key)], check=True)
    (tmp_path / "sshd_config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {tmp_path}/host\nAuthorizedKeysFile {tmp_path}/user.pub\nStrictModes no\n"
        "UsePAM no\nPidFile none\nSubsystem sftp internal-sftp\n"
    )
    (tmp_path / "here").write_text("over ssh")
    (tmp_path / "passwd").write_text(f"tester:x:1000:1000::{tmp_path}:/bin/sh\n")
    (tmp_path / "shadow").write_text("")
    command = [program("bwrap"), "--dev-bind", "/", "/", "--unshare-user", "--uid", "1000", "--gid", "1000", "--die-with-parent"]
    for name in ("passwd", "shadow"):
        command += ["--ro-bind", str(tmp_path / name), f"/etc/{name}"]
    command += [server, "-D", "-e", "-f", str(tmp_path / "sshd_config")]
    with serving(command, port, tmp_path / "log"):
        done = run(
            walls,
            """
            import paramiko
            client = paramiko.SSHClient()
            client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
            port, key, path = sys.argv[1:]
            client.connect("vendor.test", int(port), "tester", key_filename=key, allow_agent=False, look_for_keys=False, timeout=20)
            with client.open_sftp() as files, files.open(path) as file:
                text = file.read().decode()
            _, output, _ = client.exec_command("tr a-z A-Z < here")
            say([text, output.read().decode()])
            client.close()
            """,
            arguments=[port, tmp_path / "user", tmp_path / "here"],
            packages=("paramiko", "cryptography", "bcrypt", "nacl", "invoke", "cffi", "_cffi_backend"),
            files=[tmp_path / "user"], hosts=[own(port, host=VENDOR)],
        )  # fmt: skip
    assert done.said() == ["over ssh", "OVER SSH"], (tmp_path / "log").read_text()


def test_ldap(walls: Sandbox, tmp_path: Path) -> None:
    server, port = program("slapd"), free_port()
    (tmp_path / "data").mkdir()
    configuration = tmp_path / "slapd.conf"
    configuration.write_text(
        f'pidfile {tmp_path}/pid\ndatabase ldif\nsuffix "cn=test"\ndirectory {tmp_path}/data\n'
        'rootdn "cn=admin,cn=test"\nrootpw secret\n'
    )
    with serving([server, "-d", "0", "-h", f"ldap://127.0.0.1:{port}", "-f", str(configuration)], port, tmp_path / "log"):
        done = run(
            walls,
            """
            import ldap3
            def bound(password):
                server = ldap3.Server("vendor.test", int(sys.argv[1]), get_info=ldap3.NONE, connect_timeout=20)
                return ldap3.Connection(server, "cn=admin,cn=test", password)
            connection = bound("secret")
            assert connection.bind(), connection.result
            connection.search("", "(objectClass=*)", ldap3.BASE, attributes=["namingContexts"])
            found = connection.response[0]["attributes"]["namingContexts"]
            connection.unbind()
            say([found, bound("wrong").bind()])
            """,
            arguments=[port], packages=("ldap3", "pyasn1"), hosts=[own(port, host=VENDOR)],
        )  # fmt: skip
    assert done.said() == [["cn=test"], False]


def answered(data: bytes) -> bytes:
    """As a name server does it that knows a long TXT record of everybody."""
    query = dns.message.from_wire(data)
    reply = dns.message.make_response(query)
    (question,) = query.question
    texts = " ".join(f'"{question.name} {number:04}"' for number in range(200 if "long" in str(question.name) else 1))
    reply.answer.append(dns.rrset.from_text(question.name, 60, "IN", "TXT", texts))
    return bytes(reply.to_wire(max_size=65535))


def by_stream(connection: Any) -> None:
    reader = connection.makefile("rb")
    while size := reader.read(2):
        reply = answered(reader.read(int.from_bytes(size, "big")))
        connection.sendall(len(reply).to_bytes(2, "big") + reply)


@pytest.fixture
def name_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This machine's own, at a port that needs no rights."""
    (tmp_path / "resolv.conf").write_text("search nowhere.test\nnameserver 127.0.0.1\n")
    monkeypatch.setattr(lookups, "_CONFIGURATION", tmp_path / "resolv.conf")
    with udp_server(answered) as port:
        monkeypatch.setattr(lookups, "_PORT", port)
        yield


LOOK_UP = """
import dns.exception, dns.resolver
resolver = dns.resolver.Resolver(configure=False)
resolver.nameservers = ["192.0.2.53"]
resolver.lifetime = 20
def ask(name, **options):
    try:
        return [str(one) for one in resolver.resolve(name, "TXT", search=False, **options)]
    except dns.exception.DNSException as error:
        return type(error).__name__
"""


def test_lookups_of_declared_names(walls: Sandbox, name_server: None) -> None:
    done = run(
        walls, LOOK_UP + 'say([ask("a.known.test"), ask("unknown.test")])', packages=("dns",), lookups=["*.known.test"]
    )  # fmt: skip
    assert done.said() == [['"a.known.test. 0000"'], "NXDOMAIN"]
    assert done.verdicts() == {("a.known.test", 53): "allowed", ("unknown.test", 53): "denied"}


def test_lookups_by_stream(namespaces: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.1\n")
    monkeypatch.setattr(lookups, "_CONFIGURATION", tmp_path / "resolv.conf")
    with tcp_server(by_stream) as port:
        monkeypatch.setattr(lookups, "_PORT", port)
        done = run(
            namespaces, LOOK_UP + 'say([len(ask("long.known.test", tcp=True)[0]), ask("unknown.test", tcp=True)])', packages=("dns",),
            lookups=["*.known.test"],
        )  # fmt: skip
    assert done.said() == [200 * len('"long.known.test. 0000" ') - 1, "NXDOMAIN"]


def test_datagrams_to_what_was_declared(walls: Sandbox) -> None:
    with udp_server(lambda data: data[::-1]) as port, udp_server(lambda data: data) as other:
        done = run(
            walls,
            """
            found = []
            for name, port in (("vendor.test", sys.argv[1]), ("127.0.0.1", sys.argv[1]), ("vendor.test", sys.argv[2])):
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as talking:
                    talking.settimeout(2 if port == sys.argv[2] else 20)
                    try:
                        talking.sendto(b"abc", (socket.gethostbyname(name), int(port)))
                        data, sender = talking.recvfrom(100)
                        found.append([data.decode(), sender[1] == int(port)])
                        talking.connect((socket.gethostbyname(name), int(port)))
                        talking.send(b"x" * 1400)
                        assert talking.recv(2000) == b"x" * 1400
                    except OSError as error:
                        found.append("nothing")
            say(found)
            """,
            arguments=[port, other], hosts=[own(port, host=VENDOR, udp=True), own(port, udp=True)],
        )  # fmt: skip
    assert done.said() == [["cba", True], ["cba", True], "nothing"]
    verdicts = {(one.host, one.port, one.verdict): (one.sent, one.received) for one in done.contacts}
    assert verdicts[VENDOR, port, "allowed"] == verdicts["127.0.0.1", port, "allowed"] == (1403, 1403)
    assert any(verdict == "denied" and number == other for _, number, verdict in verdicts)
