"""A breach simulation got data out: find out how, close the way, simulate again, and say whether it holds."""

from __future__ import annotations

from typing import Any, Dict, List

from repertory_sdk import Event, Play, param, playbook
from repertory_sdk.results import Results

DONE = "remediations"
"""The custom list in which undo_remediation finds what was done: event, action, asset, parameters."""


@playbook(version="1.0.0", labels=["breach simulation"])
def remediate_exfiltration(
    event: Event,
    play: Play,
    *,
    service: str = param("Service that lets data out, as the endpoints call it", default="telnet", contains="service name"),
    suspicious: str = param(
        "Search for other uses of the same way out; {ip} and {port} stand for where it begins and ends",
        default='search src="{ip}" dest_port={port} earliest=-24h | stats count by src, dest, dest_port',
    ),
) -> Dict[str, Any]:
    simulations = play.act("get simulation", simulation=event.values_of("simulation")).required()
    still_open = simulations.where(outcome="not blocked")
    if not still_open:
        play.close(event, reason="already blocked", note=play.table(simulations))
        return {"decision": "already blocked", "outcomes": []}

    hosts, ports = still_open.values("source_ip"), still_open.values("port")
    evidence = look_around(play, hosts, ports, suspicious)

    stopped = play.act("stop service", host=hosts, service=service)
    closed = play.act("block port", port=ports, protocol="tcp", optional=True)
    remember(play, event, stopped, ["host", "service"])
    remember(play, event, closed, ["port", "protocol", "ip"])

    outcomes = simulate_again(play, still_open.values("simulation"))
    report = play.table(evidence, stopped, closed) + "\n\n" + play.table(outcomes, columns=["run", "outcome"])
    if outcomes and all(outcome == "blocked" for _, outcome in outcomes):
        play.close(event, reason="remediated", note=f"{report}\n\n`undo_remediation` on this event takes it back.")
        return {"decision": "remediated", "outcomes": outcomes}
    play.escalate(event, severity="high", because=f"Data still gets out, or nobody can tell.\n\n{report}", to="soc")
    return {"decision": "escalated", "outcomes": outcomes}


def look_around(play: Play, hosts: List[str], ports: List[int], suspicious: str) -> Results:
    """What the machines are, what they talk to on these ports, and who else used the way out."""
    systems = play.act("get system info", host=hosts)
    connections = play.act("list connections", host=hosts)
    queries = [suspicious.format(ip=ip, port=port) for ip in hosts for port in ports]
    searched = play.act("run query", query=queries, optional=True)

    ours = [
        row
        for row in connections.rows("host", "state", "local_ip", "local_port", "remote_ip", "remote_port", "process")
        if row[3] in ports or row[5] in ports
    ]
    names = ["host", "state", "local", "local port", "remote", "remote port", "process"]
    parts = [
        play.table(systems),
        play.table(ours, columns=names) or "No such connection.",
        play.table(searched.values("values")) or "Nobody else is known to have used it.",
    ]
    play.note("Before", "\n\n".join(parts))
    return systems + searched


def remember(play: Play, event: Event, results: Results, names: List[str]) -> None:
    """Keep what changed something, so that it can be taken back."""
    done = play.list(DONE)
    for action, asset, changed, *values in results.rows("action", "asset", "changed", *names):
        if changed:
            given = [f"{name}={value}" for name, value in zip(names, values) if value not in (None, "")]
            done.add(str(event.id), action, asset, *given)


def simulate_again(play: Play, simulations: List[str]) -> List[Any]:
    """Run each simulation again, once more where it could not tell; the run and how it ended."""
    outcomes = run_each(play, simulations)
    if any(outcome == "unknown" for _, outcome in outcomes):
        outcomes = run_each(play, simulations)
    return outcomes


def run_each(play: Play, simulations: List[str]) -> List[Any]:
    """One run for each simulation, waited for."""
    runs = play.act("rerun simulation", simulation=simulations).values("run")
    return list(play.act("get simulation result", run=runs).rows("run", "outcome"))
