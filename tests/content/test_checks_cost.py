"""Files made to keep the checks busy: each is done within seconds, and whatever happens is a finding."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from content.builders import APP, APP_CODE, PLAYBOOK, PLAYBOOK_CODE
from repertory.content.items.inspection import inspect_folder

N = 5_000
LINES = range(N)
PATIENCE_S = 20.0  # of the processor; what is quadratic takes minutes
PLAYBOOKS = {
    "assigned names": "".join(f"    a{n} = play.act('ip reputation', ip=1)\n" for n in LINES),
    "doubled results": "    a0 = play.act('ip reputation', ip=1)\n"
    + "".join(f"    a{n + 1} = a{n} + a{n}\n" for n in range(1000)),
    "lambdas": "".join(f"    a{n} = lambda: a{n}\n" for n in LINES),
    "undeclared actions": "".join(f"    play.act('a{n}')\n" for n in LINES),
    "deep sums": "    x = " + "+".join(["x"] * N) + "\n    x.rows('a')\n",
    "deep attributes": "    x" + ".x" * N + "\n",
    "elif": "    if 1:\n        pass\n" + "    elif 1:\n        pass\n" * 900,
    "random": "    import random\n" + "    random.random()\n" * N,
}
APPS = {
    "paths": "    import pathlib\n" + "".join(f"    pathlib.Path('/a{n}').x\n" for n in LINES),
    "hosts": "    import urllib.request\n" + "".join(f"    urllib.request.urlopen('http://h{n}/')\n" for n in LINES),
    "programs": "    import os\n" + "".join(f"    os.system('p{n}')\n" for n in LINES),
    "prints": "    " + "print(" * 90 + "1" + ")" * 90 + "\n",
    "actions": "".join(f"\n\n@app.action('a{n}')\ndef f{n}(): ...\n" for n in range(3000)),
    "secrets": "    x = '" + "http://a:" * N + "'\n    y = '" + "-----BEGIN " * N + "'\n",
}
FILES = {
    "requirements.txt": " " * 190_000 + "@" + "\n" + "a" * 100_000,
    "requirements.lock": " " * 900_000 + "#\n",
    "notes.md": "<<<<<<< " * N,
    "x.py": "# é " + "\u00e9" * 300_000 + "\n",
}


def inspected(folder: Path, kind: str, manifest: dict[str, Any], code: str, files: dict[str, str]) -> float:
    folder.mkdir()
    for name, text in {f"{kind}.json": json.dumps(manifest), f"{kind}.py": code, **files}.items():
        (folder / name).write_text(text)
    begun = time.process_time()
    inspect_folder(folder, [])
    return time.process_time() - begun


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_playbooks(tmp_path: Path, name: str) -> None:
    assert inspected(tmp_path / "item", "playbook", PLAYBOOK, PLAYBOOK_CODE + PLAYBOOKS[name], {}) < PATIENCE_S


@pytest.mark.parametrize("name", APPS)
def test_apps(tmp_path: Path, name: str) -> None:
    hosts = [f"x{number}.example:443" for number in range(1000)]
    manifest = {**APP, "permissions": {"hosts": hosts, "programs": hosts, "files": hosts}}
    assert inspected(tmp_path / "item", "app", manifest, APP_CODE + APPS[name], {}) < PATIENCE_S


def test_manifests(tmp_path: Path) -> None:
    actions = [{"name": f"a{n}", "type": "generic", "undo": f"a{N - n - 1}", "check": "b"} for n in LINES]
    assert inspected(tmp_path / "item", "app", {**APP, "actions": actions}, APP_CODE, {}) < PATIENCE_S


@pytest.mark.parametrize("name", FILES)
def test_other_files(tmp_path: Path, name: str) -> None:
    assert inspected(tmp_path / "item", "app", APP, APP_CODE, {name: FILES[name]}) < PATIENCE_S
