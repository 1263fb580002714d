"""The process of a classic app: one asset, one action at a time, until the pipe ends."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import IO, Any, Dict

from repertory_classic.app import views, web
from repertory_classic.app.loading import LoadedApp
from repertory_classic.app.performing import Performer
from repertory_sdk import protocol
from repertory_sdk.app_worker import _Pipe as Pipe
from repertory_sdk.explanation import explain

Plain = Dict[str, Any]


def serve(reader: IO[bytes], writer: IO[bytes], hello: Plain) -> None:
    """Load the connector that ``hello`` names, say ``ready``, then do one action after the other."""
    pipe = Pipe(reader, writer)
    try:
        app = LoadedApp(hello)
    except (Exception, SystemExit) as error:
        traceback.print_exc()
        said = explain(error, Path(hello["folder"]))
        protocol.write(writer, {"op": "failed", "message": f"the app cannot be loaded: {said}"})
        return
    web.know_accounts()
    performer = Performer(app, pipe.write, pipe.contents.get)
    pipe.start()
    pipe.write({"op": "ready"})
    while True:
        request = pipe.requests.get()
        answer = _answer(app, performer, request)
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        _send(pipe, answer)


def _answer(app: LoadedApp, performer: Performer, request: Plain) -> Plain:
    if request["op"] == "view":
        return views.answer(app, request)
    return web.answer(app, performer, request) if request["op"] == "web" else performer.answer(request)


def _send(pipe: Pipe, message: Plain) -> None:
    """What is too large to be kept is a failure; all of it is JSON already."""
    size = len(protocol.encode(message))
    if size > protocol.RESULT_LIMIT:
        said = f"the action returned {size // 1_000_000} MB; at most {protocol.RESULT_LIMIT // 2**20} MB are kept"
        message = {"op": "result", "id": message["id"], "status": "failed", "message": said, "attachments": []}
    pipe.write(message)
