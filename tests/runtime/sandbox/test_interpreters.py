"""What an interpreter is shown of the machine: enough to start, and nothing beside it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from repertory.runtime.sandbox.confinement import Confinement
from repertory.runtime.sandbox.interpreters import needed_for

if TYPE_CHECKING:
    from repertory.runtime.sandbox.launch import Sandbox

PATIENCE_S = 60.0


def installation(folder: Path) -> Path:
    """An interpreter with its libraries; only the places matter."""
    python = folder / "bin" / "python3.12"
    python.parent.mkdir(parents=True)
    python.write_text("")
    return python


def environment(folder: Path, python: Path | str) -> Path:
    """A virtual environment whose interpreter is a link."""
    link = folder / "bin" / "python"
    link.parent.mkdir(parents=True)
    link.symlink_to(python)
    (folder / "pyvenv.cfg").write_text("")
    return link


def test_an_installation_is_needed_as_a_whole(tmp_path: Path) -> None:
    assert needed_for(installation(tmp_path / "opt")) == [tmp_path / "opt"]


def test_an_environment_needs_what_it_was_made_from(tmp_path: Path) -> None:
    python = environment(tmp_path / "app", installation(tmp_path / "opt"))
    assert needed_for(python) == [tmp_path / "app", tmp_path / "opt"]


def test_an_environment_that_was_made_from_another(tmp_path: Path) -> None:
    first = environment(tmp_path / "tool", installation(tmp_path / "opt"))
    assert needed_for(environment(tmp_path / "app", first)) == [tmp_path / "app", tmp_path / "tool", tmp_path / "opt"]


def test_links_with_other_names_and_dots(tmp_path: Path) -> None:
    python = installation(tmp_path / "opt")
    (python.parent / "python3").symlink_to("python3.12")
    link = environment(tmp_path / "app", Path("..", "..", "opt", "bin", "python3"))
    assert needed_for(link) == [tmp_path / "app", tmp_path / "opt"]


def test_a_folder_that_is_a_link_is_needed_by_both_names(tmp_path: Path) -> None:
    """The interpreter looks for its libraries by the name it was started under."""
    installation(tmp_path / "versions" / "3.12.4")
    (tmp_path / "versions" / "3.12").symlink_to("3.12.4")
    python = environment(tmp_path / "app", tmp_path / "versions" / "3.12" / "bin" / "python3.12")
    assert needed_for(python) == [tmp_path / "app", tmp_path / "versions" / "3.12", tmp_path / "versions" / "3.12.4"]


def test_what_lies_in_something_needed_is_not_named_again(tmp_path: Path) -> None:
    python = installation(tmp_path / "opt")
    assert needed_for(environment(tmp_path / "opt" / "app", python)) == [tmp_path / "opt"]


@pytest.mark.parametrize("prefix", ["/usr", "/usr/local", "/"])
def test_of_the_system_only_the_interpreter_is_needed(prefix: str, tmp_path: Path) -> None:
    """Everybody is shown its libraries, and nobody its other programs."""
    system = Path(prefix, "bin", "python3-of-nobody")
    assert needed_for(environment(tmp_path / "app", system))[:2] == [tmp_path / "app", system]
    assert Path(prefix) not in needed_for(system)


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    python = environment(tmp_path / "app", "python3")
    (python.parent / "python3").symlink_to("python")
    assert needed_for(python) == [tmp_path / "app"]


# ------------------------------------------------------------------------------ really


def started(sandbox: Sandbox, python: Path, code: str) -> str:
    """What a piece of code prints behind the walls, in this interpreter."""
    confined = sandbox.start([str(python), "-I", "-c", code], Confinement())
    status = confined.process.wait(PATIENCE_S)
    confined.process.kill()
    confined.process.output.finish()
    printed = confined.process.output.take()
    assert status == 0, printed
    return printed


@pytest.fixture(scope="module")
def python_of_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment, made by an environment, under a folder that is a link."""
    folder = tmp_path_factory.mktemp("environments")
    (folder / "linked").symlink_to("real")
    (folder / "real").mkdir()
    python = Path(sys.executable)
    for name in ("first", "second"):
        made = folder / "linked" / name
        subprocess.run([python, "-m", "venv", "--without-pip", "--symlinks", str(made)], check=True)
        python = made / "bin" / "python"
    return python


def test_it_starts_and_finds_its_own_packages_and_its_library(walls: Sandbox, python_of_python: Path) -> None:
    (packages,) = python_of_python.parent.parent.glob("lib/python*/site-packages")
    (packages / "brought.py").write_text("NAME = 'its own'\n")
    code = "import brought, ctypes, json, ssl, sqlite3, sys; print(json.dumps([brought.NAME, sys.prefix]))"
    assert json.loads(started(walls, python_of_python, code)) == ["its own", str(python_of_python.parent.parent)]


def test_what_lies_beside_it_is_not_there(walls: Sandbox, python_of_python: Path) -> None:
    beside = python_of_python.parents[2] / "private"
    beside.write_text("x")
    tried = f"try: open({str(beside)!r})\nexcept OSError as error: print(type(error).__name__)"
    assert started(walls, python_of_python, tried).strip() in ("FileNotFoundError", "PermissionError")


@pytest.mark.may_skip("not every machine has a Python of its own")
@pytest.mark.parametrize("python", ["/usr/bin/python3", "/usr/local/bin/python3"])
def test_a_python_of_the_system_starts_without_the_other_programs(walls: Sandbox, python: str) -> None:
    if not os.access(python, os.X_OK):
        pytest.skip(f"no {python}")
    code = """
import json, subprocess
def can(program):
    try:
        return subprocess.run([program]).returncode == 0
    except OSError:
        return False
print(json.dumps([can(one) for one in ("/usr/bin/env", "/usr/bin/id", "/usr/bin/true")]))
"""
    assert json.loads(started(walls, Path(python), code)) == [False, False, False]
