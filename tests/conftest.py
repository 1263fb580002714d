"""Servers that several folders of tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from postgres_server import PostgresServer, postgres_server

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server
