"""Perform one action run: a worker, a deadline, tries, and an honest outcome."""

from __future__ import annotations

import base64
import json
import random
import threading
import time
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from repertory.errors import UserError, counted
from repertory.runtime.execution.classic_beside import Saver
from repertory.runtime.execution.classic_found import event_for, keep_event, keep_found
from repertory.runtime.execution.evidence import Evidence
from repertory.runtime.kept import assets, contacts, effects, events
from repertory.runtime.kept.lists import all_lists
from repertory.runtime.processes.app_workers import AppWorker, AppWorkers, Asides, GivenUp, Lost, Purpose, WorkerKind
from repertory.runtime.processes.playbook_process import CannotStart
from repertory.runtime.records import Call, CallOutcome, Cancelled
from repertory.runtime.redaction import asset_redaction
from repertory.runtime.sandbox.reach import confinement_of
from repertory.runtime.secrets.store import SecretStore
from repertory.runtime.storage.trouble import StorageTrouble
from repertory_sdk import classic
from repertory_sdk.convert import from_json
from repertory_sdk.errors import ConversionError
from repertory_sdk.manifest import ON_POLL, ActionManifest, AppManifest
from repertory_sdk.models import RESULT_STATUSES, Attachment, Event
from repertory_sdk.protocol import BadMessage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from repertory.items import Installed
    from repertory.runtime.execution.journal import Journal
    from repertory.runtime.execution.library import Library
    from repertory.runtime.execution.limits import RateLimiter
    from repertory.runtime.redaction import Redaction
    from repertory.runtime.storage.database import Database
    from repertory.settings import Settings
    from repertory_sdk.protocol import Message

_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 60.0
# An intent that was written together with its plan is looked at again when it is older than this before it is sent.
_FRESH_S = 0.02


class Doubtful(Exception):
    """The effect of an action that must not be repeated may or may not have happened."""


class Intent:
    """Written once for each try, as soon as it is certain that the action is sent now."""

    def __init__(self, journal: Journal, call: Call) -> None:
        self._journal = journal
        self._call = call
        self._is_written = call.state == "running" and call.epoch == journal.epoch  # together with its plan
        self._is_used = False
        self._since = time.monotonic()

    def write(self) -> None:
        """From here on the effect may happen; raises Cancelled where nobody wants it any more."""
        if not self._is_written:
            self._call = self._journal.begin_call(self._call)
            self._is_written = True
        elif self._is_used:
            self._journal.try_again(self._call)
        elif time.monotonic() - self._since > _FRESH_S and self._journal.look()["cancel_requested"]:
            raise Cancelled
        self._is_used = True


@dataclass(frozen=True, kw_only=True)
class Tools:
    """What actions are performed with; shared by all runs of this process."""

    settings: Settings
    database: Database
    library: Library
    workers: AppWorkers
    rates: RateLimiter
    stopping: threading.Event

    @cached_property
    def secrets(self) -> SecretStore:
        """Opened once for all actions."""
        return SecretStore(self.settings)


