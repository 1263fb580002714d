"""Fetch a commit of a stranger's repository and read its files, never a checkout.

Git is asked to fetch objects or to print them, no more; ``process.py`` holds how it is started.
"""

from __future__ import annotations

import fcntl
import hashlib
import math
import os
import re
import tempfile
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from repertory.content.git.paths import Refused, TreeLimits
from repertory.content.git.process import GitFailed, ProcessLimits, Unreachable, first_line, output, run, running
from repertory.content.git.sources import COMMIT, Source, parse_source
from repertory.content.git.tree import EntryKind, TreeEntry, judge
from repertory.errors import nearest_names

__all__ = [
    "Advertised",
    "GitFailed",
    "ProcessLimits",
    "Unreachable",
    "advertised",
    "copy_commit",
    "fetch",
    "list_tree",
    "open_tree",
    "read_blobs",
]

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
    from subprocess import Popen

WANTED_REF = "refs/repertory/wanted"
OWN_REFS = "refs/repertory/own"
READ_CHUNK = 65_536
# What is read ahead: the batch must fit into a pipe, whose least size is 4096 bytes.
AHEAD_BYTES = 50_000
AHEAD_BATCH = 60
AHEAD_FILES = 2_400
KINDS: Mapping[str, EntryKind] = {
    "100644": "file",
    "100755": "file",
    "100664": "file",
    "120000": "symbolic link",
    "160000": "submodule",
}
FOLDER = "040000"
# What Git complains with -> what it means to a person, and what to do.
COMPLAINTS = (
    (r"fsck error|error in packed object|: fsck|error: object [0-9a-f]+: \w+:", "an object in it is malformed",
     "tell whoever keeps it: `git fsck` there says which"),
    (r"early EOF|unexpected disconnect|RPC failed; curl (18|56)|of body are still expected|expected flush after"
     r"|index-pack (failed|abnormal)|bad pack|pack .*corrupt|inflate|protocol error|invalid server response|bad line length",
     "its answer breaks off or is damaged", "try again; if it stays so, tell whoever keeps the server"),
    (r"returned error: 30\d|redirect", "the server answers with another address", "open the URL, follow the new one"),
    (r"terminal prompts disabled|could not read Username|Authentication failed|returned error: 40[13]",
     "it asks for credentials",
     "check the URL; for a private one use ssh (git@host:path), or set credential_helper under [git] in config.toml"),
    (r"Host key verification failed", "the server's ssh key is not known", "connect once with ssh and check the key"),
    (r"Permission denied", "access is denied", "check the URL and that your ssh agent holds the key"),
    (r"does not appear to be a git repository|[Rr]epository.*not found|error: 404|does not exist",
     "no Git repository is there", "check the URL"),
    (r"Could not resolve host|Could not resolve hostname", "its host name cannot be resolved",
     "check the URL and the network"),
    (r"certificate|SSL", "its certificate cannot be verified", "set SSL_CERT_FILE to your organisation's certificates"),
    (r"dubious ownership", "the folder belongs to another user", "follow a clone of your own"),
    (r"unable to access|Could not connect|Connection|early EOF|hung up", "it cannot be reached",
     "check the network and try again"),
    (r"File size limit|SIGXFSZ|file too large|No space left", "it is too large", "ask whoever keeps it to split it"),
)  # fmt: skip
# Which of these mean that nobody answered.
AWAY = ("its host name cannot be resolved", "it cannot be reached")


# ------------------------------------------------------------------ fetching


def fetch(
    bare: Path, source: Source, *, name: str = "", limits: ProcessLimits | None = None, helper: str = "",
    bytes_are_known: bool = False,
) -> str:  # fmt: skip
    """Bring one commit, without history, into our own bare copy; returns its id. ``helper`` knows credentials.

    ``name`` is the ref that `advertised` found, if that was asked. A commit that is asked for by its id must belong to a
    branch or tag, unless ``bytes_are_known`` by their hash: forges also serve commits that somebody only ever pushed to
    a fork.
    """
    parse_source(source.url, source.ref)
    wish = source.wish
    with _alone(bare):
        _make_bare(bare)
        wanted = wish.commit or name or _name_of(bare, source, limits, helper)
        status, _out, complaint = run(_fetch_words(source, wanted), bare, limits, scheme=source.scheme, helper=helper)
        if status:
            raise _fetch_error(bare, source, complaint, helper)
        commit = _wanted_commit(bare, source)
        if wish.commit:
            if commit != wish.commit:
                raise GitFailed(f"{source.url} answered with commit {commit} instead of {wish.commit}")
            if not bytes_are_known:
                _refuse_foreign(bare, source, limits, helper)
    return commit


