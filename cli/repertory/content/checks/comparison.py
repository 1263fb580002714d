"""How disagreements between code and manifest are found and told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from repertory.content.checks.declarations import UNKNOWN, Declared, DeclaredParameter
from repertory.content.checks.issue import Issue

if TYPE_CHECKING:
    from repertory_sdk.manifest import Parameter

RULE = "code-manifest"
HINT = "write the manifest anew: `repertory manifest`"


def differences(declared: Declared, whose: str, compared: dict[str, tuple[Any, Any]]) -> Iterator[Issue]:
    """One issue for each fact that is known in the code and another one in the manifest."""
    for name, (in_code, in_manifest) in compared.items():
        if in_code is not UNKNOWN and _plain(in_code) != _plain(in_manifest):
            said = f"{whose} {name} is {_plain(in_code)!r} in the code, {_plain(in_manifest)!r} in the manifest"
            yield disagreement(declared.path, declared.line, said)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple | list | set | frozenset) else value


def parameter_issues(
    declared: Declared, what: str, in_code: Sequence[DeclaredParameter], in_manifest: Sequence[Parameter]
) -> Iterator[Issue]:
    """Names, order and required-ness of parameters."""
    names = [parameter.name for parameter in in_code]
    told = [parameter.name for parameter in in_manifest]
    if names != told:
        said = f"{what} takes ({', '.join(names)}) in the code, ({', '.join(told)}) in the manifest"
        yield disagreement(declared.path, declared.line, said)
        return
    for one, other in zip(in_code, in_manifest, strict=True):
        if one.required is not None and one.required != other.required:
            words = ("required", "optional") if one.required else ("optional", "required")
            said = f"{what}: {one.name} is {words[0]} in the code, {words[1]} in the manifest"
            yield disagreement(declared.path, declared.line, said)


def disagreement(path: str, line: int, message: str, hint: str = HINT) -> Issue:
    """Code and manifest disagree."""
    return Issue(path=path, line=line, rule=RULE, message=message, hint=hint)


def unless_none(value: Any, default: Any) -> Any:
    """What an argument means that is None unless given."""
    return default if value is None else value
