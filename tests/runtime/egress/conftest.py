"""A sandbox at each level that has a way out of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from repertory.runtime.sandbox.launch import Sandbox
from repertory.runtime.sandbox.probing import try_level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from repertory.runtime.sandbox.confinement import Level


def _sandbox(level: Level) -> Iterator[Sandbox]:
    offer = try_level(level)
    if not offer.works:
        pytest.skip(f"{level} does not work here: {offer.reason}")
    made = Sandbox(level)
    yield made
    made.close()


@pytest.fixture(scope="session")
def namespaces() -> Iterator[Sandbox]:
    yield from _sandbox("namespaces")


@pytest.fixture(scope="session")
def landlock() -> Iterator[Sandbox]:
    yield from _sandbox("landlock")


@pytest.fixture(params=["namespaces", "landlock"])
def walls(request: pytest.FixtureRequest) -> Sandbox:
    """Each level in turn."""
    made: Sandbox = request.getfixturevalue(request.param)
    return made
