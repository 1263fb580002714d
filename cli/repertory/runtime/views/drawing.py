"""Let apps draw their results: in processes of theirs, without the asset's secrets and without a network."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repertory.errors import UserError
from repertory.runtime.processes.app_workers import AppWorkers, Asides, Lost, WorkerKind
from repertory.runtime.processes.playbook_process import CannotStart
from repertory.runtime.sandbox.confinement import Confinement
from repertory.runtime.sandbox.launch import Sandbox
from repertory.runtime.sandbox.probing import strongest
from repertory.runtime.views.cleaning import cleaned

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from repertory.items import Installed
    from repertory.runtime.records import Call
    from repertory.settings import Settings
    from repertory_sdk.protocol import Message

VIEW_S = 30.0
_IDLE_S = 60.0
_MOST_SAID = 300


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """Harmless HTML, or why there is none."""

    html: str = ""
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class Artist:
    """Draws with the processes of one command; ``refusal`` is why there are none."""

    workers: AppWorkers | None
    refusal: str = ""

    def draw(self, app: Installed, calls: Sequence[Call], event: int | None) -> Drawn:
        """What the app's view makes of these results, which are of one action on one asset."""
        if self.workers is None:
            return Drawn(problem=self.refusal)
        first = calls[0]
        kind = WorkerKind(
            app=app, asset=first.asset, settings={}, concurrency=1, confinement=Confinement(), purpose="views"
        )  # fmt: skip
        results = [_result(call) for call in calls]
        request = {"op": "view", "id": first.key, "action": first.action, "event": event, "results": results}
        try:
            answer = _asked(self.workers, kind, request)
        except (CannotStart, Lost) as error:
            return Drawn(problem=_sentence(str(error)))
        html = answer.get("html")
        if isinstance(html, str) and html.strip():
            return Drawn(html=cleaned(html))
        return Drawn(problem=_sentence(str(answer.get("problem") or "the app drew nothing")))


def _asked(workers: AppWorkers, kind: WorkerKind, request: Mapping[str, Any]) -> Message:
    worker = workers.borrow(kind, threading.Event())
    usable = False
    try:
        answer = worker.act(request, VIEW_S, Asides(progress=lambda _: None, attach=lambda _: None, read=lambda _: ""))
        usable = True
    finally:
        workers.give_back(worker, usable=usable)
    return answer


def _sentence(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _MOST_SAID else f"{line[:_MOST_SAID]}…"


def _result(call: Call) -> dict[str, Any]:
    return {
        "status": "success" if call.state == "succeeded" else "failed", "message": call.message,
        "parameter": dict(call.parameters), "data": list(call.data), "summary": dict(call.summary),
    }  # fmt: skip


@contextmanager
def artist(settings: Settings) -> Iterator[Artist]:
    """Ends its processes; there are none where content could not be isolated as far as the settings demand."""
    limits = settings.limits
    try:
        sandbox = Sandbox(strongest(settings.home, settings.isolation.minimum_level))
    except UserError as error:
        yield Artist(workers=None, refusal=error.message)
        return
    workers = AppWorkers(settings.home, sandbox, start_s=limits.app_start_s, idle_s=_IDLE_S, output_bytes=limits.output_bytes)
    try:
        yield Artist(workers=workers)
    finally:
        workers.close()
        sandbox.close()
