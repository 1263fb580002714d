"""Mailboxes of a real server, Dovecot, over TLS and STARTTLS with a certificate made here."""

from __future__ import annotations

import datetime
import getpass
import grp
import imaplib
import ipaddress
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from email.message import EmailMessage
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from repertory_sdk import ActionFailed, Job
from repertory_sdk.convert import Secret
from repertory_sdk.loader import load_module
from repertory_sdk.testing.loading import importable

HERE = Path(__file__).resolve().parent
DOVECOT = shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")

pytestmark = pytest.mark.skipif(DOVECOT is None, reason="Dovecot is not installed (dovecot-imapd)")

with importable(HERE):
    app = load_module(HERE, "app.py")

CONFIGURATION = """
protocols = imap
listen = 127.0.0.1
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
default_internal_user = {internal}
default_internal_group = {internal_group}
default_login_user = {login}
first_valid_uid = 1
ssl = required
auth_failure_delay = 0
ssl_cert = <{folder}/cert.pem
ssl_key = <{folder}/key.pem
mail_location = maildir:{folder}/mail/%u
passdb {{
  driver = static
  args = password=letmein
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail/%u
}}
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Trash {{
    auto = create
    special_use = \\Trash
  }}
  mailbox Entwürfe {{
    auto = create
  }}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {starttls}
  }}
  inet_listener imaps {{
    port = {tls}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
"""


def certify(folder):
    """A certificate for 127.0.0.1 that vouches for itself, and its key."""
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
    form = serialization.PrivateFormat.PKCS8
    (folder / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


def configured(folder):
    """As root it uses the accounts of its package, else the one of whoever runs this."""
    root = os.geteuid() == 0
    me = pwd.getpwuid(os.geteuid())
    mail = pwd.getpwnam("mail") if root else me
    group = "dovecot" if root else grp.getgrgid(me.pw_gid).gr_name
    names = {"internal": "dovecot", "login": "dovenull"} if root else dict.fromkeys(("internal", "login"), getpass.getuser())
    ports = {"starttls": free_port(), "tls": free_port()}
    (folder / "mail").mkdir()
    if root:
        os.chown(folder / "mail", mail.pw_uid, mail.pw_gid)
        folder.chmod(0o755)
    certify(folder)
    text = CONFIGURATION.format(folder=folder, internal_group=group, uid=mail.pw_uid, gid=mail.pw_gid, **names, **ports)
    (folder / "dovecot.conf").write_text(text, "utf-8")
    return ports


def wait_until_it_answers(process, port, log):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except ConnectionRefusedError:
            time.sleep(0.02)
    raise AssertionError(log.read_text("utf-8") if log.exists() else "Dovecot does not start")


@pytest.fixture(scope="module")
def dovecot():
    """Not below pytest's own folder, which is closed to the account that keeps the mails whenever another session starts."""
    with tempfile.TemporaryDirectory(prefix="dovecot-") as name:
        folder = Path(name)
        ports = configured(folder)
        command = [DOVECOT, "-F", "-c", str(folder / "dovecot.conf")]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT) as process:
            try:
                wait_until_it_answers(process, ports["tls"], folder / "log")
                yield folder, ports
            finally:
                process.terminate()
                process.wait(10)


def letter(number, subject="Your invoice"):
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "Jürgen <juergen@evil.example>", "soc@mail.example", subject
    message["Message-ID"] = f"<m{number}@evil.example>"
    message.set_content(f"Pay at http://evil.example/{number}")
    message.add_attachment(b"PK\x03\x04", maintype="application", subtype="zip", filename="invoice.zip")
    return message.as_bytes()


@pytest.fixture(params=["tls", "starttls"])
def account(dovecot, request):
    """A mailbox of its own, with two mails."""
    folder, ports = dovecot
    user = f"soc-{request.param}-{time.monotonic_ns()}@mail.example"
    settings = {"host": "127.0.0.1", "port": ports[request.param], "security": request.param, "user": user, "timeout_s": 20.0}
    found = app.Account(**settings, password=Secret("letmein"), ca_file=str(folder / "cert.pem"))
    with imaplib.IMAP4_SSL("127.0.0.1", ports["tls"], ssl_context=app.Account._trust(found)) as client:
        client.login(user, "letmein")
        for number, subject in ((1, "Your invoice"), (2, "Größe 名前")):
            client.append("INBOX", None, None, letter(number, subject))
    return found


