"""Run a playbook in this process, with results that a test gives, and keep all that it did."""

from __future__ import annotations

import dataclasses
import json
import random
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

from repertory_sdk import protocol
from repertory_sdk.convert import from_json, to_json
from repertory_sdk.describe import PLAYBOOK_MAIN
from repertory_sdk.errors import DefinitionError, PlaybookError, RepertoryError
from repertory_sdk.loader import load_module, playbooks_of, plugins_of
from repertory_sdk.models import Event
from repertory_sdk.playbook import Play, Playbook
from repertory_sdk.testing.canned import Canned
from repertory_sdk.testing.loading import importable
from repertory_sdk.testing.memory import START, ActionCall, Answers, Child, Memory, Note, Question, Records


@dataclasses.dataclass(frozen=True)
class Recording:
    """All that one run did, in order.

    ``error`` is what the playbook raised on purpose (PlaybookError, ActionFailed by ``required()``); anything else
    that it raises is a bug and is raised by ``PlayRecorder.run``. ``event`` is the event afterwards. ``children`` are
    (name, inputs) of the playbooks it started; ``lists`` and ``files`` are the custom lists and the event's files at
    the end.
    """

    error: Optional[RepertoryError]
    event: Event
    actions: List[ActionCall]
    asked: List[Question]
    notes: List[Note]
    log: List[str]
    outputs: Dict[str, Any]
    children: List[Tuple[str, Dict[str, Any]]]
    lists: Dict[str, List[List[str]]]
    files: Dict[str, bytes]


class PlayRecorder:
    """Runs playbooks without the tool, without apps and without waiting.

    ``folder`` is where names and relative paths begin: the folder of the test. Time stands still unless the playbook
    sleeps, and chance is the same for the same ``seed``.

    >>> @playbook()
    ... def triage(event, play):
    ...     if "malicious" in play.act("ip reputation", ip=event.values("sourceAddress")).values("verdict"):
    ...         play.close(event, reason="blocked")
    >>> event = Event("scan", artifacts=[Artifact(cef={"sourceAddress": "192.0.2.1"})])
    >>> run = PlayRecorder().run(triage, event=event, results={"ip reputation": {"verdict": "malicious"}})
    >>> run.event.status
    'closed'
    """

    def __init__(self, folder: Union[str, Path] = ".", *, seed: int = 0) -> None:
        self._folder = Path(folder).resolve()
        self._seed = seed

    def run(
        self,
        playbook: Union[str, Path, Playbook],
        event: Union[Event, Mapping[str, Any], str, Path, None] = None,
        *,
        inputs: Optional[Mapping[str, Any]] = None,
        results: Optional[Mapping[str, Canned]] = None,
        answers: Answers = "",
        children: Optional[Mapping[str, Child]] = None,
        lists: Optional[Mapping[str, Sequence[Sequence[str]]]] = None,
        files: Optional[Mapping[str, bytes]] = None,
        now: float = START,
    ) -> Recording:
        """Run a playbook to its end.

        ``playbook`` is the decorated function, an item's folder, or its name. ``event`` is an Event, the JSON form of
        one, or a file with that. ``results`` gives for an action's name a row, a list of rows, a ``Result`` or a list
        of them, an ``ActionFailed``, or a function from one parameter set to any of these; an action without one fails.
        ``answers`` gives for a question, a part of it or its key the answer; without, the question's default is taken;
        a single text answers every question. ``children`` gives for a playbook's name its outputs, a PlaybookError, or
        a function from inputs to outputs. ``now`` is in seconds since the epoch.
        """
        begun = _numbered(self._event(event))
        memory = Memory(
            Records(
                {begun.id: begun},
                {name: [list(row) for row in rows] for name, rows in (lists or {}).items()},
                dict(files or {}),
                now,
                random.Random(self._seed),
            ),
            results=results or {},
            answers=answers or {},
            children=children or {},
        )
        play = Play(memory, begun, run="test")
        outputs, error = self._outcome(playbook, begun, play, inputs or {})
        return _recording(memory, begun.id, outputs, error)

    def _outcome(
        self, playbook: Union[str, Path, Playbook], event: Event, play: Play, inputs: Mapping[str, Any]
    ) -> "Tuple[Dict[str, Any], Optional[RepertoryError]]":
        plain = json.loads(protocol.encode(to_json(inputs)))
        try:
            if isinstance(playbook, Playbook):
                return _outputs(playbook.start(event, play, plain)), None
            folder = self._item(playbook)
            with importable(folder):
                return _outputs(_load(folder, Path(playbook).name).start(event, play, plain)), None
        except DefinitionError:
            raise
        except RepertoryError as error:
            return {}, error

    def _item(self, playbook: Union[str, Path]) -> Path:
        """An item's folder is the one named, one of that name beside the test or above it, or the test's own."""
        places = [self._folder / playbook, self._folder.parent / playbook, self._folder, self._folder.parent]
        for place in places:
            if (place / PLAYBOOK_MAIN).is_file():
                return place.resolve()
        raise DefinitionError(f"there is no playbook {str(playbook)!r} in {self._folder} or {self._folder.parent}")

    def _event(self, event: Union[Event, Mapping[str, Any], str, Path, None]) -> Event:
        if isinstance(event, Event):
            return event
        if event is None:
            return Event("test")
        plain = event if isinstance(event, Mapping) else json.loads((self._folder / event).read_text("utf-8"))
        made: Event = from_json(Event, {name: value for name, value in plain.items() if name != "$schema"})
        return made


def _load(folder: Path, name: str) -> Playbook:
    """The playbook of this name, or the only one in a folder of this name."""
    found = {made.name: made for made in playbooks_of(plugins_of(load_module(folder, PLAYBOOK_MAIN)))}
    if name in found:
        return found[name]
    if len(found) == 1 and folder.name == name:
        return next(iter(found.values()))
    had = ", ".join(found) or "none"
    raise DefinitionError(f"{folder / PLAYBOOK_MAIN} registers no playbook {name!r} (it has {had})")


def _numbered(event: Event) -> Event:
    """The event as the tool would store it: with numbers."""
    numbered = enumerate(event.artifacts, start=1)
    artifacts = [dataclasses.replace(artifact, id=artifact.id or number) for number, artifact in numbered]
    return dataclasses.replace(event, id=event.id or 1, artifacts=artifacts)


def _outputs(returned: Any) -> Dict[str, Any]:
    if returned is not None and not isinstance(returned, Mapping):
        raise PlaybookError(f"a playbook returns its outputs as a dictionary, not {type(returned).__name__}")
    try:
        return json.loads(protocol.encode(to_json(returned or {})))  # type: ignore[no-any-return]
    except (TypeError, ValueError) as error:
        raise PlaybookError(f"the outputs cannot be kept: {error}") from error


def _recording(memory: Memory, event: int, outputs: Dict[str, Any], error: Optional[RepertoryError]) -> Recording:
    records = memory.records
    return Recording(
        error=error,
        event=records.events[event],
        actions=memory.actions,
        asked=memory.asked,
        notes=records.notes,
        log=records.lines,
        outputs=outputs,
        children=memory.children,
        lists=records.lists,
        files=records.files,
    )
