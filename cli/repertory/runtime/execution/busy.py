"""Work that goes on in threads while a playbook does: its actions and its child runs."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Busy:
    """The threads of one attempt. ``giving_up`` tells those that wait for their turn not to begin any more."""

    def __init__(self, threads: int, fail: Callable[[BaseException], None]) -> None:
        self.giving_up = threading.Event()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="action")
        self._own: list[threading.Thread] = []
        self._fail = fail
        self._changed = threading.Condition()
        self._count = 0

    def submit(self, work: Callable[[], None], *, own_thread: bool = False) -> None:
        """Do it in the background; what it raises ends the attempt. Something that may itself wait for work of this
        kind wants a thread of its own."""
        if self.giving_up.is_set():
            return
        with self._changed:
            self._count += 1
        if own_thread:
            thread = threading.Thread(target=self._work, args=(work,), daemon=True)
            self._own.append(thread)
            thread.start()
        else:
            self._pool.submit(self._work, work)

    def _work(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # handed to the thread that serves the playbook
            self._fail(error)
        finally:
            with self._changed:
                self._count -= 1
                self._changed.notify_all()

    def count(self) -> int:
        """How much is under way."""
        return self._count

    def wait(self, seconds: float) -> None:
        """Until something ends, or so many seconds."""
        with self._changed:
            if self._count:
                self._changed.wait(seconds)

    def close(self) -> None:
        """What runs is waited for, so that its outcome is recorded; what is not under way yet sees that it is too late."""
        self.giving_up.set()
        self._pool.shutdown(wait=True)
        for thread in self._own:
            thread.join()
