"""From the permissions in a manifest and the settings of an asset to what a process may reach."""

from __future__ import annotations

import ipaddress
import re
import shutil
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from repertory.runtime.sandbox.confinement import Confinement, HostRule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from repertory_sdk.manifest import Permissions

DEFAULT_MEMORY_MB = 2048

_SETTING = re.compile(r"\$\{asset\.([A-Za-z_]\w*)\}")
# The host is a setting as a whole: in ``${asset.tenant}.vendor.example:443`` it is the app's, and leads to no inner network.
_HOST_OF_USER = re.compile(
    rf"(?:[A-Za-z]+://)?(?:{_SETTING.pattern}|\[{_SETTING.pattern}\])(?::(?:\d+|{_SETTING.pattern}))?(?:/(?:[^/].*)?)?"
)
_PORT_OF_USER = re.compile(rf":{_SETTING.pattern}(?:/.*)?$")
_HOST_AND_PORT = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.]+(?:/\d+)?)\]|(?P<host>[^\s:\[\]]+)):(?P<port>\d{1,5})(?P<udp>/udp)?")
_PORTS = {
    "ftp": 21, "ftps": 990, "http": 80, "https": 443, "imap": 143, "imaps": 993, "ldap": 389, "ldaps": 636, "smtp": 25,
    "ssh": 22, "ws": 80, "wss": 443,
}  # fmt: skip


_NOTHING: Mapping[str, Any] = MappingProxyType({})


def confinement_of(
    permissions: Permissions,
    settings: Mapping[str, Any],
    *,
    home: Path,
    within: Sequence[str] | None,
    most_memory_mb: int,
    defaults: Mapping[str, Any] = _NOTHING,
) -> Confinement:
    """What an app's process may reach for one asset. ``within``: hosts beyond which this user lets nothing pass.

    ``settings`` are those that the user configured; ``defaults``, of the others, what the app's code says.

    Nobody is shown ``home``, where the secrets of all assets are, nor a folder that it is in.
    """
    memory_mb = min(permissions.memory_mb or DEFAULT_MEMORY_MB, most_memory_mb)
    return Confinement(
        hosts=hosts_of(permissions.hosts, settings, defaults=defaults),
        within=hosts_of(within, {}) if within is not None else None,
        lookups=tuple(name.lower() for name in permissions.lookups),
        files=[path for path in files_of(permissions.files, settings) if not _touches(path, home)],
        programs=programs_of(permissions.programs),
        memory_bytes=memory_mb * 2**20,
    )


def _touches(path: Path, home: Path) -> bool:
    real, own = path.resolve(), home.resolve()
    return real == own or own in real.parents or real in own.parents


def hosts_of(
    patterns: Sequence[str], settings: Mapping[str, Any], *, defaults: Mapping[str, Any] = _NOTHING
) -> tuple[HostRule, ...]:
    """The rules that these patterns mean for this asset; patterns with settings that are not set mean nothing.

    A default may be the port. It is never the host: nobody was shown it before he agreed to what he would configure.
    """
    bracketed = {name: _in_brackets(value) for name, value in settings.items()}
    rules = [
        rule
        for pattern in patterns
        for text in expanded(pattern, {**_port_by_default(pattern, defaults), **(settings if "[" in pattern else bracketed)})
        if (rule := _rule(text, by_user=_names_host(pattern))) is not None
    ]
    return tuple(dict.fromkeys(rules))


def _port_by_default(pattern: str, defaults: Mapping[str, Any]) -> Mapping[str, int]:
    """The setting that stands where the port does, and only there, if its default is a number."""
    match = _PORT_OF_USER.search(pattern)
    if match is None or _SETTING.findall(pattern).count(match[1]) != 1 or type(defaults.get(match[1])) is not int:
        return {}
    return {match[1]: defaults[match[1]]}


def files_of(patterns: Sequence[str], settings: Mapping[str, Any]) -> tuple[Path, ...]:
    """The absolute paths among what these patterns mean."""
    texts = (text for pattern in patterns for text in expanded(pattern, settings))
    return tuple(dict.fromkeys(Path(text) for text in texts if text.startswith("/") and ".." not in Path(text).parts))


def programs_of(names: Sequence[str]) -> tuple[Path, ...]:
    """Where these programs are on this machine; those that are not here are left out."""
    found = (shutil.which(name) for name in names)
    return tuple(dict.fromkeys(Path(path) for path in found if path))


def expanded(pattern: str, settings: Mapping[str, Any]) -> Iterator[str]:
    """The pattern with values for ``${asset.NAME}``, once for each value of a list."""
    match = _SETTING.search(pattern)
    if match is None:
        yield pattern
        return
    value = settings.get(match[1])
    for one in value if isinstance(value, list | tuple) else [value]:
        if one not in (None, ""):
            # What a setting says is not a pattern again.
            yield from (f"{pattern[: match.start()]}{one}{rest}" for rest in expanded(pattern[match.end() :], settings))


def _names_host(pattern: str) -> bool:
    """Whether the host (and not only the port) is the user's choice."""
    return _HOST_OF_USER.fullmatch(pattern) is not None


def _in_brackets(value: Any) -> Any:
    """An IPv6 address, or each in a list, as it is written beside a port (RFC 3986)."""
    if isinstance(value, list | tuple):
        return [_in_brackets(one) for one in value]
    try:
        return f"[{value}]" if isinstance(value, str) and ipaddress.ip_network(value, strict=False).version == 6 else value
    except ValueError:
        return value


def _rule(text: str, *, by_user: bool) -> HostRule | None:
    if "://" in text:
        return _rule_of_url(text, by_user=by_user)
    match = _HOST_AND_PORT.fullmatch(text)
    if match is None or not 0 < int(match["port"]) < 65536:
        return None
    host = _ascii(match["v6"] or match["host"])
    if not host or (by_user and "*" in host) or (host == "*" and match["host"] != "*"):
        return None
    return HostRule(host=host, port=int(match["port"]), udp=bool(match["udp"]), by_user=by_user)


def _rule_of_url(text: str, *, by_user: bool) -> HostRule | None:
    try:
        parts = urlsplit(text)
        port = parts.port or _PORTS.get(parts.scheme.lower(), 0)
    except ValueError:
        return None
    if not parts.hostname or not port or "*" in parts.hostname:
        return None
    return HostRule(host=_ascii(parts.hostname), port=port, by_user=by_user)


def _ascii(host: str) -> str:
    """As it is asked for in the DNS."""
    try:
        return host.encode("idna").decode("ascii").lower().rstrip(".") if not host.isascii() else host.lower().rstrip(".")
    except UnicodeError:
        return host.lower()
