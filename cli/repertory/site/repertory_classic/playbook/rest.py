"""The product's own REST interface, as far as playbooks ask it; answered here, without any network."""

from __future__ import annotations

import ast
import hashlib
import json
import types
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from repertory_classic.playbook.data import Plain
from repertory_classic.playbook.state import Everything

BASE = "https://127.0.0.1"
_NAMES_OF_STATUS = ("new", "open", "closed")
_STATUSES: list[Plain] = [{"id": number, "name": name, "status_type": name} for number, name in enumerate(_NAMES_OF_STATUS, 1)]
_SEVERITIES: list[Plain] = [{"id": name, "name": name} for name in ("low", "medium", "high", "critical")]
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "in": lambda value, wanted: value in wanted,
    "contains": lambda value, wanted: (
        set(map(str, wanted)) <= set(map(str, value or ())) if isinstance(wanted, list) else str(wanted) in str(value)
    ),
    "icontains": lambda value, wanted: str(wanted).lower() in str(value).lower(),
    "iexact": lambda value, wanted: str(wanted).lower() == str(value).lower(),
    "gt": lambda value, wanted: str(value) > str(wanted),
    "gte": lambda value, wanted: str(value) >= str(wanted),
    "lt": lambda value, wanted: str(value) < str(wanted),
    "lte": lambda value, wanted: str(value) <= str(wanted),
    "startswith": lambda value, wanted: str(value).startswith(str(wanted)),
    "isnull": lambda value, wanted: (value is None) == bool(wanted),
}


class Response:
    """What ``requests`` would give."""

    def __init__(self, status_code: int, body: Any) -> None:
        self.status_code = status_code
        self.text = json.dumps(body)
        self.content = self.text.encode()
        self.ok = status_code < 400
        self.headers = {"Content-Type": "application/json"}
        self.reason = "OK" if self.ok else "Not Found"

    def json(self) -> Any:
        """The body."""
        return json.loads(self.text)

    def raise_for_status(self) -> None:
        """Raise for a failure."""
        if not self.ok:
            raise RuntimeError(f"{self.status_code}: {self.text}")


def rest_url(*parts: Any) -> str:
    """The address of a place in the interface."""
    cleaned = [quote(str(part).strip("/"), safe="/?=&") for part in parts]
    return f"{BASE}/rest/" + "/".join(cleaned)


class Requests:
    """In the place of the module ``requests``."""

    def __init__(self, everything: Everything) -> None:
        self._rest = Rest(everything)

    def get(self, url: Any = None, **more: Any) -> Response:
        """Ask."""
        return self.request("GET", url, **more)

    def post(self, url: Any = None, **more: Any) -> Response:
        """Change."""
        return self.request("POST", url, **more)

    def put(self, url: Any = None, **more: Any) -> Response:
        """Change."""
        return self.request("POST", url, **more)

    def patch(self, url: Any = None, **more: Any) -> Response:
        """Change."""
        return self.request("POST", url, **more)

    def delete(self, url: Any = None, **more: Any) -> Response:
        """Delete."""
        return self.request("DELETE", url, **more)

    def request(self, method: str, url: Any = None, **more: Any) -> Response:
        """Any of them; other hosts than the product's own are not reached from a playbook."""
        address = str(url or more.get("uri") or "")
        if not address.startswith(BASE) and "/rest/" not in address:
            host = urlsplit(address).hostname or address
            raise ConnectionError(f"a playbook reaches no network: {host} is for an app to ask")
        body = more.get("json")
        if body is None and more.get("data"):
            body = json.loads(more["data"])
        return self._rest.answer(method.upper(), address, more.get("params") or {}, body)


