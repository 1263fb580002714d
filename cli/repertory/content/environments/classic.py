"""What a classic connector needs: what it ships or asks for, and what its authors took for granted on their platform.

Connectors have no locked requirements. What they pin is asked for; where no wheel of that version fits this machine's Python, any
version that fits is. Wheels that they ship come first.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from repertory_sdk.manifest import AppManifest

# Packages that the platform has, and that connectors import without asking for them.
PLATFORM = (
    "beautifulsoup4", "jinja2", "parse", "python-dateutil<3", "pytz", "requests", "sh<2", "simplejson", "six", "xmltodict",
)  # fmt: skip
_BLOCKS = {"313": ("pip313_dependencies",), "39": ("pip39_dependencies",)}
_ALWAYS = ("pip3_dependencies", "pip_dependencies")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(\[[A-Za-z0-9,._-]*\])?\s*([=<>!~]=?[^;@]*)?(;.*)?")
_WHEEL = re.compile(r"(?P<name>[^-]+)-(?P<version>[^-]+)-.*\.whl")
_MINOR_OF_313 = 12


def requirements_of(folder: Path, manifest: AppManifest, minor: int) -> list[str]:
    """Requirement lines for a Python 3 of this minor version, the connector's own first."""
    own = [*_plain(manifest.requires), *_shipped(folder, manifest, minor)]
    first: dict[str, str] = {}
    for line in own:
        first.setdefault(_normal(line), line)
    for line in PLATFORM:
        first.setdefault(_normal(line), line)
    return list(first.values())


def ways(lines: Sequence[str]) -> list[list[str]]:
    """What to try one after the other: as it is, in any version, and without what is only taken for granted."""
    own = [line for line in lines if line not in PLATFORM]
    tried = [list(lines), _without_versions(lines), own, _without_versions(own)]
    return [way for number, way in enumerate(tried) if way not in tried[:number]]


def _without_versions(lines: Sequence[str]) -> list[str]:
    return [found[0] for line in lines if (found := _NAME.match(line))]


def wheel_folders(folder: Path) -> list[Path]:
    """Where a connector ships wheels."""
    return sorted({path.parent for path in folder.rglob("*.whl")})


def _plain(lines: Sequence[str]) -> Iterator[str]:
    """Without what would lead the installer elsewhere than to the user's index: options, URLs, paths."""
    for line in lines:
        if _PLAIN.fullmatch(line):
            yield line


def _shipped(folder: Path, manifest: AppManifest, minor: int) -> Iterator[str]:
    for one in _block(folder, manifest, minor):
        path = one.get("input_file") if isinstance(one, dict) else None
        found = _WHEEL.fullmatch(path.rpartition("/")[2]) if isinstance(path, str) else None
        if found:
            yield f"{found['name'].replace('_', '-')}=={found['version']}"


def _block(folder: Path, manifest: AppManifest, minor: int) -> Sequence[Any]:
    """The wheels that the first fitting block of the manifest names."""
    try:
        plain: Mapping[str, Any] = json.loads((folder / manifest.origin).read_bytes())
    except (OSError, ValueError):
        return ()
    for name in (*_BLOCKS["313" if minor >= _MINOR_OF_313 else "39"], *_ALWAYS):
        block = plain.get(name)
        if isinstance(block, dict) and isinstance(block.get("wheel"), list):
            wheels: Sequence[Any] = block["wheel"]
            return wheels
    return ()


def _normal(line: str) -> str:
    found = _NAME.match(line)
    return re.sub(r"[-_.]+", "-", found[0]).lower() if found else line
