"""What is raised for values that are not accepted."""

from __future__ import annotations

from typing import Any, List


class ValidationError(Exception):
    """``messages`` are for people."""

    def __init__(self, message: Any, code: Any = None, params: Any = None) -> None:
        super().__init__(message)
        self.message, self.code, self.params = message, code, params

    @property
    def messages(self) -> List[str]:
        return [str(self.message)]


class ObjectDoesNotExist(Exception):
    """There is no such thing."""
