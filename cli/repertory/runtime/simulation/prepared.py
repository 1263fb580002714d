"""What a simulated run is told in the place of those who are not there: the product's own interface, and child playbooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from repertory.runtime.simulation.filling import NOTHING, fill, temper_of
from repertory.runtime.simulation.reading.classic_paths import ANSWER, CONTAINER, FUNCTION, OUTPUT
from repertory.runtime.simulation.reading.places import ITEM

if TYPE_CHECKING:
    from repertory.runtime.simulation.reading.places import Place
    from repertory.runtime.simulation.scenario import Simulation


def prepare(reads: Place, simulation: Simulation) -> dict[str, Any]:
    """By the names of blocks: results of functions that ask the product, outputs of children; then the data of the container,
    who started the run, and what its chance follows from.

    Plain simulated runs get no more than the data and the chance; explored ones now this, now that: else it is computed.
    """
    temper = temper_of(simulation)
    data = reads.find(CONTAINER, "data")
    user = simulation.chance("user").choice(("", "analyst")) if temper.is_varied else ""
    made: dict[str, Any] = {"functions": {}, "outputs": {}, "data": {}, "user": user}
    made["chance"] = f"simulated {simulation.seed} {simulation.place}"
    if data is not None and data.fields:
        made["data"] = fill({}, data, simulation.chance("data"), temper=temper)
    for kind, name in ((FUNCTION, "functions"), (OUTPUT, "outputs")):
        known = reads.find(kind)
        for block, place in known.fields.items() if known else ():
            chance = simulation.chance(kind, block)
            wanted = place.inside.get("data") if kind == FUNCTION else place
            if wanted is not None and chance.random() < temper.made:
                value = fill(NOTHING, wanted, chance, temper=temper)
                made[name][block] = value if isinstance(value, (dict, list)) else {}
    return made


def wanted_answers(reads: Place) -> list[str]:
    """Texts that answers of people are compared with."""
    blocks = reads.find(ANSWER)
    places = [*(blocks.fields.values() if blocks else ())]
    places += [place.inside[ITEM] for place in places if ITEM in place.inside]
    return list(dict.fromkeys(str(one) for place in places for one in place.wanted))
