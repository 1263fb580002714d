"""SafeBreach, simulated: one finding of exfiltration over telnet, and runs that really try to connect where told to.

A simulation of the state may have ``"probe": {"host": ..., "port": ...}``: running it again connects there, and is SUCCESS if
somebody answers. Without one it ends as ``"next"`` says, or as before.
"""

from __future__ import annotations

import socket
from typing import Any, Dict, Optional

from repertory_sdk.testing.simulator import Reply, Request, Simulator

KEY = "demo-key-of-safebreach"
FIRST = "8fae303d5b1f4b9fa2d1"
SIMULATION: Dict[str, Any] = {
    "id": FIRST, "moveId": 2877, "moveName": "Exfiltration over telnet", "packageName": "Exfiltration", "status": "SUCCESS",
    "executionTime": "2026-01-05T05:36:38.200Z", "attackProtocol": "TELNET", "serverPort": 23, "direction": "outbound",
    "sourceIp": "192.0.2.14", "destinationIp": "203.0.113.7", "attackerNodeId": "c0d4-cloud", "attackerNodeName": "Cloud",
    "targetNodeId": "2de2-srv-14", "targetNodeName": "srv-14.example", "planRunId": "1582398000069.44",
}  # fmt: skip
OTHER = {
    **SIMULATION, "id": "1b2c3d4e", "moveId": 11, "moveName": "Download over HTTP", "status": "FAIL", "serverPort": 80,
    "attackProtocol": "HTTP",
}  # fmt: skip
FINDING = {
    "ruleId": 16, "category": "Data Leak", "actionBasedTitle": "Prevent exfiltration over telnet", "severity": "High",
    "severityScore": 13, "nonBlockedSimulations": 1, "blockedSimulations": 1, "maxExecutionTime": "2026-01-05T12:02:09.109Z",
    "attacks": [2877], "targets": [{"targetNodeId": "2de2-srv-14"}],
    "remediation": {"2877": {"Ports": ["23"], "Protocols": ["TELNET"], "FQDNs/IPs": ["203.0.113.7", "leak.example"]}},
}  # fmt: skip
DATA, QUEUE = "/api/data/v1/accounts/{account}", "/api/orch/v4/accounts/{account}/queue"

simulator = Simulator(
    "SafeBreach",
    settings={"url": "{url}", "account": 4711, "key": KEY, "look_s": 0.05},
    state=lambda: {"simulations": {row["id"]: row for row in (SIMULATION, OTHER)}, "findings": [FINDING], "runs": {}, "looks": 2},
)


@simulator.check
def key(request: Request) -> Optional[Reply]:
    if request.headers.get("x-apitoken") != KEY:
        return Reply(401, {"error": {"message": "Unauthorized"}})
    foreign = "/accounts/" in request.path and "/accounts/4711/" not in f"{request.path}/"
    return Reply(403, {"error": {"message": "no such account"}}) if foreign else None


@simulator.route("GET", "/api/orch/v1/status")
def status(_: Request) -> Any:
    return {"status": "ok"}


@simulator.route("GET", f"{DATA}/insights")
def insights(request: Request) -> Any:
    return [{name: value for name, value in row.items() if name != "remediation"} for row in request.state["findings"]]


@simulator.route("GET", f"{DATA}/insights/{{rule}}/remediation")
def remediation(request: Request) -> Any:
    found = [row["remediation"] for row in request.state["findings"] if str(row["ruleId"]) == request.args["rule"]]
    return {"remediationData": {"Attack": found[0]}} if found else Reply(404, {"error": {"message": "no such insight"}})


@simulator.route("POST", f"{DATA}/executionsHistoryResults")
def history(request: Request) -> Any:
    asked = request.json()
    rows = sorted(request.state["simulations"].values(), key=lambda row: row["executionTime"], reverse=True)
    name, _, wanted = asked["query"].partition(":")
    field = {"id": "id", "Playbook_id": "moveId"}.get(name)
    rows = [row for row in rows if not field or f'("{row[field]}")' == wanted]
    rows = [row for row in rows if asked["runId"] in ("*", row["planRunId"])]
    first = (asked["page"] - 1) * asked["pageSize"]
    return {"simulations": rows[first : first + asked["pageSize"]], "total": len(rows)}


@simulator.route("POST", QUEUE)
def queue(request: Request) -> Any:
    plan = request.json()["plan"]
    run = f"1767225600{len(request.state['runs']):03}.34"
    wanted = plan["steps"][0]["attacksFilter"]["playbook"]["values"]
    old = next(row for row in request.state["simulations"].values() if row["moveId"] in wanted)
    ended = _outcome(old)
    new = {**old, "id": f"{old['id']}-{run}", "status": ended, "planRunId": run, "executionTime": "2026-01-06T00:00:00.000Z"}
    request.state["runs"][run] = {"name": plan["name"], "looks": request.state["looks"], "ended": ended, "simulation": new}
    return {"data": {"planRunId": run, "name": plan["name"], "draft": False, "steps": [{"stepRunId": f"{run}5"}]}}


def _outcome(simulation: Dict[str, Any]) -> str:
    probe = simulation.get("probe")
    if not probe:
        return str(simulation.get("next") or simulation["status"])
    try:
        socket.create_connection((probe["host"], probe["port"]), 2).close()
        return "SUCCESS"
    except OSError:
        return "FAIL"


@simulator.route("GET", QUEUE)
def queued(request: Request) -> Any:
    return {"data": [{"planRunId": run, "name": row["name"]} for run, row in request.state["runs"].items() if row["looks"] > 0]}


@simulator.route("*", f"{QUEUE}/{{run}}")
def one_queued(request: Request) -> Any:
    row = request.state["runs"].get(request.args["run"])
    if not row or row["looks"] <= 0 or row["ended"] == "CANCELED":
        return Reply(404, {"error": {"message": "no such run is queued"}})
    if request.method == "DELETE":
        row.update(ended="CANCELED", looks=0)
    return {"data": {"planRunId": request.args["run"], "name": row["name"]}}


@simulator.route("GET", f"{DATA}/testsummaries")
def summaries(request: Request) -> Any:
    return [_summary(run, row) for run, row in request.state["runs"].items() if row["looks"] <= 0]


@simulator.route("GET", f"{DATA}/testsummaries/{{run}}")
def summary(request: Request) -> Any:
    row = request.state["runs"].get(request.args["run"])
    if row is None or row["looks"] == request.state["looks"]:  # the first look comes too early
        if row is not None:
            row["looks"] -= 1
        return Reply(404, {"error": {"message": "no such test"}})
    found = _summary(request.args["run"], row)
    row["looks"] -= 1
    if row["looks"] <= 0 and row["ended"] != "CANCELED":
        request.state["simulations"].setdefault(row["simulation"]["id"], row["simulation"])
    return found


def _summary(run: str, row: Dict[str, Any]) -> Dict[str, Any]:
    ended = row["looks"] <= 0
    counts = {"prevented": int(row["ended"] == "FAIL"), "missed": int(row["ended"] == "SUCCESS")}
    counts["no-result"] = int(row["ended"] not in ("FAIL", "SUCCESS", "CANCELED"))
    done = "CANCELED" if row["ended"] == "CANCELED" else "COMPLETED"
    named = {"planRunId": run, "planName": row["name"]}
    return {**named, "status": done if ended else "RUNNING", "finalStatus": counts if ended else {}}


if __name__ == "__main__":
    simulator.main()
