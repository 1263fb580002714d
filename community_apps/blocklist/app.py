"""Reputation of addresses and domains from block lists on disk or over HTTP."""

from __future__ import annotations

import functools
from typing import Callable, Literal, NamedTuple, Optional

from domains import normal_name
from feeds import Feed, open_feed, summary_of
from listing import Listing, Match
from networks import address_of

from repertory_sdk import ActionFailed, App, Asset, Output, Secret, output, param, setting

app = App(
    "blocklist",
    version="1.0.0",
    product="Block lists",
    vendor="Generic",
    summary=__doc__,
    hosts=["${asset.feeds}", "${asset.allow}"],
    files=["${asset.feeds}", "${asset.allow}"],
    concurrency=1,  # every worker would hold the lists again, and a lookup takes microseconds
)

Verdict = Literal["malicious", "suspicious", "benign", "unknown"]
Find = Callable[[Listing], Optional[Match]]
TIMEOUT_S = 180.0  # the first lookup reads every feed


@app.asset
class Lists(Asset):
    """Which lists to ask and what they mean."""

    feeds: list[str] = setting("Block lists: absolute paths or http(s) URLs")
    allow: list[str] = setting("Lists of known-good entries, which win over every feed: paths or URLs", default=[])
    verdict: Literal["malicious", "suspicious"] = setting("What it means to be in a feed", default="malicious")
    unlisted: Literal["unknown", "benign"] = setting("What it means to be in no feed", default="unknown")
    refresh_s: int = setting(
        "Seconds between reading feeds again; a changed file is read at once", default=3600, minimum=60
    )
    token: Optional[Secret] = setting("Bearer token, sent to every feed that is a URL", default=None)

    @functools.cached_property
    def blocked(self) -> list[Feed]:
        """The feeds, in the order of the setting."""
        if not self.feeds:
            raise ActionFailed("no feed is configured: set feeds to at least one path or URL")
        return [open_feed(source, self.token) for source in self.feeds]

    @functools.cached_property
    def allowed(self) -> list[Feed]:
        """The lists of known-good entries."""
        return [open_feed(source, self.token) for source in self.allow]


@app.result
class IpReputation:
    """What the lists say about one address."""

    ip: str = output("Address as asked", contains="ip")
    verdict: Verdict = output("malicious, suspicious, benign or unknown")
    feed: Optional[str] = output("List with the most specific entry", default=None)
    entry: Optional[str] = output("That entry: an address or network", default=None)
    note: Optional[str] = output("What the list says about the entry", default=None)


@app.result
class DomainReputation:
    """What the lists say about one domain."""

    domain: str = output("Domain as asked", contains="domain")
    verdict: Verdict = output("malicious, suspicious, benign or unknown")
    feed: Optional[str] = output("List with the most specific entry", default=None)
    entry: Optional[str] = output("That entry: the domain, a domain above it or a wildcard", default=None)
    note: Optional[str] = output("What the list says about the entry", default=None)


@app.test
def test_connectivity(lists: Lists) -> str:
    """Read every feed anew and say what is in it."""
    return "; ".join(summary_of(feed, feed.load()) for feed in lists.blocked + lists.allowed)


@app.action("ip reputation", type="investigate", timeout_s=TIMEOUT_S)
def ip_reputation(lists: Lists, ip: str = param("Address, IPv4 or IPv6", contains="ip")) -> Output[IpReputation]:
    """Look an address up in every feed; the most specific entry wins."""
    address = address_of(ip.strip())
    if address is None:
        raise ActionFailed(f"{ip!r} is not an IP address")
    said = judge(lists, lambda listing: listing.find_address(*address))
    row = IpReputation(ip=ip, verdict=said.verdict, feed=said.feed, entry=said.entry, note=said.note)
    return Output(row, said.stale)


@app.action("domain reputation", type="investigate", timeout_s=TIMEOUT_S)
def domain_reputation(lists: Lists, domain: str = param("Domain name", contains="domain")) -> Output[DomainReputation]:
    """Look a domain and the domains above it up in every feed; the most specific entry wins."""
    name = normal_name(domain.strip())
    if name is None:
        raise ActionFailed(f"{domain!r} is not a domain name")
    said = judge(lists, lambda listing: listing.find_domain(name))
    row = DomainReputation(domain=domain, verdict=said.verdict, feed=said.feed, entry=said.entry, note=said.note)
    return Output(row, said.stale)


class Judgement(NamedTuple):
    """A verdict and the entry it rests on. ``stale`` names feeds that could not be read again."""

    verdict: Verdict
    feed: Optional[str]
    entry: Optional[str]
    note: Optional[str]
    stale: str


def judge(lists: Lists, find: Find) -> Judgement:
    """Ask the lists of known-good entries, then the feeds."""
    everything = lists.allowed + lists.blocked
    groups: list[tuple[Verdict, list[Feed]]] = [("benign", lists.allowed), (lists.verdict, lists.blocked)]
    verdict: Verdict = lists.unlisted
    hit = None
    for meaning, feeds in groups:
        hit = most_specific(feeds, find, lists.refresh_s)
        if hit is not None:
            verdict = meaning
            break
    stale = "; ".join(f"older entries were used: {feed.problem}" for feed in everything if feed.problem)
    if hit is None:
        return Judgement(verdict, None, None, None, stale)
    feed, match = hit
    return Judgement(verdict, feed.name, match.entry, match.note or None, stale)


def most_specific(feeds: list[Feed], find: Find, refresh_s: float) -> Optional[tuple[Feed, Match]]:
    """The feed with the most specific entry, the first of equals."""
    best: Optional[tuple[Feed, Match]] = None
    for feed in feeds:
        match = find(feed.listing(refresh_s))
        if match is not None and (best is None or match.weight > best[1].weight):
            best = feed, match
    return best
