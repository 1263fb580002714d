"""An inventory with an HTTP interface, simulated: hosts that can be got, made, replaced, changed and deleted."""

from __future__ import annotations

import base64
from typing import Any, Optional

from repertory_sdk.testing.simulator import Reply, Request, Simulator

TOKEN = "demo-token-of-rest"
PASSWORD = "demo-password-of-rest"
WAYS = {
    "Authorization": (f"Bearer {TOKEN}", f"Basic {base64.b64encode(f'soar:{PASSWORD}'.encode()).decode()}"),
    "X-Inventory-Key": (TOKEN,),
}

simulator = Simulator(
    "REST interface",
    settings={"url": "{url}/api/v1", "auth": "bearer", "token": TOKEN},
    state=lambda: {"hosts": {"web-1": {"owner": "post@example.org", "critical": True}}, "notes": []},
)


@simulator.error
def error(status: int, text: str) -> Reply:
    return Reply(status, {"error": {"message": text}})


@simulator.check
def credentials(request: Request) -> Optional[Reply]:
    """Whatever is not below the base is another's, and tells what it got."""
    if not request.path.startswith("/api/v1"):
        return Reply(200, {"outside": request.path})
    known = any(request.headers.get(name) in values for name, values in WAYS.items())
    return None if known else error(401, "Who are you?")


@simulator.route("GET", "/api/v1/")
def root(_: Request) -> Any:
    return {"service": "inventory"}


@simulator.route("*", "/api/v1/hosts")
def hosts(request: Request) -> Any:
    if request.method == "POST":
        made = request.json() or {}
        if made.get("name") in request.state["hosts"]:
            return error(409, "There is such a host already.")
        request.state["hosts"][made.pop("name", "unnamed")] = made
        return Reply(201, made, {"Location": "/api/v1/hosts/new"})
    wanted = request.queries.get("owner")
    return [{"name": name, **host} for name, host in request.state["hosts"].items() if not wanted or host.get("owner") in wanted]


@simulator.route("*", "/api/v1/hosts/{name}")
def host(request: Request) -> Any:
    name, known = request.args["name"], request.state["hosts"]
    if request.method == "PUT":
        known[name] = request.json() or {}
    elif name not in known:
        return error(404, "There is no such host.")
    elif request.method == "PATCH":
        known[name].update(request.json() or {})
    elif request.method == "DELETE":
        del known[name]
        return Reply(204)
    kind = {"Content-Type": "application/vnd.example+json"}
    return Reply(200, known[name], {"X-Revision": "7", "Set-Cookie": "session=secret", **kind})


@simulator.route("*", "/api/v1/notes/{name:rest}")
def notes(request: Request) -> Any:
    """Says what it got."""
    named = {"type": request.headers.get("Content-Type"), "trace": request.headers.get("X-Trace")}
    request.state["notes"].append({**named, "query": dict(request.queries), "body": request.body.decode()})
    return Reply(200, "as you wish", {"Content-Type": "text/plain"})


@simulator.route("GET", "/api/v1/page")
def page(_: Request) -> Any:
    return Reply(200, "<html><body>Hello</body></html>", {"Content-Type": "text/html"})


if __name__ == "__main__":
    simulator.main()
