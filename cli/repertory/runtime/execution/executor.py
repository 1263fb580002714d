"""Executes attempts of runs in this process; every engine calls it."""

from __future__ import annotations

import threading
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repertory.errors import UserError
from repertory.runtime.execution.attempt import Attempt, Ending, Parked, PlaybookFailed, Stopped
from repertory.runtime.execution.journal import KILLED, Journal
from repertory.runtime.execution.limits import RateLimiter
from repertory.runtime.execution.performing import Tools
from repertory.runtime.kept import runs
from repertory.runtime.processes.app_workers import AppWorkers
from repertory.runtime.processes.playbook_process import CannotStart, PlaybookProcess, ProcessKilled, Template
from repertory.runtime.records import ActRequest, Cancelled, Diverged, Fenced, NothingToDo, Run
from repertory.runtime.sandbox.launch import Sandbox
from repertory.runtime.sandbox.probing import strongest
from repertory.runtime.simulation.prepared import prepare
from repertory.runtime.simulation.reading.reads import reads_of
from repertory.runtime.storage.trouble import StorageTrouble
from repertory_sdk.manifest import PlaybookManifest

if TYPE_CHECKING:
    from collections.abc import Callable

    from repertory.runtime.execution.library import Library
    from repertory.runtime.storage.database import Database
    from repertory.settings import Settings

ACT_KEY = "1"
# Where the database does not answer, this often it is tried again.
GIVE_BACK_S = 1.0


