"""Every hook that content may implement, and the two markers.

Decorators (``@app.action``, ``@playbook`` …) are sugar over these hooks. Implement one directly, as a function of the
item's module, where actions are generated rather than written:

    from repertory_sdk import hookimpl

    @hookimpl
    def repertory_actions(register):
        for operation in operations_of(SPECIFICATION):
            register(operation.as_action())
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, Optional, Type

import pluggy

if TYPE_CHECKING:
    from repertory_sdk.app import Action, AppInfo, Asset
    from repertory_sdk.job import Job
    from repertory_sdk.models import Event
    from repertory_sdk.playbook import Playbook

PROJECT = "repertory_content"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec(firstresult=True)
def repertory_app() -> Optional[AppInfo]:
    """Say what the app is: name, version, product, requirements."""


@hookspec(firstresult=True)
def repertory_asset() -> Optional[Type[Asset]]:
    """Give the class whose fields are the settings of an asset."""


@hookspec
def repertory_actions(register: Callable[[Action], None]) -> None:
    """Register every action of the app."""


@hookspec(firstresult=True)
def repertory_test(asset: Any, job: Job) -> Optional[str]:
    """Test connectivity: return one sentence, or raise ActionFailed."""


@hookspec(firstresult=True)
def repertory_poll(asset: Any, checkpoint: Dict[str, Any], job: Job) -> Optional[Iterable[Event]]:
    """Yield what happened since the checkpoint, and move the checkpoint."""


@hookspec
def repertory_playbooks(register: Callable[[Playbook], None]) -> None:
    """Register every playbook of the module."""
