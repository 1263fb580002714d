"""A virtual environment for each set of requirements, built by uv from hashed wheels only."""

from __future__ import annotations

import hashlib
import platform
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import uv

from repertory.content.changes.progress import Progress
from repertory.content.checks.requirements import LOCK_FILE
from repertory.content.durability import settle
from repertory.content.environments import classic
from repertory.content.environments.dependencies import plain_requirements, refuse_options
from repertory.content.environments.interpreters import base_python, search_path
from repertory.content.environments.listing import is_as_built, write_listing
from repertory.content.environments.package_index import index_settings, pip_variables
from repertory.content.environments.python_versions import accepts, lowest
from repertory.content.environments.uv_lock import locked_lines
from repertory.content.surroundings import CERTIFICATES, PROXIES, inherited
from repertory.errors import UserError
from repertory.home import Home, home_error, make_folder, settle_names
from repertory_sdk.classic import FORMAT as CLASSIC
from repertory_sdk.manifest import AppManifest, PlaybookManifest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = [
    "LOCK_FILE", "Environment", "collect_wheels", "environment_digest", "environment_digest_of", "environment_of", "find_python",
    "lock_requirements", "provide_environment",
]  # fmt: skip
SECONDS = 900
OVERRIDES = "overrides.txt"
# Where uv keeps its cache and finds its own and the user's settings.
PASSED_ON = (
    "HOME", "PATH", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "NETRC", "UV_CACHE_DIR",
    "UV_CONFIG_FILE", "UV_OFFLINE", "UV_NATIVE_TLS", "UV_SYSTEM_CERTS", "UV_INSECURE_HOST", "UV_HTTP_TIMEOUT",
    "UV_KEYRING_PROVIDER", *CERTIFICATES, *PROXIES,
)  # fmt: skip
INSTALL = ["pip", "install", "--require-hashes", "--no-build", "--link-mode", "copy", "--compile-bytecode"]
INSTALL_UNLOCKED = ["pip", "install", "--no-build", "--link-mode", "copy", "--compile-bytecode"]
COMPILE = ["pip", "compile", "--quiet", "--universal", "--generate-hashes", "--no-header", "--no-annotate"]


@dataclass(frozen=True, kw_only=True)
class Environment:
    """What an app runs with. ``digest`` is empty where it needs nothing but an interpreter."""

    digest: str
    python: Path


def provide_environment(home: Home, folder: Path, wanted_python: str, *, name: str) -> Environment:
    """Build what an app's ``requirements.lock`` says unless it is there as it was built; ``name`` is how errors call the app."""
    python = find_python(wanted_python, name=name)
    text = _locked_text(folder)
    plain = plain_requirements(text.encode(), name=name)
    digest = _wanted_digest(text, python)
    if not digest:
        return Environment(digest="", python=python)
    target = home.environment(digest)

    def fill(made: Path, work: Path) -> None:
        if plain.strip():
            _install([*INSTALL, "--python", str(made / "bin" / "python"), "-r", LOCK_FILE], work, home.wheels, name=name)

    try:
        with home.exclusive("building"):
            if not is_as_built(home, digest):
                _build(target, plain, python, fill, name=name)
                write_listing(home, digest)
            settle_names(target.parent)  # whoever put it there may have died before
    except OSError as error:
        raise home_error(home.root, error) from error
    return Environment(digest=digest, python=target / "bin" / "python")


def environment_of(home: Home, manifest: AppManifest | PlaybookManifest, digest: str, name: str, tell: Progress) -> str:
    """Provide what an app runs with; the environment's digest, empty for playbooks and apps without requirements."""
    if not isinstance(manifest, AppManifest):
        return ""
    tell(name, "environment")
    if manifest.format == CLASSIC:
        return _provide_classic(home, home.content(digest), manifest, name=name)
    return provide_environment(home, home.content(digest), manifest.python, name=name).digest


def environment_digest_of(home: Home, manifest: AppManifest | PlaybookManifest, digest: str, name: str) -> str:
    """The digest of the environment that an item runs with, whether it is there or not."""
    if not isinstance(manifest, AppManifest):
        return ""
    if manifest.format == CLASSIC:
        return _classic_needs(home.content(digest), manifest, name=name).digest
    return _wanted_digest(_locked_text(home.content(digest)), find_python(manifest.python, name=name))


@dataclass(frozen=True, kw_only=True)
class _ClassicNeeds:
    """What a connector's environment is built from. ``missing`` is why it is not the Python that the connector names."""

    digest: str
    python: Path
    lines: Sequence[str]
    is_locked: bool
    is_project: bool
    missing: UserError | None


