"""Logging, and who and where the run is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from repertory_classic.playbook.rest import BASE, rest_url
from repertory_classic.playbook.run import BASE_URL
from repertory_classic.playbook.state import current
from repertory_classic.playbook.telling import say


def debug(message: Any = "", *_more: Any, **_ignored: Any) -> None:
    """A line in the output of the run."""
    say(message if isinstance(message, str) else str(message))


def error(message: Any = "", *_more: Any, **_ignored: Any) -> None:
    """The same, for errors."""
    say(f"ERROR {message}")


def playbook_block(*_given: Any, **_ignored: Any) -> Callable[[Any], Any]:
    """Marks a block."""
    return lambda block: block


def get_effective_user() -> int:
    """The number of the user who runs it."""
    return 1


def get_current_container_id_() -> Any:
    """The number of the run's container."""
    return current().data.container["id"]


def get_playbook_info() -> list[dict[str, Any]]:
    """One dictionary about the running playbook."""
    engine = current().engine
    return [
        {
            "id": 1, "name": engine.item, "repo_name": engine.repository, "repo": engine.repository, "run_id": engine.run,
            "parent_playbook_run_id": None, "scope": "all", "effective_user_id": 1, "running_as": "automation",
        }
    ]  # fmt: skip


def get_base_url() -> str:
    """Where people see containers."""
    return BASE_URL


def get_rest_base_url() -> str:
    """Where the REST interface is."""
    return f"{BASE}/rest"


def build_phantom_rest_url(*parts: Any) -> str:
    """The address of a place in the REST interface."""
    return rest_url(*parts)


def set_action_limit(_number: Any = None, **_ignored: Any) -> None:
    """Limits are those of the settings."""


def discontinue(**_ignored: Any) -> None:
    """No other playbook is queued behind this one."""
