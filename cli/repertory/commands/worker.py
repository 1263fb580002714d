"""``repertory worker``: serve queued runs."""

from __future__ import annotations

from repertory.commands._output import note, single_command
from repertory.commands._session import Unsandboxed, able_to_execute, session, unlock_secrets
from repertory.runtime.engines.worker import serve

app = single_command()


@app.command("worker")
def command(allow_unsandboxed: Unsandboxed = False) -> None:
    """Serve queued runs until stopped.

    Any number of workers share one database. SIGTERM and Ctrl-C stop one as soon as its actions in flight are recorded;
    its runs go on in the next.

    Example:

      repertory worker
    """
    with session() as opened:
        ready = able_to_execute(opened, allow_unsandboxed=allow_unsandboxed)
        unlock_secrets(ready)
        serve(ready.settings, ready.database, ready.library, notice=note)
