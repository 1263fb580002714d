"""A security team's year with a community repository: follow, install, update, widen, compromise, roll back, carry, fork."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.acceptance

APP = '''
from repertory_sdk import App, Asset, param, setting

app = App("firewall", version="{version}", product="Firewall", summary="Blocks addresses.", hosts={hosts})


@app.asset
class Firewall(Asset):
    rules: str = setting("File with the rules")


@app.action("ip reputation")
def ip_reputation(firewall: Firewall, ip: str = param("Address", contains="ip")) -> str:
    """Say what is known."""
    return "{answer}"
{more}
'''
BLOCK = '''

@app.action("block ip", type="contain", undo="unblock ip")
def block_ip(firewall: Firewall, ip: str = param("Address", contains="ip")) -> None:
    """Block an address."""
    with open(firewall.rules, "a") as rules:
        rules.write(ip + "\\n")


@app.action("unblock ip", type="contain", idempotent=True)
def unblock_ip(firewall: Firewall, ip: str = param("Address", contains="ip")) -> None:
    """Take it back."""
'''
PLAYBOOK = '''
from repertory_sdk import Event, Play, playbook


@playbook(version="{version}")
def triage(event: Event, play: Play):
    known = play.act("ip reputation", ip=event.values("sourceAddress"))
    play.note("Known", play.table(known))
    return {{"verdicts": known.values("value")}}
'''
EVENT = {"name": "scan", "artifacts": [{"cef": {"sourceAddress": "192.0.2.1"}}]}


@dataclass
class Maintainer:
    """Keeps a community repository, and signs what they commit."""

    folder: Path
    keys: Path
    home: dict[str, str]
    key: str = "alice"
    versions: dict[str, str] = field(default_factory=dict)

    def make_key(self, name: str) -> None:
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", self.keys / name], check=True)

    def write_app(self, version: str, *, answer: str = "benign", more: str = "", hosts: tuple[str, ...] = ()) -> None:
        source = APP.format(version=version, answer=answer, more=more, hosts=list(hosts))
        self._write("apps/firewall/app.py", source)

    def write_playbook(self, version: str, source: str = PLAYBOOK) -> None:
        self._write("playbooks/triage/playbook.py", source.format(version=version))

    def _write(self, path: str, source: str) -> None:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(source)
        repertory(self.home, "manifest", str(target.parent))

    def commit(self) -> None:
        who = ["-c", f"user.name={self.key}", "-c", f"user.email={self.key}@example.test"]
        sign = ["-c", "gpg.format=ssh", "-c", f"user.signingkey={self.keys / self.key}"]
        git = ["git", "-C", str(self.folder), *who, *sign]
        if not (self.folder / ".git").exists():
            subprocess.run(["git", "init", "-q", "-b", "main", self.folder], check=True)
        subprocess.run([*git, "add", "-A"], check=True)
        subprocess.run([*git, "commit", "-q", "-S", "-m", "Work"], check=True)


def repertory(home: dict[str, str], *words: str, code: int = 0) -> str:
    """Give a command as the team does; its standard output and error."""
    environment = {**os.environ, **home}
    command = [sys.executable, "-m", "repertory", *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == code, f"{' '.join(words)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def answer(home: dict[str, str], *words: str, code: int = 0) -> Any:
    """The same, for programs."""
    environment = {**os.environ, **home}
    command = [sys.executable, "-m", "repertory", *words, "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == code, f"{' '.join(words)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return json.loads(done.stdout)


def hashes(home: dict[str, str]) -> dict[str, str]:
    return {item["name"]: item["hash"] for item in answer(home, "list")["items"]}


def verdict(home: dict[str, str], event: Path) -> list[str]:
    run = answer(home, "run", "community/triage", "--event", str(event))
    assert run["status"] == "succeeded"
    return list(run["outputs"]["verdicts"])


def test_a_year(tmp_path: Path) -> None:
    team = {"REPERTORY_HOME": str(tmp_path / "team")}
    alice = Maintainer(tmp_path / "community", tmp_path / "keys", {"REPERTORY_HOME": str(tmp_path / "author")})
    alice.keys.mkdir()
    alice.make_key("alice")
    alice.make_key("mallory")
    event = tmp_path / "event.json"
    event.write_text(json.dumps(EVENT))

    # January: follow, look, install what was reviewed, run it.
    alice.write_app("1.0.0")
    alice.write_playbook("1.0.0")
    alice.commit()
    repertory(team, "repo", "add", "community", str(alice.folder), "--sync")
    review = answer(team, "install", "community/triage", "--dry-run")
    assert hashes(team) == {}, "looking installs nothing"
    repertory(team, "install", "community/triage", "--yes")
    first = hashes(team)
    assert set(first) == {"community/firewall", "community/triage"}
    assert "alice" in repertory(team, "repo", "list") or "SHA256:" in repertory(team, "repo", "list")
    assert review
    repertory(team, "asset", "add", "edge", "community/firewall", f"rules={tmp_path / 'rules'}")
    assert verdict(team, event) == ["benign"]

    # March: upstream improves; nothing installed changes by syncing; the update asks for nothing new and goes through.
    alice.write_app("1.1.0", answer="malicious")
    alice.commit()
    repertory(team, "sync")
    assert hashes(team) == first
    assert "community/firewall" in repertory(team, "outdated")
    repertory(team, "update")
    second = hashes(team)
    assert second != first
    assert verdict(team, event) == ["malicious"]

    # May: an update wants more than was agreed to, and stops until somebody has looked.
    alice.write_app("2.0.0", answer="malicious", more=BLOCK, hosts=("api.example.net:443",))
    alice.commit()
    repertory(team, "sync")
    difference = repertory(team, "diff", "community/firewall")
    assert "block ip" in difference
    assert "api.example.net:443" in difference
    said = repertory(team, "update", "--yes", code=1)
    assert "community/firewall" in said
    assert hashes(team) == second
    reviewed = answer(team, "update", "--dry-run")
    repertory(team, "update", "--reviewed", reviewed["digest"] if "digest" in reviewed else reviewed["review"])
    third = hashes(team)
    assert third != second

    # July: it was a mistake; back, at once.
    repertory(team, "rollback")
    assert hashes(team) == second
    assert verdict(team, event) == ["malicious"]
    repertory(team, "verify")

    # September: somebody else signs. Nothing is taken from them.
    alice.key = "mallory"
    alice.write_app("2.0.1", answer="benign", more=BLOCK, hosts=("api.example.net:443",))
    alice.commit()
    said = repertory(team, "sync", code=1)
    assert "mallory" in said or "signed" in said
    repertory(team, "update", "--yes", code=1)
    assert hashes(team) == second
    assert verdict(team, event) == ["malicious"]
    subprocess.run(["git", "-C", alice.folder, "reset", "-q", "--hard", "HEAD~1"], check=True)
    alice.key = "alice"
    repertory(team, "sync")

    # October: the same content on a network without a way out.
    reviewed = answer(team, "update", "--dry-run")
    repertory(team, "update", "--reviewed", reviewed["digest"] if "digest" in reviewed else reviewed["review"])
    repertory(team, "bundle", "create", str(tmp_path / "content.bundle"))
    far = {"REPERTORY_HOME": str(tmp_path / "far"), "UV_OFFLINE": "1"}
    hidden = tmp_path / "hidden"
    shutil.move(alice.folder, hidden)
    plan = answer(far, "bundle", "install", str(tmp_path / "content.bundle"), "--dry-run")
    digest = plan["digest"] if "digest" in plan else plan["review"]
    repertory(far, "bundle", "install", str(tmp_path / "content.bundle"), "--reviewed", digest)
    assert hashes(far) == hashes(team)
    repertory(far, "asset", "add", "edge", "community/firewall", f"rules={tmp_path / 'far-rules'}")
    assert verdict(far, event) == ["malicious"]
    shutil.move(hidden, alice.folder)

    # December: a playbook of one's own, that keeps up with upstream.
    ours = tmp_path / "ours"
    subprocess.run(["git", "init", "-q", "-b", "main", ours], check=True)
    repertory(team, "fork", "community/triage", "--to", str(ours))
    copy = ours / "playbooks/triage/playbook.py"
    copy.write_text(copy.read_text() + "\n# ours\n")
    author = ["-c", "user.name=us", "-c", "user.email=us@example.org"]
    subprocess.run(["git", "-C", ours, "add", "--all"], check=True)
    subprocess.run(["git", "-C", ours, *author, "commit", "-q", "-m", "ours"], check=True)
    better = PLAYBOOK.replace('play.note("Known"', 'play.note("What is known"')
    alice.write_playbook("1.1.0", better)
    alice.commit()
    repertory(team, "sync")
    assert "Known" in copy.read_text(), "sync never touches a copy"
    repertory(team, "merge", str(ours / "playbooks/triage"))
    merged = copy.read_text()
    assert "What is known" in merged
    assert merged.endswith("# ours\n")


def test_the_texts_of_this_test_are_what_they_seem() -> None:
    """The templates above make valid sources."""
    compile(textwrap.dedent(APP.format(version="1", answer="x", more=BLOCK, hosts=[])), "app.py", "exec")
    compile(PLAYBOOK.format(version="1"), "playbook.py", "exec")
