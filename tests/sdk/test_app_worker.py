"""The process of an app, driven over real pipes as the tool drives it."""

from __future__ import annotations

import base64
import hashlib
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from repertory_sdk.protocol import RESULT_LIMIT

if TYPE_CHECKING:
    from conftest import Child

APP = '''
"""An app that misbehaves in every way."""
import os
import sys
from typing import List, Optional

from repertory_sdk import ActionFailed, App, Artifact, Asset, Attachment, Event, Job, Output, Secret, param, setting

app = App("demo", version="1.0.0", summary=__doc__)


@app.asset
class Demo(Asset):
    server: str = setting("Server")
    token: Optional[Secret] = setting("Token", default=None)


@app.result
class Row:
    address: str
    hits: int = 0


@app.action("look up")
def look_up(demo: Demo, ip: str = param("Address"), limit: int = param("Most", default=7)) -> Row:
    return Row(address=f"{demo.server}/{demo.name}/{ip}", hits=limit)


@app.action("rows")
def rows(demo: Demo) -> Output[Row]:
    return Output([Row(address="a"), Row(address="b")], message="two", summary={"count": 2})


@app.action("plain")
def plain(demo: Demo) -> List[str]:
    return ["one", "two"]


@app.action("nothing")
def nothing(demo: Demo) -> None:
    return None


@app.action("print")
def chatter(demo: Demo) -> None:
    print("to standard output")
    print("to standard error", file=sys.stderr)


@app.action("exit")
def leave(demo: Demo) -> None:
    sys.exit("enough")


@app.action("raise")
def stumble(demo: Demo) -> None:
    raise KeyError("lost")


@app.action("fail")
def fail(demo: Demo) -> None:
    raise ActionFailed("demo: 429; wait a minute", retry_after_s=60)


@app.action("object")
def strange(demo: Demo) -> object:
    return {"it": object()}


@app.action("nan")
def not_a_number(demo: Demo) -> object:
    return {"it": float("nan")}


@app.action("cycle")
def cycle(demo: Demo) -> object:
    endless = {}
    endless["self"] = endless
    return endless


@app.action("surrogate")
def surrogate(demo: Demo) -> object:
    raise ValueError("half a character: \\udc80")


@app.action("huge")
def huge(demo: Demo) -> object:
    return {"it": "x" * 100_000_000}


@app.action("count")
def count(demo: Demo) -> object:
    demo.state.setdefault("seen", {"times": 0})["times"] += 1
    return demo.state["seen"]["times"]


@app.action("odd state")
def odd_state(demo: Demo) -> None:
    demo.state["it"] = object()


@app.action("files")
def files(demo: Demo, job: Job, sha256: str = param("Which")) -> object:
    job.progress("reading", 0.5)
    content = job.read(Attachment("in.txt", sha256, 0))
    kept = job.attach("out.txt", content.upper(), "text/plain")
    return {"key": job.key, "timeout_s": job.timeout_s, "sha256": kept.sha256}


@app.action("too large a file")
def too_large(demo: Demo, job: Job) -> None:
    job.attach("large.bin", bytes(20 * 1024 * 1024 + 1))


@app.action("die")
def die(demo: Demo) -> None:
    os._exit(9)


@app.test
def test(demo: Demo) -> str:
    if demo.server == "down":
        raise ActionFailed("demo: no answer from down")
    return f"connected to {demo.server}"


@app.poll
def poll(asset, checkpoint):
    start = checkpoint.get("next", 1)
    checkpoint["next"] = start + 2
    for number in (start, start + 1):
        yield Event(f"event {number}", artifacts=[Artifact(cef={"number": number})], source_id=str(number))
'''


