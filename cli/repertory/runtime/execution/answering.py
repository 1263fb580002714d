"""Let classic apps answer requests from outside: REST handlers and webhooks. There is no server here; whoever has one calls this.

An app answers in a process of its own with one asset, as in an action, and what it saves meanwhile is kept as from an action.
"""

from __future__ import annotations

import base64
import re
import threading
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from repertory.errors import UserError
from repertory.runtime.execution.classic_beside import Saver
from repertory.runtime.execution.classic_found import keep_found
from repertory.runtime.execution.endpoints import endpoints_of
from repertory.runtime.execution.performing import worker_kind
from repertory.runtime.kept import assets, effects
from repertory.runtime.kept.lists import all_lists
from repertory.runtime.processes.app_workers import AppWorkers, Asides, Lost
from repertory.runtime.processes.playbook_process import CannotStart
from repertory.runtime.redaction import asset_redaction
from repertory.runtime.sandbox.launch import Sandbox
from repertory.runtime.sandbox.probing import strongest
from repertory.runtime.secrets.store import SecretStore
from repertory_sdk.errors import ConversionError
from repertory_sdk.manifest import AppManifest
from repertory_sdk.protocol import BadMessage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from repertory.items import Installed
    from repertory.runtime.execution.endpoints import EndpointKind
    from repertory.runtime.execution.library import Library
    from repertory.runtime.kept.events import Stored
    from repertory.runtime.processes.app_workers import WorkerKind
    from repertory.runtime.redaction import Redaction
    from repertory.runtime.sandbox.confinement import Contact
    from repertory.runtime.storage.database import Database
    from repertory.settings import Settings
    from repertory_sdk.protocol import Message

ANSWER_S = 60.0
_IDLE_S = 300.0
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")  # token in RFC 9110
_BAD_GATEWAY = 502
_SAID = b"the app could not answer"


@dataclass(frozen=True, kw_only=True)
class HttpRequest:
    """``path``: the parts after the name of the asset."""

    method: str
    path: Sequence[str] = ()
    query: Mapping[str, Sequence[str]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What whoever asked gets, and what only we see: the events that the app saved, what could not be kept, and what it did."""

    status: int
    headers: Sequence[tuple[str, str]] = ()
    body: bytes = b""
    events: Sequence[Stored] = ()
    lost: Sequence[str] = ()
    problem: str = ""
    printed: str = ""
    contacts: Sequence[Contact] = ()


@dataclass(frozen=True, kw_only=True)
class Answering:
    """Answers with the processes of one server."""

    settings: Settings
    database: Database
    library: Library
    workers: AppWorkers

    def answer(self, asset: str, kind: EndpointKind, request: HttpRequest) -> Answer:
        """Let the app of an asset answer; raises UserError where nobody can, and for nothing that the app does."""
        app = self._app(asset, kind)
        manifest = app.manifest
        assert isinstance(manifest, AppManifest)
        config = assets.get_asset(self.database, asset)
        values = assets.full_settings(SecretStore(self.settings), manifest, config)
        redaction = asset_redaction(manifest, values)
        state, checkpoint = assets.asset_memory(self.database, asset)
        plain = {
            "op": "web", "id": uuid.uuid4().hex, "kind": kind, "state": state, "checkpoint": checkpoint,
            "method": request.method, "path": list(request.path), "headers": dict(request.headers),
            "query": {name: list(listed) for name, listed in request.query.items()},
            "body": base64.b64encode(request.body).decode("ascii"),
        }  # fmt: skip
        try:
            process = worker_kind(self.settings, app, asset, values, purpose="requests")
            message, printed, contacts = self._ask(process, plain, redaction)
            return self._kept(app, asset, message, redaction, printed=redaction.text(printed), contacts=contacts)
        except (CannotStart, Lost) as error:
            return _failed(redaction.text(str(error)))
        except (ConversionError, KeyError, TypeError, ValueError, RecursionError) as error:
            return _failed(redaction.text(f"the app returned something that is no answer: {error}"))

    def _app(self, asset: str, kind: EndpointKind) -> Installed:
        name = assets.get_asset(self.database, asset).app
        app = self.library.installed().apps.get(name)
        if app is None:
            raise UserError(f"{name}, which asset {asset} is of, is not installed", f"`repertory install {name}` brings it")
        if all(endpoint.kind != kind for endpoint in endpoints_of(app)):
            raise UserError(f"{name} has no {kind} that could be asked", "its manifest would name one")
        return self.library.pinned(name, app.hash)

    def _ask(self, kind: WorkerKind, plain: Message, redaction: Redaction) -> tuple[Message, str, Sequence[Contact]]:
        worker = self.workers.borrow(kind, threading.Event())
        usable = False
        try:
            message = worker.act(plain, ANSWER_S, self._asides(redaction))
            usable = True
            return message, worker.take_output(), worker.contacts()
        finally:
            self.workers.give_back(worker, usable=usable)

    def _asides(self, redaction: Redaction) -> Asides:
        home = self.settings.home

        def attach(message: Message) -> None:
            try:
                content = base64.b64decode(message["content"], validate=True)
                name, media_type = (redaction.text(str(message[part])) for part in ("name", "media_type"))
                effects.store_attachment(home, name, content, media_type)
            except (KeyError, ValueError, effects.Refused) as error:
                raise BadMessage(f"an attachment that cannot be kept: {error}") from error

        def read(sha256: str) -> str:
            raise BadMessage("there is no event whose files could be read")

        return Asides(progress=lambda _: None, attach=attach, read=read, lists=lambda: all_lists(self.database))

    def _kept(self, app: Installed, asset: str, message: Message, redaction: Redaction, **seen: Any) -> Answer:
        if isinstance(message.get("state"), dict):
            assets.keep_state(self.database, asset, message["state"])
        saver = Saver(app=app.name, asset=asset, key=str(message["id"]))
        kept = keep_found(self.database, saver, None, message, redaction)
        response = message["response"]
        status = int(response["status"])
        if not 100 <= status <= 599:
            raise ValueError(f"{status} is no status of HTTP")
        return Answer(
            status=status, headers=list(_headers(response["headers"])), body=base64.b64decode(response["body"], validate=True),
            events=kept.events, lost=kept.lost, problem=redaction.text(str(message.get("problem") or "")), **seen,
        )  # fmt: skip


def _headers(pairs: Any) -> Iterator[tuple[str, str]]:
    """Those that can be in one line each."""
    for name, value in pairs:
        if _NAME.fullmatch(str(name)) and str(value).isprintable():
            yield str(name), str(value)


def _failed(problem: str) -> Answer:
    return Answer(status=_BAD_GATEWAY, headers=[("Content-Type", "text/plain; charset=utf-8")], body=_SAID, problem=problem)


@contextmanager
def answering(settings: Settings, database: Database, library: Library) -> Iterator[Answering]:
    """Ends its processes; raises UserError where content could not be isolated as far as the settings demand."""
    limits = settings.limits
    sandbox = Sandbox(strongest(settings.home, settings.isolation.minimum_level))
    workers = AppWorkers(settings.home, sandbox, start_s=limits.app_start_s, idle_s=_IDLE_S, output_bytes=limits.output_bytes)
    try:
        yield Answering(settings=settings, database=database, library=library, workers=workers)
    finally:
        workers.close()
        sandbox.close()
