"""Run the tests that a connector's repository ships, unchanged, where Repertory would run the connector.

The environment is the one that Repertory builds for it. pytest and what tests/requirements.txt asks for lie behind it. The folder and
/opt/phantom are copies in a mount namespace of their own, without a network but loopback; bubblewrap makes it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from xml.etree import ElementTree

import uv

from repertory.content.changes.progress import silent
from repertory.content.checks.issue import Issue
from repertory.content.environments.environments import environment_of
from repertory.content.environments.interpreters import python_of
from repertory.content.environments.package_index import index_settings
from repertory.content.items.found import FoundItem
from repertory.content.items.inspection import inspect_folder
from repertory.content.items.opening import content_of
from repertory.errors import UserError
from repertory.home import Home
from repertory.runtime.processes.sdk_copy import FLAGS, sdk_folder
from repertory_sdk.classic import FORMAT
from repertory_sdk.manifest import AppManifest

PLATFORM = "/opt/phantom"
SECONDS = 900
INSIDE = Path(__file__).with_name("upstream_inside.py")
KNOWN = Path(__file__).with_name("upstream_known.toml")
TOOLS = ("pytest>=8", "pytest-mock", "python-dotenv", "requests-mock")  # some take these for granted
_NAME = re.compile(r"[^A-Za-z0-9._-]")


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A test that did not pass, or a module that could not be collected."""

    test: str
    message: str
    reason: str  # why it is not ours to mend; empty where nobody has looked


@dataclass(frozen=True, kw_only=True)
class Upstream:
    """What became of the tests of one connector. ``note`` says why there is nothing to count."""

    connector: str
    passed: int = 0
    skipped: int = 0
    failures: tuple[Failure, ...] = ()
    note: str = ""

    @property
    def total(self) -> int:
        """Of those that were not skipped by their authors."""
        return self.passed + len(self.failures)


def ships_tests(folder: Path) -> bool:
    """Whether pytest would find any file to collect, or somebody wants it to look."""
    return any(test_files(folder)) or (folder / "tests").is_dir()


def test_files(folder: Path) -> list[Path]:
    """By the names that pytest collects."""
    return sorted(path for name in ("test_*.py", "*_test.py") for path in folder.rglob(name))


def measure_all_upstream(folders: Sequence[Path], cache: Path) -> Iterator[Upstream]:
    """Of every connector that ships tests."""
    for folder in folders:
        if ships_tests(folder):
            yield measure_upstream(folder, cache)


def measure_upstream(folder: Path, cache: Path, extras: Path | None = None) -> Upstream:
    """Run the tests of the connector in ``folder``; environments and what tests need are kept in ``cache``.

    ``extras`` has pytest and what the tests import; without it, it is made.
    """
    if not test_files(folder):
        return Upstream(connector=folder.name, note="has a folder for tests, and none in it")
    if shutil.which("bwrap") is None:
        return Upstream(connector=folder.name, note="needs bubblewrap on this machine")
    home = Home(cache)
    try:
        item = _connector(folder)
        python = _environment(home, folder, item)
        extras = extras or _extras(cache, folder, python)
    except UserError as error:
        return Upstream(connector=folder.name, note=_known(folder.name).get("", error.message))
    with tempfile.TemporaryDirectory(prefix="upstream-") as name:
        return _run(folder, item, Path(name), python, sdk_folder(home), extras, cache)


def _connector(folder: Path) -> FoundItem:
    inspection = inspect_folder(folder)
    for item in inspection.items:
        if isinstance(item.manifest, AppManifest) and item.manifest.format == FORMAT and not item.folder:
            _refuse([issue for issue in item.issues if issue.is_error])
            return item
    _refuse(inspection.all_issues)
    raise UserError("not a classic connector", "look at the folder")


def _refuse(issues: Sequence[Issue]) -> None:
    for issue in issues:
        raise UserError(issue.message, issue.hint)


def _environment(home: Home, folder: Path, item: FoundItem) -> Path:
    """The interpreter that the connector's worker would be started with."""
    assert isinstance(item.manifest, AppManifest)
    content = f"upstream-{folder.name}"
    home.contents.mkdir(parents=True, exist_ok=True)
    home.content(content).unlink(missing_ok=True)
    home.content(content).symlink_to(folder.resolve())
    return python_of(home, environment_of(home, item.manifest, content, folder.name, silent))


