"""The only place of this part that reads the environment: what children need of it, by name."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
PROXIES = ("http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY")


def inherited(*names: str) -> dict[str, str]:
    """Those of the named variables that are set."""
    return {name: os.environ[name] for name in names if os.environ.get(name)}


def inherited_with(prefix: str, names: Iterable[str]) -> dict[str, str]:
    """The same for names without their common prefix."""
    return inherited(*(prefix + name for name in names))
