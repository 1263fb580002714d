"""urlscan.io, simulated: scans that are there, scans that take a while, a search that understands what the app asks."""

from __future__ import annotations

import re
import struct
import uuid
import zlib
from typing import Any, Dict, List, Optional

from repertory_sdk.testing.simulator import Reply, Request, Simulator

KEY = "demo-key-of-urlscan"
PHISH = "11111111-1111-4111-8111-111111111111"
PLAIN = "22222222-2222-4222-8222-222222222222"
PIVOT = "55555555-5555-4555-8555-555555555555"
GONE = "33333333-3333-4333-8333-333333333333"
TERM = re.compile(r'(task\.url|page\.url|page\.domain|page\.apexDomain|page\.ip):"((?:[^"\\]|\\.)*)"')


def picture() -> bytes:
    """One white pixel as PNG."""

    def part(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", header) + part(b"IDAT", zlib.compress(b"\x00\xff")) + part(b"IEND", b"")


def scan(identity: str, url: str, domain: str, score: int, time: str, **overall: Any) -> Dict[str, Any]:
    page = {"url": url, "domain": domain, "apexDomain": ".".join(domain.split(".")[-2:]), "ip": "203.0.113.7", "country": "NL"}
    return {
        "task": {"uuid": identity, "url": url, "time": time, "visibility": "public", "reportURL": f"https://urlscan.io/result/{identity}/"},
        "page": {**page, "asn": "AS64496", "server": "nginx", "status": "200", "title": "Log in"},
        "lists": {"ips": ["203.0.113.7"], "domains": [domain, "cdn.example"], "urls": [url], "hashes": ["ab" * 32]},
        "verdicts": {"overall": {"score": score, "malicious": score >= 100, "hasVerdicts": score != 0, **overall}},
    }  # fmt: skip


def initial() -> Dict[str, Any]:
    brands = [{"key": "bank", "name": "Example Bank"}]
    scans = [
        scan(PHISH, "http://login.evil.example/a", "login.evil.example", 100, "2026-01-04T08:00:00.000Z", brands=brands,
             categories=["phishing"]),
        scan(PLAIN, "https://www.evil.example/", "www.evil.example", 0, "2026-01-05T08:00:00.000Z", brands=["Other"]),
        scan(PIVOT, "https://login-examp1e.example/", "login-examp1e.example", 100, "2026-01-03T08:00:00.000Z", brands=brands),
        scan(GONE, "http://gone.example/", "gone.example", 0, "2026-01-05T08:00:00.000Z"),
        *(
            scan(str(uuid.UUID(int=one)), f"http://many.example/{one}", "many.example", 0, f"2026-01-01T00:00:{one % 60:02}Z")
            for one in range(1, 131)
        ),
    ]  # fmt: skip
    return {"scans": {one["task"]["uuid"]: one for one in scans}, "deleted": [GONE], "pending": {}, "limited": False}


simulator = Simulator("urlscan.io", settings={"url": "{url}", "key": KEY}, state=initial)


@simulator.error
def error(status: int, text: str) -> Reply:
    return Reply(status, {"message": text, "status": status})


@simulator.check
def key(request: Request) -> Optional[Reply]:
    if request.path.startswith("/screenshots/"):
        return None
    if request.headers.get("API-Key") != KEY:
        return error(401, "API key not found")
    if request.state["limited"]:
        body = {"message": "Rate limit for 'search' exceeded, limit is 60 per minute. Reset in 41 seconds.", "status": 429}
        return Reply(429, body, {"X-Rate-Limit-Reset-After": "41"})
    return None


def _fits(one: Dict[str, Any], query: str) -> bool:
    """Any of the phrases; other words of the language are ignored here."""
    terms = [(name.split("."), re.sub(r"\\(.)", r"\1", value)) for name, value in TERM.findall(query)]
    return not terms or any(one[part].get(name) == value for (part, name), value in terms)


@simulator.route("GET", "/api/v1/search/")
def search(request: Request) -> Any:
    query, size = request.query.get("q", ""), int(request.query.get("size", "100"))
    if query.count('"') % 2:
        return error(400, "Failed to parse query")
    found: List[Dict[str, Any]] = [one for one in request.state["scans"].values() if _fits(one, query)]
    found.sort(key=lambda one: (one["task"]["time"], one["task"]["uuid"]), reverse=True)
    rows = [
        {"_id": one["task"]["uuid"], "task": one["task"], "page": one["page"], "sort": [one["task"]["time"], one["task"]["uuid"]]}
        for one in found
    ]
    start = 0
    if "search_after" in request.query:
        start = 1 + next(at for at, row in enumerate(rows) if ",".join(row["sort"]) == request.query["search_after"])
    return {"results": rows[start : start + size], "total": len(rows), "took": 3, "has_more": False}


@simulator.route("GET", "/api/v1/result/{identity}/")
def result(request: Request) -> Any:
    """A scan is done when it is asked for the second time."""
    identity, state = request.args["identity"], request.state
    if identity in state["deleted"]:
        return error(410, "Scan was deleted")
    if identity in state["pending"]:
        state["scans"][identity] = state["pending"].pop(identity)
        return error(404, "Scan is not finished yet")
    return state["scans"].get(identity) or error(404, "Not Found")


@simulator.route("POST", "/api/v1/scan/")
def submit(request: Request) -> Any:
    asked = request.json() or {}
    if "unresolvable" in asked.get("url", ""):
        return error(400, "DNS Error - Could not resolve domain")
    identity = str(uuid.uuid5(uuid.NAMESPACE_URL, asked["url"] + str(len(request.state["pending"]))))
    domain = asked["url"].split("/")[2]
    request.state["pending"][identity] = scan(identity, asked["url"], domain, -5, "2026-01-06T08:00:00.000Z")
    where = {"result": f"https://urlscan.io/result/{identity}/", "api": f"{request.url}/api/v1/result/{identity}/"}
    return {"message": "Submission successful", "uuid": identity, "url": asked["url"], "visibility": asked["visibility"], **where}


@simulator.route("GET", "/screenshots/{identity}.png")
def screenshot(request: Request) -> Any:
    if request.args["identity"] not in request.state["scans"]:
        return Reply(404, "not found", {"Content-Type": "text/plain"})
    return Reply(200, picture(), {"Content-Type": "image/png"})


@simulator.route("GET", "/user/quotas/")
def quotas(request: Request) -> Any:
    day = {"day": {"limit": 1000, "used": 12, "remaining": 988}, "minute": {"limit": 60, "used": 1}}
    return {"scope": "user", "limits": {"search": day, "private": day, "maxRetentionPeriodDays": 365}}


if __name__ == "__main__":
    simulator.main()
