"""What child processes import: a copy of the SDK and pluggy, and for classic content the packages of its API."""

from __future__ import annotations

import compileall
import hashlib
import py_compile
import shutil
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pluggy

import repertory
import repertory_sdk
from repertory_sdk.classic import SITE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from repertory.home import Home

_PACKAGES = (repertory_sdk, pluggy)
_SITE = Path(repertory.__file__).parent / SITE
# Isolated from the user's environment, and nothing written beside the item's own code: its bytes are what was reviewed.
FLAGS = ("-I", "-B", "-X", "utf8")
_ENTRY = "import sys; sys.path.insert(0, sys.argv[1]); from repertory_sdk.worker import main; main(sys.argv[2:])"


def sdk_folder(home: Home) -> Path:
    """The folder to put on a child's path, made on first use; its name is the digest of its files."""
    folder = home.sdk / _digest()[:16]
    if not folder.exists():
        home.prepare()
        _copy(dict(_files()), folder)
    return folder


@cache
def _digest() -> str:
    """Of the files that this process was started with; asked for with every run and every app process."""
    files = dict(_files())
    digest = hashlib.sha256(str(sys.implementation.cache_tag).encode())
    for name in sorted(files):
        digest.update(name.encode() + b"\0" + files[name].read_bytes() + b"\0")
    return digest.hexdigest()


def _files() -> Iterator[tuple[str, Path]]:
    for package in _PACKAGES:
        root = Path(package.__file__ or "").parent
        for path in root.rglob("*.py"):
            yield f"{root.name}/{path.relative_to(root)}", path
    for path in _SITE.rglob("*.py"):
        yield f"{SITE}/{path.relative_to(_SITE)}", path


def _copy(files: dict[str, Path], folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=".sdk-", dir=folder.parent))
    try:
        for name, path in files.items():
            (temporary / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, temporary / name)
        # Children write no bytecode; compiling the SDK in each of them would take longer than most playbooks.
        compileall.compile_dir(temporary, quiet=2, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
        temporary.rename(folder)
    except OSError:
        shutil.rmtree(temporary, ignore_errors=True)
        if not folder.exists():  # else another process was faster
            raise


def worker_command(python: Path, folder: Path, *arguments: str, flags: tuple[str, ...] = FLAGS) -> list[str]:
    """The command line of a child process."""
    return [str(python), *flags, "-c", _ENTRY, str(folder), *arguments]
