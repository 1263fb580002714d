"""Makers of real repositories: honest ones with a working tree, hostile ones by Git's plumbing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

BUILDER_ENVIRONMENT = {
    "PATH": os.defpath,
    "HOME": "/nonexistent",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "author",
    "GIT_AUTHOR_EMAIL": "author@example.org",
    "GIT_COMMITTER_NAME": "author",
    "GIT_COMMITTER_EMAIL": "author@example.org",
}
APP_CODE = '''\
from repertory_sdk import App, Asset, param, setting

app = App("blocklist", version="1.0.0")


@app.asset
class Lists(Asset):
    feed: str = setting("A file")


@app.action("ip reputation", type="investigate")
def ip_reputation(lists: Lists, ip: str = param("Address")) -> None:
    """Look an address up."""
'''
PLAYBOOK_CODE = """\
from repertory_sdk import Event, Play, playbook


@playbook(labels=["scan"])
def recon(event: Event, play: Play) -> None:
    play.act("ip reputation", ip=event.values("sourceAddress"))
"""
APP: dict[str, Any] = {
    "$schema": "urn:repertory:schema:app:1",
    "name": "blocklist",
    "version": "1.0.0",
    "license": "Apache-2.0",
    "settings": [{"name": "feed", "schema": {"type": "string"}, "description": "A file", "required": True}],
    "actions": [
        {
            "name": "ip reputation",
            "function": "ip_reputation",
            "type": "investigate",
            "read_only": True,
            "idempotent": True,
            "parameters": [{"name": "ip", "schema": {"type": "string"}, "required": True, "contains": ["ip"]}],
            "outputs": [
                {"path": "ip", "schema": {"type": "string"}, "contains": ["ip"]},
                {"path": "verdict", "schema": {"type": "string"}},
            ],
        }
    ],
}
PLAYBOOK: dict[str, Any] = {
    "$schema": "urn:repertory:schema:playbook:1",
    "name": "recon",
    "version": "1.0.0",
    "license": "Apache-2.0",
    "function": "recon",
    "labels": ["scan"],
    "actions": ["ip reputation"],
}


def run_git(folder: Path, *words: str, content: bytes = b"") -> str:
    """Run Git away from the configuration of whoever runs the tests."""
    done = subprocess.run(
        ["git", *words], cwd=folder, env=BUILDER_ENVIRONMENT, input=content, capture_output=True, check=True
    )
    return done.stdout.decode().strip()


class Repository:
    """A repository with a working tree."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True)
        run_git(path, "init", "--quiet", "--initial-branch=main")

    @classmethod
    def copy(cls, original: Path, path: Path) -> Repository:
        """The same repository elsewhere."""
        copied = cls.__new__(cls)
        copied.path = shutil.copytree(original, path)
        return copied

    def write(self, files: Mapping[str, str | bytes]) -> Repository:
        """Write files."""
        for name, content in files.items():
            target = self.path / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content if isinstance(content, bytes) else content.encode())
        return self

    def commit(self) -> str:
        """Commit everything there is."""
        run_git(self.path, "add", "--all")
        run_git(self.path, "commit", "--quiet", "--allow-empty", "-m", "change")
        return run_git(self.path, "rev-parse", "HEAD")

    def git(self, *words: str) -> str:
        """Any other command."""
        return run_git(self.path, *words)


class Plumbing:
    """Writes objects directly, so that any tree is possible, also those that Git refuses to commit."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        run_git(path, "init", "--quiet", "--bare", "--template=", ".")

    def blob(self, content: bytes = b"x\n") -> str:
        """Store a file's content."""
        return run_git(self.path, "hash-object", "-w", "--stdin", content=content)

    def tree(self, entries: Sequence[tuple[str, str, bytes | str]]) -> str:
        """Store a folder: mode, object and name each."""
        kinds = {"040000": b"tree", "160000": b"commit"}
        lines = [
            b"%s %s %s\t%s\0" % (mode.encode(), kinds.get(mode, b"blob"), oid.encode(), os.fsencode(name))
            for mode, oid, name in entries
        ]
        return run_git(self.path, "mktree", "--missing", "-z", content=b"".join(lines))

    def files(self, *names: bytes | str) -> str:
        """A tree of small files; a name may hold slashes."""
        entries = []
        for name in names:
            *folders, last = (name.encode() if isinstance(name, str) else name).split(b"/")
            entry: tuple[str, str, bytes | str] = ("100644", self.blob(), last)
            for folder in reversed(folders):
                entry = ("040000", self.tree([entry]), folder)
            entries.append(entry)
        return self.tree(entries)

    def commit(self, tree: str) -> str:
        """Store a commit and point the branch to it."""
        commit = run_git(self.path, "commit-tree", "-m", "change", tree)
        run_git(self.path, "update-ref", "refs/heads/main", commit)
        run_git(self.path, "symbolic-ref", "HEAD", "refs/heads/main")
        return commit


def item_files(*, app: Mapping[str, Any] = APP, playbook: Mapping[str, Any] = PLAYBOOK) -> dict[str, str | bytes]:
    """An app and a playbook that fit each other."""
    return {
        "apps/blocklist/app.json": json.dumps(app, indent=2),
        "apps/blocklist/app.py": APP_CODE,
        "apps/blocklist/README.md": "# blocklist\n",
        "playbooks/recon/playbook.json": json.dumps(playbook, indent=2),
        "playbooks/recon/playbook.py": PLAYBOOK_CODE,
        "playbooks/recon/README.md": "# recon\n",
    }
