"""What the platform's REST interface answers to an app, out of what this process knows."""

from __future__ import annotations

import base64
import csv
import io
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Tuple, Union

from repertory_classic.app import store
from repertory_classic.app.connector_identity import PRODUCT_VERSION
from repertory_classic.app.context import CURRENT
from repertory_classic.app.rest_query import BadQuery, listed
from repertory_classic.app.vault_rows import ROWS
from repertory_classic.app.vault_rows import Refused as NotKept

Plain = Dict[str, Any]
Answer = Tuple[int, Union[Plain, str]]
_STATUSES = {"new": "new", "open": "open", "closed": "resolved"}
_SEVERITIES = ("low", "medium", "high", "critical")


class Question(NamedTuple):
    """A request: ``way`` is its path below ``/rest/``, in parts."""

    method: str
    way: List[str]
    query: Mapping[str, str]
    body: Plain


def answer(question: Question) -> Answer:
    """Status and content; what is unknown or wrong is said as the platform says it."""
    handler = _HANDLERS.get(question.way[0] if question.way else "")
    try:
        answered = handler(question) if handler else None
    except (BadQuery, store.Refused, NotKept, KeyError, TypeError, ValueError) as error:
        return 400, _failure(str(error))
    return answered or (404, _failure(f"/rest/{'/'.join(question.way)} is not answered to apps"))


def _failure(message: str, **more: Any) -> Plain:
    return {"success": False, "failed": True, "message": message, **more}


def _containers(question: Question) -> Optional[Answer]:
    known = CURRENT.store
    if len(question.way) == 1:
        if question.method == "POST":
            return _new_container(question.body)
        return 200, listed([found for number in known.containers if (found := known.container(number))], question.query)
    container = known.container(question.way[1])
    if container is None:
        return 404, _failure(f"there is no container {question.way[1]}")
    if len(question.way) == 3:
        own = [each for each in known.artifacts.values() if each["container_id"] == container["id"]]
        return 200, listed(own if question.way[2] == "artifacts" else [], question.query)
    if question.method == "POST":
        known.change_container(container["id"], question.body)
        added = _nested(container["id"], question.body.get("artifacts") or [])
        return 200, {"success": True, "id": container["id"], "new_artifact_ids": added}
    return 200, container


def _new_container(body: Plain) -> Answer:
    defaults = {"asset_id": CURRENT.request.get("asset_id"), "label": CURRENT.label()}
    is_new, number = CURRENT.store.add_container(body, defaults)
    if not is_new:
        return 400, _failure("duplicate source_data_identifier detected", existing_container_id=number)
    return 200, {"success": True, "id": number, "new_artifact_ids": _nested(number, body.get("artifacts") or [])}


def _nested(container: int, artifacts: List[Plain]) -> List[int]:
    return [CURRENT.store.add_artifact({**each, "container_id": container}, {})[1] for each in artifacts]


def _artifacts(question: Question) -> Optional[Answer]:
    known = CURRENT.store
    if len(question.way) == 1:
        if question.method != "POST":
            return 200, listed([dict(each) for each in known.artifacts.values()], question.query)
        is_new, number = known.add_artifact(question.body, {})
        if not is_new:
            return 400, _failure("artifact already exists", existing_artifact_id=number)
        return 200, {"success": True, "id": number}
    found = known.artifacts.get(store.as_number(question.way[1]))
    if found is None:
        return 404, _failure(f"there is no artifact {question.way[1]}")
    if question.method == "DELETE":
        known.drop_artifact(found["id"])
        return 200, {"success": True}
    if question.method == "POST":
        found.update({name: value for name, value in question.body.items() if name not in ("id", "container_id")})
        if found["id"] not in known.new_artifacts:
            known.new_artifacts.append(found["id"])
        return 200, {"success": True, "id": found["id"]}
    return 200, dict(found)


