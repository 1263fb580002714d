"""Attempts to get out, and how one is tried. Runs where content runs: the standard library only, as of Python 3.9.

An attempt is a function of the targets that a test laid out. It returns what it got when it succeeded, and raises OSError,
MemoryError or Stopped when it did not.
"""

from __future__ import annotations

import ctypes
import os
from types import SimpleNamespace
from typing import Any, Callable, Dict

Attempt = Callable[[Any], Any]
ATTEMPTS: Dict[str, Attempt] = {}
LIBC = ctypes.CDLL(None, use_errno=True)


class Stopped(Exception):
    """What there is to get was not there."""


def attempt(function: Attempt) -> Attempt:
    """Register it under its name, which is also what it is called in the table."""
    ATTEMPTS[function.__name__.replace("_", " ")] = function
    return function


def outcome_of(name: str, targets: Dict[str, Any]) -> Dict[str, Any]:
    """``{"verdict": "open" | "stopped" | "broken", "detail": …, "errno": …}``; broken is an attempt that proves nothing."""
    try:
        return {"verdict": "open", "detail": str(ATTEMPTS[name](SimpleNamespace(**targets)))[:200], "errno": 0}
    except OSError as error:
        return {"verdict": "stopped", "detail": repr(error)[:200], "errno": error.errno or 0}
    except (MemoryError, Stopped) as error:
        return {"verdict": "stopped", "detail": repr(error)[:200], "errno": 0}
    except BaseException as error:
        return {"verdict": "broken", "detail": repr(error)[:300], "errno": 0}


def check(result: int, what: str) -> int:
    """What a C function returned; raises OSError."""
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")
    return result


def syscall(targets: Any, name: str, *arguments: Any) -> int:
    """Ask the kernel itself, past what the C library and Python check."""
    wide = [ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]
    return check(LIBC.syscall(ctypes.c_long(targets.numbers[name]), *wide), name)


def in_child(function: Callable[[], Any]) -> str:
    """Do what changes a whole process in one to throw away; an error there is raised here."""
    pid = os.fork()
    if pid == 0:
        try:
            function()
        except OSError as error:
            os._exit(error.errno or 1)
        except BaseException:
            os._exit(1)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code:
        raise OSError(max(code, 0), os.strerror(code) if code > 0 else f"signal {-code}")
    return "done"
