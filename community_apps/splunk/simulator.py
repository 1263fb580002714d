"""Splunk, simulated: searches over a few rows of firewalls, notable events, saved searches, and the HTTP Event Collector."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Optional

from repertory_sdk.testing.simulator import Reply, Request, Simulator

TOKEN, HEC_TOKEN = "demo-token-of-splunk", "demo-token-of-hec"
NOTABLE = {
    "event_id": "AB12@@notable@@7f3a", "rule_title": "Outbound telnet", "status": "1", "status_label": "New", "owner": "unassigned",
    "urgency": "high", "src": "192.0.2.14", "dest": ["203.0.113.7", "srv-14.example"], "dest_port": "23", "_time": "1767607200.5",
    "_indextime": "1767607210",
}  # fmt: skip
FIREWALL = [
    {
        "_time": "2026-01-05T10:00:00.000+00:00",
        "_indextime": "1767607201",
        "src": "192.0.2.14",
        "dest": "203.0.113.7",
        "count": "12",
    },
    {"_time": "2026-01-05T10:05:00.000+00:00", "_indextime": "1767607500", "src": ["192.0.2.15", "192.0.2.16"], "count": "1"},
]
SAVED = {
    "Telnet today": {
        "search": "index=fw dest_port=23",
        "description": "Who used telnet",
        "is_scheduled": True,
        "disabled": False,
    },
    "Keep telnet": {"search": "index=fw | outputlookup telnet.csv", "is_scheduled": False, "disabled": False},
}
simulator = Simulator(
    "Splunk",
    settings={
        "url": "{url}", "token": TOKEN, "hec_url": "{url}", "hec_token": HEC_TOKEN, "poll_query": "index=notable", "look_s": 0.02,
    },
    state=lambda: {
        "data": {"index=fw": FIREWALL, "index=notable": [NOTABLE]}, "notables": {NOTABLE["event_id"]: NOTABLE}, "posted": [],
        "saved": SAVED, "jobs": {}, "looks": 2, "v2": True, "number": 0,
    },
)  # fmt: skip


@simulator.error
def error(status: int, text: str) -> Reply:
    return Reply(status, {"messages": [{"type": "ERROR", "text": text}]})


@simulator.check
def token(request: Request) -> Optional[Reply]:
    said = request.headers.get("Authorization", "")
    if request.path.startswith("/services/collector"):
        if not said:
            return Reply(401, {"text": "Token is required", "code": 2})
        return None if said == f"Splunk {HEC_TOKEN}" else Reply(403, {"text": "Invalid token", "code": 4})
    if said not in (f"Bearer {TOKEN}", "Basic YWRtaW46bGV0bWVpbg=="):
        return error(401, "call not properly authenticated")
    if "output_mode" not in request.query and "output_mode" not in request.form():
        return Reply(200, "<feed/>", {"Content-Type": "text/xml"})
    return None


@simulator.route("GET", "/services/server/info")
def info(_: Request) -> Any:
    return {"entry": [{"name": "server-info", "content": {"version": "9.2.1"}}]}


@simulator.route("POST", "/services/search/jobs")
def start(request: Request) -> Any:
    form = request.form()
    query = form.get("search", "")
    unknown = re.search(r"\|\s*(foo)\b", query)
    if unknown:
        return Reply(400, {"messages": [{"type": "FATAL", "text": f"Unknown search command '{unknown[1]}'."}]})
    return Reply(
        201, {"sid": _job(request, query, _rows(request, query, int(form.get("index_earliest", "0").strip("-h") or 0)))}
    )


def _job(request: Request, query: str, rows: List[Dict[str, Any]]) -> str:
    request.state["number"] += 1
    sid = f"1767225600.{request.state['number']}"
    request.state["jobs"][sid] = {"query": query, "looks": request.state["looks"], "rows": rows, "empty": 1}
    return sid


def _rows(request: Request, query: str, indexed_from: int) -> List[Dict[str, Any]]:
    notable = re.search(r'`notable_by_id\("(.*?)"\)`', query)
    if notable:
        return [row for row in [request.state["notables"].get(notable[1])] if row]
    found = next((rows for word, rows in request.state["data"].items() if word in query), [])
    return [row for row in found if int(row.get("_indextime", "0")) >= indexed_from]


@simulator.route("GET", "/services/search/jobs/{sid}")
def look(request: Request) -> Any:
    job = request.state["jobs"].get(request.args["sid"])
    if job is None or job["looks"] == request.state["looks"]:  # the first look comes too early
        if job is not None:
            job["looks"] -= 1
        return error(404, "Unknown sid.")
    job["looks"] -= 1
    done = job["looks"] <= 0
    failed = "fails" in job["query"]
    state = "FAILED" if failed else "DONE" if done else "RUNNING"
    messages = [{"type": "FATAL", "text": "The search was ended by the server."}] if failed else []
    content = {"sid": request.args["sid"], "dispatchState": state, "isDone": done, "isFailed": failed, "messages": messages}
    count = {"resultCount": len(job["rows"]), "eventCount": len(job["rows"]), "doneProgress": float(done)}
    return {"entry": [{"name": job["query"], "content": {**content, **count}}]}


@simulator.route("GET", "/services/search/{version:rest}/{sid}/results")
def results(request: Request) -> Any:
    job = request.state["jobs"].get(request.args["sid"])
    if job is None or (request.args["version"] == "v2/jobs" and not request.state["v2"]):
        return error(404, "Unknown sid.")
    if job["empty"]:
        job["empty"] -= 1
        return Reply(204)
    first, count = int(request.query["offset"]), int(request.query["count"])
    return {"preview": False, "messages": [], "results": job["rows"][first : first + count]}


@simulator.route("DELETE", "/services/search/jobs/{sid}")
def clear(request: Request) -> Any:
    known = request.state["jobs"].pop(request.args["sid"], None)
    return {"messages": [{"type": "INFO", "text": "Search job cancelled."}]} if known else error(404, "Unknown sid.")


@simulator.route("POST", "/services/search/jobs/{sid}/control")
def control(_: Request) -> Any:
    return {"messages": [{"type": "INFO", "text": "Search job cancelled."}]}


@simulator.route("GET", "/services/saved/searches")
def searches(request: Request) -> Any:
    return {"entry": [{"name": name, "content": content} for name, content in request.state["saved"].items()]}


@simulator.route("GET", "/services/saved/searches/{name}")
def search(request: Request) -> Any:
    content = request.state["saved"].get(request.args["name"])
    return {"entry": [{"name": request.args["name"], "content": content}]} if content else error(404, "Could not find object.")


@simulator.route("POST", "/services/saved/searches/{name}/dispatch")
def dispatch(request: Request) -> Any:
    query = request.state["saved"][request.args["name"]]["search"]
    return Reply(201, {"sid": _job(request, query, _rows(request, query, 0))})


@simulator.route("POST", "/services/notable_update")
def update(request: Request) -> Any:
    form = request.form()
    row = request.state["notables"].get(form.get("ruleUIDs"))
    if row is None:
        return {"success": False, "success_count": 0, "failure_count": 1, "message": "No events were found."}
    row.update({"status": form.get("status", row["status"]), "owner": form.get("newOwner", row["owner"])})
    row["urgency"] = form.get("urgency", row["urgency"])
    return {"success": True, "success_count": 1, "failure_count": 0, "message": "1 event updated successfully"}


@simulator.route("POST", "/services/collector/event")
def collect(request: Request) -> Any:
    body = request.json()
    if not isinstance(body, dict) or "event" not in body:
        return Reply(400, {"text": "Event field is required", "code": 12, "invalid-event-number": 0})
    if body.get("index") not in (None, "main"):
        return Reply(400, {"text": "Incorrect index", "code": 7, "invalid-event-number": 0})
    request.state["posted"].append(body)
    return {"text": "Success", "code": 0}


if __name__ == "__main__":
    simulator.main()
