"""Simulators that apps bring: small servers on loopback that stand in for a product."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from repertory.errors import UserError
from repertory.runtime.processes.sdk_copy import FLAGS
from repertory.runtime.sandbox.launch import launch

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from repertory.items import Installed

FILE = "simulator.py"
START_S = 20.0


@contextmanager
def simulator(app: Installed) -> Iterator[Mapping[str, Any]]:
    """Start an installed app's simulator on a free port; what it says of itself (``host``, ``port`` …)."""
    if not (app.folder / FILE).is_file():
        raise UserError(f"{app.name} brings no simulator")
    command = [str(app.python), *FLAGS, FILE, "--port", "0"]
    process = launch(command, folder=app.folder, hold_input=True)
    try:
        said = ""
        deadline = time.monotonic() + START_S
        while "\n" not in said:
            said += process.output.take()
            if not process.running() or time.monotonic() > deadline:
                raise UserError(f"the simulator of {app.name} does not start: {said.strip()}")
            time.sleep(0.01)
        yield json.loads(said.partition("\n")[0])
    finally:
        process.kill()
        process.output.finish()
