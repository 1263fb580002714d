"""What a simulated run begins with where nobody says: an event and inputs, with what the playbook looks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from repertory.runtime.simulation.filling import NOTHING, Temper, fill, in_common
from repertory.runtime.simulation.reading.classic_paths import ARTIFACT, CONTAINER, INPUT, LIST
from repertory.runtime.simulation.reading.places import ITEM
from repertory.runtime.simulation.values import text_for, type_named
from repertory_sdk.models import EVENT_STATUSES, SEVERITIES, Artifact, Event

if TYPE_CHECKING:
    from random import Random

    from repertory.runtime.simulation.reading.places import Case, Place
    from repertory_sdk.manifest import Parameter, PlaybookManifest

# What alerts mostly speak of, in the names of ArcSight's Common Event Format.
_USUAL = (
    "sourceAddress", "destinationAddress", "requestURL", "destinationDnsDomain", "fileHash", "fileName", "fromEmail",
    "destinationHostName", "destinationUserName",
)  # fmt: skip
_LABEL = "events"
_ALL, _MOST_ARTIFACTS, _MOST_PLAIN = 0.5, 5, 2


def make_event(manifest: PlaybookManifest, reads: Place, chance: Random, temper: Temper) -> Event:
    """An event that has the fields which the playbook reads, beside the usual ones."""
    said = _object(reads.find(CONTAINER), chance, temper)
    looked_for = reads.find(ARTIFACT)
    labels = [_text(said.get("label")) or (chance.choice(list(manifest.labels)) if manifest.labels else _LABEL)]
    return Event(
        name=_text(said.get("name")) or text_for("alert", (), chance),
        artifacts=[_artifact(looked_for, chance, temper, case) for case in _cases(looked_for, chance, temper)],
        description=_text(said.get("description")),
        severity=_one_of(SEVERITIES, said.get("severity"), chance.choice(SEVERITIES)),
        status=_one_of(EVENT_STATUSES, said.get("status"), "new"),
        owner=_text(said.get("owner_name") or said.get("owner")),
        labels=labels,
        tags=_texts(said.get("tags")),
        source_id=_text(said.get("source_data_identifier") or said.get("external_id")),
    )


def _cases(place: Place | None, chance: Random, temper: Temper) -> list[Case | None]:
    """One for each artifact: in runs where all goes well there is one for each of the conditions, and one for none."""
    known: list[Case | None] = [*(place.cases_below() if place else ())]
    chance.shuffle(known)
    if not temper.is_varied or chance.random() < _ALL:
        return [*known[: _MOST_ARTIFACTS if temper.is_varied else _MOST_PLAIN], None]
    return [None] * chance.choice((0, 1, 1, 2, 3))


def _artifact(place: Place | None, chance: Random, temper: Temper, case: Case | None) -> Artifact:
    said = _object(place, chance, temper, case)
    usual = {name: text_for(name, (), chance) for name in _USUAL if not temper.is_varied or chance.random() < temper.usual}
    given = said.get("cef")
    cef = {**usual, **(given if isinstance(given, dict) else {})}
    cef = {name: value for name, value in cef.items() if value is not None}
    return Artifact(
        name=_text(said.get("name")) or text_for("artifact", (), chance),
        cef=cef,
        contains={name: [kind] for name in cef if (kind := type_named(name))},
        label=_text(said.get("label")) or "artifact",
        severity=_one_of(SEVERITIES, said.get("severity"), "medium"),
        tags=_texts(said.get("tags")),
    )


def make_inputs(manifest: PlaybookManifest, reads: Place, chance: Random, temper: Temper) -> dict[str, Any]:
    """A value for each input, or several, or none where it can do without."""
    made = {}
    for one in manifest.inputs:
        place = reads.find(INPUT, one.name)
        count = 1 if not temper.is_varied else chance.choice((0, 1, 1, 2)) if not one.required else 1
        values = [_input(one, place, chance, temper) for _ in range(count)]
        kind = one.schema.get("type")
        if values:
            made[one.name] = values if one.takes_list else values[0] if kind in (None, "string") else NOTHING
    return {name: value for name, value in made.items() if value is not NOTHING}


def _input(parameter: Parameter, place: Place | None, chance: Random, temper: Temper) -> Any:
    if place and (place.wanted or place.linked or place.fields):
        value = fill(NOTHING, place, chance, temper=temper)
        if value is not None:
            return value
    return text_for(parameter.name, parameter.contains, chance)


def make_lists(reads: Place, chance: Random) -> dict[str, list[str]]:
    """Cells of the custom lists that are compared with: what there is to be found, and what is found nowhere else."""
    lists = reads.find(LIST)
    made = {}
    for name, place in lists.fields.items() if lists else ():
        inner = place.inside.get(ITEM, place)
        common = [in_common(one, other) for one in (place, inner) for other in one.linked]
        made[name] = [*map(str, [*place.wanted, *inner.wanted]), *common, text_for("cell", (), chance)]
    return made


def _object(place: Place | None, chance: Random, temper: Temper, case: Case | None = None) -> dict[str, Any]:
    made = fill({}, place, chance, temper=temper, case=case) if place else {}
    return made if isinstance(made, dict) else {}


def _text(value: Any) -> str:
    return str(value) if isinstance(value, (str, int, float)) else ""


def _texts(value: Any) -> list[str]:
    several = value if isinstance(value, list) else [value]
    return [str(one) for one in several if isinstance(one, (str, int)) and str(one)]


def _one_of(known: tuple[str, ...], value: Any, otherwise: str) -> str:
    text = str(value).lower()
    return text if text in known else otherwise
