"""References to secrets that are kept elsewhere: which text is one, what is found, and what is said where nothing is."""

from __future__ import annotations

import os
import sys
import textwrap
import time
from pathlib import Path

import pytest

from repertory.errors import UserError
from repertory.runtime.kept.assets import read_settings
from repertory.runtime.secrets import references
from repertory.runtime.secrets.programs import MOST_BYTES, printed_by
from repertory_sdk.manifest import AppManifest, Setting
from runtime_lab import processes_of, until

PYTHON = sys.executable


def look_up(reference: str) -> str:
    return references.looked_up("vt", "token", references.checked("token", reference))


def refusal(reference: str) -> str:
    with pytest.raises(UserError) as refused:
        look_up(reference)
    assert refused.value.hint
    return refused.value.message


@pytest.mark.parametrize("text", ["env:X", "file:/x", "file:x", "keyring:a/b", "cmd:x", "cmd:"])
def test_a_reference(text: str) -> None:
    assert references.is_reference(text)


@pytest.mark.parametrize("text", ["", "hunter2", "a:b", "ENV:X", " env:X", "https://x", "stored", "unknown:x", "x" * 40 + ":y", 7, None])
def test_no_reference(text: object) -> None:
    assert not references.is_reference(text)


def test_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VT_KEY", "se cret")
    assert look_up("env:VT_KEY") == "se cret"
    monkeypatch.setenv("VT_KEY", "")
    assert refusal("env:VT_KEY") == "asset vt: token: nothing but an empty text is at env:VT_KEY"
    monkeypatch.delenv("VT_KEY")
    assert refusal("env:VT_KEY") == "asset vt: token refers to the variable VT_KEY, which is not set"


def test_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "key"
    path.write_bytes("schlüssel \r\n".encode())
    assert look_up(f"file:{path}") == "schlüssel "
    monkeypatch.chdir(tmp_path)
    assert references.checked("token", "file:key") == f"file:{path}"
    path.write_bytes(b"\xff\xfe")
    assert refusal(f"file:{path}") == f"asset vt: token refers to the file {path}: it is not UTF-8 text"
    path.write_bytes(b"x" * (MOST_BYTES + 1))
    assert "is longer than 65536 bytes" in refusal(f"file:{path}")
    path.unlink()
    assert refusal(f"file:{path}") == f"asset vt: token refers to the file {path}: No such file or directory"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("env:", "token: env: is followed by no name of a variable"),
        ("env:a b", "token: env: is followed by no name of a variable"),
        ("file:", "token: nothing stands behind file:"),
        ("keyring:x", "token: keyring: is not followed by a service and a user"),
        ("keyring:/x", "token: keyring: is not followed by a service and a user"),
        ("cmd:", "token: no program stands behind cmd:"),
        ("cmd:echo 'x", "token: the command behind cmd: is not complete: No closing quotation"),
    ],
)
def test_what_has_not_the_form_of_a_reference(text: str, said: str) -> None:
    assert refusal(text) == said


# ----------------------------------------------------------------- programs


def test_a_program_without_a_shell(tmp_path: Path) -> None:
    assert look_up("cmd:printf '%s\\n' '$HOME; echo x > y'") == "$HOME; echo x > y"
    assert not (tmp_path / "y").exists()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import sys; print('hunter2'); sys.exit('hunter2')", "ended with status 1"),
        ("import os; print('hunter2'); os.kill(os.getpid(), 9)", "ended with status -9"),
        ("import sys; sys.stdout.buffer.write(b'hunter2\\xff')", "printed what is not UTF-8 text"),
        ("while True: print('hunter2' * 1000)", "printed more than 65536 bytes"),
    ],
)
def test_a_program_that_fails(code: str, said: str) -> None:
    told = refusal(f'cmd:{PYTHON} -c "{code}"')
    assert told == f"asset vt: token refers to the program {PYTHON}, which {said}"
    assert "hunter2" not in told


def test_a_program_that_is_not_there() -> None:
    assert refusal("cmd:/nowhere/pass show x").endswith("/nowhere/pass, which did not start: No such file or directory")


def test_a_program_that_prints_nothing() -> None:
    assert refusal("cmd:true") == "asset vt: token: nothing but an empty text is at cmd:true"


def test_a_program_that_waits_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    mark = f"wait-{tmp_path.name}-{os.getpid()}"
    child = f"import time, sys; print('{mark}'); sys.stdout.flush(); time.sleep(600)"
    script = tmp_path / "program.py"
    script.write_text(f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {child!r}])\n")
    began = time.monotonic()
    with pytest.raises(UserError, match="did not end within 0.5 s"):
        printed_by([PYTHON, str(script)], "x", patience_s=0.5)
    assert time.monotonic() - began < 20
    until(lambda: not processes_of(mark), "all have ended")


def test_a_program_cannot_ask_anybody() -> None:
    assert look_up(f"cmd:{PYTHON} -c 'import sys; print(repr(sys.stdin.read()))'") == "''"


# ----------------------------------------------------------------- plug-ins

PLUGIN = """
from repertory.runtime.secrets.hookspecs import hookimpl

def look(name):
    if name == "broken":
        raise RuntimeError("hunter2 is secret")
    return f"secret of {name}"

@hookimpl
def repertory_secret_schemes():
    return {"vault": look, "env": look}
"""


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "vaults-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: vaults\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[repertory]\nvaults = repertory_test_vaults\n")
    (tmp_path / "repertory_test_vaults.py").write_text(textwrap.dedent(PLUGIN))
    monkeypatch.syspath_prepend(str(tmp_path))


def test_a_plugin_offers_a_scheme(plugin: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VT_KEY", "from the environment")
    assert references.is_reference("vault:a/b")
    assert look_up("vault:a/b") == "secret of a/b"
    assert look_up("env:VT_KEY") == "from the environment"  # ours are not replaced
    assert refusal("vault:broken") == "asset vt: token: the plug-in for vault: did not find broken (RuntimeError)"


def test_a_plugin_that_is_gone() -> None:
    assert refusal("vault:a") == "asset vt: token refers to vault:, which no plug-in offers any more"


def test_a_secret_without_the_wanted_form_is_not_shown() -> None:
    pin = Setting(name="pin", schema={"type": "integer"}, secret=True)
    with pytest.raises(UserError, match="pin: has not the form that the app wants") as refused:
        read_settings(AppManifest(name="safe", version="1", settings=(pin,)), {"pin": "hunter2"})
    assert "hunter2" not in f"{refused.value.message}{refused.value.hint}"
