"""The playbook side: ``@playbook`` and ``Play``, all that an author can do.

    @playbook(labels=["reconnaissance"])
    def investigate(event: Event, play: Play) -> None:
        reputation = play.act("ip reputation", ip=event.values("sourceAddress"))
        if "malicious" in reputation.values("verdict"):
            play.escalate(severity="high", because=play.table(reputation))

The same function runs for real, simulated, replayed and resumed after a crash. For that, everything that differs from
one execution to the next (time, chance, the outside world) must come from ``play``.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime
import inspect
import re
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, TypeVar, Union

from repertory_sdk.channel import Requests
from repertory_sdk.convert import from_json, hints_of, to_json
from repertory_sdk.declared import Parameter as Described
from repertory_sdk.errors import DefinitionError, PlaybookError
from repertory_sdk.hookspecs import hookimpl
from repertory_sdk.models import Artifact, Attachment, Event, Result
from repertory_sdk.protocol import ATTACHMENT_LIMIT
from repertory_sdk.results import Results
from repertory_sdk.table import markdown_table

T = TypeVar("T")
Seconds = Union[int, float, str, datetime.timedelta]

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")


def seconds(duration: Seconds) -> float:
    """Seconds of a number, a timedelta, or a text such as ``90s``, ``4h`` or ``1d 12h``.

    >>> seconds("1h 30m")
    5400.0
    """
    if isinstance(duration, datetime.timedelta):
        return duration.total_seconds()
    if isinstance(duration, (int, float)):
        return float(duration)
    parts = _DURATION.findall(duration)
    if not parts or _DURATION.sub("", duration).strip():
        raise PlaybookError(f"{duration!r} is not a duration; write for example 90s, 15m, 4h or 1d 12h")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


@dataclasses.dataclass(frozen=True)
class Playbook:
    """A decorated playbook function; still callable by hand."""

    name: str
    function: Callable[..., Any]
    version: str = "1.0.0"
    labels: Sequence[str] = ()
    actions: Sequence[str] = ()
    playbooks: Sequence[str] = ()
    license: str = "Apache-2.0"
    homepage: str = ""

    def __call__(self, event: Event, play: "Play", **inputs: Any) -> Any:
        """Run it; an input that is not given takes its default."""
        return self.function(event, play, **self._complete(inputs))

    def inputs(self) -> "List[inspect.Parameter]":
        """The parameters after the event and the play: what the playbook takes when it is started."""
        return list(inspect.signature(self.function).parameters.values())[2:]

    def start(self, event: Event, play: "Play", inputs: Mapping[str, Any]) -> Any:
        """Run it with inputs given as JSON values; what is missing takes its default.

        Raises PlaybookError for an input that is missing or unknown, ConversionError for one of the wrong type.
        """
        hints = hints_of(self.function)
        typed = {name: from_json(hints.get(name, Any), value, name) for name, value in inputs.items()}
        return self(event, play, **typed)

    def _complete(self, inputs: Mapping[str, Any]) -> Dict[str, Any]:
        declared = {parameter.name: parameter.default for parameter in self.inputs()}
        for name in inputs:
            if name not in declared:
                known = ", ".join(declared) or "none"
                raise PlaybookError(f"playbook {self.name!r} has no input {name!r} (it has {known})")
        defaults = {name: _default_of(default) for name, default in declared.items()}
        complete = {**defaults, **inputs}
        for name, value in complete.items():
            if value is inspect.Parameter.empty:
                raise PlaybookError(f"playbook {self.name!r} needs the input {name!r}")
        return complete

    @hookimpl
    def repertory_playbooks(self, register: "Callable[[Playbook], None]") -> None:
        """This one."""
        register(self)


def _default_of(declared: Any) -> Any:
    """The value behind ``param(...)``; ``Parameter.empty`` where there is none."""
    if not isinstance(declared, Described):
        return declared
    return inspect.Parameter.empty if declared.required else declared.default


def playbook(
    name: Optional[str] = None,
    *,
    version: str = "1.0.0",
    labels: Sequence[str] = (),
    actions: Sequence[str] = (),
    playbooks: Sequence[str] = (),
    license: str = "Apache-2.0",
    homepage: str = "",
) -> "Callable[[Callable[..., Any]], Playbook]":
    """Make a function a playbook.

    ``name`` is the function's own unless given. ``labels`` are those of the events it is meant for. ``actions`` and
    ``playbooks`` need to be named only where the code asks for them by a computed name: literal ones are found.
    """

    if callable(name):
        raise DefinitionError("write @playbook() with parentheses")

    def decorate(function: Callable[..., Any]) -> Playbook:
        made = Playbook(
            name or function.__name__, function, version, tuple(labels), tuple(actions), tuple(playbooks), license, homepage
        )
        if any(parameter.kind is not parameter.KEYWORD_ONLY for parameter in made.inputs()):
            raise DefinitionError(f"playbook {made.name!r}: inputs must follow a bare *: def f(event, play, *, depth=1)")
        return made

    return decorate


class Answer(str):
    """What somebody answered: compare it with ``==``.

    ``by`` is who answered; ``timed_out`` is true where the deadline passed and the default was taken.
    """

    by: str = ""
    timed_out: bool = False


class Play:
    """One run of a playbook, seen from inside."""

    def __init__(self, requests: Requests, event: Event, *, run: str = "") -> None:
        self._requests = requests
        self.event = event
        self.run_id = run

    # --------------------------------------------------------------- acting

    def act(
        self,
        action: str,
        *,
        app: Optional[str] = None,
        asset: Union[str, Sequence[str], None] = None,
        timeout: Optional[Seconds] = None,
        optional: bool = False,
        **parameters: Any,
    ) -> Results:
        """Run an action; returns at once, and waits where a result is read, so consecutive acts run in parallel.

        Without ``app`` and ``asset`` it runs on every configured asset that offers the action. A list given to a
        parameter that takes single values makes one parameter set for each value; several lists are paired. That nobody
        offers the action is a failure, unless it is ``optional``. ``timeout`` is for each parameter set.
        """
        key = self._requests.next_key()
        self._requests.send(
            "act",
            key,
            action=action,
            app=app,
            assets=[asset] if isinstance(asset, str) else (None if asset is None else list(asset)),
            parameters=to_json(parameters),
            timeout_s=None if timeout is None else seconds(timeout),
            optional=optional,
        )
        return Results(lambda: [from_json(Result, plain) for plain in self._requests.wait(key)])

    def parallel(self, *branches: Callable[[], T]) -> List[T]:
        """Run functions without arguments at the same time; their results in order."""
        return self._requests.parallel(list(branches))

    def run(self, playbook: str, *, event: Optional[Event] = None, **inputs: Any) -> Dict[str, Any]:
        """Run another playbook to its end; returns its outputs. Raises PlaybookError if it failed."""
        outputs = self._ask("run", playbook=playbook, event=(event or self.event).id, inputs=to_json(inputs))
        return dict(outputs)

    def ask(
        self,
        question: str,
        *,
        options: Sequence[str] = (),
        to: str = "",
        within: Optional[Seconds] = None,
        default: Optional[str] = None,
    ) -> Answer:
        """Ask a human and wait, for weeks if need be; the run is parked meanwhile and costs nothing.

        ``options`` are the permitted answers (none: free text). After ``within`` the ``default`` is the answer.
        """
        if within is not None and default is None:
            raise PlaybookError("a question with a deadline needs a default answer")
        if options and default is not None and default not in options:
            raise PlaybookError(f"the default {default!r} is not one of the options")
        deadline = None if within is None else seconds(within)
        plain = self._ask("ask", question=question, options=list(options), to=to, within_s=deadline, default=default)
        answer = Answer(plain["answer"])
        answer.by, answer.timed_out = plain["by"], plain["timed_out"]
        return answer

    def notify(self, message: str, *, to: str = "") -> Results:
        """Send a message by every configured asset that offers ``send message``; nothing if there is none."""
        return self.act("send message", optional=True, message=message, **({"to": to} if to else {}))

    # --------------------------------------------------------------- events

    def update(
        self,
        event: Optional[Event] = None,
        *,
        severity: Optional[str] = None,
        status: Optional[str] = None,
        owner: Optional[str] = None,
        labels: Optional[Sequence[str]] = None,
        tags: Optional[Sequence[str]] = None,
        case: Optional[bool] = None,
        resolution: Optional[str] = None,
    ) -> Event:
        """Change an event (this run's own unless another is given); returns it as it is then."""
        wanted = {
            "severity": severity, "status": status, "owner": owner, "labels": labels,
            "tags": tags, "case": case, "resolution": resolution,
        }  # fmt: skip
        changes = {name: to_json(value) for name, value in wanted.items() if value is not None}
        target = event or self.event
        self._record("update_event", event=target.id, changes=changes)
        return self._changed(dataclasses.replace(target, **changes))

    def _changed(self, event: Event) -> Event:
        if event.id == self.event.id:
            self.event = event
        return event

    def add_artifact(self, event: Optional[Event] = None, *, name: str = "", cef: Mapping[str, Any], **more: Any) -> Event:
        """Add evidence to an event; fields beside ``cef`` are those of Artifact."""
        target = event or self.event
        artifact = Artifact(name=name, cef=dict(cef), **more)
        number = self._record("add_artifact", event=target.id, artifact=to_json(artifact))
        added = dataclasses.replace(artifact, id=int(number))
        return self._changed(dataclasses.replace(target, artifacts=[*target.artifacts, added]))

    def note(self, title: str, text: str = "", *, event: Optional[Event] = None) -> None:
        """Leave a note (Markdown) on an event."""
        self._record("add_note", event=(event or self.event).id, title=title, text=text)

    def close(self, event: Optional[Event] = None, *, reason: str, note: str = "") -> Event:
        """Close an event, and say why."""
        if note:
            self.note(f"Closed: {reason}", note, event=event)
        return self.update(event, status="closed", resolution=reason)

    def escalate(self, event: Optional[Event] = None, *, severity: str, because: str, to: str = "") -> Event:
        """Raise the severity, leave the reason as a note, make the event a case and notify."""
        target = event or self.event
        self.note("Escalated", because, event=target)
        changed = self.update(target, severity=severity, status="open", case=True)
        self.notify(f"{target.name}: escalated, severity {severity}", to=to)
        return changed

    # ---------------------------------------------------------------- files

    def attach(self, name: str, content: bytes, *, media_type: str = "application/octet-stream") -> Attachment:
        """Keep a file (at most 20 MB) on this run's event."""
        if len(content) > ATTACHMENT_LIMIT:
            raise PlaybookError(f"{name}: an attachment may have at most {ATTACHMENT_LIMIT} bytes")
        encoded = base64.b64encode(content).decode("ascii")
        kept = self._record("attach", event=self.event.id, name=name, content=encoded, media_type=media_type)
        return from_json(Attachment, kept)  # type: ignore[no-any-return]

    def attachments(self) -> List[Attachment]:
        """The files on this run's event."""
        return [from_json(Attachment, plain) for plain in self._record("attachments", event=self.event.id)]

    def read(self, attachment: Attachment) -> bytes:
        """The bytes of an attachment."""
        return base64.b64decode(self._record("read_attachment", sha256=attachment.sha256))

    # ---------------------------------------------------------------- lists

    def list(self, name: str) -> "CustomList":
        """A custom list: rows shared by all playbooks and people."""
        return CustomList(self._record, name)

    # -------------------------------------------- what differs between runs

    def now(self) -> datetime.datetime:
        """The time (UTC)."""
        return datetime.datetime.fromtimestamp(self._record("now"), tz=datetime.timezone.utc)

    def random(self) -> float:
        """A number from 0 up to, not including, 1."""
        return float(self._record("random"))

    def uuid(self) -> str:
        """A random UUID."""
        return str(self._record("uuid"))

    def sleep(self, duration: Seconds) -> None:
        """Wait; a long wait parks the run."""
        self._ask("sleep", seconds=seconds(duration))

    def log(self, message: str) -> None:
        """Write a line into the run's record."""
        self._record("log", text=str(message))

    def table(self, *rows: Any, columns: Sequence[str] = ()) -> str:
        """A Markdown table of results, records or tuples, for notes."""
        return "\n\n".join(filter(None, (markdown_table(part, columns) for part in rows)))

    def _ask(self, op: str, **fields: Any) -> Any:
        key = self._requests.next_key()
        self._requests.send(op, key, **fields)
        return self._requests.wait(key)

    def _record(self, what: str, **arguments: Any) -> Any:
        return self._ask("record", what=what, arguments=arguments)


class CustomList:
    """Rows of text that outlive runs."""

    def __init__(self, record: Callable[..., Any], name: str) -> None:
        self._record = record
        self.name = name

    def rows(self) -> "list[list[str]]":
        """All rows."""
        return list(self._record("list_rows", name=self.name))

    def add(self, *values: str) -> None:
        """Append one row."""
        self._record("list_add", name=self.name, row=[str(value) for value in values])

    def remove(self, *values: str) -> int:
        """Remove the rows that begin with these values; how many there were."""
        return int(self._record("list_remove", name=self.name, row=[str(value) for value in values]))

    def __contains__(self, value: object) -> bool:
        return any(row and row[0] == str(value) for row in self.rows())
