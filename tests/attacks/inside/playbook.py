"""A playbook that tries what its event is called, and hands over what came of it."""

from __future__ import annotations

import json
from pathlib import Path

import bombs
import files
import kernel
import network
import processes
import siblings
from repertory_sdk import Event, Play, playbook
from trying import outcome_of

MODULES = (bombs, files, kernel, network, processes, siblings)
TARGETS = json.loads(Path(__file__).with_name("targets.json").read_text())


@playbook()
def play(event: Event, play: Play) -> dict:
    return outcome_of(event.name, TARGETS)
