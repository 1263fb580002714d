"""The part of a connector that remembers things between its runs: one plain JSON file for each asset."""

from __future__ import annotations

import json
from typing import Any

from repertory_classic.app import paths
from repertory_classic.app.connector_identity import ConnectorIdentity
from repertory_classic.app.context import CURRENT, state_folder


class ConnectorState(ConnectorIdentity):
    """The file is read each time: other programs write it too."""

    def get_state_dir(self) -> str:
        return state_folder(self.get_app_id())

    def get_state_file_path(self) -> str:
        return f"{self.get_state_dir()}{self.get_asset_id()}_state.json"

    def get_state(self) -> Any:
        return self._BaseConnector__run.state

    def load_state(self) -> Any:
        """What the file says, new if there is none; None if it cannot be read."""
        try:
            with open(self.get_state_file_path(), encoding="utf-8") as file:
                state = json.load(file)
        except FileNotFoundError:
            state = {"app_version": self.get_app_json().get("app_version")}
            ConnectorState.save_state(self, state)
        except (OSError, ValueError, RecursionError) as error:
            CURRENT.tell("error", f"the state of this asset cannot be read: {error}")
            state = None
        self._BaseConnector__run.state = state
        return state

    def save_state(self, state: Any) -> bool:
        """Whether it could be; never raises."""
        if not isinstance(state, dict):
            if state is not None:
                CURRENT.tell("error", f"a state is a dictionary, not {type(state).__name__}; it is not saved")
            return False
        kept = {**state, "app_version": self.get_app_json().get("app_version")}
        try:
            paths.write_whole(self.get_state_file_path(), json.dumps(kept).encode())
        except (OSError, TypeError, ValueError, RecursionError) as error:
            CURRENT.tell("error", f"the state of this asset cannot be saved: {error}")
            return False
        self._BaseConnector__run.state = state
        return True
