"""A tree in which each classic item is a folder with a manifest, as everything else expects it.

A classic playbook is a pair of files beside many others, its functions lie elsewhere, and a connector's manifest has another form.
Here a playbook is a folder with the pair and the functions that it calls, and every item has a manifest derived from its files.
What is installed is exactly that, so that it is reviewed, hashed, compared and rolled back like anything else.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from repertory.content.formats.classic import apps, playbooks
from repertory.content.formats.classic.sdk_projects import projects_in
from repertory.content.git.tree import Files, TreeEntry
from repertory_sdk.manifest import APP_FILE, PLAYBOOK_FILE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from repertory.content.checks.issue import Issue
    from repertory.content.git.tree import Tree

# Changes whenever the same files might give another manifest: what is installed is not what was installed before, then.
DERIVED_BY = "3"
CLASSIC_FILE = "classic.json"  # what a connector's manifest is called where it has the name of ours
PROBLEM = "problem"  # all that a manifest says which cannot be derived
MOST_BYTES = 2_000_000
FUNCTIONS = "custom_functions"


class ArrangedTree:
    """The tree that content code sees. Files that are in no classic item are where they were."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._sources: dict[str, str] = {}  # where the bytes of a moved file are
        self._derive: dict[str, Callable[[], bytes]] = {}
        self._projects, unknown = projects_in(tree)
        self.issues: Sequence[Issue] = [*tree.issues, *unknown]
        self._files = dict(tree.files)
        self._looked: dict[str, bytes] = {}
        native = _native_folders(tree)
        outside = _outside_of(native, tree)
        for folder in self._projects:
            if not native.intersection(("", *_folders_around(folder))):
                self._arrange_project(folder, outside.get(folder, ()))
        for folder, files in outside.items():
            if not any(around in self._projects for around in ("", *_folders_around(folder))):
                self._arrange(folder, files)
        manifests = [path.split("/") for path in self._files if path.endswith((f"/{APP_FILE}", f"/{PLAYBOOK_FILE}"))]
        taken = {parts[-2] for parts in manifests}
        for folder, files in outside.items():
            if folder.rpartition("/")[2] == FUNCTIONS:
                self._arrange_functions(folder, files, taken)
        self._looked.clear()
        self.files: Mapping[str, TreeEntry] = Files(self._files)

    def read(self, path: str) -> bytes:
        """The bytes of a file; those of a derived manifest are made now."""
        if path in self._derive:
            try:
                return self._derive[path]()
            except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
                return json.dumps({PROBLEM: f"{type(error).__name__}: {error}"}).encode()
        return self._tree.read(self._sources.get(path, path))

    def read_ahead(self, *endings: str) -> None:
        """As for commits: fetch small files at once."""
        ahead = getattr(self._tree, "read_ahead", None)
        if ahead is not None:
            ahead(*endings)

    # ------------------------------------------------------------- finding

    def _arrange(self, folder: str, files: Sequence[TreeEntry]) -> None:
        if folder.rpartition("/")[2] == FUNCTIONS:
            return
        small = [entry for entry in files if entry.size <= MOST_BYTES]
        manifest = next((entry for entry in small if self._is_connector(folder, entry)), None)
        if manifest is not None:
            self._arrange_app(folder, manifest)
            return
        for entry in small:
            if entry.path.endswith(".py") and playbooks.looks_like_one(self._look(entry.path)):
                self._arrange_playbook(folder, entry)

    def _look(self, path: str) -> bytes:
        if path not in self._looked:
            self._looked[path] = self._tree.read(path)
        return self._looked[path]

    def _is_connector(self, folder: str, entry: TreeEntry) -> bool:
        if not entry.path.endswith(".json") or self._is_drawing(entry.path):
            return False
        main = apps.main_module_of(self._look(entry.path))
        return bool(main) and _below(folder, main) in self._files

    def _is_drawing(self, path: str) -> bool:
        """Of the playbook beside it; large, and never a manifest."""
        beside = f"{path[:-5]}.py"
        return beside in self._files and playbooks.looks_like_one(self._look(beside))

    # ------------------------------------------------------------ arranging

    def _arrange_project(self, folder: str, files: Sequence[TreeEntry]) -> None:
        """With the manifest that it ships, or one that is derived from its code."""
        shipped = next((one for one in files if one.size <= MOST_BYTES and self._is_connector(folder, one)), None)
        if shipped is not None:
            self._arrange_app(folder, shipped)
            return
        project = self._projects[folder]
        inside = self._inside(folder)
        readable = [path for path, one in inside.items() if one.size <= MOST_BYTES]

        def derive_classic() -> bytes:
            return project.manifest(readable, lambda name: self._tree.read(_below(folder, name)))

        self._add_derived(_below(folder, CLASSIC_FILE), list(inside.values()), derive_classic)
        self._add_app(folder, CLASSIC_FILE, derive_classic)

    def _arrange_app(self, folder: str, entry: TreeEntry) -> None:
        name = entry.path.rpartition("/")[2]
        target = _below(folder, CLASSIC_FILE) if name == APP_FILE else entry.path
        if target != entry.path:
            self._files[target] = replace(self._files.pop(entry.path), path=target)
            self._sources[target] = entry.path
        self._add_app(folder, target.rpartition("/")[2], lambda: self._tree.read(entry.path))

    def _add_app(self, folder: str, origin: str, classic: Callable[[], bytes]) -> None:
        inside = self._inside(folder)
        for path in [path for path in self._files if _is_in(path, folder) and "__pycache__" in path.split("/")]:
            del self._files[path]  # was compiled from the files beside it, on somebody's machine

        def derive() -> bytes:
            def read(name: str) -> bytes:
                return self._tree.read(_below(folder, name))

            return apps.derive(classic(), origin, list(inside), read, self._projects.get(folder))

        self._add_derived(_below(folder, APP_FILE), list(inside.values()), derive)

    def _inside(self, folder: str) -> dict[str, TreeEntry]:
        start = len(folder) + 1 if folder else 0
        return {path[start:]: one for path, one in self._tree.files.items() if _is_in(path, folder)}

    def _arrange_playbook(self, folder: str, entry: TreeEntry) -> None:
        stem = entry.path.rpartition("/")[2][:-3]
        target = _below(folder, playbooks.item_name(stem))
        if any(_is_in(path, target) for path in self._files):
            return
        text = self._look(entry.path)
        wanted = [f"{_below(folder, FUNCTIONS)}/{name}.py" for name in playbooks.functions_of(text)]
        functions = [self._tree.files[path] for path in wanted if path in self._tree.files]
        drawing = self._files.get(f"{entry.path[:-3]}.json")
        own = [entry, *([drawing] if drawing else [])]
        for one in own:
            self._move(one, f"{target}/{one.path.rpartition('/')[2]}")
        for one in functions:
            self._copy(one, f"{target}/{FUNCTIONS}/{one.path.rpartition('/')[2]}")
        description = drawing.path if drawing and drawing.size <= MOST_BYTES else ""

        def derive() -> bytes:
            said = self._tree.read(description) if description else b""
            return playbooks.derive(stem, self._tree.read(entry.path), said)

        self._add_derived(f"{target}/{PLAYBOOK_FILE}", own, derive)

    def _arrange_functions(self, folder: str, files: Sequence[TreeEntry], taken: set[str]) -> None:
        """Each pair of files; playbooks have copies of theirs already."""
        for entry in files:
            stem = entry.path.rpartition("/")[2][:-3]
            drawing = self._files.get(f"{entry.path[:-3]}.json")
            if not entry.path.endswith(".py") or drawing is None or max(entry.size, drawing.size) > MOST_BYTES:
                continue
            name = playbooks.item_name(stem)
            target = _below(folder, f"{name}_function" if name in taken else name)
            if playbooks.defines(self._look(entry.path), stem) and not any(_is_in(path, target) for path in self._files):
                self._arrange_function(entry, drawing, target)

    def _arrange_function(self, entry: TreeEntry, drawing: TreeEntry, target: str) -> None:
        for one in (entry, drawing):
            self._move(one, f"{target}/{one.path.rpartition('/')[2]}")

        def derive() -> bytes:
            said = self._tree.read(drawing.path)
            return playbooks.derive_function(target.rpartition("/")[2], entry.path, self._tree.read(entry.path), said)

        self._add_derived(f"{target}/{PLAYBOOK_FILE}", [entry, drawing], derive)

    def _move(self, entry: TreeEntry, path: str) -> None:
        self._copy(entry, path)
        del self._files[entry.path]

    def _copy(self, entry: TreeEntry, path: str) -> None:
        self._files[path] = replace(entry, path=path)
        self._sources[path] = entry.path

    def _add_derived(self, path: str, made_of: Sequence[TreeEntry], derive: Callable[[], bytes]) -> None:
        digest = hashlib.sha256(DERIVED_BY.encode())
        for one in made_of:
            digest.update(f"{one.path}\0{one.object_id}\0".encode())
        object_id = digest.hexdigest() if all(one.object_id for one in made_of) else ""
        self._files[path] = TreeEntry(path=path, size=0, object_id=object_id, derived=True)
        self._derive[path] = derive


