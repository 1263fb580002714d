"""Apps written with splunk-soar-sdk: what can be said of them without running them."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from content.sdk_app import APP, NAP, PROJECT, SWITCH, WORDS, sdk_files
from content.test_classic_items import errors_of, items_in
from repertory_sdk.manifest import AppManifest


def manifest_of(folder: Path, files: dict[str, str]) -> AppManifest:
    (item,) = items_in(folder, files).values()
    assert not errors_of(item), errors_of(item)
    assert isinstance(item.manifest, AppManifest)
    return item.manifest


def problem_of(folder: Path, files: dict[str, str]) -> str:
    (item,) = items_in(folder, files).values()
    (issue,) = errors_of(item)
    assert issue.rule == "classic-manifest"
    return issue.message


def test_such_an_app_is_an_app(tmp_path: Path) -> None:
    manifest = manifest_of(tmp_path, sdk_files())
    assert (manifest.name, manifest.version, manifest.summary, manifest.license) == ("lamps", "1.4.2", "Looks after lamps", "Apache-2.0")
    assert (manifest.product, manifest.vendor) == ("Lamps", "Ours")
    assert (manifest.main, manifest.origin, manifest.format) == ("src/app.py", "classic.json", "classic")
    assert (manifest.python, manifest.requires) == (">=3.9", ("splunk-soar-sdk>=2.3.7",))
    assert manifest.permissions.hosts == ("${asset.base_url}", "${asset.base_url}:443", "lamps.example-vendor.com:443")


@pytest.mark.parametrize(("said", "python"), [(">=3.13, <3.15", ">=3.13, <3.15"), ("--offline >=3.99", ">=3.9"), ("3", ">=3.9"), ("", ">=3.9")])
def test_its_python_is_what_the_project_names(tmp_path: Path, said: str, python: str) -> None:
    project = PROJECT.replace('">=3.9"', f'"{said}"')
    assert manifest_of(tmp_path, sdk_files(pyproject=project)).python == python


def test_a_module_that_this_python_cannot_read_hides_no_more_than_itself(tmp_path: Path) -> None:
    actions = manifest_of(tmp_path, sdk_files(nap="type Newer = int if\n")).actions
    assert "take a nap" not in [one.name for one in actions]
    assert "look up" in [one.name for one in actions]


def test_examples_of_outputs_are_no_hosts(tmp_path: Path) -> None:
    example = '    site: str = OutputField(\n        example_values=[\n            "https://seen.example-vendor.com/x",\n        ]\n    )\n'
    code = APP.replace("    watts: int", f"{example}    watts: int")
    assert manifest_of(tmp_path, sdk_files(app=code)).permissions.hosts[-1] == "lamps.example-vendor.com:443"


def test_settings_are_the_fields_of_its_asset(tmp_path: Path) -> None:
    settings = manifest_of(tmp_path, sdk_files()).settings
    assert [(one.name, one.schema["type"], one.required, one.secret, one.default) for one in settings] == [
        ("base_url", "string", False, False, "https://localhost"),
        ("key", "string", True, True, None),
        ("retries", "number", False, False, 3),
    ]  # fmt: skip


def test_actions_are_found_by_decorators_and_calls_in_every_module_that_is_imported(tmp_path: Path) -> None:
    actions = manifest_of(tmp_path, sdk_files()).actions
    assert {(one.name, one.function, one.type, one.read_only) for one in actions} == {
        ("test connectivity", "test_connectivity", "test", True),
        ("look up", "look_up", "investigate", True),
        ("on poll", "on_poll", "ingest", True),
        ("switch", "switch", "correct", False),
        ("take a nap", "nap", "generic", False),
    }
    assert {one.name: one.description for one in actions}["look up"] == "Look a lamp up."


def test_parameters_follow_classes_through_modules(tmp_path: Path) -> None:
    manifest = manifest_of(tmp_path, sdk_files())
    action = manifest.action("look up")
    assert action is not None
    assert [(one.name, one.required, one.default, one.contains, one.description) for one in action.parameters] == [
        ("street", True, None, ("street",), "Which street"),
        ("many", False, -1.5, (), "Many"),
        ("the-token", False, None, (), "Token"),
    ]  # fmt: skip
    poll = manifest.action("on poll")
    assert poll is not None
    assert [one.name for one in poll.parameters] == ["start_time", "end_time", "container_count", "artifact_count", "container_id"]


def test_outputs_are_the_fields_of_what_is_returned_and_of_the_summary(tmp_path: Path) -> None:
    action = manifest_of(tmp_path, sdk_files()).action("look up")
    assert action is not None
    assert [(one.path, one.schema.get("type"), one.examples, one.contains) for one in action.outputs] == [
        ("found[].street", "string", (), ()),
        ("found[].watts", "number", (40, 60), ()),
        ("No", "number", (), ("lamp number",)),
        ("is_lit", "boolean", (True, False), ()),
    ]  # fmt: skip
    assert [one.path for one in action.summary] == ["lamps"]


@pytest.mark.parametrize(
    ("annotation", "path"),
    [
        ("str", "x"), ("Optional[str]", "x"), ("str | None", "x"), ("typing.Optional['str']", "x"), ("list[list[str]]", "x[][]"),
        ("Optional[list[Post]]", "x[].street"), ("'Post'", "x.street"), ("Union[None, Post]", "x.street"),
        ("Alias", "x.street"), ("dict", None), ("str | int", None), ("NotThere", None),
    ],
)  # fmt: skip
def test_types_of_fields(tmp_path: Path, annotation: str, path: str | None) -> None:
    code = APP.replace("    is_lit: bool", f"    x: {annotation}").replace("class Look(", "Alias = Post\n\n\nclass Look(")
    action = manifest_of(tmp_path, sdk_files(app=code)).action("look up")
    assert action is not None
    found = [one.path for one in action.outputs if one.path.startswith("x")]
    assert (found[0] if found else None) == path


def test_a_manifest_that_it_ships_is_the_one(tmp_path: Path) -> None:
    shipped = {
        "appid": "5d9b8c44-3d0f-4b27-9a55-2b4c0f6a7e01", "name": "Lamps of Ours", "package_name": "phantom_lamps",
        "main_module": "src.app:app", "app_version": "9.9", "configuration": {}, "python_version": "3.13",
        "actions": [{"action": "look up", "identifier": "look_up", "type": "investigate", "read_only": True, "parameters": {}}],
    }  # fmt: skip
    manifest = manifest_of(tmp_path, {**sdk_files(), "app.json": json.dumps(shipped)})
    assert (manifest.version, [one.name for one in manifest.actions], manifest.origin) == ("9.9", ["look up"], "classic.json")
    assert (manifest.python, manifest.requires) == (">=3.9", ("splunk-soar-sdk>=2.3.7",))


@pytest.mark.parametrize(
    ("stem", "code", "said"),
    [
        ("words", WORDS.replace('"invest" + "igate"', "input()"), "src/words.py:7: a value that is known only when the code runs"),
        ("nap", NAP.replace('name="take a nap"', "**{}"), "src/actions/nap.py:6: arguments of an action"),
        ("nap", NAP.replace('identifier="nap"', 'identifier="look_up"'), "look_up is an action already"),
        ("words", WORDS.replace("many: float", "many: list"), "many is of no type that a manifest can have"),
        ("words", WORDS.replace("Param(default=-1.5", "Param(**many, default=-1.5"), "arguments of Param"),
        ("switch", SWITCH.replace("def switch(", "def other("), "an action whose function is known only when the code runs"),
        ("app", APP.replace("app = App(", "app = make("), "app is not made there by App(...)"),
        ("words", "class (", "src/words.py:1: invalid syntax, as Python 3."),
    ],
)
def test_what_only_running_it_would_tell_is_named(tmp_path: Path, stem: str, code: str, said: str) -> None:
    assert said in problem_of(tmp_path, sdk_files(**{stem: code}))


def test_code_that_leads_in_circles_comes_to_an_end(tmp_path: Path) -> None:
    circle = 'from .words import KIND as KIND\n\n\nclass Street(Street):\n    street: "Street"\n'
    assert "src/app.py" in problem_of(tmp_path, sdk_files(words=circle))


def test_a_class_that_contains_itself_is_described_as_far_as_anybody_looks(tmp_path: Path) -> None:
    code = APP.replace("    watts: int", '    below: "Post"\n    watts: int')
    action = manifest_of(tmp_path, sdk_files(app=code)).action("look up")
    assert action is not None
    assert len(action.outputs) < 100


PARAMETERS = "from soar_sdk.params import Param, Params\n\n"
DOUBLED = "KIND0 = 'x'\n" + "".join(f"KIND{n + 1} = KIND{n} + KIND{n}\n" for n in range(40)) + "KIND = KIND40\n"
LISTED = "KIND0 = ['x']\n" + "".join(f"KIND{n + 1} = [KIND{n}, KIND{n}]\n" for n in range(40)) + "KIND = KIND40\n"
HEIRS = "class C0(Params):\n    x: str\n" + "".join(f"class C{n + 1}(C{n}, C{n}):\n    pass\n" for n in range(19)) + "Street = C19\n"
STREET = "KIND = 'investigate'\nclass Street(Params):\n    street: str\n"


@pytest.mark.parametrize(
    ("stem", "code"),
    [
        ("words", PARAMETERS + STREET + DOUBLED),
        ("words", PARAMETERS + STREET + LISTED),
        ("words", PARAMETERS + STREET.replace("class Street", "class Other") + HEIRS),
        ("words", "from .words import *\nfrom .words import *\n"),
        ("app", APP.replace("    watts: int", "".join(f'    p{n}: "Post"\n' for n in range(9)) + "    watts: int")),
    ],
)
def test_code_that_is_made_to_take_for_ever_does_not(tmp_path: Path, stem: str, code: str) -> None:
    started = time.process_time()
    said = problem_of(tmp_path, sdk_files(**{stem: code}))
    assert "known only when the code runs" in said or "too involved" in said
    assert time.process_time() - started < 10


def test_the_rest_of_its_repository_is_not_looked_at(tmp_path: Path) -> None:
    playbook = "import phantom.rules as phantom\n\ndef on_start(container):\n    pass\n"
    items = items_in(tmp_path, {**sdk_files(), "tests/data/sample.py": playbook, "src/other.py": playbook})
    assert list(items) == ["lamps"]


def test_several_in_one_repository_are_several_items(tmp_path: Path) -> None:
    files = {f"{folder}/{path}": text for folder in ("a", "b") for path, text in sdk_files().items()}
    files["b/pyproject.toml"] = PROJECT.replace('"lamps"', '"lanterns"')
    assert sorted(items_in(tmp_path, files)) == ["lamps", "lanterns"]
