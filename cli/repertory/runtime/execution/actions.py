"""The actions of one attempt: plan, ask for approval, perform or answer from the journal, settle doubts."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from repertory.errors import UserError
from repertory.runtime.execution import planning
from repertory.runtime.execution.performing import Doubtful, Performer
from repertory.runtime.kept import assets
from repertory.runtime.kept.doubts import DOUBT_OPTIONS, doubt_about, doubt_key, outcome_by
from repertory.runtime.processes.app_workers import GivenUp
from repertory.runtime.records import CallOutcome, Cancelled, Diverged, Question
from repertory.runtime.simulation.invented import completed
from repertory.runtime.simulation.performing import SimulatedPerformer
from repertory.runtime.simulation.reading.places import Place
from repertory.runtime.simulation.reading.reads import reads_of
from repertory.runtime.storage.trouble import StorageTrouble

if TYPE_CHECKING:
    from collections.abc import Sequence

    from repertory.runtime.execution.busy import Busy
    from repertory.runtime.execution.deliveries import Deliveries
    from repertory.runtime.execution.journal import Journal
    from repertory.runtime.execution.performing import Tools
    from repertory.runtime.execution.waits import Waits
    from repertory.runtime.records import ActRequest, Call, Prompt, Run

APPROVE, DENY = "approve", "deny"
OPTIONS_OF_KIND = {"approval": (APPROVE, DENY), "in_doubt": DOUBT_OPTIONS}


class Actions:
    """Every request of a playbook for an action passes here."""

    def __init__(
        self, tools: Tools, journal: Journal, run: Run, deliveries: Deliveries, waits: Waits, busy: Busy
    ) -> None:
        self._tools = tools
        self._journal = journal
        self._run = run
        self._deliveries = deliveries
        self._waits = waits
        self._busy = busy
        self._performer = _performer(tools, journal, run, busy)
        self._lock = threading.Lock()
        self._open: dict[str, set[str]] = {}
        self._single: set[str] = set()

    def act(self, request: ActRequest, *, by_hand: bool, permitted: Sequence[str] | None) -> None:
        """Plan the request, or continue it where an earlier attempt stopped."""
        calls = self._journal.calls(request.key)
        if not calls and self._was_nothing(request):
            self._deliveries.again(request.key, {"value": []})
            return
        calls = calls or self._plan(request, by_hand=by_hand, permitted=permitted)
        if not calls:
            self._record_nothing(request)
            return
        if calls[0].digest != request.digest:
            raise Diverged(f"call {request.key} was {calls[0].action!r}, now it is {request.action!r} or its parameters differ")
        unsettled = [call for call in calls if not call.is_settled]
        if not unsettled:
            self._deliveries.again(request.key, {"value": [call.as_result() for call in calls]})
            return
        with self._lock:
            self._open[request.key] = {call.key for call in unsettled}
            if len(calls) == 1:
                self._single.add(request.key)
        waiting = [call for call in unsettled if call.state == "planned" and call.decision == "ask" and not call.message]
        for call in unsettled:
            if call not in waiting:
                self._advance(call)
        if waiting:
            self._seek_approval(request, [call for call in calls if call.decision == "ask"], waiting)

    def _plan(self, request: ActRequest, *, by_hand: bool, permitted: Sequence[str] | None) -> list[Call]:
        around = planning.Circumstances(
            installed=self._tools.library.installed(),
            assets=assets.list_assets(self._tools.database),
            policy=self._tools.settings.policy,
            severity=self._severity(),
            permitted=permitted,
            by_hand=by_hand,
        )
        asked, around = completed(request, around, self._tools.library.offered) if self._run.simulation else (request, around)
        planned = planning.plan(asked, around)
        return self._journal.plan(request.key, request.digest, planned, at_once=not self._busy.count())

    def _was_nothing(self, request: ActRequest) -> bool:
        """Whether an earlier attempt told the playbook that nothing was to be done; the same is not planned again."""
        return self._journal.epoch > 1 and self._journal.recorded(request.key, "act", request.digest) is not None

    def _record_nothing(self, request: ActRequest) -> None:
        """No values to act upon: no action runs, and the empty reply takes its place in the order."""

        def settle(number: int) -> dict[str, Any]:
            self._journal.record(request.key, "act", request.digest, lambda _: [], number)
            return {"key": request.key, "value": []}

        self._deliveries.new(settle)

    def _severity(self) -> str:
        if self._run.event is None:
            return ""
        rows = self._tools.database.query("select severity from event where id = ?", self._run.event)
        return str(rows[0]["severity"]) if rows else ""

    # ------------------------------------------------------------ one call

    def _advance(self, call: Call) -> None:
        """What comes next for a call whose outcome is not known."""
        if call.state == "planned" and call.message:
            self._settle(call, CallOutcome(status="failed", message=call.message))
        elif call.state == "planned" and call.decision == "deny":
            self._settle(call, CallOutcome(status="denied", message="the policy forbids it"))
        elif call.state == "planned":
            self._busy.submit(lambda: self._perform(call))
        elif call.state == "running" and call.epoch == self._journal.epoch:
            self._busy.submit(lambda: self._perform(call))  # begun together with its plan
        else:
            self._busy.submit(lambda: self._take_over(call))

    def _perform(self, call: Call) -> None:
        try:
            outcome = self._performer.perform(call)
        except (GivenUp, Cancelled) as error:
            if call.state != "planned":
                self._journal.take_back(call)
            if isinstance(error, Cancelled):
                raise
        except Doubtful as doubt:
            self._settle_doubt(self._journal.mark_in_doubt(call, str(doubt)), str(doubt))
        except StorageTrouble:
            raise
        except UserError as error:
            self._settle(call, CallOutcome(status="failed", message=error.message))
        else:
            self._settle(call, outcome)

    def _take_over(self, call: Call) -> None:
        """An earlier attempt had begun it and does not know how it ended."""
        reason = call.message if call.state == "in_doubt" else "interrupted while it ran"
        if call.state == "in_doubt" and self._journal.was_asked(doubt_key(call)):
            self._ask_human(call, reason)  # whoever was asked decides: what an app says later does not count any more
            return
        try:
            repeatable = self._performer.is_repeatable(call)
        except StorageTrouble:
            raise
        except UserError as error:
            repeatable, reason = False, f"{reason}; {error.message}"
        if repeatable:
            self._perform(call)
            return
        if call.state == "running":
            call = self._journal.mark_in_doubt(call, reason)
        self._settle_doubt(call, reason)

    def _settle(self, call: Call, outcome: CallOutcome) -> None:
        def settle(number: int) -> dict[str, Any] | None:
            settled = self._journal.settle_call(call, outcome, number)
            with self._lock:
                left = self._open[call.act_key]
                left.discard(call.key)
                if left:
                    return None
            calls = [settled] if call.act_key in self._single else self._journal.calls(call.act_key)
            return {"key": call.act_key, "value": [one.as_result() for one in calls]}

        self._deliveries.new(settle)

    # ------------------------------------------------------------ approvals

    def _seek_approval(self, request: ActRequest, calls: Sequence[Call], waiting: Sequence[Call]) -> None:
        """One question about all these calls, also where some of them had been done when an attempt broke off."""
        policy = self._tools.settings.policy
        question = Question(
            key=f"{request.key}?approve", kind="approval", text=_approval_text(request.action, calls),
            options=OPTIONS_OF_KIND["approval"], recipient=policy.approvers,
            within_s=policy.approve_within_s or None, default=DENY if policy.approve_within_s else None,
        )  # fmt: skip

        def answered(prompt: Prompt) -> None:
            for call in waiting:
                if prompt.answer == APPROVE:
                    self._busy.submit(lambda call=call: self._perform(call))  # type: ignore[misc]
                else:
                    self._settle(call, CallOutcome(status="denied", message=f"denied by {prompt.answered_by}"))

        prompt = self._waits.ask(question, answered)
        if prompt is not None:
            answered(prompt)

    # --------------------------------------------------------------- doubts

    def _settle_doubt(self, call: Call, reason: str) -> None:
        """Ask the app, else a human; or tell the playbook, where the policy says so."""
        try:
            happened = self._ask_app(call)
        except GivenUp:
            return  # it is marked as in doubt: whoever goes on with the run asks
        if happened is True:
            self._settle(call, CallOutcome(status="succeeded", message=f"{reason}; it had happened, says the app"))
        elif happened is False and call.tries <= self._tools.settings.limits.retries:
            self._perform(call)
        elif happened is False:
            self._settle(call, CallOutcome(status="failed", message=f"{reason}; it had not happened, says the app"))
        elif self._tools.settings.policy.in_doubt == "report":
            self._settle(call, CallOutcome(status="in_doubt", message=reason))
        else:
            self._ask_human(call, reason)

    def _ask_app(self, call: Call) -> bool | None:
        try:
            return self._performer.has_happened(call)
        except StorageTrouble:
            raise
        except (UserError, Doubtful):
            return None

    def _ask_human(self, call: Call, reason: str) -> None:
        question = doubt_about(call, reason, recipient=self._tools.settings.policy.approvers)

        def answered(prompt: Prompt) -> None:
            outcome = outcome_by(prompt.answered_by, prompt.answer or "", reason)
            if outcome is None:
                self._busy.submit(lambda: self._perform(call))
            else:
                self._settle(call, outcome)

        prompt = self._waits.ask(question, answered)
        if prompt is not None:
            answered(prompt)


def _performer(tools: Tools, journal: Journal, run: Run, busy: Busy) -> Performer | SimulatedPerformer:
    if run.simulation:
        reads = reads_of(tools.library.pinned(run.playbook, run.content_hash)) if run.playbook else Place()
        return SimulatedPerformer(
            tools=tools, journal=journal, simulation=run.simulation, giving_up=busy.giving_up, reads=reads
        )  # fmt: skip
    return Performer(tools=tools, journal=journal, event=run.event, giving_up=busy.giving_up)


def _approval_text(action: str, calls: Sequence[Call]) -> str:
    first = calls[0]
    kind = f" ({first.type})"
    if len(calls) == 1:
        return f"May {action}{kind} run on {first.asset} with {first.shown_parameters}?"
    listed = "; ".join(f"{call.asset}: {call.shown_parameters}" for call in calls[:20])
    more = f"; and {len(calls) - 20} more" if len(calls) > 20 else ""
    return f"May {action}{kind} run {len(calls)} times? {listed}{more}"
