"""A Cisco ASA's REST agent, simulated: groups, rules of the interface outside, commands, and what was saved."""

from __future__ import annotations

import base64
from typing import Any, Dict, List, Optional

from repertory_sdk.testing.simulator import Reply, Request, Simulator

USER, PASSWORD = "responder", "demo-password-of-asa"
RULES: List[Dict[str, Any]] = [
    {
        "objectId": "100", "permit": True, "active": True, "remarks": ["web servers"],
        "sourceAddress": {"kind": "AnyIPAddress", "value": "any4"},
        "destinationAddress": {"kind": "IPv4Network", "value": "198.51.100.0/24"},
        "destinationService": {"kind": "TcpUdpService", "value": "tcp/443"},
    },
]  # fmt: skip
SHOWN = {
    "show version": "Cisco Adaptive Security Appliance Software Version 9.16(4)\nserver uptime 12 days",
    "show conn count": "4 in use, 19 most used",
}

simulator = Simulator(
    "Cisco ASA",
    settings={"url": "{url}", "user": USER, "password": PASSWORD},
    state=lambda: {"groups": {}, "rules": RULES, "next": 101, "saved": 0},
)


@simulator.error
def error(status: int, text: str) -> Reply:
    code = "RESOURCE-NOT-FOUND" if status == 404 else "ERROR"
    return Reply(status, {"messages": [{"level": "Error", "code": code, "details": text}]})


@simulator.check
def credentials(request: Request) -> Optional[Reply]:
    wanted = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    return None if request.headers.get("Authorization") == wanted else error(401, "Authentication failed")


@simulator.route("GET", "/api/monitoring/serialnumber")
def serial(_: Request) -> Any:
    return {"kind": "object#QuerySerialNumber", "serialNumber": "9A0B1C2D3E4"}


@simulator.route("POST", "/api/objects/networkobjectgroups")
def create_group(request: Request) -> Any:
    body = request.json()
    if body["name"] in request.state["groups"]:
        return Reply(400, {"messages": [{"level": "Error", "code": "DUPLICATE", "details": body["name"]}]})
    request.state["groups"][body["name"]] = body["members"]
    return Reply(201, b"")


@simulator.route("GET", "/api/objects/networkobjectgroups/{name}")
def group(request: Request) -> Any:
    name = request.args["name"]
    if name not in request.state["groups"]:
        return error(404, name)
    return {"kind": "object#NetworkObjGroup", "name": name, "members": request.state["groups"][name], "objectId": name}


@simulator.route("PATCH", "/api/objects/networkobjectgroups/{name}")
def change_group(request: Request) -> Any:
    members, body = request.state["groups"][request.args["name"]], request.json()
    kept = [member for member in members if member not in body.get("members.remove", [])]
    request.state["groups"][request.args["name"]] = kept + [one for one in body.get("members.add", []) if one not in kept]
    return Reply(204)


@simulator.route("DELETE", "/api/objects/networkobjectgroups/{name}")
def delete_group(request: Request) -> Any:
    if any(rule["sourceAddress"].get("objectId") == request.args["name"] for rule in request.state["rules"]):
        return error(400, "The group is in use")
    del request.state["groups"][request.args["name"]]
    return Reply(204)


@simulator.route("GET", "/api/access/in/outside/rules")
def rules(request: Request) -> Any:
    first, known = int(request.query.get("offset", 0)), request.state["rules"]
    limit = min(int(request.query.get("limit", 100)), 100)
    page = known[first : first + limit]
    return {"kind": "collection#ExtendedACE", "rangeInfo": {"offset": first, "limit": limit, "total": len(known)}, "items": page}


@simulator.route("POST", "/api/access/in/outside/rules")
def create_rule(request: Request) -> Any:
    made = {**request.json(), "objectId": str(request.state["next"])}
    request.state["rules"].insert(made.pop("position", 1) - 1, made)
    request.state["next"] += 1
    return Reply(201, b"")


@simulator.route("DELETE", "/api/access/in/outside/rules/{rule}")
def delete_rule(request: Request) -> Any:
    kept = [rule for rule in request.state["rules"] if rule["objectId"] != request.args["rule"]]
    if len(kept) == len(request.state["rules"]):
        return error(404, request.args["rule"])
    request.state["rules"] = kept
    return Reply(204)


@simulator.route("POST", "/api/commands/writemem")
def save(request: Request) -> Any:
    request.state["saved"] += 1
    return Reply(200, {})


@simulator.route("POST", "/api/cli")
def cli(request: Request) -> Any:
    unknown = "ERROR: % Invalid input detected at '^' marker."
    return {"response": [SHOWN.get(command, unknown) for command in request.json()["commands"]]}


if __name__ == "__main__":
    simulator.main()
