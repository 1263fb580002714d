"""A bare repository written byte by byte: whatever Git itself would refuse to make is possible."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from content.builders import run_git

FILE, FOLDER, LINK, SUBMODULE = "100644", "40000", "120000", "160000"
PERSON = b"author <author@example.org> 1700000000 +0000"
FEW = 50
PACKED_KINDS = {"commit": 1, "tree": 2, "blob": 3, "tag": 4}

Entry = tuple[str, bytes | str, str]


class RawRepository:
    """Objects are kept in memory until ``publish`` writes them; nothing checks them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        (path / "objects" / "pack").mkdir(parents=True)
        (path / "refs" / "heads").mkdir(parents=True)
        self.write("HEAD", "ref: refs/heads/main\n")
        self.write("config", "[core]\n\trepositoryformatversion = 0\n\tbare = true\n")
        self.objects: dict[str, tuple[str, bytes]] = {}

    def write(self, name: str, text: str) -> None:
        """A file of the repository itself."""
        target = self.path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def put(self, kind: str, content: bytes) -> str:
        """Any object."""
        object_id = hashlib.sha1(b"%s %d\0" % (kind.encode(), len(content)) + content).hexdigest()
        self.objects[object_id] = (kind, content)
        return object_id

    def blob(self, content: bytes | str = "x\n") -> str:
        """A file's content."""
        return self.put("blob", content if isinstance(content, bytes) else content.encode())

    def tree(self, entries: Iterable[Entry]) -> str:
        """A folder, exactly as given: mode, name and object each, in this order."""
        return self.put(
            "tree",
            b"".join(
                b"%s %s\0%s" % (mode.encode(), name if isinstance(name, bytes) else name.encode(), bytes.fromhex(one))
                for mode, name, one in entries
            ),
        )

    def folder(self, entries: Iterable[Entry]) -> str:
        """The same in Git's order."""
        return self.tree(sorted(entries, key=lambda one: _raw(one[1]) + b"/" * (one[0] == FOLDER)))

    def entries(self, files: Mapping[str, str | bytes]) -> list[Entry]:
        """The top entries of a tree with these files; names may hold slashes."""
        below: dict[str, dict[str, str | bytes]] = {}
        found: list[Entry] = []
        for path, content in files.items():
            first, slash, rest = path.partition("/")
            if slash:
                below.setdefault(first, {})[rest] = content
            else:
                found.append((FILE, first, self.blob(content)))
        return found + [(FOLDER, name, self.folder(self.entries(inner))) for name, inner in below.items()]

    def commit(self, tree: str, *, headers: bytes | None = None, message: bytes = b"change\n", branch: str = "main") -> str:
        """A commit that the branch points to."""
        if headers is None:
            headers = b"author %s\ncommitter %s\n" % (PERSON, PERSON)
        made = self.put("commit", b"tree %s\n%s\n%s" % (tree.encode(), headers, message))
        self.write(f"refs/heads/{branch}", f"{made}\n")
        return made

    def tag(self, name: str, kind: str, target: str) -> str:
        """An annotated tag of anything."""
        made = self.put("tag", b"object %s\ntype %s\ntag %s\ntagger %s\n\nsee\n" % (target.encode(), kind.encode(), name.encode(), PERSON))
        self.write(f"refs/tags/{name}", f"{made}\n")
        return made

    def forget(self, object_id: str) -> None:
        """Leave an object out that others name."""
        del self.objects[object_id]

    def publish(self) -> Path:
        """Write everything."""
        if len(self.objects) <= FEW:
            for object_id, (kind, content) in self.objects.items():
                loose = self.path / "objects" / object_id[:2] / object_id[2:]
                loose.parent.mkdir(exist_ok=True)
                loose.write_bytes(zlib.compress(b"%s %d\0" % (kind.encode(), len(content)) + content, 1))
        else:
            body = b"PACK" + (2).to_bytes(4, "big") + len(self.objects).to_bytes(4, "big")
            body += b"".join(_packed(PACKED_KINDS[kind], content) for kind, content in self.objects.values())
            digest = hashlib.sha1(body)
            pack = self.path / "objects" / "pack" / f"pack-{digest.hexdigest()}.pack"
            pack.write_bytes(body + digest.digest())
            run_git(pack.parent, "index-pack", str(pack))
        return self.path


def _raw(name: bytes | str) -> bytes:
    return name if isinstance(name, bytes) else name.encode()


def _packed(kind: int, content: bytes) -> bytes:
    size, head = len(content), bytearray()
    byte, size = kind << 4 | size & 15, size >> 4
    while size:
        head.append(byte | 0x80)
        byte, size = size & 0x7F, size >> 7
    head.append(byte)
    return bytes(head) + zlib.compress(content, 1)
