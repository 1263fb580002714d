"""Content written for Splunk SOAR (Phantom before) runs on packages of that API, which lie beside the copy of this SDK.

Only processes that run such content have them on their path, behind an app's own packages.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import repertory_sdk

if TYPE_CHECKING:
    from repertory_sdk.manifest import PlaybookManifest

FORMAT = "classic"
SITE = "site"
FALLBACK = "fallback"  # below it: small modules in the place of those that are often missing


def is_custom_function(playbook: PlaybookManifest) -> bool:
    """Whether it is a single function that playbooks call, and no playbook of its own."""
    return playbook.format == FORMAT and bool(playbook.function)


def app_side() -> ModuleType:
    """What serves a classic app: ``serve(reader, writer, hello)``."""
    return _load("repertory_classic.app.worker")


def playbook_side() -> ModuleType:
    """What runs a classic playbook: ``outcome(channel, hello)``, its last message."""
    return _load("repertory_classic.playbook.run")


def _load(name: str) -> ModuleType:
    site = Path(repertory_sdk.__file__).parent.parent / SITE
    sys.path += [str(site), str(site / FALLBACK)]
    return importlib.import_module(name)
