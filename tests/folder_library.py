"""Installed content straight from folders, so that the runtime can be tested without the content side."""

from __future__ import annotations

import ast
import json
import sys
import textwrap
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from repertory.errors import UserError
from repertory.home import Home
from repertory.items import Installed, InstalledSet
from repertory.runtime.processes.author import describe
from repertory_sdk.manifest import AppManifest, PlaybookManifest, dump_manifest, load_app, load_playbook
from repertory_sdk.source import requested_actions, requested_playbooks

_DESCRIBED: dict[str, str] = {}


class FolderLibrary:
    """Every folder below ``root`` that has an ``item.json`` is an item; the youngest of a name is the installed one."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._seen: dict[str, Installed] = {}
        self.on_offer: list[AppManifest] = []

    def _all(self) -> list[Installed]:
        names = sorted(path.parent.name for path in self.root.glob("*/item.json"))
        for name in names:
            if name not in self._seen:
                self._seen[name] = _read(self.root / name)
        return [self._seen[name] for name in names]

    def installed(self) -> InstalledSet:
        """The youngest item of each name."""
        items = self._all()
        apps = {item.name: item for item in items if item.kind == "app"}
        playbooks = {item.name: item for item in items if item.kind == "playbook"}
        return InstalledSet(apps=apps, playbooks=playbooks)

    def offered(self, action: str) -> list[AppManifest]:
        """Those that a test put on offer."""
        return [one for one in self.on_offer if one.action(action)]

    def pinned(self, name: str, digest: str) -> Installed:
        """The item with this hash."""
        for item in self._all():
            if (item.name, item.hash) == (name, digest):
                return item
        raise UserError(f"{name} {digest[:8]} is gone")

    # ---------------------------------------------------------- adding items

    def add_app(self, source: str) -> Installed:
        """An app from its source; its own process describes it, as an author's would."""
        folder = self._new_folder()
        (folder / "app.py").write_text(source)
        if source not in _DESCRIBED:
            _DESCRIBED[source] = describe(Home(self.root / ".describing"), folder)
        return self._finish(folder, "app", _DESCRIBED[source])

    def edit_app(self, more: str) -> None:
        """Something that the app does in future when it is loaded; its manifest stays as it is."""
        (path,) = self.root.glob("*/app.py")
        path.write_text(f"{path.read_text()}\n{more}\n")

    def add_playbook(self, body: str, *, header: str = "", inputs: str = "", name: str = "play", **declared: Any) -> Installed:
        """A playbook from the lines of its function."""
        source = playbook_source(body, header=header, inputs=inputs, name=name)
        folder = self._new_folder()
        (folder / "playbook.py").write_text(source)
        if inputs:
            return self._finish(folder, "playbook", describe(Home(self.root / ".describing"), folder))
        return self._finish(folder, "playbook", dump_manifest(_manifest(name, source, declared)))

    def add_classic_playbook(self, source: str, *, name: str, actions: Sequence[str], **declared: Any) -> Installed:
        """A playbook in the classic format, with the manifest that is derived for such."""
        folder = self._new_folder()
        (folder / f"{name}.py").write_text(source)
        manifest = PlaybookManifest(name=name, version="1.0.0", main=f"{name}.py", actions=actions, format="classic", **declared)
        return self._finish(folder, "playbook", dump_manifest(manifest))

    def _new_folder(self) -> Path:
        folder = self.root / f"{len(list(self.root.iterdir())):04}-{uuid.uuid4().hex[:8]}"
        folder.mkdir()
        return folder

    def _finish(self, folder: Path, kind: str, manifest: str) -> Installed:
        plain = {"kind": kind, "hash": uuid.uuid4().hex, "manifest": json.loads(manifest)}
        (folder / "item.json").write_text(json.dumps(plain))
        return _read(folder)


def playbook_source(body: str, *, header: str = "", inputs: str = "", name: str = "play") -> str:
    """The text of a playbook module."""
    start = f"from repertory_sdk import *\n{textwrap.dedent(header)}\n@playbook()\n"
    return f"{start}def {name}(event: Event, play: Play{inputs}):\n{textwrap.indent(textwrap.dedent(body), '    ')}\n"


def _manifest(name: str, source: str, declared: dict[str, Any]) -> PlaybookManifest:
    try:
        tree = ast.parse(source)
    except SyntaxError:
        tree = ast.Module([], [])
    asked: dict[str, Any] = {"actions": requested_actions(tree), "playbooks": requested_playbooks(tree), **declared}
    return PlaybookManifest(name=name, version="1.0.0", function=name, **asked)


def _read(folder: Path) -> Installed:
    plain = json.loads((folder / "item.json").read_text())
    manifest: Any = load_app(plain["manifest"]) if plain["kind"] == "app" else load_playbook(plain["manifest"])
    return Installed(
        name=f"test/{manifest.name}", kind=plain["kind"], version=manifest.version, hash=plain["hash"], folder=folder,
        python=Path(sys.executable), manifest=manifest,
    )  # fmt: skip
