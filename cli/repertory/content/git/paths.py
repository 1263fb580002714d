"""Which paths of a foreign tree may be written to a disk: those that mean the same on every operating system."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from repertory.errors import UserError

GIT_FOLDER_NAMES = frozenset({".git", "git~1"})
DEVICE_NAMES = frozenset(
    ["con", "prn", "aux", "nul", *(f"com{digit}" for digit in range(1, 10)), *(f"lpt{digit}" for digit in range(1, 10))]
)
FORBIDDEN_CHARACTERS = frozenset('\\:*?"<>|')
INVISIBLE_CATEGORIES = ("Cc", "Cf", "Cs", "Zl", "Zp")


class Refused(UserError):
    """A tree that must not be written to disk, and the path that is the reason."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"refused: {problem}" + (f": {path!r}" if path else ""), "ask whoever keeps it to change it")
        self.path = path
        self.problem = problem


@dataclass(frozen=True, kw_only=True)
class TreeLimits:
    """Bounds for everything that is read from a repository or folder. Sizes are in bytes."""

    files: int = 20_000
    total_bytes: int = 200_000_000
    file_bytes: int = 10_000_000
    path_bytes: int = 400
    depth: int = 20
    seconds: float = 20.0

    def hold(self, what: str, value: int, limit: int, *, path: str = "") -> None:
        """Refuse what is beyond a limit."""
        if value > limit:
            raise Refused(path, f"more than {limit} {what}")


def check_path(path: str, limits: TreeLimits) -> None:
    """Refuse a path that could leave its folder, hide itself or be another file elsewhere."""
    parts = path.split("/")
    if len(path.encode(errors="replace")) > limits.path_bytes or len(parts) > limits.depth:
        raise Refused(f"{path[:60]}…", "path too long or too deep")
    for part in parts:
        problem = _problem_of(part)
        if problem:
            raise Refused(path, problem)


def _problem_of(part: str) -> str:
    if part in ("", ".", ".."):
        return "path leaves its folder"
    # Some file systems drop invisible characters and compose others, so the name is judged as they would see it.
    if unicodedata.normalize("NFKC", part).casefold() in GIT_FOLDER_NAMES:
        return "path names a Git folder"
    if part != part.rstrip(". "):
        return "name with a trailing dot or space"
    if part.partition(".")[0].rstrip().casefold() in DEVICE_NAMES:
        return "name of a device on Windows"
    if FORBIDDEN_CHARACTERS & set(part) or any(unicodedata.category(char) in INVISIBLE_CATEGORIES for char in part):
        return "forbidden character in a name"
    return ""


class NameLedger:
    """Remembers every file and folder of a tree to find names that collide on some file systems."""

    def __init__(self) -> None:
        self._spellings: dict[str, tuple[str, bool]] = {}
        self._children: dict[str, set[str]] = {}

    def add(self, path: str) -> None:
        """Register a file and all folders above it."""
        parts = path.split("/")
        for length in range(1, len(parts) + 1):
            self._register("/".join(parts[:length]), is_file=length == len(parts))
            parent = "/".join(parts[: length - 1])
            self._children.setdefault(parent, set()).add(parts[length - 1].casefold())

    def _register(self, path: str, *, is_file: bool) -> None:
        folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())
        known = self._spellings.setdefault(folded, (path, is_file))
        if known != (path, is_file):
            raise Refused(path, f"collides with {known[0]!r} on some file systems")

    def refuse_embedded_repositories(self) -> None:
        """Git obeys the configuration of any folder that looks like a bare repository, and that can name programs."""
        for folder, children in self._children.items():
            if "head" in children and ({"objects", "refs"} <= children or "commondir" in children):
                raise Refused(folder or ".", "folder looks like a Git repository")
