"""The log as a file that grows, is rotated, is cut off, and ends in the middle of a line."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Callable, Dict, Iterator, List, Mapping, Optional, Tuple

from eve import Record, record_of

from repertory_sdk import ActionFailed

NAME = "eve.json"
_HEAD = 256
_BLOCK = 1 << 20
_LONGEST_LINE = 16 << 20


@dataclass(frozen=True)
class Position:
    """How far a log was read. Its file is known by its number and by how it begins, because numbers are used again."""

    inode: int
    offset: int
    head: str

    @classmethod
    def of(cls, checkpoint: Mapping[str, Any]) -> Optional[Position]:
        """What a checkpoint says, if it says anything."""
        if "inode" not in checkpoint:
            return None
        return cls(int(checkpoint["inode"]), int(checkpoint.get("offset") or 0), str(checkpoint.get("head") or ""))

    def kept(self) -> Dict[str, Any]:
        """As a checkpoint has it."""
        return {"inode": self.inode, "offset": self.offset, "head": self.head}


class Log:
    """A log at a path: a file, or a folder with ``eve.json`` and what it is rotated to."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        if not self._path.is_absolute():
            raise ActionFailed(f"Suricata's log needs an absolute path, not {path[:80]!r}; set eve_file to one")

    def newest(self, most: int, fits: Callable[[bytes], bool]) -> Iterator[Record]:
        """Records of the last ``most`` bytes, from the end; those of a rotated log follow if it is found."""
        objects = others = 0
        for path in reversed(self._generations()):
            with _opened(path) as file:
                size = file.seek(0, os.SEEK_END)
                for line in _backwards(file, max(0, size - most)):
                    is_object = line.lstrip()[:1] == b"{"
                    objects, others = objects + is_object, others + (not is_object)
                    record = record_of(line) if is_object and fits(line) else None
                    if record is not None:
                        yield record
            most -= size
            if most <= 0:
                break
        if others and not objects:
            raise self._strange()

    def since(self, position: Optional[Position], most: int) -> Iterator[Tuple[Optional[Record], Position]]:
        """Whole lines after a position, the oldest first, each with the position after it; None for what is no record.

        Without a position it begins ``most`` bytes before the end. A log that was rotated is read to its end first.
        """
        files = self._generations()
        known = next((number for number, path in enumerate(files) if position and _is_of(path, position)), None)
        valid = other = 0
        for path in files[known:] if known is not None else files[-1:]:
            with _opened(path) as file:
                places = _Places(file)
                start = position.offset if known is not None and position and path == files[known] else 0
                start = _line_before(file, most) if position is None else start
                yield None, places.at(start)
                for line, after in _forwards(file, start):
                    record = record_of(line)
                    valid, other = valid + (record is not None), other + (record is None)
                    yield record, places.at(after)
        if other and not valid:
            raise self._strange()

    def _generations(self) -> List[Path]:
        """Files of the log, the current one last; packed ones cannot be read."""
        if not self._path.is_dir():
            return [self._path]
        current = self._path / NAME
        others = [
            path
            for path in self._path.glob(f"{NAME}*")
            if path != current and path.suffix not in (".gz", ".xz", ".bz2", ".zst")
        ]
        try:
            return [*sorted(others, key=lambda path: path.stat().st_mtime_ns), current]
        except OSError:
            return [current]

    def _strange(self) -> ActionFailed:
        return ActionFailed(f"Suricata's log {self._path} has no records of EVE JSON; set eve_file to that log")


def _opened(path: Path) -> IO[bytes]:
    try:
        file = path.open("rb", buffering=_BLOCK)
    except FileNotFoundError:
        raise ActionFailed(f"Suricata's log {path} is not there; check eve_file, and that the sensor writes there") from None
    except OSError as error:
        why = (error.strerror or "it cannot be opened").lower()
        raise ActionFailed(f"Suricata's log {path} cannot be read ({why}); let this user read it") from None
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise ActionFailed(f"Suricata's log {path} is no file; check eve_file")
    return file


def _head(file: IO[bytes], length: int) -> str:
    """How a file begins: its length and its digest. What is written to its end does not change it."""
    before = file.tell()
    file.seek(0)
    digest = hashlib.sha256(file.read(length)).hexdigest()[:32]
    file.seek(before)
    return f"{length}:{digest}"


class _Places:
    """Positions in a file that is read; how it begins is looked at anew only while little of it was read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._inode = os.fstat(file.fileno()).st_ino
        self._length, self._known = -1, ""

    def at(self, offset: int) -> Position:
        """The position after so many bytes."""
        length = min(_HEAD, offset)
        if length != self._length:
            self._length, self._known = length, _head(self._file, length)
        return Position(self._inode, offset, self._known)


def _is_of(path: Path, position: Position) -> bool:
    """Whether this is the file that was read so far, and has not been cut off since."""
    length = position.head.partition(":")[0]
    try:
        with path.open("rb") as file:
            known = os.fstat(file.fileno())
            same = known.st_ino == position.inode and known.st_size >= position.offset
            return same and (not length.isdigit() or _head(file, int(length)) == position.head)
    except OSError:
        return False


def _line_before(file: IO[bytes], most: int) -> int:
    """Where the first whole line of the last ``most`` bytes begins."""
    size = file.seek(0, os.SEEK_END)
    if size <= most:
        return 0
    file.seek(size - most - 1)
    file.readline(_LONGEST_LINE)
    return file.tell()


def _forwards(file: IO[bytes], start: int) -> Iterator[Tuple[bytes, int]]:
    """Whole lines and where each ends; a half line at the end is left for the next time."""
    file.seek(start)
    after = start
    while True:
        line = file.readline(_LONGEST_LINE)
        if not line.endswith(b"\n") and len(line) < _LONGEST_LINE:
            return
        after += len(line)
        if line.strip():
            yield line, after
            file.seek(after)


def _backwards(file: IO[bytes], stop: int) -> Iterator[bytes]:
    """Whole lines from the end to ``stop``, without the half lines at either end."""
    end, rest = file.seek(0, os.SEEK_END), b""
    first = True
    while end > stop:
        begin = max(stop, end - _BLOCK)
        file.seek(begin)
        lines = (file.read(end - begin) + rest).split(b"\n")
        end, rest = begin, lines[0]
        for line in lines[:0:-1]:
            if line.strip() and not first:
                yield line
            first = False
        if len(rest) > _LONGEST_LINE:
            rest = b""
    if stop == 0 and rest.strip() and not first:
        yield rest
