"""Rows of the journal's tables as records."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from repertory.runtime.records import Call, Prompt

if TYPE_CHECKING:
    from repertory.runtime.storage.database import Row


def call_of(row: Row) -> Call:
    """A row of ``action_run``."""
    return Call(
        key=row["call_key"], act_key=row["act_key"], action=row["action"], type=row["type"], app=row["app"],
        app_hash=row["app_hash"], asset=row["asset"], parameters=json.loads(row["parameters"]),
        timeout_s=row["timeout_s"], decision=row["decision"], digest=row["digest"], epoch=row["epoch"],
        state=row["state"], message=row["message"], data=json.loads(row["data"]), summary=json.loads(row["summary"]),
        attachments=json.loads(row["attachments"]), tries=row["tries"], settled=row["settled"],
    )  # fmt: skip


def prompt_of(row: Row) -> Prompt:
    """A row of ``prompt``."""
    return Prompt(
        id=row["id"], run=row["run"], key=row["call_key"], kind=row["kind"], question=row["question"],
        options=json.loads(row["options"]), recipient=row["recipient"], default=row["default_answer"],
        deadline_at=row["deadline_at"], answer=row["answer"], answered_by=row["answered_by"],
        answered_at=row["answered_at"], timed_out=bool(row["timed_out"]), created_at=row["created_at"],
        settled=row["settled"],
    )  # fmt: skip


