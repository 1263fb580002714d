"""Ask every configured provider what it thinks of addresses, domains, URLs and files."""

from __future__ import annotations

from typing import Any, Dict, List

from repertory_sdk import Event, Play, Result, param, playbook

Verdicts = List[Any]


@playbook(version="1.0.0")
def enrich_indicators(
    event: Event,
    play: Play,
    *,
    ips: List[str] = param("Addresses", default=[], contains="ip"),
    domains: List[str] = param("Domains", default=[], contains="domain"),
    urls: List[str] = param("URLs", default=[], contains="url"),
    hashes: List[str] = param("Digests of files", default=[], contains="hash"),
) -> Dict[str, Any]:
    asked = {
        "ip": play.act("ip reputation", ip=ips, optional=True),
        "domain": play.act("domain reputation", domain=domains, optional=True),
        "url": play.act("url reputation", url=urls, optional=True),
        "hash": play.act("file reputation", hash=hashes, optional=True),
    }
    verdicts = [row for kind, results in asked.items() for row in results.rows(kind, "asset", "verdict")]
    failed = [failure(result) for results in asked.values() for result in results.failed]
    return {
        "verdicts": verdicts,
        "malicious": indicators_called("malicious", verdicts),
        "suspicious": indicators_called("suspicious", verdicts),
        "benign": [one for one in indicators_called("benign", verdicts) if agreed(one, verdicts)],
        "failed": failed,
        "report": report(play, verdicts, failed),
    }


def indicators_called(word: str, verdicts: Verdicts) -> List[str]:
    """What at least one provider calls so, each once."""
    return list(dict.fromkeys(indicator for indicator, _, verdict in verdicts if verdict == word))


def agreed(indicator: str, verdicts: Verdicts) -> bool:
    """Whether nobody who knows it says anything but benign."""
    return all(verdict in ("benign", "unknown") for other, _, verdict in verdicts if other == indicator)


def failure(result: Result) -> str:
    """One line on a provider that could not be asked."""
    return f"{result.asset or result.action}: {result.message}"


def report(play: Play, verdicts: Verdicts, failed: List[str]) -> str:
    """All of it as Markdown, for notes."""
    table = play.table(verdicts, columns=["indicator", "provider", "verdict"]) or "No provider knows any of it."
    return "\n\n".join([table, *(f"Not asked: {line}" for line in failed)])
