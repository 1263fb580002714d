"""Data gets out by telnet, on real machines: a router with nftables, and behind it a server with inetd and telnetd.

The breach simulation is the only thing that is simulated; what it does is to try telnet for real.
"""

from __future__ import annotations

import json
import re
import socket
import subprocess
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from commands.user import User, copy_home
from doc_blocks import ROOT
from namespaced_hosts import Hosts, firewall_and_server, refuse_without_rights
from repertory.content.offered.community import make_repository
from runtime_lab import until
from ssh_server import program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.acceptance

ITEMS = ("remediate_exfiltration", "undo_remediation", "linux_endpoint", "nftables", "safebreach")
DEMO = ROOT / "community_playbooks" / "remediate_exfiltration" / "samples" / "demo.json"
LINE = "telnet\tstream\ttcp\tnowait\troot\t/usr/sbin/tcpd\t/usr/sbin/telnetd\n"
INETD = f"# what this server offers\n{LINE}#:BSD: nothing of it\n"
STOP, BLOCK = "stop service", "block port"
WAIT_S = 1.5
OPTION = re.compile(rb"\xff[\xfb-\xfe].", re.DOTALL)


class Telnet:
    """Somebody outside who uses telnet (RFC 854), and wants none of its options."""

    def __init__(self, address: str) -> None:
        self._wire = socket.create_connection((address, 23), WAIT_S)
        self._wire.settimeout(10)

    def __enter__(self) -> Telnet:
        return self

    def __exit__(self, *_: object) -> None:
        self._wire.close()

    def hears(self, wanted: bytes) -> bool:
        """Read on until the other end has said that; False if it hangs up first."""
        said = b""
        while wanted not in said:
            try:
                chunk = self._wire.recv(4096)
            except ConnectionResetError:
                return False
            if not chunk:
                return False
            said += chunk
            for option in OPTION.findall(said):
                refusal = b"\xfc" if option[1] in b"\xfd\xfe" else b"\xfe"  # WONT what it asks of us, DONT what it offers
                self._wire.sendall(b"\xff" + refusal + option[2:])
            said = OPTION.sub(b"", said)
        return True


def answers(address: str) -> bool:
    """Whether telnet gets as far as being asked who one is."""
    try:
        telnet = Telnet(address)
    except OSError:
        return False
    with telnet:
        return telnet.hears(b"login:")


@dataclass(frozen=True)
class Incident:
    """A security team's computer, with machines of theirs that it reaches."""

    user: User
    hosts: Hosts

    @property
    def way_out(self) -> str:
        return self.hosts.server.address

    def run(self, playbook: str, event: int, decisions: dict[str, str]) -> dict[str, Any]:
        """The run at its end. Each action named in ``decisions`` asks for an approval, and nothing else does."""
        told = self.user.process("run", f"community/{playbook}", "--event", str(event), "--json")
        left = dict(decisions)
        while told.json["status"] == "waiting":
            prompt = self.user.asked("prompts")["prompts"][0]
            (action,) = [action for action in left if f"May {action} (" in prompt["question"]]
            told = self.user.process("answer", str(prompt["id"]), left.pop(action), "--json")
        assert (told.code, left) == (0, {}), told
        return dict(told.json)

    def event(self) -> dict[str, Any]:
        (event,) = self.user.asked("event", "list")["events"]
        return dict(event)

    def listens(self) -> bool:
        return bool(self.hosts.server.run("ss", "-Hltn", "sport = :23").strip())

    def inetd(self) -> str:
        return self.hosts.server.run("cat", "/etc/inetd.conf")

    def dropped(self) -> int | None:
        """Packets to the server that the firewall dropped by port; None unless telnet is among these ports."""
        said = json.loads(self.hosts.firewall.run("nft", "-j", "list", "ruleset"))["nftables"]
        ports = [one["set"].get("elem", []) for one in said if one.get("set", {}).get("name") == "ports"]
        if [{"concat": ["tcp", 23]}] not in ports:
            return None
        rules = [one["rule"]["expr"] for one in said if one.get("rule", {}).get("chain") == "forward"]
        (counter,) = [expr[1]["counter"] for expr in rules if expr[0]["match"]["right"] == "@ports"]
        return int(counter["packets"])


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once: a home with everything installed."""
    refuse_without_rights()
    folder = tmp_path_factory.mktemp("installed")
    make_repository(folder / "community")
    user = User(home=folder / "home", folder=folder)
    user.done("repo", "add", "community", str(folder / "community"))
    user.done("sync")
    user.install(*(f"community/{name}" for name in ITEMS))
    return user.home


@pytest.fixture
def incident(tmp_path: Path, installed: Path) -> Iterator[Incident]:
    """Everything runs and is configured, and the finding has come in."""
    for name in ("tcpd", "telnetd"):
        program(name)
    files = {"inetd.conf": INETD, "hosts.allow": "", "hosts.deny": ""}
    with ExitStack() as stack:
        serves = f"{program('inetd')} -i &"
        hosts = stack.enter_context(firewall_and_server(tmp_path, files=files, serves=serves))
        copy_home(installed, tmp_path / "home")
        (tmp_path / "work").mkdir()
        user = User(home=tmp_path / "home", folder=tmp_path / "work")
        incident = Incident(user, hosts)
        until(incident.listens)
        add_asset(user, "srv", "linux_endpoint", hosts=hosts.server.address, **hosts.server.settings)
        add_asset(user, "fw", "nftables", host=hosts.firewall.address, **hosts.firewall.settings)
        stack.enter_context(breach_simulation(user, hosts.server.address))
        polled = user.process("act", "safebreach", "on poll")
        assert polled.code == 0, polled
        yield incident


def add_asset(person: User, name: str, app: str, **settings: str) -> None:
    person.done("asset", "add", name, f"community/{app}", *(f"{key}={value}" for key, value in settings.items()))


@contextmanager
def breach_simulation(user: User, address: str) -> Iterator[None]:
    """One of the demonstration's simulations, of telnet to our server: to simulate it again is to try that."""
    (state,) = [asset["state"] for asset in json.loads(DEMO.read_text("utf-8"))["assets"] if asset["app"] == "safebreach"]
    for simulation in state["simulations"].values():
        simulation.update(sourceIp=address, probe={"host": address, "port": 23})
    (user.folder / "state.json").write_text(json.dumps(state))
    command = user.command("simulate", "up", "safebreach", "--add", "--state", "state.json")
    log = user.folder / "simulate.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=user.folder, env=user.variables(), stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    try:
        until(lambda: process.poll() is not None or "Ctrl-C ends it" in log.read_text())
        assert process.poll() is None, log.read_text()
        yield
    finally:
        process.terminate()
        process.wait()


