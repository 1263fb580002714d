"""Where classic apps expect things, below one folder: ``PHANTOM_HOME``, else a folder among the temporary files."""

from __future__ import annotations

import os
from typing import Mapping


def home() -> str:
    """Without a slash at the end."""
    named = os.environ.get("PHANTOM_HOME") or os.path.join(os.environ.get("TMPDIR") or "/tmp", "phantom")
    return named.rstrip("/") or "/"


def vault_folder() -> str:
    return os.path.join(home(), "vault")


def vault_tmp_folder() -> str:
    """Where files stand before they are added to the vault; it is there when it is asked for."""
    folder = os.path.join(vault_folder(), "tmp")
    os.makedirs(folder, mode=0o770, exist_ok=True)
    return folder


def states_folder() -> str:
    return os.path.join(home(), "local_data", "app_states")


def key_file() -> str:
    return os.path.join(home(), "etc", "encryption.key")


def ca_file() -> str:
    return os.path.join(home(), "etc", "cacerts.pem")


def named_url() -> str:
    """Where the platform answers, if somebody else sees to that."""
    return os.environ.get("PHANTOM_BASE_URL", "")


def write_whole(path: str, content: bytes, mode: int = 0o664) -> None:
    """Readers find all of it or what was there before."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    beside = f"{path}.{os.getpid()}.new"
    with open(beside, "wb") as file:
        file.write(content)
    os.chmod(beside, mode)
    os.replace(beside, path)


def export(variables: Mapping[str, object]) -> None:
    """Variables of an asset, ``{name: {"type", "value"}}`` or ``{name: value}``, for what looks into the environment."""
    for name, given in variables.items():
        value = given.get("value") if isinstance(given, Mapping) else given
        if value is not None:
            os.environ[str(name)] = str(value)


def set_up(folder: str, bundle: str = "") -> None:
    """Make everything that must be there before the first action, below this folder, and say so to the app."""
    os.environ["PHANTOM_HOME"] = folder
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "repertory_classic.app.django_settings")
    vault_tmp_folder()
    os.makedirs(states_folder(), exist_ok=True)
    if bundle and not os.path.exists(ca_file()):
        with open(bundle, "rb") as file:
            write_whole(ca_file(), file.read())
    if os.path.exists(ca_file()):
        os.environ.setdefault("REQUESTS_CA_BUNDLE", ca_file())
