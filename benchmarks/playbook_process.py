"""What a playbook process costs: an interpreter, an interpreter with the SDK, a fork of the template."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from repertory.home import Home
from repertory.runtime.processes.playbook_process import Template
from repertory.runtime.processes.sdk_copy import sdk_folder
from repertory.runtime.sandbox.launch import Sandbox
from repertory.runtime.sandbox.probing import strongest

TIMES = 30
HELLO = {
    "op": "hello", "main": "playbook.py", "name": "none",
    "event": {"name": "none"}, "inputs": {}, "run": "0",
}  # fmt: skip


def main() -> None:
    """Print the medians in milliseconds."""
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        load = f"import sys; sys.path.insert(0, {str(sdk_folder(home))!r}); import repertory_sdk.playbook_worker"
        sandbox = Sandbox(strongest(home, "process"))
        template = Template(home, sandbox, output_bytes=4096, contents=Path(folder))

        def fork() -> None:
            process = template.fork(Path(folder), cpu_s=10)
            process.pipe.write({**HELLO, "folder": folder})
            process.pipe.read(10)
            process.kill()

        report("start an interpreter", lambda: start("pass"))
        report("start an interpreter and import the SDK", lambda: start(load))
        report("fork of the template, until its first message", fork)
        template.close()
        sandbox.close()


def start(code: str) -> None:
    """An interpreter with the flags of a playbook process."""
    subprocess.run([sys.executable, "-s", "-S", "-P", "-c", code], check=True)


def report(what: str, action: Callable[[], None]) -> None:
    """One line."""
    action()
    took = []
    for _ in range(TIMES):
        began = time.perf_counter()
        action()
        took.append((time.perf_counter() - began) * 1000)
    print(f"{what:50} {statistics.median(took):6.1f} ms")


if __name__ == "__main__":
    main()
