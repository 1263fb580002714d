"""Whatever stands in a file of a stranger: it is read, or refused in one sentence; nothing else is ever raised."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from content.builders import APP, APP_CODE, PLAYBOOK, PLAYBOOK_CODE
from content.test_hostile_repositories import MemoryTree
from repertory.content.checks.issue import Issue
from repertory.content.checks.rules import RULES
from repertory.content.checks.sarif import sarif_log
from repertory.content.git.paths import TreeLimits
from repertory.content.git.sources import Source
from repertory.content.git.tree import TreeEntry, judge
from repertory.content.installed.bundle_file import BUNDLE_SCHEMA
from repertory.content.installed.forks import UPSTREAM_FILE, UPSTREAM_SCHEMA
from repertory.content.installed.lock import LOCK_SCHEMA, parse_lock
from repertory.content.installed.merging import plan_merge
from repertory.content.installed.staging import staged_bundle
from repertory.content.items.inspection import Inspection, inspect_tree
from repertory.content.offered.catalog import Catalog, catalog_item, read_catalog, write_catalog
from repertory.content.offered.follows import list_repositories
from repertory.content.offered.index import update_index
from repertory.content.offered.members import MEMBERS_SCHEMA, parse_members
from repertory.content.trust.signers import parse_signers
from repertory.errors import UserError
from repertory.home import Home

EXAMPLES = settings(
    max_examples=40, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
PATIENCE_S = 10.0
# What breaks readers: options, paths, escapes, halves of characters, huge and odd numbers.
ODD = st.sampled_from(
    ["", "--all", "../x", "/etc/passwd", "\x1b[31m", "a\nb", "\0", "\ud83d", "\u202e", "x" * 5000, "1.0", "app.py", "ip",
     "string", "array", "contain", "urn:x", "ext::sh", "file:///x", "1" * 40, "a" * 64, "acme/tool", "${asset.x}", "(a+)+$"]
)  # fmt: skip
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | ODD | st.text(st.characters(), max_size=5)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ODD | st.text(max_size=3), inner, max_size=3), max_leaves=8
)
BYTES = st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode(errors="surrogatepass"))
Change = tuple[list[int], Any]
CHANGES = st.lists(st.tuples(st.lists(st.integers(0, 9), max_size=5), VALUES), min_size=1, max_size=3)


def changed(value: Any, steps: list[int], new: Any) -> Any:
    """A copy with another value at the place that these numbers lead to."""
    if not steps or not isinstance(value, (dict, list)) or not value:
        return new
    keys: list[Any] = list(value) if isinstance(value, dict) else list(range(len(value)))
    key = keys[steps[0] % len(keys)]
    copied = dict(value) if isinstance(value, dict) else list(value)
    copied[key] = changed(value[key], steps[1:], new)
    return copied


def mutated(original: Any, changes: list[Change]) -> bytes:
    """The text of something valid with a few other values in it."""
    for steps, new in changes:
        original = changed(original, steps, new)
    return json.dumps(original).encode()


def of(original: Any) -> st.SearchStrategy[bytes]:
    """Valid files with changes, any other JSON, and any bytes."""
    return CHANGES.map(lambda changes: mutated(original, changes)) | VALUES.map(lambda value: json.dumps(value).encode()) | BYTES


def told(read: Callable[[], object]) -> None:
    """Read, or refused by a sentence that can be written."""
    try:
        read()
    except UserError as error:
        assert error.message
        f"{error.message}{error.hint}".encode()


# ---------------------------------------------------------------------- manifests


def inspected(files: dict[str, bytes]) -> Inspection:
    """What is found in these files can be kept, found again and told."""
    inspection = inspect_tree(MemoryTree(files, []))
    log = json.dumps(sarif_log(inspection.all_issues, "1.0"), allow_nan=False, ensure_ascii=False)
    assert json.loads(log.encode())["version"] == "2.1.0"
    return inspection


@EXAMPLES
@given(manifest=of(APP))
def test_apps(tmp_path_factory: pytest.TempPathFactory, manifest: bytes) -> None:
    inspection = inspected({"a/app.json": manifest, "a/app.py": APP_CODE.encode()})
    (item,) = inspection.items
    assert item.manifest or any(issue.is_error for issue in item.issues)
    home = Home(tmp_path_factory.mktemp("home"))
    home.prepare()
    kept = Catalog(repository="x", url="file:///x", ref="", commit="1" * 40, synced_at=0.0, items=[catalog_item(item, "1")])
    write_catalog(home, kept)
    update_index(home)
    found = read_catalog(home, "x")
    assert found and [one.name for one in found.items] == [item.name]
    assert found.items[0].issues == item.issues


@EXAMPLES
@given(manifest=of(PLAYBOOK))
def test_playbooks(manifest: bytes) -> None:
    (item,) = inspected({"p/playbook.json": manifest, "p/playbook.py": PLAYBOOK_CODE.encode()}).items
    assert item.manifest or any(issue.is_error for issue in item.issues)


LINES = st.lists(
    st.sampled_from(
        ["def f(x): return x", "x = 1", "import os", "eval('1')", "while True: pass", "open('/etc/passwd')", "(", "    ", "\ufeff",
         "\\", "'''", "app = App(1, version=[])", "@app.action(*x, type=y)", "@app.asset", "class A(Asset): b: int = setting(1)",
         "@playbook(labels=x)", "def recon(event, play): play.act(play, **play)", "play.run('\\ud83d')", "x: int", "lambda: (yield)",
         "# -*- coding: latin-1 -*-", "match x:\n    case _: pass", "f'{x!r:{y}}'", "global x", "\t\tx", "\x0c", "caf\u00e9 = 1"]
    )
)  # fmt: skip


@EXAMPLES
@given(before=LINES, after=LINES, raw=BYTES)
def test_code(before: list[str], after: list[str], raw: bytes) -> None:
    for name, manifest, code in (("app", APP, APP_CODE), ("playbook", PLAYBOOK, PLAYBOOK_CODE)):
        source = "\n".join([*before, code, *after]).encode(errors="replace")
        inspected({f"{name}.json": json.dumps(manifest).encode(), f"{name}.py": source, "x/more.py": raw})


@EXAMPLES
@given(lock=BYTES, toml=BYTES, readme=BYTES, requires=st.lists(ODD | st.text(max_size=20), max_size=3))
def test_what_lies_beside(lock: bytes, toml: bytes, readme: bytes, requires: list[str]) -> None:
    manifest = json.dumps({**APP, "requires": requires}).encode()
    inspected(
        {"a/app.json": manifest, "a/app.py": APP_CODE.encode(), "a/requirements.lock": lock, "a/README.md": readme,
         "a/pyproject.toml": toml, "a/requirements.txt": lock, "repertory.toml": b"[checks]\n" + toml}
    )  # fmt: skip


# -------------------------------------------------------------------------- trees


@EXAMPLES
@given(paths=st.lists(st.text(st.characters() | st.sampled_from("./\\:\u0301gitGIT~1 "), max_size=12), max_size=5))
def test_paths_of_trees(paths: list[str]) -> None:
    told(lambda: judge([TreeEntry(path=path, size=1) for path in paths], TreeLimits()))


# -------------------------------------------------------------------- other files

LOCKED = {
    "$schema": LOCK_SCHEMA,
    "items": [
        {
            "name": "acme/tool", "kind": "app", "version": "1.0", "url": "file:///x", "commit": "1" * 40, "path": "apps/tool",
            "hash": "a" * 64, "permissions": ["x"], "grants": [], "needs": ["action x"],
        }
    ],
}  # fmt: skip
LISTED = {"$schema": MEMBERS_SCHEMA, "repositories": [{"name": "tool", "url": "https://example.org/x", "ref": "main", "summary": "x"}]}
FAR = Source(url="https://example.org/catalog")


@EXAMPLES
@given(content=of(LOCKED))
def test_locks(content: bytes) -> None:
    told(lambda: parse_lock(content))


@EXAMPLES
@given(content=of(LISTED))
def test_lists_of_repositories(content: bytes) -> None:
    told(lambda: parse_members(content, "acme", FAR))


@EXAMPLES
@given(content=of({"repositories": [{"name": "acme", "url": "https://example.org/x", "ref": ""}]}))
def test_followed_repositories(tmp_path: Path, content: bytes) -> None:
    home = Home(tmp_path)
    home.follows.parent.mkdir(parents=True, exist_ok=True)
    home.follows.write_bytes(content)
    told(lambda: list_repositories(home))


SIGNER_WORDS = ["alice@example.org", "ssh-ed25519", "AAAAC3NzaC1lZDI1NTE5AAAA", 'namespaces="git"', '"', "cert-authority", "valid-after=", "#",
                "\n", "-----BEGIN PGP PUBLIC KEY BLOCK-----", "-----END PGP PUBLIC KEY BLOCK-----", "\x1b", "PRIVATE KEY", "*", ",", "\r"]  # fmt: skip


@EXAMPLES
@given(content=st.lists(st.sampled_from(SIGNER_WORDS) | st.text(max_size=4)).map(lambda words: " ".join(words).encode(errors="replace")) | BYTES)
def test_files_of_signers(content: bytes) -> None:
    told(lambda: parse_signers(content))


COPIED = {
    "$schema": UPSTREAM_SCHEMA, "name": "acme/tool", "url": "file:///x", "ref": "", "commit": "1" * 40, "path": "apps/tool",
    "version": "1.0", "hash": "a" * 64,
}  # fmt: skip


@EXAMPLES
@given(content=of(COPIED))
def test_where_a_copy_came_from(tmp_path: Path, content: bytes) -> None:
    home = Home(tmp_path / "home")
    folder = tmp_path / "copy"
    folder.mkdir(exist_ok=True)
    (folder / UPSTREAM_FILE).write_bytes(content)
    told(lambda: plan_merge(home, folder))


BUNDLED = {
    "$schema": BUNDLE_SCHEMA, "items": ["acme/tool"], "files": {"wheels/x.whl": "a" * 64},
    "repositories": [{"name": "acme", "url": "file:///x", "ref": "", "commit": "1" * 40, "wanted": "1" * 40, "shallow": []}],
}  # fmt: skip


def members_of(content: bytes) -> dict[str, bytes]:
    """One member for all that an index names, with the hash that it has there."""
    digest = hashlib.sha256(b"x").hexdigest()
    with suppress(ValueError, TypeError, AttributeError, KeyError):
        index = json.loads(content)
        index["files"] = dict.fromkeys(index["files"], digest)
        return {"bundle.json": json.dumps(index).encode(), f"files/{digest}": b"x"}
    return {"bundle.json": content}


def look_at(home: Home, path: Path) -> None:
    with staged_bundle(home, path):
        pass


@EXAMPLES
@given(content=of(BUNDLED), name=ODD.map(lambda name: f"wheels/{name}"))
def test_bundles(tmp_path: Path, content: bytes, name: str) -> None:
    path, home = tmp_path / "bundle", Home(tmp_path / "home")
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as archive:
        for member, data in members_of(content.replace(b"wheels/x.whl", json.dumps(name)[1:-1].encode())).items():
            info = tarfile.TarInfo(member)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    told(lambda: look_at(home, path))
    assert sorted(one.name for one in tmp_path.iterdir()) == ["bundle", "home", "user"]


# --------------------------------------------------------------------------- SARIF


@EXAMPLES
@given(
    issues=st.lists(
        st.builds(
            Issue, path=ODD | st.text(max_size=9), line=st.integers(0, 10**9), rule=st.sampled_from([*(rule.id for rule in RULES), "another"]),
            severity=st.sampled_from(["error", "warning"]), message=ODD | st.text(max_size=9), hint=ODD,
        )
    )
)  # fmt: skip
def test_sarif_is_always_json(issues: list[Issue]) -> None:
    log = json.loads(json.dumps(sarif_log(issues, "1.0"), allow_nan=False, ensure_ascii=False).encode())
    assert len(log["runs"][0]["results"]) == len(issues)


# -------------------------------------------------------------------- nested code

DEEP = {
    "sums": ("x = 1", "+1", "\n"),
    "attributes": ("x = y", ".z", "\n"),
    "calls": ("x = y", "()", "\n"),
    "signs": ("x = ", "-", "1\n"),
    "lambdas": ("x = ", "lambda: ", "1\n"),
    "comparisons": ("x = 1", " if 1 else 1", "\n"),
    "else if": ("if 1: pass\n", "elif 1: pass\n", "\n"),
    "concatenated texts": ("x = 'a'", " + 'b'", "\n"),
    "powers": ("x = 9", " ** 9", "\n"),
    "shifts": ("x = 1", " << 99999", "\n"),
    "repeated texts": ("x = 'a'", " * 99999", "\n"),
    "formatted texts": ("x = f'", "{y}", "'\n"),
    "decorators": ("", "@x\n", "def g(): pass\n"),
}


@pytest.mark.parametrize("depth", [80, 700, 3000])
@pytest.mark.parametrize("kind", DEEP)
def test_deep_code(kind: str, depth: int) -> None:
    first, again, last = DEEP[kind]
    for name, manifest, code in (("app", APP, APP_CODE), ("playbook", PLAYBOOK, PLAYBOOK_CODE)):
        inspected({f"{name}.json": json.dumps(manifest).encode(), f"{name}.py": f"{code}\n{first}{again * depth}{last}".encode()})


PLACES = ("zzz", "default", "schema", "items")


@pytest.mark.parametrize("depth", [30, 200, 600, 960])
def test_deep_json(depth: int) -> None:
    parameter = APP["actions"][0]["parameters"][0]
    for place in PLACES:
        for opening, closing in (("[", "]"), ('{"items":', "}")):
            changed_parameter = {**parameter, place: "HERE", "required": place != "default"}
            text = json.dumps({**APP, "actions": [{**APP["actions"][0], "parameters": [changed_parameter]}]})
            text = text.replace('"HERE"', opening * depth + "1" + closing * depth)
            inspected({"app.json": text.encode(), "app.py": APP_CODE.encode()})
            told(lambda text=text: parse_lock(text.encode()))  # type: ignore[misc]
            told(lambda text=text: parse_members(text.encode(), "acme", FAR))  # type: ignore[misc]


LONG = {
    "letters": "a", "digits": "1", "base64": "Ab1/", "blanks": " ", "quotes": '"', "equals": "=", "assignments": "key=", "secrets": "password: '",
    "hyphens": "-----BEGIN ", "dots": "a.", "addresses": "http://a@", "markers": "<<<<<<< ", "braces": "{{", "escapes": "\\x41", "tokens": "ghp_a",
    "commas": "x,", "brackets": "[", "colons": "a:", "at": "@a.", "lines": "\n", "returns": "\r", "tabs": "\t=", "hashes": "--hash=sha256:a ",
}  # fmt: skip


@pytest.mark.parametrize("kind", LONG)
def test_one_endless_line(kind: str) -> None:
    text = (LONG[kind] * (300_000 // len(LONG[kind]))).encode()
    begin = time.process_time()
    for place in ("README.md", "requirements.lock", "data.json", "requirements.txt"):
        inspected({"app.json": json.dumps(APP).encode(), "app.py": APP_CODE.encode(), place: text})
    inspected({"app.json": json.dumps(APP).encode(), "app.py": APP_CODE.encode() + b"x = '''" + text + b"'''\n"})
    inspected({"app.json": json.dumps({**APP, "homepage": text.decode()}).encode(), "app.py": APP_CODE.encode() + b"# " + text})
    assert time.process_time() - begin < PATIENCE_S
