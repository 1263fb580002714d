"""Environments: real uv, real wheels from a local folder, no network."""

from __future__ import annotations

import ensurepip
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from repertory.content.environments.environments import (
    collect_wheels,
    environment_digest,
    find_python,
    lock_requirements,
    provide_environment,
)
from repertory.content.environments.interpreters import base_python, python_of, search_path
from repertory.content.environments.package_index import IndexSettings, index_settings, pip_variables
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


def make_wheel(folder: Path, version: str, *needs: str) -> Path:
    path = folder / f"greeting-{version}-py3-none-any.whl"
    info = f"greeting-{version}.dist-info"
    files = {
        "greeting.py": "WORD = 'hello'\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: greeting\nVersion: {version}\n"
        + "".join(f"Requires-Dist: {need}\n" for need in needs),
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


def test_interpreters_that_pyenv_keeps_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = [tmp_path / ".pyenv" / "versions" / version / "bin" for version in ("3.13.0", "3.9.2", "mine", "3.10.14")]
    for folder in kept:
        folder.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.delenv("PYENV_ROOT", raising=False)
    newest_first = [kept[0], kept[3], kept[1], kept[2]]
    assert search_path().split(os.pathsep) == [*map(str, newest_first), "/usr/bin", "/bin"]
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "elsewhere"))
    assert search_path() == "/usr/bin:/bin"


def test_requirements_that_are_no_text(home: Home, tmp_path: Path) -> None:
    folder = app_folder(tmp_path, "")
    (folder / "requirements.lock").write_bytes(b"# caf\xe9\n")
    with pytest.raises(UserError, match="is not UTF-8") as raised:
        provide_environment(home, folder, ">=3.9", name="acme/x")
    assert raised.value.hint


def test_an_interpreter_that_does_not_work(tmp_path: Path) -> None:
    python = tmp_path / "python3.99"
    python.write_text("#!/bin/sh\nexit 7\n")
    python.chmod(0o755)
    with pytest.raises(UserError, match=r"python3\.99 does not work") as raised:
        environment_digest("", python)
    assert "install that Python again" in raised.value.hint


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


# ----------------------------------------------- nowhere but to the user's index


@pytest.fixture
def stranger() -> Iterator[tuple[str, list[str]]]:
    """A server that nobody should ask, and what it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        do_HEAD = do_GET

        def log_message(self, *_words: object) -> None:
            """Not on the screen."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
        server.shutdown()
        thread.join()


@pytest.fixture
def online(wheels: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same user, whose uv may use the network."""
    monkeypatch.delenv("UV_OFFLINE")
    monkeypatch.setenv("UV_DEFAULT_INDEX", wheels.as_uri())
    return wheels


@pytest.mark.parametrize(
    "line",
    ["--index-url {}", "--extra-index-url={}", "--find-links {}", "-i {}", "-f {}", "-r {}/more.txt", "-c {}/more.txt", "-e {}/x",
     "{}/greeting-1.0-py3-none-any.whl", "greeting @ {}/greeting-1.0-py3-none-any.whl", "git+{}/x", "--trusted-host x",
     "greeting==1.0 ${{INDEX}}", "greeting==1.0 \\\n    --index-url {}", "# a comment \u2028--index-url {}"],
)  # fmt: skip
def test_requirements_lead_nowhere_else(
    home: Home, tmp_path: Path, online: Path, stranger: tuple[str, list[str]], line: str
) -> None:
    url, asked = stranger
    folder = app_folder(tmp_path, f"{locked(next(online.iterdir()))}{line.format(url)}\n")
    for refuse in (
        lambda: provide_environment(home, folder, ">=3.9", name="acme/x"),
        lambda: collect_wheels(folder, tmp_path / "collected", name="acme/x"),
    ):
        with pytest.raises(UserError, match="its requirements are not installed:\nrequirements.lock:") as raised:
            refuse()
        assert "from the user's own index" in raised.value.hint
    assert asked == []
    assert not home.environment("x").parent.exists()


@pytest.mark.parametrize("need", ["evil @ {}/evil-1.0-py3-none-any.whl", "evil @ git+{}/evil"])
def test_what_a_wheel_depends_on_leads_nowhere_else(
    home: Home, tmp_path: Path, online: Path, stranger: tuple[str, list[str]], need: str
) -> None:
    url, asked = stranger
    wheel = make_wheel(online, "1.0", need.format(url))
    with pytest.raises(UserError, match="evil"):
        provide_environment(home, app_folder(tmp_path, locked(wheel)), ">=3.9", name="acme/x")
    assert asked == []
    assert list(home.environment("x").parent.iterdir()) == []


@pytest.mark.parametrize("line", ["--index-url={}", "greeting @ {}/x.whl", "greeting\n--index-url {}", "-r {}/x.txt"])
def test_authors_lock_plain_requirements_only(online: Path, stranger: tuple[str, list[str]], line: str) -> None:
    url, asked = stranger
    with pytest.raises(UserError, match="is not the plain requirement"):
        lock_requirements(["greeting", line.format(url)], ">=3.9")
    assert asked == []


@pytest.fixture
def with_pip(wheels: Path) -> Path:
    """pip itself is among what the user's index has."""
    (pip,) = (Path(ensurepip.__file__).parent / "_bundled").glob("pip-*.whl")
    shutil.copy(pip, wheels)
    return wheels


def test_wheels_for_a_bundle_come_from_what_uv_is_set_to(
    tmp_path: Path, with_pip: Path, stranger: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, asked = stranger
    settings = tmp_path / "user" / ".config" / "pip" / "pip.conf"
    settings.parent.mkdir(parents=True)
    settings.write_text(f"[global]\nindex-url = {url}\n")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", url)
    folder = app_folder(tmp_path, locked(with_pip / "greeting-1.0-py3-none-any.whl"))
    collect_wheels(folder, tmp_path / "collected", name="acme/x")
    assert [path.name for path in (tmp_path / "collected").iterdir()] == ["greeting-1.0-py3-none-any.whl"]
    assert asked == []


def test_pip_is_set_to_what_uv_is_set_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://one.example.org/simple")
    monkeypatch.setenv("UV_INDEX", "named=https://two.example.org/simple https://three.example.org")
    monkeypatch.setenv("UV_FIND_LINKS", "/srv/a,/srv/b")
    monkeypatch.setenv("SSL_CERT_FILE", "/certificates")
    assert pip_variables(index_settings()) == {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": "https://one.example.org/simple",
        "PIP_EXTRA_INDEX_URL": "https://two.example.org/simple https://three.example.org",
        "PIP_FIND_LINKS": "/srv/a /srv/b",
        "PIP_CERT": "/certificates",
    }


@pytest.mark.parametrize(
    "text",
    ['index-url = "https://one.example.org"\nextra-index-url = ["https://two.example.org"]\n',
     '[[index]]\nurl = "https://two.example.org"\n[[index]]\nurl = "https://one.example.org"\ndefault = true\n'],
)  # fmt: skip
def test_pip_is_set_to_what_the_file_of_uv_says(tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://pip.example.org")
    settings = tmp_path / "user" / ".config" / "uv" / "uv.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text(text)
    variables = pip_variables(index_settings())
    assert (variables["PIP_INDEX_URL"], variables["PIP_EXTRA_INDEX_URL"]) == ("https://one.example.org", "https://two.example.org")
