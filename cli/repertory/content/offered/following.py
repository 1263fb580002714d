"""Following and unfollowing repositories, with all that is kept about one."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

from repertory.content.git.sources import parse_source
from repertory.content.offered.follows import Follows, Repository, list_repositories, named_repositories
from repertory.content.offered.members import REPOSITORY_NAME
from repertory.content.trust.signers import parse_signers
from repertory.content.trust.trust import forget_signers, set_signers
from repertory.errors import NotFound, UserError
from repertory.home import home_error, write_atomically
from repertory_sdk.convert import to_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from repertory.home import Home


def add_repository(home: Home, name: str, url: str, ref: str = "", *, signers: bytes = b"") -> Repository:
    """Follow a repository; it is not looked at before the next sync. ``signers`` is a file of who may sign it."""
    if not REPOSITORY_NAME.fullmatch(name):
        raise UserError(f"{name!r} is no name for a repository", "use lower-case letters, digits and -, at most 40")
    source = parse_source(url, ref)
    if signers:
        parse_signers(signers)
    with home.exclusive():
        known = list_repositories(home)
        taken = next((one for one in known if one.name == name), None)
        if taken:
            raise UserError(f"{name} is followed already, at {taken.url}", "choose another name, or remove it first")
        made = Repository(name=name, url=source.url, ref=source.ref)
        # First the signers: there is no moment in which anybody might sign.
        set_signers(home, name, signers)
        _write(home, [*named_repositories(home), made])
    return made


def remove_repository(home: Home, name: str) -> Repository:
    """Follow it no longer and forget what it offers. What was installed from it stays."""
    with home.exclusive():
        known = list_repositories(home)
        gone = next((one for one in known if one.name == name), None)
        if gone is None:
            raise NotFound("repository", name, [one.name for one in known], "`repertory repo list` shows them")
        if gone.via:
            message = f"{name} is followed because {gone.via} lists it"
            raise UserError(message, f"remove {gone.via}, and follow what you need of it by `repertory repo add`")
        _write(home, [one for one in named_repositories(home) if one.name != name])
        home.members(name).unlink(missing_ok=True)
        for one in [gone, *(one for one in known if one.via == name)]:
            forget_repository(home, one.name)
    return gone


def forget_repository(home: Home, name: str) -> None:
    """Delete what is known of a repository that is followed no longer; nothing installed is touched."""
    home.catalog(name).unlink(missing_ok=True)
    shutil.rmtree(home.repository(name), ignore_errors=True)
    set_signers(home, name, b"")
    forget_signers(home, name)


def follow_all(home: Home, repositories: Iterable[Repository]) -> None:
    """Follow these, besides those that are followed; called with the home held, by whoever checked them."""
    added = {one.name: one for one in repositories}
    _write(home, [*(one for one in named_repositories(home) if one.name not in added), *added.values()])


def _write(home: Home, repositories: Iterable[Repository]) -> None:
    ordered = tuple(sorted(repositories, key=lambda one: one.name))
    try:
        text = json.dumps(to_json(Follows(repositories=ordered)), indent=2, ensure_ascii=False)
        write_atomically(home.follows, f"{text}\n".encode())
    except OSError as error:
        raise home_error(home.root, error) from error