def test_mails_are_found_read_moved_and_deleted(account):
    assert app.connectivity(account).endswith("has 2 mails")
    assert {row.folder for row in app.list_folders(account).data} >= {"INBOX", "Trash", "Entwürfe"}
    assert next(row.use for row in app.list_folders(account).data if row.folder == "Trash") == "Trash"

    newest, first = app.search_emails(account).data
    assert (newest.subject, first.subject, first.seen, first.sender) == (
        "Größe 名前",
        "Your invoice",
        False,
        "juergen@evil.example",
    )
    read = app.get_email(account, Job(), first.email)
    assert (read.sender_name, read.urls, read.attachments[0].name) == ("Jürgen", ["http://evil.example/1"], "invoice.zip")

    moved = app.move_email(account, first.email, "Entwürfe")
    assert app.get_email(account, Job(), moved.email).message_id == "<m1@evil.example>"
    with pytest.raises(ActionFailed, match="moved or deleted"):
        app.get_email(account, Job(), first.email)

    trashed = app.delete_email(account, moved.email)
    assert (trashed.folder, app.delete_email(account, moved.email).changed) == ("Trash", False)
    assert app.delete_email(account, trashed.email, permanently=True).changed is True
    assert app.search_emails(account, folder="Trash").data == []


@pytest.mark.parametrize(
    ("conditions", "subjects"),
    [
        ({"subject": "größe"}, ["Größe 名前"]),
        ({"subject": "invoice"}, ["Your invoice"]),
        ({"text": "evil.example/2"}, ["Größe 名前"]),
        ({"message_id": "<m1@evil.example>"}, ["Your invoice"]),
        ({"sender": 'no"body\\'}, []),
        ({"unseen": True, "subject": "名前"}, ["Größe 名前"]),
    ],
)
def test_searches(account, conditions, subjects):
    assert [row.subject for row in app.search_emails(account, **conditions).data] == subjects


def test_marks(account):
    mail = app.search_emails(account).data[0].email
    assert app.mark_email(account, mail, "flagged").changed is True
    assert app.mark_email(account, mail, "flagged").changed is False
    assert app.search_emails(account).data[0].flagged is True
    assert app.mark_email(account, mail, "unflagged").changed is True


def test_new_mails_become_events_once(account):
    checkpoint = {}
    events = list(app.new_mails(account, checkpoint))
    assert [event.source_id for event in events] == ["<m1@evil.example>", "<m2@evil.example>"]
    assert abs(events[0].happened_at - time.time()) < 300
    assert list(app.new_mails(account, checkpoint)) == []
    assert [row.seen for row in app.search_emails(account).data] == [False, False]


def test_folders_that_are_not_there(account):
    mail = app.search_emails(account).data[0].email
    with pytest.raises(ActionFailed, match="does not move the mail to 'Nowhere'"):
        app.move_email(account, mail, "Nowhere")
    with pytest.raises(ActionFailed, match="does not open 'Nowhere'"):
        app.search_emails(account, folder="Nowhere")


def changed(account, **settings):
    names = ("host", "port", "security", "user", "password", "ca_file", "timeout_s")
    return app.Account(**{**{name: getattr(account, name) for name in names}, **settings})


def test_strangers_are_refused(account):
    with pytest.raises(ActionFailed, match="does not let the account in") as caught:
        app.connectivity(changed(account, password=Secret("guess-4711")))
    assert "4711" not in str(caught.value)
    with pytest.raises(ActionFailed, match=r"certificate that is not trusted .*; set ca_file"):
        app.connectivity(changed(account, ca_file=None))


def test_the_wrong_security_is_told(account, dovecot):
    other = {"tls": "starttls", "starttls": "tls"}[account.security]
    with pytest.raises(ActionFailed, match=r"speaks no TLS there|hangs up|does not answer"):
        app.connectivity(changed(account, security=other, timeout_s=2.0))
