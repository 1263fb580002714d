"""The tests that a connector ships, run where it would run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from classic.measuring.upstream import Upstream, measure_upstream
from classic.measuring.upstream_report import upstream_lines, upstream_section

MANIFEST = {
    "appid": "2f9b5c1e-6a83-4d0f-9c57-11b0c4e3a7d2", "name": "Lamp Post", "main_module": "lamp_connector.py", "app_version": "1.2.3",
    "configuration": {}, "actions": [{"action": "look up", "identifier": "look_up", "type": "investigate", "parameters": {}}],
}  # fmt: skip
CONNECTOR = """
from phantom.base_connector import BaseConnector

class LampConnector(BaseConnector):
    def handle_action(self, param):
        self.save_state({**self.load_state(), "seen": True})
"""
TESTS = """
import json, socket, urllib.request
import pytest
from lamp_connector import LampConnector
from . import states

def test_a_state_where_the_platform_has_it():
    states.write({"app_version": "1"})
    LampConnector()._handle_action(json.dumps({"identifier": "look_up", "asset_id": "7"}), None)
    assert states.read() == {"app_version": "1.2.3", "seen": True}

def test_the_platform_answers_and_nobody_else():
    with urllib.request.urlopen(LampConnector._get_phantom_base_url() + "login") as answer:
        assert "csrftoken" in answer.headers["Set-Cookie"]
    with pytest.raises(OSError):
        socket.create_connection(("192.0.2.1", 443), timeout=5)

@pytest.mark.parametrize("lamps", [1, 2])
def test_lamps(lamps):
    assert lamps == 1, "one lamp"

@pytest.mark.skip
def test_that_is_left_out(): ...
"""
STATES = """
import json
FILE = "/opt/phantom/local_data/app_states/2f9b5c1e-6a83-4d0f-9c57-11b0c4e3a7d2/7_state.json"

def write(state):
    with open(FILE, "w") as file:
        json.dump(state, file)

def read():
    with open(FILE) as file:
        return json.load(file)
"""

pytestmark = [
    pytest.mark.may_skip("not every machine has bubblewrap"),
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="there is no bubblewrap"),
]


@pytest.fixture
def lamp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A connector that needs no package, with tests."""
    (tmp_path / "index").mkdir()
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path / "index"))
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    folder = tmp_path / "lamp"
    (folder / "tests").mkdir(parents=True)
    (folder / "lamp.json").write_text(json.dumps(MANIFEST))
    (folder / "lamp_connector.py").write_text(CONNECTOR)
    (folder / "tests/__init__.py").touch()
    (folder / "tests/states.py").write_text(STATES)
    return folder


def measured(lamp: Path) -> Upstream:
    """With the packages of this very process behind everything."""
    return measure_upstream(lamp, lamp.parent / "kept", extras=Path(pytest.__file__).parents[1])


def test_tests_are_counted_and_failures_told(lamp: Path) -> None:
    (lamp / "tests/test_lamp.py").write_text(TESTS)
    (lamp / "tests/test_dark.py").write_text("import no_such_lamp\n")
    report = measured(lamp)
    assert (report.passed, report.skipped, report.total, report.note) == (3, 1, 5, "")
    assert [(one.test.rpartition("::")[2], one.message) for one in report.failures] == [
        ("tests.test_dark", "ModuleNotFoundError: No module named 'no_such_lamp'"), ("test_lamps[2]", "AssertionError: one lamp"),
    ]  # fmt: skip
    first, *rest = upstream_lines(report)
    assert (first, [line.partition(": ")[0].strip() for line in rest]) == ("lamp: 3 of 5", [one.test for one in report.failures])
    *_, line = upstream_section([report])
    assert line.startswith("| `lamp` | 3 | 2 | 1: not explained: `ModuleNotFoundError")


def test_failures_that_were_looked_at_have_a_reason(lamp: Path) -> None:
    known = lamp.rename(lamp.with_name("ibmxforceexchange"))
    (known / "tests/test_lamp.py").write_text(TESTS)
    report = measured(known)
    assert [one.reason for one in report.failures] == ["asks the vendor's service"]
    assert list(upstream_lines(report)) == ["ibmxforceexchange: 3 of 4"]
    assert list(upstream_section([report]))[-1] == "| `ibmxforceexchange` | 3 | 1 | asks the vendor's service |"


def test_what_has_nothing_to_run_is_told(lamp: Path) -> None:
    assert list(upstream_lines(measured(lamp))) == ["lamp: has a folder for tests, and none in it"]


def test_what_cannot_run_here_is_not_run(lamp: Path) -> None:
    (lamp / "tests/test_lamp.py").write_text(TESTS)
    (lamp / "lamp_connector.py").write_text("print 1\n")
    assert measured(lamp).note.startswith("written for Python 2")


def test_without_bubblewrap_that_is_said(lamp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (lamp / "tests/test_lamp.py").write_text(TESTS)
    monkeypatch.setenv("PATH", str(lamp))
    assert measured(lamp).note == "needs bubblewrap on this machine"
