"""Repositories that nobody should follow: how each is made, and what is to become of it."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from content.builders import APP, APP_CODE, PLAYBOOK, PLAYBOOK_CODE, item_files
from content.raw_objects import FILE, FOLDER, LINK, PERSON, SUBMODULE, Entry, RawRepository

Build = Callable[["Site"], None]
NOBODY = 12345


@dataclass
class Site:
    """One repository to be made; ``outside`` is a folder that nothing may be written to, ``ref`` what is followed."""

    repository: RawRepository
    outside: Path
    ref: str = ""
    url: str = ""

    def commit_files(self, files: Mapping[str, str | bytes], *more: Entry) -> None:
        """One commit of these files and entries."""
        self.repository.commit(self.repository.folder([*self.repository.entries(files), *more]))

    def owned(self) -> str:
        """A command that is not to be run."""
        return f"touch {self.outside}/owned"


@dataclass(frozen=True, kw_only=True)
class Case:
    """``refused``: what is said of the whole repository. ``broken``: rules, by item that cannot be installed.

    ``offered`` can be installed; ``left_out`` are findings about files that belong to no item or are told as warnings.
    """

    build: Build
    refused: str = ""
    broken: Mapping[str, str] = field(default_factory=dict)
    offered: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


GOOD = item_files()
BOTH = ("blocklist", "recon")
CASES: dict[str, Case] = {}


# ------------------------------------------------------------- trees that are refused


def entry_named(name: bytes | str, mode: str = FILE) -> Build:
    """Good items, and one more file or folder of this name."""

    def build(site: Site) -> None:
        made = site.repository
        target = made.blob("#!/bin/sh\n" + site.owned()) if mode != FOLDER else made.folder(made.entries({"post-checkout": site.owned()}))
        site.commit_files(GOOD, (mode, name, target))

    return build


def tree_of(*entries: Callable[[RawRepository], Entry]) -> Build:
    """A tree exactly like this, after the good items."""
    return lambda site: site.commit_files(GOOD, *(make(site.repository) for make in entries))


def names(*paths: str) -> Build:
    """Good items, and files with these paths."""
    return lambda site: site.commit_files({**GOOD, **dict.fromkeys(paths, "x\n")})


def nested(depth: int) -> Build:
    """A file very far down."""

    def build(site: Site) -> None:
        entry: Entry = (FILE, "app.json", site.repository.blob(json.dumps(APP)))
        for _ in range(depth):
            entry = (FOLDER, "d", site.repository.tree([entry]))
        site.commit_files(GOOD, entry)

    return build


def tower(*, files: bool, levels: int = 10, width: int = 10) -> Build:
    """Every level holds the one below many times."""

    def build(site: Site) -> None:
        made = site.repository
        tree = made.folder(made.entries({f"f{number}": "x" for number in range(width)})) if files else made.tree([])
        for _ in range(levels):
            tree = made.tree([(FOLDER, f"d{number}", tree) for number in range(width)])
        site.commit_files(GOOD, (FOLDER, "tower", tree))

    return build


def many_blobs(count: int, size: int) -> Build:
    """The same large file under many names."""

    def build(site: Site) -> None:
        blob = site.repository.blob(bytes(size))
        site.commit_files(GOOD, *((FILE, f"zeros{number:05}", blob) for number in range(count)))

    return build


def embedded(extra: Mapping[str, str]) -> Build:
    """A folder of an item that Git would take for a repository of its own."""

    def build(site: Site) -> None:
        inner = {"HEAD": "ref: refs/heads/main\n", "config": f"[core]\n\tfsmonitor = {site.owned()}\n", **extra}
        site.commit_files({**GOOD, **{f"apps/blocklist/docs/{name}": text for name, text in inner.items()}})

    return build


DOT_GIT = "Git folder|malformed"
GIT_FOLDERS: dict[str, str] = {
    "in capitals": ".GIT",
    "short name": "git~1",
    "short name in capitals": "GIT~1",
    "with a zero-width joiner": ".g\u200dit",
    "with an ignored sign": ".gi\u200ct",
    "full width": "\uff0egit",
    "with a dot behind": ".git.",
    "with a space behind": ".git ",
    "as a stream": ".git::$INDEX_ALLOCATION",
    "as a stream of a file": ".git:hooks",
}
for title, spelling in GIT_FOLDERS.items():
    CASES[f".git {title}"] = Case(build=entry_named(spelling, FOLDER), refused=f"{DOT_GIT}|forbidden character|trailing dot")
CASES[".git as a file"] = Case(build=entry_named(".git"), refused=DOT_GIT)
CASES[".git behind a backslash"] = Case(build=entry_named("a\\.git\\config"), refused="forbidden character|malformed")

for title, name, said in (
    ("two dots", "..", "malformed|leaves"),
    ("one dot", ".", "malformed|leaves"),
    ("no name", "", "malformed|leaves|damaged"),
    ("slashes in one name", "../../owned", "malformed|leaves"),
    ("an absolute path in one name", "/etc/owned", "malformed|leaves"),
    ("a backslash path", "..\\..\\owned", "forbidden character"),
    ("a drive", "C:owned", "forbidden character"),
    ("a device", "NUL.tar.gz", "device"),
    ("a device with a space", "con .txt", "device"),
    ("a line break", "a\nb", "forbidden character"),
    ("a tabulator", "a\tb", "forbidden character"),
    ("quotes", 'a"b', "forbidden character"),
    ("a terminal escape", "\x1b]0;owned\x07\x1b[31mred", "forbidden character"),
    ("an eight-bit escape", "\u009b31mred", "forbidden character"),
    ("a reversed extension", "app\u202eyp.exe", "forbidden character"),
    ("a byte order mark", "\ufeffapp.py", "forbidden character"),
    ("a line separator", "a\u2028b", "forbidden character"),
    ("4,000 bytes", "x" * 4000, "too long"),
    ("latin 1", "caf\xe9".encode("latin-1"), "not UTF-8"),
    ("encoded surrogates", b"\xed\xa0\x80", "not UTF-8"),
    ("an overlong slash", b"..\xc0\xafowned", "not UTF-8"),
):
    CASES[f"name: {title}"] = Case(build=entry_named(name), refused=said)

CASES |= {
    "names that differ in case": Case(build=names("apps/blocklist/APP.json"), refused="collides"),
    "folders that differ in case": Case(build=names("Apps/other/app.py"), refused="collides"),
    "names that differ in their normal form": Case(build=names("caf\u00e9", "cafe\u0301"), refused="collides"),
    "names that fold to the same": Case(build=names("stra\u00dfe", "STRASSE"), refused="collides"),
    "a file and a folder of one name": Case(
        build=tree_of(lambda made: (FILE, "apps", made.blob())), refused="malformed|collides"
    ),
    "one name twice": Case(
        build=tree_of(lambda made: (FILE, "x", made.blob("1")), lambda made: (FILE, "x", made.blob("2"))),
        refused="malformed|collides",
    ),
    "21 folders deep": Case(build=nested(21), refused="too deep"),
    "5,000 folders deep": Case(build=nested(5000), refused="too deep"),
    "a tower of 10^11 files": Case(build=tower(files=True), refused="too long or too deep|more than [0-9]+ f"),
    "a tower of 10^10 empty folders": Case(build=tower(files=False), refused="more than [0-9]+ folders"),
    "30,000 names for one file": Case(build=many_blobs(30_000, 1), refused="more than 20000 files"),
    "60 MB of zeros": Case(build=many_blobs(1, 60_000_000), refused="bytes in one file"),
    "200 MB by one blob of 5": Case(build=many_blobs(45, 5_000_000), refused="more than [0-9]+ bytes"),
    "an embedded bare repository": Case(build=embedded({"objects/x": "", "refs/x": ""}), refused="looks like a Git"),
    "an embedded worktree": Case(build=embedded({"commondir": "../..\n"}), refused="looks like a Git"),
}


# ------------------------------------------------------------- objects that are wrong


def entry_with(mode: str, make: Callable[[RawRepository], str]) -> Build:
    """Good items and an entry of this mode that names this object."""
    return lambda site: site.commit_files(GOOD, (mode, "x", make(site.repository)))


def missing(kind: str) -> Build:
    """An object that everything else names is not there."""

    def build(site: Site) -> None:
        site.commit_files(GOOD)
        found = next(one for one, (what, content) in site.repository.objects.items() if what == kind and content != b"")
        site.repository.forget(found)

    return build


def headers(text: bytes, message: bytes = b"change\n") -> Build:
    """A commit with these headers after its tree."""

    def build(site: Site) -> None:
        made = site.repository
        made.commit(made.folder(made.entries(GOOD)), headers=text, message=message)

    return build


def unsorted(site: Site) -> None:
    made = site.repository
    made.commit(made.tree(reversed(sorted(made.entries(GOOD), key=lambda one: one[1]))))


def tagged(kind: str) -> Build:
    """A tag of something that is no commit."""

    def build(site: Site) -> None:
        made = site.repository
        site.commit_files(GOOD)
        made.tag("v1", kind, made.blob() if kind == "blob" else made.folder(made.entries(GOOD)))
        site.ref = "v1"

    return build


def branch_of(kind: str) -> Build:
    """A branch that names no commit."""

    def build(site: Site) -> None:
        made = site.repository
        commit, folder = made.commit(made.folder(made.entries(GOOD))), made.folder(made.entries(GOOD))
        named = {"blob": made.blob(), "tree": folder}.get(kind) or made.tag("v1", "commit", commit)
        made.write("refs/heads/main", f"{named}\n")

    return build


def nested_tags(site: Site) -> None:
    made = site.repository
    last, kind = made.commit(made.folder(made.entries(GOOD))), "commit"
    for _ in range(60):
        last, kind = made.tag("v1", kind, last), "tag"
    site.ref = "v1"


def corrupt(site: Site) -> None:
    """A file's object whose bytes are not those of its name."""
    site.commit_files(GOOD)
    made = site.repository
    made.objects[made.blob(APP_CODE)] = ("blob", b"import os\n")


