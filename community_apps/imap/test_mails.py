"""What strangers put into mails."""

from __future__ import annotations

import hashlib
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repertory_sdk.loader import load_module
from repertory_sdk.testing.loading import importable

HERE = Path(__file__).resolve().parent

with importable(HERE):
    load_module(HERE, "app.py")
    import conversation
    import mails


def read(content):
    return mails.read(conversation.Raw(1, (), len(content), 0.0, content))


@pytest.mark.parametrize(
    ("text", "urls"),
    [
        ("see http://a.example/x?y=1.", ["http://a.example/x?y=1"]),
        ("hxxps://evil[.]example/a, or h**p://b.example", ["https://evil.example/a", "http://b.example"]),
        ("(https://bücher.example/ü)", ["https://xn--bcher-kva.example/ü"]),
        ("javascript:alert(1) http:// http://[::1 ftp://a.example", []),
        ("http://a.example http://a.example", ["http://a.example"]),
    ],
)
def test_urls_in_text(text, urls):
    assert read(f"Content-Type: text/plain; charset=utf-8\n\n{text}".encode()).urls == urls


def test_urls_and_text_in_html():
    page = "<p>Pay <a href='http://evil.example/?a=1&amp;b=2'>https://bank.example</a><br>now</p><script>var x='http://no.example'</script>"
    found = read(f"Content-Type: text/html\n\n{page}".encode())
    assert found.urls == ["http://evil.example/?a=1&b=2", "https://bank.example", "http://no.example"]
    assert "now" in found.text
    assert "var x" not in found.text


def test_a_reported_mail_is_looked_into():
    inner = EmailMessage()
    inner["From"], inner["Subject"] = "eve@evil.example", "inner"
    inner.set_content("http://evil.example/inner")
    inner.add_attachment(b"MZ", maintype="application", subtype="octet-stream", filename="a/b.exe")
    outer = EmailMessage()
    outer["From"], outer["To"] = "alice@mail.example", "soc@mail.example"
    outer.set_content("I got this")
    outer.add_attachment(inner)
    found = read(outer.as_bytes())
    assert (found.sender, found.urls) == ("alice@mail.example", ["http://evil.example/inner"])
    assert [(file.name, file.sha256) for file in found.files] == [("a_b.exe", hashlib.sha256(b"MZ").hexdigest())]


@pytest.mark.parametrize(
    ("header", "subject"),
    [
        ("=?utf-8?b?R3LDtsOfZQ==?=", "Größe"), ("=?no-such-set?q?=E4?=", "ä"), ("=?utf-8?q?=ff?=", "ÿ"), ("=?utf-8?b?%%%?=", None),
        ("plain\n folded", "plain folded"), ("a\0b", "a b"),
    ],
)  # fmt: skip
def test_subjects(header, subject):
    found = read(f"Subject: {header}\n\nx".encode()).subject
    assert subject is None or found == subject


def test_an_empty_mail_is_one():
    found = read(b"")
    assert (found.sender, found.subject, found.text, found.files, found.sent_at) == (None, "", "", [], None)
    assert found.identity.startswith("sha256:")


def test_bombs_stay_small():
    nested = b""
    for number in range(300):
        nested += b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (number, number)
    assert read(nested + b"\n\nx").subject == ""
    many = b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\nContent-Type: image/png\n\nx\n" * 5000 + b"--b--"
    assert len(read(many).files) == mails.MOST
    urls = "\n".join(f"http://h{number}.example" for number in range(5000))
    assert len(read(f"\n\n{urls}".encode()).urls) == mails.MOST


def test_the_way_and_what_was_found_on_it():
    found = read(b"Received: from b\nReceived: from a\nAuthentication-Results: mx; spf=fail\nDate: nonsense\n\nx")
    assert (found.received, found.authentication, found.sent_at) == (["from b", "from a"], ["mx; spf=fail"], None)


@settings(max_examples=150, deadline=None)
@given(
    st.binary(max_size=400),
    st.sampled_from([b"", b"Content-Type: multipart/mixed; boundary=b\n\n--b\n", b"Subject: =?", b"From: "]),
)
def test_nothing_that_strangers_write_makes_it_fail(content, before):
    found = read(before + content)
    assert mails.event_of(found, "INBOX/1/1", 0.0).source == "imap"
