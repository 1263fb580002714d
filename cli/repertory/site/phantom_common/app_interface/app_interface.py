"""A client of the platform for webhooks; nobody but the app's own process answers it here."""

from __future__ import annotations

import importlib
from typing import Any

from repertory_classic.app.context import CURRENT


class SoarRestClient:
    """``session`` is one of ``requests``, which the app brings."""

    def __init__(self, token: Any, asset_id: Any) -> None:
        self.base_url = CURRENT.base_url() + "rest"
        self.asset_id = asset_id
        self.session: Any = importlib.import_module("requests").Session()
        self.session.headers["Cookie"] = f"sessionid={token}"
