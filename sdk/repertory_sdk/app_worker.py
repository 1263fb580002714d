"""An app's process: one asset, one action at a time, until the pipe ends."""

from __future__ import annotations

import base64
import copy
import dataclasses
import inspect
import os
import queue
import sys
import threading
import traceback
from pathlib import Path
from typing import IO, Any, Dict, List, Mapping, Optional

from repertory_sdk import classic, loader, protocol
from repertory_sdk.app import Action, Asset, Output
from repertory_sdk.convert import from_json, hints_of, to_json
from repertory_sdk.errors import ActionFailed, ConversionError
from repertory_sdk.explanation import explain
from repertory_sdk.job import Job
from repertory_sdk.manifest import ON_POLL, TEST_CONNECTIVITY
from repertory_sdk.models import Attachment

Plain = Dict[str, Any]


def serve(reader: IO[bytes], writer: IO[bytes]) -> None:
    """Load what the first message names, say ``ready``, then do one action after the other."""
    hello = protocol.read(reader)
    if hello is None:
        return
    if hello.get("format") == classic.FORMAT:
        classic.app_side().serve(reader, writer, hello)
        return
    folder = Path(hello["folder"])
    try:
        worker = AppWorker(folder, hello["main"], hello["asset"], _Pipe(reader, writer))
    except (Exception, SystemExit) as error:
        traceback.print_exc()
        protocol.write(writer, {"op": "failed", "message": f"the app cannot be loaded: {explain(error, folder)}"})
        return
    worker.serve()


class _Pipe:
    """Both directions; requests arrive in a queue so that the end of the pipe is noticed during an action."""

    def __init__(self, reader: IO[bytes], writer: IO[bytes]) -> None:
        self._reader = reader
        self._writer = writer
        self._lock = threading.Lock()
        self.requests: "queue.Queue[Plain]" = queue.Queue()
        self.contents: "queue.Queue[Plain]" = queue.Queue()

    def start(self) -> None:
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        try:
            while (message := protocol.read(self._reader)) is not None:
                (self.contents if message["op"] == "content" else self.requests).put(message)
        finally:
            os._exit(3)

    def write(self, message: Mapping[str, Any]) -> None:
        line = protocol.encode(message)
        with self._lock:
            self._writer.write(line)
            self._writer.flush()


class AppWorker:
    """The loaded app with its asset."""

    def __init__(self, folder: Path, main: str, asset: Plain, pipe: _Pipe) -> None:
        self._folder = folder
        self._pipe = pipe
        self._plugins = loader.plugins_of(loader.load_module(folder, main))
        self._actions = loader.actions_of(self._plugins)
        self._asset = make_asset(self._plugins.hook.repertory_asset() or Asset, asset)
        self._attached: List[Attachment] = []

    def serve(self) -> None:
        """Until the pipe ends."""
        self._pipe.start()
        self._pipe.write({"op": "ready"})
        while True:
            self._answer(self._pipe.requests.get())

    def _answer(self, request: Plain) -> None:
        self._attached = []
        self._asset.__dict__["state"] = copy.deepcopy(request["state"])
        try:
            outcome = self._do(request)
        except ActionFailed as error:
            outcome = {"status": "failed", "message": str(error), "retry": error.retry}
            outcome["retry_after_s"] = error.retry_after_s
        except ConversionError as error:
            outcome = {"status": "failed", "message": f"bad parameter: {error}"}
        except (Exception, SystemExit) as error:
            traceback.print_exc()
            outcome = {"status": "failed", "message": explain(error, self._folder)}
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        outcome["attachments"] = to_json(self._attached)
        if self._asset.state != request["state"]:
            outcome["state"] = self._asset.state
        self._send({"op": "result", "id": request["id"], **outcome})

    def _do(self, request: Plain) -> Plain:
        job = self._job(request)
        if request["action"] == TEST_CONNECTIVITY and TEST_CONNECTIVITY not in self._actions:
            said = self._plugins.hook.repertory_test(asset=self._asset, job=job)
            return {"status": "succeeded", "message": said or "nothing to test"}
        if request["action"] == ON_POLL and ON_POLL not in self._actions:
            return self._poll(request, job)
        if request["action"] not in self._actions:
            raise ActionFailed(f"the app's code has no action {request['action']!r}, although its manifest names it")
        action = self._actions[request["action"]]
        return outcome_of(action.call(self._asset, job, typed_parameters(action, request["parameters"])))

    def _poll(self, request: Plain, job: Job) -> Plain:
        checkpoint = dict(request["checkpoint"])
        found = self._plugins.hook.repertory_poll(asset=self._asset, checkpoint=checkpoint, job=job)
        events = [to_json(event) for event in found or ()]
        message = f"{len(events)} event{'' if len(events) == 1 else 's'}"
        return {"status": "succeeded", "message": message, "events": events, "checkpoint": checkpoint}

    def _job(self, request: Plain) -> Job:
        def progress(message: str, fraction: Optional[float]) -> None:
            self._pipe.write({"op": "progress", "id": request["id"], "message": str(message), "fraction": fraction})

        def attach(attachment: Attachment, content: bytes) -> None:
            if len(content) > protocol.ATTACHMENT_LIMIT:
                raise ActionFailed(f"{attachment.name}: an attachment may have at most {protocol.ATTACHMENT_LIMIT} bytes")
            self._attached.append(attachment)
            encoded = base64.b64encode(content).decode("ascii")
            self._pipe.write({"op": "attach", "id": request["id"], "content": encoded, **to_json(attachment)})

        def read(attachment: Attachment) -> bytes:
            self._pipe.write({"op": "read", "id": request["id"], "sha256": attachment.sha256})
            return base64.b64decode(self._pipe.contents.get()["content"])

        return Job(request["key"], request["timeout_s"], _on_progress=progress, _on_attach=attach, _on_read=read)

    def _send(self, message: Plain) -> None:
        try:
            line = protocol.encode(message)
        except (TypeError, ValueError, RecursionError) as error:
            self._send(_failure(message, f"the action returned something that JSON cannot say: {error}"))
            return
        if len(line) > protocol.RESULT_LIMIT:
            said = f"the action returned {len(line) // 1_000_000} MB; at most {protocol.RESULT_LIMIT // 2**20} MB are kept"
            self._send(_failure(message, said))
            return
        self._pipe.write(message)


def _failure(message: Plain, said: str) -> Plain:
    return {"op": "result", "id": message["id"], "status": "failed", "message": said, "attachments": []}


def make_asset(cls: Any, asset: Plain) -> Any:
    """An asset object from its JSON configuration; raises ConversionError naming the setting."""
    made = from_json(cls, asset["settings"]) if dataclasses.is_dataclass(cls) else cls()
    object.__setattr__(made, "name", asset["name"])
    return made


def typed_parameters(action: Action, parameters: Mapping[str, Any]) -> Plain:
    """JSON values turned into what the function's annotations say."""
    hints = hints_of(inspect.unwrap(action.function))
    return {name: from_json(hints.get(name, Any), value, name) for name, value in parameters.items()}


def outcome_of(returned: Any) -> Plain:
    """The success that a returned value means: a record, several, an ``Output``, a plain value or nothing."""
    message, summary = "", {}
    if isinstance(returned, Output):
        message, summary, returned = returned.message, to_json(returned.summary), returned.data
    rows = returned if isinstance(returned, (list, tuple)) else [] if returned is None else [returned]
    plain = [to_json(row) for row in rows]
    data = [row if isinstance(row, dict) else {"value": row} for row in plain]
    return {"status": "succeeded", "message": message, "data": data, "summary": summary}