class Executor:
    """Owns the child processes. ``worker`` is the name under which this process proves that it lives.

    ``stays`` means that the process lives on after an attempt that broke off, ``notice`` is told of each.
    A ``template`` or ``sandbox`` that is given serves others too, and is not ended with this one. Without a ``sandbox`` there is
    the strongest that this machine offers; raises UserError where that is weaker than the settings demand.
    """

    def __init__(
        self, settings: Settings, database: Database, library: Library, *, worker: str, stays: bool = False,
        notice: Callable[[str], None] | None = None, template: Template | None = None,
        sandbox: Sandbox | None = None,
    ) -> None:  # fmt: skip
        limits = settings.limits
        self._stays = stays
        self._notice = notice or (lambda _: None)
        self._stopping = threading.Event()
        self._hold = False
        self._worker = worker
        self._database = database
        self._shares_template = template is not None
        self._shares_sandbox = sandbox is not None
        self._sandbox = sandbox or Sandbox(strongest(settings.home, settings.isolation.minimum_level))
        self._template = template or Template(settings.home, self._sandbox, output_bytes=limits.output_bytes)
        self._tools = Tools(
            settings=settings,
            database=database,
            library=library,
            workers=AppWorkers(
                settings.home, self._sandbox, start_s=limits.app_start_s, idle_s=limits.idle_worker_s,
                output_bytes=limits.output_bytes, actions=limits.worker_actions,
            ),
            rates=RateLimiter(settings.assets),
            stopping=self._stopping,
        )

    def attempt(self, run_id: str, number: int) -> None:
        """Execute one attempt until the run ends, waits, or belongs to somebody else. Whatever came of it is recorded.

        What breaks an attempt off is raised after the run has been given back, so that another attempt goes on with it.
        """
        try:
            journal = Journal.begin(self._database, run_id, number, worker=self._worker, level=self._sandbox.level)
            self._serve(journal, runs.find_run(self._database, run_id))
        except (NothingToDo, Fenced):
            return
        except BaseException as error:  # also where nobody knows whether it had begun
            try:
                self._notice(f"run {run_id} was interrupted: {error}")
            finally:
                self._give_back(run_id, number)
            raise

    def _give_back(self, run_id: str, number: int) -> None:
        """A process that stays tries until the database answers; others find the runs of one that ends."""
        while True:
            is_last_time = not self._stays or self._stopping.is_set()
            try:
                runs.give_back(self._database, run_id, number, worker=self._worker)
            except StorageTrouble:
                if is_last_time:
                    return
                self._stopping.wait(GIVE_BACK_S)
            else:
                return

    def _serve(self, journal: Journal, run: Run) -> None:
        process: PlaybookProcess | None = None
        try:
            self._check_orders(run)
            if run.kind == "act":
                ending = Attempt(self._tools, journal, run, None, self.attempt).serve_act(_act_request(run))
            else:
                hello = self._hello(run)
                process = self._template.fork(Path(hello["folder"]), cpu_s=self._tools.settings.limits.playbook_cpu_s)
                ending = Attempt(self._tools, journal, run, process, self.attempt).serve_playbook(hello)
        except Parked:
            return
        except Stopped:
            journal.release(held=self._hold)
            return
        except ProcessKilled as killed:
            if self._stopping.is_set():  # perhaps by ourselves, who could not wait any longer
                journal.release(held=self._hold)
                return
            if journal.times_killed() < self._tools.settings.limits.restarts:
                journal.release(held=False, outcome=KILLED)
                return
            ending = Ending(state="failed", message=str(killed))
        except (Fenced, StorageTrouble):
            raise  # nothing can be recorded now; the run is continued by another attempt
        except Exception as error:  # our own mistake must not leave a run that nobody ever ends
            ending = _ending_after(error)
        finally:
            if process is not None:
                process.kill()
                journal.keep_output("playbook", "output", process.output.take())
        journal.finish(ending.state, ending.message, ending.outputs)

    def _check_orders(self, run: Run) -> None:
        if run.cancel_requested:
            raise Cancelled
        if self._stopping.is_set():
            raise Stopped

    def _hello(self, run: Run) -> dict[str, Any]:
        item = self._tools.library.pinned(run.playbook, run.content_hash)
        assert isinstance(item.manifest, PlaybookManifest)
        event = runs.snapshot_of(self._database, run.id) or {"name": "no event"}
        is_explored = run.simulation is not None and run.simulation.traced
        return {
            "op": "hello", "folder": str(item.folder), "main": item.manifest.main, "name": item.manifest.name,
            "event": event, "inputs": dict(run.inputs), "run": run.id, "format": item.manifest.format,
            "classic": {
                "repository": item.name.rpartition("/")[0], "item": item.short_name, "user": run.started_by,
                "function": item.manifest.function,
            },
            "traced": is_explored,
            "prepared": prepare(reads_of(item), run.simulation) if run.simulation else {},
        }  # fmt: skip

    def stop(self, *, hold: bool = False) -> None:
        """Let attempts end as soon as the actions in flight are recorded; ``hold`` keeps their runs from other workers."""
        self._hold = hold
        self._stopping.set()

    @property
    def holds(self) -> bool:
        """Whether its runs are kept from other workers."""
        return self._hold

    def close(self) -> None:
        """End all child processes, whatever they do. What they did in this moment is not known."""
        self._stopping.set()
        self._tools.workers.close()
        if not self._shares_template:
            self._template.close()
        if not self._shares_sandbox:
            self._sandbox.close()


def _ending_after(error: Exception) -> Ending:
    """What becomes of a run whose attempt broke off with this."""
    if isinstance(error, Cancelled):
        return Ending(state="cancelled", message="cancelled")
    if isinstance(error, (PlaybookFailed, Diverged, CannotStart)):
        return Ending(state="failed", message=str(error))
    if isinstance(error, UserError):
        return Ending(state="failed", message=f"{error.message} ({error.hint})" if error.hint else error.message)
    traceback.print_exception(error)
    return Ending(state="failed", message=f"an error in Repertory itself: {type(error).__name__}: {error}")


def _act_request(run: Run) -> ActRequest:
    plain = run.inputs
    return ActRequest(
        key=ACT_KEY, action=plain["action"], app=plain["app"], assets=plain["assets"], parameters=plain["parameters"],
        timeout_s=plain.get("timeout_s"),
    )  # fmt: skip
