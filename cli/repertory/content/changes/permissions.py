"""What an item may do once it is installed: sentences that a person agrees to, and grants that can be compared.

The lock keeps both. A grant is ``KIND:WHAT``; those that can do harm are ``action`` (changes things), ``host``, ``file``,
``program``, ``package`` and, of playbooks, ``use`` (asks for an action) and ``start`` (starts another playbook). ``query`` is
an action that only reads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from repertory_sdk.manifest import ANY, ActionManifest, AppManifest, PlaybookManifest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

PHRASES = {
    "host": "reach {}",
    "file": "read {}",
    "program": "run the program {}",
    "package": "bring the package {}",
    "use": "ask for `{}`",
    "start": "start the playbook {}",
}


def describe_permissions(manifest: AppManifest | PlaybookManifest) -> list[str]:
    """One sentence each, the grave ones first; the same manifest always gives the same sentences."""
    return _of_app(manifest) if isinstance(manifest, AppManifest) else _of_playbook(manifest)


def needs_of(manifest: AppManifest | PlaybookManifest) -> list[str]:
    """What it asks others for, as the lock notes it: ``action NAME`` and ``playbook NAME``."""
    if isinstance(manifest, AppManifest):
        return []
    return [*(f"action {name}" for name in manifest.actions), *(f"playbook {name}" for name in manifest.named_playbooks)]


def _of_app(app: AppManifest) -> list[str]:
    by_gravity = sorted(app.actions, key=lambda action: action.read_only)
    return [
        *map(_action_sentence, by_gravity),
        *(f"connects to {host}" for host in app.permissions.hosts),
        *(f"asks for DNS records of {name}" for name in app.permissions.lookups),
        *(f"reads {path}" for path in app.permissions.files),
        *(f"runs the program {name}" for name in app.permissions.programs),
        *(f"brings the package {requirement}" for requirement in app.requires),
    ]


def _action_sentence(action: ActionManifest) -> str:
    if action.read_only:
        return f"{action.type}: {action.name}"
    undo = f"undone by {action.undo}" if action.undo else "cannot be undone"
    return f"{action.type}: {action.name} (CHANGES THINGS, {undo})"


def _of_playbook(playbook: PlaybookManifest) -> list[str]:
    return [
        *(f"asks for the action {name}" for name in playbook.actions),
        *(f"starts the playbook {name}" for name in playbook.named_playbooks),
        *(["starts any playbook that is installed, by a name that it makes up as it runs"] if ANY in playbook.playbooks else ()),
    ]


# ------------------------------------------------------------------- grants


def grants_of(manifest: AppManifest | PlaybookManifest, packages: Iterable[str] = ()) -> list[str]:
    """The same to be compared, each once; ``packages`` are all that its environment holds."""
    if isinstance(manifest, PlaybookManifest):
        return [*(f"use:{name}" for name in manifest.actions), *(f"start:{name}" for name in manifest.playbooks)]
    grants = [
        *(_action_grant(action) for action in sorted(manifest.actions, key=lambda one: (one.read_only, one.name))),
        *(f"host:{host}" for host in manifest.permissions.hosts),
        *(f"lookup:{name}" for name in manifest.permissions.lookups),
        *(f"file:{path}" for path in manifest.permissions.files),
        *(f"program:{name}" for name in manifest.permissions.programs),
        *(f"package:{name}" for name in packages),
    ]
    return list(dict.fromkeys(grants))


def _action_grant(action: ActionManifest) -> str:
    undo = f", undo {action.undo}" if action.undo else ""
    return f"query:{action.name} [{action.type}]" if action.read_only else f"action:{action.name} [{action.type}{undo}]"


def widening(before: Iterable[str], after: Iterable[str], harmless: Collection[str] = ()) -> list[str]:
    """Grants that are new and can do harm; ``harmless`` are names of actions known only to read."""
    known = set(before)
    return [grant for grant in after if grant not in known and _can_harm(grant, harmless)]


def _can_harm(grant: str, harmless: Collection[str]) -> bool:
    kind, _, what = grant.partition(":")
    return kind != "query" and not (kind == "use" and what in harmless)


def changes_things(grants: Iterable[str], changing: Collection[str]) -> bool:
    """Whether any of it is an action that changes things; ``changing`` are names of those that apps are known for."""
    return any(grant.startswith("action:") or grant.removeprefix("use:") in changing for grant in grants)


def phrase_of(grant: str) -> str:
    """A grant after the words "it may": ``reach api.example.net:443``."""
    kind, _, what = grant.partition(":")
    if (kind, what) == ("start", ANY):
        return "start any playbook that is installed"
    if kind in ("action", "query"):
        name, _, details = what.partition(" [")
        return f"`{name}` ({details.rstrip(']')})"
    return PHRASES.get(kind, f"{kind} {{}}").format(what)


def sentence_of(grants: Sequence[str]) -> str:
    """Several of them: ``a, b and c``."""
    phrases = [phrase_of(grant) for grant in grants]
    return " and ".join([", ".join(phrases[:-1]), phrases[-1]] if len(phrases) > 1 else phrases)
