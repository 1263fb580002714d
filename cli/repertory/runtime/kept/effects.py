"""What a playbook may do to our own database: notes, updates, lists, time and chance.

Each effect runs inside the transaction that also records it, so it happens exactly once.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repertory.errors import UserError
from repertory.home import Home, home_error, write_atomically
from repertory.runtime.kept import events
from repertory.runtime.records import as_text
from repertory.runtime.storage.trouble import StorageTrouble
from repertory_sdk.convert import from_json, to_json
from repertory_sdk.errors import ConversionError
from repertory_sdk.models import Artifact, Attachment
from repertory_sdk.protocol import ATTACHMENT_LIMIT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from repertory.runtime.storage.database import Transaction

    Effect = Callable[["Place", Transaction, Mapping[str, Any]], Any]


class Refused(Exception):
    """The playbook asked for something that cannot be; it is told so."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Which run asks, and under which key."""

    home: Home
    run: str
    key: str
    author: str


def perform(place: Place, transaction: Transaction, what: str, arguments: Mapping[str, Any]) -> Any:
    """Do it; raises Refused with a sentence for the playbook."""
    if what not in EFFECTS:
        raise Refused(f"{what!r} is not known to this version of Repertory")
    try:
        return EFFECTS[what](place, transaction, arguments)
    except StorageTrouble:
        raise
    except UserError as error:
        raise Refused(f"{error.message} ({error.hint})" if error.hint else error.message) from error
    except (ConversionError, KeyError, TypeError, ValueError) as error:
        raise Refused(f"{what}: {error}") from error


def _update_event(_: Place, transaction: Transaction, arguments: Mapping[str, Any]) -> None:
    events.get_event(transaction, arguments["event"])
    events.update_event(transaction, arguments["event"], arguments["changes"])


def _add_note(place: Place, transaction: Transaction, arguments: Mapping[str, Any]) -> int:
    events.get_event(transaction, arguments["event"])
    return events.add_note(
        transaction, arguments["event"], title=str(arguments["title"]), text=str(arguments["text"]),
        author=place.author, run=place.run, key=place.key,
    )  # fmt: skip


def _add_artifact(_: Place, transaction: Transaction, arguments: Mapping[str, Any]) -> int:
    events.get_event(transaction, arguments["event"])
    return events.add_artifact(transaction, arguments["event"], from_json(Artifact, arguments["artifact"], "artifact"))


def _attach(place: Place, transaction: Transaction, arguments: Mapping[str, Any]) -> Any:
    content = base64.b64decode(arguments["content"], validate=True)
    kept = store_attachment(place.home, str(arguments["name"]), content, str(arguments["media_type"]))
    events.keep_attachment(transaction, arguments["event"], kept, run=place.run, key=place.key)
    return to_json(kept)


def store_attachment(home: Home, name: str, content: bytes, media_type: str) -> Attachment:
    """Keep bytes under their hash."""
    if len(content) > ATTACHMENT_LIMIT:
        raise Refused(f"{name}: an attachment may have at most {ATTACHMENT_LIMIT} bytes")
    kept = Attachment(name, hashlib.sha256(content).hexdigest(), len(content), media_type)
    path = home.attachment(kept.sha256)
    try:
        if not path.exists():
            write_atomically(path, content)
    except OSError as error:
        trouble = home_error(home.root, error)
        raise StorageTrouble(trouble.message, trouble.hint) from error
    return kept


def read_attachment(home: Home, sha256: str) -> bytes:
    """The bytes with this hash."""
    if len(sha256) != 64 or not all(digit in "0123456789abcdef" for digit in sha256):
        raise Refused(f"{sha256[:80]!r} is not the hash of an attachment")
    try:
        return home.attachment(sha256).read_bytes()
    except OSError as error:
        raise Refused(f"attachment {sha256[:12]}… cannot be read: {error.strerror}") from error


def unfolded(home: Home, what: str, value: Any) -> Any:
    """What the playbook gets for a recorded value: the record of a file is its hash, not its bytes."""
    return base64.b64encode(read_attachment(home, value)).decode("ascii") if what == "read_attachment" else value


def _read_attachment(place: Place, _: Transaction, arguments: Mapping[str, Any]) -> str:
    read_attachment(place.home, str(arguments["sha256"]))
    return str(arguments["sha256"])


def _attachments(_: Place, transaction: Transaction, arguments: Mapping[str, Any]) -> Any:
    return to_json(events.attachments_of(transaction, arguments["event"]))


def list_rows(transaction: Transaction, name: str) -> list[list[str]]:
    """The rows of a custom list."""
    rows = transaction.query("select cells from list_row where list = ? order by id", name)
    return [json.loads(row["cells"]) for row in rows]


def _list_add(_: Place, transaction: Transaction, arguments: Mapping[str, Any]) -> None:
    transaction.query(
        "insert into list_row (list, cells) values (?, ?)", str(arguments["name"]), as_text(list(arguments["row"]))
    )


def _list_remove(_: Place, transaction: Transaction, arguments: Mapping[str, Any]) -> int:
    wanted = list(arguments["row"])
    rows = transaction.query("select id, cells from list_row where list = ?", str(arguments["name"]))
    doomed = [row["id"] for row in rows if json.loads(row["cells"])[: len(wanted)] == wanted]
    for number in doomed:
        transaction.query("delete from list_row where id = ?", number)
    return len(doomed)


EFFECTS: Mapping[str, Effect] = {
    "now": lambda place, transaction, arguments: time.time(),
    "random": lambda place, transaction, arguments: random.random(),
    "uuid": lambda place, transaction, arguments: str(uuid.uuid4()),
    "log": lambda place, transaction, arguments: str(arguments["text"])[:10_000],
    "update_event": _update_event,
    "add_note": _add_note,
    "add_artifact": _add_artifact,
    "attach": _attach,
    "attachments": _attachments,
    "read_attachment": _read_attachment,
    "list_rows": lambda place, transaction, arguments: list_rows(transaction, str(arguments["name"])),
    "list_add": _list_add,
    "list_remove": _list_remove,
}
