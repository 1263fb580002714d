"""Frozen, keyword-only records from the classes that authors write, the same on every Python."""

from __future__ import annotations

import dataclasses
import sys
from dataclasses import dataclass
from typing import Any


def record_class(cls: Any, *, eq: bool) -> Any:
    """The class as a frozen dataclass that takes keywords only."""
    if sys.version_info >= (3, 10):
        return dataclass(frozen=True, eq=eq, kw_only=True)(cls)
    else:
        made = dataclass(frozen=True, eq=eq, init=False)(cls)
        made.__init__ = _keyword_init
        return made


def _keyword_init(self: Any, **given: Any) -> None:
    """What ``kw_only`` does from Python 3.10 on: fields keep their order, wherever the defaults are."""
    for known in dataclasses.fields(self):
        if known.name in given:
            value = given.pop(known.name)
        elif known.default is not dataclasses.MISSING:
            value = known.default
        elif known.default_factory is not dataclasses.MISSING:
            value = known.default_factory()
        else:
            raise TypeError(f"{type(self).__name__}() needs {known.name}")
        object.__setattr__(self, known.name, value)
    if given:
        raise TypeError(f"{type(self).__name__}() has no {', '.join(given)}")
    getattr(self, "__post_init__", lambda: None)()
