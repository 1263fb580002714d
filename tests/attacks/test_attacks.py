"""Every attack at every level, as root and as an ordinary user; each is to end as the catalogue says."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import platformdirs
import pluggy
import pytest

import repertory
import repertory_sdk
from attacks.catalog import EXPECTED, LEVELS, RECORDED
from attacks.table import PAGE, page_with

if TYPE_CHECKING:
    from collections.abc import Iterator

TESTS = Path(__file__).parents[1]
NOBODY = 65534
PATIENCE_S = 240
PYTHONS = (sys.executable, "/usr/local/bin/python3", "/usr/bin/python3")


@dataclass(frozen=True, kw_only=True)
class Account:
    """Who attacks, from a folder that he can read."""

    is_root: bool
    python: str
    folder: Path
    options: dict[str, Any]

    def attack(self, level: str) -> dict[str, Any]:
        work = self.folder / "work"
        lib = self.folder / "lib"
        path = os.pathsep.join(map(str, (lib, lib / "tests", lib / "tests" / "attacks" / "inside")))
        environment = {"PATH": os.environ["PATH"], "HOME": str(work), "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", "LANG": "C.UTF-8"}
        script = lib / "tests" / "attacks" / "driver.py"
        done = subprocess.run(
            [self.python, str(script), level, str(work / level)], env=environment, cwd=work, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=PATIENCE_S, **self.options,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout)


@pytest.fixture(scope="session", params=["ourselves", "an ordinary user"])
def account(request: pytest.FixtureRequest) -> Iterator[Account]:
    """Whoever runs the tests; then, where that is root, somebody without rights."""
    ordinary = request.param == "an ordinary user"
    if ordinary and os.getuid() != 0:
        pytest.skip("only root can become somebody else")
    options = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if ordinary else {}
    folder = Path(tempfile.mkdtemp(prefix="attacks-", dir="/tmp"))
    try:
        folder.chmod(0o755)
        _copy(folder)
        if ordinary:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, NOBODY, NOBODY)
        python = next((one for one in PYTHONS if _runs(one, folder, options)), None)
        if python is None:
            pytest.skip("no Python that others can run")
        yield Account(is_root=not ordinary and os.getuid() == 0, python=python, folder=folder, options=options)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _copy(folder: Path) -> None:
    """What is attacked and who attacks it, without the folders of whoever runs the tests."""
    for package in (repertory, repertory_sdk, pluggy, platformdirs):
        source = Path(package.__file__ or "").parent
        shutil.copytree(source, folder / "lib" / source.name, ignore=shutil.ignore_patterns("__pycache__", "community"))
    shutil.copytree(TESTS / "attacks", folder / "lib" / "tests" / "attacks", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("folder_library.py", "runtime_lab.py", "far_files.py"):
        shutil.copy(TESTS / name, folder / "lib" / "tests")
    (folder / "work").mkdir()


def _runs(python: str, folder: Path, options: dict[str, Any]) -> bool:
    code = "import sys, ctypes, venv; sys.exit(sys.version_info < (3, 11))"
    try:
        return subprocess.run([python, "-I", "-c", code], cwd=folder, capture_output=True, **options).returncode == 0
    except OSError:
        return False


@pytest.mark.may_skip("not every machine has every level, and only root can become somebody else")
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has walls")
@pytest.mark.parametrize("level", LEVELS)
def test_no_attack_ends_otherwise_than_expected(account: Account, level: str) -> None:
    found = account.attack(level)
    if "missing" in found:
        pytest.skip(found["missing"])
    surprises = []
    for one in EXPECTED:
        outcome = found[one.who].get(one.name, {"verdict": "not tried", "errno": 0, "detail": ""})
        if not one.accepts(level, as_root=account.is_root, verdict=outcome["verdict"], errno=outcome["errno"]):
            wanted = one.wanted(level, as_root=account.is_root)
            surprises.append(f"{one.who}: {one.name}: {outcome['verdict']}, not {wanted} ({outcome['detail']})")
    assert surprises == []
    tried = {(who, name) for who in ("app", "playbook") for name in found[who]}
    assert tried <= {(one.who, one.name) for one in EXPECTED} | {("playbook", "ask for a connection in the name of the sdk")}
    if level != "process":
        assert [name for name, host in RECORDED.items() if host not in found["app"][name]["denied"]] == []


def test_there_are_many_attacks_and_walls_are_what_stops_most_of_them() -> None:
    apps = [one for one in EXPECTED if one.who == "app"]
    stopped_by_walls = [one for one in apps if one.verdicts[0] == "stopped" and one.verdicts[2].startswith("open")]
    assert len(apps) >= 100
    assert len(stopped_by_walls) >= 60


def test_the_table_in_the_documentation_is_current() -> None:
    text = PAGE.read_text("utf-8")
    assert text == page_with(text), "run: PYTHONPATH=sdk:cli:tests python tests/attacks/table.py"
