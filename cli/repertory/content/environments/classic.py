"""What a classic connector needs: what it ships or asks for, and what its authors took for granted on their platform.

Connectors have no locked requirements. What they pin is asked for; where no wheel of that version fits this machine's Python, any
version of that package is, and where it has no wheel at all, the rest is installed without it. Wheels that they ship come first.
Projects, which apps written with splunk-soar-sdk are, may have a lock.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from repertory.content.checks.requirements import is_plain
from repertory.content.environments.python_versions import accepts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from repertory_sdk.manifest import AppManifest

# Packages that the platform has, and that connectors import without asking for them.
PLATFORM = (
    "beautifulsoup4", "jinja2", "parse", "python-dateutil<3", "pytz", "requests", "sh<2", "simplejson", "six", "xmltodict",
)  # fmt: skip
# What is asked for where no version is: later ones are others by the same name.
_BOUNDS = {line.partition("<")[0]: line for line in PLATFORM if "<" in line}
# Packages that hold modules which connectors import, or that these need for what connectors do with them, and nobody declares.
_UNDECLARED = {
    "boxsdk": "cryptography", "future": "future", "jwt": "cryptography", "lxml": "lxml", "oletools": "oletools",
    "paramiko": "paramiko", "pkg_resources": "setuptools<81", "psycopg2": "psycopg2-binary", "yaml": "PyYAML",
}  # fmt: skip
_IMPORT = re.compile(rb"^[ \t]*(?:import|from)[ \t]+([A-Za-z_]\w*)", re.MULTILINE)
_MARKER = re.compile(r"""python_version\s*([=<>!]=|[<>])\s*["']([0-9.]+)["']""")
_NO_WHEELS = re.compile(r"(?:all versions of )?([A-Za-z0-9][A-Za-z0-9._-]*?)(?:[=<>!~]\S*)? (?:has|have) no (?:usable )?wheels")
# The platform has it as well; it is large, and few connectors need more than names that are there without it.
VIEWS = "django<6"
DISTRIBUTION = "splunk-soar-sdk"
# It asks for this to read mail that Outlook has saved, and nobody ever made a wheel of it.
LEFT_OUT = 'red-black-tree-mod ; python_version < "0"\n'
_BLOCKS = {"313": ("pip313_dependencies",), "39": ("pip39_dependencies",)}
_ALWAYS = ("pip3_dependencies", "pip_dependencies")
_BARE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(?:\[[A-Za-z0-9,._-]*\])?")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(\[[A-Za-z0-9,._-]*\])?\s*([=<>!~]=?[^;@]*)?(;.*)?")
_WHEEL = re.compile(r"(?P<name>[^-]+)-(?P<version>[^-]+)-.*\.whl")
_MINOR_OF_313 = 12


def requirements_of(folder: Path, manifest: AppManifest, minor: int) -> list[str]:
    """Requirement lines for a Python 3 of this minor version, the connector's own first."""
    if is_project(folder, manifest):
        return list(dict.fromkeys([*_plain(manifest.requires), DISTRIBUTION]))
    own = [*_for_version(list(_plain(manifest.requires)), minor), *_shipped(folder, manifest, minor), *_imported(folder)]
    first: dict[str, str] = {}
    for line in own:
        first.setdefault(_normal(line), line)
    for line in (*PLATFORM, *([VIEWS] if _has_views(folder, manifest) else [])):
        first.setdefault(_normal(line), line)
    return list(first.values())


def _has_views(folder: Path, manifest: AppManifest) -> bool:
    """Whether some action is shown by a template of the connector's own."""
    actions = _origin(folder, manifest).get("actions")
    renders = [one.get("render") for one in actions if isinstance(one, dict)] if isinstance(actions, list) else []
    return any(isinstance(render, dict) and render.get("view") for render in renders)


def is_project(folder: Path, manifest: AppManifest) -> bool:
    """Whether an app is written with splunk-soar-sdk, whose apps are projects that say themselves what they need."""
    return ":" in str(_origin(folder, manifest).get("main_module"))


