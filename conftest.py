"""What holds for every test: nobody's own folders are touched, and no test is skipped in silence."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

# With REPERTORY_NO_SKIPS set, a skipped test is a failed one, unless it is marked with this and a reason.
MAY_SKIP = "may_skip"
NO_SKIPS = pytest.StashKey[bool]()
FOREIGN = ("CREDENTIALS_", "DBUS_", "GIT_", "PG", "REPERTORY_", "XDG_")
# Fixtures with real processes, repositories or servers behind them, and places where every test starts some.
REAL = frozenset(
    {
        "community", "either_database", "either_lab", "finished_community", "finished_home", "follower", "impatient", "lab",
        "new_repository", "plumbing", "postgres", "postgres_database", "shared_sdk", "synced_home", "template", "user",
    }
)  # fmt: skip
REAL_PLACES = (
    "community_apps/", "tests/acceptance/", "tests/attacks/", "tests/classic/app", "tests/classic/playbook/test_blocks",
    "tests/classic/playbook/test_rest", "tests/classic/test_answering", "tests/classic/test_pages",
    "tests/classic/test_places", "tests/classic/test_running",
    "tests/classic/test_saving", "tests/classic/test_upstream", "tests/commands/", "tests/content/test_bundle",
    "tests/content/test_catalogs",
    "tests/content/test_classic_environments", "tests/content/test_classic_locks", "tests/simulation/test_exploring",
    "tests/simulation/test_simulated", "tests/content/test_environments", "tests/content/test_git",
    "tests/content/test_hostile", "tests/content/test_sync", "tests/content/test_index.py::test_a_writer_is_waited_for",
    "tests/content/test_trust", "tests/runtime/egress/test_attempts", "tests/runtime/egress/test_clients",
    "tests/runtime/egress/test_connections", "tests/runtime/sandbox/test_interpreters", "tests/runtime/sandbox/test_probing",
    "tests/runtime/sandbox/test_process", "tests/runtime/sandbox/test_seccomp", "tests/runtime/test_broken_off",
    "tests/runtime/test_journal",
    "tests/runtime/test_secret_references.py::test_a_program_that_waits",
    "tests/runtime/test_secrets_store.py::test_secrets_can_be_read_while_keys_change",
    "tests/runtime/test_secrets_store.py::test_several_processes", "tests/runtime/test_storage", "tests/sdk/test_app_worker",
    "tests/sdk/test_conformance", "tests/sdk/test_http", "tests/sdk/test_describe", "tests/sdk/test_playbook_worker",
    "tests/sdk/test_recorder", "tests/sdk/test_ssh", "tests/test_community", "tests/test_house", "tests/test_package",
)  # fmt: skip
# No process, but seconds of the processor: files made to be expensive, and hundreds of examples of what strangers write.
COSTLY_PLACES = (
    "tests/content/test_checks_cost", "tests/content/test_classic_sdk.py::test_code_that_is_made", "tests/content/test_fuzz",
    "tests/runtime/test_cleaning.py::test_nothing_takes_long",
)  # fmt: skip


def pytest_configure(config: pytest.Config) -> None:
    config.stash[NO_SKIPS] = bool(os.environ.get("REPERTORY_NO_SKIPS"))
    config.addinivalue_line("markers", f"{MAY_SKIP}(reason): does not apply everywhere, not even where all is installed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is not marked here is a unit test: `tox -e unit`."""
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if fixtures & REAL or item.nodeid.startswith(REAL_PLACES):
            item.add_marker("real")
        if item.nodeid.startswith(COSTLY_PLACES):
            item.add_marker("costly")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """To read files of which no test can be wanted takes as long as half of the unit tests."""
    unwanted = _unwanted_places(config.getoption("markexpr"))
    place = collection_path.relative_to(config.rootpath).as_posix() if collection_path.is_relative_to(config.rootpath) else ""
    return True if place and unwanted and f"{place}/".startswith(unwanted) else None


def _unwanted_places(expression: str) -> tuple[str, ...]:
    parts = {part.strip() for part in expression.split(" and ")} if " or " not in expression else set()
    places = {"not real": REAL_PLACES, "not costly": COSTLY_PLACES}
    return tuple(place for part in parts & set(places) for place in places[part])


@pytest.fixture(scope="session", autouse=True)
def _somebody_else(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A user who has just come to this machine; only where packages come from is kept."""
    user = tmp_path_factory.mktemp("somebody")
    with pytest.MonkeyPatch.context() as patch:
        _keep(patch, "PIP_CONFIG_FILE", ".config/pip/pip.conf")
        _keep(patch, "UV_CONFIG_FILE", ".config/uv/uv.toml")
        for name in [name for name in os.environ if name.startswith(FOREIGN)]:
            patch.delenv(name)
        patch.setenv("HOME", str(user))
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        patch.setenv("REPERTORY_HOME", str(user / "repertory"))
        yield


def _keep(patch: pytest.MonkeyPatch, variable: str, path: str) -> None:
    file = Path.home() / path
    if variable not in os.environ and file.is_file():
        patch.setenv(variable, str(file))


@pytest.fixture(autouse=True)
def _own_home(_somebody_else: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test has a home of its own, and no database but the one in it."""
    monkeypatch.setenv("REPERTORY_HOME", str(tmp_path / "repertory-home"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and item.get_closest_marker(MAY_SKIP) is None:
        _forbid_skip(report, item.config)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if report.skipped:
        _forbid_skip(report, collector.config)
    return report


def _forbid_skip(report: pytest.TestReport | pytest.CollectReport, config: pytest.Config) -> None:
    if not config.stash[NO_SKIPS]:
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
    report.outcome = "failed"
    report.longrepr = f"{reason}\nREPERTORY_NO_SKIPS is set: what should run is to run"