def inflated(site: Site) -> None:
    """An object that is far larger than it says."""
    site.commit_files(GOOD)
    made = site.repository
    readme = made.blob(GOOD["apps/blocklist/README.md"])
    made.forget(readme)
    target = made.path / "objects" / readme[:2] / readme[2:]
    target.parent.mkdir()
    target.write_bytes(zlib.compress(b"blob 12\0" + bytes(50_000_000), 1))


MALFORMED = "malformed"
BROKEN_OFF = "breaks off or is damaged|Git says|malformed"
CASES |= {
    "padded modes": Case(build=entry_with("0100644", RawRepository.blob), refused=MALFORMED),
    "a mode that does not exist": Case(build=entry_with("100777", RawRepository.blob), offered=BOTH),
    "a mode of nothing": Case(build=entry_with("10644", RawRepository.blob), offered=BOTH, left_out=("x",)),
    "the null object": Case(build=entry_with(FILE, lambda made: "0" * 40), refused=BROKEN_OFF),
    "a file that is a folder": Case(build=entry_with(FILE, lambda made: made.tree([])), refused="missing|listed|Git says|damaged"),
    "a folder that is a file": Case(build=entry_with(FOLDER, RawRepository.blob), refused="listed|Git says|damaged"),
    "a tree in disorder": Case(build=unsorted, refused=MALFORMED),
    "a missing file": Case(build=missing("blob"), refused=BROKEN_OFF),
    "a missing folder": Case(build=missing("tree"), refused=BROKEN_OFF),
    "a missing commit": Case(build=missing("commit"), refused="default branch|Git says"),
    "a commit without author": Case(build=headers(b"committer %s\n" % PERSON), refused=MALFORMED),
    "a commit with two authors": Case(build=headers(b"author %s\n" % PERSON * 2 + b"committer %s\n" % PERSON), refused=MALFORMED),
    "a time beyond all time": Case(
        build=headers(b"author a <a@b> %d +0000\ncommitter a <a@b> %d +0000\n" % (2**70, 2**70)), refused=MALFORMED
    ),
    "a zone that is none": Case(build=headers(b"author a <a@b> 1 +99\ncommitter a <a@b> 1 +99\n"), refused=MALFORMED),
    "a NUL in the headers": Case(build=headers(b"author %s\ncommitter %s\nx \0\n" % (PERSON, PERSON)), refused=MALFORMED),
    "an encoding that is none": Case(
        build=headers(b"author %s\ncommitter %s\nencoding ../../x\n" % (PERSON, PERSON), b"\xff\xfe\x1b[31m\n"), offered=BOTH
    ),
    "a tag of a file": Case(build=tagged("blob"), refused="no branch, tag or commit|no commit|Git says"),
    "a tag of a folder": Case(build=tagged("tree"), refused="no branch, tag or commit|no commit|Git says"),
    "a branch that is a file": Case(build=branch_of("blob"), refused="no commit|not among"),
    "a branch that is a folder": Case(build=branch_of("tree"), refused="no commit|not among"),
    "a branch that is a tag": Case(build=branch_of("tag"), refused="no commit|not among"),
    "sixty tags in each other": Case(build=nested_tags, offered=BOTH),
    "an object that was exchanged": Case(build=corrupt, refused=BROKEN_OFF),
    "an object larger than it says": Case(build=inflated, refused=BROKEN_OFF),
}


