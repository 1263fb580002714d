"""In the child: which lines of a playbook were reached. Only where a simulated run is to tell."""

from __future__ import annotations

import dis
import sys
import threading
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Dict, Iterator, List, Optional, Set


class Tracing:
    """Follows the modules below one folder, in all threads that begin after ``start``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._prefix = f"{folder}/"
        self._reached: Dict[str, Set[int]] = {}

    def start(self) -> None:
        """From here on."""
        sys.settrace(self._enter)
        threading.settrace(self._enter)

    def report(self) -> Dict[str, Dict[str, List[int]]]:
        """For each module that was used, by its path in the folder: all lines that hold code, and those that were reached."""
        sys.settrace(None)
        threading.settrace(None)
        found = {}
        for name, reached in self._reached.items():
            source = Path(name).read_bytes().expandtabs(8)  # classic code mixes tabs and blanks
            lines = sorted(set(_lines(compile(source, name, "exec"))))
            found[name[len(self._prefix) :]] = {"lines": lines, "reached": sorted(reached.intersection(lines))}
        return found

    def _enter(self, frame: FrameType, event: str, argument: Any) -> Any:
        name = frame.f_code.co_filename
        if not name.startswith(self._prefix):
            return None
        reached = self._reached.setdefault(name, set())
        reached.add(frame.f_lineno)

        def follow(frame: FrameType, event: str, argument: Any) -> Optional[Any]:
            reached.add(frame.f_lineno)
            return follow

        return follow


def _lines(code: CodeType) -> Iterator[int]:
    yield from (line for _, line in dis.findlinestarts(code) if line)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _lines(constant)
