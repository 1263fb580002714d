"""One request of the tool, done by a connector and answered as every app answers."""

from __future__ import annotations

import base64
import hashlib
import json
import sys
import time
from collections import deque
from typing import Any, Callable, Deque, Dict, List, Optional, Tuple

from repertory_classic.app import beside, ingested, rest_server, state_file
from repertory_classic.app.context import CURRENT
from repertory_classic.app.life import sayable
from repertory_classic.app.loading import LoadedApp
from repertory_classic.app.store import Store, moment
from repertory_classic.app.vault_rows import ROWS, clear_tmp
from repertory_classic.app.words import MOST_LINES, message_of
from repertory_sdk.manifest import ON_POLL, TEST_CONNECTIVITY

Plain = Dict[str, Any]
_TESTS = ("test_connectivity", "test_asset_connectivity", "test connectivity")
_NO_EVENT = 1
_MOST_SAID = 10_000


class Performer:
    """Translates both ways between the tool's messages and the connector's JSON."""

    def __init__(self, app: LoadedApp, write: Callable[[Plain], None], content: Callable[[], Plain]) -> None:
        self._app = app
        self._write = write
        self._content = content
        self._id = ""
        self._attached: List[Plain] = []
        self._told: Deque[str] = deque(maxlen=MOST_LINES)
        CURRENT.tell = self._tell
        CURRENT.serve_rest = rest_server.serve
        ROWS.attach, ROWS.read = self._attach, self._read

    def answer(self, request: Plain) -> Plain:
        """The ``result`` of an ``act``; whatever happens inside the connector is in it."""
        self._id, self._attached = request["id"], []
        self._told.clear()
        base: Plain = {"op": "result", "id": request["id"], "attachments": self._attached}
        identifier, said = self._identify(request["action"])
        if identifier is None:
            return {**base, **said}
        event = self._begin(request)
        classic = self._classic_request(identifier, request, event)
        done = self._run(classic)
        done["message"] = message_of(done, self._told, is_test=identifier in _TESTS)
        answer = {**base, **outcome_of(done)}
        answer.update(self._found(request, classic, answer["status"]))
        state = state_file.taken(self._app)
        if state is not None and state != request.get("state"):
            answer["state"] = state
        return dict(sayable(answer))

    def serve(self, request: Plain, work: Callable[[], Plain]) -> Plain:
        """The ``result`` of a request from outside, which ``work`` answers. There is no event, as in a poll."""
        self._id, self._attached = request["id"], []
        poll: Plain = {**request, "action": ON_POLL}
        self._begin(poll)
        CURRENT.request = self._app.request("", "", [])
        answer: Plain = {"op": "result", "id": request["id"], "attachments": self._attached, "response": work()}
        answer.update(self._found(poll, {"container_id": None}, "failed"))
        state = state_file.taken(self._app)
        if state is not None and state != request.get("state"):
            answer["state"] = state
        return dict(sayable(answer))

    def _begin(self, request: Plain) -> Optional[int]:
        """What the connector may look at: its state, the event with its files, and what polls found. The event's number."""
        state_file.put(self._app, request.get("state") or {})
        clear_tmp()
        CURRENT.store = Store(self._lists)
        ROWS.rows = []
        if request["action"] == ON_POLL:
            ingested.know_earlier(CURRENT.store, request.get("checkpoint") or {}, self._app.asset_id)
            return None
        event = request.get("event") or {"id": _NO_EVENT, "name": "no event"}
        CURRENT.store.know(_container(event))
        ROWS.know(event["id"], event.get("attachments") or [])
        return int(event["id"])

    def _found(self, request: Plain, classic: Plain, status: str) -> Plain:
        """Events and artifacts that were saved; after a poll that succeeded, also where the next one goes on."""
        found = ingested.found_in(CURRENT.store, self._app.asset, classic["container_id"])
        found.update(beside.beside_in(CURRENT.store, classic["container_id"]))
        found["files"] = beside.files_in(CURRENT.store, ROWS.rows, classic["container_id"])
        answer = {name: records for name, records in found.items() if records}
        if request["action"] == ON_POLL:
            answer["events"] = found["events"]
            if status == "succeeded":
                answer["checkpoint"] = ingested.checkpoint_after(CURRENT.store, classic["parameters"][0])
        return answer

    def _identify(self, name: str) -> Tuple[Optional[str], Plain]:
        """The identifier of an action, else the answer that there is none."""
        actions = [each for each in self._app.manifest.get("actions") or () if isinstance(each, dict)]
        for action in actions:
            if action.get("action") == name:
                return str(action.get("identifier")), {}
        if name == TEST_CONNECTIVITY:
            for action in actions:
                if action.get("identifier") in _TESTS:
                    return str(action["identifier"]), {}
            return None, {"status": "succeeded", "message": "nothing to test"}
        return None, {"status": "failed", "message": f"the app's manifest has no action {name!r}"}

    def _classic_request(self, identifier: str, request: Plain, event: Optional[int]) -> Plain:
        parameters = dict(request["parameters"])
        if request["action"] == ON_POLL:
            parameters = ingested.poll_parameters(
                parameters, request.get("checkpoint") or {}, int(time.time() * 1000),
                is_for_somebody=bool(request.get("poll_now")),
            )  # fmt: skip
        made = self._app.request(identifier, request["action"], [parameters])
        number = int(hashlib.sha256(str(request.get("key")).encode()).hexdigest()[:7], 16)
        return {**made, "container_id": event, "connector_run_id": number, "action_run_id": number,
                "poll_now": bool(request.get("poll_now"))}  # fmt: skip

    def _run(self, classic: Plain) -> Plain:
        """A new connector for each request, which knows its context before it is made."""
        CURRENT.request = classic
        connector = self._app.connector_class()
        returned = connector._handle_action(json.dumps(classic), None)
        return dict(json.loads(returned))

    def _attach(self, container: int, name: str, content: bytes, media_type: str) -> None:
        attachment = {"name": name, "sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "media_type": media_type}
        self._attached.append(attachment)
        encoded = base64.b64encode(content).decode("ascii")
        elsewhere = container != CURRENT.request.get("container_id")
        self._write({"op": "attach", "id": self._id, "content": encoded, "elsewhere": elsewhere, **attachment})

    def _read(self, sha256: str) -> bytes:
        self._write({"op": "read", "id": self._id, "sha256": sha256})
        return base64.b64decode(self._content()["content"])

    def _lists(self) -> Plain:
        self._write({"op": "lists", "id": self._id})
        return dict(self._content()["lists"])

    def _tell(self, kind: str, text: str) -> None:
        if kind in ("progress", "transient"):
            if kind == "progress":
                self._told.append(text[:_MOST_SAID])
            self._write({"op": "progress", "id": self._id, "message": sayable(text[:_MOST_SAID]), "fraction": None})
        elif kind == "error":
            sys.stderr.write(text + "\n")


def _container(event: Plain) -> Plain:
    """An event as connectors see it: they take for granted that these are there."""
    known = ("id", "name", "label", "severity", "status", "description", "tags")
    told: Plain = {name: event[name] for name in known if name in event}
    created = moment(float(event.get("created_at") or time.time()))
    happened = float(event.get("happened_at") or 0)
    return {
        "status": "new", "severity": "medium", "label": "events", "description": "", "tags": [], "sensitivity": "amber",
        "container_type": "default", "owner": None, "due_time": None, "close_time": None, "end_time": None, "closing_owner": None,
        "data": {}, "custom_fields": {}, "create_time": created, "start_time": moment(happened) if happened else created,
        "container_update_time": created, "artifact_update_time": created, "ingest_app": None, "tenant": 0,
        "source_data_identifier": event.get("source_id", ""), **told,
    }  # fmt: skip


def outcome_of(done: Plain) -> Plain:
    """A connector's result as the tool knows results: all rows of all calls, and the first summary."""
    rows: List[Any] = []
    summaries: List[Plain] = []
    for result in done["result_data"]:
        rows += result["data"]
        if result["summary"]:
            summaries.append(result["summary"])
    return {
        "status": "succeeded" if done["status"] == "success" else "failed",
        "message": done["message"],
        "data": [row if isinstance(row, dict) else {"value": row} for row in rows],
        "summary": summaries[0] if summaries else {},
    }
