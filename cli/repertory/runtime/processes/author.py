"""For authors: let an item's own process describe it. The tool itself never imports content."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from repertory.errors import UserError
from repertory.runtime.processes.pipe import Pipe
from repertory.runtime.processes.sdk_copy import sdk_folder, worker_command
from repertory.runtime.sandbox.confinement import Confinement
from repertory.runtime.sandbox.launch import Sandbox
from repertory.runtime.sandbox.probing import strongest
from repertory_sdk.protocol import BadMessage

if TYPE_CHECKING:
    from repertory.home import Home

DESCRIBE_S = 60.0


def describe(home: Home, folder: Path, *, python: Path | None = None) -> str:
    """The manifest text of the app or playbook in a folder; raises UserError with the item's own reason."""
    reader, writer = os.pipe()
    unused_reader, unused_writer = os.pipe()
    command = worker_command(
        python or Path(sys.executable), sdk_folder(home), "describe", str(folder), str(writer)
    )
    sandbox = Sandbox(strongest(home, "process"))
    try:
        process = sandbox.start(command, Confinement(files=(folder, sdk_folder(home))), descriptors=[writer]).process
    finally:
        os.close(writer)
        os.close(unused_reader)
    pipe = Pipe(reader, unused_writer)
    try:
        message = pipe.read(DESCRIBE_S)
    except (TimeoutError, BadMessage) as error:
        raise UserError(f"{folder} cannot be described: {error or f'no answer within {DESCRIBE_S:.0f} s'}") from error
    finally:
        process.kill()
        pipe.close()
        process.output.finish()
        sandbox.close()
    if message is None or message["op"] != "manifest":
        said = message["message"] if message else process.output.take().strip().rpartition("\n")[2]
        raise UserError(f"{folder.name} cannot be described: {said}", "the module is imported for that; mend it and try again")
    return str(message["text"])