# ------------------------------------------------------------- special files of Git


def with_file(name: str, text: str) -> Build:
    """Good items, and one of Git's own files beside them."""
    return lambda site: site.commit_files({**GOOD, name: text.replace("OWNED", site.owned())})


def module(name: str = "x", path: str = "x", url: str = "https://example.org/x", more: str = "") -> Build:
    """A submodule and what .gitmodules says of it."""

    def build(site: Site) -> None:
        text = f'[submodule "{name}"]\n\tpath = {path}\n\turl = {url}\n{more}'.replace("OWNED", site.owned())
        site.commit_files({**GOOD, ".gitmodules": text}, (SUBMODULE, "x", "1" * 40))

    return build


ATTRIBUTES = (
    "* filter=evil diff=evil merge=evil\n*.json ident export-subst working-tree-encoding=UTF-16\n"
    "apps/** export-ignore text eol=crlf\n"
)
CASES |= {
    "a submodule": Case(build=module(), offered=BOTH, left_out=("x",)),
    "a submodule with an option for a URL": Case(build=module(url="-u./OWNED"), refused=MALFORMED),
    "a submodule with an option for a path": Case(build=module(path="-uOWNED"), refused=MALFORMED),
    "a submodule in the hooks": Case(build=module(name="../../hooks"), refused=MALFORMED),
    "a submodule with a command": Case(build=module(more="\tupdate = !OWNED\n"), refused=MALFORMED),
    ".gitmodules as a link": Case(
        build=lambda site: site.commit_files(GOOD, (LINK, ".gitmodules", site.repository.blob("/etc/passwd"))), refused=MALFORMED
    ),
    ".gitattributes with filters": Case(
        build=with_file("apps/blocklist/.gitattributes", ATTRIBUTES), offered=BOTH
    ),
    ".gitattributes with an endless line": Case(build=with_file(".gitattributes", f"* {'x' * 5000}\n"), refused=MALFORMED),
    ".mailmap": Case(build=with_file(".mailmap", "\x1b[31m <a@b> <c@d>\n"), offered=BOTH),
    ".lfsconfig": Case(build=with_file(".lfsconfig", '[lfs]\n\turl = ext::OWNED\n[filter "lfs"]\n\tsmudge = OWNED\n'), offered=BOTH),
    "hooks in the tree": Case(
        build=lambda site: site.commit_files({**GOOD, "hooks/post-checkout": site.owned(), ".githooks/post-merge": site.owned()}),
        offered=BOTH,
    ),
    "a link to a secret in an item": Case(
        build=lambda site: site.commit_files(
            {"recon/playbook.py": PLAYBOOK_CODE},
            (FOLDER, "apps", site.repository.folder([(FOLDER, "blocklist", site.repository.folder([
                *site.repository.entries({"app.json": json.dumps(APP), "app.py": APP_CODE}),
                (LINK, "feed.txt", site.repository.blob("/etc/passwd")),
            ]))])),
        ),
        offered=("blocklist",), left_out=("apps/blocklist/feed.txt",),
    ),
    "a manifest that is a link": Case(
        build=lambda site: site.commit_files(GOOD, (LINK, "app.json", site.repository.blob("/etc/passwd"))),
        offered=BOTH, left_out=("app.json",),
    ),
    "a folder that is a link": Case(
        build=lambda site: site.commit_files(GOOD, (LINK, "up", site.repository.blob("../.."))), offered=BOTH, left_out=("up",),
    ),
}  # fmt: skip