@dataclass(frozen=True, kw_only=True)
class Way:
    """What to ask the installer for. ``without``: packages that nobody gets, whoever asks for them."""

    lines: Sequence[str]
    without: Sequence[str] = ()

    def weaker(self, complaint: str) -> Way | None:
        """The next to try after what the installer said of this one; None where nothing weaker is left.

        First any version of what it names, then without what there is no wheel of at all, then without what is only taken for
        granted.
        """
        named = [line for line in self.lines if _is_named(line, complaint)]
        pinned = [line for line in named if _bare(line) != line]
        if pinned:
            return replace(self, lines=[_bare(line) if line in pinned else line for line in self.lines])
        missing = [name for name in _NO_WHEELS.findall(complaint) if _normal(name) not in self.without]
        if missing:
            gone = [*self.without, *dict.fromkeys(_normal(name) for name in missing)]
            return Way(lines=[line for line in self.lines if _normal(line) not in gone], without=gone)
        own = [line for line in self.lines if line not in (*PLATFORM, VIEWS)]
        return replace(self, lines=own) if len(own) < len(self.lines) else self._in_any_version()

    def _in_any_version(self) -> Way | None:
        bare = [_bare(line) for line in self.lines]
        return replace(self, lines=bare) if bare != list(self.lines) else None

    @property
    def overrides(self) -> str:
        """Requirements that hold on no Python, in place of all others for these packages."""
        return "".join(f"{name}; python_version < '0'\n" for name in self.without)


def _bare(line: str) -> str:
    """Any version that the platform might have had, but the same extras."""
    found = _BARE.match(line)
    return _BOUNDS.get(_normal(line)) or found[0] if found else line


def _is_named(line: str, complaint: str) -> bool:
    name = re.sub(r"[-_.]+", "[-_.]+", _normal(line))
    return re.search(rf"(?<![A-Za-z0-9._-]){name}(?![A-Za-z0-9_-])", complaint, re.IGNORECASE) is not None


def _imported(folder: Path) -> Iterator[str]:
    """What the connector's own code imports of the packages above."""
    found = {name.decode() for path in sorted(folder.glob("*.py")) for name in _IMPORT.findall(path.read_bytes())}
    found |= {name.decode() for path in sorted(folder.glob("*/*.py")) for name in _IMPORT.findall(path.read_bytes())}
    yield from (_UNDECLARED[name] for name in sorted(found & set(_UNDECLARED)) if not (folder / name).exists())


def wheel_folders(folder: Path) -> list[Path]:
    """Where a connector ships wheels."""
    return sorted({path.parent for path in folder.rglob("*.whl")})


def _plain(lines: Sequence[str]) -> Iterator[str]:
    """Without what would lead the installer elsewhere than to the user's index: options, URLs, paths."""
    for line in lines:
        if _PLAIN.fullmatch(line) and is_plain(line):
            yield line


def _for_version(lines: Sequence[str], minor: int) -> Iterator[str]:
    """Of several lines for one package, each for a Python of its own, the one for this; the last where there is none."""
    for line in lines:
        others = [other for other in lines if _normal(other) == _normal(line)]
        fitting = [other for other in others if _holds(other, minor)] or others[-1:]
        if line == fitting[0]:
            yield line if _holds(line, minor) else line.partition(";")[0].strip()


def _holds(line: str, minor: int) -> bool:
    clauses = (f"{how}{version}{'.*' if how in ('==', '!=') else ''}" for how, version in _MARKER.findall(line))
    return all(accepts(clause, (3, minor, 0)) for clause in clauses)


def _shipped(folder: Path, manifest: AppManifest, minor: int) -> Iterator[str]:
    block = _block(folder, manifest, minor)
    for one in _listed(block, "wheel"):
        path = one.get("input_file") if isinstance(one, dict) else None
        found = _WHEEL.fullmatch(path.rpartition("/")[2]) if isinstance(path, str) else None
        if found:
            yield f"{found['name'].replace('_', '-')}=={found['version']}"
    named = (one.get("module") for one in _listed(block, "pypi") if isinstance(one, dict))
    yield from _plain([name for name in named if isinstance(name, str)])


def _block(folder: Path, manifest: AppManifest, minor: int) -> Mapping[str, Any]:
    """The first fitting block of the manifest that names packages."""
    plain = _origin(folder, manifest)
    for name in (*_BLOCKS["313" if minor >= _MINOR_OF_313 else "39"], *_ALWAYS):
        block = plain.get(name)
        if isinstance(block, dict) and (_listed(block, "wheel") or _listed(block, "pypi")):
            return block
    return {}


def _listed(block: Mapping[str, Any], name: str) -> Sequence[Any]:
    listed = block.get(name)
    return listed if isinstance(listed, list) else ()


def _origin(folder: Path, manifest: AppManifest) -> Mapping[str, Any]:
    """The connector's own manifest; empty where it cannot be read."""
    try:
        plain = json.loads((folder / manifest.origin).read_bytes())
    except (OSError, ValueError):
        return {}
    return plain if isinstance(plain, dict) else {}


def _normal(line: str) -> str:
    found = _NAME.match(line)
    return re.sub(r"[-_.]+", "-", found[0]).lower() if found else line
