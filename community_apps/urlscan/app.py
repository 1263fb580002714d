"""What web pages do when a browser opens them, by urlscan.io: scans of others, and scans of your own."""

from __future__ import annotations

import functools
import uuid
from typing import Any, Dict, List, Literal, Optional, Tuple

from urlscan_client import PRODUCT, Client, inner, number, objects, text, texts

from repertory_sdk import ActionFailed, App, Job, Output, Secret, indicators, output, param, setting
from repertory_sdk.http import HttpAsset

app = App(
    "urlscan",
    version="1.0.0",
    product=PRODUCT,
    vendor="urlscan GmbH",
    summary=__doc__,
    requires=["requests>=2.31"],
    hosts=["urlscan.io:443", "${asset.url}", "${asset.proxy}"],
    files=["${asset.ca_file}"],
)

Verdict = Literal["malicious", "suspicious", "benign", "unknown"]
VISIBILITIES = ("private", "unlisted", "public")
MOST = 500
PNG = b"\x89PNG\r\n\x1a\n"
WORST_FIRST = ("malicious", "suspicious", "benign", "unknown")


@app.asset
class Urlscan(HttpAsset):
    """An account."""

    key: Secret = setting("API key of the account")
    url: str = setting("Where it answers", default="https://urlscan.io")
    visibility: str = setting("Who sees scans of your own, unless told otherwise", default="private", choices=VISIBILITIES)
    malicious_from: int = setting("Score from which a page is malicious", default=70, minimum=1, maximum=100)
    suspicious_from: int = setting("Score from which a page is suspicious", default=30, minimum=1, maximum=100)

    @functools.cached_property
    def api(self) -> Client:
        """Its interface."""
        return Client(self, self.key)

    def verdict(self, overall: Any) -> Verdict:
        """What a score from -100 to 100 means. Zero is what pages have of which nobody said anything."""
        score = number(inner(overall, "score")) or 0
        if inner(overall, "malicious") is True or score >= self.malicious_from:
            return "malicious"
        if score >= self.suspicious_from:
            return "suspicious"
        return "benign" if score < 0 else "unknown"


@app.result
class UrlReputation:
    """What the newest scan of a URL says."""

    url: str = output("URL as asked", contains="url")
    verdict: Verdict = output("malicious, suspicious, benign or unknown")
    score: Optional[int] = output("Score of the scan, from -100 (harmless) to 100 (malicious)", default=None)
    brands: List[str] = output("Brands that the page pretends to be of", default=[])
    categories: List[str] = output("What it is like, such as phishing", default=[])
    scan: Optional[str] = output("Identity of the scan", default=None)
    scanned_at: Optional[str] = output("When it was made, ISO 8601", default=None)
    report: Optional[str] = output("Where to look at it", default=None, contains="url")


@app.result
class DomainReputation:
    """What the newest scans of a domain say."""

    domain: str = output("Domain as asked", contains="domain")
    verdict: Verdict = output("malicious, suspicious, benign or unknown: the worst of these scans")
    score: Optional[int] = output("Highest score of these scans", default=None)
    brands: List[str] = output("Brands that pages pretend to be of", default=[])
    scans: int = output("Number of scans that were looked at", default=0)
    total: int = output("Number of scans that there are", default=0)
    last_scanned_at: Optional[str] = output("When the newest was made, ISO 8601", default=None)


@app.result
class Submission:
    """A scan that was asked for."""

    scan: str = output("Identity of the scan, for 'get scan'")
    url: str = output("URL that is scanned", contains="url")
    visibility: str = output("Who sees it")
    report: Optional[str] = output("Where it can be looked at in a moment", default=None, contains="url")


@app.result
class Scan:
    """What a page did."""

    scan: str = output("Identity of the scan")
    status: str = output("done; pending, which is also said of scans that never were; deleted")
    verdict: Verdict = output("malicious, suspicious, benign or unknown", default="unknown")
    score: Optional[int] = output("Score, from -100 (harmless) to 100 (malicious)", default=None)
    url: Optional[str] = output("URL that was scanned", default=None, contains="url")
    final_url: Optional[str] = output("Where it led", default=None, contains="url")
    domain: Optional[str] = output("Domain of that page", default=None, contains="domain")
    ip: Optional[str] = output("Address that served it", default=None, contains="ip")
    country: Optional[str] = output("Country of that address, two letters", default=None)
    asn: Optional[str] = output("Autonomous system of that address, such as AS64496", default=None)
    server: Optional[str] = output("Software that served it", default=None)
    http_status: Optional[int] = output("Status of the page", default=None)
    title: Optional[str] = output("Title of the page", default=None)
    brands: List[str] = output("Brands that it pretends to be of", default=[])
    categories: List[str] = output("What it is like, such as phishing", default=[])
    domains: List[str] = output("Domains that were contacted", default=[], contains="domain")
    addresses: List[str] = output("Addresses that were contacted", default=[], contains="ip")
    urls: List[str] = output("URLs that were fetched", default=[], contains="url")
    hashes: List[str] = output("SHA-256 of what was fetched", default=[], contains="hash")
    scanned_at: Optional[str] = output("When it was made, ISO 8601", default=None)
    report: Optional[str] = output("Where to look at it", default=None, contains="url")


