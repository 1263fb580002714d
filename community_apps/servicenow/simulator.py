"""ServiceNow, simulated: its Table API with incidents, journals, attachments and accounts.

As the real one it leaves out conditions and fields that it does not know.
"""

from __future__ import annotations

import re
from typing import Any, Dict, List, Optional

from repertory_sdk.testing.simulator import Reply, Request, Simulator

USER, PASSWORD = "repertory", "letmein"
FIRST = "9d385017c611228701d22104cc95c371"
FIELDS = (
    "sys_id", "number", "state", "impact", "urgency", "priority", "short_description", "description", "caller_id", "assigned_to",
    "correlation_id", "sys_created_on", "sys_updated_on", "work_notes", "comments", "active", "close_code", "close_notes",
    "category",
)  # fmt: skip
INCIDENT = {
    **dict.fromkeys(FIELDS, ""), "sys_id": FIRST, "number": "INC0010001", "state": "2", "impact": "2", "urgency": "2",
    "priority": "2", "short_description": "Outbound telnet from srv-14", "description": "Seen by the firewall.",
    "active": "true", "assigned_to": "ab12cd34ab12cd34ab12cd34ab12cd34", "sys_created_on": "2026-01-05 10:00:00",
    "sys_updated_on": "2026-01-05 10:11:12",
}  # fmt: skip
ALICE = {
    "sys_id": "ab12cd34ab12cd34ab12cd34ab12cd34", "user_name": "alice", "name": "Alice Example", "email": "alice@mail.example",
    "active": "true",
}  # fmt: skip


def start() -> Dict[str, Any]:
    members = [{"user": ALICE["sys_id"], "group.name": name} for name in ("SOC", "Network")]
    tables = {"incident": [INCIDENT], "sys_user": [ALICE], "sys_user_grmember": members, "sys_journal_field": []}
    return {"tables": tables, "attachments": [], "number": 10041, "clock": 12}


simulator = Simulator("ServiceNow", settings={"url": "{url}", "user": USER, "password": PASSWORD}, state=start)


@simulator.error
def error(status: int, text: str) -> Reply:
    return Reply(status, {"error": {"message": text, "detail": None}, "status": "failure"})


@simulator.check
def account(request: Request) -> Optional[Reply]:
    if request.headers.get("Authorization") in ("Basic cmVwZXJ0b3J5OmxldG1laW4=", "Bearer demo-token"):
        return None
    return error(401, "User Not Authenticated")


def _matches(row: Dict[str, Any], condition: str) -> bool:
    since = re.fullmatch(r"(\w+)>=javascript:gs\.dateGenerate\('(.+)','(.+)'\)", condition)
    if since:
        return str(row.get(since[1], "")) >= f"{since[2]} {since[3]}"
    name, equals, value = condition.partition("=")
    return not equals or name not in row or str(row[name]).lower() == value.lower()


@simulator.route("GET", "/api/now/table/{table}")
def table(request: Request) -> Any:
    rows = request.state["tables"].get(request.args["table"])
    if rows is None:
        return error(400, f"Invalid table {request.args['table']}")
    conditions = [part for part in request.query.get("sysparm_query", "").split("^") if part and "ORDERBY" not in part]
    found = [row for row in rows if all(_matches(row, condition) for condition in conditions)]
    found.sort(key=lambda row: row.get("sys_updated_on", ""))
    first, most = int(request.query.get("sysparm_offset", "0")), int(request.query.get("sysparm_limit", "10000"))
    page = [_shown(request, row) for row in found[first : first + most]]
    return Reply(200, {"result": page}, {"X-Total-Count": str(len(found))})


def _shown(request: Request, row: Dict[str, Any]) -> Dict[str, Any]:
    """Journals read empty, and references are objects unless told otherwise."""
    shown = {**row, **{name: "" for name in ("work_notes", "comments") if name in row}}
    if row.get("assigned_to") and request.query.get("sysparm_exclude_reference_link") != "true":
        shown["assigned_to"] = {"link": f"{request.url}/api/now/table/sys_user/x", "value": row["assigned_to"]}
    return shown


def _now(request: Request) -> str:
    request.state["clock"] += 1
    minute, second = divmod(request.state["clock"], 60)
    return f"2026-01-05 11:{minute % 60:02}:{second:02}"


@simulator.route("POST", "/api/now/table/incident")
def create(request: Request) -> Any:
    request.state["number"] += 1
    number, at = request.state["number"], _now(request)
    known = {name: value for name, value in (request.json() or {}).items() if name in FIELDS}
    made = {
        "sys_id": f"{number:032x}",
        "number": f"INC{number:07}",
        "sys_created_on": at,
        "sys_updated_on": at,
        "priority": "3",
    }
    row = {**dict.fromkeys(FIELDS, ""), "state": "1", "active": "true", **known, **made}
    request.state["tables"]["incident"].append(row)
    return Reply(201, {"result": _shown(request, row)}, {"Location": f"{request.url}/api/now/table/incident/{row['sys_id']}"})


@simulator.route("PATCH", "/api/now/table/incident/{sys_id}")
def change(request: Request) -> Any:
    rows: List[Dict[str, Any]] = request.state["tables"]["incident"]
    row = next((row for row in rows if row["sys_id"] == request.args["sys_id"]), None)
    if row is None:
        return error(404, "No Record found")
    fields = request.json() or {}
    if fields.get("state") in ("6", "7") and not fields.get("close_notes"):
        return error(403, "Operation Failed")
    at = _now(request)
    for name, value in fields.items():
        if name in ("work_notes", "comments"):
            entry = {"element_id": row["sys_id"], "element": name, "value": value, "sys_created_by": USER, "sys_created_on": at}
            request.state["tables"]["sys_journal_field"].append(entry)
        elif name in FIELDS:
            row[name] = value
    row["sys_updated_on"] = at
    return {"result": _shown(request, row)}


@simulator.route("POST", "/api/now/attachment/file")
def attach(request: Request) -> Any:
    number = len(request.state["attachments"]) + 1
    row = {
        "sys_id": f"{number:032x}", "table_sys_id": request.query["table_sys_id"], "file_name": request.query["file_name"],
        "size_bytes": str(len(request.body)), "content_type": request.headers.get("Content-Type"),
        "text": request.body.decode("latin-1"),
    }  # fmt: skip
    request.state["attachments"].append(row)
    return Reply(201, {"result": {name: value for name, value in row.items() if name != "text"}})


@simulator.route("GET", "/api/now/attachment")
def attachments(request: Request) -> Any:
    wanted = request.query.get("sysparm_query", "").partition("=")[2]
    return {"result": [row for row in request.state["attachments"] if row["table_sys_id"] == wanted]}


if __name__ == "__main__":
    simulator.main()
