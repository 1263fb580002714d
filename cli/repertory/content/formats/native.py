"""The native format: every folder with an ``app.json`` or a ``playbook.json`` is one item."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from repertory.content.checks.issue import Issue
from repertory.content.checks.manifests import read_manifest
from repertory.content.formats.classic import items as classic
from repertory.content.items.found import FoundItem
from repertory.content.items.hookspecs import hookimpl
from repertory_sdk.classic import FORMAT as CLASSIC
from repertory_sdk.manifest import APP_FILE, PLAYBOOK_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from repertory.content.git.tree import Tree

FORMAT = "native"
KINDS: dict[str, Literal["app", "playbook"]] = {APP_FILE: "app", PLAYBOOK_FILE: "playbook"}


@hookimpl
def repertory_find_items(tree: Tree) -> Sequence[FoundItem]:
    """One item for each outermost folder with a manifest; what lies deeper belongs to it."""
    found: dict[str, FoundItem] = {}
    for folder, file_name in sorted(_manifest_places(tree)):
        around = next((outer for outer in _folders_around(folder) if outer in found), None)
        if around is None:
            found[folder] = _place(folder, file_name)
        else:
            found[around] = found[around].with_issues([_inner_issue(found[around], folder, file_name)])
    return list(found.values())


def _manifest_places(tree: Tree) -> Iterator[tuple[str, str]]:
    for path, entry in tree.files.items():
        folder, _, file_name = path.rpartition("/")
        if file_name in KINDS and not entry.derived:
            yield folder, file_name


def _folders_around(folder: str) -> list[str]:
    """The folder itself and everything above it, the top first."""
    parts = folder.split("/") if folder else []
    return ["/".join(parts[:length]) for length in range(len(parts) + 1)]


def _inner_issue(outer: FoundItem, folder: str, file_name: str) -> Issue:
    path = f"{folder}/{file_name}" if folder else file_name
    if folder == outer.folder:
        message = f"the folder is an item already, by {outer.path}"
        return Issue(path=path, rule="two-manifests", message=message, hint="one folder, one item: move one of them")
    message = f"not offered: it lies inside the {outer.kind} of {outer.path}"
    return Issue(path=path, rule="inner-manifest", severity="warning", message=message, hint="move it beside")


def _place(folder: str, file_name: str) -> FoundItem:
    path = f"{folder}/{file_name}" if folder else file_name
    name = folder.rpartition("/")[2]
    return FoundItem(kind=KINDS[file_name], name=name, format=FORMAT, folder=folder, path=path)


@hookimpl
def repertory_read_item(tree: Tree, item: FoundItem) -> FoundItem | None:
    """Read the manifest; the folder's name is the name of an item that does not say its own."""
    if item.format != FORMAT:
        return None
    content = tree.read(item.path)
    if classic.has_derived(content):  # what is installed is read as a stranger's folder would be
        return classic.repertory_read_item(tree, replace(item, format=CLASSIC))
    read = read_manifest(item.kind, item.path, content)
    named = replace(item, name=read.name or item.name, plain_manifest=read.plain)
    return named.with_issues(read.issues) if read.record is None else named.with_record(read.record)
