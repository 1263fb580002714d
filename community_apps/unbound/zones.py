"""Local zones of Unbound: as unbound-control lists them, and in the file that a restart reads."""

from __future__ import annotations

import re
from typing import Dict, Iterable, List, Mapping, Optional

BLOCKING = ("always_nxdomain", "always_refuse", "always_nodata", "always_null", "always_deny")
_LISTED = re.compile(r"(\S+)\s+(\S+)\s*")
_WRITTEN = re.compile(r'\s*local-zone:\s*"?([^"\s]+)"?\s+"?(\w+)"?\s*(?:#.*)?')
HEAD = "# Written by repertory; edits are kept only as lines of local-zone.\nserver:\n"


def listed(text: str) -> Dict[str, str]:
    """Types by names without a final dot, of ``unbound-control list_local_zones``."""
    matches = filter(None, map(_LISTED.fullmatch, text.splitlines()))
    return {match[1].rstrip(".").lower(): match[2] for match in matches}


def written(text: str) -> Dict[str, str]:
    """The same of the file."""
    matches = filter(None, map(_WRITTEN.fullmatch, text.splitlines()))
    return {match[1].rstrip(".").lower(): match[2] for match in matches}


def as_file(found: Mapping[str, str]) -> bytes:
    """The file of these zones, in their order of names."""
    lines = [f'    local-zone: "{name}." {kind}\n' for name, kind in sorted(found.items())]
    return (HEAD + "".join(lines)).encode()


def blocked(found: Mapping[str, str]) -> List[str]:
    """Names that are blocked with everything below them."""
    return sorted(name for name, kind in found.items() if kind in BLOCKING)


def holding(found: Mapping[str, str], names: Iterable[str]) -> Optional[str]:
    """The first of the names that is blocked."""
    return next((name for name in names if found.get(name) in BLOCKING), None)
