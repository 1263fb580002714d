"""What many engines say of addresses, domains, URLs and files, by VirusTotal."""

from __future__ import annotations

import base64
import functools
from typing import Any, Dict, List, Literal, Mapping, Optional
from urllib.parse import quote

from virustotal_client import PRODUCT, Client, inner, moment, number, text, texts

from repertory_sdk import ActionFailed, App, Output, Secret, indicators, output, param, setting
from repertory_sdk.http import HttpAsset

app = App(
    "virustotal",
    version="1.0.0",
    product=PRODUCT,
    vendor="Google",
    summary=__doc__,
    requires=["requests>=2.31"],
    hosts=["www.virustotal.com:443", "${asset.url}", "${asset.proxy}"],
    files=["${asset.ca_file}"],
)

Verdict = Literal["malicious", "suspicious", "benign", "unknown"]
RELATIONS = ("communicating_files", "downloaded_files", "referrer_files")
PAGE = 40
PATIENT_S = 120.0


@app.asset
class VirusTotal(HttpAsset):
    """An account."""

    key: Secret = setting("API key of the account")
    url: str = setting("Where its API answers", default="https://www.virustotal.com/api/v3")
    malicious_from: int = setting(
        "Number of engines that make it malicious; fewer make it suspicious", default=3, minimum=1, maximum=100
    )
    benign_from: int = setting(
        "Number of engines that have to have looked, and found nothing, to make it benign", default=10, minimum=1, maximum=100
    )

    @functools.cached_property
    def api(self) -> Client:
        """Its interface."""
        return Client(self, self.key)

    def verdict(self, stats: Mapping[str, int]) -> Verdict:
        """What the engines' votes mean."""
        bad, odd = stats.get("malicious", 0), stats.get("suspicious", 0)
        if bad >= self.malicious_from:
            return "malicious"
        if bad or odd >= 2:
            return "suspicious"
        looked = stats.get("harmless", 0) + stats.get("undetected", 0)
        return "benign" if not odd and looked >= self.benign_from else "unknown"


@app.result
class Opinion:
    """What engines say of anything."""

    verdict: Verdict = output("malicious, suspicious, benign or unknown")
    malicious: int = output("Engines that call it malicious")
    suspicious: int = output("Engines that call it suspicious")
    engines: int = output("Engines that looked")
    detections: List[str] = output("Engines with what they found")
    reputation: Optional[int] = output("Votes of the community; below zero is bad")
    tags: List[str] = output("What VirusTotal calls it")
    analysed_at: Optional[str] = output("When engines looked last, ISO 8601")


@app.result
class AddressReputation(Opinion):
    """What engines say of an address."""

    ip: str = output("Address as asked", contains="ip")
    asn: Optional[int] = output("Number of its autonomous system", default=None)
    organization: Optional[str] = output("Owner of the autonomous system", default=None)
    country: Optional[str] = output("Country, two letters", default=None)
    network: Optional[str] = output("Network around it", default=None)


@app.result
class DomainReputation(Opinion):
    """What engines say of a domain."""

    domain: str = output("Domain as asked", contains="domain")
    categories: List[str] = output("What providers call its content", default=[])
    registrar: Optional[str] = output("Registrar", default=None)
    created_at: Optional[str] = output("When it was registered, ISO 8601", default=None)


@app.result
class UrlReputation(Opinion):
    """What engines say of a URL."""

    url: str = output("URL as asked", contains="url")
    final_url: Optional[str] = output("Where it leads", default=None, contains="url")
    title: Optional[str] = output("Title of the page", default=None)
    threats: List[str] = output("Names of what it is part of", default=[])


