"""Children that are ended by whoever needs it, perhaps by several at once."""

from __future__ import annotations

import sys
import threading

from repertory.runtime.sandbox.launch import launch
from repertory.runtime.sandbox.process import Process

PATIENCE_S = 20.0


def test_its_end_is_told_once_however_many_end_it() -> None:
    """An interrupted command ends every child, while the thread that served one finds it lost and ends it too."""
    told: list[str] = []
    is_told, may_go_on = threading.Event(), threading.Event()

    def end() -> None:
        told.append(threading.current_thread().name)
        is_told.set()
        may_go_on.wait(PATIENCE_S)

    started = launch([sys.executable, "-c", "import time; time.sleep(600)"])
    process = Process(started._popen, started.output, on_end=end)
    first = threading.Thread(target=process.kill, name="first")
    first.start()
    try:
        assert is_told.wait(PATIENCE_S)
        assert process.kill() == -9
    finally:
        may_go_on.set()
        first.join(PATIENCE_S)
    assert process.kill() == -9
    assert told == ["first"]
