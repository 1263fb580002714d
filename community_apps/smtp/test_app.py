"""Mail through real sockets: the simulator, and aiosmtpd with real TLS (test_tls.py)."""

from __future__ import annotations

import email
import email.policy
import json
import smtplib
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from repertory_sdk import ActionFailed, Job
from repertory_sdk.convert import Secret
from repertory_sdk.loader import load_module
from repertory_sdk.testing import assert_manifest_current, conformance
from repertory_sdk.testing.loading import importable

HERE = Path(__file__).resolve().parent

with importable(HERE):
    app = load_module(HERE, "app.py")
    import messages
    import simulator

    CASES = conformance(
        app.app,
        HERE,
        {
            "send email": {"to": "alice@mail.example", "subject": "Outbound telnet", "body": "From srv-14."},
            "check recipient": {"address": "alice@mail.example"},
            "get server info": {},
        },
    )


@pytest.fixture
def mail():
    with simulator.running() as server:
        yield server


@pytest.fixture
def server(mail):
    settings = simulator.place_of(mail).settings
    return app.Server(**{**settings, "password": Secret(settings["password"])})


def parsed(mail, number=-1):
    return email.message_from_string(mail.state["messages"][number]["content"], policy=email.policy.default)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_conformance(case, mail):
    case.check(simulator.place_of(mail))


def test_manifest():
    assert_manifest_current(HERE)


def test_a_mail_arrives_as_it_was_written(server, mail):
    sent = app.send_email(
        server, Job(key="run-1"), "Alice <alice@mail.example>, bob@mail.example", "Größe: 名前", "a\n.b\n", cc="carol@mail.example",
        bcc="dave@mail.example", reply_to="soc@mail.example", in_reply_to="<first@mail.example>",
    )  # fmt: skip
    found = parsed(mail)
    assert mail.state["messages"][0]["to"] == [
        "alice@mail.example",
        "bob@mail.example",
        "carol@mail.example",
        "dave@mail.example",
    ]
    assert (found["Subject"], found["To"], found["Cc"]) == (
        "Größe: 名前",
        "alice@mail.example, bob@mail.example",
        "carol@mail.example",
    )
    assert "dave" not in mail.state["messages"][0]["content"]
    assert (found["Reply-To"], found["In-Reply-To"], found["Auto-Submitted"]) == (
        "soc@mail.example",
        "<first@mail.example>",
        "auto-generated",
    )
    assert found["Message-ID"] == sent.message_id
    assert found.get_content().splitlines() == ["a", ".b", ""]


def test_html_and_files_go_with_it(server, mail):
    job = Job()
    picture = job.attach("ä.png", b"\x89PNG\0", "image/png")
    odd = job.attach("a/b\r\nX: y", b"1", "message/rfc822")
    app.send_email(
        server,
        job,
        "alice@mail.example",
        "x",
        "text",
        html="<p>hyper</p>",
        attachments=[picture, odd],
        texts={"log.txt": "port 23 ü"},
    )
    found = parsed(mail)
    assert found.get_body(("html",)).get_content().strip() == "<p>hyper</p>"
    assert [(part.get_filename(), part.get_content_type()) for part in found.iter_attachments()] == [
        ("ä.png", "image/png"), ("a_b X: y", "application/octet-stream"), ("log.txt", "text/plain"),
    ]  # fmt: skip
    assert [part.get_payload(decode=True) for part in found.iter_attachments()] == [b"\x89PNG\0", b"1", "port 23 ü".encode()]


def test_nobody_writes_headers_of_their_own(server, mail):
    app.send_email(
        server, Job(), "alice@mail.example", "x\r\nBcc: eve@mail.example\r\n\r\nbody", "y", in_reply_to="<a>\r\nX: y"
    )
    found = parsed(mail)
    assert found["Subject"] == "x Bcc: eve@mail.example body"
    assert found["Bcc"] is found["X"] is None
    assert mail.state["messages"][0]["to"] == ["alice@mail.example"]


def test_the_same_request_has_the_same_identity(server):
    first, again = (app.send_email(server, Job(key="one"), "a@mail.example", "x", "y") for _ in range(2))
    other = app.send_email(server, Job(key="two"), "a@mail.example", "x", "y")
    assert first.message_id == again.message_id != other.message_id


