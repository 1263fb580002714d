"""Environments: real uv, real wheels from a local folder, no network."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from repertory.content.environments.environments import (
    environment_digest,
    find_python,
    lock_requirements,
    provide_environment,
)
from repertory.content.environments.interpreters import base_python, python_of
from repertory.content.environments.package_index import IndexSettings, index_settings
from repertory.errors import UserError
from repertory.home import Home


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one wheel, the user's only package index."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    make_wheel(folder, "1.0")
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    return folder


def make_wheel(folder: Path, version: str) -> Path:
    path = folder / f"greeting-{version}-py3-none-any.whl"
    info = f"greeting-{version}.dist-info"
    files = {
        "greeting.py": "WORD = 'hello'\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: greeting\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(name, content)
    return path


def app_folder(tmp_path: Path, lock: str) -> Path:
    folder = tmp_path / "app"
    folder.mkdir(exist_ok=True)
    (folder / "requirements.lock").write_text(lock)
    return folder


def locked(wheel: Path) -> str:
    return f"greeting==1.0 --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"


def test_without_requirements_there_is_no_environment(home: Home, tmp_path: Path) -> None:
    made = provide_environment(home, tmp_path, ">=3.9", name="acme/x")
    assert (made.digest, made.python) == ("", base_python())
    assert not home.environment("x").parent.exists()
    assert python_of(home, "") == base_python()


def test_an_environment(home: Home, tmp_path: Path, wheels: Path) -> None:
    folder = app_folder(tmp_path, locked(next(wheels.iterdir())))
    made = provide_environment(home, folder, ">=3.9", name="acme/x")
    assert made.python == python_of(home, made.digest)
    code = "import greeting, sys; print(greeting.WORD, sys.prefix)"
    done = subprocess.run([made.python, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["hello", str(home.environment(made.digest))]
    (module,) = home.environment(made.digest).rglob("greeting.py")
    assert module.stat().st_nlink == 1
    assert list(module.parent.glob("__pycache__/greeting.*.pyc"))
    next(wheels.iterdir()).unlink()
    assert provide_environment(home, folder, ">=3.9", name="acme/x") == made
    assert [path.name for path in home.environment("x").parent.iterdir()] == [made.digest]


def test_two_builders_at_once(home: Home, tmp_path: Path, wheels: Path) -> None:
    folder = app_folder(tmp_path, locked(next(wheels.iterdir())))
    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(lambda name: provide_environment(home, folder, ">=3.9", name=name), ["a/x", "b/x"]))
    assert made[0] == made[1]
    assert [path.name for path in home.environment("x").parent.iterdir()] == [made[0].digest]


def test_other_bytes_than_locked(home: Home, tmp_path: Path, wheels: Path) -> None:
    folder = app_folder(tmp_path, f"greeting==1.0 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(UserError, match=r"acme/x: the environment cannot be built(.|\n)*greeting") as raised:
        provide_environment(home, folder, ">=3.9", name="acme/x")
    assert "other bytes" in raised.value.hint
    assert list(home.environment("x").parent.iterdir()) == []


def test_a_package_that_is_not_there(home: Home, tmp_path: Path, wheels: Path) -> None:
    folder = app_folder(tmp_path, f"farewell==1.0 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(UserError, match="farewell") as raised:
        provide_environment(home, folder, ">=3.9", name="acme/x")
    assert "permit the network" in raised.value.hint


def test_a_source_distribution_is_not_built(home: Home, tmp_path: Path, wheels: Path) -> None:
    trap = tmp_path / "executed"
    source = wheels / "trap-1.0.zip"
    with zipfile.ZipFile(source, "w") as archive:
        archive.writestr("trap-1.0/setup.py", f"open({str(trap)!r}, 'w')\n")
        archive.writestr("trap-1.0/PKG-INFO", "Metadata-Version: 2.1\nName: trap\nVersion: 1.0\n")
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    with pytest.raises(UserError, match="trap") as raised:
        provide_environment(home, app_folder(tmp_path, f"trap==1.0 --hash=sha256:{digest}\n"), "", name="acme/x")
    assert "no wheel" in raised.value.hint
    assert not trap.exists()


def test_the_digest_depends_on_the_requirements() -> None:
    assert environment_digest("a", base_python()) != environment_digest("b", base_python())
    assert environment_digest("a", base_python()) == environment_digest("a", base_python())


def test_an_interpreter_that_nobody_has() -> None:
    with pytest.raises(UserError, match=r"acme/x needs Python >=3\.99"):
        find_python(">=3.99", name="acme/x")
    assert find_python(f"=={sys.version_info[0]}.{sys.version_info[1]}.*", name="acme/x") == base_python()


def test_locking_for_authors(wheels: Path) -> None:
    wheel = next(wheels.iterdir())
    text = lock_requirements(["greeting>=0.5"], ">=3.9")
    assert text.split() == ["greeting==1.0", "\\", f"--hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}"]


def test_what_pip_is_set_to_is_enough(
    home: Home, tmp_path: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("UV_FIND_LINKS")
    monkeypatch.delenv("UV_OFFLINE")
    settings = tmp_path / "user" / ".config" / "pip" / "pip.conf"
    settings.parent.mkdir(parents=True)
    settings.write_text(f"[global]\nno-index = true\nfind-links = {wheels}\n")
    folder = app_folder(tmp_path, locked(next(wheels.iterdir())))
    assert provide_environment(home, folder, ">=3.9", name="acme/x").python.exists()
    folder = app_folder(tmp_path, f"farewell==1.0 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(UserError, match="farewell was not found in the provided") as raised:
        provide_environment(home, folder, ">=3.9", name="acme/x")
    assert "package index" in raised.value.hint


# --------------------------------------------------------------- package index


def test_what_uv_is_set_to_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://pip.example.org/simple")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://uv.example.org/simple")
    assert index_settings().variables == {"UV_DEFAULT_INDEX": "https://uv.example.org/simple"}


def test_a_file_of_uv_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://pip.example.org/simple")
    settings = tmp_path / "user" / ".config" / "uv" / "uv.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text("")
    assert index_settings() == IndexSettings()


def test_pip_settings_are_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = tmp_path / "pip.conf"
    settings.write_text(
        "[global]\nindex-url = https://one.example.org/simple\nextra-index-url =\n  https://two.example.org/%%s\n"
        "  https://three.example.org\nno-index = false\n[install]\nfind-links = /srv/a /srv/b\n"
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(settings))
    monkeypatch.setenv("PIP_INDEX_URL", "https://four.example.org/simple")
    monkeypatch.setenv("SSL_CERT_FILE", "/certificates")
    assert index_settings().variables == {
        "UV_DEFAULT_INDEX": "https://four.example.org/simple",
        "UV_INDEX": "https://two.example.org/%%s https://three.example.org",
        "UV_FIND_LINKS": "/srv/a,/srv/b",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
    }
