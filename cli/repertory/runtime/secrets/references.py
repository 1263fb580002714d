"""References to secrets that are kept elsewhere: ``SCHEME:NAME``, looked up just before an action."""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

from repertory.errors import UserError
from repertory.runtime.secrets import hookspecs, os_keyring
from repertory.runtime.secrets.programs import MOST_BYTES, printed_by

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_FORM = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]{1,30}):(?P<name>.*)", re.DOTALL)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Reference:
    """Where a secret is instead."""

    text: str


def given(value: Any) -> Any:
    """What somebody gave as a secret: a Reference where it is one, else the secret itself."""
    return Reference(value) if is_reference(value) else value


def is_reference(text: object) -> bool:
    """Whether a text begins with a known scheme; whatever does not is the secret itself."""
    match = _FORM.fullmatch(text) if isinstance(text, str) else None
    return match is not None and (match["scheme"] in _BUILT_IN or match["scheme"] in _further())


def checked(setting: str, reference: str) -> str:
    """A reference that can be looked up wherever the tool is started; raises UserError where it has no form."""
    scheme, _, name = reference.partition(":")
    if scheme == "file" and name:
        return f"file:{Path(name).expanduser().absolute()}"
    if scheme == "env" and not _VARIABLE.fullmatch(name):
        raise UserError(f"{setting}: env: is followed by no name of a variable", "write env:NAME")
    if scheme == "keyring" and not all(name.rpartition("/")[::2]):
        raise UserError(f"{setting}: keyring: is not followed by a service and a user", "write keyring:SERVICE/USER")
    if scheme == "cmd":
        _words(setting, name)
    if not name:
        raise UserError(f"{setting}: nothing stands behind {scheme}:", "name where the secret is, such as env:NAME")
    return reference


def looked_up(asset: str, setting: str, reference: str) -> str:
    """The secret; raises UserError that names the reference, and nothing of what was found."""
    scheme, _, name = reference.partition(":")
    where = f"asset {asset}: {setting}"
    found = _BUILT_IN[scheme](where, name) if scheme in _BUILT_IN else _by_plugin(where, scheme, name)
    if not found:
        raise UserError(f"{where}: nothing but an empty text is at {reference}", "put the secret there, or refer to another place")
    return found


def _from_variable(where: str, name: str) -> str:
    if name not in os.environ:
        raise UserError(f"{where} refers to the variable {name}, which is not set", "set it and try again")
    return os.environ[name]


def _from_file(where: str, name: str) -> str:
    try:
        with Path(name).open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        text = content.decode()
    except UnicodeDecodeError:
        raise UserError(f"{where} refers to the file {name}: it is not UTF-8 text", "refer to another file") from None
    except OSError as error:
        raise UserError(f"{where} refers to the file {name}: {error.strerror}", "make it readable") from error
    if len(content) > MOST_BYTES:
        raise UserError(f"{where} refers to the file {name}: it is longer than {MOST_BYTES} bytes", "refer to another file")
    return text.rstrip("\r\n")


def _from_keyring(where: str, name: str) -> str:
    service, _, user = name.rpartition("/")
    try:
        found = os_keyring.read(service, user)
    except UserError as error:
        raise UserError(f"{where} refers to the keyring: {error.message}", error.hint) from None
    if found is None:
        raise UserError(f"{where} refers to {user} of {service}, which the keyring does not hold", f"keyring set {service} {user}")
    return found


def _from_program(where: str, name: str) -> str:
    return printed_by(_words(where, name), where)


def _words(where: str, command: str) -> list[str]:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UserError(f"{where}: the command behind cmd: is not complete: {error}", "close its quotes") from None
    if not words:
        raise UserError(f"{where}: no program stands behind cmd:", "write cmd:PROGRAM ARGUMENT…")
    return words


_BUILT_IN: Mapping[str, Callable[[str, str], str]] = {
    "env": _from_variable,
    "file": _from_file,
    "keyring": _from_keyring,
    "cmd": _from_program,
}


# ------------------------------------------------------------------ plug-ins


def _further() -> dict[str, Callable[[str], str]]:
    """Schemes of plug-ins; none of them replaces one of ours."""
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    try:
        manager.load_setuptools_entrypoints(hookspecs.PROJECT)
        return {name: look for answer in manager.hook.repertory_secret_schemes() for name, look in answer.items()}
    except Exception as error:  # a stranger's plug-in, with whatever its import raises
        raise UserError(f"a plug-in cannot be loaded: {type(error).__name__}", "uninstall or update its package") from error


def _by_plugin(where: str, scheme: str, name: str) -> str:
    look = _further().get(scheme)
    if look is None:
        raise UserError(f"{where} refers to {scheme}:, which no plug-in offers any more", "install the plug-in again")
    try:
        return str(look(name))
    except Exception as error:
        reason = f"{where}: the plug-in for {scheme}: did not find {name} ({type(error).__name__})"
        raise UserError(reason, "does the reference exist, and are you signed in there?") from None
