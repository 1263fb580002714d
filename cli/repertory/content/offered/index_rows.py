"""What the index holds about one item: taken from its catalogue line as it is, without making records of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repertory_sdk.manifest import ANY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


@dataclass(frozen=True, kw_only=True)
class ItemRows:
    """One item. ``actions`` are name, plain name, type and whether offered (else asked for); ``inputs`` action and word."""

    repository: str
    name: str
    kind: str
    version: str
    summary: str
    product: str
    errors: int
    plain: Mapping[str, Any]
    words: Mapping[str, str]
    actions: Sequence[tuple[str, str, str, bool]]
    inputs: Sequence[tuple[str, str]]
    started: Sequence[str]

    @property
    def full_name(self) -> str:
        """``repository/name``."""
        return f"{self.repository}/{self.name}"


def rows_of(repository: str, item: Mapping[str, Any]) -> ItemRows:
    """Sort a catalogue line into what is searched and what is filtered by."""
    manifest: Mapping[str, Any] = item.get("plain_manifest") or {}
    kind, is_app = str(item.get("kind", "")), item.get("kind") == "app"
    offered = [one for one in manifest.get("actions", ()) if isinstance(one, dict)]
    wanted = [str(one) for one in manifest.get("actions", ()) if not isinstance(one, dict)]
    product = " ".join(str(manifest.get(key, "")) for key in ("product", "vendor")).strip()
    started = [str(name) for name in manifest.get("playbooks", ()) if name != ANY]
    return ItemRows(
        repository=repository,
        name=str(item.get("name", "")),
        kind=kind,
        version=str(manifest.get("version", "")),
        summary=str(manifest.get("summary", "")),
        product=product,
        errors=sum(issue.get("severity", "error") == "error" for issue in item.get("issues", ())),
        plain=item,
        words={
            "name": f"{repository}/{item.get('name', '')}",
            "product": product,
            "actions": "\n".join(map(_action_words, offered)),
            "summary": str(manifest.get("summary", "")),
            "contains": "\n".join(sorted(set(_contained(manifest, offered)))),
            "labels": "\n".join(map(str, manifest.get("labels", ()))),
            "needs": "\n".join([*wanted, *started]),
            "kind": kind,
        },
        actions=[_action(one.get("name", ""), one.get("type", ""), offered=True) for one in offered]
        + [_action(name, "", offered=False) for name in wanted],
        inputs=sorted(set(_inputs(manifest, offered if is_app else ()))),
        started=started,
    )


def _action(name: Any, kind: Any, *, offered: bool) -> tuple[str, str, str, bool]:
    return str(name), plain_name(name), str(kind), offered


def plain_name(text: Any) -> str:
    """One form for ``Block IP``, ``block_ip`` and ``block ip``."""
    return " ".join(str(text).replace("_", " ").split()).casefold()


def _action_words(action: Mapping[str, Any]) -> str:
    return " ".join(str(action.get(key, "")) for key in ("name", "type", "description"))


def _contained(manifest: Mapping[str, Any], offered: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    described = [*manifest.get("inputs", ())]
    for action in offered:
        described += [*action.get("parameters", ()), *action.get("outputs", ())]
    for one in described:
        yield from map(str, one.get("contains", ()))


def _inputs(manifest: Mapping[str, Any], offered: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    taken = [("", one) for one in manifest.get("inputs", ())]
    taken += [(plain_name(action.get("name", "")), one) for action in offered for one in action.get("parameters", ())]
    for action_name, parameter in taken:
        for word in (parameter.get("name", ""), *parameter.get("contains", ())):
            yield action_name, plain_name(word)
