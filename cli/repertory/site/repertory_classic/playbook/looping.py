"""The state of a block that is repeated."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

Decide = Callable[..., bool]


class LoopState:
    """Counts the repetitions of a block and decides whether there is another; ``state`` is a dictionary or its JSON."""

    decide: Decide | None = None  # set by the module that has the conditions

    def __init__(self, state: Any = None, **_ignored: Any) -> None:
        read: Any = json.loads(state) if isinstance(state, str) else state
        self.state: dict[str, Any] = dict(read or {})
        self.state.setdefault("current_iteration", 1)

    def should_continue(self, container: Any = None, results: Any = None, **_ignored: Any) -> bool:
        """Whether the block is to be started again."""
        if self.state["current_iteration"] >= int(self.state.get("max_iterations") or 1):
            return False
        conditions = self.state.get("conditions")
        if not conditions or LoopState.decide is None:
            return True
        operator = self.state.get("logical_operator") or "and"
        return not LoopState.decide(
            container=container, action_results=results, conditions=conditions, logical_operator=operator
        )

    def increment(self) -> None:
        """One more."""
        self.state["current_iteration"] += 1

    def to_json(self) -> str:
        """As text, for whoever starts the block."""
        return json.dumps(self.state)

    def pause(self) -> float:
        """Seconds to wait before a repetition."""
        return float(self.state.get("delay_time") or 0) if self.state["current_iteration"] > 1 else 0.0
