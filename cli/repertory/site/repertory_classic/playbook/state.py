"""Everything that belongs to the one run of this process, for the module of functions that blocks call."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Optional

from repertory_classic.playbook.containers import Containers
from repertory_classic.playbook.data import Plain, RunData
from repertory_classic.playbook.engine import Engine
from repertory_classic.playbook.files import Scratch
from repertory_classic.playbook.installed import Installed
from repertory_classic.playbook.keeping import Lists, Objects


@dataclass
class Everything:
    """Of one run. ``children`` are the runs of other playbooks that it has started, by their numbers."""

    engine: Engine
    data: RunData
    containers: Containers
    lists: Lists
    objects: Objects
    installed: Installed
    scratch: Scratch = field(default_factory=Scratch)
    children: dict[int, Plain] = field(default_factory=dict)

    def child_run(self, number: str) -> Plain | None:
        """What the REST interface says of one."""
        child = self.children.get(int(number)) if number.isdigit() else None
        if child is None:
            return None
        outputs = self.data.outputs.get(child["name"])
        return {
            "id": int(number), "playbook": child["playbook"], "status": "running" if outputs is None else "success",
            "inputs": [json.dumps(child["inputs"])], "outputs": [json.dumps(outputs)] if outputs else [], "message": "",
        }  # fmt: skip


class Current:
    """Which run this process is for; it has one."""

    everything: Optional[Everything] = None


CURRENT = Current()


def enter(everything: Everything) -> None:
    """From now on blocks call upon this run."""
    CURRENT.everything = everything


def is_entered() -> bool:
    """Whether this process runs a playbook."""
    return CURRENT.everything is not None


def current() -> Everything:
    """The run of this process."""
    if CURRENT.everything is None:
        raise RuntimeError("phantom.rules can be used in a playbook's run only")
    return CURRENT.everything
