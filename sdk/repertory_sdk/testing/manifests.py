"""Hold a committed manifest to the code that it describes."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Union

from repertory_sdk.describe import describe
from repertory_sdk.manifest import APP_FILE, PLAYBOOK_FILE, AppManifest, dump_manifest
from repertory_sdk.testing.loading import importable


def assert_manifest_current(folder: Union[str, Path]) -> None:
    """Fail with the difference unless ``app.json`` or ``playbook.json`` is what the code in ``folder`` generates.

    def test_manifest():
        assert_manifest_current(Path(__file__).parent)
    """
    folder = Path(folder).resolve()
    with importable(folder):
        manifest = describe(folder)
    file = folder / (APP_FILE if isinstance(manifest, AppManifest) else PLAYBOOK_FILE)
    committed = file.read_text("utf-8") if file.is_file() else ""
    generated = dump_manifest(manifest)
    if committed == generated:
        return
    names = (f"{file.name} (committed)", f"{file.name} (generated)")
    difference = "\n".join(difflib.unified_diff(committed.splitlines(), generated.splitlines(), *names, lineterm=""))
    state = "is not what the code says" if file.is_file() else "is missing"
    raise AssertionError(f"{file} {state}; write it with: repertory manifest {folder}\n{difference}")
