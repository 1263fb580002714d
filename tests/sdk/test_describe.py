"""From code to ``app.json`` and ``playbook.json``, on every Python that is there."""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import jsonschema
import pluggy
import pytest
import uv
from packaging.specifiers import SpecifierSet

import repertory_sdk
from repertory_sdk import App, playbook
from repertory_sdk.describe import describe, describe_app
from repertory_sdk.errors import DefinitionError
from repertory_sdk.manifest import Manifest, dump_manifest, load_app, load_playbook
from repertory_sdk.testing.loading import importable

if TYPE_CHECKING:
    from conftest import Child

SDK = Path(repertory_sdk.__file__).parents[1]

APP = '''
    """Reputation of addresses.

    More about it.
    """
    from typing import Dict, List, Optional

    from repertory_sdk import Action, App, Asset, Event, Job, Output, Secret, hookimpl, output, param, setting

    app = App(
        "blocklist", version="1.2.0", product="Block lists", vendor="Generic", summary=__doc__,
        hosts=["${asset.server}:443"], requires=["requests>=2"],
    )

    @app.asset
    class Lists(Asset):
        refresh_s: int = setting("Seconds between refreshes", default=3600, minimum=60)
        server: str = setting("Lists")
        token: Optional[Secret] = setting("Bearer token", default=None)

    @app.result
    class Entry:
        feed: str = output("Name of the feed")
        since: Optional[int] = None

    @app.result
    class Reputation:
        verdict: str = output("malicious or unknown")
        ip: Optional[str] = output("The address", contains="ip", default=None)
        best: Optional[Entry] = None
        entries: List[Entry] = output(default=[])
        names: List[str] = output(default=[])
        raw: Dict[str, str] = output(default={})

    @app.action("ip reputation", check="is listed", timeout_s=5)
    def ip_reputation(
        lists: Lists,
        job: Job,
        ip: str = param("Address", contains="ip"),
        feeds: List[str] = param("Which feeds", default=[], choices=["a", "b"]),
        days: Optional[int] = param("How old", default=None, minimum=1, maximum=365),
    ) -> Output[List[Reputation]]:
        """Look an address up.

        In every feed.
        """

    @app.action(type="contain", undo="unblock ip")
    def block_ip(lists: Lists, ip: str) -> None: ...

    @app.test
    def connect(lists: Lists) -> str: ...

    @app.poll
    def alerts(lists, checkpoint): ...

    @hookimpl
    def repertory_actions(register):
        def is_listed(asset: Asset, ip: str) -> None:
            """Whether it is listed."""
        register(Action("is listed", is_listed))
'''
PLAYBOOK = '''
    """Investigate a scan."""
    from typing import List, Optional

    from repertory_sdk import param, playbook

    @playbook(labels=["reconnaissance"], actions=["computed"], playbooks=["another"])
    def investigate(event, play, *, depth: int = param("How deep", default=1, minimum=1), targets: List[str], why: str = "x"):
        play.act("whois ip", ip="192.0.2.1")
        play.parallel(lambda: play.act("domain reputation", domain="example.net"))
        play.run("child_playbook")
        play.notify("done")
'''


def described(folder: Path) -> Manifest:
    with importable(folder):
        return describe(folder)


def test_manifest_of_an_app(write_item: Callable[..., Path]) -> None:
    manifest = json.loads(dump_manifest(described(write_item({"app.py": APP}))))
    assert [setting["name"] for setting in manifest["settings"]] == list(manifest_settings())
    assert {setting.pop("name"): setting for setting in manifest.pop("settings")} == manifest_settings()
    actions = {action.pop("name"): action for action in manifest.pop("actions")}
    assert manifest == {
        "$schema": "urn:repertory:schema:app:1",
        "name": "blocklist",
        "version": "1.2.0",
        "summary": "Reputation of addresses.",
        "product": "Block lists",
        "vendor": "Generic",
        "license": "Apache-2.0",
        "main": "app.py",
        "python": ">=3.9",
        "requires": ["requests>=2"],
        "concurrency": 4,
        "permissions": {"hosts": ["${asset.server}:443"]},
    }
    assert sorted(actions) == ["block ip", "ip reputation", "is listed", "on poll", "test connectivity"]
    assert actions["block ip"] == {
        "type": "contain",
        "function": "block_ip",
        "read_only": False,
        "idempotent": False,
        "undo": "unblock ip",
        "timeout_s": 60.0,
        "parameters": [{"name": "ip", "schema": {"type": "string"}, "required": True}],
    }
    assert actions["is listed"]["description"] == "Whether it is listed."
    looked_up = actions["ip reputation"]
    assert looked_up["description"] == "Look an address up."
    assert (looked_up["check"], looked_up["timeout_s"]) == ("is listed", 5)
    items = {"type": "string", "enum": ["a", "b"]}
    days = {"type": "integer", "minimum": 1, "maximum": 365}
    assert looked_up["parameters"] == [
        {"name": "ip", "schema": {"type": "string"}, "description": "Address", "required": True, "contains": ["ip"]},
        {
            "name": "feeds",
            "schema": {"type": "array", "items": items},
            "description": "Which feeds",
            "required": False,
            "default": [],
        },
        {"name": "days", "schema": days, "description": "How old", "required": False},
    ]
    assert {path["path"]: path["schema"].get("type") for path in looked_up["outputs"]} == {
        "verdict": "string",
        "ip": "string",
        "best.feed": "string",
        "best.since": "integer",
        "entries[].feed": "string",
        "entries[].since": "integer",
        "names[]": "string",
        "raw": "object",
    }
    assert next(path for path in looked_up["outputs"] if path["path"] == "ip")["contains"] == ["ip"]


