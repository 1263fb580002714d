"""Runs are forgotten with everything that is kept of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repertory.runtime.kept import contacts
from repertory.runtime.kept.retention import prune_runs
from repertory.runtime.sandbox.confinement import Contact

if TYPE_CHECKING:
    from runtime_lab import Lab


def test_a_run_that_reached_somebody_can_be_forgotten(either_lab: Lab) -> None:
    run = either_lab.run("return {}")
    reached = Contact(host="192.0.2.1", port=443, verdict="allowed", reason="", sent=1, received=1)
    contacts.keep_contacts(either_lab.database, run.id, "1#0", [reached])
    either_lab.database.query("update run set ended_at = 0")

    assert prune_runs(either_lab.database, older_than_s=1) == 1
    assert either_lab.database.query("select id from contact") == []