def _provide_classic(home: Home, folder: Path, manifest: AppManifest, *, name: str) -> str:
    """As for native apps, but from what a connector pins, or else from what fits."""
    needs = _classic_needs(folder, manifest, name=name)

    def fill(made: Path, work: Path) -> None:
        with_python = ["--python", str(made / "bin" / "python"), "-r", LOCK_FILE]
        if needs.is_locked:
            _install([*INSTALL, "--no-deps", *with_python], work, home.wheels, name=name)
        else:
            _install_unlocked(with_python, work, folder, needs, name=name)

    text = "".join(f"{line}\n" for line in needs.lines)
    try:
        with home.exclusive("building"):
            if not is_as_built(home, needs.digest):
                _build(home.environment(needs.digest), text, needs.python, fill, name=name)
                write_listing(home, needs.digest)
            settle_names(home.environment(needs.digest).parent)
    except OSError as error:
        raise home_error(home.root, error) from error
    return needs.digest


def _install_unlocked(with_python: Sequence[str], work: Path, folder: Path, needs: _ClassicNeeds, *, name: str) -> None:
    """In one way after the other; a project knows what it needs, so that there is one."""
    words = [*INSTALL_UNLOCKED, "--overrides", OVERRIDES, *with_python]
    way: classic.Way | None = classic.Way(lines=needs.lines)
    while way is not None:
        (work / LOCK_FILE).write_text("".join(f"{line}\n" for line in way.lines), "utf-8")
        (work / OVERRIDES).write_text(classic.LEFT_OUT + way.overrides, "utf-8")
        done = _run_uv(words, work, classic.wheel_folders(folder))
        if done.returncode == 0:
            return
        way = None if needs.is_project else way.weaker(done.stderr)
    raise (needs.missing if needs.is_project else None) or _not_built(done, name)


def _classic_needs(folder: Path, manifest: AppManifest, *, name: str) -> _ClassicNeeds:
    """Another Python than a connector names is better than none; its lock, if it has one, is not for that."""
    is_project, missing = classic.is_project(folder, manifest), None
    try:
        python = find_python(manifest.python, name=name)
    except UserError as error:
        python, missing = base_python(), error
    locked = locked_lines(folder) if is_project and not missing else []
    lines = locked or classic.requirements_of(folder, manifest, _version_of(python)[1])
    shipped = [wheel.name for wheels in classic.wheel_folders(folder) for wheel in sorted(wheels.glob("*.whl"))]
    return _ClassicNeeds(
        digest=environment_digest("\n".join([CLASSIC, *lines, *shipped]), python), python=python, lines=lines,
        is_locked=bool(locked), is_project=is_project, missing=missing,
    )  # fmt: skip


def _locked_text(folder: Path) -> str:
    lock = folder / LOCK_FILE
    try:
        return lock.read_text("utf-8") if lock.is_file() else ""
    except UnicodeDecodeError as error:
        raise UserError(f"{lock} is not UTF-8: {error.reason}", "tell whoever keeps the app") from error


def _wanted_digest(text: str, python: Path) -> str:
    """Empty where nothing but our own interpreter is needed."""
    return "" if not text.strip() and python == base_python() else environment_digest(text, python)


def environment_digest(lock: str, python: Path) -> str:
    """sha256, hexadecimal, over the locked requirements and the kind of interpreter."""
    return hashlib.sha256(f"{_identity(python)}\n{lock}".encode(errors="surrogateescape")).hexdigest()


def _identity(python: Path) -> str:
    version = ".".join(map(str, _version_of(python)[:2]))
    return f"{sys.implementation.name}-{version}-{sys.platform}-{platform.machine()}-{platform.libc_ver()[0]}"


