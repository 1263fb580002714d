"""Machines that lack something: which level is left, what people are told, and for how long that is remembered."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from repertory.errors import UserError
from repertory.home import Home
from repertory.runtime.sandbox.probing import Offer, offers, strongest, try_level

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SOURCES = os.pathsep.join(str(Path(__file__).parents[3] / name) for name in ("sdk", "cli"))
PATIENCE_S = 60.0
# In a user namespace of its own nobody can make another one, and the machine itself is as it was.
NO_NAMESPACES = ("unshare", "--user", "--map-root-user", "sh", "-c", 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"', "sh")
# A kernel without Landlock has no call of this number (landlock_create_ruleset).
NO_LANDLOCK = (
    sys.executable, "-c",
    "import os, sys, pyseccomp as s; f = s.SyscallFilter(s.ALLOW); f.add_rule(s.ERRNO(38), 444); f.load(); os.execvp(sys.argv[1], sys.argv[1:])",
)  # fmt: skip
PACKAGES = {"bwrap": "bubblewrap", "unshare": "util-linux", "prlimit": "util-linux"}

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux has walls"),
    pytest.mark.may_skip("not every machine has every level"),
]


def path_without(folder: Path, *names: str) -> str:
    """A folder with links to all programs of this machine but these."""
    folder.mkdir()
    for place in os.environ["PATH"].split(os.pathsep):
        for program in Path(place).iterdir() if Path(place).is_dir() else ():
            if program.name not in names and not (folder / program.name).is_symlink():
                (folder / program.name).symlink_to(program)
    return str(folder)


@dataclass(frozen=True, kw_only=True)
class Machine:
    """One that lacks something; ``reason`` and ``cure`` are what it is to say of namespaces."""

    home: Path
    path: str
    within: Sequence[str]
    reason: str
    cure: str

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": self.path, "PYTHONPATH": SOURCES, "HOME": str(self.home.parent), "REPERTORY_HOME": str(self.home), "LANG": "C.UTF-8",
        }  # fmt: skip
        return subprocess.run(
            [*self.within, sys.executable, "-m", "repertory", *words], env=environment, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=PATIENCE_S,
        )  # fmt: skip


@pytest.fixture(params=["without bubblewrap", "without user namespaces"])
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Machine:
    home, path = tmp_path / "home", os.environ["PATH"]
    if not try_level("landlock").works:
        pytest.skip("Landlock does not work here")
    if request.param == "without bubblewrap":
        path = path_without(tmp_path / "programs", "bwrap")
        return Machine(home=home, path=path, within=(), reason="bwrap is not installed", cure="install the package bubblewrap")
    if shutil.which("unshare") is None or subprocess.run([*NO_NAMESPACES, "true"], capture_output=True).stderr:
        pytest.skip("users cannot make namespaces here")
    cure = "sysctl user.max_user_namespaces=10000"
    return Machine(home=home, path=path, within=NO_NAMESPACES, reason="unshare failed", cure=cure)


def findings(machine: Machine) -> Mapping[str, Mapping[str, Any]]:
    told = machine.run("doctor", "--json")
    return {one["what"]: one for one in json.loads(told.stdout)["checks"]}


def test_it_falls_to_landlock_and_says_why_and_what_to_do(machine: Machine) -> None:
    found = findings(machine)
    assert machine.reason in found["isolation: namespaces"]["found"]
    assert machine.cure in found["isolation: namespaces"]["cure"]
    assert found["isolation: namespaces"]["fine"], "landlock is as much as was asked for"
    assert found["isolation: landlock"]["found"] == "works"
    assert found["isolation"]["found"] == "level landlock: content reaches only what it declared"
    assert found["playbook processes"]["fine"]


def test_who_wants_namespaces_executes_nothing_there(machine: Machine) -> None:
    machine.home.mkdir()
    (machine.home / "config.toml").write_text('[isolation]\nminimum_level = "namespaces"\n')
    told = machine.run("worker")
    assert (told.returncode, told.stdout) == (1, "")
    assert f"this machine cannot isolate content at level namespaces: {machine.reason}" in told.stderr.replace("unshare: ", "")
    assert machine.cure in told.stderr
    assert "--allow-unsandboxed" in told.stderr
    assert "Traceback" not in told.stderr
    assert not findings(machine)["isolation: namespaces"]["fine"]


def test_a_machine_without_any_walls_executes_nothing_unless_it_is_told_to(tmp_path: Path) -> None:
    path = path_without(tmp_path / "programs", "bwrap")
    bare = Machine(home=tmp_path / "home", path=path, within=NO_LANDLOCK, reason="", cure="")
    told = bare.run("worker")
    assert (told.returncode, told.stdout) == (1, "")
    assert "this machine cannot isolate content at level landlock: " in told.stderr
    assert "use a kernel of version 5.13 or newer with Landlock enabled; or --allow-unsandboxed" in told.stderr
    found = findings(bare)
    assert not found["isolation: namespaces"]["fine"]
    assert not found["isolation: landlock"]["fine"]
    assert found["isolation"]["found"] == "level process: content can do whatever you can do"
    (bare.home / "config.toml").write_text('[isolation]\nminimum_level = "process"\n')
    assert findings(bare)["isolation: landlock"]["fine"], "somebody has agreed to it"


# ------------------------------------------------------------ one program that lacks


@pytest.mark.parametrize("program", PACKAGES)
def test_a_program_that_lacks_is_named_with_its_package(program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", path_without(tmp_path / "programs", program))
    offer = try_level("namespaces")
    assert (offer.works, offer.reason) == (False, f"{program} is not installed")
    assert offer.cure == f"install the package {PACKAGES[program]}"
    assert try_level("landlock").works


# ----------------------------------------------------------------- what is remembered


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    made.prepare()
    return made


def remembered(home: Home) -> Any:
    return json.loads(home.levels.read_text())


def falsify(home: Home, **key: str) -> list[Offer]:
    """Replace what is remembered by something that no trial would find; the key is changed as well where one is given."""
    false = [Offer(level=level, works=False, reason="as remembered", cure="") for level in ("namespaces", "landlock")]
    kept = {"key": {**remembered(home)["key"], **key}, "offers": [one.__dict__ for one in false]}
    home.levels.write_text(json.dumps(kept))
    return false


def test_what_was_found_is_remembered(home: Home) -> None:
    found = offers(home)
    assert [one.level for one in found] == ["namespaces", "landlock"]
    assert list(found) == [try_level(one.level) for one in found]
    false = falsify(home)
    assert offers(home) == false, "a second trial was run"


@pytest.mark.parametrize("changed", ["boot", "python", "machine", "bwrap", "unshare", "prlimit"])
def test_it_is_found_out_anew_where_what_it_depends_on_has_changed(home: Home, changed: str) -> None:
    found = offers(home)
    falsify(home, **{changed: "another"})
    assert offers(home) == found
    assert remembered(home)["key"][changed] != "another"


def test_a_program_that_was_removed_or_installed_is_noticed(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = offers(home)
    with monkeypatch.context() as patch:
        patch.setenv("PATH", path_without(tmp_path / "programs", "bwrap"))
        assert offers(home)[0].reason == "bwrap is not installed"
        assert strongest(home, "landlock") == "landlock"
        with pytest.raises(UserError) as refused:
            strongest(home, "namespaces")
    assert refused.value.message == "this machine cannot isolate content at level namespaces: bwrap is not installed"
    assert refused.value.hint == "install the package bubblewrap; or --allow-unsandboxed, to let it do whatever you could do"
    assert offers(home) == before


@pytest.mark.parametrize("text", [b"", b"\xff\0", b"{", b"[]", b"7", b'{"key": 1}', b"[" * 200_000])
def test_a_file_that_makes_no_sense_is_replaced(home: Home, text: bytes) -> None:
    found = offers(home)
    home.levels.write_bytes(text)
    assert offers(home) == found
    assert len(remembered(home)["offers"]) == 2


@pytest.mark.parametrize(
    "kept",
    [
        7,
        [],
        [7],
        [{"level": "namespaces"}],
        [{"level": "namespaces", "works": False}],
        [{"level": "process", "works": True}, {"level": "landlock", "works": True}],
        [{"level": "namespaces", "works": "no"}, {"level": "landlock", "works": "no"}],
        [{"level": "namespaces", "works": True, "reason": "", "cure": "", "more": 1}] * 2,
    ],
)
def test_offers_that_make_no_sense_are_not_believed(home: Home, kept: Any) -> None:
    """Although the key is right; else the weakest level would be taken for all that there is."""
    found = offers(home)
    home.levels.write_text(json.dumps({"key": remembered(home)["key"], "offers": kept}))
    assert offers(home) == found


def test_where_nothing_can_be_remembered_it_is_found_out_each_time(home: Home) -> None:
    found = offers(home)
    home.levels.unlink()
    (home.levels / "in the way").mkdir(parents=True)
    assert offers(home) == found