def _native_folders(tree: Tree) -> set[str]:
    native = {path.rpartition("/")[0] for path in tree.files if path.rpartition("/")[2] in (APP_FILE, PLAYBOOK_FILE)}
    native -= {folder for folder in native if _below(folder, APP_FILE) in tree.files and _is_foreign(tree, folder)}
    return native


def _outside_of(native: set[str], tree: Tree) -> dict[str, list[TreeEntry]]:
    """Python and JSON files by folder, without those of native items."""
    found: dict[str, list[TreeEntry]] = defaultdict(list)
    if "" in native:
        return found
    for path, entry in tree.files.items():
        folder = path.rpartition("/")[0]
        if path.endswith((".py", ".json")) and not any(around in native for around in _folders_around(folder)):
            found[folder].append(entry)
    return found


def _is_foreign(tree: Tree, folder: str) -> bool:
    """Whether an ``app.json`` is a connector's."""
    entry = tree.files[_below(folder, APP_FILE)]
    return entry.size <= MOST_BYTES and bool(apps.main_module_of(tree.read(entry.path)))


def _folders_around(folder: str) -> Iterator[str]:
    while folder:
        yield folder
        folder = folder.rpartition("/")[0]


def _below(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _is_in(path: str, folder: str) -> bool:
    return not folder or path.startswith(f"{folder}/")
