"""Items that a run began with and that the lock may not name any more."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from repertory.content.changes.progress import silent
from repertory.content.environments.environments import environment_digest_of, environment_of
from repertory.content.environments.interpreters import python_of
from repertory.errors import UserError
from repertory.items import Installed, Kind
from repertory_sdk.errors import ConversionError
from repertory_sdk.manifest import APP_FILE, PLAYBOOK_FILE, AppManifest, PlaybookManifest, load_app, load_playbook

if TYPE_CHECKING:
    from repertory.home import Home


def pinned_item(home: Home, name: str, digest: str) -> Installed:
    """The item with this content hash; its files stay while runs may need them."""
    try:
        kind, manifest = _manifest(home, digest)
    except (OSError, ValueError, ConversionError) as error:
        hint = "the run began with it and cannot go on with other code; cancel the run"
        raise UserError(f"{name} with the content {digest[:12]} is not on this machine any more", hint) from error
    environment = environment_of(home, manifest, digest, name, silent)
    return Installed(
        name=name, kind=kind, version=manifest.version, hash=digest, folder=home.content(digest),
        python=python_of(home, environment), manifest=manifest, environment=environment,
    )  # fmt: skip


def environment_digest_of_content(home: Home, digest: str) -> str:
    """The environment of an item with this content hash; empty if it needs none or cannot run here any more."""
    try:
        _kind, manifest = _manifest(home, digest)
        return environment_digest_of(home, manifest, digest, manifest.name)
    except (OSError, ValueError, ConversionError, UserError):
        return ""


def _manifest(home: Home, digest: str) -> tuple[Kind, AppManifest | PlaybookManifest]:
    folder = home.content(digest)
    if (folder / APP_FILE).is_file():
        return "app", load_app(json.loads((folder / APP_FILE).read_bytes()))
    return "playbook", load_playbook(json.loads((folder / PLAYBOOK_FILE).read_bytes()))