@app.result
class Found:
    """A scan that a search found."""

    scan: str = output("Identity of the scan, for 'get scan'")
    url: Optional[str] = output("URL that was scanned", default=None, contains="url")
    final_url: Optional[str] = output("Where it led", default=None, contains="url")
    domain: Optional[str] = output("Domain of that page", default=None, contains="domain")
    ip: Optional[str] = output("Address that served it", default=None, contains="ip")
    country: Optional[str] = output("Country of that address, two letters", default=None)
    title: Optional[str] = output("Title of the page", default=None)
    scanned_at: Optional[str] = output("When it was made, ISO 8601", default=None)


@app.result
class Screenshot:
    """A picture of a page, kept as an attachment."""

    scan: str = output("Identity of the scan")
    name: str = output("Name of the attachment")
    sha256: str = output("Its SHA-256", contains="hash")
    size: int = output("Its size, in bytes")


@app.result
class Quota:
    """How often the account may do something."""

    what: str = output("search, retrieve, or scans by who sees them: public, unlisted, private")
    period: str = output("minute, hour or day")
    used: int = output("How often it was done")
    allowed: int = output("How often it may be done")


@app.test
def connectivity(account: Urlscan) -> str:
    """Asks for the quotas of the account."""
    found = [quota for quota in _quotas(account) if (quota.what, quota.period) == ("search", "day")]
    return "the key is accepted" + "".join(f", {quota.used} of {quota.allowed} searches of today are used" for quota in found)


@app.action("url reputation", type="investigate")
def url_reputation(
    account: Urlscan,
    url: str = param("URL", contains="url"),
    days: int = param("How far back scans count, in days", default=90, minimum=1, maximum=3650),
) -> UrlReputation:
    """What the newest scan of a URL says; nothing is scanned."""
    whole = indicators.url(url)
    literal = _literal(whole)
    rows, _ = account.api.search(f"(task.url:{literal} OR page.url:{literal}) AND date:>now-{days}d", 1)
    identity = text(rows[0].get("_id")) if rows else None
    data = account.api.result(identity) if identity else None
    if data is None:
        return UrlReputation(url=whole, verdict="unknown")
    overall = inner(data, "verdicts", "overall")
    return UrlReputation(
        url=whole,
        verdict=account.verdict(overall),
        score=number(inner(overall, "score")),
        brands=_brands(overall),
        categories=texts(inner(overall, "categories")),
        scan=identity,
        scanned_at=text(inner(data, "task", "time")),
        report=text(inner(data, "task", "reportURL")),
    )


