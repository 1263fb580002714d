"""Simulators that apps bring: small servers on loopback that stand in for a product."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from repertory.errors import UserError
from repertory.runtime.processes.sdk_copy import FLAGS, sdk_folder
from repertory.runtime.sandbox.launch import launch

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from repertory.home import Home
    from repertory.items import Installed
    from repertory.runtime.sandbox.process import Process

FILE = "simulator.py"
START_S = 20.0
# A program in the app's folder that may import the SDK and what lies beside it.
_ENTRY = """
import runpy, sys
sys.path[:0] = sys.argv[1:3]
sys.argv[:4] = [sys.argv[3]]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@contextmanager
def simulator(home: Home, app: Installed, *, port: int = 0, state: Path | None = None) -> Iterator[Mapping[str, Any]]:
    """Start an installed app's simulator; what it says of itself: ``host``, ``port`` and, of an asset for it, ``settings``.

    ``state`` is a file with JSON that changes what it knows at the start. It ends with the context, or with this process.
    """
    if not (app.folder / FILE).is_file():
        raise UserError(f"{app.name} brings no simulator", "look into its README.md for how to try it")
    command = [str(app.python), *FLAGS, "-c", _ENTRY, str(sdk_folder(home)), str(app.folder), FILE, "--port", str(port)]
    process = launch([*command, *(["--state", str(state.absolute())] if state else [])], folder=app.folder, hold_input=True)
    try:
        place = _announced(process, app.name)
        yield {"settings": {"server": place["host"], "port": place["port"]}, **place}
    finally:
        process.kill()
        process.output.finish()


def _announced(process: Process, name: str) -> Mapping[str, Any]:
    """Its first line."""
    said = ""
    deadline = time.monotonic() + START_S
    while "\n" not in said and process.running() and time.monotonic() < deadline:
        said += process.output.take()
        time.sleep(0.01)
    try:
        place = json.loads(said.partition("\n")[0])
        return {"host": place["host"], "port": place["port"], **place}
    except (ValueError, LookupError, TypeError):
        last = (said + process.output.take()).strip().splitlines()[-1:]
        raise UserError(f"the simulator of {name} does not start: {''.join(last) or 'it says nothing'}") from None
