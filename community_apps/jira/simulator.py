"""Jira, simulated: both editions (version 3 of its API is the cloud, 2 is Data Center), with one ticket and a few transitions."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Optional

from repertory_sdk.testing.simulator import Reply, Request, Simulator

USER, TOKEN = "bot@mail.example", "demo-token-of-jira"
CATEGORIES = {"To Do": "new", "In Progress": "indeterminate", "Done": "done", "Won't Do": "done"}
PEOPLE = [
    {"accountId": "a1", "name": "alice", "emailAddress": "alice@mail.example", "displayName": "Alice"},
    {"accountId": "b1", "name": "bob", "emailAddress": "bob@mail.example", "displayName": "Bob"},
]
TRANSITIONS = {
    "To Do": {"11": "In Progress", "31": "Done"},
    "In Progress": {"31": "Done", "41": "Won't Do"},
    "Done": {"51": "To Do"},
}
ISSUE: Dict[str, Any] = {
    "key": "SEC-1", "summary": "Outbound telnet", "description": "From srv-14.", "status": "To Do", "labels": ["telnet"],
    "assignee": "bob", "priority": {"name": "High"}, "updated": "2026-01-05T10:00:00.000+0000",
}  # fmt: skip

simulator = Simulator(
    "Jira",
    settings={"url": "{url}", "user": USER, "token": TOKEN, "project": "SEC"},
    state=lambda: {"issues": {"SEC-1": ISSUE}, "comments": [], "attachments": [], "transitions": TRANSITIONS},
)


@simulator.error
def error(status: int, text: str) -> Reply:
    return Reply(status, {"errorMessages": [text], "errors": {}})


@simulator.check
def account(request: Request) -> Optional[Reply]:
    said = request.headers.get("Authorization", "")
    if said in ("Basic Ym90QG1haWwuZXhhbXBsZTpkZW1vLXRva2VuLW9mLWppcmE=", f"Bearer {TOKEN}"):
        return None
    if said.startswith("Bearer captcha"):
        return Reply(403, "", {"X-Seraph-LoginReason": "AUTHENTICATION_DENIED", "Content-Type": "text/plain"})
    return Reply(401, "Client must be authenticated to access this resource.", {"Content-Type": "text/plain"})


def _cloud(request: Request) -> bool:
    return request.path.startswith("/rest/api/3/")


def _shown(request: Request, issue: Dict[str, Any]) -> Dict[str, Any]:
    owner = next((row for row in PEOPLE if row["name"] == issue.get("assignee")), None)
    status = {"name": issue["status"], "statusCategory": {"key": CATEGORIES[issue["status"]]}}
    fields = {name: value for name, value in issue.items() if name != "key"}
    if _cloud(request) and isinstance(fields.get("description"), str):
        paragraph = {"type": "paragraph", "content": [{"type": "text", "text": fields["description"]}]}
        fields["description"] = {"type": "doc", "version": 1, "content": [paragraph]}
    return {"id": "1", "key": issue["key"], "fields": {**fields, "status": status, "assignee": owner}}


def _unfit(request: Request, fields: Dict[str, Any]) -> Optional[Reply]:
    """Version 3 takes documents, version 2 text."""
    wrong = {}
    if "description" in fields and isinstance(fields["description"], str) == _cloud(request):
        wrong["description"] = (
            "Operation value must be an Atlassian Document" if _cloud(request) else "Operation value must be a string"
        )
    if "nonsense" in fields:
        wrong["nonsense"] = "Field 'nonsense' cannot be set. It is not on the appropriate screen, or unknown."
    return Reply(400, {"errorMessages": [], "errors": wrong}) if wrong else None


@simulator.route("GET", "/rest/api/{version}/myself")
def myself(_: Request) -> Any:
    return {"displayName": "Bot", "emailAddress": USER}


@simulator.route("POST", "/rest/api/{version}/issue")
def create(request: Request) -> Any:
    fields = (request.json() or {}).get("fields") or {}
    wrong = _unfit(request, fields)
    if wrong:
        return wrong
    if (fields.get("project") or {}).get("key") != "SEC":
        return Reply(400, {"errorMessages": [], "errors": {"project": "valid project is required"}})
    key = f"SEC-{len(request.state['issues']) + 1}"
    request.state["issues"][key] = {**fields, "key": key, "status": "To Do"}
    return Reply(201, {"id": "10042", "key": key, "self": f"{request.url}/rest/api/3/issue/10042"})


def _issue(request: Request) -> Any:
    missing = "Issue does not exist or you do not have permission to see it."
    return request.state["issues"].get(request.args["key"]) or error(404, missing)


@simulator.route("GET", "/rest/api/{version}/issue/{key}")
def issue(request: Request) -> Any:
    found = _issue(request)
    return found if isinstance(found, Reply) else _shown(request, found)


@simulator.route("PUT", "/rest/api/{version}/issue/{key}")
def change(request: Request) -> Any:
    found, fields = _issue(request), (request.json() or {}).get("fields") or {}
    wrong = found if isinstance(found, Reply) else _unfit(request, fields)
    if wrong:
        return wrong
    found.update(fields)
    return Reply(204)


@simulator.route("PUT", "/rest/api/{version}/issue/{key}/assignee")
def assign(request: Request) -> Any:
    found, wanted = _issue(request), request.json() or {}
    name = "accountId" if _cloud(request) else "name"
    person = next((row for row in PEOPLE if row[name] == wanted.get(name)), None)
    if isinstance(found, Reply) or person is None:
        return (
            found
            if isinstance(found, Reply)
            else Reply(400, {"errorMessages": [], "errors": {"assignee": "User does not exist."}})
        )
    found["assignee"] = person["name"]
    return Reply(204)


@simulator.route("GET", "/rest/api/3/user/search")
def people(request: Request) -> Any:
    return [row for row in PEOPLE if request.query.get("query", "").lower() in row["emailAddress"]]


@simulator.route("GET", "/rest/api/{version}/issue/{key}/transitions")
def transitions(request: Request) -> Any:
    found = _issue(request)
    if isinstance(found, Reply):
        return found
    ways = request.state["transitions"].get(found["status"], {})
    steps = [
        {"id": key, "name": f"Move to {to}", "to": {"name": to, "statusCategory": {"key": CATEGORIES[to]}}}
        for key, to in ways.items()
    ]
    return {"transitions": steps}


@simulator.route("POST", "/rest/api/{version}/issue/{key}/transitions")
def transition(request: Request) -> Any:
    found = _issue(request)
    to = request.state["transitions"].get(found["status"], {}).get(request.json()["transition"]["id"])
    if to is None:
        return error(
            400, "It seems that you have tried to perform a workflow operation that is not valid for the current state."
        )
    found["status"] = to
    return Reply(204)


@simulator.route("*", "/rest/api/{version}/issue/{key}/comment")
def comment(request: Request) -> Any:
    found = _issue(request)
    if isinstance(found, Reply):
        return found
    comments: List[Dict[str, Any]] = request.state["comments"]
    if request.method == "GET":
        below = [row for row in reversed(comments) if row["key"] == found["key"]]
        return {"comments": below, "total": len(below)}
    body = (request.json() or {}).get("body")
    if isinstance(body, str) == _cloud(request):
        return Reply(400, {"errorMessages": [], "errors": {"comment": "Comment body is not valid!"}})
    row = {"key": found["key"], "body": body, "author": {"displayName": "Bot"}, "created": "2026-01-05T11:00:00.000+0000"}
    comments.append(row)
    return Reply(201, row)


@simulator.route("POST", "/rest/api/{version}/issue/{key}/attachments")
def attach(request: Request) -> Any:
    found = _issue(request)
    if isinstance(found, Reply) or request.headers.get("X-Atlassian-Token") != "no-check":
        return found if isinstance(found, Reply) else Reply(403, "XSRF check failed", {"Content-Type": "text/plain"})
    name = re.search(rb'filename="([^"]*)"|filename\*=utf-8\'\'([^\r\n;]*)', request.body)
    body = request.body.split(b"\r\n\r\n", 1)[1].rsplit(b"\r\n--", 1)[0]
    row = {"id": "1", "filename": (name[1] or name[2]).decode() if name else "", "size": len(body)}
    request.state["attachments"].append({**row, "body": body.decode("latin-1")})
    return [row]


def _matching(request: Request, jql: str) -> Any:
    found = list(request.state["issues"].values())
    for part in re.split(r"\s+AND\s+", jql, flags=re.IGNORECASE):
        words = re.fullmatch(r'(project|labels|status)\s*=\s*"?([^"]*)"?', part.strip())
        if not words:
            return error(400, f"Error in the JQL Query: Expecting operator but got '{part[:30]}'.")
        name, value = words[1], words[2]
        if name == "project":
            found = [row for row in found if row["key"].startswith(f"{value}-")]
        else:
            found = [row for row in found if value in row.get(name, ())]
    return [_shown(request, row) for row in found]


@simulator.route("POST", "/rest/api/3/search/jql")
def search(request: Request) -> Any:
    asked = request.json()
    found = _matching(request, asked.get("jql", ""))
    if isinstance(found, Reply):
        return found
    first = int(asked.get("nextPageToken") or 0)
    ends = first + asked["maxResults"]
    more = {"nextPageToken": str(ends)} if ends < len(found) else {"isLast": True}
    return {"issues": found[first:ends], **more}


@simulator.route("GET", "/rest/api/2/search")
def search_by_offset(request: Request) -> Any:
    found = _matching(request, request.query.get("jql", ""))
    if isinstance(found, Reply):
        return found
    first, most = int(request.query["startAt"]), int(request.query["maxResults"])
    return {"startAt": first, "maxResults": most, "total": len(found), "issues": found[first : first + most]}


@simulator.route("*", "/rest/api/3/search")
def gone(_: Request) -> Any:
    return error(410, "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API.")


if __name__ == "__main__":
    simulator.main()
