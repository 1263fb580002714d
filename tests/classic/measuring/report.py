"""What was measured, and how people read it."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .judged import Judgement, judgement_on

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass
class PlaybookReport:
    """Of one checkout. ``causes`` are messages of failed runs with their playbooks, and how often each.

    ``blocks`` are functions of playbooks; ``missed`` those that no explored run came to, by playbook, with the reason.
    """

    playbooks: int = 0
    valid: int = 0
    runs: int = 0
    ended_well: int = 0
    ended_well_on_every_seed: int = 0
    actions: int = 0
    blocks: int = 0
    blocks_reached: int = 0
    seconds: float = 0.0
    explored_runs: int = 0
    explored_seconds: float = 0.0
    blocks_explored: int = 0
    missed: dict[str, dict[str, str]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    causes: dict[str, dict[str, int]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ActionReport:
    """Of one call of one action; ``progress`` is the last that it said before; ``where`` and ``error`` of the last traceback that it left."""

    name: str
    status: str
    message: str
    seconds: float
    verdict: str
    progress: str = ""
    where: str = ""
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class ConnectorReport:
    """Of one connector. ``kind`` is ``classic``, ``other kit``, ``python 2``, ``refused`` or ``none``."""

    name: str
    kind: str
    version: str = ""
    interpreter: str = ""
    loaded: bool = False
    problem: str = ""
    seconds: float = 0.0
    actions: list[ActionReport] = field(default_factory=list)

    @property
    def own(self) -> int:
        """How many actions ended in an outcome of the connector's own."""
        return sum(action.verdict == "own" or self.judged(action) is not None for action in self.actions)

    def judged(self, action: ActionReport) -> Judgement | None:
        """What was found of an exception or a pause, when somebody looked."""
        return judgement_on(self.name, action.message, action.error, action.where) if action.verdict != "own" else None

    @property
    def line(self) -> str:
        """For whoever waits."""
        said = f"{self.own} of {len(self.actions)} actions" if self.loaded else self.problem.partition("\n")[0]
        return f"{self.name}: {self.kind}{': ' + said if said else ''} ({self.seconds} s)"


def connector_lines(reports: Sequence[ConnectorReport]) -> Iterator[str]:
    """For a terminal."""
    classic = [report for report in reports if report.kind == "classic"]
    actions = [(report, action) for report in classic for action in report.actions]
    counts = Counter(report.kind for report in reports)
    yield ", ".join(f"{number} {kind}" for kind, number in counts.most_common())
    yield f"{sum(report.loaded for report in classic)} of {len(classic)} classic connectors import and can be made"
    judged = [report.judged(action) for report, action in actions if report.judged(action)]
    yield f"{sum(report.own for report in classic)} of {len(actions)} actions ended in an outcome of their own, {len(judged)} by judgement"
    for report in reports:
        if report.problem:
            yield f"{report.name}: {report.kind}: {report.problem}"
    for report, action in actions:
        if action.verdict != "own" and report.loaded and not report.judged(action):
            yield f"{action.verdict:6} {report.name}: {action.name}: {_cell(reason_of(action))} ({action.where})"


def connector_page(reports: Sequence[ConnectorReport]) -> Iterator[str]:
    """A section of the documentation: totals, then everything that falls short and why."""
    classic = [report for report in reports if report.kind == "classic"]
    actions = [(report, action) for report in classic for action in report.actions]
    judged = [(report.name, found.why) for report, action in actions if (found := report.judged(action))]
    kinds = Counter(report.kind for report in reports)
    yield "| | |"
    yield "|---|---|"
    yield f"| classic connectors | {len(classic)} |"
    yield f"| environment built, imported and made | {sum(report.loaded for report in classic)} |"
    yield f"| actions | {len(actions)} |"
    yield f"| ended in an outcome of the connector's own | {sum(report.own for report in classic)} |"
    yield f"| of these an exception or a pause of its own, each looked at | {len(judged)} |"
    yield f"| left out: written for Python 2, and refused with that sentence | {kinds['python 2']} |"
    yield f"| left out: written with another kit | {kinds['other kit']} |"
    yield f"| left out: no connector | {kinds['none'] + kinds['refused']} |"
    yield from ("", "What falls short:", "", "| connector | actions | why |", "|---|---|---|")
    for report in classic:
        yield from _short_lines(report)
    yield from ("", "What was judged to be the connector's own:", "", "| connector | actions | it |", "|---|---|---|")
    for (name, why), number in sorted(Counter(judged).items()):
        yield f"| {name} | {number} | {why} |"


def _short_lines(report: ConnectorReport) -> Iterator[str]:
    if not report.loaded:
        yield f"| {report.name} | all | {_cell(report.problem)} |"
        return
    short = [action for action in report.actions if action.verdict != "own" and not report.judged(action)]
    for why, number in Counter(reason_of(action) for action in short).items():
        yield f"| {report.name} | {number} | {_cell(why)} |"


def reason_of(action: ActionReport) -> str:
    """Whom it could not reach, what it waited for, or what was raised."""
    refused = re.search(r"\w+ wanted (.{1,80}?), which it never declared", f"{action.message} {action.error}")
    if refused:
        return f"wanted {refused[1]}, which is found neither in its settings nor in its code"
    return "no answer within the time" if action.verdict == "slow" else action.error or action.message


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")[:160]


@dataclass(frozen=True, kw_only=True)
class FunctionReport:
    """Of one call. ``outcome`` is ``returned``, ``raised`` (by the function itself, with its message), or how the run ended."""

    name: str
    outcome: str
    message: str = ""


def function_lines(reports: Sequence[FunctionReport]) -> Iterator[str]:
    """For a terminal."""
    counts = Counter(report.outcome for report in reports)
    yield f"{len(reports)} custom functions were called: " + ", ".join(f"{number} {outcome}" for outcome, number in counts.most_common())
    for report in reports:
        if report.outcome != "returned":
            yield f"{report.outcome}: {report.name}: {report.message}"


def playbook_lines(report: PlaybookReport) -> Iterator[str]:
    """For a terminal."""
    yield f"{report.valid} of {report.playbooks} playbooks are valid; {report.runs} runs in {report.seconds} s"
    yield f"{report.ended_well} runs and {report.ended_well_on_every_seed} playbooks on every seed ended well"
    yield f"{report.blocks_reached} of {report.blocks} blocks were reached, {report.actions} actions asked for"
    if report.explored_runs:
        yield f"{report.blocks_explored} of them in {report.explored_runs} explored runs, in {report.explored_seconds} s"
    for cause, playbooks in sorted(report.causes.items(), key=lambda pair: -sum(pair[1].values())):
        yield f"{sum(playbooks.values()):5} {cause}  ({', '.join(playbooks)})"
    for name, problem in report.refused.items():
        yield f"refused: {name}: {problem}"
    for name, missed in report.missed.items():
        yield f"never reached in {name}: " + ", ".join(f"{block} ({reason})" for block, reason in missed.items())