@dataclass(frozen=True, kw_only=True)
class Performer:
    """Performs the actions of one run. ``event`` is where attachments are kept."""

    tools: Tools
    journal: Journal
    event: int | None
    giving_up: threading.Event

    def perform(self, call: Call) -> CallOutcome:
        """Do it, and again where that is harmless and may help; raises Doubtful, and GivenUp or Cancelled before it was begun.

        The intent is written when a worker is free, so that what only waits for its turn is never in doubt.
        """
        self._require_going_on()
        app, action = self._find(call)
        intent = Intent(self.journal, call)
        tries = self.tools.settings.limits.retries if action.repeatable else 0
        pause = _FIRST_PAUSE_S
        outcome: CallOutcome | None = None
        while True:
            try:
                outcome, again_s = self._try(call, app, action, intent.write)
            except (GivenUp, Cancelled):
                if outcome is None:
                    raise
                return outcome  # of the try before: another does not begin any more
            if again_s is None or tries <= 0 or self.giving_up.is_set():
                return outcome
            tries -= 1
            if self.giving_up.wait(min(again_s or pause * (0.5 + random.random()), _LONGEST_PAUSE_S)):
                return outcome
            pause *= 2

    def _require_going_on(self) -> None:
        if self.giving_up.is_set():
            raise GivenUp

    def has_happened(self, call: Call) -> bool | None:
        """Ask the app whether a doubtful action took effect; None where it cannot tell."""
        app, action = self._find(call)
        manifest = app.manifest
        check = manifest.action(action.check) if action.check and isinstance(manifest, AppManifest) else None
        if check is None:
            return None
        wanted = {parameter.name for parameter in check.parameters}
        parameters = {name: value for name, value in call.parameters.items() if name in wanted}
        question = Call(**{**call.__dict__, "action": check.name, "parameters": parameters, "timeout_s": check.timeout_s})
        outcome, _ = self._try(question, app, check, lambda: None)
        if outcome.status != "succeeded" or not outcome.data or "value" not in outcome.data[0]:
            return None
        return bool(outcome.data[0]["value"])

    def is_repeatable(self, call: Call) -> bool:
        """Whether doing it twice does no harm."""
        return self._find(call)[1].repeatable

    def _find(self, call: Call) -> tuple[Installed, ActionManifest]:
        app = self.tools.library.pinned(call.app, call.app_hash)
        action = app.manifest.action(call.action) if isinstance(app.manifest, AppManifest) else None
        if action is None:
            raise UserError(f"{call.app} has no action {call.action!r} any more", "install the version the run began with")
        return app, action

    # ------------------------------------------------------------- one try

    def _try(
        self, call: Call, app: Installed, action: ActionManifest, write_intent: Callable[[], None]
    ) -> tuple[CallOutcome, float | None]:
        """The outcome, and after how many seconds another try may help (0: soon; None: it will not)."""
        self.tools.rates.wait(call.asset, self.giving_up)
        self._require_going_on()
        try:
            asset = assets.get_asset(self.tools.database, call.asset)
            settings = assets.full_settings(self.tools.secrets, _manifest(app), asset)
        except StorageTrouble:
            raise
        except UserError as error:
            return _failed(f"{error.message} ({error.hint})" if error.hint else error.message), None
        redaction = asset_redaction(_manifest(app), settings)
        kind = worker_kind(self.tools.settings, app, call.asset, settings)
        evidence = Evidence()
        try:
            message = self._ask_worker(kind, call, redaction, write_intent, evidence)
        except CannotStart as error:  # the request was never sent
            return _failed(redaction.text(str(error))), None
        except Lost as error:
            if not action.repeatable:
                raise Doubtful(redaction.text(str(error))) from error
            return evidence.added_to(_failed(redaction.text(str(error))), app.short_name), 0.0
        outcome, again_s = self._outcome(call, message, redaction)
        return evidence.added_to(outcome, app.short_name), again_s

    def _ask_worker(
        self, kind: WorkerKind, call: Call, redaction: Redaction, write_intent: Callable[[], None], evidence: Evidence
    ) -> Message:
        worker = self.tools.workers.borrow(kind, self.giving_up)
        usable = True
        try:
            self._require_going_on()
            write_intent()
            state, checkpoint = assets.asset_memory(self.tools.database, call.asset)
            request = {
                "id": call.key, "action": call.action, "parameters": dict(call.parameters), "state": state,
                "key": f"{self.journal.run}/{call.key}", "checkpoint": checkpoint,
            }  # fmt: skip
            if kind.app.manifest.format == classic.FORMAT and self.event is not None:
                request["event"] = event_for(self.tools.database, self.event)
            usable = False  # until it has answered
            message = worker.act(request, call.timeout_s, self._asides(kind.app, call, redaction))
            usable = True
        finally:
            evidence.take(worker)
            printed = self._give_back(worker, usable=usable)
            contacts.keep_contacts(self.tools.database, self.journal.run, call.key, evidence.contacts)
            self.journal.keep_output(f"{kind.app.name} {call.asset}", "output", redaction.text(printed))
        return message

    def _give_back(self, worker: AppWorker, *, usable: bool) -> str:
        """What it printed meanwhile; once it is back, it may print for somebody else."""
        try:
            if not usable:
                worker.close()  # so that its last words are complete
            return worker.take_output()
        finally:
            self.tools.workers.give_back(worker, usable=usable)

    def _asides(self, app: Installed, call: Call, redaction: Redaction) -> Asides:
        def attach(message: Message) -> None:
            try:
                content = base64.b64decode(message["content"], validate=True)
                name, media_type = (redaction.text(str(message[part])) for part in ("name", "media_type"))
                kept = effects.store_attachment(self.tools.settings.home, name, content, media_type)
            except (KeyError, ValueError, effects.Refused) as error:
                raise BadMessage(f"an attachment that cannot be kept: {error}") from error
            if self.event is not None and not message.get("elsewhere"):
                events.keep_attachment(
                    self.tools.database, self.event, kept, run=self.journal.run, key=call.key
                )  # fmt: skip

        def read(sha256: str) -> str:
            try:
                return base64.b64encode(effects.read_attachment(self.tools.settings.home, sha256)).decode("ascii")
            except effects.Refused as error:
                raise BadMessage(str(error)) from error

        def lists() -> Mapping[str, Any]:
            return all_lists(self.tools.database) if app.manifest.format == classic.FORMAT else {}

        def progress(said: str) -> None:
            self.journal.progress(call, redaction.text(said))

        return Asides(progress=progress, attach=attach, read=read, lists=lists)

    def _outcome(
        self, call: Call, message: Message, redaction: Redaction
    ) -> tuple[CallOutcome, float | None]:
        try:
            outcome = _read_outcome(message, redaction)
            again = _retry_after(message)
            if isinstance(message.get("state"), dict):
                assets.keep_state(self.tools.database, call.asset, message["state"])
            if call.action == ON_POLL and outcome.status == "succeeded":
                outcome = self._ingest(call, message, redaction)
            saver = Saver(app=call.app, asset=call.asset, key=call.key, run=self.journal.run)
            polled = call.action == ON_POLL
            kept = keep_found(self.tools.database, saver, self.event, message, redaction, polled=polled)
            self.journal.keep_output(f"{call.app} {call.asset}", "output", "".join(f"not kept: {one}\n" for one in kept.lost))
        except (ConversionError, KeyError, TypeError, ValueError, RecursionError) as error:
            return _failed(redaction.text(f"the app returned something that is not a result: {error}")), None
        return outcome, again

    def _ingest(self, call: Call, message: Message, redaction: Redaction) -> CallOutcome:
        """Store what a poll found and move its checkpoint, together."""
        plain_events = redaction.value(message["events"])
        found = [from_json(Event, plain, f"events[{index}]") for index, plain in enumerate(plain_events)]
        with self.tools.database.transaction() as transaction:
            stored = [keep_event(transaction, event) for event in found]
            assets.keep_checkpoint(transaction, call.asset, message["checkpoint"])
        new = sum(item.is_new for item in stored)
        data = [{"event": item.id, "name": item.name, "new": item.is_new} for item in stored]
        return CallOutcome(status="succeeded", message=f"{new} new of {counted(len(stored), 'event')}", data=data)


