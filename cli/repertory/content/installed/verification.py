"""Everything installed compared with what was locked: bytes, permissions, environments, signatures. Needs no network."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from repertory.content.changes.planning import installed_item
from repertory.content.environments.listing import list_environment
from repertory.content.git.paths import Refused
from repertory.content.installed.claims import contradictions
from repertory.content.installed.contents import listing_of, walk_files
from repertory.content.installed.lock import LockedItem, read_lock
from repertory.content.items.plugins import content_plugins
from repertory.content.trust.trust import confirm_signer
from repertory.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

    from repertory.home import Home

Wrong = Literal["changed", "missing", "extra", "environment", "permissions", "signature"]
HINT = "repertory install --locked brings the locked bytes again"
LOCK_HINT = "the lock was changed by hand: restore it from Git, or return to what was installed: repertory rollback"


@dataclass(frozen=True, kw_only=True)
class Deviation:
    """One thing that is not as it was locked; ``path`` is relative to the item's or the environment's folder."""

    what: Wrong
    path: str = ""
    message: str = ""


@dataclass(frozen=True, kw_only=True)
class Verified:
    """One item. ``notes`` say what could not be checked here."""

    item: LockedItem
    deviations: Sequence[Deviation] = ()
    notes: Sequence[str] = ()


def verify(home: Home, names: Sequence[str] = ()) -> list[Verified]:
    """Check these items, all without names. Trees and environments that several share are read once."""
    lock = read_lock(home)
    chosen = [installed_item(lock, name) for name in dict.fromkeys(names)] or list(lock.items)
    trees = {digest: tree_deviations(home, digest) for digest in dict.fromkeys(item.hash for item in chosen)}
    digests = dict.fromkeys(item.environment for item in chosen if item.environment)
    environments = {digest: environment_deviations(home, digest) for digest in digests}
    plugins = content_plugins()
    found = []
    for item in chosen:
        # Findings about the code are for those who install it: newer checks find more, and nothing was changed by that.
        lies = [] if trees[item.hash] else contradictions(home, item, plugins, judge_code=False)
        said = [Deviation(what="permissions", message=lie) for lie in lies]
        found.append(_verified(home, item, [*trees[item.hash], *environments.get(item.environment, ()), *said]))
    return found


def _verified(home: Home, item: LockedItem, deviations: Sequence[Deviation]) -> Verified:
    repository = item.name.partition("/")[0]
    if not home.repository(repository).is_dir():
        return Verified(item=item, deviations=deviations, notes=[f"{repository} is not followed: signature not checked"])
    try:
        # Whom the repository trusts by now is another question.
        note = confirm_signer(home, repository, item.commit, item.signer, ref=item.ref)
    except Refused as refused:
        note = f"{refused.problem}: signature not checked"
    except UserError as error:
        return Verified(item=item, deviations=[*deviations, Deviation(what="signature", message=error.message)])
    return Verified(item=item, deviations=deviations, notes=[note] if note else [])


# ---------------------------------------------------------------------- trees


def tree_deviations(home: Home, digest: str) -> list[Deviation]:
    """What of an installed tree is not what its content hash stands for, file by file where its listing is intact."""
    folder = home.content(digest)
    if not folder.is_dir():
        return [Deviation(what="missing", message="its folder is gone")]
    try:
        found = listing_of(walk_files(folder))
    except Refused as refused:
        return [Deviation(what="changed", path=refused.path, message=refused.problem)]
    except OSError as error:
        return [Deviation(what="changed", message=f"cannot be read: {error.strerror}")]
    if hashlib.sha256(found).hexdigest() == digest:
        return []
    wanted = _kept_listing(home.listing(digest), digest)
    if wanted is None:
        return [Deviation(what="changed", message="some file was changed; which one is not known, its listing is damaged")]
    return _compare(_parse(wanted), _parse(found))


def _kept_listing(path: Path, digest: str) -> bytes | None:
    try:
        content = path.read_bytes()
    except OSError:
        return None
    return content if hashlib.sha256(content).hexdigest() == digest else None


def _parse(listing: bytes) -> dict[str, str]:
    lines = [line.partition(" ") for line in listing.decode(errors="surrogateescape").split("\n") if line]
    return {path: digest for digest, _, path in lines}


def _compare(wanted: Mapping[str, str], found: Mapping[str, str]) -> list[Deviation]:
    deviations = [Deviation(what="missing", path=path) for path in wanted.keys() - found.keys()]
    deviations += [Deviation(what="extra", path=path) for path in found.keys() - wanted.keys()]
    deviations += [Deviation(what="changed", path=path) for path in wanted.keys() & found.keys() if wanted[path] != found[path]]
    return sorted(deviations, key=lambda one: one.path)


# --------------------------------------------------------------- environments


def environment_deviations(home: Home, digest: str) -> list[Deviation]:
    """What of an environment is not as it was built."""
    folder = home.environment(digest)
    if not (folder / "bin" / "python").exists():
        return [Deviation(what="environment", message="its environment is gone, or its interpreter is")]
    try:
        wanted = home.environment_listing(digest).read_bytes()
        found = list_environment(folder)
    except OSError as error:
        return [Deviation(what="environment", message=f"cannot be read: {error}")]
    if wanted == found:
        return []
    return [
        Deviation(what="environment", path=one.path, message=f"{one.what} in its environment")
        for one in _compare(_parse(wanted), _parse(found))
    ]


