"""The host of content plug-ins: built-in formats and checks register like anyone's."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pluggy

import repertory.content
import repertory_sdk
from repertory.content.checks import files, manifests, requirements, source
from repertory.content.checks.rules import RULES, Rule
from repertory.content.formats import native
from repertory.content.formats.classic import items as classic
from repertory.content.items import hookspecs
from repertory.errors import UserError

BUILT_IN = (native, classic, files, manifests, requirements, source)


def content_plugins() -> pluggy.PluginManager:
    """Built-ins and everything installed under the entry-point group ``repertory``."""
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    for module in BUILT_IN:
        manager.register(module, name=module.__name__)
    try:
        manager.load_setuptools_entrypoints(hookspecs.PROJECT)
    except Exception as error:  # a stranger's plug-in, with whatever its import raises
        raise UserError(f"a plug-in cannot be loaded: {error}", "uninstall or update its package") from error
    return manager


def all_rules(manager: pluggy.PluginManager) -> list[Rule]:
    """Those of the built-in checks, then those of plug-ins."""
    return [*RULES, *(rule for rules in manager.hook.repertory_rules() for rule in rules)]


def checker_name(manager: pluggy.PluginManager) -> str:
    """Changes whenever the same files might be judged differently: by other code, schemas or plug-ins."""
    digest = hashlib.sha256()
    for path in _judging_files():
        digest.update(path.read_bytes())
    packages = {f"{package.project_name} {package.version}" for _, package in manager.list_plugin_distinfo()}
    return " ".join([digest.hexdigest(), *sorted(packages)])


def _judging_files() -> list[Path]:
    own, sdk = Path(repertory.content.__path__[0]), Path(repertory_sdk.__path__[0])
    names = ("convert.py", "manifest.py", "models.py", "source.py")
    return [*sorted(own.rglob("*.py")), *sorted(sdk.glob("schemas/*.json")), *(sdk / name for name in names)]
