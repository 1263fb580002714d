"""Connectors of a folder full of checkouts, each followed, installed with its environment, and asked for every action it offers.

Nothing is reachable: settings name hosts that are not there. What is wanted of an action is an outcome of the connector's own.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Literal

import repertory
import repertory_sdk
from repertory.commands._session import HomeLibrary
from repertory.content.changes.install import install
from repertory.content.items.inspection import inspect_folder
from repertory.content.offered.repositories import add_repository, sync
from repertory.errors import UserError
from repertory.items import Installed
from repertory.runtime.engines.foreground import Foreground, foreground
from repertory.runtime.kept import events, runs
from repertory.runtime.kept.assets import AssetConfig, add_asset
from repertory.runtime.kept.effects import store_attachment
from repertory.runtime.secrets.store import SecretStore
from repertory.runtime.storage.database import Database, open_database
from repertory.settings import Settings, load_settings
from repertory_sdk.convert import from_json
from repertory_sdk.manifest import AppManifest
from repertory_sdk.models import Event

from .generated import FILE, parameters_for, settings_for
from .playbooks import EVENT, as_repository
from .report import ActionReport, ConnectorReport
from .verdicts import judge

Which = Literal["missing", "changed", "all"]
ASSET = "connector"
ACTION_S = 20.0
# Kept from one measurement to the next: what takes long and does not depend on anything else.
_KEPT = ("environments", "listings", "sdk")
# What is made of a measurement once it is there.
_AFTERWARDS = frozenset({"judged.py", "report.py", "playbooks.py"})
_CONFIG = """\
install.allow = "anything"
[limits]
retries = 0
app_start_s = 60.0
[policy]
in_doubt = "report"
[policy.types]
contain = "allow"
correct = "allow"
"""


def measure_connectors(
    folders: Sequence[Path], place: Path, *, which: Which = "changed", action_s: float = ACTION_S
) -> list[ConnectorReport]:
    """Two at a time. ``which`` of them: those without a report, or also those measured with other code, or all."""
    code = _digest_of_code()
    found: dict[str, ConnectorReport] = {}
    with ProcessPoolExecutor(2, get_context("spawn"), max_tasks_per_child=1) as pool:
        asked = {pool.submit(_measured, folder, place / folder.name, code, which, action_s): folder.name for folder in folders}
        for number, done in enumerate(as_completed(asked), 1):
            report = found[asked[done]] = done.result()
            print(f"{number}/{len(asked)} {report.line}", file=sys.stderr, flush=True)
    return [found[name] for name in sorted(found)]


def _digest_of_code() -> str:
    digest = hashlib.sha256()
    for root in (Path(repertory.__file__).parent, Path(repertory_sdk.__file__).parent, Path(__file__).parent):
        for path in sorted(path for path in root.rglob("*.py") if path.name not in _AFTERWARDS):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _measured(folder: Path, place: Path, code: str, which: Which, action_s: float) -> ConnectorReport:
    kept = place / "report.json"
    if kept.exists() and which != "all":
        plain = json.loads(kept.read_bytes())
        if plain.pop("code") == code or which == "missing":
            known: ConnectorReport = from_json(ConnectorReport, plain)
            return known
    began = time.monotonic()
    measured = _measure(folder, place / "home", action_s)
    report = replace(measured, seconds=round(time.monotonic() - began, 1))
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps({"code": code, **asdict(report)}, indent=1))
    return report


def _measure(folder: Path, root: Path, action_s: float) -> ConnectorReport:
    project = folder / "pyproject.toml"
    if project.exists() and "[tool.soar.app]" in project.read_text("utf-8", "replace"):
        return ConnectorReport(name=folder.name, kind="other kit")
    items = inspect_folder(folder).items
    apps = [item for item in items if item.kind == "app"]
    if not apps:
        return ConnectorReport(name=folder.name, kind="none", problem="; ".join(str(issue) for item in items for issue in item.issues))
    errors = [issue for issue in apps[0].issues if issue.is_error]
    if errors:
        is_old = any(issue.rule == "python2-only" for issue in errors)
        return ConnectorReport(name=folder.name, kind="python 2" if is_old else "refused", problem=str(errors[0]))
    settings = _empty_home(root)
    add_repository(settings.home, "measured", as_repository(folder, root / "repository").as_uri())
    sync(settings.home)
    try:
        install(settings.home, [f"measured/{apps[0].name}"])
    except UserError as error:
        return ConnectorReport(name=folder.name, kind="classic", problem=error.message)
    return _act_all(folder.name, settings, action_s)


def _empty_home(root: Path) -> Settings:
    root.mkdir(parents=True, exist_ok=True)
    for path in root.iterdir():
        if path.name not in _KEPT:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    (root / "config.toml").write_text(_CONFIG)
    return load_settings(root)


def _act_all(name: str, settings: Settings, action_s: float) -> ConnectorReport:
    library, database = HomeLibrary(settings.home), open_database(settings)
    try:
        (item,) = library.installed().apps.values()
        manifest = item.manifest
        assert isinstance(manifest, AppManifest)
        plain = json.loads((item.folder / manifest.origin).read_bytes())
        asset = AssetConfig(name=ASSET, app=item.name, settings=settings_for(plain), created_at=time.time())
        add_asset(database, SecretStore(settings), manifest, asset, replace=False)
        event, vault_id = _event(settings, database)
        with foreground(settings, database, library) as here:
            asking = _Asking(here, database, item, event, action_s)
            actions = list(asking.all_of(plain, vault_id))
    finally:
        database.close()
    loaded = not any(one.message.startswith("the app cannot be loaded") for one in actions)
    return ConnectorReport(
        name=name, kind="classic", version=manifest.version, loaded=loaded, actions=actions, interpreter=str(item.python),
        problem="" if loaded else actions[0].message,
    )  # fmt: skip


def _event(settings: Settings, database: Database) -> tuple[int, str]:
    """An event with evidence and a file; its number, and the file's SHA-1."""
    with database.transaction() as transaction:
        stored = events.add_event(transaction, from_json(Event, EVENT))
        kept = store_attachment(settings.home, "invoice.eml", FILE, "message/rfc822")
        events.keep_attachment(transaction, stored.id, kept)
    return stored.id, hashlib.sha1(FILE, usedforsecurity=False).hexdigest()


