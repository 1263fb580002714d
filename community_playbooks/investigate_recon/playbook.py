"""Investigate a host seen scanning: dismiss what is known to be harmless, escalate what is not, ask about the rest."""

from __future__ import annotations

from typing import Any

from repertory_sdk import Event, Play, playbook


@playbook(version="1.0.0", labels=["reconnaissance"])
def investigate_recon(event: Event, play: Play) -> dict[str, Any]:
    sources = event.values("sourceAddress")
    domains = event.values_of("domain")

    addresses = play.act("ip reputation", ip=sources)  # every configured provider, every address, in parallel
    names = play.act("domain reputation", domain=domains)
    owners = play.act("whois ip", ip=sources, optional=True)
    hosts = play.act("lookup ip", ip=sources, optional=True)

    answers = addresses + names
    verdicts = addresses.rows("ip", "asset", "verdict") + names.rows("domain", "asset", "verdict")
    findings = play.table(verdicts, columns=["indicator", "provider", "verdict"])
    context = play.table(answers.failed, owners, hosts)
    report = f"{findings}\n\n{context}".strip()

    if any(verdict == "malicious" for _, _, verdict in verdicts):
        decision = "escalated"
        play.escalate(event, severity="high", because=report, to="soc")
    elif verdicts and not answers.failed and all(verdict == "benign" for _, _, verdict in verdicts):
        decision = "dismissed"
        play.close(event, reason="false positive", note=report)
    else:
        decision = decide_with_a_human(event, play, report)
    return {"decision": decision, "verdicts": verdicts}


def decide_with_a_human(event: Event, play: Play, report: str) -> str:
    """Providers disagree, do not know, or failed: show what there is and ask."""
    play.note("Findings that need a decision", report)
    answer = play.ask(
        f"Escalate {event.name!r} from {', '.join(map(str, event.values('sourceAddress'))) or 'an unknown source'}?",
        options=["escalate", "dismiss"],
        to="soc",
        within="4h",
        default="escalate",
    )
    if answer == "dismiss":
        play.close(event, reason="false positive", note=f"Dismissed by {answer.by}.")
        return "dismissed"
    play.escalate(event, severity="high", because=f"Decided by {answer.by}.\n\n{report}", to="soc")
    return "escalated"
