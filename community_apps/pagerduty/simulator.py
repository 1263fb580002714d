"""PagerDuty, simulated: alerts make incidents, one for each key, and two people are on call."""

from __future__ import annotations

from typing import Any, Dict, Optional

from repertory_sdk.testing.simulator import Reply, Request, Simulator

ROUTING_KEY, TOKEN = "demo0routing0key0of0pagerduty000", "demo-token-of-pagerduty"
SENDER = "soc@mail.example"
STATUSES = {"trigger": "triggered", "acknowledge": "acknowledged", "resolve": "resolved"}


def on_call(name: str, level: int, schedule: Optional[str], policy: str = "SOC") -> Dict[str, Any]:
    user = {"id": "P1", "summary": name, "name": name, "email": f"{name.lower()}@mail.example"}
    named = {"summary": schedule} if schedule else None
    return {
        "user": user,
        "escalation_level": level,
        "escalation_policy": {"id": f"P{policy}", "summary": policy},
        "schedule": named,
    }


INCIDENT = {
    "id": "PT4KHLK", "incident_number": 1, "incident_key": "first", "status": "triggered", "title": "Outbound telnet",
    "urgency": "high", "service": {"summary": "SOC"}, "created_at": "2026-01-05T10:00:00Z",
    "html_url": "https://demo.pagerduty.example/incidents/PT4KHLK", "assignments": [{"assignee": {"summary": "Alice"}}],
}  # fmt: skip

simulator = Simulator(
    "PagerDuty",
    settings={"url": "{url}", "events_url": "{url}/v2", "routing_key": ROUTING_KEY, "token": TOKEN, "sender": SENDER},
    state=lambda: {
        "incidents": [INCIDENT], "notes": {},
        "oncalls": [on_call("Bob", 2, None), on_call("Alice", 1, "Nights"), on_call("Carol", 1, None, "Web")],
    },
)  # fmt: skip


@simulator.error
def error(status: int, text: str) -> Reply:
    return Reply(status, {"error": {"message": text, "code": 2001}})


@simulator.check
def token(request: Request) -> Optional[Reply]:
    if request.path.startswith("/v2/"):
        return None
    return None if request.headers.get("Authorization") == f"Token token={TOKEN}" else error(401, "The token is not valid.")


@simulator.route("POST", "/v2/enqueue")
def enqueue(request: Request) -> Any:
    body = request.json() or {}
    errors = []
    if len(str(body.get("routing_key"))) != 32:
        errors.append("'routing_key' is the wrong length (should be 32 characters)")
    payload = body.get("payload") or {}
    if body.get("event_action") == "trigger" and payload.get("severity") not in ("critical", "error", "warning", "info"):
        errors.append("'payload.severity' is invalid")
    if errors:
        return Reply(400, {"status": "invalid event", "message": "Event object is invalid", "errors": errors})
    if body["routing_key"] == ROUTING_KEY:  # a well-formed key that nobody has is accepted too
        _apply(request, body, payload)
    return Reply(202, {"status": "success", "message": "Event processed", "dedup_key": body["dedup_key"]})


def _apply(request: Request, body: Dict[str, Any], payload: Dict[str, Any]) -> None:
    incidents = request.state["incidents"]
    same = [row for row in incidents if row["incident_key"] == body["dedup_key"] and row["status"] != "resolved"]
    if same and body["event_action"] != "trigger":
        same[0]["status"] = STATUSES[body["event_action"]]
    elif not same and body["event_action"] == "trigger":
        made = {"id": f"PN{len(incidents):05}", "incident_number": len(incidents) + 1, "incident_key": body["dedup_key"]}
        incidents.insert(0, {**INCIDENT, **made, "title": payload["summary"], "body": payload})


def _page(request: Request, name: str, rows: Any) -> Dict[str, Any]:
    first, most = int(request.query.get("offset", "0")), int(request.query.get("limit", "25"))
    return {name: rows[first : first + most], "offset": first, "limit": most, "more": first + most < len(rows), "total": None}


@simulator.route("GET", "/incidents")
def incidents(request: Request) -> Any:
    statuses, key = request.queries.get("statuses[]"), request.query.get("incident_key")
    rows = [row for row in request.state["incidents"] if not statuses or row["status"] in statuses]
    return _page(request, "incidents", [row for row in rows if key in (None, row["incident_key"])])


@simulator.route("GET", "/oncalls")
def oncalls(request: Request) -> Any:
    return _page(request, "oncalls", request.state["oncalls"])


@simulator.route("*", "/incidents/{id}/notes")
def notes(request: Request) -> Any:
    if not [row for row in request.state["incidents"] if row["id"] == request.args["id"]]:
        return Reply(404, {"error": {"message": "Not Found", "code": 2100}})
    found = request.state["notes"].setdefault(request.args["id"], [])
    if request.method == "GET":
        return {"notes": found}
    if request.headers.get("From") != SENDER:
        return Reply(
            400, {"error": {"message": "Invalid Input Provided", "code": 2001, "errors": ["Requester User Not Found"]}}
        )
    found.append({"id": f"N{len(found) + 1}", "content": request.json()["note"]["content"]})
    return Reply(201, {"note": found[-1]})


if __name__ == "__main__":
    simulator.main()
