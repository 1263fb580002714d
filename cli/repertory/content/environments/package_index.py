"""The user's package index: what uv is set to, else what pip is set to, since many people only ever set pip."""

from __future__ import annotations

import configparser
import os
import re
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from repertory.content.surroundings import inherited, inherited_with

UV_NAMES = ("DEFAULT_INDEX", "INDEX_URL", "INDEX", "EXTRA_INDEX_URL", "FIND_LINKS", "INDEX_STRATEGY")
PIP_NAMES = ("index-url", "extra-index-url", "find-links", "no-index", "cert")


@dataclass(frozen=True, kw_only=True)
class IndexSettings:
    """What tells uv which index to use: variables and command-line options."""

    variables: Mapping[str, str] = field(default_factory=dict)
    options: Sequence[str] = ()


def index_settings() -> IndexSettings:
    """The user's settings of uv, or else of pip."""
    own = inherited_with("UV_", UV_NAMES)
    if own or any(path.is_file() for path in _uv_files()):
        return IndexSettings(variables=own)
    return _as_uv(_pip_settings())


def pip_variables(index: IndexSettings) -> dict[str, str]:
    """The same for pip, which is only ever used to download wheels; its own settings are among those already."""
    uv = {**_of_uv_files(), **index.variables}
    variables = {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": uv.get("UV_DEFAULT_INDEX") or uv.get("UV_INDEX_URL", ""),
        "PIP_EXTRA_INDEX_URL": _plain_urls(uv.get("UV_INDEX", ""), uv.get("UV_EXTRA_INDEX_URL", "")),
        "PIP_FIND_LINKS": " ".join(uv.get("UV_FIND_LINKS", "").split(",")),
        "PIP_CERT": inherited("SSL_CERT_FILE").get("SSL_CERT_FILE") or uv.get("SSL_CERT_FILE", ""),
        "PIP_NO_INDEX": "1" if index.options or uv.get("UV_NO_INDEX") or inherited("UV_OFFLINE") else "",
    }
    return {name: value for name, value in variables.items() if value}


def _plain_urls(*texts: str) -> str:
    """uv lets an index have a name: ``name=URL``."""
    return " ".join(re.sub(r"^[A-Za-z0-9_.-]+=", "", word) for text in texts for word in text.split())


def _of_uv_files() -> dict[str, str]:
    """What the user's uv.toml says about indexes, the last file first (https://docs.astral.sh/uv/reference/settings)."""
    found: dict[str, str] = {}
    for path in filter(Path.is_file, _uv_files()):
        try:
            plain = tomllib.loads(path.read_text("utf-8"))
        except (OSError, ValueError):
            continue  # uv itself will say what is wrong with it
        plain = {**plain, **(plain["pip"] if isinstance(plain.get("pip"), dict) else {})}
        listed = [one for one in plain.get("index", ()) if isinstance(one, dict) and isinstance(one.get("url"), str)]
        default = [one["url"] for one in listed if one.get("default") is True]
        extra = [one["url"] for one in listed if one.get("default") is not True]
        found |= {
            "UV_INDEX_URL": str(plain.get("index-url") or "".join(default[:1])),
            "UV_EXTRA_INDEX_URL": " ".join([*map(str, plain.get("extra-index-url", ())), *extra]),
            "UV_FIND_LINKS": ",".join(map(str, plain.get("find-links", ()))),
            "UV_NO_INDEX": "1" if plain.get("no-index") is True else "",
        }
    return found


def _as_uv(pip: Mapping[str, str]) -> IndexSettings:
    variables = {
        "UV_DEFAULT_INDEX": pip.get("index-url", ""),
        "UV_INDEX": " ".join(pip.get("extra-index-url", "").split()),
        "UV_FIND_LINKS": ",".join(pip.get("find-links", "").split()),
        "SSL_CERT_FILE": pip.get("cert", "") if not inherited("SSL_CERT_FILE") else "",
        # pip takes the best version of all indexes; hashes keep that from being a way in.
        "UV_INDEX_STRATEGY": "unsafe-best-match" if pip.get("extra-index-url") else "",
    }
    return IndexSettings(
        variables={name: value for name, value in variables.items() if value},
        options=["--no-index"] if pip.get("no-index", "").lower() in ("1", "true", "yes", "on") else [],
    )


def _pip_settings() -> dict[str, str]:
    """pip's settings from its files and variables, in pip's order (https://pip.pypa.io/en/stable/topics/configuration)."""
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read(_pip_files(), "utf-8")
    except (configparser.Error, UnicodeDecodeError):
        parser.clear()
    found: dict[str, str] = {}
    for section in ("global", "install"):
        if parser.has_section(section):
            found |= {name: parser[section][name] for name in PIP_NAMES if name in parser[section]}
    for name in PIP_NAMES:
        found |= dict.fromkeys([name], value) if (value := _pip_variable(name)) else {}
    return found


def _pip_variable(name: str) -> str:
    variable = f"PIP_{name.upper().replace('-', '_')}"
    return inherited(variable).get(variable, "")


def _pip_files() -> list[Path]:
    named = inherited("PIP_CONFIG_FILE").get("PIP_CONFIG_FILE")
    settings = _settings_folder()
    return [
        Path("/etc/pip.conf"),
        Path("/etc/xdg/pip/pip.conf"),
        Path.home() / ".pip" / "pip.conf",
        settings / "pip" / "pip.conf",
        Path(sys.prefix) / "pip.conf",
        *([Path(named)] if named else []),
    ]


def _uv_files() -> list[Path]:
    named = inherited("UV_CONFIG_FILE").get("UV_CONFIG_FILE")
    own = [Path("/etc/uv/uv.toml"), _settings_folder() / "uv" / "uv.toml"]
    return [*own, *([Path(named)] if named else [])]


def _settings_folder() -> Path:
    return Path(inherited("XDG_CONFIG_HOME").get("XDG_CONFIG_HOME") or Path.home() / ".config")
