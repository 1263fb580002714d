"""What a lock says of an item, held against the item's own bytes: a lock is a file, and may come from anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from repertory.content.changes.permissions import describe_permissions, grants_of, needs_of, phrase_of
from repertory.content.checks.requirements import LOCK_FILE
from repertory.content.environments.dependencies import read_dependencies
from repertory.content.git.paths import Refused, TreeLimits
from repertory.content.git.tree import TreeEntry, judge
from repertory.content.installed.contents import walk_files
from repertory.content.items.inspection import inspect_tree, own_issues

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pluggy

    from repertory.content.installed.lock import LockedItem
    from repertory.content.items.found import FoundItem
    from repertory.home import Home


@dataclass(frozen=True, kw_only=True)
class _Claims:
    """What can be said of an item in two ways: as the lock does, and from its bytes."""

    name: str
    version: str
    format: str
    grants: frozenset[str]
    permissions: tuple[str, ...]
    needs: frozenset[str]


def contradictions(home: Home, item: LockedItem, plugins: pluggy.PluginManager, *, judge_code: bool) -> list[str]:
    """What the lock says of an installed item and its bytes do not, or the other way round; empty if both agree.

    With ``judge_code``, files that would not be installed, for what the checks find in them, contradict any lock.
    """
    try:
        files = dict(walk_files(home.content(item.hash)))
        tree = _StoredTree(files, item.path)
        found = [one for one in inspect_tree(tree, plugins).items if (one.kind, one.folder) == (item.kind, item.path)]
    except (OSError, Refused) as error:
        return [f"its files cannot be judged: {error}"]
    if len(found) != 1:
        return [f"its files are no {item.kind}"]
    errors = [str(issue) for issue in own_issues(found[0]) if issue.is_error]
    if found[0].manifest is None or (errors and judge_code):
        return errors or ["its manifest is broken"]
    text = files.get(LOCK_FILE, b"").decode("utf-8", errors="replace")
    return list(_differences(item, _of_lock(item), _of_bytes(found[0], text), brings=bool(text.strip())))


def _of_lock(item: LockedItem) -> _Claims:
    return _Claims(
        name=item.name.rpartition("/")[2], version=item.version, format=item.format, grants=frozenset(item.grants),
        permissions=tuple(item.permissions), needs=frozenset(item.needs),
    )  # fmt: skip


def _of_bytes(found: FoundItem, requirements: str) -> _Claims:
    assert found.manifest is not None
    packages = [one.name for one in read_dependencies(requirements)] if found.kind == "app" else []
    return _Claims(
        name=found.name, version=found.manifest.version, format=found.format,
        grants=frozenset(grants_of(found.manifest, packages)), permissions=tuple(describe_permissions(found.manifest)),
        needs=frozenset(needs_of(found.manifest)),
    )  # fmt: skip


def _differences(item: LockedItem, said: _Claims, real: _Claims, *, brings: bool) -> Iterator[str]:
    for grant in sorted(real.grants - said.grants):
        yield f"it may {phrase_of(grant)}, and the lock does not say so"
    for grant in sorted(said.grants - real.grants):
        yield f"the lock says that it may {phrase_of(grant)}, and its files do not"
    if said.permissions != real.permissions and said.grants == real.grants:
        yield "the lock describes its permissions in other words"
    for need in sorted(said.needs ^ real.needs):
        yield f"the lock and its files do not agree whether it asks for the {need}"
    for word in ("name", "version", "format"):
        if getattr(said, word) != getattr(real, word):
            yield f"the lock says {word} {getattr(said, word)!r}, and its files say {getattr(real, word)!r}"
    # Which environment it is depends on the machine; that there is one does not. Its packages are grants.
    if brings and item.kind == "app" and not item.environment:
        yield f"it brings packages ({LOCK_FILE}), and the lock names no environment"
    if item.kind == "playbook" and item.environment:
        yield "the lock names an environment, and a playbook has none"


class _StoredTree:
    """Files of our store, below the folder they came from: checks look at its name, too."""

    def __init__(self, files: Mapping[str, bytes], folder: str) -> None:
        self._contents = {f"{folder}/{path}" if folder else path: content for path, content in files.items()}
        entries = (TreeEntry(path=path, size=len(content)) for path, content in sorted(self._contents.items()))
        listing = judge(entries, TreeLimits())
        self.files = listing.files
        self.issues = listing.issues

    def read(self, path: str) -> bytes:
        """The bytes of a file."""
        return self._contents[path]
