"""GreyNoise, simulated: the community plan with and without a key, a paid one, a quota that is used up on demand."""

from __future__ import annotations

from typing import Any, Dict, Optional

from repertory_sdk.testing.simulator import Reply, Request, Simulator

KEY = "demo-key-of-greynoise"
UNSEEN = "IP not observed scanning the internet or contained in RIOT data set."
KNOWN: Dict[str, Dict[str, Any]] = {
    "203.0.113.7": {"noise": True, "classification": "malicious", "name": "unknown", "last_seen": "2026-01-04"},
    "203.0.113.8": {"noise": True, "classification": "suspicious", "name": "unknown", "last_seen": "2026-01-03"},
    "198.51.100.7": {"noise": True, "classification": "benign", "name": "Example Survey", "last_seen": "2026-01-05"},
    "198.51.100.8": {"riot": True, "classification": "benign", "name": "Example DNS", "last_seen": "2026-01-05"},
    "198.51.100.9": {"noise": True, "classification": "unknown", "name": "unknown", "last_seen": "2026-01-02"},
}
TAGS = [
    {"name": "Telnet Bruteforcer", "category": "activity", "intention": "malicious", "cves": [], "recommend_block": True},
    {"name": "Log4j Attempt", "category": "activity", "intention": "malicious", "cves": ["CVE-2021-44228"]},
    {"label": "Example Survey", "category": "actor", "intention": "benign", "cves": None},
]

simulator = Simulator(
    "GreyNoise", settings={"url": "{url}", "key": KEY}, state=lambda: {"known": KNOWN, "left": 50, "plan": "community"}
)


@simulator.check
def key(request: Request) -> Optional[Reply]:
    given = request.headers.get("key")
    if given not in (None, KEY):
        return Reply(401, {"message": "The provided key is invalid."})
    if given is None and not request.path.startswith("/v3/community/"):
        return Reply(401, {"message": "A key is needed for this."})
    if request.path.startswith("/v3/"):
        if request.state["left"] < 1:
            return Reply(429, {"rate-limit": "50-lookups/week", "message": "You have hit your weekly limit."})
        request.state["left"] -= 1
    return None


@simulator.route("GET", "/ping")
def ping(request: Request) -> Any:
    return {"message": "pong", "offering": request.state["plan"], "expiration": "2027-01-01"}


@simulator.route("GET", "/v3/community/{ip}")
def community(request: Request) -> Any:
    ip = request.args["ip"]
    found = request.state["known"].get(ip)
    if found is None:
        return Reply(404, {"ip": ip, "noise": False, "riot": False, "message": UNSEEN})
    return {"ip": ip, "noise": False, "riot": False, "link": f"https://viz.greynoise.io/ip/{ip}", "message": "Success", **found}


@simulator.route("GET", "/v3/ip/{ip}")
def detailed(request: Request) -> Any:
    ip = request.args["ip"]
    found = request.state["known"].get(ip)
    if found is None:
        return Reply(404, {"ip": ip, "message": UNSEEN})
    about = {"organization": "Example Hosting", "rdns": "scan.example.net", "source_country_code": "NL"}
    scanner = {
        "found": found.get("noise", False), "classification": found["classification"], "actor": found["name"],
        "last_seen": found["last_seen"], "first_seen": "2025-06-01", "metadata": about, "tags": [{"name": "Telnet Bruteforcer"}],
        "tor": False, "vpn": True,
    }  # fmt: skip
    riot = found.get("riot", False)
    service = {"found": riot, "name": found["name"] if riot else "", "category": "public_dns" if riot else ""}
    return {"ip": ip, "internet_scanner_intelligence": scanner, "business_service_intelligence": service}


@simulator.route("GET", "/v3/tags")
def tags(_: Request) -> Any:
    return {"tags": TAGS}


if __name__ == "__main__":
    simulator.main()