class _Asking:
    """One connector's actions, one after the other, each a run of its own."""

    def __init__(self, here: Foreground, database: Database, item: Installed, event: int, action_s: float) -> None:
        self._here = here
        self._database = database
        self._item = item
        self._event = events.get_event(database, event)
        self._action_s = action_s

    def all_of(self, plain: Mapping[str, Any], vault_id: str) -> Iterator[ActionReport]:
        by_name = {" ".join(str(one.get("action")).split()).lower(): one for one in plain["actions"] if isinstance(one, dict)}
        assert isinstance(self._item.manifest, AppManifest)
        for action in self._item.manifest.actions:
            yield self._ask(action.name, parameters_for(by_name.get(action.name, {}), vault_id))

    def _ask(self, action: str, parameters: Mapping[str, Any]) -> ActionReport:
        act = {"action": action, "app": self._item.name, "assets": [ASSET], "parameters": parameters, "timeout_s": self._action_s}
        began = time.monotonic()
        try:
            with self._database.transaction() as transaction:
                run_id = runs.create_run(transaction, runs.NewRun(event=self._event, act=act, held=True))
            run = self._here.run(run_id, watch=_go_on)
            steps = runs.steps_of(self._database, run_id)
            status, message = (steps[-1].call.state, steps[-1].call.message) if steps else ("refused", run.message)
            progress = str(steps[-1].progress or "") if steps else ""
            printed = "".join(part.text for part in runs.output_of(self._database, run_id))
        except UserError as error:
            status, message, printed, progress = "refused", error.message, "", ""
        judged = judge(status, message, printed)
        return ActionReport(
            name=action, status=status, message=message[:2000], seconds=round(time.monotonic() - began, 1),
            verdict=judged.verdict, progress=progress[:300], where=judged.where, error=judged.error,
        )  # fmt: skip


def _go_on(_run: Any) -> bool:
    return True


