"""The tool's side of a run, in memory: it answers a playbook's requests at once, the same way every time."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import random
import re
import uuid
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, TypeVar, Union

from repertory_sdk import protocol
from repertory_sdk.convert import from_json, to_json
from repertory_sdk.errors import PlaybookError
from repertory_sdk.models import EVENT_STATUSES, SEVERITIES, Artifact, Attachment, Event
from repertory_sdk.testing.canned import Canned, Request, results_of

T = TypeVar("T")
Answers = Union[str, Mapping[str, str]]
Child = Union[Mapping[str, Any], PlaybookError, Callable[[Mapping[str, Any]], Mapping[str, Any]]]

START = 1767225600.0  # 2026-01-01T00:00:00Z
_KEY = re.compile(r"[\d./]+")
_PERMITTED = {"severity": SEVERITIES, "status": EVENT_STATUSES}


class UnansweredQuestion(AssertionError):
    """A playbook asked what the test gives no answer to."""


class ActionCall(NamedTuple):
    """One ``play.act``; lists in ``parameters`` are not yet taken apart."""

    action: str
    app: Optional[str]
    assets: Optional[List[str]]
    parameters: Dict[str, Any]


class Question(NamedTuple):
    """One ``play.ask`` with the answer it was given; deadlines in seconds."""

    question: str
    options: List[str]
    default: Optional[str]
    answer: str
    to: str
    within_s: Optional[float]


class Note(NamedTuple):
    """One note; ``event`` is the event's number."""

    title: str
    text: str
    event: int


@dataclasses.dataclass
class Records:
    """What ``play.update``, ``note``, ``attach``, ``list``, ``now`` … read and write: one method for each."""

    events: Dict[int, Event]
    lists: Dict[str, List[List[str]]]
    files: Dict[str, bytes]
    time: float = START
    chance: random.Random = dataclasses.field(default_factory=lambda: random.Random(0))
    notes: List[Note] = dataclasses.field(default_factory=list)
    lines: List[str] = dataclasses.field(default_factory=list)

    def update_event(self, event: int, changes: Mapping[str, Any]) -> None:
        """Change fields of an event."""
        for name, permitted in _PERMITTED.items():
            if changes.get(name, permitted[0]) not in permitted:
                raise PlaybookError(f"{name} must be one of {', '.join(permitted)}, not {changes[name]!r}")
        self.events[event] = dataclasses.replace(self._event(event), **changes)

    def add_artifact(self, event: int, artifact: Mapping[str, Any]) -> int:
        """Add an artifact; its number."""
        known = self._event(event)
        number = max((one.id for one in known.artifacts), default=0) + 1
        added = dataclasses.replace(from_json(Artifact, artifact), id=number)
        self.events[event] = dataclasses.replace(known, artifacts=[*known.artifacts, added])
        return number

    def add_note(self, event: int, title: str, text: str) -> None:
        """Keep a note."""
        self._event(event)
        self.notes.append(Note(title, text, event))

    def attach(self, event: int, name: str, content: str, media_type: str) -> Dict[str, Any]:
        """Keep a file."""
        self._event(event)
        self.files[name] = base64.b64decode(content)
        return _attachment(name, self.files[name], media_type)

    def attachments(self, event: int) -> List[Dict[str, Any]]:
        """All files; they belong to the run's event."""
        self._event(event)
        return [_attachment(name, content) for name, content in self.files.items()]

    def read_attachment(self, sha256: str) -> str:
        """The bytes of one file, in base64."""
        for content in self.files.values():
            if hashlib.sha256(content).hexdigest() == sha256:
                return base64.b64encode(content).decode("ascii")
        raise PlaybookError(f"there is no attachment {sha256}")

    def list_rows(self, name: str) -> List[List[str]]:
        """A custom list; an unknown one is empty."""
        return self.lists.get(name, [])

    def list_add(self, name: str, row: List[str]) -> None:
        """Append a row."""
        self.lists.setdefault(name, []).append(row)

    def list_remove(self, name: str, row: List[str]) -> int:
        """Remove the rows that begin with these values."""
        rows = self.lists.get(name, [])
        kept = [known for known in rows if known[: len(row)] != row]
        self.lists[name] = kept
        return len(rows) - len(kept)

    def now(self) -> float:
        """The time moves only when the playbook sleeps."""
        return self.time

    def random(self) -> float:
        """The same numbers every time."""
        return self.chance.random()

    def uuid(self) -> str:
        """The same UUIDs every time."""
        return str(uuid.UUID(int=self.chance.getrandbits(128), version=4))

    def log(self, text: str) -> None:
        """Keep a line."""
        self.lines.append(text)

    def _event(self, number: int) -> Event:
        if number not in self.events:
            raise PlaybookError(f"there is no event {number}")
        return self.events[number]


