"""Squid through SSH: the simulated one, and a real one with a configuration of its own."""

from __future__ import annotations

import http.server
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import ClassVar

import pytest

from repertory_sdk import ActionFailed
from repertory_sdk.app_worker import make_asset
from repertory_sdk.loader import load_module
from repertory_sdk.testing import assert_manifest_current, conformance
from repertory_sdk.testing.loading import importable
from repertory_sdk.testing.place import tcp_faults
from runtime_lab import until
from ssh_server import program, ssh_server

HERE = Path(__file__).resolve().parent
HOST = "127.0.0.1"

with importable(HERE):
    app = load_module(HERE, "app.py")
    import blocklists
    import simulator

    CASES = conformance(
        app.app,
        HERE,
        {
            "block domain": {"domain": "bad.example"},
            "unblock domain": {"domain": "bad.example"},
            "list blocked domains": {},
            "block url": {"url": "http://bad.example/a/b.html?c=d"},
            "unblock url": {"url": "http://bad.example/a/b.html?c=d"},
            "list blocked urls": {},
            "check url": {"url": "http://bad.example/"},
            "get status": {},
        },
        local=["check url"],  # it talks to another port: see below
    )


def asset(settings, **changed):
    return make_asset(app.Proxy, {"name": "test", "settings": {**settings, **changed}})


@pytest.fixture
def place():
    with simulator.running() as place:
        yield place


@pytest.mark.parametrize("case", CASES, ids=str)
def test_conformance(case, place):
    case.check(place)


def test_manifest():
    assert_manifest_current(HERE)


# ---------------------------------------------------------------- simulated


def test_a_file_that_squid_would_not_read_is_taken_back(place):
    files = simulator.simulator.state["files"]
    with pytest.raises(ActionFailed, match=r"Squid: squid -k parse failed with exit code 1 .*FATAL: Bungled squid.conf line 3"):
        app.block_domain(asset(place.settings), "bungled.example")
    assert files[simulator.DOMAINS] == ".old.example\n"
    assert app.check_url(asset(place.settings), "http://bungled.example/").denied is False


def test_a_block_that_cannot_be_seen_is_made_and_told(place):
    with socket.socket() as nobody:
        nobody.bind((HOST, 0))
        change = app.block_domain(asset(place.settings, proxy_port=nobody.getsockname()[1], settle_s=0.2), "bad.example")
    assert (change.blocked, change.changed, change.verified) == (True, True, False)
    assert "cannot be reached" in change.answer


def test_a_proxy_that_refuses_everything_proves_nothing(place):
    simulator.simulator.state["files"][simulator.DOMAINS] = ".invalid\n"
    change = app.block_domain(asset(place.settings), "bad.example")
    assert (change.verified, change.answer) == (False, "403 ERR_ACCESS_DENIED, as to everything that this machine asks for")
    with pytest.raises(ActionFailed, match="refuses everything that this machine asks for; let it use"):
        app.connectivity(asset(place.settings))


@pytest.mark.parametrize("fault", ["connection refused", "time-out", "cut off", "garbage"])
def test_a_proxy_that_does_not_answer(place, fault):
    with tcp_faults(place.settings, host="proxy_host", port="proxy_port")[fault]() as settings:
        with pytest.raises(ActionFailed, match=r"Squid: the proxy at 127.0.0.1:\d+ .*; check proxy_host") as failed:
            app.check_url(asset(settings, timeout_s=0.3), "http://www.example/")
        assert failed.value.retry


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://bad.example/a", "of https it sees the host only .bad.example.*; block the domain"),
        ("http://10.1.2.3/a", "10.1.2.3 is protected"),
        ("http://localhost/a", "."),
        ("http://printer.local/", "is protected"),
        ("http://[2606:4700:4700::1111]/", "is protected"),
    ],
)
def test_urls_that_are_not_blocked(place, url, told):
    with pytest.raises(ActionFailed, match=told):
        app.block_url(asset(place.settings), url)
    assert simulator.simulator.state["files"][simulator.URLS] == ""