def _name_of(bare: Path, source: Source, limits: ProcessLimits | None, helper: str) -> str:
    """The whole name of the ref that is wanted. Git itself would look in other places, too."""
    first, *others = source.wish.refs
    if not others:
        return first
    found = advertised(bare, source, limits=limits, helper=helper)
    if found is None:
        raise _ref_error(bare, source, helper)
    return found.name


@dataclass(frozen=True, kw_only=True)
class Advertised:
    """A branch, a tag or HEAD by its whole name, and the commit that it names now."""

    name: str
    commit: str


def advertised(
    bare: Path, source: Source, *, limits: ProcessLimits | None = None, helper: str = ""
) -> Advertised | None:
    """What the wanted branch, tag or HEAD is now; None if there is none. Nothing is fetched."""
    parse_source(source.url, source.ref)
    names = source.wish.refs
    words = ["ls-remote", "--quiet", "--", source.url, *names, *(f"{name}^{{}}" for name in names if name != "HEAD")]
    status, out, complaint = run(words, None, limits, scheme=source.scheme, helper=helper)
    if status:
        raise _fetch_error(bare, source, complaint, helper)
    lines = (line.split("\t", 1) for line in out.decode(errors="replace").splitlines())
    found = {name: commit for commit, name in lines if COMMIT.fullmatch(commit)}
    there = [name for name in names if name in found]
    if len(there) > 1:
        raise GitFailed(
            f"{source.url} has a branch and a tag {source.ref!r}", f"say which: --ref {' or --ref '.join(there)}"
        )
    return next((Advertised(name=name, commit=found.get(f"{name}^{{}}", found[name])) for name in there), None)


def copy_commit(bare: Path, other: Path) -> None:
    """Bring what was fetched into one copy of ours into another one, as if it had been fetched there."""
    with _alone(other):
        _make_bare(other)
        words = ["fetch", "--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head", "--force", "--", bare.as_uri()]
        status, _out, complaint = run([*words, f"+{WANTED_REF}:{WANTED_REF}"], other, scheme="file")
        if status:
            raise GitFailed(
                f"cannot copy {bare}: {first_line(complaint)}", f"if it stays so, delete {other} and sync again"
            )


def _make_bare(bare: Path) -> None:
    """What ``git init --bare --template=`` makes, without a process for each of hundreds; HEAD makes it one."""
    if (bare / "HEAD").exists():
        return
    for folder in ("objects/info", "objects/pack", "refs/heads", "refs/tags"):
        (bare / folder).mkdir(mode=0o700, parents=True, exist_ok=True)
    (bare / "config").write_text("[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n")
    (bare / "HEAD").write_text("ref: refs/heads/main\n")


def _wanted_commit(bare: Path, source: Source) -> str:
    """What was fetched; only a tag can be anything but a commit, and HEAD never is a tag."""
    if not source.ref:
        with suppress(OSError):
            found = (bare / WANTED_REF).read_text("ascii", errors="replace").strip()
            if COMMIT.fullmatch(found):
                return found
    status, out, _complaint = run(["rev-parse", "--verify", "--quiet", f"{WANTED_REF}^{{commit}}"], bare)
    if status:
        raise GitFailed(f"{source.url}: {source.ref or 'HEAD'} is no commit", "name a branch, or a tag of a commit")
    return out.decode().strip()


