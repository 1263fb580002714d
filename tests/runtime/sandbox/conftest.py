"""A sandbox at each level that has walls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from confined import sandbox_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from repertory.runtime.sandbox.launch import Sandbox


@pytest.fixture(scope="session")
def namespaces() -> Iterator[Sandbox]:
    yield from sandbox_at("namespaces")


@pytest.fixture(scope="session")
def landlock() -> Iterator[Sandbox]:
    yield from sandbox_at("landlock")


@pytest.fixture(params=["namespaces", "landlock"])
def walls(request: pytest.FixtureRequest) -> Sandbox:
    """Each level in turn."""
    made: Sandbox = request.getfixturevalue(request.param)
    return made
