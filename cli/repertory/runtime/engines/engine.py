"""What carries attempts to an executor: the interface, so that the engine can be exchanged.

All that an engine promises is that ``attempt(run, number)`` is called at least once for whatever was enqueued, also after a
crash. What an attempt does to the world is the journal's business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    OnAttempt = Callable[[str, int], None]


class Engine(Protocol):
    """A durable queue of attempts."""

    def start(self, on_attempt: OnAttempt) -> None:
        """Begin to deliver attempts, several at a time, in threads of its own."""

    def enqueue(self, run: str, number: int) -> None:
        """Deliver this attempt at least once; enqueueing it again changes nothing."""

    def recover(self, worker: str) -> int:
        """Deliver again what a dead worker had begun; how many attempts that were."""

    def owners(self) -> set[str]:
        """The other workers that have begun attempts and not ended them, dead or alive."""

    def forget(self, older_than_s: float) -> int:
        """Delete some of what ended so long ago; how much. Again and again, until nothing is left."""

    def stop(self) -> None:
        """Deliver nothing more."""
