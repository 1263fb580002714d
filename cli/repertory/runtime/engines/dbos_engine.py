"""The engine of workers: DBOS, and the only module that knows it.

DBOS delivers one generic workflow, ``attempt(run, number)``, at least once. Its steps are not used: a step in flight at a
crash runs again, and steps are numbered by position, which parallel branches do not have.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from dbos import DBOS, DBOSConfig, Serializer, SetWorkflowID

if TYPE_CHECKING:
    from repertory.runtime.engines.engine import OnAttempt
    from repertory.settings import Settings

QUEUE = "repertory-runs"
WORKFLOW = "repertory-attempt"
# By default the version is a hash of the code, and a run interrupted before an upgrade would stay pending for ever.
VERSION = "attempt-1"
POLLING_S = 0.1
ENDED = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
BATCH = 500


class JsonSerializer(Serializer):
    """Instead of the default pickle, which lets whoever writes the database run code here."""

    def name(self) -> str:
        """Recorded next to every value."""
        return "repertory-json"

    def serialize(self, data: Any) -> str:
        """Only plain values are passed; anything else becomes text."""
        return json.dumps(data, default=str)

    def deserialize(self, serialized_data: str) -> Any:
        """The inverse."""
        return json.loads(serialized_data)


class DbosEngine:
    """One for a process; ``worker`` must be a name that no other process uses."""

    def __init__(self, settings: Settings, worker: str) -> None:
        url = settings.database_url or f"sqlite:///{settings.home.engine_database}"
        if not settings.database_url:
            self._switch_to_wal(str(settings.home.engine_database))
        self._worker = worker
        self._concurrency = settings.limits.parallel_runs
        logging.getLogger("dbos").setLevel(logging.ERROR)
        config: DBOSConfig = {
            "name": "repertory",
            "system_database_url": url,
            "executor_id": worker,
            "application_version": VERSION,
            "serializer": JsonSerializer(),
            "log_level": "ERROR",
        }
        DBOS(config=config)

    @staticmethod
    def _switch_to_wal(path: str) -> None:
        """DBOS never does; the setting stays in the file."""
        connection = sqlite3.connect(path)
        connection.execute("pragma journal_mode = wal")
        connection.close()

    def start(self, on_attempt: OnAttempt) -> None:
        """Launch; without a limit on recoveries, for a run may wait through many restarts."""

        @DBOS.workflow(name=WORKFLOW, max_recovery_attempts=None)
        def attempt(run: str, number: int) -> None:
            on_attempt(run, number)

        self._workflow = attempt
        DBOS.launch()
        # Without worker_concurrency one worker would take the whole queue.
        DBOS.register_queue(QUEUE, worker_concurrency=self._concurrency, polling_interval_sec=POLLING_S)

    def enqueue(self, run: str, number: int) -> None:
        """The workflow id names the attempt, so that a second call is the same one."""
        with SetWorkflowID(f"{run}:{number}"):
            DBOS.enqueue_workflow(QUEUE, self._workflow, run, number)

    def recover(self, worker: str) -> int:
        """DBOS by itself never notices that another worker died."""
        found = 0
        while pending := DBOS.list_workflows(executor_id=worker, status="PENDING", load_input=False, load_output=False):
            DBOS.resume_workflows([status.workflow_id for status in pending], queue_name=QUEUE)
            found += len(pending)
        return found

    def owners(self) -> set[str]:
        """Workflows that run, or seem to."""
        pending = DBOS.list_workflows(status="PENDING", load_input=False, load_output=False)
        return {status.executor_id for status in pending if status.executor_id} - {self._worker}

    def forget(self, older_than_s: float) -> int:
        """DBOS by itself keeps every workflow for ever."""
        before = datetime.now(UTC) - timedelta(seconds=older_than_s)
        ended = DBOS.list_workflows(
            status=ENDED, completed_before=before.isoformat(), limit=BATCH, load_input=False, load_output=False
        )
        if ended:
            DBOS.delete_workflows([status.workflow_id for status in ended])
        return len(ended)

    def stop(self) -> None:
        """Let running attempts end, and disconnect."""
        DBOS.destroy(workflow_completion_timeout_sec=0)
