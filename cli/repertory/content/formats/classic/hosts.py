"""Hosts that a connector can be expected to dial: those its settings name, and those of URLs in its code.

No classic manifest declares them. What is found here is shown for consent like any other permission, and can be narrowed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from repertory_sdk.manifest import Setting

_URL = re.compile(rb"(https?)://([A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]+)+)(?::(\d{1,5}))?")
_NAMES_HOST = re.compile(r"(^|_)(url|uri|host|hostname|server|endpoint|domain|address|ip|fqdn|instance|device|site)(_|$|\d)")
_NAMES_PORT = re.compile(r"(^|_)port(_|$)")
_PORTS = {b"http": 80, b"https": 443}
# Names of documents and examples, which nobody dials.
_NO_HOSTS = re.compile(
    r"(^|\.)(example\.(com|org|net)|w3\.org|apache\.org|schemas\.[a-z.]+|xmlsoap\.org|docs\.[a-z.]+|readthedocs\.io|splunk\.com"
    r"|splunkbase\.[a-z.]+|phantom\.us|opensource\.org)$|^\d+(\.\d+)*$|\.(example|test|invalid|local|localhost)$"
)
_IMPORT = re.compile(rb"^[ \t]*(?:import|from)[ \t]+([A-Za-z_]\w*)", re.MULTILINE)
_REGISTRIES = [f"rdap.{name}:443" for name in ("arin.net", "db.ripe.net", "apnic.net", "lacnic.net", "afrinic.net")]
_LIBRARIES = {
    "boto3": ["*.amazonaws.com:443"],
    "google": ["*.googleapis.com:443"],
    "googleapiclient": ["*.googleapis.com:443"],
    "ipwhois": ["*:43", "whois.arin.net:443", *_REGISTRIES],
    "pythonwhois": ["*:43"],
    "snowflake": ["*.snowflakecomputing.com:443"],
    "tldextract": ["publicsuffix.org:443", "raw.githubusercontent.com:443"],
    "whois": ["*:43"],
}


def setting_hosts(settings: Sequence[Setting]) -> Iterator[str]:
    """``${asset.NAME}`` for each setting that names a place; with the port that another one names, or the web's."""
    ports = [one.name for one in settings if _NAMES_PORT.search(one.name.lower())]
    for one in settings:
        if one.secret or one.schema.get("type") != "string" or not _NAMES_HOST.search(one.name.lower()):
            continue
        yield f"${{asset.{one.name}}}"
        yield from (f"${{asset.{one.name}}}:${{asset.{port}}}" for port in ports)
        yield f"${{asset.{one.name}}}:443"


def hosts_in(code: Sequence[bytes]) -> Iterator[str]:
    """``host:port`` of every URL that stands in the code, once and in order."""
    found = {
        f"{host.decode('ascii').lower()}:{int(port) if port else _PORTS[scheme]}"
        for text in code
        for scheme, host, port in _URL.findall(text)
        if not _NO_HOSTS.search(host.decode("ascii").lower())
    }
    yield from sorted(found)


def hosts_of_libraries(code: Sequence[bytes]) -> Iterator[str]:
    """What imported libraries dial by themselves, wherever the question leads them."""
    for name in _imported(code):
        yield from _LIBRARIES.get(name, ())


def lookups_in(code: Sequence[bytes]) -> list[str]:
    """Any name, where a library for the DNS is imported."""
    return ["*"] if {"dns", "ipwhois"} & set(_imported(code)) else []


def _imported(code: Sequence[bytes]) -> list[str]:
    return sorted({name.decode("ascii") for text in code for name in _IMPORT.findall(text)})
