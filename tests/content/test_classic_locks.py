"""Environments of apps written with splunk-soar-sdk: what their lock pins, or else what their project asks for."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from content.classic_content import MANIFEST
from content.test_classic_environments import DIGEST, index, make_wheel, versions
from repertory.content.changes.progress import silent
from repertory.content.environments.environments import environment_of
from repertory.content.environments.uv_lock import locked_lines
from repertory.errors import UserError
from repertory.home import Home
from repertory_sdk.manifest import AppManifest

__all__ = ["index"]
INDEX = 'registry = "https://index.example/simple"'
OWN = 'name = "feeds"\nversion = "1.0"\nsource = { virtual = "." }'
OTHER = "f" * 64


def package(name: str, version: str, *, wheel: str = OTHER, needs: str = "", source: str = INDEX) -> str:
    """An entry of a lock; ``wheel`` is the hash of its wheel, if it has one."""
    wheels = f'wheels = [{{ url = "https://elsewhere.example/x.whl", hash = "sha256:{wheel}" }}]\n' if wheel else ""
    return f'[[package]]\nname = "{name}"\nversion = "{version}"\nsource = {{ {source} }}\ndependencies = [{needs}]\n{wheels}\n'


def lock(*packages: str, needs: str = '{ name = "greeting" }, { name = "splunk-soar-sdk" }', more: str = "") -> str:
    return f"version = 1\n\n[[package]]\n{OWN}\ndependencies = [{needs}]\n{more}\n\n" + "".join(packages)


def app(home: Home, text: str = "", *, python: str = ">=3.9", requires: tuple[str, ...] = ("greeting",)) -> AppManifest:
    """An installed app with this lock."""
    folder = home.content(DIGEST)
    folder.mkdir(parents=True, exist_ok=True)
    plain: dict[str, Any] = {**MANIFEST, "main_module": "src.app:app"}
    (folder / "classic.json").write_text(json.dumps(plain))
    if text:
        (folder / "uv.lock").write_text(text)
    return AppManifest("feeds", "1.0", main="src/app.py", format="classic", origin="classic.json", python=python, requires=requires)


def digest_of(folder: Path, name: str) -> str:
    return hashlib.sha256((folder / name).read_bytes()).hexdigest()


@pytest.fixture
def old(index: Path) -> dict[str, str]:
    """Hashes of wheels in the index that are not the newest of their packages; none of what connectors take for granted is there."""
    for path in index.iterdir():
        if not path.name.startswith("greeting"):
            path.unlink()
    make_wheel(index, "splunk_soar_sdk", "9.0")
    return {name: digest_of(index, make_wheel(index, name, "1.0")) for name in ("greeting", "splunk_soar_sdk", "word")}


def test_a_lock_is_kept_to(home: Home, old: dict[str, str]) -> None:
    text = lock(
        package("greeting", "1.0", wheel=old["greeting"], needs='{ name = "word", marker = "python_version >= \'3.8\'" }'),
        package("splunk-soar-sdk", "1.0", wheel=old["splunk_soar_sdk"], needs='{ name = "never-built" }'),
        package("word", "1.0", wheel=old["word"], needs='{ name = "greeting" }'),
        package("never-built", "1.0", wheel=""),
        package("for-developers", "1.0"),
        more='[package.dev-dependencies]\ndev = [{ name = "for-developers" }]\n',
    )
    assert versions(home, app(home, text), "greeting", "splunk_soar_sdk", "word") == ["1.0", "1.0", "1.0"]


def test_other_bytes_than_those_that_were_locked_are_refused(home: Home, old: dict[str, str]) -> None:
    text = lock(package("greeting", "1.0"), package("splunk-soar-sdk", "1.0", wheel=old["splunk_soar_sdk"]))
    with pytest.raises(UserError, match="(?i)hash"):
        environment_of(home, app(home, text), DIGEST, "feeds", silent)


def test_without_a_lock_the_newest_of_what_the_project_asks_for(home: Home, old: dict[str, str]) -> None:
    assert versions(home, app(home), "greeting", "splunk_soar_sdk") == ["3.0", "9.0"]
    assert versions(home, app(home, requires=("greeting<2", "splunk-soar-sdk<2")), "greeting", "splunk_soar_sdk") == ["1.0", "1.0"]


def test_a_lock_for_a_python_that_is_not_there_is_none(home: Home, old: dict[str, str]) -> None:
    text = lock(package("greeting", "1.0", wheel=old["greeting"]), package("splunk-soar-sdk", "1.0", wheel=old["splunk_soar_sdk"]))
    assert versions(home, app(home, text, python=">=3.99"), "greeting", "splunk_soar_sdk") == ["3.0", "9.0"]


def test_a_project_that_nothing_here_fits_names_its_python(home: Home, old: dict[str, str]) -> None:
    manifest = app(home, python=">=3.99", requires=("splunk-soar-sdk>=10",))
    with pytest.raises(UserError, match=r"feeds needs Python >=3\.99, and there is none"):
        environment_of(home, manifest, DIGEST, "feeds", silent)
    with pytest.raises(UserError, match="splunk-soar-sdk>=10"):
        environment_of(home, app(home, requires=("splunk-soar-sdk>=10",)), DIGEST, "feeds", silent)


@pytest.mark.parametrize(
    "text",
    [
        lock(package("greeting", "1.0", wheel=""), package("splunk-soar-sdk", "1.0")),
        lock(package("greeting", "1.0"), package("splunk-soar-sdk", "1.0", source='directory = "../.."')),
        lock(package("greeting", "1.0"), package("splunk-soar-sdk", "1.0", source='git = "https://elsewhere.example/x?rev=1"')),
        lock(package("greeting", "1.0 --index-url=http://evil.example"), package("splunk-soar-sdk", "1.0")),
        lock(package("greeting", "1.0"), needs='{ name = "greeting", marker = "x\\n--index-url http://evil.example" }'),
        lock(package("greeting", "1.0"), needs='{ name = "greeting", marker = "x --no-index" }'),
        lock(package("greeting", "1.0")),
        "[[package]]\nname = 1\n", "package = 7", "not a lock", "",
    ],
)  # fmt: skip
def test_locks_that_cannot_be_kept_to_are_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "uv.lock").write_text(text)
    assert locked_lines(tmp_path) == []


def test_ways_that_lead_to_a_package_are_its_markers(tmp_path: Path) -> None:
    needs = '{ name = "a", marker = "python_version < \'3.12\'" }, { name = "b", extra = ["more"] }'
    text = lock(
        package("a", "1.0", needs='{ name = "c", marker = "os_name == \'posix\'" }'), package("b", "2.0"),
        package("c", "3.0", needs='{ name = "a" }'), package("d", "4.0"), needs=needs,
    ).replace('version = "2.0"', 'version = "2.0"\noptional-dependencies = { more = [{ name = "d" }] }')  # fmt: skip
    (tmp_path / "uv.lock").write_text(text)
    assert [line.partition(" --hash")[0] for line in locked_lines(tmp_path)] == [
        "a==1.0 ; ((python_version < '3.12')) or ((python_version < '3.12') and (os_name == 'posix'))",
        "b==2.0", "c==3.0 ; ((python_version < '3.12') and (os_name == 'posix'))", "d==4.0",
    ]  # fmt: skip


def test_a_lock_that_leads_everywhere_is_none(tmp_path: Path) -> None:
    names = [f"p{number}" for number in range(12)]
    packages = [
        package(name, "1.0", needs=", ".join(f'{{ name = "{other}", marker = "{name} == {other}" }}' for other in names))
        for name in names
    ]
    (tmp_path / "uv.lock").write_text(lock(*packages, needs='{ name = "p0" }'))
    assert locked_lines(tmp_path) == []
