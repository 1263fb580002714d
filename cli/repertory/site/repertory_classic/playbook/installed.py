"""What is installed beside a playbook, as the product's REST interface lists it: playbooks, repositories, assets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from repertory_classic.playbook.data import Plain
from repertory_classic.playbook.engine import Engine

LOCAL = "local"  # what the product calls the repository that is nobody else's


class Installed:
    """Asked for when somebody wants to know."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: Plain | None = None
        self._made_up: list[Plain] = []

    def _told(self) -> Plain:
        if self._known is None:
            self._known = dict(self._engine.record("installed") or {})
        return self._known

    def repositories(self) -> list[Plain]:
        """With their numbers. Where none is called ``local``, there is one that stands for them all."""
        names = sorted({one["repository"] for one in self._told().get("playbooks", ())} - {LOCAL})
        return [{"id": number, "name": name, "read_only": name != LOCAL} for number, name in enumerate([LOCAL, *names], 1)]

    def playbooks(self) -> list[Plain]:
        """With tags, labels and what they are to be given."""
        numbers = {one["name"]: one["id"] for one in self.repositories()}
        return [
            {
                "id": number, "name": one["name"], "scm": numbers[one["repository"]], "_pretty_scm": one["repository"],
                "labels": one["labels"] or ["*"], "tags": one["tags"], "category": "Uncategorized", "active": False,
                "disabled": False, "playbook_type": "data" if one["inputs"] else "automation",
                "input_spec": one["inputs"], "python_version": "3", "draft_mode": False,
            }
            for number, one in enumerate(self._told().get("playbooks", ()), 1)
        ]  # fmt: skip

    def narrowed(self, kind: str, query: Mapping[str, str]) -> dict[str, str]:
        """The same question, without a repository ``local`` that nothing is in: its playbooks are in those that are followed."""
        is_local = kind == "playbook" and query.get("_filter_scm") == "1"
        if is_local and not any(one["repository"] == LOCAL for one in self._told().get("playbooks", ())):
            return {name: value for name, value in query.items() if name != "_filter_scm"}
        return dict(query)

    def assets(self, wanted: Any = None) -> list[Plain]:
        """Names and products, no settings. In a simulated run an asset that is asked for by name exists."""
        told = [*self._told().get("assets", ()), *self._made_up]
        if self._told().get("simulated") and wanted and wanted not in [one["name"] for one in told]:
            self._made_up.append(_made_up(wanted))  # it is asked for by its number next
            told.append(self._made_up[-1])
        return [_asset(number, one) for number, one in enumerate(told, 1)]

    def offering(self, action: Any) -> list[Plain]:
        """Assets whose apps offer an action, or all. In a simulated run there is always one."""
        told = list(enumerate(self._told().get("assets", ()), 1))
        found = [_asset(number, one) for number, one in told if action is None or str(action).strip().lower() in one["actions"]]
        return found or ([_asset(1, _made_up("simulated"))] if self._told().get("simulated") else [])


def _made_up(name: Any) -> Plain:
    return {"name": str(name), "app": "", "product": str(name), "vendor": ""}


def _asset(number: int, told: Plain) -> Plain:
    return {
        "id": number, "name": told["name"], "product_name": told["product"], "product_vendor": told["vendor"], "app": told["app"],
        "type": "", "tags": [], "description": "", "configuration": {}, "disabled": False,
    }  # fmt: skip