# ------------------------------------------------------------- repositories whose own files are wrong


def configured(text: str) -> Build:
    """Good items in a repository with this configuration."""

    def build(site: Site) -> None:
        site.commit_files(GOOD)
        config = site.repository.path / "config"
        config.write_text(config.read_text() + text.replace("OWNED", site.owned()).replace("OUTSIDE", str(site.outside)))

    return build


def head(text: str) -> Build:
    """Good items, and a HEAD that says something else."""

    def build(site: Site) -> None:
        site.commit_files(GOOD)
        site.repository.write("HEAD", text)

    return build


def detached(site: Site) -> None:
    site.commit_files(GOOD)
    site.repository.write("HEAD", (site.repository.path / "refs/heads/main").read_text())


def files_of(names: Mapping[str, str]) -> Build:
    """Good items, and other files of the repository itself."""

    def build(site: Site) -> None:
        site.commit_files(GOOD)
        for name, text in names.items():
            site.repository.write(name, text.replace("OUTSIDE", str(site.outside)))

    return build


def hooked(site: Site) -> None:
    """Every hook that there is."""
    site.commit_files(GOOD)
    for name in ("pre-upload", "post-upload-pack", "reference-transaction", "post-checkout", "fsmonitor-watchman"):
        site.repository.write(f"hooks/{name}", f"#!/bin/sh\n{site.owned()}\n")
        (site.repository.path / "hooks" / name).chmod(0o755)


