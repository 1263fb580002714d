"""What hosts show to the Internet, by Shodan; without a key what its free InternetDB says."""

from __future__ import annotations

import functools
from typing import Any, Dict, List, Optional, Sequence
from urllib.parse import quote

from repertory_sdk import ActionFailed, App, Output, Secret, indicators, output, param, setting
from repertory_sdk.http import Answer, Http, HttpAsset, shortened

app = App(
    "shodan",
    version="1.0.0",
    product="Shodan",
    vendor="Shodan",
    summary=__doc__,
    requires=["requests>=2.31"],
    hosts=["api.shodan.io:443", "internetdb.shodan.io:443", "${asset.url}", "${asset.internetdb_url}", "${asset.proxy}"],
    files=["${asset.ca_file}"],
    concurrency=1,  # it takes one request a second
)

PAGE = 100
SEARCH_S = 120.0


@app.asset
class Shodan(HttpAsset):
    """An account, or none."""

    key: Optional[Secret] = setting("API key of the account; without one only 'lookup host' works", default=None)
    url: str = setting("Where its API answers", default="https://api.shodan.io")
    internetdb_url: str = setting("Where InternetDB answers, which wants no key", default="https://internetdb.shodan.io")

    @functools.cached_property
    def api(self) -> Http:
        """Its interface."""
        if not self.key:
            raise ActionFailed("Shodan: without a key only 'lookup host' can be asked; set key to that of an account")
        return Http("Shodan", self, params={"key": self.key})

    @functools.cached_property
    def internetdb(self) -> Http:
        """The summary of each host that is free for all."""
        return Http("Shodan InternetDB", self, self.internetdb_url)

    def ask(self, path: str, **query: str) -> Dict[str, Any]:
        """The answer as an object; ActionFailed where it is an error, which may come with status 200."""
        return self.checked(self.api.get(path, params=query))

    def checked(self, answer: Answer) -> Dict[str, Any]:
        """What an answer says, unless it says that something went wrong."""
        found = answer.object()
        if found.get("error"):
            said = self.api.without_secrets(shortened(str(found["error"]))).rstrip(".")
            busy = "rate limit" in said.lower() or "timed out" in said.lower()
            cure = "try again in a few seconds" if busy else "check the query, and what the plan of the account includes"
            raise ActionFailed(f"Shodan: {answer.request} failed: {said}; {cure}", retry=busy)
        return found


@app.result
class Service:
    """One open port."""

    port: int = output("Port", contains="port")
    protocol: str = output("tcp or udp")
    product: Optional[str] = output("Software that answers there", default=None)
    version: Optional[str] = output("Its version", default=None)
    module: Optional[str] = output("Protocol that Shodan spoke with it", default=None)
    seen_at: Optional[str] = output("When it was seen last, ISO 8601", default=None)


@app.result
class Host:
    """What a host shows."""

    ip: str = output("Address as asked", contains="ip")
    found: bool = output("Whether Shodan knows it")
    hostnames: List[str] = output("Its names", default=[], contains="domain")
    domains: List[str] = output("Domains of these names", default=[], contains="domain")
    organization: Optional[str] = output("Whose address it is", default=None)
    asn: Optional[str] = output("Autonomous system, such as AS64496", default=None)
    country: Optional[str] = output("Country, two letters", default=None)
    city: Optional[str] = output("City", default=None)
    os: Optional[str] = output("Operating system, where it can be told", default=None)
    tags: List[str] = output("What Shodan calls it, such as cloud or self-signed", default=[])
    services: List[Service] = output("Its open ports", default=[])
    vulnerabilities: List[str] = output("CVEs that its versions suggest; nobody tried them", default=[])
    updated_at: Optional[str] = output("When it was looked at last, ISO 8601", default=None)
    source: str = output("Who answered: shodan, or internetdb which knows less", default="shodan")


@app.result
class Match:
    """One service that a search found."""

    ip: str = output("Address", contains="ip")
    port: int = output("Port", contains="port")
    protocol: str = output("tcp or udp")
    product: Optional[str] = output("Software that answers there", default=None)
    version: Optional[str] = output("Its version", default=None)
    hostnames: List[str] = output("Names of the host", default=[], contains="domain")
    organization: Optional[str] = output("Whose address it is", default=None)
    country: Optional[str] = output("Country, two letters", default=None)
    vulnerabilities: List[str] = output("CVEs that its version suggests", default=[])
    seen_at: Optional[str] = output("When it was seen, ISO 8601", default=None)


@app.result
class Bucket:
    """How many hosts share one value."""

    facet: str = output("What was counted by")
    value: str = output("Value")
    count: int = output("Number of services with it")


@app.result
class Count:
    """How many services a search would find."""

    query: str = output("Query as asked")
    total: int = output("Number of services")
    buckets: List[Bucket] = output("The most common values of each facet", default=[])


@app.result
class Record:
    """One record of a domain."""

    name: str = output("Whole name", contains="domain")
    type: str = output("Type of the record")
    value: str = output("What it says")
    seen_at: Optional[str] = output("When it was seen last, ISO 8601", default=None)


