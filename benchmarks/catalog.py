"""Index and validation: a first sync of 350 apps and 145 playbooks, one with no news, and one with a single change.

    python -m benchmarks.catalog [--json] [--apps 350] [--playbooks 145]

Apps have 20 actions with 4 parameters and 12 documented data paths each, and code that fits; playbooks use five of them.
Times are those of ``sync`` in this process, Git included, and its processor time beside it: on a busy machine that is the
better figure.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.lab import Figure, report
from repertory.content.offered.repositories import add_repository, sync
from repertory.home import Home

if TYPE_CHECKING:
    from collections.abc import Callable

ACTIONS = 20
VERBS = ("get", "lookup", "list", "search", "block", "unblock", "isolate", "scan", "detonate", "tag")
THINGS = ("ip", "domain", "url", "file", "user", "device", "ticket", "rule", "mail", "alert")
PARAMETERS = ("target", "limit", "comment", "since")
APP_HEAD = '''\
"""Generated {name}."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request

from repertory_sdk import App, Asset, Secret, param, setting

app = App("{name}", version="1.0.0", product="{name}", vendor="Example", hosts=["${{asset.server}}"])


@app.asset
class Server(Asset):
    """Where it is."""

    server: str = setting("Address")
    token: Secret = setting("Token")

    def get(self, path: str, **query: object) -> dict[str, object]:
        """One request."""
        url = f"https://{{self.server}}{{path}}?{{urllib.parse.urlencode(query)}}"
        request = urllib.request.Request(url, headers={{"Authorization": f"Bearer {{self.token}}"}})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)
'''
ACTION = '''

@app.action("{action}", type="{type}", read_only={reads}, idempotent={reads})
def {function}(
    server: Server,
    target: str = param("What to ask about", contains="ip"),
    limit: int = param("At most so many", default=100),
    comment: str = param("For the record", default=""),
    since: str = param("Not what is older", default=""),
) -> list[dict[str, object]]:
    """Ask the product about one thing."""
    found = server.get("/api/v2/{function}", target=target, limit=limit, since=since)
    rows = []
    for entry in found.get("entries", []):
        if comment and entry.get("comment") != comment:
            continue
        rows.append({{"id": entry["id"], "name": entry["name"], "owner": entry.get("owner")}})
    return rows
'''
PLAYBOOK = '''\
"""Generated {name}."""

from repertory_sdk import Event, Play, playbook


@playbook(labels=["scan"])
def {name}(event: Event, play: Play) -> dict:
    """Ask, decide, act."""
    sources = event.values("sourceAddress")
{acts}
    answer = play.ask("Go on?", options=["yes", "no"], within="4h", default="no")
    if answer == "yes":
        play.note("Findings", play.table(found))
    return {{"answer": answer}}