def _literal(value: str) -> str:
    """A phrase of the search language, in which quotes and backslashes mean something."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _brands(overall: Any) -> List[str]:
    """Names, or objects that have one."""
    brands = inner(overall, "brands")
    named = [text(row.get("name")) or text(row.get("key")) for row in objects(brands)]
    return sorted({*texts(brands), *(name for name in named if name)})


@app.action("domain reputation", type="investigate", timeout_s=120)
def domain_reputation(
    account: Urlscan,
    domain: str = param("Domain; what lies below it counts as well", contains="domain"),
    scans: int = param("How many of the newest scans to look at; each is one request", default=3, minimum=1, maximum=20),
    days: int = param("How far back scans count, in days", default=90, minimum=1, maximum=3650),
) -> DomainReputation:
    """What the newest scans of pages of a domain say; nothing is scanned."""
    name = indicators.domain(domain)
    query = f"(page.domain:{_literal(name)} OR page.apexDomain:{_literal(name)}) AND date:>now-{days}d"
    rows, total = account.api.search(query, scans)
    results = [account.api.result(identity) for row in rows if (identity := text(row.get("_id")))]
    overalls = [inner(result, "verdicts", "overall") for result in results if result is not None]
    verdicts = [account.verdict(overall) for overall in overalls]
    return DomainReputation(
        domain=name,
        verdict=min(verdicts, key=WORST_FIRST.index, default="unknown"),
        score=max((score for overall in overalls if (score := number(inner(overall, "score"))) is not None), default=None),
        brands=sorted({brand for overall in overalls for brand in _brands(overall)}),
        scans=len(overalls),
        total=total,
        last_scanned_at=text(inner(rows[0], "task", "time")) if rows else None,
    )


@app.action("submit url", type="generic")
def submit_url(
    account: Urlscan,
    url: str = param("URL to open", contains="url"),
    visibility: str = param("Who sees the scan; empty for what the asset says", default="", choices=["", *VISIBILITIES]),
    tags: List[str] = param("Tags of the scan", default=[]),
) -> Submission:
    """Have a browser of urlscan.io open a URL. 'get scan' tells what happened, after half a minute."""
    whole, seen_by = indicators.url(url), visibility or account.visibility
    data = account.api.submit({"url": whole, "visibility": seen_by, **({"tags": tags} if tags else {})})
    identity = text(data.get("uuid"))
    if identity is None:
        raise ActionFailed("urlscan.io: it took the URL and named no scan; look for it with 'search scans'")
    return Submission(scan=identity, url=whole, visibility=text(data.get("visibility")) or seen_by, report=text(data.get("result")))


@app.action("get scan", type="investigate")
def get_scan(account: Urlscan, scan: str = param("Identity of the scan")) -> Scan:
    """What a page did, once its scan is done."""
    identity = _identity(scan)
    status, data = account.api.state(identity)
    if data is None:
        return Scan(scan=identity, status=status)
    page, task, lists, overall = data.get("page"), data.get("task"), data.get("lists"), inner(data, "verdicts", "overall")
    return Scan(
        scan=identity,
        status=status,
        verdict=account.verdict(overall),
        score=number(inner(overall, "score")),
        **_page(task, page),
        asn=text(inner(page, "asn")),
        server=text(inner(page, "server")),
        http_status=_status(inner(page, "status")),
        brands=_brands(overall),
        categories=texts(inner(overall, "categories")),
        domains=texts(inner(lists, "domains"))[:MOST],
        addresses=texts(inner(lists, "ips"))[:MOST],
        urls=texts(inner(lists, "urls"))[:MOST],
        hashes=texts(inner(lists, "hashes"))[:MOST],
        report=text(inner(task, "reportURL")),
    )


def _page(task: Any, page: Any) -> Dict[str, Optional[str]]:
    """What a scan and a search say in the same way."""
    return {
        "url": text(inner(task, "url")),
        "final_url": text(inner(page, "url")),
        "domain": text(inner(page, "domain")),
        "ip": text(inner(page, "ip")),
        "country": text(inner(page, "country")),
        "title": text(inner(page, "title")),
        "scanned_at": text(inner(task, "time")),
    }


def _status(value: Any) -> Optional[int]:
    """A number that may be written as text."""
    return int(value) if isinstance(value, str) and value.isdecimal() else number(value)


def _identity(scan: str) -> str:
    try:
        return str(uuid.UUID(scan.strip()))
    except ValueError:
        raise ActionFailed(f"urlscan.io: {scan[:80]!r} is no scan; give what 'submit url' or 'search scans' returned") from None


@app.action("search scans", type="investigate", timeout_s=120)
def search_scans(
    account: Urlscan,
    query: str = param('Query in the language of urlscan.io, such as page.ip:"203.0.113.7" AND date:>now-7d'),
    limit: int = param("Most scans; each hundred are one request", default=100, minimum=1, maximum=10_000),
) -> Output[Found]:
    """Scans that a query finds, the newest first."""
    if not query.strip():
        raise ActionFailed('urlscan.io: the query is empty; give one such as page.domain:"example.com"')
    rows, total = account.api.search(query.strip(), limit)
    found = [Found(scan=text(row.get("_id")) or "", **_page(row.get("task"), row.get("page"))) for row in rows]
    return Output(found, summary={"total": total})


@app.action("get screenshot", type="investigate")
def get_screenshot(account: Urlscan, job: Job, scan: str = param("Identity of the scan")) -> Screenshot:
    """Keep the picture of a page as an attachment."""
    identity = _identity(scan)
    content = account.api.screenshot(identity)
    if not content.startswith(PNG):
        raise ActionFailed(f"urlscan.io: the screenshot of {identity} is no picture; ask for 'get scan' to see whether it is done")
    kept = job.attach(f"{identity}.png", content, "image/png")
    return Screenshot(scan=identity, name=kept.name, sha256=kept.sha256, size=kept.size)


@app.action("get quota", type="investigate")
def get_quota(account: Urlscan) -> Output[Quota]:
    """How often the account may scan and search, and did."""
    return Output(_quotas(account))


def _quotas(account: Urlscan) -> List[Quota]:
    limits = account.api.quotas().get("limits")
    rows: List[Tuple[str, str, Any]] = [
        (what, period, row)
        for what, periods in (limits.items() if isinstance(limits, dict) else ())
        for period, row in (periods.items() if isinstance(periods, dict) else ())
    ]
    return [
        Quota(what=what, period=period, used=number(row.get("used")) or 0, allowed=number(row.get("limit")) or 0)
        for what, period, row in rows
        if isinstance(row, dict)
    ]
