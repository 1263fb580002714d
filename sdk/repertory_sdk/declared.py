"""What ``param``, ``setting`` and ``output`` say about a parameter, a setting or a field, beyond its type."""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass, field
from typing import Any, Optional, Sequence, Union

Kinds = Union[str, Sequence[str], None]

_METADATA = "repertory"


class _Missing:
    """Says that there is no default."""


MISSING: Any = _Missing()


@dataclass(frozen=True)
class Parameter:
    """What ``param``, ``setting`` and ``output`` say beyond the type."""

    description: str
    default: Any = MISSING
    contains: Sequence[str] = ()
    choices: Sequence[Any] = ()
    minimum: Optional[float] = None
    maximum: Optional[float] = None
    examples: Sequence[Any] = ()

    @property
    def required(self) -> bool:
        """Whether there is no default."""
        return self.default is MISSING


def param(
    description: str,
    *,
    default: Any = MISSING,
    contains: Kinds = None,
    choices: Sequence[Any] = (),
    minimum: Optional[float] = None,
    maximum: Optional[float] = None,
) -> Any:
    """Describe a parameter of an action, or an input of a playbook, as its default value.

    ``contains`` are semantic types of its values: ip, domain, url, hash, email, file name … Without ``default`` the
    parameter is required.
    """
    return Parameter(description, default, _kinds(contains), tuple(choices), minimum, maximum)


def _kinds(contains: Kinds) -> Sequence[str]:
    return (contains,) if isinstance(contains, str) else tuple(contains or ())


def setting(
    description: str,
    *,
    default: Any = MISSING,
    choices: Sequence[Any] = (),
    minimum: Optional[float] = None,
    maximum: Optional[float] = None,
) -> Any:
    """Describe one setting of an asset. Annotate it with ``Secret`` where it must never be shown."""
    meta = Parameter(description, default, (), tuple(choices), minimum, maximum)
    return _described_field(meta)


def output(
    description: str = "", *, default: Any = MISSING, contains: Kinds = None, examples: Sequence[Any] = ()
) -> Any:
    """Describe one field of a result record. ``examples`` are values that it may have; simulated runs choose from them."""
    return _described_field(Parameter(description, default, _kinds(contains), examples=tuple(examples)))


def _described_field(meta: Parameter) -> Any:
    metadata = {_METADATA: meta}
    if meta.default is MISSING:
        return field(metadata=metadata)
    if isinstance(meta.default, (list, dict, set)):
        return field(default_factory=functools.partial(type(meta.default), meta.default), metadata=metadata)
    return field(default=meta.default, metadata=metadata)


def description_of(record_field: Any) -> Parameter:
    """What was said about a field of an asset or a result; defaults where nothing was."""
    meta = record_field.metadata.get(_METADATA)
    if meta is not None:
        return meta  # type: ignore[no-any-return]
    if record_field.default is not dataclasses.MISSING:
        return Parameter("", record_field.default)
    if record_field.default_factory is not dataclasses.MISSING:
        return Parameter("", record_field.default_factory())
    return Parameter("")
