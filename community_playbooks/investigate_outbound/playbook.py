"""A machine of ours talks to somebody strange: which program, to whom; and a ticket with all of it."""

from __future__ import annotations

import datetime
import json
from typing import Any, Dict, List

from repertory_sdk import Event, Play, param, playbook
from repertory_sdk.results import Results


@playbook(version="1.0.0", labels=["outbound"])
def investigate_outbound(
    event: Event,
    play: Play,
    *,
    young_days: int = param("Age below which a domain is suspicious by itself, in days", default=30, minimum=0),
) -> Dict[str, Any]:
    hosts = event.values("sourceHostName") or event.values("sourceAddress")
    addresses, domains = event.values("destinationAddress"), event.values("destinationDnsDomain")

    systems = play.act("get system info", host=hosts, optional=True)
    connections = play.act("list connections", host=hosts, optional=True)
    owners = play.act("whois domain", domain=domains, optional=True)
    networks = play.act("whois ip", ip=addresses, optional=True)
    services = play.act("lookup host", ip=addresses, optional=True)
    thoughts = play.run("enrich_indicators", ips=addresses, domains=domains)

    talking = talkers(connections, addresses)
    young = [name for name, created in owners.rows("domain", "created") if younger(play, created, young_days)]
    urgency = urgency_of(thoughts, young)
    report = "\n\n".join(
        filter(
            None,
            [
                play.table(systems),
                play.table(talking, columns=["host", "process", "pid", "local port", "remote", "port"]) or nobody(connections),
                play.table(owners, networks, services),
                f"Younger than {young_days} days: {', '.join(young)}." if young else "",
                thoughts["report"],
            ],
        )
    )
    play.note("Who talks to whom", report)
    ticket = open_ticket(event, play, report, urgency, hosts, [*domains, *addresses])
    if urgency == 1:
        play.escalate(event, severity="high", because=f"Ticket {ticket or 'could not be opened'}.\n\n{report}", to="soc")
    elif ticket:
        play.update(event, status="open", tags=[*event.tags, f"ticket:{ticket}"])
    return {"ticket": ticket, "urgency": urgency, "talking": talking, "malicious": thoughts["malicious"]}


def talkers(connections: Results, addresses: List[str]) -> List[Any]:
    """The processes that have a connection to one of these addresses."""
    columns = ("host", "process", "pid", "local_port", "remote_ip", "remote_port")
    return [row for row in connections.rows(*columns) if row[4] in addresses]


def nobody(connections: Results) -> str:
    """What it means that no process was found."""
    if not connections or connections.failed:
        return "The machine could not be asked what talks there: " + "; ".join(result.message for result in connections.failed)
    return "The connection is gone: no process of the machine has it any more."


def younger(play: Play, created: Any, days: int) -> bool:
    """Whether a domain was registered within the last days; dates begin with YYYY-MM-DD."""
    return bool(created) and days_between(str(created)[:10], play.now().date()) < days


def days_between(first: str, last: datetime.date) -> int:
    """Days from an ISO date to another one; many where it is no date."""
    try:
        return (last - datetime.date.fromisoformat(first)).days
    except ValueError:
        return 1_000_000


def urgency_of(thoughts: Dict[str, Any], young: List[str]) -> int:
    """1: somebody has to look now; 2: today; 3: whenever there is time."""
    if thoughts["malicious"]:
        return 1
    return 2 if young or thoughts["suspicious"] or thoughts["failed"] or not thoughts["benign"] else 3


def open_ticket(event: Event, play: Play, report: str, urgency: int, hosts: List[str], targets: List[str]) -> str:
    """A ticket with everything in it, linked both ways; empty where there is none."""
    summary = f"{', '.join(hosts)} talks to {', '.join(targets)}"
    created = play.act("create ticket", summary=summary, description=f"Event {event.id}: {event.name}\n\n{report}")
    tickets = created.values("ticket")
    evidence = json.dumps([artifact.cef for artifact in event.artifacts], indent=2, default=str)
    if tickets:
        play.act("update ticket", ticket=tickets, fields={"urgency": str(urgency)}, optional=True)
        play.act("attach file", ticket=tickets, name=f"event-{event.id}.json", content=evidence, optional=True)
    links = created.rows("ticket", "url", "asset")
    play.note("Ticket", play.table(links, columns=["ticket", "where", "product"]) or play.table(created.failed))
    return tickets[0] if tickets else ""
