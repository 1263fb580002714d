"""Whether an address scans the whole Internet or belongs to a service that everybody uses, by GreyNoise."""

from __future__ import annotations

import functools
from typing import Any, Dict, List, Literal, Optional
from urllib.parse import quote

from repertory_sdk import ActionFailed, App, Output, Secret, indicators, output, param, setting
from repertory_sdk.http import Answer, Http, HttpAsset

app = App(
    "greynoise",
    version="1.0.0",
    product="GreyNoise",
    vendor="GreyNoise Intelligence",
    summary=__doc__,
    requires=["requests>=2.31"],
    hosts=["api.greynoise.io:443", "${asset.url}", "${asset.proxy}"],
    files=["${asset.ca_file}"],
)

Verdict = Literal["malicious", "suspicious", "benign", "unknown"]
PLANS = ("community", "enterprise")


@app.asset
class GreyNoise(HttpAsset):
    """An account, or none."""

    key: Optional[Secret] = setting("API key; without one the community plan takes a few look-ups a day", default=None)
    plan: str = setting("community, or enterprise for any plan that is paid for", default="community", choices=PLANS)
    url: str = setting("Where its API answers", default="https://api.greynoise.io")

    @functools.cached_property
    def api(self) -> Http:
        """Its interface."""
        return Http("GreyNoise", self, headers={"key": self.key} if self.key else {})

    def ask(self, path: str, *, unknown: bool = False, **query: str) -> Dict[str, Any]:
        """The answer; of what GreyNoise does not know, where that may be, what it says about that."""
        answer = self.api.get(path, params=query, accept=(404, 429) if unknown else (429,))
        return answer.object() if answer.status != 429 else self._refused(answer)

    def _refused(self, answer: Answer) -> Dict[str, Any]:
        """Quotas are for a day or a week: unless it says how long to wait, trying again is useless."""
        failure = self.api.explained(answer.status, answer.request, answer.text, answer.headers)
        told = str(failure).partition(";")[0]
        cure = "wait until the quota begins anew, or set key to that of an account with a larger one"
        raise ActionFailed(f"{told}; {cure}", retry=failure.retry_after_s is not None, retry_after_s=failure.retry_after_s)


@app.result
class Reputation:
    """What GreyNoise makes of an address."""

    ip: str = output("Address as asked", contains="ip")
    verdict: Verdict = output("malicious, suspicious, benign or unknown")
    noise: bool = output("Whether it scans everybody, and not you in particular", default=False)
    riot: bool = output("Whether it belongs to a service that everybody uses", default=False)
    classification: Optional[str] = output("What GreyNoise calls it", default=None)
    name: Optional[str] = output("Who it is: the scanner or the service", default=None)


@app.result
class Noise:
    """What GreyNoise saw of an address."""

    ip: str = output("Address as asked", contains="ip")
    found: bool = output("Whether it scans, or belongs to a known service")
    noise: bool = output("Whether it scans everybody, and not you in particular", default=False)
    riot: bool = output("Whether it belongs to a service that everybody uses", default=False)
    classification: Optional[str] = output("What GreyNoise calls it", default=None)
    name: Optional[str] = output("Who it is: the scanner or the service", default=None)
    last_seen: Optional[str] = output("Day when it was seen last", default=None)
    first_seen: Optional[str] = output("Day when it was seen first; of paid plans", default=None)
    category: Optional[str] = output("Kind of the service; of paid plans", default=None)
    organization: Optional[str] = output("Whose address it is; of paid plans", default=None)
    country: Optional[str] = output("Country, two letters; of paid plans", default=None)
    hostnames: List[str] = output("Its names; of paid plans", default=[], contains="domain")
    tags: List[str] = output("What it looks for; of paid plans", default=[])
    tor: Optional[bool] = output("Whether it is an exit of Tor; of paid plans", default=None)
    vpn: Optional[bool] = output("Whether it belongs to a VPN; of paid plans", default=None)
    link: Optional[str] = output("Where to look at it", default=None, contains="url")


@app.result
class Tag:
    """One thing that scanners look for."""

    name: str = output("Name")
    category: Optional[str] = output("Kind", default=None)
    intention: Optional[str] = output("malicious, suspicious, benign or unknown", default=None)
    description: Optional[str] = output("What it is", default=None)
    cves: List[str] = output("CVEs that it makes use of", default=[])
    recommend_block: bool = output("Whether GreyNoise would block it", default=False)


@app.result
class Account:
    """What the key is good for."""

    offering: Optional[str] = output("Plan", default=None)
    expires: Optional[str] = output("When it ends", default=None)
    message: Optional[str] = output("What GreyNoise says", default=None)


