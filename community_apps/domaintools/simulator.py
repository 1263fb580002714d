"""DomainTools, simulated: both ways to prove who asks, counts of what domains share, pages by position."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta, timezone
from typing import Any, Dict, List, Optional

from repertory_sdk.testing.simulator import Reply, Request, Simulator

USER = "demo"
KEY = "demo-key-of-domaintools"
PHISH = "login-examp1e.example"
PAGE = 3
WINDOW = timedelta(minutes=5)
LENGTHS = {32: "md5", 40: "sha1", 64: "sha256"}
RISKS: Dict[str, Dict[str, Any]] = {
    PHISH: {
        "risk_score": 94,
        "components": [
            {"name": "proximity", "risk_score": 81},
            {"name": "threat_profile", "risk_score": 94, "threats": ["phishing"], "evidence": ["domain name", "nameserver"]},
        ],
    },
    "middling.example": {"risk_score": 60, "components": {"name": "proximity", "risk_score": 60}},
    "unclear.example": {"risk_score": 35, "components": []},
    "example.com": {"risk_score": 0, "components": [{"name": "zerolist", "risk_score": 0}]},
}
PARSED = {
    "record_source": PHISH,
    "registrant": "J Doe",
    "name_servers": ["NS1.HOST.EXAMPLE"],
    "registration": {"created": "2026-01-02", "expires": "2027-01-02", "registrar": "Example Registrar", "statuses": ["ok"]},
    "whois": {"date": "2026-01-03", "record": f"Domain Name: {PHISH}"},
    "parsed_whois": {
        "created_date": "2026-01-02T00:00:00+00:00",
        "registrar": {"name": "Example Registrar", "abuse_contact_email": "abuse@registrar.example"},
        "contacts": {"registrant": {"name": "J Doe", "email": ["jd@example.org"], "country": "nl"}, "admin": {}},
    },
}
NETWORK = {
    "whois": {"date": "2026-01-03", "record": "inetnum: 203.0.113.0 - 203.0.113.255"},
    "parsed_whois": {
        "networks": [{"name": "EXAMPLE-NET", "range": {"from": "203.0.113.0", "to": "203.0.113.255"}, "country": "nl"}],
        "contacts": [{"type": "registrant", "name": "Example Hosting"}, {"type": "abuse", "email": ["abuse@hosting.example"]}],
    },
}
VERSIONS = [
    {"date": "2019-05-01", "is_private": 0, "whois": {"registrant": "Old Holder", "registration": {"created": "2018-01-01"}}},
    {"date": "2026-01-03", "is_private": 1, "whois": {"registrant": "J Doe", "name_servers": ["NS1.HOST.EXAMPLE"]}},
]
HISTORY = {
    "ip_history": [{"actiondate": "2026-01-02", "action_in_words": "New", "pre_ip": "", "post_ip": "203.0.113.7"}],
    "nameserver_history": {"actiondate": "2026-01-04", "action": "X", "pre_mns": "old.example", "post_mns": "host.example"},
    "registrar_history": [{"registrar": "Example Registrar", "date_lastchecked": "2026-01-03"}],
}


def iris(name: str, score: int, *, email: int = 7, server: int = 900_000) -> Dict[str, Any]:
    return {
        "domain": name,
        "domain_risk": {"risk_score": score},
        "create_date": {"value": "2026-01-02", "count": 300},
        "registrant_contact": {"email": [{"value": "jd@example.org", "count": email}]},
        "name_server": [{"host": {"value": "ns1.host.example", "count": server}}],
        "ip": {"address": {"value": "203.0.113.7", "count": 2}},
        "ssl_info": [{"hash": {"value": "5f" * 20, "count": 1}}],
    }


def initial() -> Dict[str, Any]:
    related = [iris(f"related{number}.example", 90 - number) for number in range(1, 7)]
    products = [{"id": "iris-investigate", "per_month_limit": "1000", "per_minute_limit": "30", "usage": {"month": "20"}}]
    return {"risks": RISKS, "results": [iris(PHISH, 94), *related], "products": products, "shift_s": 0, "too_much": False}


simulator = Simulator("DomainTools", settings={"url": "{url}", "username": USER, "key": KEY}, state=initial)


@simulator.error
def error(status: int, text: str) -> Reply:
    return Reply(status, {"error": {"code": status, "message": text}, "resources": {"support": "support.example"}})


@simulator.check
def credentials(request: Request) -> Optional[Reply]:
    query = request.query
    if query.get("api_username") != USER:
        return error(403, "The credentials you entered do not match an active account.")
    if "api_key" in query:
        return None if query["api_key"] == KEY else error(403, "The credentials you entered do not match an active account.")
    try:
        then = datetime.strptime(query.get("timestamp", ""), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        return error(403, "The request has no valid timestamp.")
    if abs(datetime.now(timezone.utc) + timedelta(seconds=request.state["shift_s"]) - then) > WINDOW:
        return error(403, "The timestamp of the request has expired.")
    given = query.get("signature", "")
    digest = LENGTHS.get(len(given), "sha256")
    wanted = hmac.new(KEY.encode(), f"{USER}{query['timestamp']}{request.path}".encode(), getattr(hashlib, digest)).hexdigest()
    return None if hmac.compare_digest(given, wanted) else error(403, "The signature of the request does not match.")


def response(found: Any) -> Any:
    return {"response": found} if found is not None else error(404, "Nothing was found.")


@simulator.route("GET", "/v1/account")
def account(request: Request) -> Any:
    return response({"account": {"api_username": USER, "active": True}, "products": request.state["products"]})


@simulator.route("GET", "/v1/risk")
def risk(request: Request) -> Any:
    name = request.query.get("domain", "")
    found = request.state["risks"].get(name)
    return response({"domain": name, **found} if found else None)


@simulator.route("GET", "/v1/{name}/whois/parsed")
def parsed(request: Request) -> Any:
    return response({PHISH: PARSED, "203.0.113.7": NETWORK}.get(request.args["name"]))


@simulator.route("GET", "/v1/{name}/whois/history")
def history(request: Request) -> Any:
    return response({"record_count": 2, "history": VERSIONS} if request.args["name"] == PHISH else None)


@simulator.route("GET", "/v1/{name}/hosting-history")
def hosting(request: Request) -> Any:
    return response(HISTORY if request.args["name"] == PHISH else None)


@simulator.route("GET", "/v1/{ip}/host-domains")
def hosted(request: Request) -> Any:
    if request.args["ip"] != "203.0.113.7":
        return error(400, "No IP addresses found.")
    return response({"ip_addresses": {"ip_address": "203.0.113.7", "domain_count": 9, "domain_names": ["A.example"]}})


@simulator.route("GET", "/v1/reverse-whois")
def reverse(request: Request) -> Any:
    counts = {"domain_count": {"current": 12, "historic": 40}, "report_price": {"current": 99, "historic": 299}}
    return response({**counts, "domains": ["a.example", "b.example"] if request.query.get("mode") == "purchase" else []})


@simulator.route("POST", "/v1/iris-investigate/")
def investigate(request: Request) -> Any:
    form, rows = request.form(), request.state["results"]
    if request.state["too_much"]:
        return response({"limit_exceeded": True, "message": "Maximum 5000 returned.", "results": []})
    found: List[Dict[str, Any]] = [row for row in rows if form.get("domain", row["domain"]) == row["domain"]]
    if "email" in form:
        found = [row for row in found if row["registrant_contact"]["email"][0]["value"] == form["email"]]
    start = int(form.get("position", "0"))
    more = start + PAGE < len(found)
    page = {"results": found[start : start + PAGE], "has_more_results": more, "position": str(start + PAGE) if more else ""}
    return response({"limit_exceeded": False, "results_count": len(page["results"]), **page})


if __name__ == "__main__":
    simulator.main()
