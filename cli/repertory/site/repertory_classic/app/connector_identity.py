"""The part of a connector that says what it is and whom it works for."""

from __future__ import annotations

import hashlib
import os
import sys
from typing import Any, Dict, Optional, Tuple

from repertory_classic.app import paths
from repertory_classic.app.context import CURRENT, find_manifest
from repertory_classic.app.run import Run

Plain = Dict[str, Any]
PRODUCT_VERSION = "6.4.1"


class ConnectorIdentity:
    """Everything is kept in one attribute, because apps give attributes of their own any name there is."""

    _BaseConnector__run: Run

    def get_config(self) -> Plain:
        return self._BaseConnector__run.config

    def get_action_identifier(self) -> str:
        return self._BaseConnector__run.identifier

    def get_action_name(self) -> str:
        run = self._BaseConnector__run
        return run.action or str(run.declared(self.get_app_json()).get("action", ""))

    def get_app_dir(self) -> str:
        """The folder of the module that defines the connector; of the app where a library of it does."""
        file = getattr(sys.modules.get(type(self).__module__), "__file__", None)
        beside = os.path.dirname(os.path.abspath(file)) if file else ""
        is_own = os.path.join(beside, "").startswith(os.path.join(CURRENT.folder, "")) if CURRENT.folder else bool(beside)
        return beside if is_own else CURRENT.folder

    def _load_app_json(self) -> None:
        module = os.path.basename(getattr(sys.modules.get(type(self).__module__), "__file__", None) or "")
        found = find_manifest(self.get_app_dir(), os.path.splitext(module)[0])
        self._BaseConnector__run.manifest = found or CURRENT.manifest

    def get_app_json(self) -> Plain:
        run = self._BaseConnector__run
        if not run.manifest:
            if CURRENT.manifest:
                run.manifest = CURRENT.manifest
            else:
                self._load_app_json()
        return run.manifest

    def _said_by_manifest(self, name: str) -> str:
        return str(self.get_app_json().get(name) or "")

    def get_app_id(self) -> str:
        return self._said_by_manifest("appid")

    def get_connector_id(self) -> str:
        return self.get_app_id()

    def get_app_name(self) -> str:
        return self._said_by_manifest("name")

    def get_product_name(self) -> str:
        return self._said_by_manifest("product_name")

    def get_product_vendor(self) -> str:
        return self._said_by_manifest("product_vendor")

    def get_product_version_regex(self) -> str:
        return self._said_by_manifest("product_version_regex")

    def get_app_config(self) -> Plain:
        return self._BaseConnector__run.request.get("app_config") or {}

    def get_app_run_id(self) -> Any:
        return self._BaseConnector__run.request.get("connector_run_id")

    def get_asset_id(self) -> Optional[str]:
        return self._BaseConnector__run.asset_id

    def get_container_id(self) -> Optional[int]:
        return self._BaseConnector__run.container_id

    def get_container_info(self, container_id: Any = None) -> Tuple[bool, Any, int]:
        number = self.get_container_id() if container_id is None else container_id
        found = CURRENT.store.container(number)
        if found is None:
            return False, f"there is no container {number}", 404
        return True, found, 200

    def get_current_param(self) -> Plain:
        return self._BaseConnector__run.parameter

    def get_current_param_context(self) -> Plain:
        return self._BaseConnector__run.parameter.get("context") or {}

    def get_product_version(self) -> str:
        return PRODUCT_VERSION

    def get_product_installation_id(self) -> str:
        """The same for all apps of one place."""
        return hashlib.sha256(f"repertory {paths.home()}".encode()).hexdigest()

    @staticmethod
    def _get_phantom_base_url() -> str:
        return CURRENT.base_url()

    def get_phantom_base_url(self) -> str:
        return CURRENT.base_url()

    @staticmethod
    def _get_phantom_home() -> str:
        return paths.home()

    def get_phantom_home(self) -> str:
        return paths.home()

    def get_ca_bundle(self) -> str:
        return paths.ca_file()

    def is_poll_now(self) -> bool:
        return bool(self._BaseConnector__run.request.get("poll_now"))

    def is_action_cancelled(self) -> bool:
        return self._BaseConnector__run.cancelled

    def _set_csrf_info(self, token: Any, referer: Any) -> None:
        """Nobody asks for it here."""