'''


@dataclass(frozen=True, kw_only=True)
class Time:
    """Seconds by the clock and of the processor."""

    wall: float
    cpu: float


def action_names() -> list[str]:
    """Twenty names."""
    return [f"{VERBS[index % 10]} {THINGS[(index * 3 + index // 10) % 10]}" for index in range(ACTIONS)]


def app_files(number: int) -> dict[str, str]:
    """One app."""
    name = f"product{number}"
    code = APP_HEAD.format(name=name)
    actions = []
    for action in action_names():
        reads = action.split()[0] not in ("block", "unblock", "isolate", "tag", "detonate")
        kind = "investigate" if reads else "contain"
        function = action.replace(" ", "_")
        code += ACTION.format(action=action, type=kind, reads=reads, function=function)
        actions.append(_action(action, kind, function, reads=reads))
    manifest = {
        "$schema": "urn:repertory:schema:app:1", "name": name, "version": "1.0.0", "license": "Apache-2.0", "product": name,
        "vendor": "Example", "permissions": {"hosts": ["${asset.server}"]},
        "settings": [
            {"name": "server", "schema": {"type": "string"}, "description": "Address"},
            {"name": "token", "schema": {"type": "string"}, "description": "Token", "secret": True},
        ],
        "actions": actions,
    }  # fmt: skip
    return {"app.json": json.dumps(manifest, indent=2), "app.py": code, "README.md": f"# {name}\n"}


def _action(name: str, kind: str, function: str, *, reads: bool) -> dict[str, Any]:
    parameters = [
        {"name": one, "schema": {"type": "integer" if one == "limit" else "string"}, "description": "Something",
         "required": one == "target", **({"contains": ["ip"]} if one == "target" else {})}
        for one in PARAMETERS
    ]  # fmt: skip
    outputs = [
        {"path": f"entries[].field{index}", "schema": {"type": "string"}, "description": "A value"}
        for index in range(12)
    ]
    return {
        "name": name, "function": function, "type": kind, "description": "Ask the product about one thing.",
        "read_only": reads, "idempotent": reads, "timeout_s": 60.0, "parameters": parameters, "outputs": outputs,
    }  # fmt: skip


def playbook_files(number: int) -> dict[str, str]:
    """One playbook."""
    name, names = f"play{number}", action_names()
    wanted = sorted({names[(number + step * 3) % ACTIONS] for step in range(5)})
    acts = "\n".join(f'    found = play.act("{action}", target=sources, optional=True)' for action in wanted)
    manifest = {
        "$schema": "urn:repertory:schema:playbook:1", "name": name, "version": "1.0.0", "license": "Apache-2.0",
        "function": name, "labels": ["scan"], "actions": wanted,
    }  # fmt: skip
    code = PLAYBOOK.format(name=name, acts=acts)
    return {"playbook.json": json.dumps(manifest, indent=2), "playbook.py": code, "README.md": f"# {name}\n"}


def write(folder: Path, files: dict[str, str]) -> None:
    """The files of one item."""
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text)


def git(folder: Path, *words: str) -> None:
    """Run Git in the origin."""
    subprocess.run(
        ["git", "-C", str(folder), "-c", "user.name=b", "-c", "user.email=b@example.test", *words], check=True
    )


def timed(work: Callable[[], Any]) -> Time:
    """Run it once."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Time(wall=time.perf_counter() - wall, cpu=time.process_time() - cpu)


def main() -> None:
    """Write the repository, follow it, and sync three times."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--apps", type=int, default=350)
    parser.add_argument("--playbooks", type=int, default=145)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        origin, home = Path(folder) / "origin", Home(Path(folder) / "home")
        for number in range(wanted.apps):
            write(origin / f"apps/product{number}", app_files(number))
        for number in range(wanted.playbooks):
            write(origin / f"playbooks/play{number}", playbook_files(number))
        git(origin, "init", "--quiet")
        git(origin, "add", "--all")
        git(origin, "commit", "--quiet", "--message", "content")
        add_repository(home, "bench", str(origin))
        reports: list[Any] = []
        first = timed(lambda: reports.append(sync(home)))
        unchanged = timed(lambda: reports.append(sync(home)))
        (origin / "apps/product0/README.md").write_text("# changed\n")
        git(origin, "commit", "--quiet", "--all", "--message", "change")
        changed = timed(lambda: reports.append(sync(home)))
        items = wanted.apps + wanted.playbooks
        (found,) = reports[0].repositories
        assert (found.error, found.items, list(found.broken)) == (None, items, []), found
        assert list(reports[2].repositories[0].changed) == ["product0"]
    share = items / 495
    report(
        f"index and validation of {items} items",
        [
            Figure(
                name="first sync",
                value=first.wall,
                unit="s",
                bound=5 * share,
                note=f"{first.cpu:.2f} s of the processor",
            ),
            Figure(
                name="no news",
                value=unchanged.wall,
                unit="s",
                bound=0.3,
                note=f"{unchanged.cpu:.2f} s of the processor",
            ),
            Figure(
                name="one item changed",
                value=changed.wall,
                unit="s",
                bound=2.0,
                note=f"{changed.cpu:.2f} s of the processor",
            ),
        ],
    )


if __name__ == "__main__":
    main()