def _assets(question: Question) -> Optional[Answer]:
    """The one that this process works for; its configuration without what is secret."""
    declared = CURRENT.manifest.get("configuration") or {}
    secret = {name for name, field in declared.items() if isinstance(field, dict) and field.get("data_type") == "password"}
    config = {name: value for name, value in (CURRENT.request.get("config") or {}).items() if name not in secret}
    number = store.as_number(CURRENT.request.get("asset_id"))
    asset: Plain = {
        "id": number, "name": CURRENT.asset_name, "configuration": config, "tags": [], "disabled": False, "description": "",
        "product_name": CURRENT.manifest.get("product_name"), "product_vendor": CURRENT.manifest.get("product_vendor"),
    }  # fmt: skip
    if len(question.way) == 1:
        return 200, listed([asset], question.query)
    return (200, asset) if question.way[1] in (str(number), CURRENT.asset_name) else None


def _lists(question: Question) -> Optional[Answer]:
    known = CURRENT.store
    numbered = [{"id": number, "name": name, "content": known.lists[name]} for number, name in enumerate(known.lists, 1)]
    if len(question.way) == 1:
        if question.method == "POST":
            known.set_list(str(question.body["name"]), question.body["content"])
            return 200, {"success": True, "id": list(known.lists).index(str(question.body["name"])) + 1}
        return 200, listed(numbered, question.query)
    found = next((each for each in numbered if question.way[1] in (str(each["id"]), each["name"])), None)
    if found is None:
        return 404, _failure(f"there is no list {question.way[1]}")
    if question.way[2:] == ["formatted_content"]:
        text = io.StringIO()
        csv.writer(text, delimiter=question.query.get("_fs", ","), lineterminator="\n").writerows(known.lists[str(found["name"])])
        return 200, text.getvalue()
    if question.method == "POST":
        known.set_list(str(found["name"]), question.body["content"])
        return 200, {"success": True, "id": found["id"]}
    return 200, found


def _notes(question: Question) -> Optional[Answer]:
    notes = CURRENT.store.notes
    if question.method == "POST":
        notes.append({**question.body, "id": len(notes) + 1})
        return 200, {"success": True, "id": len(notes)}
    return 200, listed(list(notes), question.query)


def _files(question: Question) -> Optional[Answer]:
    if question.method == "POST":
        content = base64.b64decode(question.body["file_content"])
        row = ROWS.keep(content, question.body["container_id"], question.body["file_name"], question.body.get("metadata"))
        return 200, {"success": True, "succeeded": True, "id": row["id"], "vault_id": row["vault_id"], "hash": row["vault_id"]}
    if question.method == "DELETE":
        ROWS.drop([row for row in ROWS.rows if str(row["id"]) == question.way[1]])
        return 200, {"success": True}
    return 200, listed(ROWS.find(), question.query)


def _version(question: Question) -> Answer:
    return 200, {"version": PRODUCT_VERSION}


def _system(question: Question) -> Answer:
    return 200, {"base_url": CURRENT.base_url().rstrip("/"), "time_zone": "UTC"}


def _severities(question: Question) -> Answer:
    named = [{"id": number, "name": name, "is_default": name == "medium"} for number, name in enumerate(_SEVERITIES, 1)]
    return 200, listed(named, question.query)


def _options(question: Question) -> Answer:
    return 200, {
        "severity": [{"name": name} for name in _SEVERITIES],
        "status": [{"name": name, "status_type": _STATUSES[name], "is_default": name == "new"} for name in _STATUSES],
        "label": [{"name": CURRENT.label()}],
        "sensitivity": [{"name": name} for name in ("white", "green", "amber", "red")],
    }


def _apps(question: Question) -> Answer:
    own = {"id": 1, "appid": CURRENT.manifest.get("appid"), "name": CURRENT.manifest.get("name"),
           "app_version": CURRENT.manifest.get("app_version")}  # fmt: skip
    return 200, listed([own], question.query)


_HANDLERS: Dict[str, Callable[[Question], Optional[Answer]]] = {
    "container": _containers,
    "artifact": _artifacts,
    "asset": _assets,
    "decided_list": _lists,
    "note": _notes,
    "container_attachment": _files,
    "version": _version,
    "system_info": _system,
    "severity": _severities,
    "container_options": _options,
    "app": _apps,
}
