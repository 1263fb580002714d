"""The tool's side of a playbook's pipe, answering from tables; and blocks that are run against it."""

from __future__ import annotations

import io
import json
import os
import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from repertory_classic.playbook.run import outcome

import repertory
from repertory_sdk.errors import PlaybookError

Plain = dict[str, Any]
SITE = str(Path(repertory.__file__).parent / "site")
FOREIGN = ("requests", "urllib3", "dateutil", "django", "simplejson")
EVENT: Plain = {
    "id": 9, "name": "an alert", "severity": "high", "status": "new",
    "artifacts": [
        {"id": 1, "cef": {"src": "a", "deviceDirection": "outbound", "destinationAddress": "192.0.2.9"}},
        {"id": 2, "cef": {}},
        {"id": 3, "cef": {"src": "a", "sourceAddress": "192.0.2.3"}, "contains": {"src": ["host name"]}},
    ],
}  # fmt: skip


def succeeded(*rows: Mapping[str, Any], **summary: Any) -> Plain:
    """What an app answers."""
    return {"status": "succeeded", "data": list(rows), "summary": summary, "app": "x/feeds", "asset": "feeds-1", "message": ""}


def failed(message: str) -> Plain:
    """What an app answers that could not do it."""
    return {"status": "failed", "data": [], "summary": {}, "app": "x/feeds", "asset": "feeds-1", "message": message}


@dataclass
class Tool:
    """Answers when somebody waits, the first request first; ``late`` names actions whose answers come last."""

    actions: Mapping[str, Callable[[Plain], Plain]] = field(default_factory=dict)
    answers: Sequence[str | None] = ()
    children: Mapping[str, Plain | str] = field(default_factory=dict)
    lists: dict[str, list[list[str]]] = field(default_factory=dict)
    late: Sequence[str] = ()
    installed: Mapping[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, Plain]] = field(default_factory=list)
    _waiting: dict[str, tuple[str, Plain]] = field(default_factory=dict)
    _accepted: dict[str, Plain] = field(default_factory=dict)
    _keys: int = 0

    def start(self) -> None:
        """Nothing has to be begun."""

    def next_key(self) -> str:
        """One after the other."""
        self._keys += 1
        return str(self._keys)

    def send(self, op: str, key: str, **fields: Any) -> None:
        """Take a request."""
        self.asked.append((op, fields))
        self._waiting[key] = (op, fields)

    def wait(self, key: str) -> Any:
        """Answer this one."""
        self._take_in(key)
        reply = self._accepted[key]
        if "error" in reply:
            raise PlaybookError(reply["error"])
        return reply["value"]

    def wait_any(self, keys: Sequence[str]) -> str:
        """Answer the first of these that is not late."""
        if not set(keys) & set(self._accepted):
            early = [key for key in keys if self._waiting[key][1].get("action") not in self.late]
            self._take_in((early or list(keys))[0])
        return next(key for key in self._accepted if key in keys)

    def reply(self, key: str) -> Plain:
        """As it was answered."""
        return self._accepted[key]

    def _take_in(self, key: str) -> None:
        if key in self._waiting:
            op, fields = self._waiting.pop(key)
            self._accepted[key] = getattr(self, f"_{op}")(fields)

    def _act(self, fields: Plain) -> Plain:
        answer = self.actions.get(fields["action"])
        if answer is None:
            return {"value": [{"status": "failed", "message": "nobody offers it", "app": "", "asset": "", "data": [], "summary": {}}]}
        return {"value": [answer(one) for one in fields["parameter_sets"]]}

    def _ask(self, fields: Plain) -> Plain:
        number = sum(op == "ask" for op, _ in self.asked) - 1
        answer = self.answers[number]
        return {"value": {"answer": fields["default"] if answer is None else answer, "timed_out": answer is None, "by": "eve"}}

    def _run(self, fields: Plain) -> Plain:
        child = self.children.get(fields["playbook"], "there is none")
        return {"error": child} if isinstance(child, str) else {"value": child}

    def _sleep(self, fields: Plain) -> Plain:
        return {"value": None}

    def _record(self, fields: Plain) -> Plain:
        arguments = fields["arguments"]
        done: Mapping[str, Callable[[], Any]] = {
            "list_rows": lambda: self.lists.get(arguments["name"], []),
            "list_add": lambda: self.lists.setdefault(arguments["name"], []).append(arguments["row"]),
            "list_remove": lambda: self._remove(arguments["name"], arguments["row"]),
            "add_artifact": lambda: 100,
            "installed": lambda: self.installed,
            "attach": lambda: {"name": arguments["name"], "sha256": "f" * 64, "size": 3},
            "attachments": lambda: [{"name": "x.txt", "sha256": "f" * 64, "size": 3}],
        }
        return {"value": done.get(fields["what"], lambda: None)()}

    def _remove(self, name: str, row: list[str]) -> None:
        self.lists[name] = [one for one in self.lists.get(name, []) if one[: len(row)] != row]

    def sent(self, op: str) -> list[Plain]:
        """Requests of one kind."""
        return [fields for one, fields in self.asked if one == op]

    def recorded(self, what: str) -> list[Plain]:
        """Arguments of records of one kind."""
        return [fields["arguments"] for fields in self.sent("record") if fields["what"] == what]


@dataclass
class Ended:
    """How a playbook ended, and what it said."""

    op: str
    message: str
    outputs: Plain
    said: list[str]


def run(folder: Path, code: str, tool: Tool | None = None, *, functions: Mapping[str, str] | None = None, **inputs: Any) -> Ended:
    """Run a playbook that is in its own folder."""
    source = f"import json\nimport phantom.rules as phantom\n\n{textwrap.dedent(code)}"
    (folder / "look.py").write_text(source)
    (folder / "look.json").write_text('{"coa": {"python_version": "3"}}')
    (folder / "custom_functions").mkdir(exist_ok=True)
    for name, text in (functions or {}).items():
        (folder / f"custom_functions/{name}.py").write_text(textwrap.dedent(text))
    hello = {
        "folder": str(folder), "main": "look.py", "name": "look", "event": EVENT, "inputs": inputs, "run": "r1",
        "classic": {"repository": "community", "item": "look"},
    }  # fmt: skip
    return _in_a_process(tool or Tool(), hello)


def _in_a_process(tool: Tool, hello: Plain) -> Ended:
    """As in a run: a fork that has nothing but the SDK and the classic API on its path."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.write(writer, json.dumps(_outcome(tool, hello)).encode())
            status = 0
        finally:
            os._exit(status)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        told = json.loads(stream.read())
    os.waitpid(pid, 0)
    tool.asked[:] = [(op, fields) for op, fields in told["asked"]]
    tool.lists = told["lists"]
    return Ended(**told["ended"])


def _outcome(tool: Tool, hello: Plain) -> Plain:
    sys.path[:] = [path for path in sys.path if "site-packages" not in path or path == SITE]
    for name in [name for name in sys.modules if name.partition(".")[0] in FOREIGN]:
        del sys.modules[name]
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        last = outcome(tool, hello)
    ended = {
        "op": last["op"], "message": last.get("message", ""), "outputs": last.get("outputs", {}), "said": said.getvalue().splitlines(),
    }  # fmt: skip
    return {"ended": ended, "asked": tool.asked, "lists": tool.lists}