@app.result
class FileReputation(Opinion):
    """What engines say of a file."""

    hash: str = output("Digest as asked", contains="hash")
    md5: Optional[str] = output("MD5", default=None, contains="hash")
    sha1: Optional[str] = output("SHA-1", default=None, contains="hash")
    sha256: Optional[str] = output("SHA-256", default=None, contains="hash")
    name: Optional[str] = output("The name that tells most", default=None)
    kind: Optional[str] = output("Type of the file", default=None)
    size: Optional[int] = output("Size, in bytes", default=None)
    threat: Optional[str] = output("What it is commonly called", default=None)
    first_seen_at: Optional[str] = output("When it was first sent in, ISO 8601", default=None)


@app.result
class Analysis:
    """One analysis that was asked for."""

    analysis: str = output("Its identity")
    url: Optional[str] = output("URL that is analysed", default=None, contains="url")
    hash: Optional[str] = output("SHA-256 of the file that is analysed", default=None, contains="hash")
    status: str = output("queued, in-progress or completed")
    verdict: Verdict = output("malicious, suspicious, benign or unknown; unknown until it is completed", default="unknown")
    malicious: int = output("Engines that call it malicious", default=0)
    suspicious: int = output("Engines that call it suspicious", default=0)
    engines: int = output("Engines that looked", default=0)


@app.result
class Names:
    """Names that led to an address."""

    ip: str = output("Address as asked", contains="ip")
    found: bool = output("Whether any name is known")
    hostnames: List[str] = output("Names, the newest first", default=[], contains="domain")
    last_seen_at: Optional[str] = output("When the newest was seen, ISO 8601", default=None)


@app.result
class Addresses:
    """Addresses that a domain led to."""

    domain: str = output("Domain as asked", contains="domain")
    found: bool = output("Whether any address is known")
    addresses: List[str] = output("Addresses, the newest first", default=[], contains="ip")
    last_seen_at: Optional[str] = output("When the newest was seen, ISO 8601", default=None)


@app.result
class RelatedFile:
    """A file that has to do with an address or a domain."""

    hash: str = output("SHA-256", contains="hash")
    verdict: Verdict = output("malicious, suspicious, benign or unknown")
    malicious: int = output("Engines that call it malicious", default=0)
    name: Optional[str] = output("The name that tells most", default=None)
    kind: Optional[str] = output("Type of the file", default=None)


@app.result
class Quota:
    """How often the account may ask."""

    period: str = output("hourly, daily or monthly")
    used: int = output("Requests made")
    allowed: int = output("Requests allowed")


@app.test
def connectivity(account: VirusTotal) -> str:
    """Asks for the quotas of the account."""
    daily = [quota for quota in _quotas(account) if quota.period == "daily"]
    return "the key is accepted" + "".join(f", {quota.used} of {quota.allowed} requests of today are used" for quota in daily)


def _opinion(account: VirusTotal, attributes: Dict[str, Any]) -> Dict[str, Any]:
    """The fields that all four reputations have."""
    counts = inner(attributes, "last_analysis_stats")
    stats = {name: number(value) or 0 for name, value in counts.items()} if isinstance(counts, dict) else {}
    results = inner(attributes, "last_analysis_results")
    found = [
        f"{engine}: {text(row.get('result')) or row['category']}"
        for engine, row in (results.items() if isinstance(results, dict) else ())
        if isinstance(row, dict) and row.get("category") in ("malicious", "suspicious")
    ]
    return {
        "verdict": account.verdict(stats),
        "malicious": stats.get("malicious", 0),
        "suspicious": stats.get("suspicious", 0),
        "engines": sum(stats.get(name, 0) for name in ("harmless", "malicious", "suspicious", "undetected")),
        "detections": sorted(found),
        "reputation": number(attributes.get("reputation")),
        "tags": texts(attributes.get("tags")),
        "analysed_at": moment(attributes.get("last_analysis_date")),
    }


