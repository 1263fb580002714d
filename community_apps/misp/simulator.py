"""MISP, simulated: events and attributes that can be searched, added to, tagged and published; rights that a key may lack."""

from __future__ import annotations

import fnmatch
import uuid
from typing import Any, Dict, Iterator, List, Optional, Tuple

from repertory_sdk.testing.simulator import Reply, Request, Simulator

KEY = "demo-key-of-misp"
TLP = {"id": "7", "name": "tlp:amber", "colour": "#ffc000"}
START = 1767225600
NOT_ALLOWED = "You do not have permission to use this functionality."
UNKNOWN_KEY = "Authentication failed. Please make sure you pass the API key of an API enabled user along."


def attribute(number: int, kind: str, value: str, **more: Any) -> Dict[str, Any]:
    plain = {"id": str(number), "uuid": str(uuid.UUID(int=1000 + number)), "type": kind, "value": value, "to_ids": True}
    return {**plain, "category": "Network activity", "timestamp": str(START + number), "comment": "", "deleted": False, **more}


def event(number: int, info: str, attributes: List[Dict[str, Any]], **more: Any) -> Dict[str, Any]:
    plain = {"id": str(number), "uuid": str(uuid.UUID(int=number)), "info": info, "threat_level_id": "1", "published": True}
    when = {"date": "2026-01-01", "timestamp": str(START), "publish_timestamp": str(START + number)}
    return {**plain, **when, "Orgc": {"name": "Example CERT"}, "Tag": [TLP], "Attribute": attributes, "Object": [], **more}


def initial() -> Dict[str, Any]:
    first = [
        attribute(1, "ip-dst|port", "203.0.113.7|443", Tag=[{"name": "c2"}]),
        attribute(2, "domain", "evil.example"),
        attribute(3, "url", "http://evil.example/a%20b"),
        attribute(4, "filename|sha256", f"bill.exe|{'ab' * 32}"),
        attribute(9, "domain", "login-examp1e.example"),
        attribute(5, "comment", "seen since new year", to_ids=False),
        attribute(6, "ip-src", "203.0.113.6", deleted=True),
    ]
    nested = {"name": "email", "Attribute": [attribute(7, "email-src", "phish@evil.example")]}
    many = [attribute(100 + number, "ip-src", f"198.51.100.{number}") for number in range(1, 131)]
    events = [
        event(3, "Campaign X", first, Object=[nested]),
        event(4, "Scanners", many, threat_level_id="3", Tag=[]),
        event(5, "Only mentioned", [attribute(8, "ip-src", "192.0.2.8", to_ids=False)], threat_level_id="4"),
        event(6, "A draft", [], published=False, publish_timestamp="0"),
    ]
    kept = {one["id"]: one for one in events}
    return {"events": kept, "role": "publisher", "background": False, "empty": {"Attribute": []}, "seen": []}


simulator = Simulator("MISP", settings={"url": "{url}", "key": KEY, "poll_days": 3650}, state=initial)


@simulator.error
def error(status: int, text: str) -> Reply:
    return Reply(status, {"name": text, "message": text, "url": "/"})


@simulator.check
def key(request: Request) -> Optional[Reply]:
    if request.headers.get("Authorization") != KEY:
        return error(403, UNKNOWN_KEY)
    writes = request.method == "POST" and not request.path.endswith("restSearch")
    return error(403, NOT_ALLOWED) if writes and request.state["role"] == "reader" else None


def _find(request: Request, name: str) -> Optional[Dict[str, Any]]:
    return next((one for one in request.state["events"].values() if name in (one["id"], one["uuid"])), None)


def _all(request: Request) -> Iterator[Tuple[Dict[str, Any], Dict[str, Any]]]:
    for one in request.state["events"].values():
        for part in (one, *one["Object"]):
            for row in part["Attribute"]:
                if not row["deleted"]:
                    yield one, row


def _like(pattern: str, row: Dict[str, Any]) -> bool:
    values = [row["value"], *(row["value"].split("|") if "|" in row["type"] else ())]
    return any(fnmatch.fnmatchcase(value.lower(), pattern.lower().replace("%", "*")) for value in values)


