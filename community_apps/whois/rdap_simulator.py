"""An RDAP registry for tests and demonstrations, on loopback, with bootstrap files that lead to itself.

    python rdap_simulator.py --port 0

Its objects are below ``/registry``, the files of RFC 9224 below ``/bootstrap``; ``/elsewhere`` sends on to the registry.
"""

from __future__ import annotations

from typing import Any, Dict, List

from repertory_sdk.testing.simulator import Reply, Request, Simulator


def card(**properties: str) -> List[Any]:
    return ["vcard", [["version", {}, "text", "4.0"], *([name, {}, "text", value] for name, value in properties.items())]]


ABUSE = {"objectClassName": "entity", "roles": ["abuse"], "vcardArray": card(email="abuse@hosting.example")}
HOLDER = {"roles": ["registrant"], "vcardArray": card(fn="Example Hosting"), "entities": [ABUSE]}
REGISTRAR = {
    "roles": ["registrar"],
    "vcardArray": card(fn="Example Registrar"),
    "entities": [{"roles": ["abuse", "technical"], "vcardArray": card(fn="Abuse", email="abuse@registrar.example")}],
}
OBJECTS: Dict[str, Dict[str, Any]] = {
    "domain/scan.example.net": {
        "objectClassName": "domain", "ldhName": "SCAN.EXAMPLE.NET", "status": ["client transfer prohibited"],
        "events": [
            {"eventAction": "registration", "eventDate": "1995-08-14T04:00:00Z"},
            {"eventAction": "expiration", "eventDate": "2030-08-13T04:00:00Z"},
            {"eventAction": "last changed", "eventDate": "2023-08-13T07:01:38Z"},
        ],
        "entities": [REGISTRAR, {"roles": ["registrant"], "vcardArray": card(fn="REDACTED FOR PRIVACY")}],
        "nameservers": [{"ldhName": "NS1.EXAMPLE.NET"}, {"ldhName": "ns2.example.net."}, {}],
    },
    "domain/login-examp1e.example": {
        "objectClassName": "domain", "ldhName": "login-examp1e.example", "entities": [REGISTRAR],
        "events": [{"eventAction": "registration", "eventDate": "2026-01-02T00:00:00Z"}],
    },
    "domain/bare.example": {"objectClassName": "domain", "entities": None, "events": [None], "vcardArray": 7},
    "ip/80.211.246.121": {
        "objectClassName": "ip network", "startAddress": "80.211.246.0", "endAddress": "80.211.246.255", "name": "EXAMPLE-HOSTING",
        "country": "it", "cidr0_cidrs": [{"v4prefix": "80.211.246.0", "length": 24}], "entities": [HOLDER],
        "events": [{"eventAction": "registration", "eventDate": "2016-11-21T09:30:00Z"}],
    },
    "ip/2001:db8::7": {
        "startAddress": "2001:db8::", "endAddress": "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "name": "DOC-V6",
        "cidr0_cidrs": [{"v6prefix": "2001:db8::", "length": 32}],
    },
    "autnum/64496": {"objectClassName": "autnum", "name": "EXAMPLE-AS", "country": "NL", "entities": [HOLDER]},
}  # fmt: skip

SETTINGS = {"rdap_url": "{url}/registry", "rdap_only": True}
simulator = Simulator("RDAP", settings=SETTINGS, state=lambda: {"objects": OBJECTS, "files": {}})


@simulator.error
def error(status: int, text: str) -> Reply:
    return Reply(status, {"errorCode": status, "title": text, "description": [text]}, {"Content-Type": "application/rdap+json"})


@simulator.route("GET", "/registry/{kind}/{name:rest}")
def found(request: Request) -> Any:
    data = request.state["objects"].get(f"{request.args['kind']}/{request.args['name']}")
    return error(404, "Not Found") if data is None else Reply(200, data, {"Content-Type": "application/rdap+json"})


@simulator.route("GET", "/elsewhere/{what:rest}")
def elsewhere(request: Request) -> Any:
    return Reply(302, b"", {"Location": f"{request.url}/registry/{request.args['what']}"})


@simulator.route("GET", "/circle/{what:rest}")
def circle(request: Request) -> Any:
    return Reply(307, b"", {"Location": request.path})


@simulator.route("GET", "/abroad/{what:rest}")
def abroad(request: Request) -> Any:
    return Reply(301, b"", {"Location": "http://192.0.2.1/registry/domain/scan.example.net"})


@simulator.route("GET", "/bootstrap/{file}")
def bootstrap(request: Request) -> Any:
    own, other = [f"{request.url}/registry/"], ["https://rdap.other.example/"]
    services = {
        "dns.json": [[["net", "example"], other], [["example.net", "bare.example"], own]],
        "ipv4.json": [[["80.0.0.0/8"], other], [["80.211.0.0/16"], ["http://192.0.2.1/", *own]]],
        "ipv6.json": [[["2001:db8::/32"], own]],
        "asn.json": [[["1-64495"], other], [["64496-64511"], own]],
    }
    file = {"version": "1.0", "services": services.get(request.args["file"], [])}
    return request.state["files"].get(request.args["file"], file)


if __name__ == "__main__":
    simulator.main()