def manifest_settings() -> dict[str, object]:
    refresh = {"type": "integer", "minimum": 60}
    return {
        "refresh_s": {
            "schema": refresh,
            "description": "Seconds between refreshes",
            "required": False,
            "default": 3600,
            "secret": False,
        },
        "server": {"schema": {"type": "string"}, "description": "Lists", "required": True, "secret": False},
        "token": {"schema": {"type": "string"}, "description": "Bearer token", "required": False, "secret": True},
    }


def test_manifest_of_a_playbook(write_item: Callable[..., Path]) -> None:
    assert json.loads(dump_manifest(described(write_item({"playbook.py": PLAYBOOK})))) == {
        "$schema": "urn:repertory:schema:playbook:1",
        "name": "investigate",
        "version": "1.0.0",
        "summary": "Investigate a scan.",
        "license": "Apache-2.0",
        "main": "playbook.py",
        "function": "investigate",
        "labels": ["reconnaissance"],
        "inputs": [
            {
                "name": "depth",
                "schema": {"type": "integer", "minimum": 1},
                "description": "How deep",
                "required": False,
                "default": 1,
            },
            {"name": "targets", "schema": {"type": "array", "items": {"type": "string"}}, "required": True},
            {"name": "why", "schema": {"type": "string"}, "required": False, "default": "x"},
        ],
        "actions": ["computed", "domain reputation", "send message", "whois ip"],
        "playbooks": ["another", "child_playbook"],
    }


@pytest.mark.parametrize(
    ("file", "source", "load"), [("app.py", APP, load_app), ("playbook.py", PLAYBOOK, load_playbook)]
)
def test_manifests_survive_json_and_fit_the_published_schema(
    write_item: Callable[..., Path], file: str, source: str, load: Callable[..., Manifest]
) -> None:
    manifest = described(write_item({file: source}))
    plain = json.loads(dump_manifest(manifest))
    assert dump_manifest(load(plain)) == dump_manifest(manifest)
    schema = json.loads((SDK / "repertory_sdk" / "schemas" / f"{Path(file).stem}.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator(schema).validate(plain)


@pytest.mark.parametrize(
    ("file", "source", "said"),
    [
        ("other.py", "", "has neither app.py nor playbook.py"),
        ("app.py", "", r'app.py declares no app: app = App\("name", version="1.0.0"\)'),
        ("playbook.py", "", "playbook.py must register exactly one playbook; it has none"),
        (
            "playbook.py",
            "from repertory_sdk import *\n"
            "@playbook()\ndef one(event, play): ...\n@playbook('second')\ndef two(event, play): ...",
            "playbook.py must register exactly one playbook; it has (one, second|second, one)",
        ),
        (
            "playbook.py",
            "from repertory_sdk import *\n@playbook()\ndef one(event, play, depth=1): ...",
            r"playbook 'one': inputs must follow a bare \*",
        ),
        (
            "app.py",
            "from repertory_sdk import *\napp = App('a', version='1')\n"
            "@app.action('add')\ndef add(asset: Asset, value: complex): ...",
            "action 'add': the type <class 'complex'> has no JSON form",
        ),
        (
            "app.py",
            "from repertory_sdk import *\napp = App('a', version='1')\n"
            "@app.action('add')\ndef add(asset: Asset, value: 'Nowhere'): ...",
            "action 'add': the annotations of add cannot be read: name 'Nowhere' is not defined$",
        ),
    ],
)
def test_what_cannot_be_described(write_item: Callable[..., Path], file: str, source: str, said: str) -> None:
    folder = write_item({file: source})
    with pytest.raises(DefinitionError, match=said):
        described(folder)


# ------------------------------------------------- in a process of its own


def test_describer_process(start_worker: Callable[..., Child], write_item: Callable[..., Path], tmp_path: Path) -> None:
    folder = write_item({"playbook.py": f"{PLAYBOOK}\n    print('hello')"})
    child = start_worker(["describe", folder], tmp_path / "out")
    told = child.read()
    assert (told["op"], told["kind"]) == ("manifest", "PlaybookManifest")
    assert json.loads(told["text"])["name"] == "investigate"
    assert child.ended() == 0
    assert "hello" in (tmp_path / "out").read_text()


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero (app.py, line 1)"),
        ("import sys; sys.exit()", "called exit(None) (app.py, line 1)"),
        ("x = (", "SyntaxError: '(' was never closed (app.py, line 1)"),
        ("import sibling", "NameError: name 'lost' is not defined (sibling.py, line 2)"),
    ],
)
def test_describer_process_explains_a_failure(
    start_worker: Callable[..., Child], write_item: Callable[..., Path], tmp_path: Path, source: str, said: str
) -> None:
    folder = write_item({"app.py": source, "sibling.py": "import os\nlost"})
    told = start_worker(["describe", folder], tmp_path / "out").read()
    assert told == {"op": "failed", "message": said}