@app.result
class Domain:
    """What Shodan saw of a domain in the DNS."""

    domain: str = output("Domain as asked", contains="domain")
    found: bool = output("Whether Shodan knows it")
    addresses: List[str] = output("Addresses in its records", default=[], contains="ip")
    subdomains: List[str] = output("Whole names below it", default=[], contains="domain")
    records: List[Record] = output("Its records", default=[])
    tags: List[str] = output("What Shodan calls it", default=[])
    complete: bool = output("False where Shodan has more than the first page", default=True)


@app.result
class Names:
    """Names of an address."""

    ip: str = output("Address as asked", contains="ip")
    found: bool = output("Whether it has a name")
    hostnames: List[str] = output("Its names", default=[], contains="domain")


@app.result
class Resolved:
    """The address of one name."""

    domain: str = output("Name as asked", contains="domain")
    found: bool = output("Whether it has an address")
    address: Optional[str] = output("Its address", default=None, contains="ip")


@app.result
class Account:
    """What the account may still do."""

    plan: Optional[str] = output("Plan", default=None)
    query_credits: Optional[int] = output("Searches left this month", default=None)
    scan_credits: Optional[int] = output("Scans left this month", default=None)
    monthly_query_credits: Optional[int] = output("Searches a month", default=None)


@app.test
def connectivity(shodan: Shodan) -> str:
    """Asks what the account may do; without a key it asks InternetDB about an address."""
    if shodan.key:
        return f"the key is accepted, plan {shodan.ask('/api-info').get('plan') or 'unknown'}"
    shodan.internetdb.get("/1.1.1.1", accept=(404,)).object()
    return "InternetDB answers; without a key only 'lookup host' works"


@app.action("lookup host", type="investigate")
def lookup_host(shodan: Shodan, ip: str = param("Address, IPv4 or IPv6", contains="ip")) -> Host:
    """Services, names and likely vulnerabilities of a host. Private addresses are unknown without asking."""
    address = indicators.address(ip)
    if not indicators.is_public(address):
        return Host(ip=address, found=False)
    if not shodan.key:
        return _summary(shodan, address)
    answer = shodan.api.get(f"/shodan/host/{quote(address)}", params={"minify": "false"}, accept=(404,))
    return Host(ip=address, found=False) if answer.status == 404 else _host(address, shodan.checked(answer))


def _host(ip: str, data: Dict[str, Any]) -> Host:
    banners = _objects(data.get("data"))
    return Host(
        ip=ip,
        found=True,
        hostnames=_texts(data.get("hostnames")),
        domains=_texts(data.get("domains")),
        organization=_text(data.get("org") or data.get("isp")),
        asn=_text(data.get("asn")),
        country=_text(data.get("country_code")),
        city=_text(data.get("city")),
        os=_text(data.get("os")),
        tags=_texts(data.get("tags")),
        services=[_service(banner) for banner in banners],
        vulnerabilities=sorted({cve for part in (data, *banners) for cve in _texts(part.get("vulns"))}),
        updated_at=_text(data.get("last_update")),
    )


def _service(banner: Dict[str, Any]) -> Service:
    seen = banner.get("_shodan")
    return Service(
        port=_number(banner.get("port")) or 0,
        protocol=_text(banner.get("transport")) or "tcp",
        product=_text(banner.get("product")),
        version=_text(banner.get("version")),
        module=_text(seen.get("module")) if isinstance(seen, dict) else None,
        seen_at=_text(banner.get("timestamp")),
    )


def _summary(shodan: Shodan, ip: str) -> Host:
    answer = shodan.internetdb.get(f"/{quote(ip)}", accept=(404,))
    if answer.status == 404:
        return Host(ip=ip, found=False, source="internetdb")
    data = answer.object()
    ports = data.get("ports")
    numbers = [number for port in (ports if isinstance(ports, list) else ()) if (number := _number(port)) is not None]
    return Host(
        ip=ip,
        found=True,
        hostnames=_texts(data.get("hostnames")),
        tags=_texts(data.get("tags")),
        services=[Service(port=number, protocol="tcp") for number in numbers],
        vulnerabilities=sorted(_texts(data.get("vulns"))),
        source="internetdb",
    )


@app.action("search hosts", type="investigate", timeout_s=SEARCH_S)
def search_hosts(
    shodan: Shodan,
    query: str = param("Query in Shodan's language, such as net:198.51.100.0/24 port:3389"),
    limit: int = param("Most services; each hundred may cost one query credit", default=100, minimum=1, maximum=1000),
) -> Output[Match]:
    """Services that a query finds, of all hosts that Shodan knows."""
    found: List[Match] = []
    total, page = 0, 1
    while len(found) < limit:
        answer = shodan.ask("/shodan/host/search", query=_asked(query), page=str(page))
        rows = _objects(answer.get("matches"))
        total = _number(answer.get("total")) or 0
        found += [_match(row) for row in rows]
        if not rows or page * PAGE >= total:
            break
        page += 1
    return Output(found[:limit], summary={"total": total})


