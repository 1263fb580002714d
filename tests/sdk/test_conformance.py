"""The table of cases that holds for every app: a good app passes it, and each defect is found by the case made for it."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from urllib.request import Request as Call
from urllib.request import urlopen

import pytest

from repertory_sdk import ActionFailed, App, Event, Secret, indicators, output, param, setting
from repertory_sdk.http import Http, HttpAsset
from repertory_sdk.testing import conformance
from repertory_sdk.testing.simulator import Reply, Simulator

simulator = Simulator("Fence", settings={"url": "{url}/api", "token": "t0ken-of-nobody"}, state=lambda: {"blocked": []})


@simulator.check
def credentials(request):
    known = request.headers.get("Authorization") == "Bearer t0ken-of-nobody"
    return None if known else Reply(401, {"message": "who are you?"})


@simulator.route("GET", "/api/blocked")
def blocked(request):
    return {"addresses": request.state["blocked"]}


@simulator.route("PUT", "/api/blocked/{ip}")
def block(request):
    request.state["blocked"] = sorted({*request.state["blocked"], request.args["ip"]})
    return {}


@simulator.route("DELETE", "/api/blocked/{ip}")
def unblock(request):
    request.state["blocked"] = [ip for ip in request.state["blocked"] if ip != request.args["ip"]]
    return Reply(204)


app = App("fence", version="1.0.0", product="Fence", hosts=["${asset.url}"])


@app.asset
class Fence(HttpAsset):
    url: str = setting("Where")
    token: Secret = setting("Token")
    protected: list[str] = indicators.protected_setting()

    @functools.cached_property
    def api(self):
        return Http("Fence", self, headers={"Authorization": f"Bearer {self.token}"})

    def blocked(self):
        found = self.api.get("/blocked").object().get("addresses")
        if not isinstance(found, list):
            raise ActionFailed("Fence: its list is unreadable; check its version")
        return found


@app.result
class Blocked:
    ip: str = output("Address", contains="ip")
    blocked: bool = output("Now")
    changed: bool = output("By this")
    verified: bool = output("Read back")


@app.action("block ip", type="contain", idempotent=True, undo="unblock ip")
def block_ip(fence: Fence, ip: str = param("Address", contains="ip")) -> Blocked:
    """Block it."""
    address = indicators.address(ip)
    indicators.refuse_protected(address, fence.protected)
    before = address in fence.blocked()
    if not before:
        fence.api.put(f"/blocked/{address}")
    return Blocked(ip=address, blocked=True, changed=not before, verified=address in fence.blocked())


@app.action("unblock ip", type="correct", idempotent=True, undo="block ip")
def unblock_ip(fence: Fence, ip: str = param("Address", contains="ip")) -> Blocked:
    """Unblock it."""
    address = indicators.address(ip)
    before = address in fence.blocked()
    fence.api.delete(f"/blocked/{address}")
    return Blocked(ip=address, blocked=False, changed=before, verified=address not in fence.blocked())


@app.test
def connectivity(fence: Fence) -> str:
    return f"{len(fence.blocked())} blocked"


@app.poll
def events(fence, checkpoint):
    known = checkpoint.get("known", [])
    checkpoint["known"] = fence.blocked() or ["198.51.100.1"]
    for ip in checkpoint["known"]:
        if ip not in known:
            yield Event(name=f"blocked {ip}", source="fence", source_id=ip)


EXAMPLES = {"block ip": {"ip": "203.0.113.7"}, "unblock ip": {"ip": "203.0.113.7"}}
README = "## Permissions\n`${asset.url}` block ip, unblock ip, " + " ".join(
    f"`{name}`" for name in ("url", "token", "protected", "verify_tls", "ca_file", "proxy", "timeout_s", "retries")
)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "README.md").write_text(README, "utf-8")
    return tmp_path


def problems(made, folder, name, examples=EXAMPLES):
    """What the cases of this name find."""
    found = []
    for case in conformance(made, folder, examples):
        if case.name == name:
            with simulator.running() as place:
                found += list(case.look(place))
    return found


def test_a_good_app_passes(folder):
    cases = conformance(app, folder, EXAMPLES)
    for case in cases:
        with simulator.running() as place:
            case.check(place)
    assert [case.name for case in cases] == [
        "declares itself",
        "block ip succeeds", "block ip fails in sentences", "block ip takes anything",
        "unblock ip succeeds", "unblock ip fails in sentences", "unblock ip takes anything",
        "test connectivity", "on poll",
    ]  # fmt: skip


def with_action(function, **options):
    """The same app with one more action."""
    made = App("fence", version="1.0.0", product="Fence", hosts=["${asset.url}"])
    made.asset(type("Fence", (Fence,), {"__annotations__": {}}))
    made.action("poke", **options)(function)
    return made


def finds(folder, function, name, said, **options):
    found = problems(with_action(function, **options), folder, name, {"poke": {"ip": "203.0.113.7"}})
    assert any(said in problem for problem in found), found


def test_what_fails_in_a_programmer_s_way_is_found(folder):
    def poke(fence: Fence, ip: str) -> Blocked:
        """Poke."""
        fence.api.get("/blocked").json()["addresses"][ip]
        return Blocked(ip=ip, blocked=True, changed=True, verified=True)

    finds(folder, poke, "poke takes anything", "TypeError")


def test_swallowed_failures_are_found(folder):
    def poke(fence: Fence, ip: str) -> Blocked:
        """Poke."""
        try:
            fence.blocked()
        except ActionFailed:
            pass
        return Blocked(ip=ip, blocked=True, changed=True, verified=True)

    finds(folder, poke, "poke fails in sentences", "server error: it succeeds")


def test_secrets_and_traces_in_sentences_are_found(folder):
    def poke(fence: Fence, ip: str) -> Blocked:
        """Poke."""
        try:
            fence.blocked()
        except ActionFailed as error:
            raise ActionFailed(f"Fence: {error!r} with {fence.token}; try") from error
        return Blocked(ip=ip, blocked=True, changed=True, verified=True)

    finds(folder, poke, "poke fails in sentences", "it is for programmers")
    finds(folder, poke, "poke fails in sentences", "it shows the secret setting token")


def test_results_that_the_manifest_does_not_describe_are_found(folder):
    def poke(fence: Fence, ip: str) -> Blocked:
        """Poke."""
        fence.blocked()
        return Blocked(ip=7, blocked="yes", changed=True, verified=True)

    finds(folder, poke, "poke succeeds", "blocked is 'yes'")


def test_a_plain_value_needs_no_data_path(folder):
    def poke(fence: Fence, ip: str) -> bool:
        """Poke."""
        return ip in fence.blocked()

    assert problems(with_action(poke), folder, "poke succeeds", {"poke": {"ip": "203.0.113.7"}}) == []


def test_what_is_not_declared_is_found(folder):
    def poke(fence: Fence, ip: str) -> Blocked:
        return Blocked(ip=ip, blocked=True, changed=True, verified=True)

    (folder / "README.md").write_text("nothing", "utf-8")
    found = problems(with_action(poke, type="contain"), folder, "declares itself", {})
    for said in ("no example is given for 'poke'", "mention '## Permissions'", "mention '`${asset.url}`'", "poke: it has no desc"):
        assert any(said in problem for problem in found), (said, found)


def test_a_simulator_is_a_program_too(tmp_path):
    program = tmp_path / "simulator.py"
    program.write_text(
        "from repertory_sdk.testing.simulator import Simulator\n"
        "simulator = Simulator('Fence', settings={'url': '{url}/api', 'port': '{port}'}, state=lambda: {'blocked': []})\n"
        "@simulator.route('GET', '/api/blocked')\n"
        "def blocked(request):\n    return request.state['blocked']\n"
        "simulator.main()\n"
    )
    (tmp_path / "state.json").write_text('{"blocked": ["203.0.113.7"]}')
    command = [sys.executable, str(program), "--state", str(tmp_path / "state.json")]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        place = json.loads(process.stdout.readline())
        assert place["settings"] == {"url": f"{place['url']}/api", "port": place["port"]}
        assert json.load(urlopen(f"{place['url']}/api/blocked")) == ["203.0.113.7"]
        urlopen(Call(f"{place['url']}/_sim/fault", b'{"fault": "server error"}', method="PUT"))
        with pytest.raises(Exception, match="500"):
            urlopen(f"{place['url']}/api/blocked")
        urlopen(Call(f"{place['url']}/_sim/reset", b"", method="POST"))
        assert json.load(urlopen(f"{place['url']}/_sim/requests")) == []
    finally:
        process.stdin.close()
        assert process.wait(10) == 0
        process.stdout.close()
