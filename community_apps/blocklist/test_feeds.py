"""Where block lists come from: real files and a real web server."""

from __future__ import annotations

import base64
import gzip
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from repertory_sdk import ActionFailed, Secret
from repertory_sdk.loader import load_module
from repertory_sdk.testing.loading import importable

HERE = Path(__file__).resolve().parent

with importable(HERE):  # other apps have modules of these names too: each test module keeps its own
    app = load_module(HERE, "app.py")
    import feeds

DROP = "; Spamhaus DROP List\n192.0.2.0/24 ; SBL111\n"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")


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


# ---------------------------------------------------------------------------------- files


def test_a_changed_file_is_read_at_once(listed, tmp_path):
    lists = listed("192.0.2.7\n")
    assert ask_ip(lists, "192.0.2.8").verdict == "unknown"

    (tmp_path / "feed.txt").write_text("192.0.2.8\n192.0.2.9\n")

    assert ask_ip(lists, "192.0.2.8").verdict == "malicious"
    assert ask_ip(lists, "192.0.2.7").verdict == "unknown"


@pytest.mark.parametrize("breakage", ["gone", "useless"])
def test_a_feed_that_breaks_keeps_what_it_had_and_says_so(listed, tmp_path, breakage):
    lists = listed("192.0.2.7\n")
    assert app.ip_reputation(lists, "192.0.2.7").message == ""

    path = tmp_path / "feed.txt"
    path.unlink() if breakage == "gone" else path.write_text("<html>Please log in</html>\n")
    kept = app.ip_reputation(lists, "192.0.2.7")

    assert kept.data.verdict == "malicious"
    assert kept.message.startswith(f"older entries were used: feed {path}")
    with pytest.raises(ActionFailed, match=r"feed\.txt"):
        app.test_connectivity(lists)

    path.write_text("192.0.2.7\n192.0.2.8\n192.0.2.9\n")
    assert app.ip_reputation(lists, "192.0.2.9").data.verdict == "malicious"
    assert app.ip_reputation(lists, "192.0.2.9").message == ""


def test_packed_files_are_unpacked(listed):
    assert ask_ip(listed(gzip.compress(DROP.encode()), name="drop.gz"), "192.0.2.1").note == "SBL111"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "nothing usable in it (0 lines not understood)"),
        (b"# only a comment\n", "nothing usable in it (0 lines"),
        (b"<html>\n<body>\n", "nothing usable in it (2 lines"),
        (bytes(range(256)) * 10, "nothing usable"),
        (b'{"cidr": 5}\n{"cidr"\n7\n', "nothing usable in it (3 lines"),
        (gzip.compress(b"192.0.2.7\n", mtime=0)[:-9], "cannot be read"),
        (b"\x1f\x8b", "cannot be read"),
        (b"\x1f\x8b garbage that is not gzip", "cannot be read"),
    ],
)
def test_a_useless_feed_fails_by_name(listed, content, said):
    lists = listed(content)

    with pytest.raises(ActionFailed) as failure:
        app.ip_reputation(lists, "192.0.2.7")

    assert lists.feeds[0] in str(failure.value)
    assert said in str(failure.value)


def test_a_packed_bomb_is_refused(listed, monkeypatch):
    monkeypatch.setattr(feeds, "SIZE_LIMIT", 2_000_000)

    with pytest.raises(ActionFailed, match="unpacks to more than"):
        app.test_connectivity(listed(gzip.compress(b"\n" * 3_000_000)))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"feeds": []}, "no feed is configured"),
        ({"feeds": ["relative/path.txt"]}, "neither an absolute path nor an http"),
        ({"feeds": ["file:///etc/hosts"]}, "neither an absolute path nor an http"),
        ({"feeds": ["http://"]}, "neither an absolute path nor an http"),
        ({"feeds": ["http://lists.example:x/"]}, "neither an absolute path nor an http"),
        ({"feeds": ["http://[::1/list"]}, "neither an absolute path nor an http"),
        ({"feeds": ["http://lists.example/a b\r\nX: y"]}, "neither an absolute path nor an http"),
        ({"feeds": ["http://lists.example/"], "token": Secret("a\nb")}, "token has characters"),
        ({"feeds": ["/nowhere/at/all.txt"]}, "cannot be read: No such file"),
        ({"feeds": ["/"]}, "cannot be read: it is not a file"),
        ({"feeds": ["/dev/zero"]}, "cannot be read: it is not a file"),
        ({"feeds": ["http://127.0.0.1:1/list"]}, "cannot be downloaded: .*refused"),
    ],
)
def test_settings_that_cannot_work_are_named(settings, said):
    with pytest.raises(ActionFailed, match=said):
        app.ip_reputation(app.Lists(**settings), "192.0.2.7")


# ----------------------------------------------------------------------------------- HTTP


