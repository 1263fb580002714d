"""VirusTotal, simulated: its API v3 with addresses, domains, URLs and files that are known, analyses that take a while, quotas."""

from __future__ import annotations

import base64
from typing import Any, Dict, List, Optional

from repertory_sdk.testing.simulator import Reply, Request, Simulator

KEY = "demo-key-of-virustotal"
EICAR = "275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f"
CODES = {
    400: "BadRequestError", 401: "WrongCredentialsError", 403: "ForbiddenError", 404: "NotFoundError",
    429: "QuotaExceededError", 503: "TransientError",
}  # fmt: skip


def looked(malicious: int, suspicious: int = 0, harmless: int = 60, **more: Any) -> Dict[str, Any]:
    stats = {"malicious": malicious, "suspicious": suspicious, "harmless": harmless, "undetected": 5, "timeout": 0}
    bad = {f"Engine {number}": {"category": "malicious", "result": "phishing"} for number in range(1, malicious + 1)}
    results = {**bad, "Engine Z": {"category": "undetected", "result": "unrated"}}
    return {"last_analysis_stats": stats, "last_analysis_results": results, "last_analysis_date": 1767225600, "tags": [], **more}


def initial() -> Dict[str, Any]:
    place = {"asn": 64496, "as_owner": "Example ISP", "country": "NL", "network": "203.0.113.0/24", "reputation": -12}
    digests = {"md5": "44d88612fea8a8f36de82e1278abb02f", "sha1": "3395856ce81f2b7382dee72602f798b642f14140", "sha256": EICAR}
    label = {"popular_threat_classification": {"suggested_threat_label": "test.eicar"}, "meaningful_name": "eicar.com"}
    file = looked(60, size=68, type_description="Powershell", first_submission_date=1148301722, **digests, **label)
    return {
        "ip_addresses": {"203.0.113.7": looked(7, 1, **place), "198.51.100.7": looked(0), "198.51.100.8": looked(1),
                         "198.51.100.9": looked(0, 0, 2), "198.51.100.10": {}},
        "domains": {"evil.example": looked(9, categories={"A": "phishing", "B": "malware"}, creation_date=1767225600),
                    "login-examp1e.example": looked(11, categories={"A": "phishing"}), "related1.example": looked(4),
                    "related2.example": looked(1), "example.com": looked(0)},
        "urls": {"http://evil.example/login": looked(12, title="Log in", last_final_url="http://evil.example/next")},
        "files": {EICAR: file, digests["md5"]: file},
        "resolutions": [(f"host{number}.example", "203.0.113.7", 1767225600 - number) for number in range(90)],
        "analyses": {},
        "used": 10,
        "out_of_quota": False,
    }  # fmt: skip


simulator = Simulator("VirusTotal", settings={"url": "{url}/api/v3", "key": KEY}, state=initial)


@simulator.error
def error(status: int, text: str) -> Reply:
    return Reply(status, {"error": {"code": CODES.get(status, "InternalError"), "message": text}})


@simulator.check
def key(request: Request) -> Optional[Reply]:
    if request.headers.get("x-apikey") != KEY:
        return error(401, "Wrong API key")
    return error(429, "Quota exceeded") if request.state["out_of_quota"] else None


def known(kind: str, name: str, found: Optional[Dict[str, Any]]) -> Any:
    if found is None:
        return error(404, f'{kind} "{name}" not found')
    return {"data": {"type": kind, "id": name, "attributes": found}}


@simulator.route("GET", "/api/v3/{collection}/{name}")
def thing(request: Request) -> Any:
    collection, name = request.args["collection"], request.args["name"]
    if collection == "urls":
        try:
            name = base64.urlsafe_b64decode(name + "=" * (-len(name) % 4)).decode()
        except ValueError:
            return error(400, f'Invalid URL id "{name}"')
    if collection not in ("ip_addresses", "domains", "urls", "files"):
        return error(404, "Resource not found.")
    return known(collection.rstrip("s"), name, request.state[collection].get(name))


@simulator.route("GET", "/api/v3/{collection}/{name}/{relation}")
def relation(request: Request) -> Any:
    """Pages by a cursor that is nobody's business; here it is a number."""
    name, state = request.args["name"], request.state
    rows: List[Any] = []
    if request.args["relation"] == "resolutions":
        rows = [
            {"type": "resolution", "attributes": {"host_name": host, "ip_address": ip, "date": date}}
            for host, ip, date in state["resolutions"]
            if name in (host, ip)
        ]
    elif name in ("203.0.113.7", "evil.example"):
        rows = [{"type": "file", "id": EICAR, "attributes": state["files"][EICAR]}, {"type": "file", "id": "0" * 64}]
    start, size = int(request.query.get("cursor", "0")), int(request.query.get("limit", "10"))
    more = start + size < len(rows)
    return {"data": rows[start : start + size], "meta": {"cursor": str(start + size)} if more else {}}


@simulator.route("POST", "/api/v3/urls")
def submit(request: Request) -> Any:
    url = request.form().get("url", "")
    if not url.startswith("http"):
        return error(400, "Unable to canonicalize url")
    name = f"u-{base64.b16encode(url.encode()).decode().lower()[:64]}-1767225600"
    request.state["analyses"][name] = {"url": url, "asked": 0}
    return {"data": {"type": "analysis", "id": name}}


@simulator.route("GET", "/api/v3/analyses/{name}")
def analysis(request: Request) -> Any:
    """Completed when it is asked for the second time."""
    found = request.state["analyses"].get(request.args["name"])
    if found is None:
        return error(404, "Analysis not found")
    found["asked"] += 1
    done = found["asked"] > 1
    stats = looked(4)["last_analysis_stats"] if done else {}
    attributes = {"status": "completed" if done else "queued", "stats": stats, "results": {}}
    return {"data": {"type": "analysis", "attributes": attributes}, "meta": {"url_info": {"url": found["url"]}}}


@simulator.route("GET", "/api/v3/users/{user}/overall_quotas")
def quotas(request: Request) -> Any:
    limits = {"hourly": 240, "daily": 500, "monthly": 15500}
    used = request.state["used"]
    return {"data": {f"api_requests_{name}": {"user": {"used": used, "allowed": limit}} for name, limit in limits.items()}}


if __name__ == "__main__":
    simulator.main()
