"""Plain records of runs: what the journal, the executor and the commands pass to each other."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from repertory.runtime.simulation.scenario import Simulation
    from repertory.settings import Decision

RunState = Literal["queued", "running", "waiting", "succeeded", "failed", "cancelled"]
ENDED: tuple[RunState, ...] = ("succeeded", "failed", "cancelled")
PromptKind = Literal["question", "approval", "in_doubt"]
SETTLED = ("succeeded", "failed", "denied", "in_doubt", "cancelled")
# As the SDK counts them; our own keys (``3#0``, ``3?approve``) are made from these by adding what cannot be in one.
_NUMBER = "[1-9][0-9]{0,8}"
_REQUEST_KEY = re.compile(rf"{_NUMBER}(\.(0|{_NUMBER})/{_NUMBER})*")
_LONGEST_KEY = 500


class Fenced(Exception):
    """A newer attempt owns the run; this one must stop."""


class Diverged(Exception):
    """The replay asked for something else than what is recorded."""


class Cancelled(Exception):
    """Somebody wants the run to stop."""


class NothingToDo(Exception):
    """The attempt is outdated, or the run waits or has ended."""


def is_request_key(key: str) -> bool:
    """Whether a call of a playbook can have this key; any other could be meant to pass for one of ours."""
    return len(key) <= _LONGEST_KEY and _REQUEST_KEY.fullmatch(key) is not None


def canonical(value: Any) -> str:
    """Equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def as_text(value: Any) -> str:
    """JSON as it is kept: the order in which an app names its fields says what matters."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def digest_of(*parts: Any) -> str:
    """Identifies what was asked for."""
    return hashlib.sha256(canonical(parts).encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class ActRequest:
    """What a playbook (or a person) asked for, before it is known where it runs.

    With ``parameter_sets`` each of them is one call, and no list in them is many values.
    """

    key: str
    action: str
    app: str | None = None
    assets: Sequence[str] | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    timeout_s: float | None = None
    optional: bool = False
    parameter_sets: Sequence[Mapping[str, Any]] | None = None

    @property
    def digest(self) -> str:
        """Identifies the request."""
        sets = () if self.parameter_sets is None else (self.parameter_sets,)
        return digest_of("act", self.action, self.app, self.assets, self.parameters, *sets)


@dataclass(frozen=True, kw_only=True)
class PlannedCall:
    """One action run: one parameter set on one asset. ``problem`` is why it cannot run at all."""

    key: str
    action: str
    type: str = ""
    app: str = ""
    app_hash: str = ""
    asset: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    timeout_s: float = 60.0
    decision: Decision = "allow"
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class Call:
    """An action run as the journal has it. ``tries`` counts how often its effect was begun."""

    key: str
    act_key: str
    action: str
    type: str
    app: str
    app_hash: str
    asset: str
    parameters: Mapping[str, Any]
    timeout_s: float
    decision: Decision
    digest: str
    epoch: int
    state: str
    message: str
    data: Sequence[Mapping[str, Any]]
    summary: Mapping[str, Any]
    attachments: Sequence[Mapping[str, Any]]
    tries: int
    settled: int | None

    @property
    def is_settled(self) -> bool:
        """Whether its outcome is known, and was told to the playbook."""
        return self.settled is not None

    @property
    def shown_parameters(self) -> str:
        """For people."""
        return ", ".join(f"{name}={value}" for name, value in self.parameters.items()) or "no parameters"

    def as_result(self) -> dict[str, Any]:
        """What the playbook reads."""
        return {
            "status": self.state,
            "message": self.message,
            "data": list(self.data),
            "summary": dict(self.summary),
            "parameters": dict(self.parameters),
            "action": self.action,
            "app": self.app,
            "asset": self.asset,
            "attachments": list(self.attachments),
        }


@dataclass(frozen=True, kw_only=True)
class CallOutcome:
    """How one action run ended. ``peak_memory``: of the app's process so far, in bytes."""

    status: str
    message: str = ""
    data: Sequence[Mapping[str, Any]] = ()
    summary: Mapping[str, Any] = field(default_factory=dict)
    attachments: Sequence[Mapping[str, Any]] = ()
    peak_memory: int = 0


@dataclass(frozen=True, kw_only=True)
class Question:
    """A prompt to be. ``within_s`` is counted from when it is first asked."""

    key: str
    kind: PromptKind
    text: str
    options: Sequence[str] = ()
    recipient: str = ""
    within_s: float | None = None
    default: str | None = None


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """A question to a human, as it is kept."""

    id: int
    run: str
    key: str
    kind: PromptKind
    question: str
    options: Sequence[str]
    recipient: str
    default: str | None
    deadline_at: float | None
    answer: str | None
    answered_by: str
    answered_at: float | None
    timed_out: bool
    created_at: float
    settled: int | None

    def as_reply(self) -> dict[str, Any]:
        """What the playbook reads."""
        return {"answer": self.answer, "by": self.answered_by, "timed_out": self.timed_out}


@dataclass(frozen=True, kw_only=True)
class Run:
    """One execution of a playbook, or of one action by hand (``kind`` ``act``). ``simulation``: where all of it is made up."""

    id: str
    kind: Literal["playbook", "act"]
    playbook: str
    version: str
    content_hash: str
    event: int | None
    inputs: Mapping[str, Any]
    answers: Mapping[str, str]
    started_by: str
    state: RunState
    message: str
    outputs: Mapping[str, Any]
    attempt: int
    epoch: int
    worker: str
    parent: str
    parent_key: str
    depth: int
    held: bool
    cancel_requested: bool
    created_at: float
    started_at: float | None
    ended_at: float | None
    simulation: Simulation | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in ENDED
