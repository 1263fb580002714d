"""What connectors save besides events and evidence: changes of events, notes, lists, files.

It is kept where it belongs to the event of the run or to one that the same asset brought; what is not kept is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repertory.errors import UserError
from repertory.runtime.kept import events
from repertory.runtime.kept.lists import OF_PLAYBOOKS, replace_list
from repertory.runtime.storage.trouble import StorageTrouble
from repertory_sdk.convert import from_json
from repertory_sdk.models import Attachment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from repertory.runtime.storage.database import Transaction

BESIDE = ("changes", "notes", "elsewhere", "files", "lists", "lost")
_CHANGES = {"severity": str, "status": str, "owner": str, "labels": list, "tags": list, "case": bool}
_LONGEST_NAME = 200
_NOTHING = "there is no event of this run"


@dataclass(frozen=True, kw_only=True)
class Saver:
    """Whose word it is: an app with an asset, in an action of a run or (without a run) in a request from outside."""

    app: str
    asset: str
    key: str
    run: str = ""


@dataclass(frozen=True, kw_only=True)
class Beside:
    """What one action said; ``message`` has the names of ``BESIDE``, each with what was said or None."""

    saver: Saver
    message: Mapping[str, Any]

    @property
    def is_something(self) -> bool:
        """Whether anything of it has to be kept, or said."""
        return any(self.message.values())

    def keep(self, transaction: Transaction, event: int | None) -> Sequence[str]:
        """Keep what can be; a sentence for each part that cannot."""
        return [*map(str, self._listed("lost")), *self._keep_own(transaction, event), *self._keep_elsewhere(transaction),
                *self._keep_files(transaction), *self._keep_lists(transaction)]  # fmt: skip

    def _listed(self, name: str) -> list[Any]:
        return list(self.message.get(name) or ())

    def _keep_own(self, transaction: Transaction, event: int | None) -> Iterator[str]:
        changes, notes = dict(self.message.get("changes") or {}), self._listed("notes")
        if event is not None:
            yield from self._change(transaction, event, changes, notes)
        elif changes or notes:
            yield f"changes and notes: {_NOTHING}"

    def _keep_elsewhere(self, transaction: Transaction) -> Iterator[str]:
        for one in self._listed("elsewhere"):
            number = self._event(transaction, one["source_id"])
            if number is None:
                yield f"changes of {one['source_id']}, which is no event of {self.saver.asset}"
            else:
                yield from self._change(transaction, number, dict(one["changes"]), list(one["notes"]))

    def _event(self, transaction: Transaction, source_id: Any) -> int | None:
        """An event that this asset brought; whose other events are is none of its business."""
        rows = transaction.query("select id from event where source = ? and source_id = ?", self.saver.asset, str(source_id))
        return int(rows[0]["id"]) if rows and source_id else None

    def _change(
        self, transaction: Transaction, event: int, changes: Mapping[str, Any], notes: Sequence[Mapping[str, Any]]
    ) -> Iterator[str]:
        good = {name: value for name, value in changes.items() if _is_good(name, value)}
        yield from (f"{name} of event {event}" for name in changes if name not in good)
        try:
            events.update_event(transaction, event, good)
        except StorageTrouble:
            raise
        except UserError as error:
            yield f"changes of event {event}: {error.message}"
        for note in notes:
            events.add_note(
                transaction, event, title=str(note.get("title") or "Note"), text=str(note.get("content") or ""),
                author=f"{self.saver.app} {self.saver.asset}", run=self.saver.run, key=self.saver.key,
            )  # fmt: skip

    def _keep_files(self, transaction: Transaction) -> Iterator[str]:
        for one in self._listed("files"):
            plain = {name: value for name, value in one.items() if name != "source_id"}
            number = self._event(transaction, one["source_id"])
            if number is None:
                yield f"file {one['name']}: {one['source_id'] or 'its container'} is no event of {self.saver.asset}"
            else:
                kept = from_json(Attachment, plain, "files")
                events.keep_attachment(transaction, number, kept, run=self.saver.run, key=self.saver.key)

    def _keep_lists(self, transaction: Transaction) -> Iterator[str]:
        for name, rows in dict(self.message.get("lists") or {}).items():
            if name == OF_PLAYBOOKS or not name or len(name) > _LONGEST_NAME:
                yield f"list {name[:_LONGEST_NAME]!r}, which is not for apps"
            else:
                replace_list(transaction, name, [["" if cell is None else str(cell) for cell in row] for row in rows])


def _is_good(name: str, value: Any) -> bool:
    return isinstance(value, _CHANGES.get(name, ())) and (not isinstance(value, list) or all(isinstance(one, str) for one in value))
