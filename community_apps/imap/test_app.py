"""Mailboxes through real sockets, on the simulator; test_dovecot.py does the same on a real server."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from repertory_sdk import ActionFailed, Job
from repertory_sdk.convert import Secret
from repertory_sdk.loader import load_module
from repertory_sdk.testing import assert_manifest_current, conformance
from repertory_sdk.testing.loading import importable

HERE = Path(__file__).resolve().parent
FIRST = "INBOX/100/7"

with importable(HERE):
    app = load_module(HERE, "app.py")
    import folder_names
    import simulator

    CASES = conformance(
        app.app,
        HERE,
        {
            "list folders": {},
            "search emails": {"subject": "invoice"},
            "get email": {"email": FIRST, "keep": True},
            "move email": {"email": FIRST, "folder": "Trash"},
            "mark email": {"email": FIRST, "mark": "flagged"},
            "delete email": {"email": FIRST},
        },
    )


@pytest.fixture
def mail():
    with simulator.running() as server:
        yield server


@pytest.fixture
def account(mail):
    settings = simulator.place_of(mail).settings
    return app.Account(**{**settings, "password": Secret(settings["password"])})


def folder_of(mail, name="INBOX"):
    return mail.state["folders"][name]["mails"]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_conformance(case, mail):
    case.check(simulator.place_of(mail))


def test_manifest():
    assert_manifest_current(HERE)


def test_folders(account):
    found = {row.folder: row for row in app.list_folders(account).data}
    assert list(found) == ["INBOX", "Trash", "Entwürfe"]
    assert (found["INBOX"].emails, found["INBOX"].unseen, found["Trash"].use) == (1, 1, "Trash")


@pytest.mark.parametrize(
    ("conditions", "count"),
    [({}, 1), ({"sender": "evil.example"}, 1), ({"subject": "none"}, 0), ({"text": "Pay at"}, 1), ({"unseen": True}, 1),
     ({"message_id": "<first@evil.example>"}, 1), ({"text": "ünknown"}, 0), ({"text": 'a"b\\'}, 0), ({"folder": "Entwürfe"}, 0)],
)  # fmt: skip
def test_mails_are_found(account, conditions, count):
    assert len(app.search_emails(account, **conditions).data) == count


def test_a_mail_that_was_found_can_be_read(account, mail):
    (found,) = app.search_emails(account).data
    assert (found.email, found.sender, found.seen) == (FIRST, "juergen@evil.example", False)
    read = app.get_email(account, Job(), found.email)
    assert (read.sender_name, read.subject, read.sent_at) == ("Jürgen", "Your invoice", "2026-01-05T10:00:00+00:00")
    assert (read.urls, read.domains) == (["http://evil.example/pay?a=1"], ["evil.example"])
    assert [(file.name, file.size) for file in read.attachments] == [("invoice.zip", 4)]
    assert folder_of(mail)[0]["flags"] == []


def test_what_is_kept_is_the_mail_and_its_files(account):
    job = Job()
    read = app.get_email(account, job, FIRST, keep=True)
    assert job.attached[read.kept[0]] == simulator.PHISHING.encode()
    assert job.attached[read.attachments[0].sha256] == b"PK\x03\x04"


@pytest.mark.parametrize(
    "capabilities", ["IMAP4rev1 AUTH=PLAIN UIDPLUS MOVE", "IMAP4rev1 AUTH=PLAIN UIDPLUS"], ids=["move", "copy"]
)
def test_a_mail_is_moved_and_moved_back(account, mail, capabilities):
    mail.state["capabilities"] = capabilities
    moved = app.move_email(account, FIRST, "Trash")
    assert (moved.email, folder_of(mail)) == ("Trash/101/8", [])
    back = app.move_email(account, moved.email, "INBOX")
    assert (back.email, len(folder_of(mail)), folder_of(mail, "Trash")) == ("INBOX/100/8", 1, [])
    with pytest.raises(ActionFailed, match="moved or deleted"):
        app.move_email(account, FIRST, "Trash")


def test_where_there_is_no_folder_nothing_is_moved(account, mail):
    with pytest.raises(ActionFailed, match="no such folder"):
        app.move_email(account, FIRST, "Nowhere")
    assert len(folder_of(mail)) == 1


def test_a_mail_is_marked_once(account, mail):
    assert app.mark_email(account, FIRST, "seen").changed is True
    assert app.mark_email(account, FIRST, "seen").changed is False
    assert folder_of(mail)[0]["flags"] == ["\\Seen"]
    assert app.mark_email(account, FIRST, "unseen").changed is True


def test_a_mail_is_deleted_once_and_no_other(account, mail):
    folder_of(mail).append({**folder_of(mail)[0], "uid": 9, "flags": ["\\Deleted"]})
    first, again = app.delete_email(account, FIRST), app.delete_email(account, FIRST)
    assert (first.email, first.changed, again.changed) == ("Trash/101/8", True, False)
    assert app.delete_email(account, first.email).changed is False
    assert app.delete_email(account, first.email, permanently=True).email is None
    assert folder_of(mail, "Trash") == []
    assert [one["uid"] for one in folder_of(mail)] == [9]


def test_a_server_that_would_delete_others_too_is_not_asked(account, mail):
    mail.state["capabilities"] = "IMAP4rev1 AUTH=PLAIN"
    with pytest.raises(ActionFailed, match="no UIDPLUS"):
        app.delete_email(account, FIRST, permanently=True)
    assert len(folder_of(mail)) == 1


@pytest.mark.parametrize("email", ["", "INBOX", "INBOX/1", "INBOX/a/b", "INBOX/1/2/x", 'x"/1/2'])
def test_what_is_no_mail_is_refused(account, email):
    with pytest.raises(ActionFailed):
        app.get_email(account, Job(), email)


def test_numbers_of_a_folder_that_was_made_anew_mean_nothing(account, mail):
    mail.state["folders"]["INBOX"]["validity"] = 4711
    with pytest.raises(ActionFailed, match="made the folder 'INBOX' anew"):
        app.mark_email(account, FIRST, "seen")


def test_a_mail_that_is_too_large_is_not_read(mail):
    settings = simulator.place_of(mail).settings
    small = app.Account(**{**settings, "password": Secret(settings["password"]), "largest_mb": 1})
    folder_of(mail)[0]["content"] += "x" * 1_100_000
    with pytest.raises(ActionFailed, match="raise largest_mb"):
        app.get_email(small, Job(), FIRST)
    assert [event.name for event in app.new_mails(small, {})] == ["Your invoice"]


def test_new_mails_become_events_once(account, mail):
    checkpoint = {}
    (event,) = app.new_mails(account, checkpoint)
    assert (event.name, event.source_id) == ("Your invoice", "<first@evil.example>")
    assert event.values_of("url") == ["http://evil.example/pay?a=1"]
    assert event.values_of("email") == ["juergen@evil.example", "soc@mail.example"]
    assert len(event.values("fileHashSha256")[0]) == 64
    assert event.values_of("mail") == [FIRST]
    assert event.happened_at > 1_700_000_000
    assert list(app.new_mails(account, checkpoint)) == []

    other = {**folder_of(mail)[0], "uid": 12, "content": simulator.PHISHING.replace("first@", "second@")}
    folder_of(mail).append(other)
    assert [event.source_id for event in app.new_mails(account, checkpoint)] == ["<second@evil.example>"]


def test_a_folder_that_was_made_anew_brings_nothing_twice(account, mail):
    checkpoint = {}
    assert len(list(app.new_mails(account, checkpoint))) == 1
    mail.state["folders"]["INBOX"]["validity"] = 4711
    assert list(app.new_mails(account, checkpoint)) == []
    assert checkpoint["validity"] == 4711


def test_many_mails_come_in_portions(account, mail):
    one = folder_of(mail)[0]
    folder_of(mail)[:] = [{**one, "uid": n, "content": one["content"].replace("first@", f"m{n}@")} for n in range(1, 121)]
    checkpoint = {}
    assert [len(list(app.new_mails(account, checkpoint))) for _ in range(4)] == [50, 50, 20, 0]


def test_passwords_never_go_in_the_clear_over_a_network():
    with pytest.raises(ActionFailed, match="in the clear"):
        app.connectivity(app.Account(host="192.0.2.25", security="none", user="a", password=Secret("b")))
    with pytest.raises(ActionFailed, match="neither password nor token"):
        app.connectivity(app.Account(host="192.0.2.25", user="a"))


@pytest.mark.parametrize("name", ["INBOX", "Entwürfe", "a & b", "名前/é", 'quo"te\\', "&", "&-"])
def test_names_of_folders_go_over_the_wire_and_back(name):
    wire = folder_names.encoded(name)
    assert wire.isascii()
    assert folder_names.listed(f'(\\HasNoChildren) "/" {wire}'.encode())[0] == name


@pytest.mark.parametrize(
    ("row", "name"),
    [(b'(\\Sent) NIL Sent', "Sent"), ((b'() "/" {6}', b"Sent &"), "Sent &"), (b"nonsense", ""), (b'() "\\\\" "&x-"', "&x-")],
)  # fmt: skip
def test_rows_of_folders(row, name):
    assert folder_names.listed(row)[0] == name


def test_the_simulator_is_a_program_of_its_own():
    with subprocess.Popen(
        [sys.executable, str(HERE / "simulator.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        settings = json.loads(process.stdout.readline())["settings"]
        assert app.connectivity(app.Account(**{**settings, "password": Secret(settings["password"])})).endswith("has 1 mails")
        process.stdin.close()
        assert process.wait(10) == 0
