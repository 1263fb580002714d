"""Reputation of addresses by AbuseIPDB's reports, and reports of your own."""

from __future__ import annotations

import functools
from typing import Any, Dict, List, Literal, Optional

from repertory_sdk import ActionFailed, App, Output, Secret, indicators, output, param, setting
from repertory_sdk.http import Answer, Http, HttpAsset

app = App(
    "abuseipdb",
    version="1.0.0",
    product="AbuseIPDB",
    vendor="AbuseIPDB LLC",
    summary=__doc__,
    requires=["requests>=2.31"],
    hosts=["api.abuseipdb.com:443", "${asset.url}", "${asset.proxy}"],
    files=["${asset.ca_file}"],
)

Verdict = Literal["malicious", "suspicious", "benign", "unknown"]
CATEGORIES = {
    3: "fraud orders", 4: "DDoS attack", 9: "open proxy", 10: "web spam", 11: "e-mail spam", 14: "port scan", 15: "hacking",
    18: "brute force", 19: "bad web bot", 20: "exploited host", 21: "web application attack", 22: "SSH", 23: "IoT targeted",
}  # fmt: skip


@app.asset
class AbuseIPDB(HttpAsset):
    """An account."""

    key: Secret = setting("API key (APIv2) of the account")
    url: str = setting("Where its API answers", default="https://api.abuseipdb.com/api/v2")
    malicious_from: int = setting("Score from which an address is malicious", default=75, minimum=1, maximum=100)
    suspicious_from: int = setting("Score from which an address is suspicious", default=25, minimum=1, maximum=100)

    @functools.cached_property
    def api(self) -> Http:
        """Its interface."""
        return Http("AbuseIPDB", self, headers={"Key": self.key, "Accept": "application/json"})

    def verdict(self, score: int, reports: int, trusted: bool) -> Verdict:
        """What a score means; an address that they list as trusted is one step better."""
        if score >= self.malicious_from:
            return "suspicious" if trusted else "malicious"
        if score >= self.suspicious_from:
            return "benign" if trusted else "suspicious"
        return "benign" if trusted or reports else "unknown"


@app.result
class Reputation:
    """What is reported of one address."""

    ip: str = output("Address as asked", contains="ip")
    verdict: Verdict = output("malicious, suspicious, benign or unknown")
    score: int = output("Confidence that it is abusive, from 0 to 100")
    reports: int = output("Number of reports")
    reporters: int = output("Number of those who reported it")
    categories: List[str] = output("What was reported")
    last_reported_at: Optional[str] = output("When it was reported last, ISO 8601", default=None)
    country: Optional[str] = output("Country, two letters", default=None)
    organization: Optional[str] = output("Provider of the address", default=None)
    usage: Optional[str] = output("What it is used for", default=None)
    domain: Optional[str] = output("Domain of the provider", default=None, contains="domain")
    hostnames: List[str] = output("Names of the address", contains="domain")
    tor: bool = output("Whether it is an exit of Tor")


@app.result
class Reported:
    """An address on the list of the most reported."""

    ip: str = output("Address", contains="ip")
    score: int = output("Confidence that it is abusive, from 0 to 100")
    country: Optional[str] = output("Country, two letters", default=None)
    last_reported_at: Optional[str] = output("When it was reported last, ISO 8601", default=None)


@app.result
class Report:
    """What became of a report."""

    ip: str = output("Address", contains="ip")
    score: Optional[int] = output("Confidence that it is abusive, now", default=None)
    reported: bool = output("False where the account reported it within the last 15 minutes already")


def _data(answer: Answer) -> Any:
    data = answer.object().get("data")
    if data is None:
        raise ActionFailed(f"{answer.product}: {answer.request} was answered without data; check the url of the asset")
    return data


@app.test
def connectivity(account: AbuseIPDB) -> str:
    """Asks about an address that is always known."""
    _data(account.api.get("/check", params={"ipAddress": "127.0.0.1"}))
    return "the key is accepted"