def _build(target: Path, lock: str, python: Path, fill: Callable[[Path, Path], None], *, name: str) -> None:
    """Build beside the target and rename, so that nobody ever sees half of one."""
    make_folder(target.parent)
    work = Path(tempfile.mkdtemp(prefix=".new-", dir=target.parent))
    try:
        (work / LOCK_FILE).write_text(lock, "utf-8")
        made = work / "environment"
        _uv(["venv", "--relocatable", "--no-project", "--python", str(python), str(made)], work, name=name)
        fill(made, work)
        settle(made)
        if target.exists():  # its interpreter was removed from the machine, or somebody changed it
            target.rename(work / "before")
        made.rename(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _install(words: Sequence[str], work: Path, wheels: Path, *, name: str) -> None:
    """From the wheels that a bundle brought or what uv remembers, where that suffices; else from the package index.

    The hashes make sure that it comes to the same.
    """
    offline = [*words, "--offline"]
    if wheels.is_dir() and _run_uv([*offline, "--no-index", "--find-links", str(wheels)], work).returncode == 0:
        return
    if _run_uv(offline, work).returncode:
        _uv(words, work, name=name)


def collect_wheels(folder: Path, target: Path, *, name: str) -> None:
    """Download the wheels that an item's ``requirements.lock`` names for this platform, by their hashes."""
    target.mkdir(parents=True, exist_ok=True)
    words = ["tool", "run", "--from", "pip", "pip", "download", "--quiet", "--disable-pip-version-check"]
    words += ["--require-hashes", "--only-binary", ":all:", "--no-deps", "-d", str(target)]
    with tempfile.TemporaryDirectory(prefix="repertory-") as place:
        work = Path(place)
        text = plain_requirements((folder / LOCK_FILE).read_bytes(), name=name)
        (work / LOCK_FILE).write_text(text, "utf-8")
        _uv([*words, "-r", LOCK_FILE], work, name=name)


def lock_requirements(requires: Sequence[str], wanted_python: str) -> str:
    """Pin and hash requirements for every platform: the text of ``requirements.lock``."""
    refuse_options(requires)
    with tempfile.TemporaryDirectory(prefix="repertory-") as folder:
        work = Path(folder)
        (work / "requirements.in").write_text("".join(f"{line}\n" for line in requires), "utf-8")
        words = [*COMPILE, "--python", str(base_python()), "--python-version", lowest(wanted_python)]
        return _uv([*words, "requirements.in"], work, name="the app")


# ------------------------------------------------------------- interpreters


def find_python(wanted: str, *, name: str) -> Path:
    """An interpreter of this machine that a specifier such as ``>=3.9`` accepts, ours if it does."""
    if accepts(wanted, sys.version_info[:3]):
        return base_python()
    words = ["python", "find", "--no-project", "--system", "--no-python-downloads", wanted]
    done = _run_uv(words, Path(tempfile.gettempdir()), path=search_path())
    if done.returncode:
        own = ".".join(map(str, sys.version_info[:2]))
        hint = f"install one; this tool itself runs on Python {own}"
        raise UserError(f"{name} needs Python {wanted}, and there is none on this machine", hint)
    return Path(done.stdout.strip())


def _version_of(python: Path) -> tuple[int, ...]:
    if python == base_python():
        return sys.version_info[:3]
    words = [str(python), "-I", "-S", "-c", "import sys; print(*sys.version_info[:3])"]
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL, env={})
        return tuple(map(int, done.stdout.split()))
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise UserError(f"{python} does not work: {error}", "install that Python again, or take it off the PATH") from error


# ----------------------------------------------------------------------- uv


def _uv(words: Sequence[str], work: Path, *, name: str) -> str:
    done = _run_uv(words, work)
    if done.returncode == 0:
        return done.stdout
    raise _not_built(done, name)


def _not_built(done: subprocess.CompletedProcess[str], name: str) -> UserError:
    return UserError(f"{name}: the environment cannot be built:\n{_told(done.stderr)}", _cure(done.stderr))


def _run_uv(
    words: Sequence[str], work: Path, links: Sequence[Path] = (), path: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run uv in a folder of ours: settings are those of the user, never those of a project around content.

    ``links``: folders with wheels, beside those of the user; ``path``: where to look for programs instead.
    """
    index = index_settings()
    variables = {**inherited(*PASSED_ON), **index.variables}
    if path:
        variables["PATH"] = path
    if links:
        variables["UV_FIND_LINKS"] = ",".join(filter(None, [*map(str, links), variables.get("UV_FIND_LINKS", "")]))
    if words[:2] == ["tool", "run"]:
        variables |= pip_variables(index)
    command = [uv.find_uv_bin(), "--no-progress", "--color", "never", *words]
    command += index.options if words[0] == "pip" else []
    try:
        return subprocess.run(
            command, cwd=work, env=variables, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            errors="replace", check=False, timeout=SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise UserError(f"uv took longer than {SECONDS} s", "check the network and try again") from None


def _told(complaint: str) -> str:
    lines = [line.rstrip() for line in complaint.splitlines() if line.strip()]
    return "\n".join(lines[-12:])


def _cure(complaint: str) -> str:
    cures = (
        ("Hash mismatch", "the package index serves other bytes than the author locked: do not install it"),
        ("no usable wheels", "there is no wheel for this platform or Python; ask the author for another version"),
        ("building from source is disabled", "there is no wheel for it; ask the author for another version"),
        ("network was disabled", "permit the network (UV_OFFLINE), or check where uv or pip is set to look"),
        (" was not found in the ", "check the package index that uv or pip is set to use"),
        ("there is no version of", "check the package index that uv or pip is set to use"),
        ("error sending request", "check the network and the package index that uv or pip is set to use"),
    )
    return next((cure for sign, cure in cures if sign in complaint), "see above; uv's settings apply")
