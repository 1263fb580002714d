"""How risky a domain is, who registered it, and which other domains belong to the same people, by DomainTools."""

from __future__ import annotations

import functools
from typing import Any, Dict, List, Literal, Optional
from urllib.parse import quote

from domaintools_client import Client, Credentials, inner, number, objects, text, texts
from pivots import SEARCHES, Pivot, pivots_of
from registrations import day, domain_fields, moves_of, network_fields, version_fields

from repertory_sdk import ActionFailed, App, Output, Secret, indicators, output, param, setting
from repertory_sdk.http import HttpAsset

app = App(
    "domaintools",
    version="1.0.0",
    product="DomainTools",
    vendor="DomainTools",
    summary=__doc__,
    requires=["requests>=2.31"],
    hosts=["api.domaintools.com:443", "${asset.url}", "${asset.proxy}"],
    files=["${asset.ca_file}"],
)

Verdict = Literal["malicious", "suspicious", "benign", "unknown"]
IRIS_S = 180.0


@app.asset
class DomainTools(HttpAsset):
    """An account."""

    username: str = setting("API user name of the account")
    key: Secret = setting("API key of the account")
    signed: bool = setting("Whether requests are signed by the key, or have it in them", default=True)
    digest: str = setting("Hash of signatures", default="sha256", choices=["sha256", "sha1", "md5"])
    url: str = setting("Where its API answers", default="https://api.domaintools.com")
    malicious_from: int = setting("Risk from which a domain is malicious", default=80, minimum=1, maximum=100)
    suspicious_from: int = setting("Risk from which a domain is suspicious", default=50, minimum=1, maximum=100)
    benign_to: int = setting("Risk up to which a domain is benign", default=20, minimum=0, maximum=100)

    @functools.cached_property
    def api(self) -> Client:
        """Its interface."""
        return Client(self, Credentials(self.username, self.key, self.digest if self.signed else None))

    def verdict(self, score: Optional[int], reasons: List[str]) -> Verdict:
        """What a risk means; what is in between is unknown."""
        if score is None:
            return "unknown"
        if score >= self.malicious_from:
            return "malicious"
        if score >= self.suspicious_from:
            return "suspicious"
        return "benign" if score <= self.benign_to or "zerolist" in reasons else "unknown"


@app.result
class Component:
    """One part of a risk."""

    name: str = output("What was looked at")
    score: Optional[int] = output("Risk of this part, from 0 to 100", default=None)
    threats: List[str] = output("What it is like, such as phishing", default=[])
    evidence: List[str] = output("What speaks for it", default=[])


@app.result
class Risk:
    """How risky a domain is."""

    domain: str = output("Domain as asked", contains="domain")
    found: bool = output("Whether DomainTools has a score")
    score: Optional[int] = output("Risk, from 0 to 100", default=None)
    reasons: List[str] = output("Parts that the risk comes from, the worst first", default=[])
    components: List[Component] = output("The same with what is known of each", default=[])


@app.result
class Reputation:
    """What follows from a risk."""

    domain: str = output("Domain as asked", contains="domain")
    verdict: Verdict = output("malicious, suspicious, benign or unknown")
    score: Optional[int] = output("Risk, from 0 to 100", default=None)
    reasons: List[str] = output("Parts that the risk comes from, the worst first", default=[])


@app.result
class DomainOwner:
    """Who a domain is registered to."""

    domain: str = output("Domain as asked", contains="domain")
    found: bool = output("Whether there is a record")
    registrar: Optional[str] = output("Registrar", default=None)
    registrant: Optional[str] = output("Who holds it, where that is public", default=None)
    registrant_email: Optional[str] = output("Mail address of the holder", default=None, contains="email")
    created: Optional[str] = output("Day of registration", default=None)
    expires: Optional[str] = output("Day it runs out", default=None)
    updated: Optional[str] = output("Day of the last change", default=None)
    abuse_email: Optional[str] = output("Where to report abuse", default=None, contains="email")
    name_servers: List[str] = output("Its name servers", default=[], contains="domain")
    status: List[str] = output("Its states", default=[])
    country: Optional[str] = output("Country of the holder, two letters", default=None)
    recorded: Optional[str] = output("Day of the record", default=None)
    raw: str = output("The record as text", default="")


@app.result
class NetworkOwner:
    """Who a network is registered to."""

    ip: str = output("Address as asked", contains="ip")
    found: bool = output("Whether there is a record")
    organization: Optional[str] = output("Who holds it", default=None)
    country: Optional[str] = output("Country, two letters", default=None)
    abuse_email: Optional[str] = output("Where to report abuse", default=None, contains="email")
    network_name: Optional[str] = output("Name of the network", default=None)
    range: Optional[str] = output("First and last address of the network", default=None)
    recorded: Optional[str] = output("Day of the record", default=None)
    raw: str = output("The record as text", default="")