@app.action("ip reputation", type="investigate")
def ip_reputation(account: VirusTotal, ip: str = param("Address", contains="ip")) -> AddressReputation:
    """What engines say of an address. Private addresses are unknown without asking."""
    address = indicators.address(ip)
    found = account.api.attributes(f"/ip_addresses/{quote(address)}") if indicators.is_public(address) else {}
    return AddressReputation(
        ip=address,
        asn=number(found.get("asn")),
        organization=text(found.get("as_owner")),
        country=text(found.get("country")),
        network=text(found.get("network")),
        **_opinion(account, found),
    )


@app.action("domain reputation", type="investigate")
def domain_reputation(account: VirusTotal, domain: str = param("Domain", contains="domain")) -> DomainReputation:
    """What engines say of a domain."""
    name = indicators.domain(domain)
    found = account.api.attributes(f"/domains/{quote(name)}")
    categories = found.get("categories")
    return DomainReputation(
        domain=name,
        categories=sorted(set(texts(list(categories.values())))) if isinstance(categories, dict) else [],
        registrar=text(found.get("registrar")),
        created_at=moment(found.get("creation_date")),
        **_opinion(account, found),
    )


@app.action("url reputation", type="investigate")
def url_reputation(account: VirusTotal, url: str = param("URL", contains="url")) -> UrlReputation:
    """What engines said of a URL when somebody sent it in; nothing is sent in here."""
    whole = indicators.url(url)
    identity = base64.urlsafe_b64encode(whole.encode()).decode().rstrip("=")
    found = account.api.attributes(f"/urls/{identity}")
    return UrlReputation(
        url=whole,
        final_url=text(found.get("last_final_url")),
        title=text(found.get("title")),
        threats=texts(found.get("threat_names")),
        **_opinion(account, found),
    )


@app.action("file reputation", type="investigate")
def file_reputation(account: VirusTotal, hash: str = param("MD5, SHA-1 or SHA-256 of the file", contains="hash")) -> FileReputation:
    """What engines said of a file when somebody sent it in."""
    digest = indicators.digest(hash)
    found = account.api.attributes(f"/files/{digest}")
    return FileReputation(
        hash=digest,
        md5=text(found.get("md5")),
        sha1=text(found.get("sha1")),
        sha256=text(found.get("sha256")),
        name=text(found.get("meaningful_name")),
        kind=text(found.get("type_description")),
        size=number(found.get("size")),
        threat=text(inner(found, "popular_threat_classification", "suggested_threat_label")),
        first_seen_at=moment(found.get("first_submission_date")),
        **_opinion(account, found),
    )


@app.action("submit url", type="generic", idempotent=True)
def submit_url(account: VirusTotal, url: str = param("URL; it becomes public", contains="url")) -> Analysis:
    """Have engines look at a URL, which shows it to everybody who has an account there. 'get analysis' tells what they say."""
    whole = indicators.url(url)
    identity = text(inner(account.api.post("/urls", {"url": whole}), "id"))
    if identity is None:
        raise ActionFailed("VirusTotal: it took the URL and named no analysis; ask for 'url reputation' in a few minutes")
    return Analysis(analysis=identity, url=whole, status="queued")


@app.action("get analysis", type="investigate")
def get_analysis(account: VirusTotal, analysis: str = param("Identity of the analysis")) -> Analysis:
    """How far an analysis is, and what engines say."""
    if not analysis.strip():
        raise ActionFailed("VirusTotal: no analysis is named; give what 'submit url' returned")
    whole = account.api.object(f"/analyses/{quote(analysis.strip(), safe='')}")
    if whole is None:
        raise ActionFailed("VirusTotal: there is no such analysis; give what 'submit url' returned")
    found = inner(whole, "data", "attributes")
    status = text(inner(found, "status")) or "queued"
    opinion = _opinion(account, {"last_analysis_stats": inner(found, "stats")})
    said = {name: opinion[name] for name in ("verdict", "malicious", "suspicious", "engines")} if status == "completed" else {}
    about = {"url": text(inner(whole, "meta", "url_info", "url")), "hash": text(inner(whole, "meta", "file_info", "sha256"))}
    return Analysis(analysis=analysis.strip(), status=status, **about, **said)


