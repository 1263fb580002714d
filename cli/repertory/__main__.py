"""The entry point. ``--version`` must cost next to nothing, so it is answered before anything is imported."""

import os
import sys
from contextlib import suppress

from repertory import VERSION

INTERRUPTED = 130


def main() -> None:
    """Answer ``--version`` at once; hand everything else to the Typer application."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        sys.stdout.write(f"repertory {VERSION}\n")
        return
    try:
        from repertory.main import run  # start-up time is a feature

        run()
    except KeyboardInterrupt:
        _end_at_once()
    except SystemExit as ended:
        if ended.code == INTERRUPTED:
            _end_at_once()
        raise


def _end_at_once() -> None:
    """Python would wait for threads first, and they for an action that the person did not want to wait for."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    os._exit(INTERRUPTED)


if __name__ == "__main__":
    main()