def promised(site: Site) -> None:
    """A partial clone: what is missing would be fetched by a command of its own choice."""
    missing("blob")(site)
    site.repository.write(
        "config",
        "[core]\n\trepositoryformatversion = 1\n\tbare = true\n[extensions]\n\tpartialClone = origin\n"
        f'[remote "origin"]\n\turl = {site.outside}\n\tpromisor = true\n\tuploadpack = {site.owned()};\n',
    )


def replaced(site: Site) -> None:
    """``refs/replace`` and grafts that show another file than the commit has."""
    site.commit_files(GOOD)
    made = site.repository
    code, other = made.blob(APP_CODE), made.blob("import os; os.system('x')\n")
    made.write(f"refs/replace/{code}", f"{other}\n")
    made.write("info/grafts", f"{(made.path / 'refs/heads/main').read_text().strip()} {'1' * 40}\n")


def linked_refs(site: Site) -> None:
    site.commit_files(GOOD)
    (site.outside / "ref").write_text((site.repository.path / "refs/heads/main").read_text())
    (site.repository.path / "refs/heads/main").unlink()
    (site.repository.path / "refs/heads/main").symlink_to(site.outside / "ref")


def git_file(text: str) -> Build:
    """A folder whose ``.git`` is a file."""

    def build(site: Site) -> None:
        site.commit_files(GOOD)
        folder = site.repository.path.with_name(f"{site.repository.path.name}-worktree")
        folder.mkdir()
        (folder / ".git").write_text(text.replace("HERE", str(site.repository.path)).replace("OUTSIDE", str(site.outside)))
        site.url = str(folder)

    return build


def no_repository(site: Site) -> None:
    folder = site.repository.path.with_name("plain")
    folder.mkdir()
    (folder / "app.json").write_text(json.dumps(APP))
    site.url = str(folder)


def of_somebody_else(site: Site) -> None:
    site.commit_files(GOOD)
    site.repository.publish()
    site.repository.objects.clear()
    for path in (site.repository.path, *site.repository.path.rglob("*")):
        os.chown(path, NOBODY, NOBODY)


def odd_refs(site: Site) -> None:
    site.commit_files(GOOD)
    made = site.repository
    commit = (made.path / "refs/heads/main").read_text().strip()
    odd = ["ma\u202ein", "mai", "main'; touch owned #", "$(touch owned)", "--upload-pack=x", "a..b"]
    made.write("packed-refs", "".join(f"{commit} refs/heads/{name}\n" for name in odd))
    site.ref = "maint"


