"""Playbooks started by a playbook: runs of their own, in the record of their parent."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from repertory.errors import UserError, nearest_names
from repertory.runtime.execution.inputs import check_inputs
from repertory.runtime.kept import events, runs
from repertory.runtime.records import digest_of
from repertory.runtime.simulation.subject import event_for_child
from repertory.runtime.storage.trouble import StorageTrouble
from repertory_sdk.manifest import ANY, PlaybookManifest

if TYPE_CHECKING:
    from collections.abc import Callable

    from repertory.items import Installed
    from repertory.runtime.execution.busy import Busy
    from repertory.runtime.execution.deliveries import Deliveries
    from repertory.runtime.execution.journal import Journal
    from repertory.runtime.execution.performing import Tools
    from repertory.runtime.execution.waits import Waits
    from repertory.runtime.records import Run
    from repertory_sdk.models import Event
    from repertory_sdk.protocol import Message

    # Executes an attempt of a run in the calling thread; returns when the run has ended or waits.
    Starter = Callable[[str, int], None]


class ChildRuns:
    """Serves ``play.run``."""

    def __init__(
        self, tools: Tools, journal: Journal, run: Run, deliveries: Deliveries, waits: Waits, busy: Busy, start: Starter
    ) -> None:
        self._tools = tools
        self._journal = journal
        self._run = run
        self._deliveries = deliveries
        self._waits = waits
        self._busy = busy
        self._start = start

    def run(self, message: Message) -> None:
        """Start the child once, and deliver its outputs when it has ended."""
        key, name, inputs = message["key"], str(message["playbook"]), dict(message["inputs"])
        digest = digest_of("run", name, message["event"], inputs)
        known = self._journal.recorded(key, "run", digest)
        if known is None:
            try:
                child = self._create(key, digest, name, message["event"], inputs)
            except StorageTrouble:
                raise
            except UserError as error:
                self._refuse(key, digest, f"{name}: {error.message}")
                return
        elif known["refusal"]:
            self._deliveries.again(key, {"error": known["refusal"]})
            return
        else:
            child = json.loads(known["value"])
            if known["settled"] is not None:
                self._deliveries.again(key, self._reply(runs.find_run(self._tools.database, child)))
                return
        self._busy.submit(lambda: self._follow(key, child), own_thread=True)

    def _refuse(self, key: str, digest: str, reason: str) -> None:
        def settle(number: int) -> dict[str, Any]:
            self._journal.record(key, "run", digest, lambda _: None, number, refusal=reason)
            return {"key": key, "error": reason}

        self._deliveries.new(settle)

    def cancel(self) -> None:
        """This run has come to a bad end: what it started stops too."""
        for child in runs.children_of(self._tools.database, self._run.id):
            if not child.ended:
                try:
                    runs.request_cancel(self._tools.database, child.id)
                except StorageTrouble:
                    raise
                except UserError:
                    continue  # it has ended meanwhile

    def _create(self, key: str, digest: str, name: str, event: int, inputs: dict[str, Any]) -> str:
        item = self._find(name)
        mine = self._tools.library.pinned(self._run.playbook, self._run.content_hash).manifest
        if isinstance(mine, PlaybookManifest) and not {name, item.short_name, ANY} & set(mine.playbooks):
            raise UserError("the playbook does not declare in its manifest that it runs this one")
        assert isinstance(item.manifest, PlaybookManifest)
        check_inputs(item.manifest, inputs)
        if self._run.depth >= self._tools.settings.limits.child_depth:
            raise UserError(f"playbooks call each other more than {self._run.depth} levels deep")
        simulation = self._run.simulation
        new = runs.NewRun(
            event=self._subject(event), playbook=item, inputs=inputs, answers=self._run.answers, started_by=self._run.started_by,
            parent=self._run.id, parent_key=key, depth=self._run.depth + 1, held=True,
            simulation=simulation.below(key) if simulation else None,
        )  # fmt: skip
        identity = uuid.uuid4().hex[:12]
        self._journal.record(
            key, "run", digest, lambda transaction: runs.create_run(transaction, new, run_id=identity), None
        )
        return identity

    def _subject(self, number: int) -> Event | None:
        if not number:
            return None
        if self._run.simulation:
            return event_for_child(self._tools.database, self._run, number)
        return events.get_event(self._tools.database, number)

    def _find(self, name: str) -> Installed:
        """By full name, else in the parent's own repository, else anywhere."""
        installed = self._tools.library.installed()
        repository = self._run.playbook.rpartition("/")[0]
        found = installed.named("playbook", f"{repository}/{name}") or installed.named("playbook", name)
        if len(found) == 1:
            return found[0]
        if found:
            raise UserError(f"more than one installed playbook is called {name}: {', '.join(item.name for item in found)}")
        near = nearest_names(name, installed.playbooks)
        raise UserError("no such playbook is installed" + (f"; did you mean {' or '.join(near)}?" if near else ""))

    def _follow(self, key: str, child: str) -> None:
        run = runs.find_run(self._tools.database, child)
        if run.state == "queued":
            self._start(child, run.attempt)
        self._waits.for_child(key, lambda: self._deliver_if_ended(key, child))

    def _deliver_if_ended(self, key: str, child: str) -> bool:
        run = runs.find_run(self._tools.database, child)
        if not run.ended:
            return False

        def settle(number: int) -> dict[str, Any]:
            self._journal.settle_record(key, number)
            return {"key": key, **self._reply(run)}

        self._deliveries.new(settle)
        return True

    def _reply(self, run: Run) -> dict[str, Any]:
        if run.state == "succeeded":
            return {"value": dict(run.outputs)}
        return {"error": f"{run.playbook} {run.state}: {run.message}"}
