"""Which of two versions of an item is the older one (https://semver.org, any number of numbers)."""

from __future__ import annotations

# Numbers are compared by their length first: they may be longer than Python likes to read.
_Number = tuple[int, str]


def is_older(version: str, than: str) -> bool:
    """Whether a version comes before another one; ``1.2`` is ``1.2.0``, and what follows ``+`` does not count.

    >>> is_older("1.9.0", "1.10.0"), is_older("1.2.0-rc.1", "1.2.0"), is_older("1.2", "1.2.0")
    (True, True, False)
    """
    return _order(version) < _order(than)


def _order(version: str) -> tuple[list[_Number], bool, list[tuple[bool, _Number]]]:
    whole, _, before = version.partition("+")[0].partition("-")
    numbers = [_number(part) for part in whole.split(".")]
    while numbers and not numbers[-1][0]:
        numbers.pop()
    # Without a suffix it is the finished one, which comes last; numbers in a suffix come before words.
    return numbers, not before, [_step(part) for part in before.split(".")] if before else []


def _number(part: str) -> _Number:
    digits = part.lstrip("0")
    return len(digits), digits


def _step(part: str) -> tuple[bool, _Number]:
    return (False, _number(part)) if part.isdecimal() else (True, (0, part))