def _refuse_foreign(bare: Path, source: Source, limits: ProcessLimits | None, helper: str) -> None:
    """Look through the history of all branches and tags, without their files, once for each commit."""
    # What belongs to one address need not belong to another one that had this name.
    known = f"{OWN_REFS}/{hashlib.sha256(source.url.encode()).hexdigest()[:16]}/{source.ref}"
    if run(["rev-parse", "--verify", "--quiet", known], bare)[0] == 0:
        return
    with tempfile.TemporaryDirectory(prefix=".history-", dir=bare.parent) as folder:
        history = Path(folder)
        _make_bare(history)
        refs = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"]
        words = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--filter=tree:0", "--", source.url, *refs]
        status, _out, complaint = run(words, history, limits, scheme=source.scheme, helper=helper)
        if status:
            raise _fetch_error(bare, source, complaint, helper)
        status, holders, _complaint = run(["for-each-ref", "--count=1", "--contains", source.ref], history)
    if status or not holders.strip():
        message = f"{source.url}: commit {source.ref[:12]} is in none of its branches and tags"
        raise GitFailed(message, "it may come from somebody else's fork; name a branch, a tag or a commit of them")
    output(["update-ref", known, source.ref], bare)


def _fetch_words(source: Source, wanted: str) -> list[str]:
    options = ["--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", "--force"]
    return ["fetch", *options, "--", source.url, f"+{wanted}:{WANTED_REF}"]


