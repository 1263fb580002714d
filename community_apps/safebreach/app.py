"""Findings and simulated attacks of SafeBreach, and simulating them again to see whether a hole is closed."""

from __future__ import annotations

import dataclasses
import functools
import re
import time
from typing import Any, Dict, Iterator, List, Literal, Optional

from artifacts import artifact_of, epoch

from repertory_sdk import ActionFailed, App, Event, Job, Output, Secret, output, param, setting
from repertory_sdk.http import Http, HttpAsset

app = App(
    "safebreach",
    version="1.0.0",
    product="SafeBreach",
    vendor="SafeBreach Inc.",
    summary=__doc__,
    requires=["requests>=2.31"],
    hosts=["${asset.url}", "${asset.proxy}"],
    files=["${asset.ca_file}"],
)

Outcome = Literal["blocked", "not blocked", "unknown"]
BLOCKED = {"fail", "prevented", "stopped"}
NOT_BLOCKED = {"success", "missed", "detected", "logged", "reported"}
ENDED = {"completed", "canceled", "cancelled", "failed"}
SEVERITIES = {"low": "low", "medium": "medium", "high": "high", "critical": "critical"}
PAGE = 100
_OVERLAP = 500


@app.asset
class Console(HttpAsset):
    """A console, in the cloud or on premises."""

    url: str = setting("Where the console answers, such as https://console.example")
    account: int = setting("Number of the account", minimum=1)
    key: Secret = setting("API key")
    timeout_s: float = setting("Seconds to wait for an answer", default=120.0, minimum=0.1, maximum=600)
    look_s: float = setting("Seconds between two looks at a run that is waited for", default=15.0, minimum=0.05, maximum=300)

    @functools.cached_property
    def api(self) -> Http:
        """Its interface."""
        return Http("SafeBreach", self, headers={"x-apitoken": self.key, "Accept": "application/json"})

    def data(self, rest: str) -> str:
        """A path of what is known."""
        return f"/api/data/v1/accounts/{self.account}/{rest}"

    def queue(self, rest: str = "") -> str:
        """A path of what is waiting to be run."""
        return f"/api/orch/v4/accounts/{self.account}/queue{rest}"


@app.result
class Simulation:
    """One simulated attack, and how it ended."""

    simulation: str = output("Identity", contains="simulation")
    name: Optional[str] = output("What was simulated", default=None)
    attack: Optional[int] = output("Number of the attack in the playbook of SafeBreach", default=None)
    status: str = output("Status as SafeBreach words it, from the attacker's view: SUCCESS, FAIL ...")
    outcome: Outcome = output("What that means: blocked, not blocked, or unknown where no verdict was reached")
    source_ip: Optional[str] = output("Where the attack came from", default=None, contains="ip")
    destination_ip: Optional[str] = output("Where it went", default=None, contains="ip")
    port: Optional[int] = output("Port of the destination", default=None, contains="port")
    protocol: Optional[str] = output("Protocol, such as TELNET", default=None)
    direction: Optional[str] = output("inbound, outbound or between", default=None)
    target_host: Optional[str] = output("Name of the simulator that was attacked", default=None, contains="host name")
    attacker_node: Optional[str] = output("Identity of the attacking simulator", default=None)
    target_node: Optional[str] = output("Identity of the attacked simulator", default=None)
    executed_at: Optional[str] = output("When, ISO 8601", default=None)
    run: Optional[str] = output("The run it was part of", default=None, contains="simulation")


@app.result
class Finding:
    """What simulations found to be open."""

    finding: int = output("Number of the finding")
    title: Optional[str] = output("What should be done", default=None)
    category: Optional[str] = output("Category", default=None)
    severity: str = output("low, medium, high or critical")
    not_blocked: int = output("Number of simulations that were not blocked")
    blocked: int = output("Number of those that were")
    attacks: List[int] = output("Numbers of the attacks")
    last_seen_at: Optional[str] = output("When it was seen last, ISO 8601", default=None)


@app.result
class Remediation:
    """What would have to be blocked for one attack of a finding to fail."""

    finding: int = output("Number of the finding")
    attack: str = output("Number of the attack")
    ports: List[int] = output("Ports", contains="port")
    protocols: List[str] = output("Protocols")
    addresses: List[str] = output("Addresses", contains="ip")
    domains: List[str] = output("Domains", contains="domain")
    hashes: List[str] = output("SHA-256 of files", contains="hash")
    urls: List[str] = output("URLs", contains="url")
    commands: List[str] = output("Command lines")


