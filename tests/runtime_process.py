"""A process that executes runs, for tests that kill it: ``python runtime_process.py HOME LIBRARY worker|RUN``.

With ``worker`` it serves the queue until it is told to stop; with the id of a run it executes that one in the foreground.
The database is REPERTORY_DATABASE_URL or the home's own.
"""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

from folder_library import FolderLibrary
from repertory.errors import UserError
from repertory.runtime.engines.foreground import foreground, recover_interrupted
from repertory.runtime.kept import runs
from repertory.runtime.records import Run
from repertory.runtime.storage.database import open_database
from repertory.settings import load_settings


def main(home: str, library_root: str, what: str) -> None:
    settings = load_settings(Path(home))
    database = open_database(settings)
    library = FolderLibrary(Path(library_root))
    if what == "worker":
        from repertory.runtime.engines.worker import serve  # brings dbos with it

        settings = replace(settings, limits=replace(settings.limits, parallel_runs=4))
        serve(settings, database, library, notice=lambda said: print(said, file=sys.stderr, flush=True))
        return
    recover_interrupted(settings, database)
    runs.requeue(database, what, held=True)
    with foreground(settings, database, library) as runner:

        def stop(*_: object) -> None:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            runner.stop()

        signal.signal(signal.SIGINT, stop)
        run = runner.run(what, watch=leave_it_waiting)
    print(run.state, flush=True)


def leave_it_waiting(_: Run) -> bool:
    return False


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except UserError as error:
        print(f"error: {error.message} ({error.hint})", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        os._exit(130)  # as the command does, without waiting for threads
