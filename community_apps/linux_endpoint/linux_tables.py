"""What programs of Linux print, as plain records: ps, ss, who, ip, systemctl, getent. Lines of other forms are left out."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Dict, Iterator, List, Optional, Tuple

_USERS = re.compile(r'\("((?:[^"\\]|\\.)*)",pid=(\d+)')
_WHO = re.compile(r"(\S+)\s+(\S+)\s+((?:\d{4}-\d\d-\d\d|\w{3}\s+\d+)\s+\d\d:\d\d)(?:\s+\((.*)\))?")


@dataclass(frozen=True)
class Running:
    """A process; ``started`` tells it from a later one of the same number."""

    pid: int
    parent: int
    user: str
    started: str
    name: str


@dataclass(frozen=True)
class Socket:
    """A connection, or a port that is open."""

    protocol: str
    state: str
    local: Tuple[str, int]
    remote: Optional[Tuple[str, int]]
    owners: Tuple[Tuple[str, int], ...]


def processes(text: str) -> List[Running]:
    """Of ``ps -eo pid=,ppid=,user:32=,lstart=,comm= -ww``."""
    found = []
    for line in text.splitlines():
        parts = line.split(None, 8)
        if len(parts) == 9 and parts[0].isdigit() and parts[1].isdigit():
            found.append(Running(int(parts[0]), int(parts[1]), parts[2], " ".join(parts[3:8]), parts[8]))
    return found


def commands(text: str) -> Dict[int, str]:
    """Of ``ps -eo pid=,args= -ww``."""
    pairs = (line.split(None, 1) for line in text.splitlines())
    return {int(pair[0]): pair[1] for pair in pairs if len(pair) == 2 and pair[0].isdigit()}


def sockets(text: str) -> List[Socket]:
    """Of ``ss -H -tunap``; the first column is missing where only one protocol was asked for."""
    found = []
    for line in text.splitlines():
        parts = line.split(None, 6)
        if len(parts) < 6 or not parts[2].isdigit():
            continue
        local, remote = _end(parts[4]), _end(parts[5])
        owners = tuple((name, int(pid)) for name, pid in _USERS.findall(parts[6] if len(parts) > 6 else ""))
        if local is not None:
            found.append(Socket(parts[0], parts[1].lower(), local, remote, owners))
    return found


def _end(text: str) -> Optional[Tuple[str, int]]:
    place, _, port = text.rpartition(":")
    place = re.sub(r"%[^\]]*", "", place).strip("[]")
    return ("::" if place == "*" else place, int(port)) if port.isdigit() else None


def sessions(text: str, now: datetime) -> List[Tuple[str, str, str, str]]:
    """User, terminal, since and source, of ``who``; without a year, a time is within the last one."""
    matches = filter(None, map(_WHO.match, text.splitlines()))
    return [(match[1], match[2], _since(match[3], now), match[4] or "") for match in matches]


def _since(text: str, now: datetime) -> str:
    plain = " ".join(text.split())
    if plain[0].isdigit():
        return _iso(plain, "%Y-%m-%d %H:%M")
    for year in (now.year, now.year - 1):
        when = datetime.strptime(f"{year} {plain}", "%Y %b %d %H:%M").replace(tzinfo=timezone.utc)
        if when <= now + timedelta(days=1):
            break
    return when.isoformat()


def _iso(text: str, form: str) -> str:
    try:
        return datetime.strptime(text.strip(), form).replace(tzinfo=timezone.utc).isoformat()
    except ValueError:
        return ""


def booted(text: str) -> Optional[str]:
    """Of ``uptime -s``, in UTC."""
    return _iso(text, "%Y-%m-%d %H:%M:%S") or None


def started(lstart: str) -> Optional[str]:
    """Of ``lstart`` of ps, in UTC."""
    return _iso(lstart, "%a %b %d %H:%M:%S %Y") or None


def addresses(text: str) -> List[str]:
    """Of ``ip -j addr``, without those of loopback and of one link."""
    try:
        links = json.loads(text or "[]")
    except ValueError:
        return []
    entries = (entry for link in links for entry in link.get("addr_info") or ())
    return [entry["local"] for entry in entries if entry.get("scope") == "global" and entry.get("local")]


def release(text: str) -> Dict[str, str]:
    """Of ``/etc/os-release``."""
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {name.strip(): value.strip().strip("\"'") for name, _, value in pairs}


def blocks(text: str) -> Iterator[Dict[str, str]]:
    """Of ``systemctl show``: one unit each."""
    for block in text.strip().split("\n\n"):
        yield release(block)


def accounts(text: str) -> Iterator[List[str]]:
    """Of ``getent passwd``: name, number, group, full name, home, shell."""
    for line in text.splitlines():
        parts = line.split(":")
        if len(parts) == 7 and parts[2].isdigit():
            yield [parts[0], *parts[2:]]
