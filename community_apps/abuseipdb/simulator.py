"""AbuseIPDB, simulated: its API v2 with a few addresses of documentation networks."""

from __future__ import annotations

from typing import Any, Dict, Optional

from repertory_sdk.testing.simulator import Reply, Request, Simulator

KEY = "demo-key-of-abuseipdb"
KNOWN: Dict[str, Dict[str, Any]] = {
    "203.0.113.7": {"abuseConfidenceScore": 87, "totalReports": 31, "numDistinctUsers": 12, "categories": [18, 22]},
    "203.0.113.8": {"abuseConfidenceScore": 40, "totalReports": 3, "numDistinctUsers": 2, "categories": [14]},
    "198.51.100.7": {"abuseConfidenceScore": 0, "totalReports": 1, "numDistinctUsers": 1, "isWhitelisted": True},
}

simulator = Simulator(
    "AbuseIPDB", settings={"url": "{url}/api/v2", "key": KEY}, state=lambda: {"known": KNOWN, "reported": []}
)


@simulator.error
def error(status: int, text: str) -> Reply:
    return Reply(status, {"errors": [{"detail": text, "status": status}]})


@simulator.check
def key(request: Request) -> Optional[Reply]:
    if request.headers.get("Key") == KEY:
        return None
    return error(401, "Authentication failed. Your API key is either missing, incorrect, or revoked.")


@simulator.route("GET", "/api/v2/check")
def check(request: Request) -> Any:
    ip = request.query.get("ipAddress", "")
    if not ip:
        return Reply(422, {"errors": [{"detail": "No address.", "status": 422, "source": {"parameter": "ipAddress"}}]})
    known = dict(request.state["known"].get(ip, {}))
    reports = [{"reportedAt": "2026-01-04T20:00:00+00:00", "comment": "seen", "categories": known.pop("categories", [])}]
    blank = {"abuseConfidenceScore": 0, "totalReports": 0, "numDistinctUsers": 0, "isWhitelisted": False, "isTor": False}
    place = {"countryCode": "NL", "isp": "Example Hosting", "usageType": "Data Center/Web Hosting/Transit"}
    found = {"ipAddress": ip, "isPublic": True, "domain": "example.net", "hostnames": [], **blank, **place, **known}
    seen = {"reports": reports, "lastReportedAt": "2026-01-04T20:00:00+00:00"} if known else {"reports": [], "lastReportedAt": None}
    return {"data": {**found, **seen}}


@simulator.route("GET", "/api/v2/blacklist")
def blacklist(request: Request) -> Any:
    least = int(request.query.get("confidenceMinimum", "100"))
    rows = [{"ipAddress": ip, **row} for ip, row in request.state["known"].items() if row["abuseConfidenceScore"] >= least]
    listed = [{key: row[key] for key in ("ipAddress", "abuseConfidenceScore")} for row in rows]
    return {"meta": {"generatedAt": "2026-01-05T00:00:00+00:00"}, "data": listed}


@simulator.route("POST", "/api/v2/report")
def report(request: Request) -> Any:
    ip = request.form().get("ip", "")
    if ip in request.state["reported"]:
        detail = "You can only report the same IP address once in 15 minutes."
        return Reply(429, {"errors": [{"detail": detail, "status": 429, "source": {"parameter": "ip"}}]})
    request.state["reported"].append(ip)
    return {"data": {"ipAddress": ip, "abuseConfidenceScore": 52}}


if __name__ == "__main__":
    simulator.main()