def _attachment(name: str, content: bytes, media_type: str = "application/octet-stream") -> Dict[str, Any]:
    made = Attachment(name, hashlib.sha256(content).hexdigest(), len(content), media_type)
    return to_json(made)  # type: ignore[no-any-return]


class Memory:
    """``repertory_sdk.channel.Requests`` without another side; parallel branches run one after the other."""

    def __init__(
        self, records: Records, *, results: Mapping[str, Canned], answers: Answers, children: Mapping[str, Child]
    ) -> None:
        self.records = records
        self.actions: List[ActionCall] = []
        self.asked: List[Question] = []
        self.children: List["tuple[str, Dict[str, Any]]"] = []
        self._results = results
        self._answers = answers
        self._outputs = children
        self._replies: Dict[str, Callable[[], Any]] = {}
        self._path, self._calls = "", 0

    def next_key(self) -> str:
        """Deterministic within the branch."""
        self._calls += 1
        return f"{self._path}{self._calls}"

    def send(self, op: str, key: str, **fields: Any) -> None:
        """Do it at once and keep the reply. What JSON cannot say is refused, as in a real run."""
        try:
            plain = json.loads(protocol.encode(fields))
        except (TypeError, ValueError) as error:
            raise PlaybookError(f"{op}: only JSON values can be passed ({error})") from error
        try:
            value = getattr(self, f"_{op}")(key, **plain)
        except PlaybookError as error:
            self._replies[key] = _raising(error)
        else:
            self._replies[key] = _returning(json.loads(protocol.encode({"value": value}))["value"])

    def wait(self, key: str) -> Any:
        """The reply to an earlier request."""
        return self._replies[key]()

    def parallel(self, branches: List[Callable[[], T]]) -> List[T]:
        """All branches, in order; the first exception is raised after all have ended."""
        base = self.next_key()
        around = (self._path, self._calls)
        outcomes = []
        for index, branch in enumerate(branches):
            self._path, self._calls = f"{base}.{index}/", 0
            outcomes.append(_outcome(branch))
        self._path, self._calls = around
        return [outcome() for outcome in outcomes]

    def _act(self, _key: str, *, timeout_s: Optional[float], **asked: Any) -> Any:
        request = Request(**asked)
        self.actions.append(ActionCall(request.action, request.app, asked["assets"], asked["parameters"]))
        return to_json(results_of(self._results, request))

    def _ask(self, key: str, *, question: str, options: List[str], default: Optional[str], **addressed: Any) -> Any:
        given = self._given_answer(key, question)
        if given is not None and options and given not in options:
            raise UnansweredQuestion(f"{given!r} is not among the answers to {question!r}: {', '.join(options)}")
        answer = default if given is None else given
        if answer is None:
            raise UnansweredQuestion(f"the playbook asked {question!r}; give answers={{{question!r}: …}}")
        self.asked.append(Question(question, options, default, answer, **addressed))
        return {"answer": answer, "by": "" if given is None else "test", "timed_out": given is None}

    def _given_answer(self, key: str, question: str) -> Optional[str]:
        """By the whole question, by the request's key, or by a part of the question."""
        if isinstance(self._answers, str):
            return self._answers
        exact = self._answers.get(question, self._answers.get(key))
        parts = (answer for part, answer in self._answers.items() if part in question and not _KEY.fullmatch(part))
        return exact if exact is not None else next(parts, None)

    def _run(self, _key: str, *, playbook: str, event: int, inputs: Dict[str, Any]) -> Any:
        self.children.append((playbook, inputs))
        if playbook not in self._outputs:
            raise PlaybookError(f"no outputs were given for the playbook {playbook!r}")
        outputs = self._outputs[playbook]
        if isinstance(outputs, PlaybookError):
            raise outputs
        return to_json(outputs(inputs) if callable(outputs) else outputs)

    def _sleep(self, _key: str, *, seconds: float) -> None:
        self.records.time += seconds

    def _record(self, _key: str, *, what: str, arguments: Dict[str, Any]) -> Any:
        return getattr(self.records, what)(**arguments)


def _outcome(branch: Callable[[], T]) -> Callable[[], T]:
    try:
        return _returning(branch())
    except BaseException as error:  # raised again when all branches have ended
        return _raising(error)


def _returning(value: T) -> Callable[[], T]:
    return lambda: value


def _raising(error: BaseException) -> Callable[[], Any]:
    def again() -> Any:
        raise error

    return again
