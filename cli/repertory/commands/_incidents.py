"""The incidents that `demo` shows: a playbook says in ``samples/demo.json`` what it takes to see it work."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from repertory.content.offered.community import shipped_folders
from repertory.errors import UsageError
from repertory_sdk.convert import from_json

FILE = "samples/demo.json"


@dataclass(frozen=True, kw_only=True)
class DemoAsset:
    """An asset of the demonstration. With ``simulated`` the app's simulator is started, knowing ``state``.

    In ``settings`` and ``state``, ``{samples}`` stands for the folder of samples, ``{asset[port]}`` for what the simulator of
    an asset before this one said of itself.
    """

    name: str
    app: str
    simulated: bool = True
    settings: Mapping[str, Any] = field(default_factory=dict)
    state: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Incident:
    """One incident. ``answers`` are what people say to a question with this text in it; what waits for approval is approved."""

    number: int
    title: str
    assets: Sequence[DemoAsset]
    event: str
    inputs: Mapping[str, Any] = field(default_factory=dict)
    answers: Mapping[str, str] = field(default_factory=dict)
    more: Sequence[str] = ()
    playbook: str = ""

    @property
    def apps(self) -> Sequence[str]:
        """The apps it takes, each once."""
        return list(dict.fromkeys(asset.app for asset in self.assets))

    def answer_to(self, question: str, options: Sequence[str]) -> str | None:
        """What somebody says to a question; None where nobody knows."""
        said = next((answer for text, answer in self.answers.items() if text in question), None)
        return said or ("approve" if "approve" in options else None)


def incidents() -> Mapping[int, Incident]:
    """All that the shipped playbooks bring, by number."""
    found = {}
    for path in shipped_folders()[1].glob(f"*/{FILE}"):
        plain = {**json.loads(path.read_text("utf-8")), "playbook": path.parents[1].name}
        incident: Incident = from_json(Incident, plain)
        found[incident.number] = incident
    return dict(sorted(found.items()))


def incident(number: int) -> Incident:
    """The one of this number."""
    known = incidents()
    if number not in known:
        listed = ", ".join(f"{one.number} ({one.title})" for one in known.values())
        raise UsageError(f"there is no incident {number}", f"there are {listed}")
    return known[number]


def filled(value: Any, places: Mapping[str, Any], samples: Path) -> Any:
    """A value with the places of simulators in it; what is only a placeholder for a number becomes that number."""
    if isinstance(value, Mapping):
        return {key: filled(item, places, samples) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, places, samples) for item in value]
    if not isinstance(value, str) or "{" not in value:
        return value
    text = value.format(samples=samples.absolute(), **places)
    return int(text) if text.isdigit() and value.startswith("{") and value.endswith("}") else text
