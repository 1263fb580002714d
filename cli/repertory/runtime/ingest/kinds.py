"""What the fields of an artifact are about: one table from CEF field names to semantic types, and labels."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

KINDS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(
        (
            "sourceAddress",
            "destinationAddress",
            "deviceAddress",
            "agentAddress",
            "sourceTranslatedAddress",
            "destinationTranslatedAddress",
            "deviceTranslatedAddress",
            "agentTranslatedAddress",
            "c6a1",
            "c6a2",
            "c6a3",
            "c6a4",
        ),
        ("ip",),
    ),
    **dict.fromkeys(("sourceDnsDomain", "destinationDnsDomain", "deviceDnsDomain", "agentDnsDomain"), ("domain",)),
    **dict.fromkeys(("sourceHostName", "destinationHostName", "deviceHostName", "agentHostName"), ("host name",)),
    **dict.fromkeys(("sourceMacAddress", "destinationMacAddress", "deviceMacAddress"), ("mac address",)),
    **dict.fromkeys(("sourcePort", "destinationPort", "sourceTranslatedPort", "destinationTranslatedPort"), ("port",)),
    **dict.fromkeys(("sourceUserName", "destinationUserName"), ("user name",)),
    **dict.fromkeys(("sourceProcessName", "destinationProcessName", "deviceProcessName"), ("process name",)),
    "requestURL": ("url",),
    **dict.fromkeys(("fileName", "oldFileName"), ("file name",)),
    **dict.fromkeys(("filePath", "oldFilePath"), ("file path",)),
    **dict.fromkeys(("fileHash", "oldFileHash"), ("hash",)),
    "fileHashMd5": ("hash", "md5"),
    "fileHashSha1": ("hash", "sha1"),
    "fileHashSha256": ("hash", "sha256"),
    "fileHashSha512": ("hash", "sha512"),
    **dict.fromkeys(("fromEmail", "toEmail"), ("email",)),
}

# Categories of the rule sets' classification.config that mean "somebody is looking around".
_SCAN_CATEGORIES = ("attempted information leak", "detection of a network scan")
_SCAN_SIGNATURES = ("ET SCAN", "GPL SCAN", "ETPRO SCAN")


def contains_of(cef: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The types of those fields whose values really are what their names promise."""
    found = {name: _kinds_of_value(KINDS[name], value) for name, value in cef.items() if name in KINDS}
    return {name: kinds for name, kinds in found.items() if kinds}


def _kinds_of_value(kinds: tuple[str, ...], value: Any) -> tuple[str, ...]:
    """Products write roles and placeholders where addresses belong; nothing may act on those."""
    if value in ("", None):
        return ()
    if "ip" in kinds and not is_address(value):
        return ()
    if kinds in (("domain",), ("host name",)) and is_address(value):
        return ("ip",)
    if "url" in kinds and str(value).startswith("/"):
        return ()
    return kinds


def is_address(value: Any) -> bool:
    """Whether this is the text of an IPv4 or IPv6 address."""
    try:
        return isinstance(value, str) and bool(ip_address(value))
    except ValueError:
        return False


def labels_of(name: str, category: str) -> tuple[str, ...]:
    """``reconnaissance`` for scans, else the category as a word to choose playbooks by.

    >>> labels_of("GPL WEB x", "Web Application Attack")
    ('web-application-attack',)
    """
    if name.startswith(_SCAN_SIGNATURES) or category.lower() in _SCAN_CATEGORIES:
        return ("reconnaissance",)
    slug = re.sub(r"[^a-z0-9]+", "-", category.lower()).strip("-")
    return (slug,) if slug else ()
