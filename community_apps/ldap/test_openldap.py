"""A real OpenLDAP (slapd), with the overlay ppolicy, over TLS and STARTTLS with a certificate made here."""

from __future__ import annotations

import datetime
import ipaddress
import shutil
import socket
import ssl
import subprocess
import time
from pathlib import Path

import ldap3
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from repertory_sdk import ActionFailed
from repertory_sdk.convert import Secret
from repertory_sdk.loader import load_module
from repertory_sdk.testing.loading import importable

HERE = Path(__file__).resolve().parent
SLAPD, SLAPADD = shutil.which("slapd") or "/usr/sbin/slapd", shutil.which("slapadd") or "/usr/sbin/slapadd"
ADMIN, PASSWORD = "cn=admin,dc=corp,dc=example", "letmein"
JANE = "uid=jdoe,ou=people,dc=corp,dc=example"
pytestmark = pytest.mark.skipif(not Path(SLAPD).exists() or not Path(SLAPADD).exists(), reason="no slapd is installed")

with importable(HERE):
    app = load_module(HERE, "app.py")
    import simulator

CONFIGURATION = """
{schemas}
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload ppolicy
pidfile {folder}/pid
TLSCertificateFile {folder}/cert.pem
TLSCertificateKeyFile {folder}/key.pem
database mdb
suffix dc=corp,dc=example
directory {folder}/data
rootdn {admin}
rootpw {password}
overlay ppolicy
ppolicy_default cn=default,dc=corp,dc=example
"""
CONTENT = """
dn: dc=corp,dc=example
objectClass: dcObject
objectClass: organization
dc: corp
o: Example

dn: ou=people,dc=corp,dc=example
objectClass: organizationalUnit

dn: cn=default,dc=corp,dc=example
objectClass: device
objectClass: pwdPolicy
cn: default
pwdAttribute: userPassword
pwdLockout: TRUE
pwdMaxFailure: 2

dn: uid=jdoe,ou=people,dc=corp,dc=example
objectClass: inetOrgPerson
objectClass: shadowAccount
uid: jdoe
cn: Jane Doe
sn: Doe
mail: jdoe@corp.example
userPassword: first-demo-password
shadowExpire: 40000

dn: uid=mroe,ou=people,dc=corp,dc=example
objectClass: inetOrgPerson
uid: mroe
cn: Mary Roe
sn: Roe
userPassword: other-demo-password

dn: cn=vpn,dc=corp,dc=example
objectClass: groupOfNames
cn: vpn
member: uid=mroe,ou=people,dc=corp,dc=example

dn: cn=wheel,dc=corp,dc=example
objectClass: posixGroup
cn: wheel
gidNumber: 10
memberUid: mroe

dn: cn=ops,dc=corp,dc=example
objectClass: groupOfUniqueNames
cn: ops
uniqueMember: cn=vpn,dc=corp,dc=example
"""


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for 127.0.0.1 that vouches for itself, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "ldap.corp.example")])
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


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


def wait_for(port, process, log):
    ends = time.monotonic() + 20
    while time.monotonic() < ends and process.poll() is None:
        with socket.socket() as trying:
            if trying.connect_ex(("127.0.0.1", port)) == 0:
                return
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.05)
    raise AssertionError(log.read_text())


@pytest.fixture
def ports(certificate, tmp_path):
    """A server that runs: its ports without TLS and with it."""
    (tmp_path / "data").mkdir()
    for name in ("cert.pem", "key.pem"):
        shutil.copy(certificate / name, tmp_path)
    schemas = "\n".join(f"include /etc/ldap/schema/{name}.schema" for name in ("core", "cosine", "inetorgperson", "nis"))
    configuration, log = tmp_path / "slapd.conf", tmp_path / "log"
    configuration.write_text(CONFIGURATION.format(schemas=schemas, folder=tmp_path, admin=ADMIN, password=PASSWORD))
    subprocess.run([SLAPADD, "-f", configuration], input=CONTENT, text=True, check=True, capture_output=True)
    plain, tls = free_port(), free_port()
    urls = f"ldap://127.0.0.1:{plain}/ ldaps://127.0.0.1:{tls}/"
    with log.open("w") as output:
        process = subprocess.Popen([SLAPD, "-d", "0", "-h", urls, "-f", configuration], stdout=output, stderr=output)
        try:
            wait_for(tls, process, log)
            yield plain, tls
        finally:
            process.terminate()
            process.wait(20)


@pytest.fixture
def of(ports, certificate):
    def make(security="tls", **changed):
        settings = {
            "hosts": ["127.0.0.1"], "port": ports[security == "tls"], "security": security, "user": ADMIN,
            "password": Secret(PASSWORD), "directory": "openldap", "ca_file": str(certificate / "cert.pem"), "timeout_s": 10.0,
        }  # fmt: skip
        return app.Accounts(**{**settings, **changed})

    return make


@pytest.fixture
def logs_on(ports):
    """Whether an account can be used, as the server sees it."""

    def tried(password, dn=JANE):
        server = ldap3.Server("127.0.0.1", ports[0], get_info=ldap3.NONE, connect_timeout=10)
        connection = ldap3.Connection(server, dn, password, receive_timeout=10)
        try:
            return connection.bind()
        finally:
            connection.unbind()

    return tried


@pytest.mark.parametrize("security", ["tls", "starttls", "none"])
def test_every_way_in(of, security):
    assert "dc=corp,dc=example" in app.connectivity(of(security))


