"""Python version specifiers, as far as manifests use them: comma-separated clauses of an operator and numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence

CLAUSE = re.compile(r"(==|!=|>=|<=|~=|>|<)\s*([0-9]+(?:\.[0-9]+)*)(\.\*)?")


def accepts(specifier: str, version: Sequence[int]) -> bool:
    """Whether a version (three numbers) fits all clauses of a specifier.

    >>> accepts(">=3.9, <3.13", (3, 11, 7))
    True
    """
    return all(_holds(operator, number, star, tuple(version)) for operator, number, star in CLAUSE.findall(specifier))


def lowest(specifier: str) -> str:
    """The version that a specifier starts at, 3.9 if it does not say."""
    starts = [number for operator, number, _ in CLAUSE.findall(specifier) if operator in (">=", "==", "~=")]
    return starts[0] if starts else "3.9"


def _holds(operator: str, number: str, star: str, version: tuple[int, ...]) -> bool:
    limit = tuple(map(int, number.split(".")))
    padded = (*limit, 0, 0, 0)[: max(3, len(limit))]
    if operator == "~=":
        return version >= padded and version[: len(limit) - 1] == limit[:-1]
    if operator in ("==", "!="):
        equal = version[: len(limit)] == limit if star else version == padded
        return equal == (operator == "==")
    comparisons = {">=": version >= padded, "<=": version <= padded, ">": version > padded, "<": version < padded}
    return comparisons[operator]
