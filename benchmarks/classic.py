"""What the classic interface costs: a connector's process and its actions, against a native app that does the same.

    python -m benchmarks.classic [--json]

Both do nothing but return a number. The connector's environment is built as an installation builds it.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import tempfile
import threading
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.lab import Figure, make_lab, memory_mb, report
from repertory.commands._session import HomeLibrary
from repertory.home import Home
from repertory.runtime.processes.app_workers import AppWorker, Asides, WorkerKind
from repertory.runtime.sandbox.confinement import Confinement
from repertory.runtime.sandbox.launch import Sandbox
from repertory.runtime.sandbox.probing import strongest

if TYPE_CHECKING:
    from benchmarks.lab import Lab

ACTIONS = 300
CONNECTOR = '''
import phantom.app as phantom
from phantom.action_result import ActionResult
from phantom.base_connector import BaseConnector

class Touch(BaseConnector):
    def handle_action(self, param):
        result = self.add_action_result(ActionResult(dict(param)))
        result.add_data({"value": param["value"]})
        return result.set_status(phantom.APP_SUCCESS)
'''
MANIFEST = {
    "appid": "7d1b8f5e-2f0a-4a5e-9f3d-0a1b2c3d4e5f", "name": "Touch", "description": "Nothing", "type": "generic", "publisher": "x",
    "product_vendor": "x", "product_name": "x", "product_version_regex": ".*", "license": "x", "package_name": "phantom_touch",
    "app_version": "1.0.0", "main_module": "touch_connector.py", "min_phantom_version": "5.0.0", "configuration": {},
    "actions": [
        {
            "action": "touch", "identifier": "touch", "type": "generic", "read_only": True, "versions": "EQ(*)",
            "parameters": {"value": {"data_type": "numeric", "required": True}}, "output": [],
        }
    ],
}  # fmt: skip


def main() -> None:
    """Print or report all figures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lab = make_lab(folder)
        add_connector(lab, folder / "connector")
        sandbox = Sandbox(strongest(Home(lab.home), "process"))
        times = {}
        for app in ("bench/lab", "classic/touch"):
            worker = started(lab, sandbox, app)
            act(worker, 0)
            before = memory_mb(os.getpid())
            times[app] = statistics.median(timed(partial(act, worker, number)) for number in range(1, ACTIONS))
            worker.close()
            memory = before - memory_mb(os.getpid())
        sandbox.close()
    native, classic = times.values()
    note = f"{1000 * classic:.2f} ms against {1000 * native:.2f} ms"
    figures = [
        Figure(name="classic action, more than a native one", value=1000 * (classic - native), unit="ms", bound=2, note=note),
        Figure(name="warm classic worker", value=memory, unit="MB (PSS)", bound=120),
    ]
    report("classic apps", figures)


def add_connector(lab: Lab, folder: Path) -> None:
    """Publish it in Git, follow it, install it."""
    folder.mkdir()
    (folder / "touch.json").write_text(json.dumps(MANIFEST))
    (folder / "touch_connector.py").write_text(CONNECTOR)
    author = ["-c", "user.name=bench", "-c", "user.email=bench@example.test"]
    for words in (["init", "-q"], ["add", "-A"], [*author, "commit", "-q", "-m", "connector"]):
        subprocess.run(["git", "-C", str(folder), *words], check=True)
    lab.cli("repo", "add", "classic", str(folder), "--sync")
    lab.cli("install", "classic/touch", "--yes")


def started(lab: Lab, sandbox: Sandbox, name: str) -> AppWorker:
    """A worker that has loaded its app."""
    app = HomeLibrary(Home(lab.home)).installed().apps[name]
    kind = WorkerKind(app=app, asset="lab-1", settings={}, concurrency=1, confinement=Confinement())
    worker = AppWorker(kind, Home(lab.home), sandbox, output_bytes=4096)
    worker.greet(30, threading.Event())
    return worker


def act(worker: AppWorker, number: int) -> None:
    """One action that does nothing."""
    request = {"id": str(number), "action": "touch", "parameters": {"value": number}, "state": {}, "key": "0", "checkpoint": None}
    message = worker.act(request, 20, Asides(progress=lambda _: None, attach=print, read=str))
    assert message["status"] == "succeeded", message


def timed(action: partial[None]) -> float:
    """Seconds."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
