"""A bundle unpacked beside the home, reviewed there as if it were installed, and moved in once somebody has agreed.

Nothing in a bundle is believed. Commits are checked object by object like fetched ones, wheels by the hashes in each app's
``requirements.lock``, signatures by the keys that this home trusts. A bundle never makes a key a trusted one.

Moving in ends with the lock, like any installation. What comes before it changes nothing that is installed, and is taken back
where something fails.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from repertory.content.changes.install import InstallReport, carry_out
from repertory.content.changes.planning import Request, make_plan
from repertory.content.changes.progress import Progress, silent
from repertory.content.checks.requirements import HASH
from repertory.content.environments.environments import LOCK_FILE
from repertory.content.git.commits import copy_commit
from repertory.content.git.packs import names_commit, take_pack
from repertory.content.git.process import GitFailed
from repertory.content.installed.bundle_file import DAMAGED, Bundle, BundledRepository, BundleLimits, read_bundle
from repertory.content.installed.generations import change_lock
from repertory.content.installed.lock import read_lock
from repertory.content.installed.stages import new_stage
from repertory.content.items.plugins import checker_name, content_plugins
from repertory.content.offered.catalog import write_catalog
from repertory.content.offered.description import describe, judged_by
from repertory.content.offered.following import follow_all
from repertory.content.offered.follows import Repository, list_repositories
from repertory.content.offered.index import update_index
from repertory.content.trust.trust import check_signer, known_signers
from repertory.errors import UserError
from repertory.home import Home, home_error, write_atomically

if TYPE_CHECKING:
    from pathlib import Path

    from repertory.content.changes.review import Review, ReviewedItem


@dataclass(frozen=True)
class StagedHome(Home):
    """A home of its own for everything but installed bytes: those count only once the lock of the real one names them."""

    real: Home

    def content(self, digest: str) -> Path:
        """In the real home."""
        return self.real.content(digest)

    def listing(self, digest: str) -> Path:
        """In the real home."""
        return self.real.listing(digest)

    def environment(self, digest: str) -> Path:
        """In the real home."""
        return self.real.environment(digest)


@dataclass(frozen=True, kw_only=True)
class Staged:
    """A bundle that was looked at. ``added`` are the repositories that would be followed since then.

    ``seen`` is what the review was made from, of the home.
    """

    home: Home
    stage: StagedHome
    bundle: Bundle
    request: Request
    review: Review
    added: Sequence[Repository]
    seen: Mapping[str, bytes]


@contextmanager
def staged_bundle(
    home: Home, path: Path, *, sha256: str = "", progress: Progress | None = None, limits: BundleLimits | None = None
) -> Iterator[Staged]:
    """Unpack a bundle and review what installing it would do; the home stays as it is.

    ``sha256`` is what the file has to be, where a person knows it.
    """
    with new_stage(home) as folder:
        files = folder / "files"
        files.mkdir()
        bundle = read_bundle(path, files, limits=limits)
        if sha256 and bundle.sha256 != sha256.lower():
            said = f"{path} is another file than was meant: its sha256 is {bundle.sha256}"
            raise UserError(said, "compare it with what `repertory bundle create` said")
        yield _look(home, StagedHome(folder / "home", home), bundle, files, progress or silent)


def _look(home: Home, stage: StagedHome, bundle: Bundle, files: Path, tell: Progress) -> Staged:
    names = [one.name for one in bundle.index.repositories]
    seen = _snapshot(home, names)
    added = _added(home, bundle)
    try:
        _furnish(stage, seen, bundle)
        _offer_wheels(home, stage, bundle, files)
        for one in bundle.index.repositories:
            tell(one.name, "unpacking")
            _take_repository(stage, one, files / bundle.index.files[one.pack])
        update_index(stage)
    except OSError as error:
        raise home_error(home.root, error) from error
    request = Request(names=bundle.index.items, command=f"bundle install {bundle.path.name}")
    review = make_plan(stage, request).review
    notes = [f"{one.name} is followed from then on: {one.url}{f' at {one.ref}' if one.ref else ''}" for one in added]
    review = replace(review, items=[_as_known(home, item) for item in review.items], notes=[*review.notes, *notes])
    return Staged(home=home, stage=stage, bundle=bundle, request=request, review=review, added=added, seen=seen)


def _snapshot(home: Home, names: Sequence[str]) -> dict[str, bytes]:
    """The files of a home that decide what a review says."""
    paths = {"lock": home.lock, "follows": home.follows, "trust": home.trust}
    paths |= {f"signers of {name}": home.signers(name) for name in names}
    return {key: path.read_bytes() if path.exists() else b"" for key, path in paths.items()}


def _added(home: Home, bundle: Bundle) -> list[Repository]:
    """Repositories that are not followed yet; raises UserError where the same name means another one here."""
    known = {one.name: one for one in list_repositories(home)}
    for one in bundle.index.repositories:
        here = known.get(one.name)
        if here and (here.url, here.ref) != (one.url, one.ref):
            raise UserError(
                f"the bundle's {one.name} comes from {_place(one)}, but {one.name} here is {_place(here)}",
                f"if that is right: repertory repo remove {one.name}",
            )
    return [_repository(one) for one in bundle.index.repositories if one.name not in known]


def _place(one: Repository | BundledRepository) -> str:
    return f"{one.url} at {one.ref}" if one.ref else one.url


def _repository(one: BundledRepository) -> Repository:
    return Repository(name=one.name, url=one.url, ref=one.ref)


def _furnish(stage: StagedHome, seen: Mapping[str, bytes], bundle: Bundle) -> None:
    """What the home has installed and whom it trusts; what it follows is only what the bundle brings."""
    stage.prepare()
    paths = {"lock": stage.lock, "trust": stage.trust}
    paths |= {f"signers of {one.name}": stage.signers(one.name) for one in bundle.index.repositories}
    for key, path in paths.items():
        if seen[key]:
            write_atomically(path, seen[key], durable=False)
    follow_all(stage, map(_repository, bundle.index.repositories))


def _offer_wheels(home: Home, stage: StagedHome, bundle: Bundle, files: Path) -> None:
    """The bundle's wheels under their names, and those that came before."""
    stage.wheels.mkdir(mode=0o700)
    for name, digest in _wheels(bundle).items():
        os.link(files / digest, stage.wheels / name)
    for wheel in home.wheels.glob("*.whl"):
        if not (stage.wheels / wheel.name).exists():
            os.link(wheel, stage.wheels / wheel.name)