NOT_A_REPOSITORY = "no Git repository is there|Git says"
CASES |= {
    "an empty repository": Case(build=lambda site: None, refused="no default branch"),
    "HEAD names a missing branch": Case(build=head("ref: refs/heads/gone\n"), refused="no default branch"),
    "HEAD names a file outside": Case(build=head("ref: ../../../../etc/passwd\n"), refused=NOT_A_REPOSITORY),
    "HEAD is nonsense": Case(build=head("\x1b[31m\n"), refused=NOT_A_REPOSITORY),
    "HEAD names no branch": Case(build=detached, offered=BOTH),
    "a branch that is a link": Case(build=linked_refs, offered=BOTH),
    "names of branches that are commands": Case(build=odd_refs, refused="no branch, tag or commit"),
    "a hook for packing": Case(build=configured("[uploadpack]\n\tpackObjectsHook = OWNED;\n"), offered=BOTH),
    "a file monitor and an editor": Case(
        build=configured("[core]\n\tfsmonitor = OWNED\n\tsshCommand = OWNED\n\teditor = OWNED\n\tpager = OWNED\n\thooksPath = OUTSIDE\n\talternateRefsCommand = OWNED\n"),
        offered=BOTH,
    ),
    "aliases, filters and helpers": Case(
        build=configured('[alias]\n\tupload-pack = !OWNED\n\tpack-objects = !OWNED\n[filter "evil"]\n\tsmudge = OWNED\n[credential]\n\thelper = !OWNED\n'),
        offered=BOTH,
    ),
    "URLs that are rewritten": Case(
        build=configured('[url "ext::OWNED "]\n\tinsteadOf = file://\n[protocol]\n\tallow = always\n'), offered=BOTH
    ),
    "a configuration that includes another": Case(build=configured("[include]\n\tpath = OUTSIDE/included\n"), offered=BOTH),
    "a configuration that is broken": Case(build=configured("[core\n"), refused="Git says"),
    "an unknown extension": Case(build=configured("[core]\n\trepositoryformatversion = 99\n"), refused="Git says|no Git"),
    "another kind of hash": Case(
        build=configured("[core]\n\trepositoryformatversion = 1\n[extensions]\n\tobjectFormat = sha256\n"), refused="Git says|no default|no Git"
    ),
    "hooks": Case(build=hooked, offered=BOTH),
    "a partial clone that fetches by a command": Case(build=promised, refused="Git says|damaged"),
    "replaced objects and grafts": Case(build=replaced, offered=BOTH),
    "objects of a place that is not there": Case(build=files_of({"objects/info/alternates": "OUTSIDE/nowhere\n"}), offered=BOTH),
    "objects of itself": Case(build=files_of({"objects/info/alternates": ".\n../objects\n"}), offered=BOTH),
    "shallow at nonsense": Case(build=files_of({"shallow": "nonsense\n"}), refused="Git says"),
    "packed refs that are broken": Case(build=files_of({"packed-refs": "\x00\xff nonsense\n"}), refused="Git says|no Git"),
    "packed refs that lead outside": Case(
        build=files_of({"packed-refs": f"{'1' * 40} refs/heads/../../x\n"}), refused="Git says"
    ),
    ".git is a file that leads to it": Case(build=git_file("gitdir: HERE\n"), offered=BOTH),
    ".git is a file that leads nowhere": Case(build=git_file("gitdir: OUTSIDE/nowhere\n"), refused=NOT_A_REPOSITORY),
    ".git is a file of nonsense": Case(build=git_file("\x1b[31mgitdir\n"), refused=NOT_A_REPOSITORY),
    "a folder that is no repository": Case(build=no_repository, refused=NOT_A_REPOSITORY),
}
if os.geteuid() == 0:  # nobody else can give a folder away
    CASES["a repository of somebody else"] = Case(build=of_somebody_else, refused="belongs to another user")


# ------------------------------------------------------------- items