@app.action("lookup ip", type="investigate", timeout_s=PATIENT_S)
def lookup_ip(
    account: VirusTotal,
    ip: str = param("Address", contains="ip"),
    limit: int = param("Most names; each forty are one request", default=PAGE, minimum=1, maximum=1000),
) -> Names:
    """Names that led to an address, as VirusTotal saw them."""
    address = indicators.address(ip)
    rows = _resolutions(account, f"/ip_addresses/{quote(address)}", limit) if indicators.is_public(address) else []
    names = texts([inner(row, "host_name") for row in rows])
    newest = moment(inner(next(iter(rows), None), "date"))
    return Names(ip=address, found=bool(names), hostnames=list(dict.fromkeys(names)), last_seen_at=newest)


@app.action("lookup domain", type="investigate", timeout_s=PATIENT_S)
def lookup_domain(
    account: VirusTotal,
    domain: str = param("Domain", contains="domain"),
    limit: int = param("Most addresses; each forty are one request", default=PAGE, minimum=1, maximum=1000),
) -> Addresses:
    """Addresses that a domain led to, as VirusTotal saw them."""
    name = indicators.domain(domain)
    rows = _resolutions(account, f"/domains/{quote(name)}", limit)
    found = texts([inner(row, "ip_address") for row in rows])
    newest = moment(inner(next(iter(rows), None), "date"))
    return Addresses(domain=name, found=bool(found), addresses=list(dict.fromkeys(found)), last_seen_at=newest)


def _resolutions(account: VirusTotal, path: str, limit: int) -> List[Dict[str, Any]]:
    rows = account.api.pages(f"{path}/resolutions", limit, PAGE)
    found = [attributes for row in rows if isinstance(attributes := row.get("attributes"), dict)]
    return sorted(found, key=lambda one: number(one.get("date")) or 0, reverse=True)


@app.action("related files", type="investigate", timeout_s=PATIENT_S)
def related_files(
    account: VirusTotal,
    indicator: str = param("Address or domain", contains=["ip", "domain"]),
    relation: str = param("How the files have to do with it", default=RELATIONS[0], choices=RELATIONS),
    limit: int = param("Most files; each forty are one request", default=PAGE, minimum=1, maximum=1000),
) -> Output[RelatedFile]:
    """Files that talk to an address or domain, came from it or mention it."""
    rows = account.api.pages(f"{_path(indicator)}/{relation}", limit, PAGE)
    found = []
    for row in rows:
        attributes = row.get("attributes")
        attributes = attributes if isinstance(attributes, dict) else {}
        opinion = _opinion(account, attributes)
        found.append(
            RelatedFile(
                hash=text(attributes.get("sha256")) or text(row.get("id")) or "",
                verdict=opinion["verdict"],
                malicious=opinion["malicious"],
                name=text(attributes.get("meaningful_name")),
                kind=text(attributes.get("type_description")),
            )
        )
    return Output(found, summary={"malicious": sum(file.verdict == "malicious" for file in found)})


def _path(indicator: str) -> str:
    try:
        return f"/ip_addresses/{quote(indicators.address(indicator))}"
    except ActionFailed:
        return f"/domains/{quote(indicators.domain(indicator))}"


@app.action("get quota", type="investigate")
def get_quota(account: VirusTotal) -> Output[Quota]:
    """How often the account asked, and may ask."""
    return Output(_quotas(account))


def _quotas(account: VirusTotal) -> List[Quota]:
    data = inner(account.api.object(f"/users/{quote(account.key, safe='')}/overall_quotas"), "data")
    rows = [(period, inner(data, f"api_requests_{period}", "user")) for period in ("hourly", "daily", "monthly")]
    return [
        Quota(period=period, used=number(row.get("used")) or 0, allowed=number(row.get("allowed")) or 0)
        for period, row in rows
        if isinstance(row, dict)
    ]
