"""Fixtures for the tests of apps and playbooks; pytest finds them once the SDK is installed."""

from __future__ import annotations

import pytest

from repertory_sdk.job import Job
from repertory_sdk.testing.recorder import PlayRecorder


@pytest.fixture
def play_recorder(request: pytest.FixtureRequest) -> PlayRecorder:
    """A recorder that looks for playbooks and events beside the test."""
    return PlayRecorder(request.path.parent)


@pytest.fixture
def job() -> Job:
    """A job that keeps what an action says and attaches."""
    return Job()