def _page(request: Request, rows: List[Any]) -> List[Any]:
    asked = request.json()
    start = (asked["page"] - 1) * asked["limit"]
    return rows[start : start + asked["limit"]]


@simulator.route("GET", "/servers/getVersion")
def version(_: Request) -> Any:
    return {"version": "2.4.198", "perm_sync": True}


@simulator.route("POST", "/attributes/restSearch")
def search(request: Request) -> Any:
    asked = request.json()
    found = [
        {**row, "event_id": one["id"], "Event": {"id": one["id"], "info": one["info"]}, "Tag": [*row.get("Tag", ()), *one["Tag"]]}
        for one, row in _all(request)
        if ("value" not in asked or _like(asked["value"], row))
        and ("type" not in asked or row["type"] in asked["type"])
        and ("tags" not in asked or {tag["name"] for tag in (*row.get("Tag", ()), *one["Tag"])} & set(asked["tags"]))
    ]
    rows = _page(request, found)
    return {"response": {"Attribute": rows} if rows else request.state["empty"]}


@simulator.route("POST", "/events/restSearch")
def search_events(request: Request) -> Any:
    since = request.json().get("publish_timestamp", 0)
    found = [one for one in request.state["events"].values() if one["published"] and int(one["publish_timestamp"]) >= since]
    return {"response": [{"Event": one} for one in _page(request, found)]}


@simulator.route("GET", "/events/view/{name}")
def view(request: Request) -> Any:
    found = _find(request, request.args["name"])
    return {"Event": found} if found else error(404, "Invalid event")


@simulator.route("POST", "/events/add")
def add(request: Request) -> Any:
    asked = request.json()["Event"]
    number = max(map(int, request.state["events"])) + 1
    made = event(number, asked.pop("info"), [], **{**asked, "id": str(number), "publish_timestamp": "0"})
    request.state["events"][str(number)] = made
    return {"Event": made}


def refused(errors: Dict[str, Any]) -> Reply:
    return Reply(403, {"saved": False, "name": "Could not add Attribute", "errors": errors})


@simulator.route("POST", "/attributes/add/{name}")
def add_attribute(request: Request) -> Any:
    asked, found = request.json(), _find(request, request.args["name"])
    if found is None:
        return error(404, "Invalid event")
    if not asked["type"].isascii() or " " in asked["type"]:
        return refused({"type": ["Options depend on the category."]})
    kind, value = asked.pop("type"), asked.pop("value")
    if any((row["type"], row["value"]) == (kind, value) for row in found["Attribute"]):
        return refused({"value": ["A similar attribute already exists for this event."]})
    found["Attribute"].append(attribute(900 + len(found["Attribute"]), kind, value, **asked))
    return {"Attribute": found["Attribute"][-1]}


@simulator.route("POST", "/tags/{what}")
def retag(request: Request) -> Any:
    asked = request.json()
    found = _find(request, asked["uuid"])
    if found is None or asked["tag"].startswith("forbidden"):
        return {"saved": False, "errors": "Invalid Tag."}
    found["Tag"] = [tag for tag in found["Tag"] if tag["name"] != asked["tag"]]
    if request.args["what"] == "attachTagToObject":
        found["Tag"].append({"id": "9", "name": asked["tag"]})
    return {"saved": True, "success": "Done.", "check_publish": True}


@simulator.route("POST", "/sightings/add")
def sight(request: Request) -> Any:
    asked = request.json()
    if not any(row["value"] in asked["values"] for _, row in _all(request)):
        return Reply(403, {"saved": False, "errors": "No valid attributes found that would match the sighting criteria."})
    request.state["seen"].append(asked)
    return {"message": "Sighting added", "saved": True}


@simulator.route("POST", "/events/publish/{name}")
def publish(request: Request) -> Any:
    found = _find(request, request.args["name"])
    if found is None:
        return error(404, "Invalid event")
    found["published"] = not request.state["background"]
    found["publish_timestamp"] = str(START + 1000)
    return {"name": "Publish", "message": "Job queued", "url": f"/events/publish/{found['id']}", "id": found["id"]}


if __name__ == "__main__":
    simulator.main()