class Rest:
    """Places and what is there."""

    def __init__(self, everything: Everything) -> None:
        self._all = everything

    def answer(self, method: str, address: str, params: Any, body: Any) -> Response:
        """The answer to one request."""
        parts = urlsplit(address)
        path = unquote(parts.path.partition("/rest/")[2] or parts.path).strip("/").split("/")
        pairs = dict(parse_qsl(parts.query, keep_blank_values=True))
        pairs.update(dict(params) if isinstance(params, (Mapping, list, tuple)) else {})
        if method == "GET":
            return self._get(path, {str(name): str(value) for name, value in pairs.items()})
        if method == "DELETE":
            return Response(200, {"success": True})
        return self._post(path, body)

    # -------------------------------------------------------------- reading

    def _get(self, path: list[str], query: Mapping[str, str]) -> Response:
        if path[0] == "search":
            return self._search(query.get("query", "").lower(), query.get("categories", ""))
        if path[0] in ("decided_list", "playbook_run", "cef_metadata", "indicator_by_value", "indicator_common_container"):
            return self._single(path, query)
        query = self._all.installed.narrowed(path[0], query)
        rows = self._rows(path[0], query)
        if len(path) > 1:
            found = next((row for row in rows if str(row.get("id")) == path[1] or row.get("name") == path[1]), None)
            if found is None:
                return Response(404, {"failed": True, "message": f"there is no {path[0]} {path[1]}"})
            return self._below(path, found) if len(path) > 2 else Response(200, found)
        kept = [row for row in rows if _matches(row, query)]
        return _page(kept, query)

    def _below(self, path: list[str], found: Plain) -> Response:
        listed = {"artifacts": self._all.data.artifacts, "comments": self._all.containers.comments}.get(path[2])
        return _page(list(listed or []), {}) if listed is not None else Response(200, found.get(path[2], {"count": 0, "data": []}))

    def _single(self, path: list[str], query: Mapping[str, str]) -> Response:
        if path[0] == "decided_list":
            rows = self._all.lists.rows(path[1]) if len(path) > 1 else None
            if rows is None:
                return Response(404, {"failed": True, "message": "there is no such list"})
            return Response(200, {"id": 1, "name": path[1], "content": rows, "success": True})
        if path[0] == "cef_metadata":
            kinds = {key: {"contains": types} for one in self._all.data.artifacts for key, types in one["cef_types"].items()}
            return Response(200, {"cef": kinds})
        if path[0] == "indicator_by_value":
            found = [one for one in self._rows("indicator") if one["value"] == query.get("indicator_value")]
            return Response(200, found[0]) if found else Response(404, {"failed": True, "message": "there is no such indicator"})
        if path[0] == "indicator_common_container":
            return Response(200, [{"container_id": self._all.data.container["id"]}])
        run = self._all.child_run(path[1] if len(path) > 1 else "")
        return Response(200, run) if run else Response(404, {"failed": True, "message": "there is no such run"})

    def _search(self, wanted: str, categories: str) -> Response:
        """Whatever of this run's own contains a text anywhere; nothing contains none."""
        results: list[Plain] = []
        for kind in ("container", "artifact"):
            for row in self._rows(kind) if wanted and kind in (categories or kind).split(",") else ():
                if wanted in json.dumps(row, default=str, ensure_ascii=False).lower():
                    results.append({"category": kind, "id": row.get("id"), "title": row.get("name", "")})
        return Response(200, {"count": len(results), "results": results})

    def _rows(self, kind: str, query: Mapping[str, str] = types.MappingProxyType({})) -> list[Plain]:
        everything = self._all
        places: dict[str, Callable[[], list[Plain]]] = {
            "container": lambda: [everything.engine.container(), *everything.containers.created.values()],
            "artifact": lambda: everything.data.artifacts,
            "indicator": lambda: _indicators(everything.data.artifacts),
            "note": lambda: everything.containers.notes,
            "container_note": lambda: everything.containers.notes,
            "container_pin": lambda: list(everything.containers.pins.values()),
            "ph_user": lambda: [_user(everything.engine.user)],
            "container_status": lambda: _STATUSES,
            "severity": lambda: _SEVERITIES,
            "container_severity": lambda: _SEVERITIES,
            "playbook": everything.installed.playbooks,
            "scm": everything.installed.repositories,
            "asset": lambda: self._assets(query),
        }
        return places.get(kind, list)()

    def _assets(self, query: Mapping[str, str]) -> list[Plain]:
        return self._all.installed.assets(_literal(query["_filter_name"]) if "_filter_name" in query else None)

    # -------------------------------------------------------------- writing

    def _post(self, path: list[str], body: Any) -> Response:
        given = dict(body) if isinstance(body, Mapping) else {}
        if path[0] == "container" and len(path) > 1:
            good, said = self._all.containers.update(path[1], given)
            return Response(200 if good else 404, {"success": good, "failed": not good, "message": said, "id": _number(path[1])})
        if path[0] == "artifact":
            return self._post_artifact(path, given)
        if path[0] == "decided_list" and len(path) > 1:
            return self._post_list(path[1], given)
        if path[0] in ("note", "container_note") and len(path) == 1:
            _, said, number = self._all.containers.note(given.get("container_id"), given.get("title"), given.get("content"))
            return Response(200, {"success": number is not None, "id": number, "message": said})
        return Response(200, {"success": True, "id": self._all.engine.number(), "message": "", "received": True})

    def _post_artifact(self, path: list[str], given: Plain) -> Response:
        if len(path) > 1:
            found = next((one for one in self._all.data.artifacts if str(one["id"]) == path[1]), None)
            if found is None:
                return Response(404, {"failed": True, "message": f"there is no artifact {path[1]}"})
            found.update({name: value for name, value in given.items() if name != "id"})
            return Response(200, {"success": True, "id": found["id"]})
        good, said, number = self._all.containers.add_artifact(given.get("container_id"), given)
        return Response(200 if good else 400, {"success": good, "failed": not good, "message": said, "id": number})

    def _post_list(self, name: str, given: Plain) -> Response:
        rows = self._all.lists.rows(name) or []
        if "content" in given:
            self._all.lists.replace(name, given["content"])
        for number in sorted((int(one) for one in given.get("delete_rows") or ()), reverse=True):
            if number < len(rows):
                self._all.lists.remove(name, rows[number])
        for row in given.get("append_rows") or ():
            self._all.lists.add(name, row)
        return Response(200, {"success": True, "name": name, "id": 1})


