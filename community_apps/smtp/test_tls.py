"""Mail to a real server, aiosmtpd, over STARTTLS and TLS with certificates made here."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
from contextlib import contextmanager
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from repertory_sdk import ActionFailed, Job
from repertory_sdk.convert import Secret
from repertory_sdk.loader import load_module
from repertory_sdk.testing.loading import importable

HERE = Path(__file__).resolve().parent

with importable(HERE):
    app = load_module(HERE, "app.py")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for 127.0.0.1 that vouches for itself, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail.example")])
    now = datetime.datetime.now(datetime.timezone.utc)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    built = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(address, critical=False).add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    (folder / "cert.pem").write_bytes(built.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    return folder


class Box:
    """Keeps what is taken."""

    def __init__(self):
        self.mails = []

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.mails.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
        return "250 Message accepted for delivery"


def credentials(server, session, envelope, mechanism, data):
    return AuthResult(success=(data.login, data.password) == (b"soar", b"letmein"), handled=False)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


@contextmanager
def mail_server(certificate, security):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    how = {"ssl_context": context} if security == "tls" else {"tls_context": context, "require_starttls": True}
    box = Box()
    starttls = security == "starttls"
    login = {"authenticator": credentials, "auth_required": starttls, "auth_require_tls": starttls}
    controller = Controller(box, hostname="127.0.0.1", port=free_port(), server_hostname="mail.example", **how, **login)
    controller.start()
    try:
        yield box, controller.port
    finally:
        controller.stop()


@pytest.fixture(params=["starttls", "tls"])
def place(certificate, request):
    with mail_server(certificate, request.param) as (box, port):
        settings = {"host": "127.0.0.1", "port": port, "security": request.param, "user": "soar", "sender": "soar@mail.example"}
        yield box, {**settings, "password": Secret("letmein"), "timeout_s": 10.0}


def test_a_mail_goes_over_tls(place, certificate):
    box, settings = place
    server = app.Server(**settings, ca_file=str(certificate / "cert.pem"))
    sent = app.send_email(server, Job(), "alice@mail.example, nobody@mail.example", "Größe", "text")
    ((sender, recipients, content),) = box.mails
    assert (sender, recipients) == ("soar@mail.example", ["alice@mail.example"])
    assert sent.message_id.encode() in content
    assert [one.address for one in sent.refused] == ["nobody@mail.example"]
    assert app.get_server_info(server).protocol in ("TLSv1.2", "TLSv1.3")


def test_an_unknown_certificate_is_refused(place, certificate):
    box, settings = place
    with pytest.raises(ActionFailed, match=r"certificate that is not trusted .*; set ca_file"):
        app.connectivity(app.Server(**settings))
    assert "takes mail" in app.connectivity(app.Server(**settings, verify_tls=False))
    assert box.mails == []


def test_a_wrong_password_is_told_and_not_shown(place, certificate):
    wrong = {**place[1], "password": Secret("guess-4711"), "ca_file": str(certificate / "cert.pem")}
    with pytest.raises(ActionFailed, match=r"535 .*; check user and password") as caught:
        app.connectivity(app.Server(**wrong))
    assert "4711" not in str(caught.value)


def test_the_wrong_security_is_told(certificate):
    trusted = {"ca_file": str(certificate / "cert.pem"), "sender": "a@mail.example", "timeout_s": 5.0}
    with mail_server(certificate, "starttls") as (_, port), pytest.raises(ActionFailed, match="speaks no TLS there"):
        app.connectivity(app.Server(host="127.0.0.1", port=port, security="tls", **trusted))


def test_a_file_without_certificates_is_told(tmp_path):
    (tmp_path / "empty.pem").write_text("")
    for name in ("empty.pem", "missing.pem"):
        with pytest.raises(ActionFailed, match="correct ca_file"):
            app.connectivity(app.Server(host="127.0.0.1", sender="a@mail.example", ca_file=str(tmp_path / name)))
