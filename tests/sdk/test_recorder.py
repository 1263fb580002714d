"""The test kit as authors meet it: beside their files, in a real pytest session."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import repertory_sdk
from repertory_sdk import DefinitionError
from repertory_sdk.describe import describe
from repertory_sdk.errors import ConversionError
from repertory_sdk.manifest import dump_manifest
from repertory_sdk.testing import PlayRecorder, assert_manifest_current
from repertory_sdk.testing.loading import importable

TRIAGE = """
    from helpers import WORST
    from repertory_sdk import playbook

    @playbook()
    def triage(event, play):
        import late
        found = play.act("ip reputation", ip=event.values("sourceAddress"))
        if WORST in found.values("verdict"):
            play.update(severity=late.SEVERITY)
"""
FILES = {"playbook.py": TRIAGE, "helpers.py": "WORST = 'malicious'", "late.py": "SEVERITY = 'high'"}
EVENT = {
    "$schema": "urn:repertory:schema:event:1",
    "name": "scan",
    "artifacts": [{"cef": {"sourceAddress": "192.0.2.1"}}],
}
MALICIOUS = {"ip reputation": {"verdict": "malicious"}}


@pytest.fixture
def triage(write_item: Callable[..., Path]) -> Path:
    return write_item({**FILES, "scan.json": json.dumps(EVENT)}, "triage")


@pytest.mark.parametrize("place", [".", "..", "tests"])
def test_playbook_is_found_beside_the_test(triage: Path, place: str) -> None:
    (triage / "tests").mkdir()
    event = os.path.relpath(triage / "scan.json", triage / place)
    run = PlayRecorder(triage / place).run("triage", event=event, results=MALICIOUS)
    assert run.event.severity == "high"
    assert run.actions[0].parameters == {"ip": ["192.0.2.1"]}


def test_playbook_is_found_by_its_folder_and_by_its_own_name(triage: Path) -> None:
    renamed = triage.rename(triage.parent / "another_name")
    for name in (renamed, str(renamed), "triage", "another_name"):
        assert PlayRecorder(renamed).run(name, EVENT, results=MALICIOUS).event.severity == "high"


def test_two_items_do_not_see_each_others_modules(triage: Path, write_item: Callable[..., Path]) -> None:
    other = write_item({**FILES, "helpers.py": "WORST = 'benign'", "late.py": "SEVERITY = 'low'"}, "other")
    path, modules = list(sys.path), dict(sys.modules)
    recorder = PlayRecorder(triage.parent)
    for name, severity in (("triage", "high"), ("other", "medium"), ("triage", "high")):
        assert recorder.run(triage.parent / name, EVENT, results=MALICIOUS).event.severity == severity
    assert recorder.run(other, EVENT, results={"ip reputation": {"verdict": "benign"}}).event.severity == "low"
    assert (sys.path, sys.modules) == (path, modules)


def test_modules_of_the_test_itself_are_given_back(triage: Path) -> None:
    with importable(triage):
        import helpers

        PlayRecorder(triage).run("triage", EVENT, results=MALICIOUS)
        assert sys.modules["helpers"] is helpers
    assert "helpers" not in sys.modules


def test_what_cannot_be_found_or_read(triage: Path, write_item: Callable[..., Path]) -> None:
    recorder = PlayRecorder(triage)
    with pytest.raises(DefinitionError, match=r"playbook\.py registers no playbook 'nowhere' \(it has triage\)"):
        recorder.run("nowhere")
    with pytest.raises(DefinitionError, match="there is no playbook 'triage' in"):
        PlayRecorder(triage.parent / "empty" / "deep").run("triage")
    with pytest.raises(FileNotFoundError):
        recorder.run("triage", event="nowhere.json")
    with pytest.raises(ConversionError, match="artifacts: must be an array"):
        recorder.run("triage", event={"name": "a", "artifacts": 1})


def test_fixtures_in_a_session_of_pytest(triage: Path) -> None:
    (triage / "test_playbook.py").write_text(
        "def test_known_scanner(play_recorder):\n"
        "    malicious = {'ip reputation': {'verdict': 'malicious'}}\n"
        "    run = play_recorder.run('triage', event='scan.json', results=malicious)\n"
        "    assert run.event.severity == 'high'\n"
        "    assert run.asked == []\n"
        "def test_job(job):\n"
        "    job.progress('half')\n"
        "    assert job.said == ['half']\n"
        "def test_that_fails(play_recorder):\n"
        "    assert play_recorder.run('triage', event='scan.json').event.severity == 'high'\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "repertory_sdk.testing.plugin"]
    sdk = str(Path(repertory_sdk.__file__).parents[1])
    quick = {"PYTHONPATH": sdk, "PYTHONDONTWRITEBYTECODE": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(command, env={**os.environ, **quick}, cwd=triage, capture_output=True, text=True, check=False)
    assert "1 failed, 2 passed" in done.stdout, done.stdout + done.stderr


# --------------------------------------------------------------- manifests

APP = """
    from repertory_sdk import App, Asset
    app = App("demo", version="1.0.0")

    @app.action()
    def look_up(asset: Asset, ip: str) -> None: ...
"""


@pytest.mark.parametrize(
    ("source", "code", "file"), [(APP, "app.py", "app.json"), (TRIAGE, "playbook.py", "playbook.json")]
)
def test_manifest_is_held_to_the_code(write_item: Callable[..., Path], source: str, code: str, file: str) -> None:
    folder = write_item({**FILES, code: source} if code == "playbook.py" else {code: source})
    with pytest.raises(AssertionError, match=f"{file} is missing; write it with: repertory manifest "):
        assert_manifest_current(folder)
    with importable(folder):
        (folder / file).write_text(dump_manifest(describe(folder)), "utf-8")
    assert_manifest_current(folder)
    (folder / file).write_text((folder / file).read_text("utf-8").replace("1.0.0", "1.1.0"), "utf-8")
    with pytest.raises(AssertionError) as caught:
        assert_manifest_current(str(folder))
    assert f"{file} is not what the code says; write it with: repertory manifest {folder}" in str(caught.value)
    assert '\n-  "version": "1.1.0",\n+  "version": "1.0.0",\n' in str(caught.value)