class Site(ThreadingHTTPServer):
    """A web server that keeps what it was asked."""

    def __init__(self):
        self.seen = []
        self.pages = {}
        self.released = threading.Event()
        super().__init__(("127.0.0.1", 0), Page)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"


class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.seen.append(dict(self.headers))
        page = self.server.pages[self.path.partition("?")[0]]
        if page == "silent":
            self.server.released.wait(30)
            return
        status, headers, body = page
        if status == 200 and headers.get("ETag") and headers["ETag"] == self.headers.get("If-None-Match"):
            status, headers, body = 304, {}, b""
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def site():
    server = Site()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.released.set()
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_feed_is_downloaded_once_and_asked_for_changes(site):
    site.pages["/lists/drop.txt"] = (200, {"ETag": '"1"'}, DROP.encode())
    lists = app.Lists(feeds=[f"{site.url}/lists/drop.txt?key=hidden"], refresh_s=0)

    first = ask_ip(lists, "192.0.2.1")
    again = ask_ip(lists, "192.0.2.1")
    assert app.ip_reputation(lists, "192.0.2.1").message == ""
    site.pages["/lists/drop.txt"] = (200, {"ETag": '"2"'}, b"192.0.9.0/24\n")
    changed = ask_ip(lists, "192.0.2.1")

    assert first.feed == "drop.txt"
    assert [found.verdict for found in (first, again, changed)] == ["malicious", "malicious", "unknown"]
    assert [headers.get("If-None-Match") for headers in site.seen] == [None, '"1"', '"1"', '"1"']


def test_a_feed_is_not_downloaded_again_before_its_time(site):
    site.pages["/drop.gz"] = (200, {}, gzip.compress(DROP.encode()))
    lists = app.Lists(feeds=[f"{site.url}/drop.gz"])

    assert {ask_ip(lists, "192.0.2.1").verdict for _ in range(3)} == {"malicious"}
    assert len(site.seen) == 1


def test_the_token_is_sent_but_not_where_a_redirect_leads(site):
    site.pages["/here"] = (302, {"Location": "/there"}, b"")
    site.pages["/there"] = (200, {}, b"192.0.2.7\n")
    lists = app.Lists(feeds=[f"{site.url}/here"], token=Secret("t0ken"))

    assert ask_ip(lists, "192.0.2.7").verdict == "malicious"
    assert [headers.get("Authorization") for headers in site.seen] == ["Bearer t0ken", None]


def test_user_and_password_of_a_url_are_sent_as_such(site):
    site.pages["/list"] = (200, {}, b"192.0.2.7\n")
    lists = app.Lists(feeds=[f"{site.url.replace('//', '//me:p%40ss@')}/list"], token=Secret("t0ken"))

    assert ask_ip(lists, "192.0.2.7").feed == "list"
    assert site.seen[0]["Authorization"] == f"Basic {base64.b64encode(b'me:p@ss').decode()}"


@pytest.mark.parametrize(
    ("page", "said", "retry"),
    [
        ((401, {}, b""), "HTTP 401 Unauthorized; it wants another token", False),
        ((404, {}, b""), "HTTP 404 Not Found; check the URL", False),
        ((429, {}, b""), "HTTP 429", True),
        ((503, {}, b""), "HTTP 503", True),
        ((304, {}, b""), "HTTP 304", False),
        ((200, {"Content-Length": "500"}, b"192.0.2.7\n"), "broke off after 10 bytes", True),
        ((200, {}, b"192.0.2.7\n" * 200_000), "is larger than 1 MB", False),
        ((200, {}, b"<html>log in</html>"), "nothing usable", False),
        ((302, {"Location": "/list"}, b""), "infinite loop", False),
        ("silent", "timed out", True),
    ],
)
def test_a_download_that_fails_is_explained(site, monkeypatch, page, said, retry):
    monkeypatch.setattr(feeds, "TIMEOUT_S", 0.3)
    monkeypatch.setattr(feeds, "SIZE_LIMIT", 1 << 20)
    site.pages["/list"] = page

    with pytest.raises(ActionFailed) as failure:
        app.test_connectivity(app.Lists(feeds=[f"{site.url.replace('//', '//user:pass@')}/list?key=hidden"]))

    assert said in str(failure.value)
    assert str(failure.value).startswith(f"feed {site.url}/list")
    assert "hidden" not in str(failure.value) and "pass" not in str(failure.value)
    assert failure.value.retry is retry


def test_a_server_in_trouble_leaves_the_older_entries(site):
    site.pages["/list"] = (200, {}, b"192.0.2.7\n")
    lists = app.Lists(feeds=[f"{site.url}/list"], refresh_s=0)
    assert ask_ip(lists, "192.0.2.7").verdict == "malicious"

    site.pages["/list"] = (500, {}, b"")
    kept = app.ip_reputation(lists, "192.0.2.7")

    assert kept.data.verdict == "malicious"
    assert "HTTP 500" in kept.message
