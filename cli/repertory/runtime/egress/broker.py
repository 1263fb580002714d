"""One event loop, in a thread of its own, for the gates and desks of all processes that this one confines."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING
from weakref import WeakSet

from repertory.runtime.egress.desk import Desk
from repertory.runtime.egress.gate import Gate

if TYPE_CHECKING:
    import socket

    from repertory.runtime.egress.desk import Holding
    from repertory.runtime.egress.gate import Inside
    from repertory.runtime.egress.policy import Policy

_PATIENCE_S = 10.0


class Broker:
    """Started with the first gate. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._gates: WeakSet[Gate] = WeakSet()

    def open(self, policy: Policy, listening: list[Inside]) -> Gate:
        """A gate for a process that has just been confined."""
        return asyncio.run_coroutine_threadsafe(self._open(policy, listening), self._running()).result(_PATIENCE_S)

    async def _open(self, policy: Policy, listening: list[Inside]) -> Gate:
        gate = Gate(policy)
        self._gates.add(gate)  # in the loop, as everything that looks at them
        await gate.open(listening)
        return gate

    def open_desk(self, policy: Policy, control: socket.socket, holding: Holding) -> Desk:
        """A desk for a process that has no network namespace; ``holding`` tells which sockets it has open."""
        desk = Desk(policy, control, holding)
        asyncio.run_coroutine_threadsafe(desk.open(), self._running()).result(_PATIENCE_S)
        return desk

    def end(self, way: Gate | Desk) -> None:
        """Its process has ended."""
        with self._lock:  # whoever closes the loop cannot do it in between
            if self._loop is not None:
                self._loop.call_soon_threadsafe(way.close)

    def close(self) -> None:
        """End the loop with all gates."""
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is not None and thread is not None:
            loop.call_soon_threadsafe(self._give_up)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(_PATIENCE_S)

    def _give_up(self) -> None:
        for gate in self._gates:
            gate.give_up()

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=_serve, args=(self._loop,), name="egress", daemon=True)
                self._thread.start()
            return self._loop


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    loop.run_forever()
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