def test_a_certificate_that_nobody_vouches_for(of):
    for security in ("tls", "starttls"):
        with pytest.raises(ActionFailed, match=r"certificate that is not trusted.*ca_file") as failure:
            app.connectivity(of(security, ca_file=None))
        assert not failure.value.retry
    assert app.connectivity(of(ca_file=None, verify_tls=False))


def test_a_certificate_of_another_machine(of):
    with pytest.raises(ActionFailed, match="not trusted"):
        app.connectivity(of(hosts=["localhost"]))


def test_no_tls_where_it_is_expected(of, ports):
    with pytest.raises(ActionFailed, match="by tls; set security and port"):
        app.connectivity(of(port=ports[0], timeout_s=2.0))
    with pytest.raises(ActionFailed, match="ca_file"):
        app.connectivity(of(ca_file="/nowhere/ca.pem"))


def test_what_is_known_of_an_account(of):
    found = app.get_user(of(), "jdoe")
    assert (found.found, found.name, found.dn) == (True, "jdoe", JANE)
    assert (found.email, found.full_name) == ("jdoe@corp.example", "Jane Doe")
    assert (found.enabled, found.locked, found.groups, found.expires_at) == (True, False, [], "2079-07-08T00:00:00Z")
    assert app.get_user(of(), "mroe").groups == ["vpn", "wheel"]
    assert app.get_user(of(), "jdoe@corp.example").dn == JANE
    assert app.get_user(of(), "nobody").found is False


def test_a_disabled_account_cannot_be_used(of, logs_on):
    assert logs_on("first-demo-password")
    change = app.disable_user(of(), "jdoe")
    assert (change.user, change.enabled, change.previously_enabled, change.changed) == ("jdoe", False, True, True)
    assert not logs_on("first-demo-password")
    assert app.disable_user(of(), "jdoe").changed is False
    assert [row.user for row in app.find_users(of(), state="disabled").data] == ["jdoe"]
    assert app.unlock_user(of(), "jdoe").changed is False, "an account that is disabled is not locked"
    assert app.enable_user(of(), "jdoe").changed is True
    assert logs_on("first-demo-password")


def test_a_lock_after_wrong_passwords(of, logs_on):
    for _ in range(3):
        assert not logs_on("guess")
    assert not logs_on("first-demo-password")
    assert [row.user for row in app.find_users(of(), state="locked").data] == ["jdoe"]
    done = app.unlock_user(of(), "jdoe")
    assert (done.previously_locked, done.locked, done.changed) == (True, False, True)
    assert logs_on("first-demo-password")


def test_a_date_of_expiry_comes_back(of):
    accounts = of(disable_by="shadow")
    assert app.disable_user(accounts, "jdoe").enabled is False
    assert app.get_user(accounts, "jdoe").expires_at == "1970-01-02T00:00:00Z"
    assert app.enable_user(accounts, "jdoe").enabled is True
    assert app.get_user(accounts, "jdoe").expires_at == "2079-07-08T00:00:00Z"
    with pytest.raises(ActionFailed, match="setting disable_by"):
        app.disable_user(accounts, "mroe")


def test_another_password(of, logs_on):
    done = app.reset_password(of(), "jdoe", password="second demo pässword", must_change=False)
    assert (done.changed, done.random, done.must_change) == (True, False, False)
    assert logs_on("second demo pässword") and not logs_on("first-demo-password")
    assert app.reset_password(of(), "jdoe").random is True
    assert not logs_on("second demo pässword")


def test_groups_of_every_class(of):
    accounts = of()
    for group in ("vpn", "wheel", "ops"):
        assert app.add_to_group(accounts, "jdoe", group).changed is True
        assert app.add_to_group(accounts, "jdoe", group).changed is False
        assert "jdoe" in [row.name for row in app.list_group_members(accounts, group).data]
        assert app.remove_from_group(accounts, "jdoe", group).changed is True
        assert app.remove_from_group(accounts, "jdoe", group).changed is False
    assert [(row.name, row.kind) for row in app.list_group_members(accounts, "ops").data] == [("vpn", "group")]


def test_the_last_member_stays_and_that_is_explained(of):
    with pytest.raises(ActionFailed, match="65 objectClassViolation"):
        app.remove_from_group(of(), "mroe", "vpn")


def test_members_of_protected_groups_through_other_groups(of):
    with pytest.raises(ActionFailed, match="take ops off the setting protected_groups"):
        app.disable_user(of(protected_groups=["ops"]), "mroe")


def test_who_may_not_is_told(of):
    with pytest.raises(ActionFailed, match="50 insufficientAccessRights"):
        app.disable_user(of(user=JANE, password=Secret("first-demo-password")), "mroe")
    with pytest.raises(ActionFailed, match="49 invalidCredentials"):
        app.get_user(of(password=Secret("guess")), "mroe")


def test_passwords_of_active_directory_go_over_tls(certificate):
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trust.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    with simulator.running(trust) as server:
        server.state["password_without_tls"] = False
        settings = {**simulator.place_of(server).settings, "password": Secret(simulator.PASSWORD), "security": "tls"}
        done = app.reset_password(app.Accounts(**settings, ca_file=str(certificate / "cert.pem")), "jdoe", password="tls-demo-pw")
        assert server.state["passwords"][done.dn] == "tls-demo-pw"