@app.action("ip reputation", type="investigate")
def ip_reputation(
    account: AbuseIPDB,
    ip: str = param("Address, IPv4 or IPv6", contains="ip"),
    days: int = param("How far back reports count, in days", default=90, minimum=1, maximum=365),
) -> Reputation:
    """What was reported of an address, and what follows from it. Private addresses are unknown without asking."""
    address = indicators.address(ip)
    if not indicators.is_public(address):
        return _reputation(account, address, {})
    query = {"ipAddress": address, "maxAgeInDays": str(days), "verbose": ""}
    return _reputation(account, address, _data(account.api.get("/check", params=query)))


def _reputation(account: AbuseIPDB, ip: str, data: Dict[str, Any]) -> Reputation:
    score, reports = int(data.get("abuseConfidenceScore") or 0), int(data.get("totalReports") or 0)
    numbers = {number for report in data.get("reports") or () for number in report.get("categories") or ()}
    return Reputation(
        ip=ip,
        verdict=account.verdict(score, reports, bool(data.get("isWhitelisted"))),
        score=score,
        reports=reports,
        reporters=int(data.get("numDistinctUsers") or 0),
        categories=[CATEGORIES.get(number, f"category {number}") for number in sorted(numbers)],
        last_reported_at=data.get("lastReportedAt"),
        country=data.get("countryCode"),
        organization=data.get("isp"),
        usage=data.get("usageType"),
        domain=data.get("domain"),
        hostnames=list(data.get("hostnames") or ()),
        tor=bool(data.get("isTor")),
    )


@app.action("list reported ips", type="investigate")
def list_reported_ips(
    account: AbuseIPDB,
    minimum_score: int = param("Least confidence; below 100 only for paid plans", default=100, minimum=25, maximum=100),
    limit: int = param("Most addresses", default=1000, minimum=1, maximum=500_000),
) -> Output[Reported]:
    """The most reported addresses."""
    query = {"confidenceMinimum": str(minimum_score), "limit": str(limit)}
    rows = _data(account.api.get("/blacklist", params=query))
    found = [
        Reported(
            ip=row["ipAddress"],
            score=int(row["abuseConfidenceScore"]),
            country=row.get("countryCode"),
            last_reported_at=row.get("lastReportedAt"),
        )
        for row in rows[:limit]
    ]
    return Output(found, summary={"addresses": len(found)})


@app.action("report ip", type="generic", idempotent=True)
def report_ip(
    account: AbuseIPDB,
    ip: str = param("Address to report; your report is public", contains="ip"),
    categories: List[int] = param("Numbers of AbuseIPDB's categories, such as 18 (brute force) and 22 (SSH)", default=[15]),
    comment: str = param("What happened; it is public, so leave out what is yours", default=""),
) -> Report:
    """Tell AbuseIPDB, and so everybody, that an address is abusive. A second report within 15 minutes changes nothing."""
    address = indicators.address(ip)
    if not categories or not set(categories) <= set(range(1, 24)):
        raise ActionFailed(f"AbuseIPDB has no categories {categories}; give numbers from 1 to 23")
    form = {"ip": address, "categories": ",".join(map(str, categories)), "comment": comment[:1024]}
    answer = account.api.post("/report", data=form, accept=(429,))
    if answer.status == 429:
        return _repeated(account, address, answer)
    return Report(ip=address, score=_data(answer).get("abuseConfidenceScore"), reported=True)


def _repeated(account: AbuseIPDB, ip: str, answer: Answer) -> Report:
    """The same status says that the quota is used up, and that this address was reported just now."""
    try:
        errors = answer.object().get("errors") or [{}]
    except ActionFailed:
        errors = [{}]
    if (errors[0].get("source") or {}).get("parameter") != "ip":
        raise account.api.explained(answer.status, answer.request, answer.text, answer.headers)
    return Report(ip=ip, reported=False)
