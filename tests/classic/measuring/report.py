"""What was measured, and how people read it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class PlaybookReport:
    """Of one checkout. ``causes`` are messages of failed runs with their playbooks, and how often each."""

    playbooks: int = 0
    valid: int = 0
    runs: int = 0
    ended_well: int = 0
    ended_well_on_every_seed: int = 0
    actions: int = 0
    blocks: int = 0
    blocks_reached: int = 0
    seconds: float = 0.0
    refused: dict[str, str] = field(default_factory=dict)
    causes: dict[str, dict[str, int]] = field(default_factory=dict)


def playbook_lines(report: PlaybookReport) -> Iterator[str]:
    """For a terminal."""
    yield f"{report.valid} of {report.playbooks} playbooks are valid; {report.runs} runs in {report.seconds} s"
    yield f"{report.ended_well} runs and {report.ended_well_on_every_seed} playbooks on every seed ended well"
    yield f"{report.blocks_reached} of {report.blocks} blocks were reached, {report.actions} actions asked for"
    for cause, playbooks in sorted(report.causes.items(), key=lambda pair: -sum(pair[1].values())):
        yield f"{sum(playbooks.values()):5} {cause}  ({', '.join(playbooks)})"