def worker_kind(
    settings: Settings, app: Installed, asset: str, values: Mapping[str, Any], *, purpose: Purpose = "actions"
) -> WorkerKind:
    """A process of an app with these values of an asset's settings, which reaches what app and user permit."""
    manifest = _manifest(app)
    limit, isolation = settings.assets.get(asset), settings.isolation
    confinement = confinement_of(
        manifest.permissions, values, home=settings.home.root, within=isolation.hosts.get(app.name),
        most_memory_mb=isolation.memory_mb, defaults={setting.name: setting.default for setting in manifest.settings},
    )  # fmt: skip
    concurrency = (limit.concurrency if limit else 0) or manifest.concurrency
    return WorkerKind(
        app=app, asset=asset, settings=values, concurrency=concurrency, confinement=confinement, purpose=purpose
    )  # fmt: skip


def _read_outcome(message: Message, redaction: Redaction) -> CallOutcome:
    status = message["status"]
    if status not in RESULT_STATUSES:
        raise ConversionError("status", f"{status!r} is unknown")
    kept = [from_json(Attachment, plain, "attachments") for plain in message.get("attachments", ())]
    data: Sequence[Mapping[str, Any]] = from_json(list[dict[str, Any]], message.get("data", []), "data")
    summary = from_json(dict[str, Any], message.get("summary", {}), "summary")
    parts = [data, summary, [attachment.__dict__ for attachment in kept]]
    text = json.dumps(parts, ensure_ascii=False, allow_nan=False)  # 1e999 is JSON, and infinite
    data, summary, attachments = redaction.value(parts, as_json=text)
    said = redaction.text(str(message.get("message", "")))
    return CallOutcome(status=status, message=said, data=data, summary=summary, attachments=attachments)


def _retry_after(message: Message) -> float | None:
    return max(0.0, float(message.get("retry_after_s") or 0.0)) if message.get("retry") else None


def _manifest(app: Installed) -> AppManifest:
    assert isinstance(app.manifest, AppManifest)
    return app.manifest


def _failed(message: str) -> CallOutcome:
    return CallOutcome(status="failed", message=message)