def item(manifest: Any = None, *, raw: str | bytes | None = None, **files: str | bytes) -> Build:
    """A good playbook beside an app with this manifest; ``__`` in names of files is a dot."""
    content = json.dumps({**APP, **(manifest or {})}) if raw is None else raw
    below = {name.replace("__", "."): text for name, text in {"app__py": APP_CODE, **files}.items()}
    return lambda site: site.commit_files(
        {**{path: text for path, text in GOOD.items() if "recon" in path}, "apps/blocklist/app.json": content,
         **{f"apps/blocklist/{name}": text for name, text in below.items()}}
    )  # fmt: skip


def raw(content: str | bytes) -> Case:
    """A manifest that is no JSON."""
    return Case(build=item(raw=content), broken={"blocklist": "manifest-syntax"}, offered=("recon",))


def form(**changes: Any) -> Case:
    """A manifest that is JSON, and not what it should be; the item is called like its folder."""
    return Case(build=item(changes), broken={"blocklist": "manifest-form"}, offered=("recon",))


def code(text: str | bytes, rule: str = "python-syntax") -> Case:
    """A source that nobody can read."""
    return Case(build=item(app__py=text), broken={"blocklist": rule}, offered=("recon",))


SPELLED = json.dumps(APP)
CASES |= {
    "manifest: 100,000 brackets": raw("[" * 100_000),
    "manifest: 600 brackets": raw(SPELLED[:-1] + ', "x": ' + "[" * 600 + "]" * 600 + "}"),
    "manifest: 100 objects": raw(SPELLED[:-1] + ', "x": ' + '{"a":' * 100 + "1" + "}" * 100 + "}"),
    "manifest: 100,000 objects": raw('{"a":' * 100_000),
    "manifest: 9 MB": raw('{"name": "blocklist", "summary": "' + "x" * 9_000_000 + '"}'),
    "manifest: NaN": raw(SPELLED[:-1] + ', "concurrency": NaN}'),
    "manifest: a number beyond all": raw(SPELLED.replace('"required": true, "d', '"d')[:-1] + ', "concurrency": 1e999}'),
    "manifest: a number of 10,000 digits": raw(SPELLED[:-1] + ', "concurrency": ' + "9" * 10_000 + "}"),
    "manifest: byte order mark": raw(b"\xef\xbb\xbf" + SPELLED.encode()),
    "manifest: UTF-16": raw(SPELLED.encode("utf-16")),
    "manifest: NUL bytes": raw(SPELLED.replace("blocklist", "block\0list")),
    "manifest: only NUL bytes": raw(bytes(1000)),
    "manifest: empty": raw(""),
    "manifest: half of a pair": raw(SPELLED.replace("Apache-2.0", "\\ud83d")),
    "manifest: LFS pointer": raw("version https://git-lfs.github.com/spec/v1\noid sha256:" + "a" * 64 + "\nsize 1\n"),
    "manifest: a key twice": Case(
        build=item(raw=SPELLED[:-1] + ', "name": "other"}'), broken={"other": "manifest-form"}, offered=("recon",)
    ),
    "manifest: a list": Case(build=item(raw="[]"), broken={"blocklist": "manifest-form"}, offered=("recon",)),
    "item: named like an option": form(name="--yes"),
    "item: named like a path": form(name="../../x"),
    "item: named by a terminal escape": form(name="\x1b[2J\x1b]0;owned\x07"),
    "item: named by a number": form(name=7),
    "item: named by a list": form(name=["a"]),
    "item: a name of 10,000 letters": form(name="a" * 10_000),
    "item: a version like a path": form(version="../../1.0"),
    "item: a version of two lines": form(version="1.0\n"),
    "item: main above": form(main="../x.py"),
    "item: main at the top": form(main="/etc/passwd.py"),
    "item: main is an option": form(main="-c.py"),
    "item: main is a folder": Case(
        build=item({"main": "lib.py"}, **{"lib__py/x__py": ""}),
        broken={"blocklist": "main-file"}, offered=("recon",),
    ),
    "item: main is a link": Case(
        build=lambda site: site.commit_files({}, (FOLDER, "blocklist", site.repository.folder([
            *site.repository.entries({"app.json": SPELLED}), (LINK, "app.py", site.repository.blob("../../../etc/passwd")),
        ]))), broken={"blocklist": "main-file"}, left_out=("blocklist/app.py",),
    ),
    "item: a function that is code": Case(
        build=item({"actions": [{**APP["actions"][0], "function": "__import__('os').system"}]}),
        broken={"blocklist": "code-manifest"}, offered=("recon",),
    ),
    "item: two manifests in one folder": Case(
        build=item(playbook__json=json.dumps(PLAYBOOK)), broken={"blocklist": "two-manifests"}, offered=("recon",)
    ),
    "item: inside of another": Case(
        build=item(**{"inner/app__json": json.dumps({**APP, "name": "inner"})}), offered=BOTH,
        left_out=("apps/blocklist/inner/app.json",),
    ),
    "item: three of one name": Case(
        build=lambda site: site.commit_files({f"{name}/app.json": SPELLED for name in "abc"}), broken={"blocklist": "item-name"}
    ),
    "item: 300 of one name": Case(
        build=lambda site: site.commit_files({f"a{number}/app.json": SPELLED for number in range(300)}), broken={"blocklist": "item-name"}
    ),
    "item: 3,000 files": Case(build=item(**{f"data/{number}__csv": str(number) for number in range(3000)}), offered=BOTH),
    "item: a requirement from a URL": Case(
        build=item({"requires": ["x @ https://example.org/x.whl"]}), broken={"blocklist": "requirement"}, offered=("recon",)
    ),
    "item: a requirement that is an option": Case(
        build=item({"requires": ["--index-url=https://example.org"]}), broken={"blocklist": "requirement"}, offered=("recon",)
    ),
    "item: a lock that includes a file": Case(
        build=item({"requires": ["x==1"]}, requirements__lock="-r /etc/passwd\n"), broken={"blocklist": "requirements-lock"}, offered=("recon",)
    ),
    "item: a start-up file": Case(
        build=item(**{"evil__pth": "import os\n"}), broken={"blocklist": "startup-file"}, offered=("recon",)
    ),
    "item: a module of the SDK's name": Case(
        build=item(repertory_sdk__py=""), broken={"blocklist": "shadowing"}, offered=("recon",)
    ),
    "code: LFS pointer": Case(
        build=item(app__py="version https://git-lfs.github.com/spec/v1\noid sha256:" + "a" * 64 + "\nsize 1\n"),
        broken={"blocklist": "lfs-pointer"}, offered=("recon",),
    ),
    "code: half of a pair": code(APP_CODE.replace("ip reputation", "ip \\ud83d"), "code-manifest"),
    "code: NUL bytes": code(APP_CODE + "\0"),
    "code: not UTF-8": code(APP_CODE.encode() + b"# caf\xe9\n", "encoding"),
    "code: another encoding": code("# coding: utf-7\n" + APP_CODE, "encoding"),
    "code: an encoding that is none": code("# coding: evil\n" + APP_CODE),
    "code: 100,000 parentheses": code("x = " + "(" * 100_000),
    "code: 100,000 signs": code(APP_CODE + "x = " + "-" * 100_000 + "1\n"),
    "code: 150 blocks in each other": code(APP_CODE + "".join(" " * n + "if 1:\n" for n in range(150)) + " " * 150 + "pass\n"),
    "code: a number of 100,000 digits": code(APP_CODE + "x = " + "9" * 100_000 + "\n"),
    "list: 600 brackets": Case(
        build=with_file("repertory-catalog.json", '{"x": ' + "[" * 600 + "]" * 600 + "}"), refused="too deeply nested"
    ),
    "list: 4 MB": Case(build=with_file("repertory-catalog.json", " " * 4_000_001), refused="4,000,000 are the most"),
    "repertory.toml: 20,000 brackets": Case(
        build=lambda site: site.commit_files({**GOOD, "repertory.toml": "a = " + "[" * 20_000}), offered=BOTH, left_out=("repertory.toml",)
    ),
    "repertory.toml: silences errors": Case(
        build=lambda site: site.commit_files({**GOOD, "apps/blocklist/app.json": "{", "repertory.toml": '[checks]\nignore = ["*", "manifest-syntax"]\n'}),
        broken={"blocklist": "manifest-syntax"}, offered=("recon",),
    ),
}  # fmt: skip
