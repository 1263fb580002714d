"""One attempt of one run: answer what the playbook asks, from the journal or by doing it."""

from __future__ import annotations

import json
import signal
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from repertory.runtime.execution.actions import Actions
from repertory.runtime.execution.busy import Busy
from repertory.runtime.execution.childruns import ChildRuns
from repertory.runtime.execution.deliveries import Deliveries
from repertory.runtime.execution.surroundings import telling_of
from repertory.runtime.execution.waits import Waits
from repertory.runtime.kept import effects
from repertory.runtime.processes.pipe import Closed, HalfALine, TooLong
from repertory.runtime.processes.playbook_process import KILLED, ProcessKilled
from repertory.runtime.records import ActRequest, Cancelled, Diverged, Question, as_text, digest_of, is_request_key
from repertory.runtime.simulation.effects import SimulatedEffects
from repertory.runtime.simulation.prepared import wanted_answers
from repertory.runtime.simulation.reading.places import Place
from repertory.runtime.simulation.reading.reads import reads_of
from repertory_sdk.manifest import PlaybookManifest
from repertory_sdk.protocol import BadMessage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from repertory.runtime.execution.childruns import Starter
    from repertory.runtime.execution.journal import Journal
    from repertory.runtime.execution.performing import Tools
    from repertory.runtime.processes.playbook_process import PlaybookProcess
    from repertory.runtime.records import Run, RunState
    from repertory_sdk.protocol import Message

TICK_S = 0.2
# A wait that is over so soon is not worth the end of a process and the start of another.
SHORT_S = 2.0
# In a simulated run sleeping takes no time, so that a loop that waits for something would never end.
MOST_SIMULATED = 2000
COVERAGE = "coverage"


class Parked(Exception):
    """Everything waits for something that may take long; the run was given up until then."""


class Stopped(Exception):
    """This process is to end; the run is to be continued by another."""


