"""Block addresses, domains and URLs wherever something here can, and say what was blocked and how it is taken back."""

from __future__ import annotations

from typing import Any, Dict, List

from repertory_sdk import Event, Play, param, playbook
from repertory_sdk.results import Results


@playbook(version="1.0.0")
def block_indicators(
    event: Event,
    play: Play,
    *,
    ips: List[str] = param("Addresses", default=[], contains="ip"),
    domains: List[str] = param("Domains", default=[], contains="domain"),
    urls: List[str] = param("URLs", default=[], contains="url"),
    reason: str = param("Why, for the record", default=""),
) -> Dict[str, Any]:
    done = {
        "ip": play.act("block ip", ip=ips, optional=True),
        "domain": play.act("block domain", domain=domains, optional=True),
        "url": play.act("block url", url=urls, optional=True),
    }
    blocked = [row for kind, results in done.items() for row in rows_of(kind, results)]
    failed = [f"{result.action} on {result.asset}: {result.message}" for results in done.values() for result in results.failed]
    if blocked or failed:
        play.note("Blocked" if blocked else "Nothing could be blocked", report(play, blocked, failed, reason))
    return {"blocked": blocked, "failed": failed, "changed": [row for row in blocked if row[3]]}


def rows_of(kind: str, results: Results) -> List[Any]:
    """Kind, indicator, where, whether that changed anything, whether it was read back."""
    return [(kind, *row) for row in results.rows(kind, "asset", "changed", "verified")]


def report(play: Play, blocked: List[Any], failed: List[str], reason: str) -> str:
    """All of it as Markdown."""
    table = play.table(blocked, columns=["what", "indicator", "where", "new", "verified"])
    lines = [f"Failed: {line}" for line in failed]
    return "\n\n".join(filter(None, [reason, table, *lines, "Taken back by `unblock ip`, `unblock domain`, `unblock url`."]))