# ---------------------------------------------------------- bare interpreters

DESCRIBE = """
import sys
sys.path[:0] = sys.argv[1:3]
import repertory_sdk
assert "repertory_sdk.testing" not in sys.modules, "the test kit is imported by everybody"
import repertory_sdk.testing
from pathlib import Path
from repertory_sdk import App, playbook
from repertory_sdk.describe import describe, describe_app
from repertory_sdk.manifest import dump_manifest
sys.stdout.buffer.write(dump_manifest(describe(Path(sys.argv[3]))).encode("utf-8"))
Lists = sys.modules["app"].Lists
made = Lists(server="a")
assert (made.refresh_s, made.server, made.token, made.name) == (3600, "a", None, "test")
for wrong in ({}, {"server": "a", "sever": "b"}):
    try:
        Lists(**wrong)
    except TypeError:
        continue
    raise AssertionError(wrong)
"""
NEWEST_MINOR = 30


def interpreters() -> Iterator[tuple[str, str]]:
    """(version, program) of every Python from 3.9 on: this one, those of pyenv, those on the path."""
    found = {f"3.{sys.version_info.minor}": sys.executable}
    for minor in range(9, NEWEST_MINOR):
        root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
        of_pyenv = sorted(root.glob(f"3.{minor}.*/bin/python"))
        on_path = shutil.which(f"python3.{minor}")
        if on_path and Path(on_path).parent.name == "shims":  # pyenv's: its interpreters are looked at themselves
            on_path = None
        for program in (*map(str, of_pyenv), on_path):
            if program:
                found.setdefault(f"3.{minor}", program)
    yield from sorted(found.items(), key=lambda item: int(item[0].partition(".")[2]))


@pytest.fixture(scope="module")
def pluggy_for(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A folder with nothing but a pluggy that this version of Python can run."""

    def find(version: str) -> Path:
        folder = tmp_path_factory.mktemp("pluggy")
        if SpecifierSet(importlib.metadata.metadata("pluggy")["Requires-Python"]).contains(f"{version}.99"):
            shutil.copytree(Path(pluggy.__file__).parent, folder / "pluggy")
            return folder
        command = [uv.find_uv_bin(), "pip", "install", "--quiet", "--python", sys.executable]
        command += ["--target", str(folder), "--python-version", version, "pluggy"]
        installed = subprocess.run(command, capture_output=True, text=True, check=False)
        if installed.returncode:
            pytest.skip(f"no pluggy for Python {version} can be had: {installed.stderr.strip()[-300:]}")
        return folder

    return find


@pytest.mark.parametrize(("version", "program"), list(interpreters()), ids=lambda value: Path(value).name)
def test_bare_interpreter_needs_only_pluggy_and_says_the_same(
    write_item: Callable[..., Path], pluggy_for: Callable[[str], Path], version: str, program: str
) -> None:
    folder = write_item({"app.py": APP})
    command = [program, "-I", "-S", "-B", "-W", "error", "-c", DESCRIBE]
    alone = folder.with_name("alone")  # installed, it has neighbours
    shutil.copytree(SDK / "repertory_sdk", alone / "repertory_sdk", ignore=shutil.ignore_patterns("__pycache__"))
    command += [str(alone), str(pluggy_for(version)), str(folder)]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.stderr.decode() == ""
    assert done.stdout.decode("utf-8") == dump_manifest(described(folder))


def test_a_parameter_without_a_type_is_refused() -> None:
    app = App("lab", version="1.0.0")

    @app.action("look")
    def look(ip) -> None:  # type: ignore[no-untyped-def]
        """Look."""

    module = ModuleType("lab")
    module.app = app  # type: ignore[attr-defined]
    with pytest.raises(DefinitionError, match="'ip' has no type annotation"):
        describe_app(module, "app.py")


def test_decorators_without_parentheses_are_refused() -> None:
    app = App("lab", version="1.0.0")
    with pytest.raises(DefinitionError, match="parentheses"):
        app.action(lambda: None)  # type: ignore[arg-type]
    with pytest.raises(DefinitionError, match="parentheses"):
        playbook(lambda event, play: None)  # type: ignore[arg-type]
