"""The connector of a classic app, imported from a copy of its folder that it may write in."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any, Callable, Dict, List, Type

from repertory_classic.app import own_files, paths, sealing, soar_sdk_app
from repertory_classic.app.context import CURRENT
from repertory_sdk.errors import ActionFailed

Plain = Dict[str, Any]
ACTIONS = "actions"  # what a process is for, unless it is told something else

# Larger files, such as wheels that are installed elsewhere already, are only pointed at.
_COPIED_BYTES = 1_000_000

# Last on the path: stands in for what apps import without declaring it.
_FALLBACK = str(Path(__file__).parents[2] / "fallback")


class LoadedApp:
    """One app with one asset. Sets up the process around it: folders, path, current folder, what requests begin with."""

    def __init__(self, hello: Plain) -> None:
        self.manifest: Plain = hello["classic"]
        self.asset: str = hello["asset"]["name"]
        self.settings: Plain = dict(hello["asset"]["settings"])
        self.asset_id = asset_number(self.asset)
        self.main = str(self.manifest.get("main_module") or hello.get("main") or "")
        paths.set_up(paths.home(), _bundle())
        material = json.dumps([self.asset, self.settings], sort_keys=True, default=str).encode()
        sealing.keep_key(sealing.derived_key(material))
        self.folder = _writable(hello["folder"], self.directory)
        self.shipped = own_files.seen(self.folder)
        CURRENT.manifest, CURRENT.folder, CURRENT.asset_name = self.manifest, self.folder, self.asset
        CURRENT.request = self.request("", "", [])
        self._enter()
        if hello.get("purpose", ACTIONS) == ACTIONS:
            self.connector_class: Callable[[], Any] = self._entry() if ":" in self.main else self._import()
            self.connector_class()  # an app that cannot even be made is refused before an action is wanted

    @property
    def directory(self) -> str:
        """The name of the folder in which the platform would have it."""
        name = re.sub(r"[^a-z0-9]", "", str(self.manifest.get("name", "")).lower()) or "app_for_phantom"
        return str(self.manifest.get("directory") or f"{name}_{self.manifest.get('appid', '')}")

    def request(self, identifier: str, action: str, parameters: List[Plain]) -> Plain:
        """What a connector is handed; ids and the like are added by whoever knows them."""
        return {
            "identifier": identifier,
            "action": action,
            "parameters": parameters,
            "config": self.config(),
            "asset_id": self.asset_id,
            "app_config": self._app_config(),
            "environment_variables": {},
            "main_module": self.main,
            "debug_level": 0,
        }

    def config(self) -> Plain:
        """A new one for each request: apps change it."""
        settings: Plain = json.loads(json.dumps(self.settings, default=str))
        ingest = {"container_label": "events", "interval_mins": 0, **(settings.get("ingest") or {})}
        return {
            "appname": "-",
            "directory": self.directory,
            "main_module": self.main,
            "app_version": self.manifest.get("app_version"),
            "_reserved_environment_variables": {},
            **settings,
            "ingest": ingest,
        }

    def _app_config(self) -> Plain:
        declared = self.manifest.get("app_config")
        fields = declared.items() if isinstance(declared, dict) else ()
        return {name: field.get("value", field.get("default")) for name, field in fields if isinstance(field, dict)}

    def _enter(self) -> None:
        """From here on modules and files of the app are found by their names."""
        os.chdir(self.folder)
        sys.path[:0] = [self.folder, os.path.join(self.folder, "dependencies")]
        sys.path.append(_FALLBACK)

    def _entry(self) -> Callable[[], Any]:
        app = soar_sdk_app.load(self.main, self.folder, self.manifest)
        return lambda: soar_sdk_app.Entry(app)

    def _import(self) -> Type[Any]:
        stem = os.path.splitext(os.path.basename(self.main))[0]
        spec = importlib.util.spec_from_file_location(stem, os.path.join(self.folder, f"{stem}.py"))
        if spec is None or spec.loader is None or not os.path.exists(spec.origin or ""):
            raise ActionFailed(f"the manifest names the main module {self.main}, which is not there")
        module = importlib.util.module_from_spec(spec)
        sys.modules[stem] = module
        spec.loader.exec_module(module)
        base = importlib.import_module("phantom.base_connector").BaseConnector
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, base) and value.__module__ == stem:
                return value
        raise ActionFailed(f"{stem}.py defines no class that derives from BaseConnector")


def asset_number(name: str) -> str:
    """Digits only, which every app accepts; the same for the same name."""
    return str(int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) % 1_000_000_000 + 1)


def _bundle() -> str:
    """Certificates that are trusted: the app's own collection, else the system's."""
    found = importlib.util.find_spec("certifi")
    if found and found.origin:
        beside = Path(found.origin).with_name("cacert.pem")
        if beside.exists():
            return str(beside)
    system = Path("/etc/ssl/certs/ca-certificates.crt")
    return str(system) if system.exists() else ""


def _writable(folder: str, name: str) -> str:
    """Apps keep files beside their code; the folder that everybody shares stays as it is."""
    copy = Path(paths.home()) / "apps" / name
    if copy.exists():
        shutil.rmtree(copy)
    _copy(Path(folder), copy)
    return str(copy)


def _copy(source: Path, target: Path) -> None:
    target.mkdir(parents=True)
    for path in source.iterdir():
        beside = target / path.name
        if path.is_symlink():
            beside.symlink_to(path.resolve())
        elif path.is_dir() and path.name not in ("wheels", ".git", "__pycache__"):
            _copy(path, beside)
        elif path.is_file() and path.stat().st_size <= _COPIED_BYTES:
            shutil.copyfile(path, beside)
        elif path.name != "__pycache__":
            beside.symlink_to(path)
