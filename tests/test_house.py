"""The promises of conftest.py: tests have homes of their own, and a skip counts where nothing may be skipped."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TESTS = """
import pytest
from pathlib import Path

def test_runs(): ...

@pytest.mark.may_skip("there is a reason")
@pytest.mark.skipif(True, reason="there is a reason")
def test_may_skip(): ...

@pytest.mark.skipif(True, reason="a condition")
def test_skipped_by_condition(): ...

def test_skips_itself(monkeypatch):
    monkeypatch.delenv("REPERTORY_NO_SKIPS", raising=False)
    pytest.skip("in the middle")

@pytest.fixture
def server():
    pytest.skip("no server")

def test_needs_server(server): ...

@pytest.mark.xfail
def test_is_expected_to_fail():
    assert False
"""


def run_tests(folder: Path, no_skips: str) -> tuple[int, dict[str, int]]:
    shutil.copy(ROOT / "conftest.py", folder)
    (folder / "test_sample.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", str(folder), str(folder)]
    environment = {**os.environ, "REPERTORY_NO_SKIPS": no_skips, "PYTEST_ADDOPTS": ""}
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=folder)
    summary = done.stdout.splitlines()[-1]
    return done.returncode, {kind.rstrip("s"): int(count) for count, kind in re.findall(r"(\d+) (\w+)", summary.split(" in ")[0])}


def test_skipped_tests_are_no_failure_for_people(tmp_path: Path) -> None:
    assert run_tests(tmp_path, "") == (0, {"passed": 1, "skipped": 4, "xfailed": 1})


def test_skipped_tests_fail_where_nothing_may_be_skipped(tmp_path: Path) -> None:
    counts = {"failed": 1, "error": 2, "passed": 1, "skipped": 1, "xfailed": 1}
    assert run_tests(tmp_path, "1") == (1, counts)


def test_a_module_that_skips_itself_fails_there_too(tmp_path: Path) -> None:
    (tmp_path / "test_whole.py").write_text("import pytest\npytest.skip('as a whole', allow_module_level=True)\n")
    assert run_tests(tmp_path, "1")[0] == 2


def test_homes_are_temporary(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert Path.home().is_relative_to(tmp_path_factory.getbasetemp())
    assert os.environ["REPERTORY_HOME"] == str(tmp_path / "repertory-home")
    assert "REPERTORY_DATABASE_URL" not in os.environ


def test_a_user_s_own_settings_are_out_of_reach() -> None:
    assert [name for name in os.environ if name.startswith(("GIT_", "PG", "XDG_"))] == ["GIT_CONFIG_NOSYSTEM"]


def collected(expression: str) -> set[str]:
    """The tests in some places of this house that have these markers."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--collect-only", "-q", "-m", expression]
    places = ["tests/runtime", "tests/content/test_fuzz.py", "community_apps"]
    environment = {**os.environ, "PYTEST_ADDOPTS": ""}
    done = subprocess.run(
        [*command, *places], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=ROOT
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    return {line for line in done.stdout.splitlines() if "::" in line}


def test_files_that_are_not_even_read_hold_no_unit_test() -> None:
    units = collected("not real and not costly and not acceptance")
    assert units == collected("(not real) and (not costly) and (not acceptance)")  # reads everything
    assert not any(test.startswith(("tests/content/test_fuzz", "tests/runtime/egress/test_clients")) for test in units)
    assert any(test.startswith("tests/runtime/egress/test_policy") for test in units)
