"""How conditions compare two values."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from typing import Any, Tuple

_EMPTY: Tuple[Any, ...] = (None, "", [], {})


def compare(left: Any, operator: str, right: Any, *, delimiter: str | None = ",", case_sensitive: bool = True) -> bool:
    """Whether a condition holds for one pair; values that cannot be compared do not match."""
    rule = _RULES.get(operator.strip().lower())
    try:
        return rule is not None and rule(left, right, delimiter, case_sensitive)
    except (TypeError, ValueError):
        return False


def is_known(operator: str) -> bool:
    """Whether there is such an operator."""
    return operator.strip().lower() in _RULES


def _equal(left: Any, right: Any, _delimiter: str | None, case_sensitive: bool) -> bool:
    if left in _EMPTY or right in _EMPTY:
        return left in _EMPTY and right in _EMPTY
    left, right = _alike(left, right)
    if isinstance(left, str) and isinstance(right, str) and not case_sensitive:
        return left.casefold() == right.casefold()
    return bool(left == right)


def _alike(left: Any, right: Any) -> Any:
    """Where one is a number or truth value and the other a text, the text is read; else both are texts."""
    for one, other, swapped in ((left, right, False), (right, left, True)):
        if isinstance(one, (bool, int, float)) and isinstance(other, str):
            read = _as_bool(other) if isinstance(one, bool) else _as_number(other)
            pair = (one, read) if read is not None else (str(one), other)
            return pair[::-1] if swapped else pair
    return left, right


def _as_bool(text: str) -> bool | None:
    return {"true": True, "false": False}.get(text.strip().lower())


def _as_number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _within(left: Any, right: Any, delimiter: str | None, case_sensitive: bool) -> bool:
    if left is None or right is None:
        return False
    if isinstance(left, list):
        return any(_within(one, right, delimiter, case_sensitive) for one in left) or (isinstance(right, list) and left in right)
    if isinstance(right, Mapping):
        return left in right
    if isinstance(right, list):
        return any(_equal(left, one, delimiter, case_sensitive) or _in_network(left, one) for one in right)
    text, sought = str(right), str(left)
    if not case_sensitive:
        text, sought = text.casefold(), sought.casefold()
    parts = [part.strip() for part in text.split(delimiter)] if delimiter and delimiter in text else [text]
    return sought in parts or sought in text or any(_in_network(left, part) for part in parts)


def _in_network(value: Any, network: Any) -> bool:
    if not isinstance(value, str) or not isinstance(network, str) or "/" not in network:
        return False
    try:
        return ipaddress.ip_address(value) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


def _ordered(decide: Callable[[Any, Any], bool]) -> Callable[[Any, Any, str | None, bool], bool]:
    def rule(left: Any, right: Any, _delimiter: str | None, _case_sensitive: bool) -> bool:
        if left is None or right is None or isinstance(left, (list, dict)) or isinstance(right, (list, dict)):
            return False
        numbers = [one if isinstance(one, (int, float)) else _as_number(str(one)) for one in (left, right)]
        if None not in numbers:
            return decide(numbers[0], numbers[1])
        if any(isinstance(one, (int, float)) for one in (left, right)):
            return False
        return decide(str(left), str(right))

    return rule


_RULES: dict[str, Callable[[Any, Any, str | None, bool], bool]] = {
    "==": _equal,
    "!=": lambda left, right, delimiter, case: not _equal(left, right, delimiter, case),
    "in": _within,
    "not in": lambda left, right, delimiter, case: left is not None and not _within(left, right, delimiter, case),
    ">": _ordered(lambda left, right: left > right),
    ">=": _ordered(lambda left, right: left >= right),
    "<": _ordered(lambda left, right: left < right),
    "<=": _ordered(lambda left, right: left <= right),
}
