"""What a classic playbook is told of what is installed beside it; recorded when it asks, so that every attempt sees the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from repertory_sdk.classic import is_custom_function
from repertory_sdk.manifest import AppManifest, PlaybookManifest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from repertory.items import InstalledSet
    from repertory.runtime.execution.library import Library
    from repertory.runtime.kept import effects
    from repertory.runtime.storage.database import Transaction

    Effect = Callable[[effects.Place, Transaction, str, Mapping[str, Any]], Any]

INSTALLED = "installed"


def telling_of(library: Library, effect: Effect, *, simulated: bool) -> Effect:
    """The same effects, and one more: it changes nothing and tells names, never settings."""

    def perform(place: effects.Place, transaction: Transaction, what: str, arguments: Mapping[str, Any]) -> Any:
        if what != INSTALLED:
            return effect(place, transaction, what, arguments)
        installed = library.installed()
        assets = list(_assets(installed, transaction))
        return {"playbooks": list(_playbooks(installed)), "assets": assets, "simulated": simulated}

    return perform


def _playbooks(installed: InstalledSet) -> Iterator[dict[str, Any]]:
    for name, item in sorted(installed.playbooks.items()):
        if isinstance(item.manifest, PlaybookManifest) and not is_custom_function(item.manifest):
            inputs = [
                {"name": one.name, "description": one.description, "contains": list(one.contains)} for one in item.manifest.inputs
            ]
            yield {
                "name": item.short_name, "repository": name.rpartition("/")[0], "labels": list(item.manifest.labels),
                "tags": list(item.manifest.tags), "inputs": inputs,
            }  # fmt: skip


def _assets(installed: InstalledSet, transaction: Transaction) -> Iterator[dict[str, Any]]:
    for row in transaction.query("select name, app from asset order by name"):
        item = installed.apps.get(row["app"])
        manifest = item.manifest if item else None
        if isinstance(manifest, AppManifest):
            actions = [action.name for action in manifest.actions]
            told = {"product": manifest.product, "vendor": manifest.vendor, "actions": actions}
            yield {"name": str(row["name"]), "app": str(row["app"]), **told}