@contextmanager
def _alone(bare: Path) -> Iterator[None]:
    """One fetch at a time into one copy."""
    bare.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(bare, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _fetch_error(bare: Path, source: Source, complaint: str, helper: str) -> GitFailed:
    if "couldn't find remote ref" in complaint or "not our ref" in complaint:
        return _ref_error(bare, source, helper)
    for pattern, meaning, hint in COMPLAINTS:
        if re.search(pattern, complaint):
            kind = Unreachable if meaning in AWAY else GitFailed
            return kind(f"{source.url}: {meaning} (Git says: {first_line(complaint)})", hint)
    return GitFailed(f"{source.url}: Git says: {first_line(complaint)}", f"if it stays so, delete {bare} and try again")


def _ref_error(bare: Path, source: Source, helper: str) -> GitFailed:
    """A branch or tag that is not there, with the nearest one that is."""
    listing = ["ls-remote", "--quiet", "--heads", "--tags", "--refs", "--", source.url]
    _status, out, _complaint = run(listing, bare, scheme=source.scheme, helper=helper)
    names = [line.partition("\t")[2].split("/", 2)[-1] for line in out.decode(errors="replace").splitlines()]
    if not source.ref:
        return GitFailed(f"{source.url} has no default branch", _some_of(names) or "it seems to be empty")
    nearest = nearest_names(source.ref, names)
    hint = f"did you mean {' or '.join(nearest)}?" if nearest else _some_of(names)
    return GitFailed(f"{source.url} has no branch, tag or commit {source.ref!r}", hint)


def _some_of(names: Sequence[str]) -> str:
    shown = ", ".join(sorted(names)[:5])
    return f"it has {shown}{' …' if len(names) > 5 else ''}" if names else ""


# ------------------------------------------------------------------- reading


class GitTree:
    """The accepted files of one commit; see ``open_tree``."""

    def __init__(self, entries: Iterable[TreeEntry], reader: BlobReader, limits: TreeLimits) -> None:
        listing = judge(entries, limits)
        self.files = listing.files
        self.issues = listing.issues
        self._reader = reader
        self._ahead: dict[str, bytes] = {}

    def read(self, path: str) -> bytes:
        """The bytes of an accepted file."""
        ahead = self._ahead.pop(path, None)
        return self._reader.read(self.files[path]) if ahead is None else ahead

    def read_ahead(self, *endings: str) -> None:
        """Fetch small files with these endings at once: asking for each by itself is most of what reading costs."""
        small = [one for one in self.files.values() if one.path.endswith(endings) and one.size <= AHEAD_BYTES]
        for start in range(0, min(len(small), AHEAD_FILES), AHEAD_BATCH):
            batch = small[start : start + AHEAD_BATCH]
            self._reader.ask(batch)
            self._ahead |= {entry.path: self._reader.answer(entry) for entry in batch}


@contextmanager
def open_tree(bare: Path, commit: str, *, limits: TreeLimits | None = None) -> Iterator[GitTree]:
    """Judge a commit and keep one Git process at hand that reads its files."""
    limits = limits or TreeLimits()
    with closing(list_tree(bare, commit, limits=limits)) as entries, read_blobs(bare) as reader:
        yield GitTree(entries, reader, limits)


def list_tree(bare: Path, commit: str, *, limits: TreeLimits | None = None) -> Generator[TreeEntry, None, None]:
    """Everything in a commit, unjudged and streamed: a bomb of 10^10 files must not be waited for."""
    limits = limits or TreeLimits()
    if not COMMIT.fullmatch(commit):
        raise Refused("", f"{commit!r} is not a commit id")
    # Folders (-t) are printed to be counted: there can be 10^10 of them without a single file.
    words = ["ls-tree", "-r", "-t", "-z", "-l", "--full-tree", commit]
    bounds = ProcessLimits(seconds=limits.seconds, cpu_seconds=math.ceil(limits.seconds))
    folders = 0
    with running(words, bare, bounds) as (process, expired):
        for record in _records(process):
            if record.startswith(b"%s " % FOLDER.encode()):
                folders += 1
                limits.hold("folders", folders, limits.files)
                continue
            yield _parse_entry(record)
        if process.wait() != 0 or expired.is_set():
            missing = "" if expired.is_set() or process.returncode < 0 else " (is it fetched?)"
            raise Refused("", f"commit {commit[:12]} cannot be listed within {limits.seconds:g} s{missing}")


def _records(process: Popen[bytes]) -> Iterator[bytes]:
    assert process.stdout is not None
    pending = b""
    while chunk := os.read(process.stdout.fileno(), READ_CHUNK):
        *records, pending = (pending + chunk).split(b"\0")
        yield from records
        if len(pending) > READ_CHUNK:
            raise Refused("", "overlong path")


def _parse_entry(record: bytes) -> TreeEntry:
    """Read ``MODE TYPE OBJECT SIZE<tab>PATH``."""
    description, _, raw_path = record.partition(b"\t")
    mode, _kind, object_id, size = description.decode("ascii").split()
    path = raw_path.decode("utf-8", errors="backslashreplace")
    if path.encode() != raw_path:
        raise Refused(path, "path is not UTF-8")
    if mode not in KINDS:
        raise Refused(path, f"unknown mode {mode}")
    if size == "BAD":
        raise Refused(path, f"its content {object_id[:12]} is missing")
    return TreeEntry(path=path, size=0 if size == "-" else int(size), object_id=object_id, kind=KINDS[mode])


class BlobReader:
    """Reads contents through one Git process."""

    def __init__(self, process: Popen[bytes]) -> None:
        self._process = process

    def read(self, entry: TreeEntry) -> bytes:
        """The bytes of a file, which must be what the listing announced."""
        self.ask([entry])
        return self.answer(entry)

    def ask(self, entries: Sequence[TreeEntry]) -> None:
        """Ask for files whose answers are taken in the same order; few enough to fit into a pipe."""
        stdin = self._process.stdin
        assert stdin is not None
        try:
            stdin.write(b"".join(entry.object_id.encode() + b"\n" for entry in entries))
            stdin.flush()
        except BrokenPipeError:
            raise Refused(entries[0].path, "Git stopped reading its objects") from None

    def answer(self, entry: TreeEntry) -> bytes:
        """The bytes that were asked for."""
        stdout = self._process.stdout
        assert stdout is not None
        if stdout.readline().split()[1:] != [b"blob", str(entry.size).encode()]:
            raise Refused(entry.path, "object is missing or another one than listed")
        content = stdout.read(entry.size)
        if len(content) != entry.size or stdout.read(1) != b"\n":
            raise Refused(entry.path, "object ends early")
        return content


@contextmanager
def read_blobs(bare: Path) -> Iterator[BlobReader]:
    """A reader of contents for the time of a ``with`` block."""
    with running(["cat-file", "--batch"], bare) as (process, _expired):
        yield BlobReader(process)
