"""A domain is used for phishing: how risky is it, which others belong to it, and which of them are blocked."""

from __future__ import annotations

from typing import Any, Dict, List

from repertory_sdk import Event, Play, param, playbook

STRONG = ("registrant email", "ssl hash")
"""What only the same people share; a name server or an address may serve thousands of strangers."""
SHARED_HOSTS = ("github.io", "pages.dev", "web.app", "blogspot.com", "azurewebsites.net", "herokuapp.com", "weebly.com")


@playbook(version="1.0.0", labels=["phishing"])
def pivot_phishing_domain(
    event: Event,
    play: Play,
    *,
    block_from: int = param("Score from which the domain is blocked", default=80, minimum=1, maximum=100),
    related_from: int = param("Score from which a related one is blocked without asking", default=90, minimum=1, maximum=100),
    at_most: int = param("Domains to look at", default=20, minimum=1, maximum=200),
) -> Dict[str, Any]:
    domains = [name for name in event.values_of("domain") if not name.endswith(SHARED_HOSTS)]
    if not domains:
        play.note("Nothing to do", "The event has no domain, or only those that strangers share.")
        return {"decision": "nothing", "blocked": [], "proposed": []}

    risks = play.act("domain risk", domain=domains)
    owners = play.act("whois domain", domain=domains, optional=True)
    scores = {name: score for name, score in risks.rows("domain", "score") if score is not None}
    dangerous = [name for name in domains if scores.get(name, 0) >= block_from]
    doubtful = [name for name in domains if name not in dangerous and scores.get(name, 50) >= 50]
    play.note("Risk", play.table(risks, owners))

    if not dangerous and doubtful:
        answer = play.ask(
            f"Block {', '.join(doubtful)}? The risk is {', '.join(str(scores.get(name, 'unknown')) for name in doubtful)}.",
            options=["block", "leave"],
            to="soc",
            within="4h",
            default="leave",
        )
        dangerous = doubtful if answer == "block" else []
    if not dangerous:
        play.close(event, reason="not risky enough", note=f"Scores: {scores or 'none is known'}.")
        return {"decision": "left", "blocked": [], "proposed": []}

    certain, proposed = related(play, dangerous, related_from, at_most)
    agreed = propose(play, proposed)
    done = play.run(
        "block_indicators",
        domains=[*dangerous, *certain, *agreed],
        reason=f"Used for phishing, or belongs to {', '.join(dangerous)}.",
    )
    keep(play, [*certain, *proposed], [*certain, *agreed])
    play.run("notify", message=f"{event.name}: {len(done['blocked'])} blocks", details=play.table(done["blocked"]))
    if done["failed"] or not done["blocked"]:
        play.escalate(event, severity="high", because="\n".join(done["failed"]) or "Nothing here can block domains.", to="soc")
        return {"decision": "escalated", "blocked": done["blocked"], "proposed": proposed}
    play.close(event, reason="blocked")
    return {"decision": "blocked", "blocked": done["blocked"], "proposed": proposed}


def related(play: Play, domains: List[str], certain_from: int, at_most: int) -> Any:
    """Domains that belong to these: those that can be blocked at once, and those that somebody has to look at."""
    found = play.act("related domains", domain=domains, optional=True).rows("domain", "shared", "count", "score")
    rarest = sorted((row for row in found if row[0] not in domains), key=lambda row: (row[2] or 1_000_000, row[0]))
    names = list(dict.fromkeys(row[0] for row in rarest))[:at_most]
    play.note("Related domains", play.table(rarest, columns=["domain", "shared", "how many share it", "score"]))
    ours = {name: [row for row in rarest if row[0] == name] for name in names}
    certain = [
        name
        for name, rows in ours.items()
        if any(shared in STRONG for _, shared, _, _ in rows) and max(row[3] or 0 for row in rows) >= certain_from
    ]
    worth = [name for name, rows in ours.items() if name not in certain and max(row[3] or 0 for row in rows) >= 50]
    return certain, worth


def propose(play: Play, names: List[str]) -> List[str]:
    """Ask once about all that are not certain."""
    if not names:
        return []
    answer = play.ask(
        f"Block these too? {', '.join(names)}", options=["block", "leave"], to="soc", within="4h", default="leave"
    )
    return names if answer == "block" else []


def keep(play: Play, names: List[str], blocked: List[str]) -> None:
    """Leave everything on the event, for whoever comes next."""
    for name in names:
        tags = ["blocked"] if name in blocked else ["seen"]
        found = {"destinationDnsDomain": name}
        play.add_artifact(name=f"related domain {name}", cef=found, contains={"destinationDnsDomain": ["domain"]}, tags=tags)
