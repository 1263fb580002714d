"""A service of ours can be reached from the Internet since today: find out whose it is and who looks at it, then decide."""

from __future__ import annotations

from typing import Any, Dict, List

from repertory_sdk import Event, Play, param, playbook

RISKY_PORTS = (21, 23, 135, 139, 445, 1433, 1521, 3306, 3389, 5432, 5900, 5985, 6379, 9200, 11211, 27017)


@playbook(version="1.0.0", labels=["new service"])
def investigate_new_service(
    event: Event,
    play: Play,
    *,
    automatic: bool = param("Whether to block without asking, where the service is risky and known to be attacked", default=False),
    within: str = param("How long somebody has to decide", default="30m"),
) -> Dict[str, Any]:
    servers, ports = event.values("destinationAddress"), event.values("destinationPort")
    names, requesters = event.values("destinationHostName"), event.values("sourceAddress")

    systems = play.act("get system info", host=names, optional=True)
    services = play.act("list connections", host=names, optional=True)
    seen = play.act("lookup host", ip=servers, optional=True)
    owners = play.act("whois ip", ip=requesters, optional=True)
    domains = play.act("whois domain", domain=event.values("sourceDnsDomain"), optional=True)
    thoughts = play.run("enrich_indicators", ips=requesters)

    sockets = services.rows("state", "local_ip", "local_port", "process")
    listening = [row for row in sockets if row[0] == "listen" and row[2] in ports]
    weak = seen.values("vulnerabilities[]")
    report = "\n\n".join(
        filter(
            None,
            [
                play.table(systems),
                play.table(listening, columns=["state", "address", "port", "process"]) or "Nothing is known to listen there.",
                play.table(seen, owners, domains),
                thoughts["report"],
            ],
        )
    )
    play.note("Who offers what to whom", report)

    risky = [port for port in ports if port in RISKY_PORTS]
    if automatic and risky and (weak or thoughts["malicious"]):
        return block(event, play, ports, servers, because=f"Port {risky[0]} is risky, and {reason(weak, thoughts['malicious'])}.")
    answer = play.ask(
        f"May {', '.join(names or servers)} offer port {', '.join(map(str, ports))} to the Internet?"
        f" {summary(weak, thoughts, risky)}",
        options=["keep", "block"],
        to="soc",
        within=within,
        default="block" if risky else "keep",
    )
    if answer == "block":
        return block(event, play, ports, servers, because=f"Decided by {answer.by or 'the deadline'}.")
    play.close(event, reason="permitted", note=f"Kept, as decided by {answer.by or 'the deadline'}.")
    return {"decision": "kept", "blocked": []}


def block(event: Event, play: Play, ports: List[int], servers: List[str], *, because: str) -> Dict[str, Any]:
    """Close these ports of these servers at the firewall, and tell people."""
    results = [play.act("block port", port=port, protocol="tcp", ip=servers) for port in ports]
    done = [row for each in results for row in each.rows("ip", "port", "asset", "changed", "verified")]
    failed = [result.message for each in results for result in each.failed]
    report = play.table(done, columns=["server", "port", "firewall", "new", "verified"])
    if failed or not done:
        why = "\n".join([because, report, *failed])
        play.escalate(event, severity="high", because=f"The service could not be blocked.\n\n{why}", to="soc")
        return {"decision": "escalated", "blocked": done}
    play.close(event, reason="blocked", note=f"{because}\n\n{report}")
    play.run("notify", message=f"{event.name}: blocked at the firewall", details=f"{because}\n\n{report}", ticket=True)
    return {"decision": "blocked", "blocked": done}


def reason(weak: List[str], malicious: List[str]) -> str:
    """Why it cannot wait."""
    return f"it is known to be vulnerable ({', '.join(weak[:3])})" if weak else f"{', '.join(malicious[:3])} is malicious"


def summary(weak: List[str], thoughts: Dict[str, Any], risky: List[int]) -> str:
    """What somebody who decides should know at once."""
    facts = [f"{len(weak)} known vulnerabilities"] if weak else []
    facts += [f"malicious: {', '.join(thoughts['malicious'])}"] if thoughts["malicious"] else []
    facts += ["a port that is often attacked"] if risky else []
    return f"({'; '.join(facts)})" if facts else "(nothing bad is known)"