def test_who_is_refused_is_told_and_the_others_get_it(server, mail):
    sent = app.send_email(server, Job(), "nobody@mail.example, alice@mail.example", "x", "y")
    assert sent.accepted == ["alice@mail.example"]
    assert [(one.address, one.reason) for one in sent.refused] == [("nobody@mail.example", "550 5.1.1 no such mailbox")]
    with pytest.raises(ActionFailed, match="takes no mail for nobody@mail") as caught:
        app.send_email(server, Job(), "nobody@mail.example", "x", "y")
    assert caught.value.retry is False
    with pytest.raises(ActionFailed, match=r"452 4\.2\.2 mailbox full") as caught:
        app.send_email(server, Job(), "full@mail.example", "x", "y")
    assert caught.value.retry is True
    assert len(mail.state["messages"]) == 1


def test_a_mail_that_is_too_large_is_not_handed_over(server, mail):
    mail.state["size"] = 2000
    with pytest.raises(ActionFailed, match="at most 2,000 bytes"):
        app.send_email(server, Job(), "alice@mail.example", "x", "y" * 3000)
    assert mail.state["messages"] == []


@pytest.mark.parametrize(
    "address", ["", "alice", "alice@", "@mail.example", "a b@mail.example", "ü@mail.example", "a@b@c.example>"]
)
def test_what_is_no_address_is_refused(server, mail, address):
    with pytest.raises(ActionFailed):
        app.send_email(server, Job(), address, "x", "y")
    assert mail.state["messages"] == []


def test_addresses_are_made_canonical():
    assert messages.addresses_in("Alice <alice@BÜCHER.example>, alice@bücher.example") == ["alice@xn--bcher-kva.example"]
    assert messages.addresses_in("eve[@]evil[.]example") == ["eve@evil.example"]


def test_recipients_are_checked_without_mail(server, mail):
    assert app.check_recipient(server, "alice@mail.example").accepted is True
    found = app.check_recipient(server, "nobody@mail.example")
    assert (found.accepted, found.reason) == (False, "5.1.1 no such mailbox")
    with pytest.raises(ActionFailed, match="mailbox full"):
        app.check_recipient(server, "full@mail.example")
    assert mail.state["messages"] == []


def test_what_the_server_offers(server):
    found = app.get_server_info(server)
    assert (found.encrypted, found.largest, found.extensions) == (False, 1_000_000, ["8BITMIME", "AUTH", "SIZE"])


def test_passwords_never_go_in_the_clear_over_a_network():
    open_ = app.Server(host="192.0.2.25", security="none", user="a", password=Secret("b"), sender="a@mail.example")
    with pytest.raises(ActionFailed, match="in the clear"):
        app.connectivity(open_)


def test_without_the_account_it_is_asked_for(mail):
    settings = {**simulator.place_of(mail).settings, "user": None, "password": None}
    with pytest.raises(ActionFailed, match=r"530 5\.7\.0 authentication required"):
        app.send_email(app.Server(**settings), Job(), "alice@mail.example", "x", "y")


@contextmanager
def silent_after_data():
    """A server that takes a mail and hangs up before it says so."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve():
            connection, _ = listening.accept()
            with connection, connection.makefile("rwb") as talk:
                talk.write(b"220 hello\r\n")
                talk.flush()
                while (line := talk.readline()) != b".\r\n":
                    if line[:4] in (b"ehlo", b"EHLO", b"mail", b"rcpt"):
                        talk.write(b"250 ok\r\n")
                    elif line[:4] == b"data":
                        talk.write(b"354 go on\r\n")
                    talk.flush()

        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1]
        thread.join()


def test_a_lost_answer_leaves_open_whether_the_mail_is_sent():
    with silent_after_data() as port:
        server = app.Server(host="127.0.0.1", port=port, security="none", sender="a@mail.example", timeout_s=5.0)
        with pytest.raises(ActionFailed, match="may be sent or not") as caught:
            app.send_email(server, Job(), "alice@mail.example", "x", "y")
    assert caught.value.retry is False


def test_the_simulator_is_a_program_of_its_own(tmp_path):
    (tmp_path / "state.json").write_text(json.dumps({"refused": {"eve@mail.example": "550 no"}}))
    command = [sys.executable, str(HERE / "simulator.py"), "--state", str(tmp_path / "state.json")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        place = json.loads(process.stdout.readline())
        with smtplib.SMTP(place["host"], place["port"], local_hostname="x", timeout=10) as smtp:
            smtp.login(place["settings"]["user"], place["settings"]["password"])
            smtp.mail("a@mail.example")
            assert smtp.rcpt("eve@mail.example")[0] == 550
        process.stdin.close()
        assert process.wait(10) == 0