@app.test
def connectivity(account: GreyNoise) -> str:
    """Asks what the key is good for; without a key about an address."""
    if account.key:
        return f"the key is accepted, plan {account.ask('/ping').get('offering') or 'unknown'}"
    account.ask("/v3/community/1.1.1.1", unknown=True)
    return "GreyNoise answers without a key, a few times a day"


@app.action("ip reputation", type="investigate")
def ip_reputation(account: GreyNoise, ip: str = param("Address", contains="ip")) -> Reputation:
    """What GreyNoise makes of an address. Private addresses are unknown without asking."""
    seen = lookup_noise(account, ip)
    return Reputation(
        ip=seen.ip, verdict=_verdict(seen), noise=seen.noise, riot=seen.riot, classification=seen.classification, name=seen.name
    )


def _verdict(seen: Noise) -> Verdict:
    if seen.classification == "malicious":
        return "malicious"
    if seen.classification == "suspicious" and not seen.riot:
        return "suspicious"
    return "benign" if seen.riot or seen.classification == "benign" else "unknown"


@app.action("lookup noise", type="investigate")
def lookup_noise(account: GreyNoise, ip: str = param("Address", contains="ip")) -> Noise:
    """Whether an address scans the Internet or belongs to a known service. Private addresses are unknown without asking."""
    address = indicators.address(ip)
    if not indicators.is_public(address):
        return Noise(ip=address, found=False)
    if account.plan == "enterprise":
        return _detailed(address, account.ask(f"/v3/ip/{quote(address)}", unknown=True))
    data = account.ask(f"/v3/community/{quote(address)}", unknown=True)
    noise, riot = data.get("noise") is True, data.get("riot") is True
    return Noise(
        ip=address,
        found=noise or riot,
        noise=noise,
        riot=riot,
        classification=_text(data.get("classification")),
        name=_name(data.get("name")),
        last_seen=_text(data.get("last_seen")),
        link=_text(data.get("link")),
    )


def _detailed(ip: str, data: Dict[str, Any]) -> Noise:
    scanner, service = _object(data.get("internet_scanner_intelligence")), _object(data.get("business_service_intelligence"))
    about = _object(scanner.get("metadata"))
    noise, riot = scanner.get("found") is True, service.get("found") is True
    return Noise(
        ip=ip,
        found=noise or riot,
        noise=noise,
        riot=riot,
        classification=_text(scanner.get("classification")) if noise else None,
        name=_name(service.get("name")) or _name(scanner.get("actor")),
        last_seen=_text(scanner.get("last_seen")) or _text(service.get("last_updated")),
        first_seen=_text(scanner.get("first_seen")),
        category=_text(service.get("category")),
        organization=_text(about.get("organization")),
        country=_text(about.get("source_country_code")) or _text(about.get("country_code")),
        hostnames=[name for name in [_text(about.get("rdns"))] if name],
        tags=[name for tag in _list(scanner.get("tags")) if (name := _text(tag) or _text(_object(tag).get("name")))],
        tor=_flag(scanner.get("tor")),
        vpn=_flag(scanner.get("vpn")),
    )


@app.action("list tags", type="investigate")
def list_tags(
    account: GreyNoise,
    name: str = param("Part of the name or of a CVE; empty for all", default=""),
    limit: int = param("Most tags", default=200, minimum=1, maximum=10_000),
) -> Output[Tag]:
    """What scanners look for, of paid plans."""
    rows = [_object(row) for row in _list(account.ask("/v3/tags").get("tags"))]
    found = [
        Tag(
            name=_text(row.get("name")) or _text(row.get("label")) or "",
            category=_text(row.get("category")),
            intention=_text(row.get("intention")),
            description=_text(row.get("description")),
            cves=[cve for cve in _list(row.get("cves")) if _text(cve)],
            recommend_block=row.get("recommend_block") is True,
        )
        for row in rows
    ]
    wanted = name.strip().lower()
    fitting = [tag for tag in found if wanted in tag.name.lower() or any(wanted in cve.lower() for cve in tag.cves)]
    return Output(fitting[:limit], summary={"tags": len(fitting)})


@app.action("get account", type="investigate")
def get_account(account: GreyNoise) -> Account:
    """What the key is good for, and until when."""
    if not account.key:
        raise ActionFailed("GreyNoise: there is no account without a key; set key to that of one")
    data = account.ask("/ping")
    return Account(offering=_text(data.get("offering")), expires=_text(data.get("expiration")), message=_text(data.get("message")))


def _name(value: Any) -> Optional[str]:
    """GreyNoise says ``unknown`` where it knows no name."""
    found = _text(value)
    return None if found == "unknown" else found


def _text(value: Any) -> Optional[str]:
    return value if isinstance(value, str) and value else None


def _object(value: Any) -> Dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> List[Any]:
    return value if isinstance(value, list) else []


def _flag(value: Any) -> Optional[bool]:
    return value if isinstance(value, bool) else None