def _user(name: str) -> Plain:
    """Whoever started the run; a run that nobody started is the automation's."""
    kind = "normal" if name else "automation"
    return {"id": 1, "username": name or kind, "type": kind, "name": name or kind, "first_name": "", "last_name": "", "email": ""}


def _page(rows: list[Plain], query: Mapping[str, str]) -> Response:
    order = query.get("sort", "")
    if order:
        rows = sorted(rows, key=lambda row: str(row.get(order)), reverse=query.get("order") == "desc")
    size, number = _number(query.get("page_size", 10)), _number(query.get("page", 0))
    data = rows[number * size : (number + 1) * size] if size else rows
    pages = max(1, -(-len(rows) // size)) if size else 1
    return Response(200, {"count": len(rows), "num_pages": pages, "data": data})


def _number(text: Any) -> int:
    return int(text) if str(text).isdigit() else 0


def _matches(row: Mapping[str, Any], query: Mapping[str, str]) -> bool:
    for name, text in query.items():
        for prefix, wanted in (("_filter_", True), ("_exclude_", False)):
            field = name[len(prefix) :] if name.startswith(prefix) else ""
            if field and not field.startswith("_") and _holds(row, field, text) is not wanted:
                return False
    return True


def _holds(row: Mapping[str, Any], name: str, text: str) -> bool:
    steps = name.split("__")
    operator = _OPERATORS.get(steps[-1]) if len(steps) > 1 else None
    value: Any = row
    for step in steps[:-1] if operator else steps:
        value = value.get(step) if isinstance(value, Mapping) else None
    wanted = _literal(text)
    try:
        return operator(value, wanted) if operator else value == wanted or str(value) == str(wanted)
    except TypeError:
        return False


def _literal(text: str) -> Any:
    for read in (json.loads, ast.literal_eval):
        try:
            return read(text)
        except (ValueError, SyntaxError):
            continue
    return text


def _indicators(artifacts: list[Plain]) -> list[Plain]:
    found: dict[str, Plain] = {}
    for artifact in artifacts:
        for name, value in artifact["cef"].items():
            if isinstance(value, (str, int)) and str(value):
                text = str(value)
                kinds = artifact["cef_types"].get(name, [])
                found.setdefault(text, _indicator(text, len(found) + 1, kinds))
    return list(found.values())


def _indicator(text: str, number: int, kinds: list[str]) -> Plain:
    digest = hashlib.sha256(text.encode()).hexdigest()
    return {"id": number, "value": text, "value_hash": digest, "tags": [], "_special_contains": kinds}
