"""What a run waits for that may take long: answers of humans, points in time, child runs."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from repertory.runtime.kept.prompts import AT_START
from repertory.runtime.simulation.answers import simulated_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from repertory.runtime.execution.journal import Journal
    from repertory.runtime.records import Prompt, Question
    from repertory.runtime.simulation.scenario import Simulation


class Waits:
    """Each wait has a callback, which is called once, when it is over. Thread-safe."""

    def __init__(
        self, journal: Journal, answers: Mapping[str, str], simulation: Simulation | None = None, wanted: Sequence[str] = ()
    ) -> None:
        self._wanted = wanted
        self._journal = journal
        self._answers = answers
        self._simulation = simulation
        self._lock = threading.RLock()
        self._prompts: dict[str, tuple[float | None, Callable[[Prompt], None]]] = {}
        self._times: dict[str, tuple[float, Callable[[], None]]] = {}
        self._children: dict[str, Callable[[], bool]] = {}

    def ask(self, question: Question, answered: Callable[[Prompt], None]) -> Prompt | None:
        """The prompt if it has an answer already; else it is waited for."""
        with self._lock:  # an answer that comes between asking and waiting must find somebody waiting
            given, by = self._given(question)
            prompt = self._journal.ask(question, given=given, by=by)
            if prompt.answer is None:
                self._prompts[question.key] = (prompt.deadline_at, answered)
        return None if prompt.answer is None else prompt

    def _given(self, question: Question) -> tuple[str | None, str]:
        """An answer that was given when the run was started: for this key, this kind, or anything; else one that is made up."""
        for name in (question.key, question.kind, "*"):
            if name in self._answers and (not question.options or self._answers[name] in question.options):
                return self._answers[name], AT_START
        return (None, "") if self._simulation is None else simulated_answer(self._simulation, question, self._wanted)

    def until(self, key: str, due_at: float, over: Callable[[], None]) -> None:
        """Wait for a point in time (seconds since the epoch)."""
        with self._lock:
            self._times[key] = (due_at, over)

    def for_child(self, key: str, look: Callable[[], bool]) -> None:
        """Wait for a child run; ``look`` delivers its outputs and says whether it has ended."""
        with self._lock:
            if not look():
                self._children[key] = look

    def any(self) -> bool:
        """Whether anything is waited for."""
        with self._lock:
            return bool(self._prompts or self._times or self._children)

    def soonest(self) -> float | None:
        """When the first wait ends by itself, in seconds since the epoch."""
        with self._lock:
            times = [due_at for due_at, _ in self._times.values()]
            times += [deadline for deadline, _ in self._prompts.values() if deadline is not None]
        return min(times, default=None)

    def check(self, *, everything: bool) -> None:
        """Call back for whatever is over. Answers and children are looked up only where something has woken the run."""
        with self._lock:
            now = time.time()
            for key, (due_at, over) in list(self._times.items()):
                if due_at <= now:
                    del self._times[key]
                    over()
            overdue = any(deadline is not None and deadline <= now for deadline, _ in self._prompts.values())
            if self._prompts and (everything or overdue):
                for prompt in self._journal.answered(list(self._prompts)):
                    _, answered = self._prompts.pop(prompt.key)
                    answered(prompt)
            if everything:
                for key, look in list(self._children.items()):
                    if look():
                        del self._children[key]
