"""Everything that belongs to the one run of this process, for the module of functions that blocks call."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from repertory_classic.playbook.containers import Containers
from repertory_classic.playbook.data import Plain, RunData
from repertory_classic.playbook.engine import Engine
from repertory_classic.playbook.files import Scratch
from repertory_classic.playbook.keeping import Lists, Objects


@dataclass
class Everything:
    """Of one run. ``children`` are the runs of other playbooks that it has started, by their numbers."""

    engine: Engine
    data: RunData
    containers: Containers
    lists: Lists
    objects: Objects
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


_THE_RUN: list[Everything] = []


def enter(everything: Everything) -> None:
    """From now on blocks call upon this run; a process has one."""
    _THE_RUN[:] = [everything]


def is_entered() -> bool:
    """Whether this process runs a playbook."""
    return bool(_THE_RUN)


def current() -> Everything:
    """The run of this process."""
    if not _THE_RUN:
        raise RuntimeError("phantom.rules can be used in a playbook's run only")
    return _THE_RUN[0]
