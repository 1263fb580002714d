"""A typed look into JSON objects of which only some fields are ours to know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repertory_sdk.convert import conform

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Fields:
    """One object and the path that leads to it. Absent and null mean the same; a wrong type raises ConversionError."""

    plain: Mapping[str, Any]
    path: str = ""

    def text(self, name: str) -> str:
        """A string, without the character NUL, which no database keeps."""
        value = self._value(name, "string")
        return "" if value is None else str(value).replace("\0", "\ufffd")

    def number(self, name: str) -> int | None:
        """A whole number."""
        value = self._value(name, "integer")
        return None if value is None else int(value)

    def within(self, name: str) -> Fields:
        """The object of this name, an empty one if there is none."""
        return Fields(self._value(name, "object") or {}, self._below(name))

    def first_of(self, name: str) -> Fields:
        """The first object of the list of this name, an empty one if there is none."""
        items = self._value(name, "array") or [{}]
        conform({"type": "object"}, items[0], f"{self._below(name)}[0]")
        return Fields(items[0], f"{self._below(name)}[0]")

    def first_text(self, name: str) -> str:
        """The first string of the list of this name."""
        items = self._value(name, "array") or [""]
        return Fields({name: items[0]}, self.path).text(name)

    def _value(self, name: str, kind: str) -> Any:
        value = self.plain.get(name)
        if value is not None:
            conform({"type": kind}, value, self._below(name))
        return value

    def _below(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name
