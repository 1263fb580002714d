"""The entry of every child process: an app worker, the template of playbook processes, or the author's describer.

The tool starts it with the SDK's folder on the path and speaks ``protocol`` on the two descriptors it passes. When the
tool is gone (end of the pipe), the process ends at once: nothing it did afterwards could be recorded.
"""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path
from typing import BinaryIO, Sequence

from repertory_sdk import protocol
from repertory_sdk.explanation import explain

# Where connections are asked for, at a level of isolation at which nothing can be reached directly.
DESK = "REPERTORY_DESK"


def main(arguments: Sequence[str]) -> None:
    """Serve: ``app READ WRITE``, ``template SOCKET`` or ``describe FOLDER WRITE``."""
    mode = arguments[0]
    if mode == "app":
        if DESK in os.environ:
            from repertory_sdk.dialling import install

            install(int(os.environ.pop(DESK)))
        from repertory_sdk.app_worker import serve

        serve(_open(arguments[1], "rb"), _open(arguments[2], "wb"))
    elif mode == "template":
        from repertory_sdk.playbook_worker import serve_template

        serve_template(int(arguments[1]))
    else:
        _describe(Path(arguments[1]), _open(arguments[2], "wb"))


def _open(descriptor: str, mode: str) -> BinaryIO:
    os.set_inheritable(int(descriptor), False)  # programs that content starts must not hold the pipe open
    return open(int(descriptor), mode)  # type: ignore[return-value]


def _describe(folder: Path, writer: BinaryIO) -> None:
    from repertory_sdk.describe import describe
    from repertory_sdk.manifest import dump_manifest

    try:
        manifest = describe(folder)
        protocol.write(writer, {"op": "manifest", "text": dump_manifest(manifest), "kind": type(manifest).__name__})
    except (Exception, SystemExit) as error:
        traceback.print_exc()
        protocol.write(writer, {"op": "failed", "message": explain(error, folder)})


if __name__ == "__main__":
    main(sys.argv[1:])
