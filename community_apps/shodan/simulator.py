"""Shodan and its InternetDB, simulated: hosts of documentation networks, credits that are used up, a limit on demand."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from repertory_sdk.testing.simulator import Reply, Request, Simulator

KEY = "demo-key-of-shodan"
PAGE = "<html><head><title>401 Unauthorized</title></head><body><h1>401 Unauthorized</h1>Please check your API key.</body></html>"


def banner(ip: str, port: int, **more: Any) -> Dict[str, Any]:
    place = {"country_code": "NL", "city": "Amsterdam", "latitude": 52.37, "longitude": 4.89}
    plain = {"ip_str": ip, "port": port, "transport": "tcp", "timestamp": "2026-01-04T08:00:00.123456", "location": place}
    return {**plain, "hostnames": ["srv1.example.net"], "org": "Example Hosting", "asn": "AS64496", **more}


BANNERS: List[Dict[str, Any]] = [
    banner("203.0.113.7", 23, product="BusyBox telnetd", version="1.30", _shodan={"module": "telnet"}),
    banner("203.0.113.7", 443, product="nginx", vulns={"CVE-2021-44228": {"verified": False, "cvss": 10.0}}),
    {"ip_str": "203.0.113.7", "port": 53, "transport": "udp", "product": None, "_shodan": {"module": "dns-udp"}},
    *(banner(f"198.51.100.{number}", 3389, product="Remote Desktop Protocol") for number in range(1, 131)),
]
RECORDS = [
    {"subdomain": "", "type": "A", "value": "192.0.2.10", "last_seen": "2026-01-01T00:00:00"},
    {"subdomain": "www", "type": "AAAA", "value": "2001:db8::10", "last_seen": "2026-01-01T00:00:00"},
    {"subdomain": "", "type": "MX", "value": "mail.example.com", "last_seen": None},
]

simulator = Simulator(
    "Shodan",
    settings={"url": "{url}", "internetdb_url": "{url}/internetdb", "key": KEY},
    state=lambda: {
        "banners": BANNERS,
        "domains": {
            "example.com": {"subdomains": ["www"], "data": RECORDS, "tags": ["ipv6"], "more": False},
            "login-examp1e.example": {"subdomains": [], "data": [{"subdomain": "", "type": "A", "value": "203.0.113.7"}]},
        },
        "names": {"203.0.113.7": ["srv1.example.net"]},
        "addresses": {"www.example.com": "192.0.2.10"},
        "credits": 100,
        "plan": "dev",
        "busy": False,
    },
)


@simulator.error
def error(status: int, text: str) -> Reply:
    return Reply(status, {"error": text}) if status != 401 else Reply(401, PAGE, {"Content-Type": "text/html"})


@simulator.check
def key(request: Request) -> Optional[Reply]:
    if request.path.startswith("/internetdb/"):
        return None
    if request.query.get("key") != KEY:
        return error(401, "")
    if request.state["busy"]:
        return Reply(200, {"error": "Request rate limit reached (1 request/ second). Please wait a second before trying again."})
    return None


@simulator.route("GET", "/api-info")
def info(request: Request) -> Any:
    left = request.state["credits"]
    return {"plan": request.state["plan"], "query_credits": left, "scan_credits": 100, "usage_limits": {"query_credits": 100}}


@simulator.route("GET", "/shodan/host/{ip}")
def host(request: Request) -> Any:
    if request.state["plan"] == "oss":
        return Reply(403, {"error": "Requires membership or higher to access"})
    found = [row for row in request.state["banners"] if row["ip_str"] == request.args["ip"]]
    if not found:
        return Reply(404, {"error": "No information available for that IP."})
    place = {"country_code": "NL", "city": "Amsterdam", "org": "Example Hosting", "asn": "AS64496", "os": None}
    names = {"hostnames": ["srv1.example.net"], "domains": ["example.net"], "tags": ["cloud"], "vulns": ["CVE-2021-44228"]}
    seen = {"ip_str": request.args["ip"], "ports": [row["port"] for row in found], "last_update": "2026-01-04T08:00:00.123456"}
    return {**place, **names, **seen, "data": found}


def _matching(request: Request) -> List[Dict[str, Any]]:
    """Understands port: and net: with a whole prefix, which is enough here."""
    rows = request.state["banners"]
    for word in request.query.get("query", "").split():
        name, _, value = word.partition(":")
        if name == "port":
            rows = [row for row in rows if str(row["port"]) == value]
        elif name == "net":
            rows = [row for row in rows if row["ip_str"].startswith(value.rsplit(".", 1)[0])]
    return list(rows)


@simulator.route("GET", "/shodan/host/search")
def search(request: Request) -> Any:
    rows, page = _matching(request), int(request.query.get("page", "1"))
    if request.state["credits"] < 1:
        return Reply(403, {"error": "Insufficient query credits, please upgrade your API plan"})
    request.state["credits"] -= 1
    return {"matches": rows[(page - 1) * 100 : page * 100], "total": len(rows), "facets": {}}


@simulator.route("GET", "/shodan/host/count")
def count(request: Request) -> Any:
    rows = _matching(request)
    facets: Dict[str, Any] = {}
    for facet in filter(None, request.query.get("facets", "").split(",")):
        values = [row.get(facet) for row in rows]
        facets[facet] = [{"value": value, "count": values.count(value)} for value in sorted(set(values), key=str)]
    return {"matches": [], "total": len(rows), "facets": facets}


@simulator.route("GET", "/dns/domain/{domain}")
def domain(request: Request) -> Any:
    found = request.state["domains"].get(request.args["domain"])
    if not found:
        return Reply(404, {"error": "No information available for that domain."})
    return {"domain": request.args["domain"], **found}


@simulator.route("GET", "/dns/reverse")
def reverse(request: Request) -> Any:
    return {ip: request.state["names"].get(ip) for ip in request.query.get("ips", "").split(",")}


@simulator.route("GET", "/dns/resolve")
def resolve(request: Request) -> Any:
    return {name: request.state["addresses"].get(name) for name in request.query.get("hostnames", "").split(",")}


@simulator.route("GET", "/internetdb/{ip}")
def internetdb(request: Request) -> Any:
    found = [row for row in request.state["banners"] if row["ip_str"] == request.args["ip"]]
    if not found:
        return Reply(404, {"detail": "No information available"})
    names = {"hostnames": ["srv1.example.net"], "tags": ["cloud"], "vulns": ["CVE-2021-44228"], "cpes": ["cpe:/a:f5:nginx"]}
    return {"ip": request.args["ip"], "ports": [row["port"] for row in found], **names}


if __name__ == "__main__":
    simulator.main()