class Worker:
    """A loaded app, and the requests that the tool would send it."""

    def __init__(self, child: Child, output: Path) -> None:
        self.child = child
        self.output = output

    def ask(self, action: str, **parameters: Any) -> None:
        self.child.send(
            op="act", id=1, action=action, parameters=parameters, key="k", timeout_s=5, state={}, checkpoint={}
        )

    def act(self, action: str, **parameters: Any) -> dict[str, Any]:
        self.ask(action, **parameters)
        return self.child.read()

    def act_with(self, action: str, **fields: Any) -> dict[str, Any]:
        plain = {"parameters": {}, "key": "k", "timeout_s": 5, "state": {}, "checkpoint": {}}
        self.child.send(op="act", id=1, action=action, **{**plain, **fields})
        return self.child.read()


@pytest.fixture(scope="module")
def start_app(start_worker: Callable[..., Child], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Worker]:
    def start(source: str = APP, settings: dict[str, Any] | None = None) -> Worker:
        folder = tmp_path_factory.mktemp("app")
        (folder / "app.py").write_text(textwrap.dedent(source), "utf-8")
        output = folder.parent / f"{folder.name}.out"
        child = start_worker(["app"], output)
        given = {"server": "example.net"} if settings is None else settings
        child.send(op="hello", folder=str(folder), main="app.py", asset={"name": "lab", "settings": given})
        return Worker(child, output)

    return start


@pytest.fixture(scope="module")
def worker(start_app: Callable[..., Worker]) -> Worker:
    started = start_app()
    assert started.child.read() == {"op": "ready"}
    return started


def test_record_becomes_a_row_and_a_missing_parameter_its_default(worker: Worker) -> None:
    assert worker.act("look up", ip="192.0.2.1") == {
        "op": "result",
        "id": 1,
        "status": "succeeded",
        "message": "",
        "data": [{"address": "example.net/lab/192.0.2.1", "hits": 7}],
        "summary": {},
        "attachments": [],
    }


@pytest.mark.parametrize(
    ("action", "data", "message", "summary"),
    [
        ("rows", [{"address": "a", "hits": 0}, {"address": "b", "hits": 0}], "two", {"count": 2}),
        ("plain", [{"value": "one"}, {"value": "two"}], "", {}),
        ("nothing", [], "", {}),
    ],
)
def test_what_a_returned_value_means(worker: Worker, action: str, data: Any, message: str, summary: Any) -> None:
    result = worker.act(action)
    assert (result["status"], result["data"]) == ("succeeded", data)
    assert (result["message"], result["summary"]) == (message, summary)


@pytest.mark.parametrize(
    ("action", "parameters", "said"),
    [
        ("exit", {}, "called exit('enough') (app.py, line "),
        ("raise", {}, "KeyError: 'lost' (app.py, line "),
        ("look up", {}, "TypeError: look_up() needs ip"),
        ("look up", {"ip": 5}, "bad parameter: ip: must be a string, not 5"),
        ("look up", {"ip": "a", "colour": "red"}, "colour"),
        ("object", {}, "the action returned something that JSON cannot say: "),
        ("nan", {}, "the action returned something that JSON cannot say: "),
        ("cycle", {}, "RecursionError"),
        ("surrogate", {}, "the action returned something that JSON cannot say: "),
        ("huge", {}, f"the action returned 100 MB; at most {RESULT_LIMIT // 2**20} MB are kept"),
        ("odd state", {}, "the action returned something that JSON cannot say: "),
        ("too large a file", {}, "large.bin: an attachment may have at most "),
        ("no such action", {}, "the app's code has no action 'no such action'"),
    ],
)
def test_failures_are_sentences_and_the_process_goes_on(
    worker: Worker, action: str, parameters: dict[str, Any], said: str
) -> None:
    result = worker.act(action, **parameters)
    assert result["status"] == "failed"
    assert said in result["message"]
    assert worker.act("nothing")["status"] == "succeeded"


def test_action_failed_says_when_to_try_again(worker: Worker) -> None:
    result = worker.act("fail")
    assert (result["status"], result["message"]) == ("failed", "demo: 429; wait a minute")
    assert (result["retry"], result["retry_after_s"]) == (True, 60)


