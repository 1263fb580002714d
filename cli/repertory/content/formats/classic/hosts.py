"""Hosts that a connector can be expected to dial: those its settings name, and those of URLs in its code.

No classic manifest declares them. What is found here is shown for consent like any other permission, and can be narrowed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from repertory_sdk.manifest import Setting

_URL = re.compile(rb"(https?)://([A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]+)+)(?::(\d{1,5}))?")
_NAMES_HOST = re.compile(r"(^|_)(url|uri|hosts?|hostname|servers?|endpoint|domain|address|ip|fqdn|instance|device|site)(_|$|\d)")
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
    "anyrun": ["*.any.run:443"],
    "boto3": ["*.amazonaws.com:443"],
    "domaintools": ["api.domaintools.com:443"],
    "google": ["*.googleapis.com:443"],
    "googleapiclient": ["*.googleapis.com:443"],
    "ipwhois": ["*:43", "whois.arin.net:443", *_REGISTRIES],
    "pan": ["autofocus.paloaltonetworks.com:443"],
    "pythonwhois": ["*:43"],
    "snowflake": ["*.snowflakecomputing.com:443"],
    "tenable": ["cloud.tenable.com:443"],
    "tldextract": ["publicsuffix.org:443", "raw.githubusercontent.com:443"],
    "whois": ["*:43"],
}
# What libraries dial at the place that they are given, where no port is.
_LIBRARY_PORTS = {
    "imaplib": (143, 993), "impacket": (135, 445), "imapclient": (143, 993), "kafka": (9092,), "ldap3": (389, 636),
    "mysql": (3306,), "paramiko": (22,), "psycopg2": (5432,), "pymongo": (27017,), "pymssql": (1433,), "pymysql": (3306,),
    "pyodbc": (1433,), "smb": (139, 445), "smtplib": (25, 465, 587), "winrm": (5985, 5986),
}  # fmt: skip
_LIBRARY_PROGRAMS = {"git": "git", "nmap": "nmap", "nmapthon2": "nmap"}
# Those with which an action works on whatever machine its parameters name.
_REMOTE = frozenset({"impacket", "paramiko", "pymssql", "smb", "winrm"})
_NAMES_MACHINE = frozenset({"host", "hostname", "ip_hostname", "server", "endpoint", "machine"})
# Where people look at a product; its interface for programs is beside it.
_OF_PEOPLE = re.compile(r"https://(?:app|console|portal|www)\.([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)/?$")
# https://api.{region}.example.com
_PATTERN = re.compile(
    rb"(https?)://[A-Za-z0-9.-]*(?:\{[^{}\s\"']*\}|%s)[A-Za-z0-9-]*((?:\.[A-Za-z0-9-]*[A-Za-z][A-Za-z0-9-]*){2,})(?::(\d{1,5}))?"
)
# A port that code appends to the place of a setting: ":9060/path", "{host}:9060/path".
_APPENDED = re.compile(rb"(?:[\"'}]|%s):(\d{2,5})(?=/[A-Za-z])")


def setting_hosts(settings: Sequence[Setting], code: Sequence[bytes]) -> Iterator[str]:
    """``${asset.NAME}`` for each setting that names a place; with the ports that another one, a library or the code names."""
    ports = [f"${{asset.{one.name}}}" for one in settings if _NAMES_PORT.search(one.name.lower())]
    ports += [str(port) for port in _ports_in(code) if port != _PORTS[b"https"]]
    for one in settings:
        if one.secret or one.schema.get("type") != "string" or not _NAMES_HOST.search(one.name.lower()):
            continue
        yield f"${{asset.{one.name}}}"
        yield from (f"${{asset.{one.name}}}:{port}" for port in ports)
        yield f"${{asset.{one.name}}}:443"
        found = _OF_PEOPLE.match(str(one.default or ""))
        if found:
            yield f"api.{found[1].lower()}:443"


def _ports_in(code: Sequence[bytes]) -> list[int]:
    found = {int(port) for text in code for port in _APPENDED.findall(text)}
    return sorted(found | {port for name in _imported(code) for port in _LIBRARY_PORTS.get(name, ())})


def machine_hosts(parameters: Iterable[str], code: Sequence[bytes]) -> Iterator[str]:
    """Any machine, at the ports of libraries for that, where a parameter is called as if it named one."""
    if _NAMES_MACHINE & set(parameters):
        yield from (f"*:{port}" for name in _imported(code) if name in _REMOTE for port in _LIBRARY_PORTS[name])


def hosts_in(code: Sequence[bytes]) -> Iterator[str]:
    """``host:port`` of every URL that stands in the code, once and in order; ``*`` for what is only known when it runs."""
    literal = [found for text in code for found in _URL.findall(text)]
    pattern = [(scheme, b"*" + rest, port) for text in code for scheme, rest, port in _PATTERN.findall(text)]
    found = {
        f"{host.decode('ascii').lower()}:{int(port) if port else _PORTS[scheme]}"
        for scheme, host, port in (*literal, *pattern)
        if not _NO_HOSTS.search(host.decode("ascii").lower().removeprefix("*."))
    }
    yield from sorted(found)


def hosts_of_libraries(code: Sequence[bytes]) -> Iterator[str]:
    """What imported libraries dial by themselves, wherever the question leads them."""
    for name in _imported(code):
        yield from _LIBRARIES.get(name, ())


def programs_of_libraries(code: Sequence[bytes]) -> list[str]:
    """What imported libraries start."""
    return sorted({_LIBRARY_PROGRAMS[name] for name in _imported(code) if name in _LIBRARY_PROGRAMS})


def lookups_in(code: Sequence[bytes]) -> list[str]:
    """Any name, where a library for the DNS is imported."""
    return ["*"] if {"dns", "ipwhois"} & set(_imported(code)) else []


def _imported(code: Sequence[bytes]) -> list[str]:
    return sorted({name.decode("ascii") for text in code for name in _IMPORT.findall(text)})
