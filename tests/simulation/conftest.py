"""The lab of the runtime's tests, and the users of the commands'."""

from __future__ import annotations

from commands.conftest import follower, origins, plain_environment, prepared
from runtime.conftest import (
    database,
    either_database,
    either_lab,
    either_settings,
    lab,
    sandbox,
    settings,
    shared_sdk,
    template,
)

__all__ = [
    "database", "either_database", "either_lab", "either_settings", "follower", "lab", "origins", "plain_environment", "prepared",
    "sandbox", "settings", "shared_sdk", "template",
]  # fmt: skip