@app.result
class Version:
    """One record of the past."""

    domain: str = output("Domain as asked", contains="domain")
    recorded: str = output("Day of the record")
    registrant: Optional[str] = output("Who held it", default=None)
    registrar: Optional[str] = output("Registrar", default=None)
    created: Optional[str] = output("Day of registration", default=None)
    expires: Optional[str] = output("Day it was to run out", default=None)
    name_servers: List[str] = output("Its name servers", default=[], contains="domain")
    private: bool = output("Whether the holder was hidden", default=False)


@app.result
class Related:
    """One domain that shares something."""

    domain: str = output("Domain that shares it", contains="domain")
    shared: str = output("registrant email, name server, ip or ssl hash")
    value: str = output("What is shared")
    count: int = output("How many domains share it: few are more telling")
    score: Optional[int] = output("Risk of the domain that shares it, from 0 to 100", default=None)
    created: Optional[str] = output("Day of its registration", default=None)


@app.result
class Registrations:
    """Domains whose records have certain words."""

    domains: List[str] = output("Domains; none where only the price was asked", default=[], contains="domain")
    current: int = output("How many domains have them now", default=0)
    historic: int = output("How many have them or had them", default=0)
    price: Optional[float] = output("What the list costs in US dollars", default=None)


@app.result
class Hosted:
    """Domains at one address."""

    ip: str = output("Address", contains="ip")
    found: bool = output("Whether any domain is known there")
    count: int = output("Number of domains", default=0)
    domains: List[str] = output("Domains, some of them where there are many", default=[], contains="domain")


@app.result
class Move:
    """One change of where a domain is."""

    domain: str = output("Domain as asked", contains="domain")
    kind: str = output("ip, name server or registrar")
    happened_at: Optional[str] = output("Day", default=None)
    action: Optional[str] = output("What happened, in words", default=None)
    before: Optional[str] = output("What it was", default=None)
    after: Optional[str] = output("What it became", default=None)


@app.result
class Quota:
    """What the account may do with one product."""

    product: str = output("Product of DomainTools")
    per_month: Optional[int] = output("Requests a month", default=None)
    per_minute: Optional[int] = output("Requests a minute", default=None)
    used_this_month: Optional[int] = output("Requests made this month", default=None)


@app.test
def connectivity(account: DomainTools) -> str:
    """Asks for the account."""
    products = objects((account.api.get("/v1/account") or {}).get("products"))
    return f"the key is accepted, {len(products)} products"


@app.action("domain risk", type="investigate")
def domain_risk(account: DomainTools, domain: str = param("Domain", contains="domain")) -> Risk:
    """How risky a domain is, and why."""
    name = indicators.domain(domain)
    data = account.api.get("/v1/risk", domain=name)
    score = number((data or {}).get("risk_score"))
    if data is None or score is None:
        return Risk(domain=name, found=False)
    components = [
        Component(
            name=text(row.get("name")) or "",
            score=number(row.get("risk_score")),
            threats=texts(row.get("threats") or []),
            evidence=texts(row.get("evidence") or []),
        )
        for row in objects(data.get("components"))
    ]
    components.sort(key=lambda component: -(component.score or 0))
    reasons = [": ".join(filter(None, [component.name, ", ".join(component.threats)])) for component in components]
    return Risk(domain=name, found=True, score=score, reasons=reasons, components=components)


@app.action("domain reputation", type="investigate")
def domain_reputation(account: DomainTools, domain: str = param("Domain", contains="domain")) -> Reputation:
    """What follows from the risk of a domain."""
    risk = domain_risk(account, domain)
    verdict = account.verdict(risk.score, risk.reasons)
    return Reputation(domain=risk.domain, verdict=verdict, score=risk.score, reasons=risk.reasons)


@app.action("whois domain", type="investigate")
def whois_domain(account: DomainTools, domain: str = param("Domain", contains="domain")) -> DomainOwner:
    """Who a domain is registered to, by the newest record that DomainTools has."""
    name = indicators.domain(domain)
    data = account.api.get(f"/v1/{quote(name)}/whois/parsed")
    if data is None:
        return DomainOwner(domain=name, found=False)
    return DomainOwner(domain=name, found=True, **domain_fields(data))


@app.action("whois ip", type="investigate")
def whois_ip(account: DomainTools, ip: str = param("Address", contains="ip")) -> NetworkOwner:
    """Who the network around an address is registered to. Private addresses are unknown without asking."""
    address = indicators.address(ip)
    data = account.api.get(f"/v1/{quote(address)}/whois/parsed") if indicators.is_public(address) else None
    if data is None:
        return NetworkOwner(ip=address, found=False)
    return NetworkOwner(ip=address, found=True, **network_fields(data))


