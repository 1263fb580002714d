"""How apps of another kit report progress; their older form passes a handle first."""

from __future__ import annotations

from typing import Any

from repertory_classic.app.context import CURRENT

PH_STATUS_PROGRESS = 1


def sendstatus(*arguments: Any) -> None:
    """``([handle,] status, message, persistent)``."""
    _, message, persistent = arguments[-3:] if len(arguments) >= 3 else (None, arguments[-1] if arguments else "", True)
    CURRENT.tell("progress" if persistent else "transient", str(message))


def debugprint(*arguments: Any) -> None:
    """``([handle,] message)``."""
    CURRENT.tell("debug", str(arguments[-1]) if arguments else "")


def errorprint(*arguments: Any) -> None:
    """``([handle,] message)``."""
    CURRENT.tell("error", str(arguments[-1]) if arguments else "")