def test_what_an_action_prints_is_there_before_its_result(worker: Worker) -> None:
    worker.act("print")
    printed = worker.output.read_text()
    assert "to standard output" in printed
    assert "to standard error" in printed


def test_state_is_handed_back_only_where_it_changed_even_deep_inside(worker: Worker) -> None:
    assert worker.act("count")["state"] == {"seen": {"times": 1}}
    changed = worker.act_with("count", state={"seen": {"times": 4}})
    assert changed["state"] == {"seen": {"times": 5}}
    assert "state" not in worker.act_with("nothing", state={"seen": {"times": 4}})


def test_progress_and_attachments(worker: Worker) -> None:
    digest = hashlib.sha256(b"hello").hexdigest()
    worker.ask("files", sha256=digest)
    assert worker.child.read() == {"op": "progress", "id": 1, "message": "reading", "fraction": 0.5}
    assert worker.child.read() == {"op": "read", "id": 1, "sha256": digest}
    worker.child.send(op="content", content=base64.b64encode(b"hello").decode())
    attached = worker.child.read()
    assert (attached["op"], attached["media_type"]) == ("attach", "text/plain")
    assert base64.b64decode(attached["content"]) == b"HELLO"
    result = worker.child.read()
    kept = hashlib.sha256(b"HELLO").hexdigest()
    assert result["data"] == [{"key": "k", "timeout_s": 5, "sha256": kept}]
    assert result["attachments"] == [{"name": "out.txt", "sha256": kept, "size": 5, "media_type": "text/plain"}]
    assert worker.act("nothing")["attachments"] == []


def test_connectivity(worker: Worker) -> None:
    assert worker.act("test connectivity")["message"] == "connected to example.net"


def test_poll_returns_events_and_moves_the_checkpoint(worker: Worker) -> None:
    result = worker.act_with("on poll", checkpoint={"next": 5})
    assert [event["name"] for event in result["events"]] == ["event 5", "event 6"]
    assert result["events"][0]["artifacts"][0]["cef"] == {"number": 5}
    assert (result["checkpoint"], result["message"]) == ({"next": 7}, "2 events")


def test_end_of_the_pipe_ends_the_process_even_during_an_action(start_app: Callable[..., Worker]) -> None:
    source = """
        import threading
        from repertory_sdk import App, Asset, Job
        app = App("stuck", version="1.0.0")

        @app.action()
        def hang(asset: Asset, job: Job) -> None:
            job.progress("hanging")
            threading.Event().wait()
    """
    worker = start_app(source, {})
    assert worker.child.read() == {"op": "ready"}
    worker.ask("hang")
    assert worker.child.read()["message"] == "hanging"
    assert worker.child.ended() == 3


def test_process_that_dies_in_an_action_ends_the_pipe(start_app: Callable[..., Worker]) -> None:
    worker = start_app()
    assert worker.child.read() == {"op": "ready"}
    worker.ask("die")
    assert worker.child.reader.read() == b""
    assert worker.child.process.wait(5) == 9


@pytest.mark.parametrize(
    ("source", "settings", "said"),
    [
        ("import nowhere_else", {}, "ModuleNotFoundError: No module named 'nowhere_else' (app.py, line 1)"),
        ("def broken(:", {}, "SyntaxError: invalid syntax (app.py, line 1)"),
        ("raise SystemExit(2)", {}, "called exit(2) (app.py, line 1)"),
        (APP, {"server": 5}, "server: must be a string, not 5"),
        (APP, {}, "server: is missing"),
        (APP, {"server": "a", "token": 4711}, "token: must be a string, not an integer"),
    ],
)
def test_app_that_cannot_be_loaded(
    start_app: Callable[..., Worker], source: str, settings: dict[str, Any], said: str
) -> None:
    worker = start_app(source, settings)
    failed = worker.child.read()
    assert failed["op"] == "failed"
    assert failed["message"] == f"the app cannot be loaded: {said}"
    assert worker.child.process.wait(5) == 0
