"""One action by hand, as a run of its own; shared by ``act`` and ``asset test``."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from repertory.commands._runlive import growing
from repertory.commands._runview import RunRecord, read_record
from repertory.commands._session import resumable, stopping_told, unlock_secrets
from repertory.runtime.engines.foreground import foreground
from repertory.runtime.kept import events, runs
from repertory.settings import user_name
from repertory_sdk.models import Event

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from repertory.commands._session import Session


def act_by_hand(
    opened: Session, *, app_name: str | None, action: str, parameters: Mapping[str, Any], names: Sequence[str] | None,
    event: int | None = None, timeout_s: float | None = None, shown: bool = False,
) -> RunRecord:  # fmt: skip
    """Run it here and now; the record of the run. ``shown``: a person at a terminal sees how it goes, until it is over."""
    subject: Event | None = events.get_event(opened.database, event) if event else None
    act = {
        "action": action, "app": app_name, "assets": list(names) if names else None,
        "parameters": dict(parameters), "timeout_s": timeout_s,
    }  # fmt: skip
    unlock_secrets(opened)
    new = runs.NewRun(event=subject, act=act, started_by=user_name(), held=True)
    with opened.database.transaction() as transaction:
        run_id = runs.create_run(transaction, new)
    seen = growing(opened.database, run_id) if shown else nullcontext(lambda: None)
    with (
        resumable(run_id), foreground(opened.settings, opened.database, opened.library) as here, stopping_told(here), seen as look,
    ):  # fmt: skip
        run = here.run(run_id, watch=lambda _: _looked(look))
    return read_record(opened.database, run)


def _looked(look: Callable[[], None]) -> bool:
    look()
    return False