def test_https_where_it_is_decrypted(place):
    change = app.block_url(asset(place.settings, decrypts_tls=True, verify=False), "https://bad.example:443/a#b")
    assert (change.url, change.blocked) == ("https://bad.example/a", True)


def test_a_domain_takes_the_place_of_what_is_in_it(place):
    proxy = asset(place.settings)
    app.block_domain(proxy, "x.bad.example")
    app.block_domain(proxy, "bad.example")
    assert [row.domain for row in app.list_blocked_domains(proxy).data] == ["bad.example", "old.example"]
    below = app.block_domain(proxy, "y.bad.example")
    assert (below.changed, below.by, below.verified) == (False, "bad.example", True)
    with pytest.raises(ActionFailed, match=r"is blocked as part of bad.example"):
        app.unblock_domain(proxy, "y.bad.example")


def test_squid_that_does_not_run(place):
    simulator.simulator.state["running"] = False
    assert app.get_status(asset(place.settings)).running is False
    with pytest.raises(ActionFailed, match="does not run on"):
        app.connectivity(asset(place.settings))


def test_lines_that_somebody_else_wrote_stay():
    text = "# by hand\n^http://hand\\.example/\n# URL http://a.example/\n^http://a\\.example/\n"
    found = blocklists.urls(text)
    assert found == {"^http://hand\\.example/": "^http://hand\\.example/", "http://a.example/": "^http://a\\.example/"}
    assert blocklists.urls(blocklists.as_urls(found).decode()) == found


# ---------------------------------------------------------------- real


def free_port():
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


class _Site(http.server.BaseHTTPRequestHandler):
    """A site that counts its visits."""

    visits: ClassVar[list] = []

    def do_GET(self):
        self.visits.append(self.path)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def site():
    with http.server.ThreadingHTTPServer((HOST, 0), _Site) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def folder():
    """Where Squid's own account can be, too: as root it becomes another one."""
    made = Path(tempfile.mkdtemp(prefix="squid-"))
    made.chmod(0o755)
    if os.geteuid() == 0:
        try:
            account = pwd.getpwnam("proxy")
        except KeyError:
            pytest.skip("there is no account for Squid")
        os.chown(made, account.pw_uid, account.pw_gid)
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def squid(folder, site, tmp_path_factory):
    """Settings of an asset for a Squid with a configuration of its own, to which every name is this machine."""
    port, config = free_port(), folder / "squid.conf"
    for name in ("domains.txt", "urls.txt"):
        (folder / name).touch()
    (folder / "hosts").write_text("".join(f"{HOST} {name}\n" for name in ("www.site.test", "site.test", "other.test")))
    config.write_text(
        f"http_port {HOST}:{port}\npid_filename {folder}/squid.pid\naccess_log none\ncache_log {folder}/cache.log\ncache deny all\n"
        f"coredump_dir {folder}\nhosts_file {folder}/hosts\npinger_enable off\nnetdb_filename none\nshutdown_lifetime 0 seconds\n"
        f'visible_hostname squid.test\nacl domains dstdomain "{folder}/domains.txt"\nacl urls url_regex -i "{folder}/urls.txt"\n'
        "http_access deny domains\nhttp_access deny urls\nhttp_access allow all\n"
    )
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program("squid"), "-N", "-f", str(config)], stdout=log, stderr=log)
    settings = {"host": HOST, "proxy_port": port, "config_file": str(config)}
    settings.update(domains_file=str(folder / "domains.txt"), urls_file=str(folder / "urls.txt"))
    try:
        until(lambda: _listens(port) or process.poll() is not None, "Squid listens")
        assert process.poll() is None, (folder / "log").read_text()
        with ssh_server(tmp_path_factory.mktemp("ssh")) as server:
            yield {**server.settings, **settings}
    finally:
        process.terminate()
        process.wait()


def _listens(port):
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


