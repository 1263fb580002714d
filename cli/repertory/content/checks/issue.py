"""One finding about content, and how a list of them reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

Severity = Literal["error", "warning"]


@dataclass(frozen=True, kw_only=True, order=True)
class Issue:
    """Something that is wrong at a place. ``path`` is relative to the checked tree, ``line`` 0 means the whole file."""

    path: str
    line: int = 0
    rule: str
    severity: Severity = "error"
    message: str
    hint: str = ""

    def __post_init__(self) -> None:
        """Code can spell halves of characters, which no file and no output can hold."""
        for name in ("path", "message", "hint"):
            text = getattr(self, name)
            if not text.isascii():
                object.__setattr__(self, name, text.encode(errors="backslashreplace").decode())

    @property
    def is_error(self) -> bool:
        """Whether the item must not be installed because of it."""
        return self.severity == "error"

    def __str__(self) -> str:
        place = f"{self.path or '.'}:{self.line}" if self.line else self.path or "."
        hint = f" ({self.hint})" if self.hint else ""
        return f"{place}: {self.severity} {self.rule} {self.message}{hint}"


def sort_issues(issues: Iterable[Issue]) -> list[Issue]:
    """Each issue once, by path, line and rule."""
    return sorted(set(issues))


def render_issues(issues: Iterable[Issue]) -> str:
    """One line each."""
    return "\n".join(str(issue) for issue in sort_issues(issues))