def test_the_way_out_is_closed_twice_and_opened_again(incident: Incident) -> None:
    assert answers(incident.way_out)
    with Telnet(incident.way_out) as intruder:
        assert intruder.hears(b"login:")

        done = incident.run("remediate_exfiltration", 1, {STOP: "approve", BLOCK: "approve"})

        assert not intruder.hears(b"anything else")
    assert not answers(incident.way_out)
    assert not incident.listens()
    assert incident.inetd() == INETD.replace(LINE, f"#<off># {LINE}")
    assert incident.dropped()
    assert decided(done) == ("remediated", ["blocked"])
    assert (incident.event()["status"], incident.event()["resolution"]) == ("closed", "remediated")

    undone = incident.run("undo_remediation", 1, {"unblock port": "approve", "start service": "approve"})

    assert undone["outputs"] == {"undone": 2, "left": 0}
    assert answers(incident.way_out)
    assert incident.inetd() == INETD
    assert incident.dropped() is None
    assert incident.event()["status"] == "open"


def test_the_firewall_alone_closes_it_where_the_service_may_not_be_stopped(incident: Incident) -> None:
    assert answers(incident.way_out)

    done = incident.run("remediate_exfiltration", 1, {STOP: "deny", BLOCK: "approve"})

    assert decided(done) == ("remediated", ["blocked"])
    before = incident.dropped()
    assert before
    assert not answers(incident.way_out)
    assert (incident.dropped() or 0) > before
    assert incident.listens()
    assert incident.inetd() == INETD
    assert incident.event()["resolution"] == "remediated"

    undone = incident.run("undo_remediation", 1, {"unblock port": "approve"})

    assert undone["outputs"] == {"undone": 1, "left": 0}
    assert answers(incident.way_out)


def test_data_that_still_gets_out_is_a_case_for_people(incident: Incident) -> None:
    done = incident.run("remediate_exfiltration", 1, {STOP: "deny", BLOCK: "deny"})

    assert decided(done) == ("escalated", ["not blocked"])
    assert answers(incident.way_out)
    assert incident.inetd() == INETD
    assert incident.dropped() is None
    event = incident.event()
    assert (event["status"], event["severity"], event["case"]) == ("open", "high", True)


def decided(run: dict[str, Any]) -> tuple[str, list[str]]:
    """The decision of a run, and what came of trying again."""
    return run["outputs"]["decision"], [outcome for _, outcome in run["outputs"]["outcomes"]]
