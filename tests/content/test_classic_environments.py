"""Environments of classic connectors: real uv, small wheels, no network."""

from __future__ import annotations

import json
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from content.classic_content import MANIFEST
from repertory.content.changes.progress import silent
from repertory.content.environments.classic import PLATFORM, VIEWS, Way, requirements_of
from repertory.content.environments.environments import environment_digest_of, environment_of
from repertory.content.environments.interpreters import python_of
from repertory.errors import UserError
from repertory.home import Home
from repertory_sdk.manifest import AppManifest

DIGEST = "0" * 64


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's only source of packages: a folder with what connectors take for granted."""
    folder = tmp_path / "index"
    folder.mkdir()
    for line in PLATFORM:
        name = line.partition("<")[0]
        make_wheel(folder, name.replace("-", "_"), "1.5")
    make_wheel(folder, "greeting", "3.0")
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    return folder


def make_wheel(folder: Path, name: str, version: str, tag: str = "py3-none-any") -> str:
    """A package with one module that knows its version; its file name."""
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": f"VERSION = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    path = folder / f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for inner, content in {**files, f"{info}/RECORD": "".join(f"{one},,\n" for one in [*files, f"{info}/RECORD"])}.items():
            archive.writestr(inner, content)
    return path.name


def connector(home: Home, *wheels: str, requires: tuple[str, ...] = (), pypi: tuple[str, ...] = ()) -> AppManifest:
    """An installed connector that ships these wheels, and names packages of the index."""
    folder = home.content(DIGEST)
    folder.mkdir(parents=True, exist_ok=True)
    block = {"wheel": [{"module": "x", "input_file": f"wheels/{name}"} for name in wheels], "pypi": [{"module": name} for name in pypi]}
    (folder / "feeds.json").write_text(json.dumps({**MANIFEST, "pip39_dependencies": block, "pip313_dependencies": block}))
    return AppManifest("feeds", "1.0", main="feeds.py", format="classic", origin="feeds.json", requires=requires)


def versions(home: Home, manifest: AppManifest, *names: str) -> list[str]:
    """What the built environment has."""
    python = python_of(home, environment_of(home, manifest, DIGEST, "feeds", silent))
    code = f"print(*[__import__(name).VERSION for name in {names!r}])"
    return subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=True).stdout.split()


def test_wheels_that_it_ships_come_first_and_the_rest_from_the_index(home: Home, index: Path) -> None:
    name = make_wheel(home.content(DIGEST) / "wheels", "greeting", "2.0")
    assert versions(home, connector(home, name), "greeting", "requests") == ["2.0", "1.5"]


def test_where_no_wheel_of_its_version_fits_any_version_does(home: Home, index: Path) -> None:
    name = make_wheel(home.content(DIGEST) / "wheels", "greeting", "2.0", tag="cp36-cp36m-win32")
    assert versions(home, connector(home, name), "greeting") == ["3.0"]
    assert versions(home, connector(home, requires=("greeting==9.9",)), "greeting") == ["3.0"]


def test_only_the_version_that_does_not_fit_is_given_up(home: Home, index: Path) -> None:
    for version in ("1.0", "2.0"):
        make_wheel(index, "farewell", version)
    assert versions(home, connector(home, requires=("greeting==9.9", "farewell==1.0")), "greeting", "farewell") == ["3.0", "1.0"]


def test_any_version_is_one_that_the_platform_might_have_had(home: Home, index: Path) -> None:
    make_wheel(index, "sh", "2.0")
    make_wheel(index, "python_dateutil", "4.0")
    names = ("sh", "python_dateutil", "six")
    assert versions(home, connector(home, requires=("sh==1.0", "python-dateutil==2.0", "six==9")), *names) == ["1.5", "1.5", "1.5"]


def test_what_there_is_no_wheel_of_does_not_keep_the_rest_away(home: Home, index: Path) -> None:
    make_wheel(index, "kerberos", "1.0", tag="cp36-cp36m-win32")
    manifest = connector(home, requires=("kerberos==1.0", "greeting"))
    assert versions(home, manifest, "greeting", "requests") == ["3.0", "1.5"]
    with pytest.raises(subprocess.CalledProcessError):
        versions(home, manifest, "kerberos")


def test_of_pins_for_other_pythons_the_last_is_taken(home: Home) -> None:
    pins = ('six==1.0; python_version == "3.9"', 'six==1.5; python_version == "3.13"', "other==1; python_version < '3.12'")
    manifest = connector(home, requires=pins)
    found = {minor: [line for line in requirements_of(home.content(DIGEST), manifest, minor) if line not in PLATFORM] for minor in (9, 11, 13)}
    assert found == {9: [pins[0], pins[2]], 11: ["six==1.5", pins[2]], 13: [pins[1], "other==1"]}


def test_packages_that_it_names_and_modules_that_it_only_imports(home: Home, index: Path) -> None:
    make_wheel(index, "psycopg2_binary", "2.9")
    manifest = connector(home, pypi=("greeting", "--index-url=http://evil.example"))
    (home.content(DIGEST) / "feeds.py").write_text("try:\n    import psycopg2\nexcept ImportError:\n    pass\n")
    assert versions(home, manifest, "greeting", "psycopg2_binary") == ["3.0", "2.9"]


def test_what_is_only_taken_for_granted_need_not_be_there(home: Home, index: Path) -> None:
    next(index.glob("xmltodict-*")).unlink()
    assert versions(home, connector(home, requires=("greeting",)), "greeting") == ["3.0"]


def test_what_it_asks_for_and_nobody_has_is_said(home: Home, index: Path) -> None:
    manifest = connector(home, requires=("nowhere==1.0",))
    with pytest.raises(UserError, match="nowhere"):
        environment_of(home, manifest, DIGEST, "feeds", silent)
    assert not home.environment(environment_digest_of(home, manifest, DIGEST, "feeds")).exists()


def test_lines_that_lead_elsewhere_are_left_out(home: Home) -> None:
    manifest = connector(home, requires=("six==1.16.0", "x @ file:///etc", "--index-url http://evil.example", "../y", "six"))
    manifest = replace(manifest, requires=(*manifest.requires, "a==1\n--index-url http://evil.example", "b==1 --pre", "c>=1 -e ."))
    lines = requirements_of(home.content(DIGEST), manifest, 11)
    assert [line for line in lines if line not in PLATFORM] == ["six==1.16.0"]
    assert not [line for line in lines if line == "six"]


@pytest.mark.parametrize(
    ("render", "own", "wanted"),
    [
        ({"type": "custom", "view": "feeds_view.show"}, (), [VIEWS]),
        ({"type": "custom", "view": "feeds_view.show"}, ("django==4.2",), ["django==4.2"]),
        ({"type": "table"}, (), []),
        ("table", (), []),
    ],
)
def test_django_is_there_for_those_who_have_views(home: Home, render: object, own: tuple[str, ...], wanted: list[str]) -> None:
    manifest = connector(home, requires=own)
    folder = home.content(DIGEST)
    (folder / "feeds.json").write_text(json.dumps({**MANIFEST, "actions": [{**MANIFEST["actions"][0], "render": render}]}))
    lines = requirements_of(folder, manifest, 11)
    assert [line for line in lines if line.startswith("django")] == wanted
    way: Way | None = Way(lines=lines)
    while way is not None:
        last, way = way, way.weaker("nothing fits")
    assert VIEWS not in last.lines
