"""Every state that was ever installed: recorded before it takes effect, and returned to at once.

A change writes its generation first and replaces the lock then: whatever happens in between, the lock names one whole
state, the old or the new one. Only the lock says what is installed; a generation that it never named does no harm.
Everything here that writes is called with the home held (``Home.exclusive``).
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from repertory.content.installed.lock import Lock, dump_lock, parse_lock, write_lock_text
from repertory.errors import NotFound, UserError
from repertory.home import home_error, write_atomically
from repertory.settings import user_name
from repertory_sdk.convert import from_json
from repertory_sdk.errors import ConversionError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from repertory.home import Home

GENERATION_SCHEMA = "urn:repertory:schema:generation:1"


@dataclass(frozen=True, kw_only=True)
class Generation:
    """One installed state. ``lock`` is the whole text of the lock, ``sha256`` its digest.

    ``before`` is the generation that it followed, 0 for the first; ``restores`` the one that a rollback returned to.
    ``problem`` says why its file cannot be used.
    """

    number: int
    created_at: float = 0.0
    command: str = ""
    who: str = ""
    before: int = 0
    restores: int = 0
    sha256: str = ""
    lock: str = ""
    problem: str = ""


# ------------------------------------------------------------------ reading


def list_generations(home: Home) -> list[Generation]:
    """All that are kept, damaged ones too, the oldest first."""
    return [_read(home, number) for number in _numbers(home)]


def current_generation(home: Home) -> Generation | None:
    """The one that the lock names; None if the lock was never recorded, as one that a person copied here."""
    text = _lock_text(home)
    # Newest first: it is nearly always that one, and the others need not be read.
    found = (_read(home, number) for number in reversed(_numbers(home)))
    return next((one for one in found if not one.problem and one.lock == text), None)


def lock_of(home: Home, generation: Generation) -> Lock:
    """What was installed then; raises UserError if its file is damaged."""
    path = _path(home, generation.number)
    if generation.problem:
        raise UserError(f"{path}: {generation.problem}", "choose another one: repertory list --generations")
    return parse_lock(generation.lock.encode(), str(path))


def _numbers(home: Home) -> list[int]:
    try:
        names = [path.stem for path in home.generations.iterdir() if path.suffix == ".json"]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UserError(f"cannot read {home.generations}: {error.strerror}") from error
    return sorted(int(name) for name in names if name.isascii() and name.isdecimal() and not name.startswith("0"))


def _path(home: Home, number: int) -> Path:
    return home.generations / f"{number}.json"


def _read(home: Home, number: int) -> Generation:
    try:
        plain = json.loads(_path(home, number).read_bytes())
        if not isinstance(plain, dict) or plain.pop("$schema", "") != GENERATION_SCHEMA:
            return Generation(number=number, problem="is no generation")
        read: Generation = from_json(Generation, plain)
    except (OSError, ValueError, RecursionError, ConversionError) as error:
        return Generation(number=number, problem=f"cannot be read: {error}")
    if read.number != number or _digest(read.lock) != read.sha256:
        return Generation(number=number, problem="was changed by hand")
    return replace(read, problem="")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()


def _lock_text(home: Home) -> str:
    try:
        return home.lock.read_bytes().decode(errors="replace")
    except FileNotFoundError:
        return ""


# ----------------------------------------------------------------- changing


def change_lock(home: Home, lock: Lock, *, command: str) -> Generation:
    """Record a state and let it take effect."""
    return _switch(home, dump_lock(lock), command=command)


def record_found(home: Home, *, command: str = "found") -> Generation | None:
    """Record a lock that none of our commands wrote; what it was is not lost by the next change."""
    current, text = current_generation(home), _lock_text(home)
    if current is not None or not _is_lock(text):
        return current
    newest = _newest(home)
    return _write(home, Generation(number=newest + 1, before=newest, command=command, lock=text))


def _switch(home: Home, text: str, *, command: str, restores: int = 0) -> Generation:
    current = record_found(home)
    before = current.number if current else _newest(home)
    number = _newest(home) + 1
    made = _write(home, Generation(number=number, before=before, restores=restores, command=command, lock=text))
    write_lock_text(home, text)
    return made


def _is_lock(text: str) -> bool:
    """Nobody wants to return to a lock that cannot be read."""
    try:
        return bool(text) and parse_lock(text.encode(errors="replace")) is not None
    except UserError:
        return False


def _newest(home: Home) -> int:
    return max(_numbers(home), default=0)


def _write(home: Home, generation: Generation) -> Generation:
    whole = replace(generation, created_at=time.time(), who=user_name(), sha256=_digest(generation.lock))
    plain = {"$schema": GENERATION_SCHEMA, **asdict(whole)}
    del plain["problem"]
    try:
        text = json.dumps(plain, indent=2)
        write_atomically(_path(home, whole.number), f"{text}\n".encode())
    except OSError as error:
        raise home_error(home.root, error) from error
    return whole


# ------------------------------------------------------------ rolling back


def roll_back(home: Home, to: int | None = None) -> tuple[Generation, Generation]:
    """Return to a generation, by default the one before; the one returned to, and the new one that records it.

    Rolling back twice goes back by two: the state before a rollback is the one before the state it restored.
    """
    with home.exclusive():
        target = _target(home, to)
        lock = lock_of(home, target)
        _refuse_incomplete(home, target, lock)
        if target.lock == _lock_text(home):
            raise UserError(f"generation {target.number} is what is installed", "repertory list --generations")
        made = _switch(home, target.lock, command=f"rollback to {target.number}", restores=target.number)
    return target, made


def _target(home: Home, to: int | None) -> Generation:
    numbers = _numbers(home)
    kept = f"kept are {', '.join(map(str, numbers)) or 'none'}: repertory list --generations"
    if to is not None and to not in numbers:
        raise NotFound("generation", str(to), (), kept)
    number = _number_before(home, numbers) if to is None else to
    if number not in numbers:
        raise UserError(f"generation {number}, the one before, is not kept any more", kept)
    return _read(home, number)


def _number_before(home: Home, numbers: Sequence[int]) -> int:
    state = current_generation(home)
    if state is None and numbers:
        return numbers[-1]  # the lock was replaced by hand
    seen: set[int] = set()
    while state is not None and state.restores and state.number not in seen:
        seen.add(state.number)
        if state.restores not in numbers:
            return state.restores
        state = _read(home, state.restores)
    if state is None or not state.before:
        raise UserError("there is no state before this one", "repertory list --generations shows what is kept")
    return state.before


def _refuse_incomplete(home: Home, target: Generation, lock: Lock) -> None:
    """Files of a kept generation stay, unless somebody deleted them or the lock came from another machine."""
    interpreters = {item.name: gone for item in lock.items if (gone := _interpreter_gone(home, item.environment))}
    missing = [
        item.name
        for item in lock.items
        if not home.content(item.hash).is_dir() or not (item.environment == "" or home.environment(item.environment).is_dir())
    ]
    if missing:
        message = f"generation {target.number} is not complete on this machine any more: {_some(missing)}"
        way = f"put its lock (the field `lock` of {_path(home, target.number)}) in the place of {home.lock}"
        hint = f"nothing was changed; to bring it back, {way}, then `repertory install --locked`"
        raise UserError(message, f"{hint}; others: repertory list --generations")
    if interpreters:
        paths = ", ".join(dict.fromkeys(interpreters.values()))
        message = f"generation {target.number} cannot run on this machine any more: {_some(list(interpreters))} ran with {paths}"
        raise UserError(message, f"nothing was changed; install that Python again ({paths}), then roll back")


def _interpreter_gone(home: Home, environment: str) -> str:
    """Where the interpreter was that an environment was made with, if it is there no longer; empty otherwise."""
    python = home.environment(environment) / "bin" / "python"
    if not environment or python.exists() or not python.parent.is_dir():
        return ""
    try:
        return str(python.readlink())
    except OSError:
        return str(python)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (" …" if len(names) > 5 else "")