class PlaybookFailed(Exception):
    """The playbook raised, broke a rule, or its process died."""


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a run ended."""

    state: RunState
    message: str
    outputs: Mapping[str, Any] = field(default_factory=dict)


class Attempt:
    """Serves one playbook process, or one action by hand, until it is finished or parked."""

    def __init__(
        self, tools: Tools, journal: Journal, run: Run, process: PlaybookProcess | None, start_child: Starter
    ) -> None:
        self._tools = tools
        self._journal = journal
        self._run = run
        self._process = process
        self._failure: BaseException | None = None
        self._ticked = 0.0
        self._last_exchange = time.monotonic()
        self._asked: set[str] = set()
        self._idle_after: int | None = None
        self._final: Ending | None = None
        self._busy = Busy(tools.settings.limits.parallel_actions, self._fail)
        is_first = journal.epoch == 1  # nothing was delivered yet, and most runs have one attempt
        earlier, last = ({}, 0) if is_first else (journal.earlier_replies(), journal.last_number())
        self._deliveries = Deliveries(self._send, earlier, last)
        reads = reads_of(tools.library.pinned(run.playbook, run.content_hash)) if run.simulation and run.playbook else Place()
        self._waits = Waits(journal, run.answers, run.simulation, wanted_answers(reads))
        effect = SimulatedEffects(run, run.simulation).perform if run.simulation else effects.perform
        self._effect = telling_of(tools.library, effect, simulated=run.simulation is not None)
        self._actions = Actions(tools, journal, run, self._deliveries, self._waits, self._busy)
        self._children = ChildRuns(tools, journal, run, self._deliveries, self._waits, self._busy, start_child)

    # ------------------------------------------------------------- the loop

    def serve_playbook(self, hello: Message) -> Ending:
        """Run the playbook to its end; raises Parked, Cancelled, Stopped, Fenced, Diverged, PlaybookFailed."""
        assert self._process is not None
        try:
            self._send(hello)
            while self._final is None:
                self._listen(self._process)
                self._look_around()
            self._finish_actions()
            if self._final.state == "failed":
                self._children.cancel()
        except (PlaybookFailed, Diverged, Cancelled):
            self._children.cancel()
            raise
        finally:
            self._busy.close()
        return self._final

    def serve_act(self, request: ActRequest) -> Ending:
        """Run one action by hand."""
        try:
            self._actions.act(request, by_hand=True, permitted=None)
            self._finish_actions()
        finally:
            self._busy.close()
        failed = [call for call in self._journal.calls(request.key) if call.state != "succeeded"]
        message = failed[0].message if failed else ""
        return Ending(state="failed" if failed else "succeeded", message=message)

    def _listen(self, process: PlaybookProcess) -> None:
        try:
            message = process.pipe.read(TICK_S)
        except TimeoutError:
            self._check_silence()
            return
        except HalfALine as error:
            raise _how_it_died(process, said=f"the playbook's process sent {error}") from error
        except (BadMessage, OSError) as error:
            raise PlaybookFailed(f"the playbook's process sent {error}") from error
        self._last_exchange = time.monotonic()
        if message is None:
            raise _how_it_died(process)
        self._handle(message)

    def _check_silence(self) -> None:
        allowed = self._tools.settings.limits.playbook_silence_s
        if self._idle_after is None and time.monotonic() - self._last_exchange > allowed:
            raise PlaybookFailed(f"the playbook was busy with itself for {allowed:g} s (an endless loop?)")

    def _look_around(self) -> None:
        """Stop if told so; see what has been answered; park if nothing else can happen."""
        if self._failure is not None:
            raise self._failure
        if self._tools.stopping.is_set():
            raise Stopped
        if time.monotonic() - self._ticked >= TICK_S:
            self._ticked = time.monotonic()
            seen = self._journal.look()
            if seen["cancel_requested"]:
                raise Cancelled
            if seen["woken"]:
                self._journal.awake()
            self._waits.check(everything=bool(seen["woken"]))
        if self._nothing_can_happen():
            self._park()

    def _nothing_can_happen(self) -> bool:
        if self._busy.count():
            return False
        if self._final is not None or self._process is None:
            return True
        return self._idle_after is not None and self._deliveries.nothing_under_way(self._idle_after)

    def _park(self) -> None:
        soonest = self._waits.soonest()
        if not self._waits.any():
            if self._final is None and self._process is not None:
                raise PlaybookFailed("the playbook waits for something that nobody owes it")
            return
        if soonest is not None and soonest - time.time() < SHORT_S:
            self._waits.check(everything=False)
            return
        if self._journal.park(soonest):
            raise Parked
        self._journal.awake()
        self._waits.check(everything=True)

    def _finish_actions(self) -> None:
        """A run ends when everything it asked for has an outcome, also what nobody waits for."""
        while self._busy.count() or self._waits.any():
            self._busy.wait(TICK_S)
            if self._final is not None and self._final.state == "failed" and not self._busy.count():
                break  # what still waits for approval is cancelled with the run
            self._look_around()
        if self._failure is not None:
            raise self._failure

    def _fail(self, error: BaseException) -> None:
        self._failure = self._failure or error

    def _send(self, message: Message) -> None:
        if self._process is None:
            return
        self._idle_after = None
        self._last_exchange = time.monotonic()
        try:
            self._process.pipe.write(message)
        except Closed:
            pass  # its end is noticed where its messages are read
        except TooLong as error:
            if "error" in message or "key" not in message:
                raise PlaybookFailed(f"too much to pass to the playbook: {error}") from error
            self._send({"op": "reply", "key": message["key"], "error": f"too much to pass to the playbook: {error}"})

    # ------------------------------------------------------------- requests

    def _handle(self, message: Message) -> None:
        handlers: dict[str, Callable[[Message], None]] = {
            "act": self._act,
            "ask": self._ask,
            "record": self._record,
            "sleep": self._sleep,
            "run": self._children.run,
            "idle": self._idle,
            "done": self._done,
            "failed": self._failed,
        }
        handler = handlers.get(message["op"])
        if handler is None:
            raise PlaybookFailed(f"the playbook's process sent an unknown request {message['op']!r}")
        try:
            if handler not in (self._idle, self._done, self._failed):
                self._note_key(message["key"])
            handler(message)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise PlaybookFailed(f"the playbook's process sent a malformed {message['op']!r}: {error!r}") from error

    def _note_key(self, key: Any) -> None:
        """Two requests under one key would be taken for one: what a thread of the playbook's own would cause."""
        if not isinstance(key, str):
            raise TypeError(f"key {key!r}")
        if not is_request_key(key):
            raise PlaybookFailed(f"the playbook's process sent a request with the key {key[:60]!r}, which no call has")
        if key in self._asked:
            raise PlaybookFailed(f"two requests have the key {key}: use play.parallel, not threads, around play")
        self._asked.add(key)
        if self._run.simulation and len(self._asked) > MOST_SIMULATED:
            raise PlaybookFailed(f"more than {MOST_SIMULATED} requests in a simulated run: does only a real result end a loop?")

    def _act(self, message: Message) -> None:
        request = ActRequest(
            key=message["key"], action=str(message["action"]), app=message["app"], assets=message["assets"],
            parameters=dict(message["parameters"]), timeout_s=message["timeout_s"],
            optional=bool(message["optional"]), parameter_sets=message.get("parameter_sets"),
        )  # fmt: skip
        self._actions.act(request, by_hand=False, permitted=self._permitted())

    def _permitted(self) -> list[str] | None:
        item = self._tools.library.pinned(self._run.playbook, self._run.content_hash)
        return list(item.manifest.actions) if isinstance(item.manifest, PlaybookManifest) else None

    def _ask(self, message: Message) -> None:
        key = message["key"]
        question = Question(
            key=key, kind="question", text=str(message["question"]), options=list(message["options"]),
            recipient=str(message["to"]), within_s=message["within_s"], default=message["default"],
        )  # fmt: skip

        def deliver(prompt: Any) -> None:
            def settle(number: int) -> dict[str, Any]:
                self._journal.settle_prompt(key, number)
                return {"key": key, "value": prompt.as_reply()}

            self._deliveries.new(settle)

        prompt = self._waits.ask(question, deliver)
        if prompt is not None and prompt.settled is not None:
            self._deliveries.again(key, {"value": prompt.as_reply()})
        elif prompt is not None:
            deliver(prompt)

    def _record(self, message: Message) -> None:
        key, what, arguments = message["key"], str(message["what"]), message["arguments"]
        digest = digest_of("record", what, arguments)
        known = self._journal.recorded(key, what, digest)
        if known is not None:
            self._deliveries.again(key, self._recorded_reply(what, json.loads(known["value"]), known["refusal"]))
            return
        kind = "simulated run" if self._run.simulation else "run"
        author = f"{self._run.playbook} ({kind} {self._run.id})"
        place = effects.Place(home=self._tools.settings.home, run=self._run.id, key=key, author=author)

        def settle(number: int) -> dict[str, Any]:
            try:
                value = self._journal.record(
                    key, what, digest, lambda transaction: self._effect(place, transaction, what, arguments), number
                )
            except effects.Refused as refusal:
                self._journal.record(key, what, digest, lambda _: None, number, refusal=str(refusal))
                return {"key": key, "error": str(refusal)}
            return {"key": key, **self._recorded_reply(what, value, "")}

        self._deliveries.new(settle)

    def _recorded_reply(self, what: str, value: Any, refusal: str) -> dict[str, Any]:
        if refusal:
            return {"error": refusal}
        try:
            return {"value": effects.unfolded(self._tools.settings.home, what, value)}
        except effects.Refused as error:
            return {"error": str(error)}

    def _sleep(self, message: Message) -> None:
        key, seconds = message["key"], max(0.0, float(message["seconds"]))
        digest = digest_of("sleep", seconds)
        known = self._journal.recorded(key, "sleep", digest)
        if known is not None and known["settled"] is not None:
            self._deliveries.again(key, {"value": None})
            return
        due_at = known["due_at"] if known is not None else time.time() + (0.0 if self._run.simulation else seconds)
        if known is None:
            self._journal.record(key, "sleep", digest, lambda _: seconds, None, due_at=due_at)

        def settle(number: int) -> dict[str, Any]:
            self._journal.settle_record(key, number)
            return {"key": key, "value": None}

        self._waits.until(key, due_at, lambda: self._deliveries.new(settle))

    def _idle(self, message: Message) -> None:
        self._idle_after = int(message["seen"])

    def _done(self, message: Message) -> None:
        self._keep_coverage(message)
        self._final = Ending(state="succeeded", message="", outputs=dict(message["outputs"]))

    def _failed(self, message: Message) -> None:
        self._keep_coverage(message)
        self._final = Ending(state="failed", message=str(message["message"]))

    def _keep_coverage(self, message: Message) -> None:
        if self._run.simulation and self._run.simulation.traced:
            self._journal.keep_output("playbook", COVERAGE, as_text(message.get("coverage")))


def _how_it_died(process: PlaybookProcess, *, said: str = "") -> Exception:
    process.ended.wait(2.0)
    status = process.status
    if said and status != -signal.SIGKILL:
        return PlaybookFailed(said)
    if status is None:
        return PlaybookFailed("the playbook's process closed its pipe before it was done")
    if status == -signal.SIGXCPU:
        return PlaybookFailed("the playbook's process used more processor time than it may (an endless loop?)")
    if status == -signal.SIGKILL:
        return ProcessKilled(KILLED)
    how = f"signal {-status}" if status < 0 else f"exit status {status}"
    return PlaybookFailed(f"the playbook's process ended before it was done ({how})")