@app.action("whois history", type="investigate")
def whois_history(
    account: DomainTools,
    domain: str = param("Domain", contains="domain"),
    limit: int = param("Most records", default=100, minimum=1, maximum=1000),
) -> Output[Version]:
    """Who a domain was registered to, the newest record first."""
    name = indicators.domain(domain)
    rows = objects((account.api.get(f"/v1/{quote(name)}/whois/history") or {}).get("history"))
    found = [Version(domain=name, **version_fields(row)) for row in rows]
    found.sort(key=lambda version: version.recorded, reverse=True)
    return Output(found[:limit], summary={"records": len(found)})


@app.action("related domains", type="investigate", timeout_s=IRIS_S)
def related_domains(
    account: DomainTools,
    domain: str = param("Domain", contains="domain"),
    by: List[str] = param("What may be shared", default=list(SEARCHES), choices=list(SEARCHES)),
    max_count: int = param("What more domains share is no trace, and is left out", default=250, minimum=2, maximum=5000),
    limit: int = param("Most rows", default=500, minimum=1, maximum=10_000),
) -> Output[Related]:
    """Domains that share the registrant's mail address, a name server, an address or a certificate with one."""
    name = indicators.domain(domain)
    described = account.api.investigate(1, domain=name)
    if not described:
        return Output([], f"DomainTools knows no {name}")
    pivots = pivots_of(described[0], by)
    useful = [pivot for pivot in pivots if 1 < pivot.count <= max_count]
    rows: List[Related] = []
    for pivot in useful:
        if len(rows) < limit:
            found = account.api.investigate(min(limit, max_count), **pivot.search)
            rows += [_related(one, pivot) for one in found if one.get("domain") not in (name, None)]
    left_out = [f"{pivot.value} is shared by {pivot.count:,} domains" for pivot in pivots if pivot.count > max_count]
    said = f"left out: {'; '.join(left_out[:10])}" if left_out else ""
    return Output(rows[:limit], said, summary={"pivots": len(useful), "left_out": len(left_out)})


def _related(result: Dict[str, Any], pivot: Pivot) -> Related:
    score, created = number(inner(result, "domain_risk", "risk_score")), inner(result, "create_date", "value")
    return Related(domain=str(result["domain"]), score=score, created=day(created), **pivot._asdict())


@app.action("reverse whois", type="investigate", timeout_s=IRIS_S)
def reverse_whois(
    account: DomainTools,
    terms: List[str] = param("Words that a record has to have, such as a mail address; at most four"),
    scope: str = param("Records of today, or of the past as well", default="current", choices=["current", "historic"]),
    mode: str = param("quote counts only, purchase costs and brings the domains", default="quote", choices=["quote", "purchase"]),
) -> Registrations:
    """Domains whose registration has certain words. Unless told otherwise it only says how many, and what the list costs."""
    words = [word.strip() for word in terms if word.strip()]
    if not 0 < len(words) <= 4 or any("|" in word for word in words):
        raise ActionFailed("DomainTools: one to four terms can be searched for, without |; give such as jd@example.org")
    data = account.api.get("/v1/reverse-whois", terms="|".join(words), scope=scope, mode=mode) or {}
    price = inner(data, "report_price", scope)
    return Registrations(
        domains=texts(data.get("domains") or []),
        current=number(inner(data, "domain_count", "current")) or 0,
        historic=number(inner(data, "domain_count", "historic")) or 0,
        price=float(price) if isinstance(price, (int, float)) else None,
    )


@app.action("reverse ip", type="investigate")
def reverse_ip(account: DomainTools, ip: str = param("Address", contains="ip")) -> Hosted:
    """Domains that are at an address."""
    address = indicators.address(ip)
    data = account.api.get(f"/v1/{quote(address)}/host-domains") if indicators.is_public(address) else None
    rows = objects((data or {}).get("ip_addresses"))
    if not rows:
        return Hosted(ip=address, found=False)
    names = [name.lower() for row in rows for name in texts(row.get("domain_names") or [])]
    count = sum(number(row.get("domain_count")) or 0 for row in rows)
    return Hosted(ip=address, found=True, count=count or len(names), domains=names)


@app.action("hosting history", type="investigate")
def hosting_history(
    account: DomainTools,
    domain: str = param("Domain", contains="domain"),
    limit: int = param("Most changes", default=200, minimum=1, maximum=5000),
) -> Output[Move]:
    """Changes of a domain's address, name servers and registrar, the newest first."""
    name = indicators.domain(domain)
    found = moves_of(account.api.get(f"/v1/{quote(name)}/hosting-history") or {})
    return Output([Move(domain=name, **fields) for fields in found[:limit]], summary={"changes": len(found)})


@app.action("get account", type="investigate")
def get_account(account: DomainTools) -> Output[Quota]:
    """Products that the account may use, and how often."""
    products = objects((account.api.get("/v1/account") or {}).get("products"))
    return Output(
        [
            Quota(
                product=text(row.get("id")) or "",
                per_month=number(row.get("per_month_limit")),
                per_minute=number(row.get("per_minute_limit")),
                used_this_month=number(inner(row, "usage", "month")),
            )
            for row in products
        ]
    )
