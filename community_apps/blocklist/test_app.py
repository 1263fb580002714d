"""Block lists: every format, every verdict."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from repertory_sdk import ActionFailed
from repertory_sdk.loader import load_module
from repertory_sdk.manifest import load_app
from repertory_sdk.testing import assert_manifest_current
from repertory_sdk.testing.loading import importable

HERE = Path(__file__).resolve().parent

with importable(HERE):  # other apps have an app.py too: each test module keeps its own
    app = load_module(HERE, "app.py")


@pytest.fixture
def listed(tmp_path):
    """Writes a feed and returns the asset that has it."""

    def write(content, *, name="feed.txt", **settings):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return app.Lists(feeds=[str(path)], **settings)

    return write


def ask_ip(lists, ip):
    return app.ip_reputation(lists, ip).data


def ask_domain(lists, domain):
    return app.domain_reputation(lists, domain).data


# -------------------------------------------------------------------------------- formats

DROP = """; Spamhaus DROP List 2024/01/01
; Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT
192.0.2.0/24 ; SBL111
198.51.100.0/22 ; SBL222
"""
DROP_JSON = """{"cidr":"192.0.2.0/24","sblid":"SBL111","rir":"ripencc"}
{"cidr":"2001:db8::/32","sblid":"SBL333","rir":"arin"}
{"type":"metadata","timestamp":1704067200,"size":2,"records":2}
"""
NETSET = """#
# example_level1
# Category: attacks
#
192.0.2.0/24
203.0.113.9
"""
HOSTS = """# hosts
127.0.0.1 localhost
127.0.0.1 localhost.localdomain
::1 localhost ip6-localhost
0.0.0.0 0.0.0.0
0.0.0.0 evil.example  # phishing
127.0.0.1\tworse.example another.example
:: sixth.example
"""
PLAIN = """evil.example
*.wild.example
||blocked.example^
||192.0.2.66^
192.0.2.7
198.51.100.10-198.51.100.17
203.0.113.1 - 203.0.113.1
2001:db8:1::/48
192.0.2.8\t12
"""
CSV = """first_seen,dst_ip,dst_port,malware
2024-01-01 00:00:00,192.0.2.7,443,Botnet
2024-01-01 00:00:00,"2001:db8::1",443,"Botnet, second"
"""
CSV_COMMENTED = """# Exported list
# id,domain,threat
"1","evil.example","phishing"
"""
CSV_BARE = "192.0.2.7,seen twice\nevil.example,once\n"


@pytest.mark.parametrize(
    ("text", "ip", "entry", "note"),
    [
        (DROP, "192.0.2.200", "192.0.2.0/24", "SBL111"),
        (DROP, "198.51.103.255", "198.51.100.0/22", "SBL222"),
        (DROP_JSON, "192.0.2.1", "192.0.2.0/24", "SBL111"),
        (DROP_JSON, "2001:db8:ffff::1", "2001:db8::/32", "SBL333"),
        (NETSET, "192.0.2.1", "192.0.2.0/24", None),
        (NETSET, "203.0.113.9", "203.0.113.9", None),
        (PLAIN, "192.0.2.66", "192.0.2.66", None),
        (PLAIN, "192.0.2.7", "192.0.2.7", None),
        (PLAIN, "192.0.2.8", "192.0.2.8", "12"),
        (PLAIN, "198.51.100.10", "198.51.100.10/31", None),
        (PLAIN, "198.51.100.17", "198.51.100.16/31", None),
        (PLAIN, "203.0.113.1", "203.0.113.1", None),
        (PLAIN, "2001:db8:1:2::3", "2001:db8:1::/48", None),
        (CSV, "192.0.2.7", "192.0.2.7", "Botnet"),
        (CSV, "2001:db8::1", "2001:db8::1", "Botnet, second"),
        (CSV_BARE, "192.0.2.7", "192.0.2.7", None),
        ("10.1.2.3/8\n", "10.200.0.1", "10.0.0.0/8", None),
        ("\ufeff192.0.2.7\r\n", "192.0.2.7", "192.0.2.7", None),
        ("192.0.2.7 # noted", "192.0.2.7", "192.0.2.7", "noted"),
    ],
)
def test_addresses_are_found_in_every_format(listed, text, ip, entry, note):
    found = ask_ip(listed(text), ip)

    assert (found.ip, found.verdict, found.feed, found.entry, found.note) == (ip, "malicious", "feed.txt", entry, note)


@pytest.mark.parametrize(
    ("text", "domain", "entry", "note"),
    [
        (HOSTS, "evil.example", "evil.example", "phishing"),
        (HOSTS, "another.example", "another.example", None),
        (HOSTS, "sixth.example", "sixth.example", None),
        (PLAIN, "www.evil.example", "evil.example", None),
        (PLAIN, "EVIL.example.", "evil.example", None),
        (PLAIN, "a.b.wild.example", "*.wild.example", None),
        (PLAIN, "blocked.example", "blocked.example", None),
        (CSV_COMMENTED, "evil.example", "evil.example", "phishing"),
        (CSV_BARE, "evil.example", "evil.example", None),
        ("bücher.example\n", "xn--bcher-kva.example", "xn--bcher-kva.example", None),
        ("xn--bcher-kva.example\n", "Bücher.example", "xn--bcher-kva.example", None),
        (".evil.example\n", "www.evil.example", "evil.example", None),
    ],
)
def test_domains_are_found_in_every_format(listed, text, domain, entry, note):
    found = ask_domain(listed(text), domain)

    assert (found.domain, found.verdict, found.entry, found.note) == (domain, "malicious", entry, note)


@pytest.mark.parametrize(
    ("text", "ip"),
    [
        (DROP, "192.0.3.0"),
        (DROP, "0.0.0.0"),
        (DROP, "255.255.255.255"),
        (DROP, "::1"),
        (PLAIN, "198.51.100.9"),
        (PLAIN, "198.51.100.18"),
        (HOSTS, "0.0.0.0"),
        (HOSTS, "127.0.0.1"),
        (PLAIN, "2001:db8:2::"),
        (PLAIN, "10.0.0.1"),
    ],
)
def test_what_no_feed_lists_is_unknown(listed, text, ip):
    found = ask_ip(listed(text), ip)

    assert (found.verdict, found.feed, found.entry) == ("unknown", None, None)


@pytest.mark.parametrize("domain", ["example", "evil.example.org", "notevil.example", "wild.example", "localhost"])
def test_other_domains_are_unknown(listed, domain):
    assert ask_domain(listed(PLAIN + HOSTS), domain).verdict == "unknown"


@pytest.mark.parametrize(
    "line",
    [
        "256.1.1.1", "010.1.1.1", "1.2.3", "1.2.3.4/33", "1.2.3.4/", "1.2.3.4/-1", "1.2.3.4/٣", "0.0.0.0/0", "::/0",
        "1.2.3.9-1.2.3.1", "1.2.3.4-::1", "0.0.0.0-255.255.255.255", "2001:db8::1::2", "fe80::1%eth0", "12345::",
        "com", "co.uk", "@@||fine.example^", "http://evil.example/", "-evil.example", "evil..example",
        "a" * 64 + ".example", ("a" * 60 + ".") * 5 + "example", "<html>", "evil_%.example", "\x00", "1.2.3.4:80",
    ],
)  # fmt: skip
def test_lines_that_say_nothing_known_are_counted(listed, line):
    lists = listed(f"192.0.2.7\n{line}\n")

    assert app.test_connectivity(lists) == "feed.txt: 1 network (1 line not understood, the first is line 2)"


def test_connectivity_tells_what_every_feed_holds(listed, tmp_path):
    lists = listed(HOSTS)
    (tmp_path / "drop.txt").write_text(DROP)
    lists = app.Lists(feeds=[*lists.feeds, str(tmp_path / "drop.txt")])

    assert app.test_connectivity(lists) == "feed.txt: 4 domains; drop.txt: 2 networks"


# ------------------------------------------------------------------------------- verdicts


def test_the_most_specific_entry_wins_over_all_feeds(listed, tmp_path):
    (tmp_path / "narrow.txt").write_text("192.0.2.128/25 ; narrow\nwww.evil.example # narrow\n")
    (tmp_path / "same.txt").write_text("192.0.2.128/25 ; later\n")
    wide = listed("192.0.2.0/24 ; wide\n192.0.0.0/16 ; wider\nevil.example # wide\n").feeds
    lists = app.Lists(feeds=[*wide, str(tmp_path / "narrow.txt"), str(tmp_path / "same.txt")])

    assert [ask_ip(lists, ip).note for ip in ("192.0.2.129", "192.0.2.1", "192.0.9.1")] == ["narrow", "wide", "wider"]
    assert [ask_domain(lists, name).note for name in ("a.www.evil.example", "evil.example")] == ["narrow", "wide"]


def test_a_known_good_entry_wins_over_every_feed(listed, tmp_path):
    (tmp_path / "good.txt").write_text("192.0.2.0/24 # ours\ngood.evil.example\n")
    lists = listed("192.0.2.7\nevil.example\n", allow=[str(tmp_path / "good.txt")])

    found = ask_ip(lists, "192.0.2.7")
    assert (found.verdict, found.feed, found.entry, found.note) == ("benign", "good.txt", "192.0.2.0/24", "ours")
    assert ask_domain(lists, "good.evil.example").verdict == "benign"
    assert ask_domain(lists, "evil.example").verdict == "malicious"


def test_settings_say_what_a_hit_and_a_miss_mean(listed):
    lists = listed("192.0.2.7\n", verdict="suspicious", unlisted="benign")

    assert [ask_ip(lists, ip).verdict for ip in ("192.0.2.7", "192.0.2.8")] == ["suspicious", "benign"]


def test_an_ipv4_address_written_as_ipv6_is_the_same_address(listed):
    assert ask_ip(listed("192.0.2.7\n"), "::ffff:192.0.2.7").entry == "192.0.2.7"
    assert ask_ip(listed("::ffff:192.0.2.7\n"), "192.0.2.7").entry == "192.0.2.7"


@pytest.mark.parametrize(
    "ip",
    ["", " ", "1.2.3", "256.1.1.1", "010.1.1.1", "1.2.3.4/32", "evil.example", "\u0661.2.3.4", "::g", "fe80::1%1",
     "1.2.3.4\0"],
)  # fmt: skip
def test_what_is_no_address_is_refused(listed, ip):
    with pytest.raises(ActionFailed, match="is not an IP address"):
        app.ip_reputation(listed("192.0.2.7\n"), ip)


@pytest.mark.parametrize(
    "domain", ["", ".", "a b", "1.2.3.4", "evil..example", "http://evil.example", "x" * 64, "\ud800.example"]
)
def test_what_is_no_domain_is_refused(listed, domain):
    with pytest.raises(ActionFailed, match="is not a domain name"):
        app.domain_reputation(listed("192.0.2.7\n"), domain)


# ---------------------------------------------------------------------------- description


def test_the_manifest_is_what_the_code_says():
    assert_manifest_current(HERE)


def test_the_readme_names_everything_in_the_manifest():
    manifest = load_app(json.loads((HERE / "app.json").read_text("utf-8")))
    outputs = [output.path for action in manifest.actions for output in action.outputs]
    names = [setting.name for setting in manifest.settings] + outputs
    permissions = [*manifest.permissions.hosts, *manifest.permissions.files]
    readme = (HERE / "README.md").read_text("utf-8")

    assert [name for name in [*names, *permissions] if f"`{name}`" not in readme] == []
    assert [action.name for action in manifest.actions if f"### {action.name}\n" not in readme] == []