def _wheels(bundle: Bundle) -> dict[str, str]:
    """sha256 by name."""
    pairs = ((path.partition("/"), digest) for path, digest in bundle.index.files.items())
    return {name: digest for (folder, _, name), digest in pairs if folder == "wheels"}


def _take_repository(stage: StagedHome, one: BundledRepository, pack: Path) -> None:
    bare = stage.repository(one.name)
    try:
        take_pack(pack, one.wanted, list(one.shallow), bare.with_suffix(".carrier"), bare)
    except GitFailed as error:
        raise UserError(f"the bundle's copy of {one.name} cannot be read: {error.message}", DAMAGED) from error
    if not names_commit(bare, one.wanted, one.commit):
        raise UserError(f"the bundle says that {one.name} is at {one.commit[:12]}, and holds another commit", "do not use it")
    plugins = content_plugins()
    made_by = judged_by(stage, one.name, checker_name(plugins))
    write_catalog(stage, describe(stage, _repository(one), one.commit, None, plugins, made_by).catalog)


def _as_known(home: Home, item: ReviewedItem) -> ReviewedItem:
    """Say so where this home does not know who signed: in the stage everybody was there for the first time."""
    fingerprint = item.signer.rpartition(" ")[2]
    if not fingerprint or item.signer == "unsigned" or item.signer.startswith("forge "):
        return item
    known = known_signers(home, item.name.partition("/")[0])
    if fingerprint in {one.fingerprint for one in known} or home.signers(item.name.partition("/")[0]).exists():
        return item
    return replace(item, signer_known=f"{item.signer}, a key that is not known here")


# ------------------------------------------------------------------- moving in


def move_in(staged: Staged, progress: Progress | None = None) -> list[InstallReport]:
    """Install what was reviewed, all of it or nothing; raises UserError if the home has changed since then."""
    home, stage = staged.home, staged.stage
    with home.exclusive():
        if _snapshot(home, [one.name for one in staged.bundle.index.repositories]) != staged.seen:
            raise UserError("what is installed, followed or trusted has changed since it was reviewed", "look at it again")
        reports = carry_out(stage, staged.request, reviewed=staged.review.digest, progress=progress)
        with ExitStack() as undo:
            try:
                _bring(staged, undo)
                lock = read_lock(stage)
                if lock != read_lock(home):
                    change_lock(home, lock, command=staged.request.command)
            except OSError as error:
                raise home_error(home.root, error) from error
            undo.pop_all()
        update_index(home)
    return reports


def _bring(staged: Staged, undo: ExitStack) -> None:
    """Repositories, what they offer, and wheels; ``undo`` hears how each step is taken back."""
    home, stage = staged.home, staged.stage
    new = {one.name for one in staged.added}
    for one in staged.bundle.index.repositories:
        target = home.repository(one.name)
        if one.name in new:
            shutil.rmtree(target, ignore_errors=True)  # left of one that is followed no longer
            undo.callback(shutil.rmtree, target, ignore_errors=True)
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            stage.repository(one.name).rename(target)
        else:
            copy_commit(stage.repository(one.name), target)  # adds to it, as a fetch does
        check_signer(home, one.name, one.commit, ref=one.ref, remember=False)
    if new:
        _replace(home.follows, staged.seen["follows"], undo)
        follow_all(home, staged.added)
    for one in staged.bundle.index.repositories:
        path = home.catalog(one.name)
        _replace(path, path.read_bytes() if path.exists() else b"", undo)
        write_atomically(path, stage.catalog(one.name).read_bytes())
    _keep_wheels(staged, undo)


def _replace(path: Path, before: bytes, undo: ExitStack) -> None:
    """Remember how a file was."""
    if before:
        undo.callback(write_atomically, path, before)
    else:
        undo.callback(path.unlink, missing_ok=True)


def _keep_wheels(staged: Staged, undo: ExitStack) -> None:
    """Only those that an installed app's requirements name by their hash; an environment may have to be made again."""
    home, stage = staged.home, staged.stage
    locks = [home.content(item.hash) / LOCK_FILE for item in read_lock(stage).items if item.name in staged.request.names]
    texts = [lock.read_text("utf-8", errors="replace") for lock in locks if lock.is_file()]
    named = {digest for text in texts for digest in HASH.findall(text)}
    for name, digest in _wheels(staged.bundle).items():
        if f"sha256:{digest}" in named:
            home.wheels.mkdir(mode=0o700, exist_ok=True)
            with suppress(FileExistsError):
                os.link(stage.wheels / name, home.wheels / name)
                undo.callback((home.wheels / name).unlink, missing_ok=True)
