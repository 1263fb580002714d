"""A Cisco FMC, simulated: logins by token, one group, one policy, and firewalls to which changes are deployed."""

from __future__ import annotations

import base64
from typing import Any, Dict, List, Optional

from repertory_sdk.testing.simulator import Reply, Request, Simulator

USER, PASSWORD = "responder", "demo-password-of-fmc"
DOMAIN = "e276abec-e0f2-11e3-8169-6d9ed49b625f"
BASE = "/api/fmc_config/v1/domain/{domain}"
RULE = {
    "id": "r-1", "name": "block list", "action": "BLOCK", "enabled": True, "destinationNetworks": {"literals": []},
    "sourceNetworks": {"objects": [{"name": "REPERTORY-BLOCK", "type": "NetworkGroup"}]},
}  # fmt: skip

simulator = Simulator(
    "Cisco FMC",
    settings={"url": "{url}", "user": USER, "password": PASSWORD, "look_s": 0.01},
    state=lambda: {
        "groups": {}, "rules": [RULE], "pending": False, "tokens": [], "expired": [], "tasks": {},
        "devices": [["8d7e0000-0000-0000-0000-000000000001", "edge-1"]],
    },
)  # fmt: skip


@simulator.error
def error(status: int, text: str) -> Reply:
    return Reply(status, {"error": {"category": "FRAMEWORK", "messages": [{"description": text}], "severity": "ERROR"}})


@simulator.check
def token(request: Request) -> Optional[Reply]:
    if request.path.startswith("/api/fmc_platform/"):
        return None
    known = request.headers.get("X-auth-access-token")
    if known not in request.state["tokens"] or known in request.state["expired"]:
        return error(401, "Access token invalid.")
    return None if f"/domain/{DOMAIN}/" in request.path else error(404, "No such domain.")


@simulator.route("POST", "/api/fmc_platform/v1/auth/generatetoken")
def login(request: Request) -> Reply:
    wanted = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    if request.headers.get("Authorization") != wanted:
        return error(401, "Unauthorized")
    made = f"token-{len(request.state['tokens']) + 1}"
    request.state["tokens"].append(made)
    domains = f'[{{"name": "Global", "uuid": "{DOMAIN}"}}]'
    return Reply(204, b"", {"X-auth-access-token": made, "DOMAIN_UUID": DOMAIN, "DOMAINS": domains})


def _page(request: Request, rows: List[Dict[str, Any]]) -> Any:
    first, limit = int(request.query.get("offset", 0)), int(request.query.get("limit", 25))
    page = rows[first : first + limit]
    return {"items": page, "paging": {"offset": first, "limit": limit, "count": len(rows)}} if rows else {"paging": {"count": 0}}


@simulator.route("GET", f"{BASE}/object/hosts")
def hosts(request: Request) -> Any:
    return _page(request, [])


@simulator.route("GET", f"{BASE}/object/networkgroups")
def groups(request: Request) -> Any:
    rows = [{"id": key, "name": row["name"], "type": "NetworkGroup"} for key, row in request.state["groups"].items()]
    return _page(request, rows)


@simulator.route("POST", f"{BASE}/object/networkgroups")
def create(request: Request) -> Any:
    body = request.json()
    if any(row["name"] == body["name"] for row in request.state["groups"].values()):
        return error(400, f"The object name {body['name']} already exists. Enter a new name.")
    made = f"005056-{len(request.state['groups']) + 1}"
    request.state["groups"][made] = {**body, "id": made}
    request.state["pending"] = True
    return Reply(201, request.state["groups"][made])


@simulator.route("GET", f"{BASE}/object/networkgroups/{{group}}")
def group(request: Request) -> Any:
    return request.state["groups"].get(request.args["group"]) or error(404, "No such group.")


@simulator.route("PUT", f"{BASE}/object/networkgroups/{{group}}")
def replace(request: Request) -> Any:
    request.state["groups"][request.args["group"]] = request.json()
    request.state["pending"] = True
    return request.json()


@simulator.route("GET", f"{BASE}/policy/accesspolicies")
def policies(request: Request) -> Any:
    return _page(request, [{"id": "p-1", "name": "Edge", "type": "AccessPolicy"}])


@simulator.route("GET", f"{BASE}/policy/accesspolicies/{{policy}}/accessrules")
def rules(request: Request) -> Any:
    return _page(request, request.state["rules"])


@simulator.route("GET", f"{BASE}/deployment/deployabledevices")
def deployable(request: Request) -> Any:
    devices = request.state["devices"] if request.state["pending"] else []
    return _page(request, [{"name": name, "version": "1767225600000", "device": {"id": device}} for device, name in devices])


@simulator.route("POST", f"{BASE}/deployment/deploymentrequests")
def deploy(request: Request) -> Any:
    task = f"8589{len(request.state['tasks'])}"
    request.state["tasks"][task] = 2
    return Reply(202, {"type": "DeploymentRequest", "metadata": {"task": {"id": task}}})


@simulator.route("GET", f"{BASE}/job/taskstatuses/{{task}}")
def task(request: Request) -> Any:
    left = request.state["tasks"].get(request.args["task"])
    if left is None:
        return error(404, "No such task.")
    request.state["tasks"][request.args["task"]] = max(0, left - 1)
    if not left:
        request.state["pending"] = False
    return {"id": request.args["task"], "status": "Deploying" if left else "Deployed"}


if __name__ == "__main__":
    simulator.main()