def _match(banner: Dict[str, Any]) -> Match:
    place = banner.get("location")
    service = _service(banner)
    return Match(
        ip=_text(banner.get("ip_str")) or "",
        port=service.port,
        protocol=service.protocol,
        product=service.product,
        version=service.version,
        hostnames=_texts(banner.get("hostnames")),
        organization=_text(banner.get("org")),
        country=_text(place.get("country_code")) if isinstance(place, dict) else None,
        vulnerabilities=sorted(_texts(banner.get("vulns"))),
        seen_at=service.seen_at,
    )


@app.action("count hosts", type="investigate", timeout_s=SEARCH_S)
def count_hosts(
    shodan: Shodan,
    query: str = param("Query in Shodan's language"),
    facets: List[str] = param("What to count by as well, such as port or country", default=[]),
) -> Count:
    """How many services a query would find, which costs nothing."""
    asked = {"facets": ",".join(facets)} if facets else {}
    answer = shodan.ask("/shodan/host/count", query=_asked(query), **asked)
    counted = answer.get("facets")
    buckets = [
        Bucket(facet=str(facet), value=str(row.get("value")), count=_number(row.get("count")) or 0)
        for facet, rows in (counted.items() if isinstance(counted, dict) else ())
        for row in _objects(rows)
    ]
    return Count(query=query, total=_number(answer.get("total")) or 0, buckets=buckets)


def _asked(query: str) -> str:
    if not query.strip():
        raise ActionFailed("Shodan: the query is empty; give one such as net:198.51.100.0/24")
    return query.strip()


@app.action("lookup domain", type="investigate")
def lookup_domain(shodan: Shodan, domain: str = param("Domain", contains="domain")) -> Domain:
    """Names below a domain and its records, as Shodan saw them in the DNS. It may cost one query credit."""
    name = indicators.domain(domain)
    answer = shodan.api.get(f"/dns/domain/{quote(name)}", accept=(404,))
    if answer.status == 404:
        return Domain(domain=name, found=False)
    data = shodan.checked(answer)
    rows = _objects(data.get("data"))
    records = [
        Record(
            name=_below(row.get("subdomain"), name),
            type=_text(row.get("type")) or "",
            value=_text(row.get("value")) or "",
            seen_at=_text(row.get("last_seen")),
        )
        for row in rows
    ]
    return Domain(
        domain=name,
        found=bool(records or data.get("subdomains")),
        addresses=list(dict.fromkeys(record.value for record in records if record.type in ("A", "AAAA"))),
        subdomains=[_below(part, name) for part in _texts(data.get("subdomains"))],
        records=records,
        tags=_texts(data.get("tags")),
        complete=not data.get("more"),
    )


def _below(part: Any, domain: str) -> str:
    return f"{part}.{domain}" if part else domain


@app.action("lookup ip", type="investigate")
def lookup_ip(shodan: Shodan, ip: str = param("Address", contains="ip")) -> Names:
    """Names of an address in the DNS, asked by Shodan and not from here."""
    address = indicators.address(ip)
    if not indicators.is_public(address):
        return Names(ip=address, found=False)
    names = _texts(shodan.ask("/dns/reverse", ips=address).get(address))
    return Names(ip=address, found=bool(names), hostnames=names)


@app.action("resolve domains", type="investigate")
def resolve_domains(
    shodan: Shodan, domains: List[str] = param("Names to resolve, at most 100", contains="domain")
) -> Output[Resolved]:
    """Addresses of names, asked by Shodan and not from here."""
    names = [indicators.domain(name) for name in domains]
    if not 0 < len(names) <= 100:
        raise ActionFailed(f"Shodan: {len(names)} names are to be resolved; give 1 to 100 of them")
    found = shodan.ask("/dns/resolve", hostnames=",".join(names))
    rows = [Resolved(domain=name, found=bool(found.get(name)), address=_text(found.get(name))) for name in names]
    return Output(rows, summary={"found": sum(row.found for row in rows)})


@app.action("get account", type="investigate")
def get_account(shodan: Shodan) -> Account:
    """Plan of the account, and what is left of it."""
    data = shodan.ask("/api-info")
    limits = data.get("usage_limits")
    return Account(
        plan=_text(data.get("plan")),
        query_credits=_number(data.get("query_credits")),
        scan_credits=_number(data.get("scan_credits")),
        monthly_query_credits=_number(limits.get("query_credits")) if isinstance(limits, dict) else None,
    )


def _text(value: Any) -> Optional[str]:
    return str(value) if value not in (None, "") and not isinstance(value, (dict, list)) else None


def _texts(value: Any) -> List[str]:
    """Texts of a list, or the keys of an object: CVEs come as both."""
    return [str(item) for item in value if item] if isinstance(value, (list, dict)) else []


def _number(value: Any) -> Optional[int]:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _objects(value: Any) -> Sequence[Dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