@pytest.fixture
def real(squid):
    yield asset(squid)
    for name in ("domains_file", "urls_file"):
        Path(squid[name]).write_text("")
    subprocess.run([program("squid"), "-f", squid["config_file"], "-k", "reconfigure"], check=True)


def visit(proxy, url):
    """As a user of the proxy does it."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({"http": f"http://{HOST}:{proxy.proxy_port}"}))
    try:
        with opener.open(url, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_a_domain_is_really_refused_and_back(real, site):
    url = f"http://www.site.test:{site}/page"
    assert visit(real, url) == 200
    _Site.visits.clear()
    change = app.block_domain(real, "Site.test")
    assert (change.domain, change.changed, change.verified, change.answer) == ("site.test", True, True, "403 ERR_ACCESS_DENIED")
    assert (visit(real, url), visit(real, f"http://other.test:{site}/")) == (403, 200)
    assert app.block_domain(real, "site.test").changed is False
    back = app.unblock_domain(real, "site.test")
    assert (back.changed, back.verified, back.blocked) == (True, True, False)
    assert visit(real, url) == 200
    assert _Site.visits == ["/", "/page"]  # nothing but what the test itself visited
    assert app.unblock_domain(real, "site.test").changed is False


URLS = {
    "/a.html": (["/a.html", "/a.html?x=1", "/A.html", "/a.html/b"], ["/aXhtml", "/a.htmlx", "/b/a.html"]),
    "/s?q=1&r=(2)": (["/s?q=1&r=(2)"], ["/s", "/s?q=2"]),
    "/ü/%20x": (["/%C3%BC/%20x", "/%c3%bc/%20x"], ["/u/x"]),
    "/below/": (["/below/", "/below/anything"], ["/below", "/belo"]),
    "/$[a]*+{b}|^": (["/$[a]*+{b}|^"], ["/$aaab"]),
}


def test_urls_are_really_refused_and_what_is_beside_them_is_not(squid, real, site):
    place = f"http://site.test:{site}"
    for path in list(URLS)[:-1]:
        app.block_url(asset(squid, verify=False), f"{place}{path}")
    change = app.block_url(real, f"{place}{list(URLS)[-1]}")
    assert (change.changed, change.verified, change.answer) == (True, True, "403 ERR_ACCESS_DENIED")
    refused, passed = ([path for both in URLS.values() for path in both[side]] for side in (0, 1))
    assert {path: visit(real, place + path) for path in refused} == dict.fromkeys(refused, 403)
    assert {path: visit(real, place + path) for path in passed} == dict.fromkeys(passed, 200)
    assert len(app.list_blocked_urls(real).data) == len(URLS)
    assert app.block_url(real, f"{place}/ü/%20x").changed is False
    back = app.unblock_url(real, f"{place}/a.html")
    assert (back.changed, back.verified) == (True, True)
    assert (visit(real, f"{place}/a.html"), visit(real, f"{place}/below/")) == (200, 403)


def test_what_a_real_one_would_not_read_is_taken_back(squid, real):
    broken = Path(squid["config_file"]).with_name("broken.conf")
    broken.write_text(Path(squid["config_file"]).read_text() + "nonsense\n")
    with pytest.raises(ActionFailed, match="squid -k parse failed"):
        app.block_domain(asset(squid, config_file=str(broken)), "bad.example")
    assert app.list_blocked_domains(real).data == []


def test_the_rest_of_a_real_one(real, site):
    app.block_domain(real, "bad.example")
    status = app.get_status(real)
    assert (status.running, status.blocked_domains, status.blocked_urls) == (True, 1, 0)
    assert status.version.partition(".")[0].isdigit()
    assert "1 domains and 0 URLs are blocked" in app.connectivity(real)
    _Site.visits.clear()
    assert app.check_url(real, f"http://site.test:{site}/") == app.Checked(
        url=f"http://site.test:{site}/", denied=False, answer="504 ERR_ONLY_IF_CACHED_MISS"
    )
    assert _Site.visits == []