def _extras(cache: Path, folder: Path, python: Path) -> Path:
    """A folder with pytest and what the tests ask for, in their versions where there are wheels of them."""
    asked = [line for name in ("tests", "test") for line in _lines(folder / name / "requirements.txt")]
    lines = [*TOOLS, *asked]
    target = cache / "extras" / hashlib.sha256("\n".join([str(python), *lines]).encode()).hexdigest()[:16]
    if target.exists():
        return target
    making = target.with_name(f"{target.name}.{os.getpid()}.new")
    for tried in (lines, [_NAME.split(line)[0] for line in lines]):
        done = _install(tried, making, python)
        if done.returncode == 0:
            making.rename(target)
            return target
        shutil.rmtree(making, ignore_errors=True)
    raise UserError(f"what the tests need cannot be installed: {done.stderr.strip().splitlines()[-1]}", "see above")


def _lines(path: Path) -> list[str]:
    text = path.read_text("utf-8") if path.is_file() else ""
    return [line for line in map(str.strip, text.splitlines()) if line and not line.startswith(("#", "-"))]


def _install(lines: list[str], target: Path, python: Path) -> subprocess.CompletedProcess[str]:
    index = index_settings()
    words = ["pip", "install", "--quiet", "--python", str(python), "--target", str(target), *index.options, *lines]
    return subprocess.run([uv.find_uv_bin(), *words], env={**os.environ, **index.variables}, capture_output=True, text=True)


def _run(folder: Path, item: FoundItem, work: Path, python: Path, sdk: Path, extras: Path, cache: Path) -> Upstream:
    appid = _appid(folder, item)
    name = re.sub(r"\W", "_", f"{folder.name}_{appid}")  # a package, as its checkout is, but not one of another name's
    (work / "phantom/apps").mkdir(parents=True)
    (work / "tmp").mkdir()
    shutil.copytree(folder, work / "phantom/apps" / name, ignore=shutil.ignore_patterns(".git", "wheels"))
    report = work / "report.xml"
    inside = [str(python), *FLAGS, str(INSIDE), str(sdk), str(extras), f"{PLATFORM}/apps/{name}", appid, str(report)]
    environment = {
        "HOME": str(work), "TMPDIR": str(work / "tmp"), "PATH": f"{python.parent}:/usr/bin:/bin", "PHANTOM_HOME": PLATFORM,
        "USERNAME": "automation", "PASSWORD": "password", "LANG": "C.UTF-8",
    }  # fmt: skip
    try:
        done = subprocess.run(
            [*_walls(work, cache, extras, sdk, INSIDE.parent), *inside], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            errors="replace", timeout=SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return Upstream(connector=folder.name, note=f"not done after {SECONDS} s")
    if not report.exists():
        said = (done.stderr or done.stdout).strip().rpartition("\n")[2]
        return Upstream(connector=folder.name, note=_known(folder.name).get("", f"pytest cannot be run: {said}"))
    return _read(folder.name, report)


def _appid(folder: Path, item: FoundItem) -> str:
    assert item.app is not None
    return str(json.loads(content_of(folder).read(item.app.origin))["appid"])


def _walls(work: Path, *seen: Path) -> list[str]:
    """The machine as it is, but nothing to be written, /opt/phantom a folder of ours, and no network but loopback."""
    beside = [*sorted(Path("/opt").iterdir()), *(path.resolve() for path in seen)]
    return [
        "bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/opt", "--tmpfs", "/tmp",
        *(word for path in beside for word in ("--ro-bind", str(path), str(path))),
        "--bind", str(work / "phantom"), PLATFORM, "--bind", str(work), str(work),
        "--unshare-net", "--unshare-pid", "--die-with-parent", "--new-session",
    ]  # fmt: skip


def _read(connector: str, report: Path) -> Upstream:
    known = _known(connector)
    passed = skipped = 0
    failures = []
    for case in ElementTree.parse(report).iter("testcase"):
        bad = next((child for child in case if child.tag in ("failure", "error")), None)
        if bad is not None:
            test = "::".join(filter(None, (case.get("classname"), case.get("name"))))
            failures.append(Failure(test=test, message=_said(bad), reason=_reason(known, test)))
        elif case.find("skipped") is not None:
            skipped += 1
        else:
            passed += 1
    return Upstream(connector=connector, passed=passed, skipped=skipped, failures=tuple(failures))


def _said(bad: ElementTree.Element) -> str:
    """The last error of a traceback says more than that there is one."""
    lines = [line[1:].strip() for line in (bad.text or "").splitlines() if line.startswith("E ")]
    return (lines[-1] if lines and bad.tag == "error" else bad.get("message", "")).partition("\n")[0][:300]


def _known(connector: str) -> Mapping[str, str]:
    reasons: Mapping[str, str] = tomllib.loads(KNOWN.read_text("utf-8")).get(connector, {})
    return reasons


def _reason(known: Mapping[str, str], test: str) -> str:
    return next((reason for pattern, reason in known.items() if pattern and fnmatch(test, pattern)), "")
