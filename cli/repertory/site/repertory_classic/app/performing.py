"""One request of the tool, done by a connector and answered as every app answers."""

from __future__ import annotations

import json
import sys
from typing import Any, Callable, Dict, List, Optional, Tuple

from repertory_classic.app import state_file
from repertory_classic.app.context import CURRENT
from repertory_classic.app.life import sayable
from repertory_classic.app.loading import LoadedApp
from repertory_sdk.manifest import TEST_CONNECTIVITY

Plain = Dict[str, Any]
_TESTS = ("test_connectivity", "test_asset_connectivity", "test connectivity")


class Performer:
    """Translates both ways between the tool's messages and the connector's JSON."""

    def __init__(self, app: LoadedApp, write: Callable[[Plain], None], content: Callable[[], Plain]) -> None:
        self._app = app
        self._write = write
        self._content = content
        self._id = ""
        self._debug = False
        CURRENT.tell = self._tell

    def answer(self, request: Plain) -> Plain:
        """The ``result`` of an ``act``; whatever happens inside the connector is in it."""
        self._id = request["id"]
        base: Plain = {"op": "result", "id": request["id"], "attachments": []}
        identifier, said = self._identify(request["action"])
        if identifier is None:
            return {**base, **said}
        CURRENT.store.forget()
        state_file.put(self._app, request.get("state") or {})
        done = self._run(self._classic_request(identifier, request))
        answer = {**base, **outcome_of(done)}
        state = state_file.taken(self._app)
        if state is not None and state != request.get("state"):
            answer["state"] = state
        return dict(sayable(answer))

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

    def _classic_request(self, identifier: str, request: Plain) -> Plain:
        return self._app.request(identifier, request["action"], [dict(request["parameters"])])

    def _run(self, classic: Plain) -> Plain:
        """A new connector for each request, which knows its context before it is made."""
        CURRENT.request = classic
        connector = self._app.connector_class()
        returned = connector._handle_action(json.dumps(classic), None)
        return dict(json.loads(returned))

    def _tell(self, kind: str, text: str) -> None:
        if kind in ("progress", "transient"):
            self._write({"op": "progress", "id": self._id, "message": sayable(text), "fraction": None})
        elif kind == "error" or self._debug:
            sys.stderr.write(text + "\n")


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