@app.result
class Run:
    """A run, as it is now."""

    run: str = output("Identity of the run", contains="simulation")
    status: str = output("PENDING, RUNNING, COMPLETED, CANCELED or FAILED")
    ended: bool = output("Whether it has ended")
    outcome: Outcome = output("blocked if every attack was, not blocked if one was not, unknown otherwise")
    blocked: int = output("Number of attacks that were blocked")
    not_blocked: int = output("Number of those that were not")
    simulations: List[str] = output("Identities of its simulations", contains="simulation")


@app.result
class Rerun:
    """A run that simulates an attack again."""

    simulation: str = output("Simulation that is done again", contains="simulation")
    run: str = output("Run that does it; read it with 'get simulation result'", contains="simulation")
    name: str = output("Name of the run")
    queued: bool = output("False where this very request had queued it already")


@app.result
class Cancelled:
    """What became of a run."""

    run: str = output("Identity of the run", contains="simulation")
    cancelled: bool = output("False where it was not waiting any more")


def outcome_of(status: Any) -> Outcome:
    """What a status means for the defender; anything that is not known is no verdict."""
    word = str(status or "").lower()
    return "blocked" if word in BLOCKED else "not blocked" if word in NOT_BLOCKED else "unknown"


def _history(console: Console, query: str, limit: int, run: str = "*") -> List[Dict[str, Any]]:
    found: List[Dict[str, Any]] = []
    size = min(limit, PAGE)
    for page in range(1, limit // size + 2):
        asked = {"runId": run, "query": query, "page": page, "pageSize": size, "orderBy": "desc", "sortBy": "startTime"}
        answer = console.api.post(console.data("executionsHistoryResults"), json=asked, repeatable=True).object()
        rows = answer.get("simulations") or []
        found += rows
        if len(rows) < size or len(found) >= min(limit, int(answer.get("total") or limit)):
            break
    return found[:limit]


def _simulation(row: Dict[str, Any]) -> Simulation:
    status = str(row.get("finalStatus") or row.get("status") or "")
    return Simulation(
        simulation=str(row.get("id") or row.get("simulationId") or ""),
        name=row.get("moveName"),
        attack=row.get("moveId"),
        status=status,
        outcome=outcome_of(status),
        source_ip=row.get("sourceIp") or row.get("targetInternalIp"),
        destination_ip=row.get("destinationIp") or row.get("attackerExternalIp"),
        port=row.get("serverPort") or None,
        protocol=row.get("attackProtocol"),
        direction=row.get("direction"),
        target_host=row.get("targetNodeName"),
        attacker_node=row.get("attackerNodeId"),
        target_node=row.get("targetNodeId"),
        executed_at=row.get("executionTime"),
        run=row.get("planRunId") or row.get("runId"),
    )


def _identity(text: str, what: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,100}", text.strip()):
        raise ActionFailed(f"{text[:60]!r} is no {what} of SafeBreach; give one such as 1767225600845.34")
    return text.strip()


def _found(console: Console, simulation: str) -> Dict[str, Any]:
    wanted = _identity(simulation, "simulation")
    rows = [row for row in _history(console, f'id:("{wanted}")', 10) if _simulation(row).simulation == wanted]
    if not rows:
        raise ActionFailed(f"SafeBreach knows no simulation {wanted}; take one from its history or from a finding")
    return rows[0]


@app.test
def connectivity(console: Console) -> str:
    """Asks for the status, and for one finding of the account."""
    console.api.get("/api/orch/v1/status")
    return f"account {console.account} has {len(_insights(console))} findings"


@app.action("get simulation", type="investigate")
def get_simulation(
    console: Console, simulation: str = param("Identity of the simulation", contains="simulation")
) -> Simulation:
    """What a simulated attack did, and whether it was blocked."""
    return _simulation(_found(console, simulation))


@app.action("list simulations", type="investigate")
def list_simulations(
    console: Console,
    attack: Optional[int] = param("Only of this attack, by its number", default=None, minimum=0),
    status: Optional[str] = param("Only with this outcome", default=None, choices=["blocked", "not blocked", "unknown"]),
    limit: int = param("Most simulations that are looked at, the newest first", default=100, minimum=1, maximum=1000),
) -> Output[Simulation]:
    """Simulated attacks, the newest first."""
    query = f'Playbook_id:("{attack}")' if attack is not None else ""
    found = [_simulation(row) for row in _history(console, query, limit)]
    wanted = [row for row in found if attack in (None, row.attack) and status in (None, row.outcome)]
    return Output(wanted, summary={"simulations": len(wanted)})


def _insights(console: Console) -> List[Dict[str, Any]]:
    answer = console.api.get(console.data("insights"), params={"type": "actionBased"})
    rows = answer.json()
    if not isinstance(rows, list):
        raise ActionFailed("SafeBreach: findings were answered with no list; check the version of the console")
    return rows


def _finding(row: Dict[str, Any]) -> Finding:
    return Finding(
        finding=int(row.get("ruleId") or 0),
        title=row.get("actionBasedTitle"),
        category=row.get("category"),
        severity=SEVERITIES.get(str(row.get("severity")).lower(), "medium"),
        not_blocked=int(row.get("nonBlockedSimulations") or 0),
        blocked=int(row.get("blockedSimulations") or 0),
        attacks=[int(number) for number in row.get("attacks") or ()],
        last_seen_at=row.get("maxExecutionTime"),
    )


@app.action("list findings", type="investigate")
def list_findings(console: Console) -> Output[Finding]:
    """What simulations found to be open, the worst first."""
    order = list(reversed(SEVERITIES))
    found = sorted(map(_finding, _insights(console)), key=lambda row: (order.index(row.severity), row.finding))
    return Output(found, summary={"findings": len(found)})


@app.action("get remediation", type="investigate")
def get_remediation(console: Console, finding: int = param("Number of the finding", minimum=0)) -> Output[Remediation]:
    """What would have to be blocked for the attacks of a finding to fail."""
    answer = console.api.get(console.data(f"insights/{finding}/remediation"), accept=(404,))
    if answer.status == 404:
        raise ActionFailed(f"SafeBreach knows no finding {finding}; 'list findings' has those that there are")
    attacks = (answer.object().get("remediationData") or {}).get("Attack") or {}
    return Output([_remediation(finding, number, row or {}) for number, row in attacks.items()])


def _remediation(finding: int, attack: str, row: Dict[str, Any]) -> Remediation:
    places = [str(place) for place in row.get("FQDNs/IPs") or ()]
    addresses = [place for place in places if re.fullmatch(r"[0-9.]+|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*", place)]
    return Remediation(
        finding=finding,
        attack=attack,
        ports=[int(port) for port in row.get("Ports") or () if str(port).isdigit()],
        protocols=[str(name) for name in row.get("Protocols") or ()],
        addresses=addresses,
        domains=[place for place in places if place not in addresses],
        hashes=[str(value) for value in row.get("SHA256") or ()],
        urls=[str(value) for value in row.get("URIs") or ()],
        commands=[str(value) for value in row.get("Commands") or ()],
    )


@app.action("rerun simulation", type="generic", idempotent=True)
def rerun_simulation(
    console: Console, job: Job, simulation: str = param("Identity of the simulation", contains="simulation")
) -> Rerun:
    """Simulate an attack again, from and to the same simulators. One request is queued once, even if it is repeated."""
    row = _found(console, simulation)
    name = f"Rerun {_simulation(row).simulation} [{job.key}]"
    known = _run_named(console, name)
    if known:
        return Rerun(simulation=simulation, run=known, name=name, queued=False)
    options = {"enableFeedbackLoop": "true", "retrySimulations": "false"}
    answer = console.api.post(console.queue(), params=options, json={"plan": _plan(row, name)}).object()
    run = (answer.get("data") or {}).get("planRunId")
    if not run:
        raise ActionFailed("SafeBreach queued the simulation and did not say as which run; look into its console")
    return Rerun(simulation=simulation, run=str(run), name=name, queued=True)


def _run_named(console: Console, name: str) -> str:
    """What is queued is not among the summaries for some seconds, so both are asked."""
    waiting = console.api.get(console.queue(), accept=(404,))
    rows = waiting.object().get("data") or [] if waiting.status != 404 else []
    summaries = console.api.get(console.data("testsummaries"), params={"size": "1000", "includeArchived": "false"}).json()
    rows = [*rows, *(summaries if isinstance(summaries, list) else [])]
    return next((str(row.get("planRunId")) for row in rows if name in (row.get("name"), row.get("planName"))), "")


def _plan(row: Dict[str, Any], name: str) -> Dict[str, Any]:
    def simulators(node: Any) -> Dict[str, Any]:
        return {"simulators": {"operator": "is", "values": [node], "name": "simulators"}} if node else {}

    attacks = {"playbook": {"operator": "is", "values": [row.get("moveId")], "name": "playbook"}}
    step = {
        "attacksFilter": attacks,
        "attackerFilter": simulators(row.get("attackerNodeId")),
        "targetFilter": simulators(row.get("targetNodeId")),
        "systemFilter": {},
    }
    return {"name": name, "steps": [step], "draft": False}


@app.action("get simulation result", type="investigate", timeout_s=1300)
def get_simulation_result(
    console: Console,
    job: Job,
    run: str = param("Identity of the run", contains="simulation"),
    wait_s: int = param("Seconds to wait for its end; 0: only look", default=1200, minimum=0, maximum=1200),
) -> Run:
    """How a run ended, waiting for its end."""
    wanted = _identity(run, "run")
    ends = time.monotonic() + wait_s
    while True:
        summary = console.api.get(console.data(f"testsummaries/{wanted}"), accept=(404,))
        row = summary.object() if summary.status != 404 else {}
        status = str(row.get("status") or "PENDING").upper()
        if status.lower() in ENDED:
            return _run(console, wanted, status, row)
        if time.monotonic() + console.look_s > ends:
            if not row and not _waiting(console, wanted):
                raise ActionFailed(f"SafeBreach knows no run {wanted}; take it from what 'rerun simulation' returned")
            return _run(console, wanted, status, row)
        job.progress(f"run {wanted} is {status.lower()}")
        time.sleep(console.look_s)


def _waiting(console: Console, run: str) -> bool:
    return console.api.get(console.queue(f"/{run}"), accept=(404,)).status != 404


def _run(console: Console, run: str, status: str, row: Dict[str, Any]) -> Run:
    counts = {name.lower(): int(count or 0) for name, count in (row.get("finalStatus") or {}).items()}
    blocked = sum(count for name, count in counts.items() if name in BLOCKED)
    open_ = sum(count for name, count in counts.items() if name in NOT_BLOCKED)
    undecided = sum(counts.values()) - blocked - open_
    outcome: Outcome = "not blocked" if open_ else "blocked" if blocked and not undecided and status == "COMPLETED" else "unknown"
    ended = status.lower() in ENDED
    found = [_simulation(one).simulation for one in _history(console, "", PAGE, run)] if ended else []
    counted = {"blocked": blocked, "not_blocked": open_}
    return Run(run=run, status=status, ended=ended, outcome=outcome, simulations=found, **counted)


@app.action("cancel run", type="generic", idempotent=True)
def cancel_run(console: Console, run: str = param("Identity of the run", contains="simulation")) -> Cancelled:
    """Take a run out of the queue, or end it while it runs."""
    wanted = _identity(run, "run")
    answer = console.api.delete(console.queue(f"/{wanted}"), accept=(404,))
    return Cancelled(run=wanted, cancelled=answer.status != 404)


@app.poll
def findings(console: Console, checkpoint: Dict[str, Any]) -> Iterator[Event]:
    """Findings that were seen again since the last time, each with the simulations that were not blocked."""
    since, seen = str(checkpoint.get("since") or ""), list(checkpoint.get("seen") or ())
    rows = sorted(_insights(console), key=lambda row: str(row.get("maxExecutionTime") or ""))
    for row in rows:
        finding = _finding(row)
        at = finding.last_seen_at or ""
        identity = f"{finding.finding}@{at}"
        if at < since or identity in seen or not finding.not_blocked:
            continue
        yield _event(console, finding, identity)
        seen.append(identity)
        checkpoint.update(since=max(since, at), seen=seen[-_OVERLAP:])


def _event(console: Console, finding: Finding, identity: str) -> Event:
    simulations = [
        found
        for attack in finding.attacks[:20]
        for row in _history(console, f'Playbook_id:("{attack}")', PAGE)
        if (found := _simulation(row)).attack == attack and found.outcome == "not blocked"
    ]
    return Event(
        name=finding.title or f"SafeBreach finding {finding.finding}",
        artifacts=[artifact_of(dataclasses.asdict(simulation)) for simulation in simulations],
        description=f"{finding.category}: {finding.not_blocked} simulations were not blocked, {finding.blocked} were.",
        severity=finding.severity,
        labels=["breach simulation"],
        source="safebreach",
        source_id=identity,
        happened_at=epoch(finding.last_seen_at),
    )
