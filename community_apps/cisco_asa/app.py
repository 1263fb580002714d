"""Block addresses and ports on a Cisco ASA firewall by its REST agent."""

from __future__ import annotations

import functools
from typing import Any, Dict, Iterator, List, Literal, Optional
from urllib.parse import quote

from repertory_sdk import ActionFailed, App, Output, Secret, indicators, output, param, setting
from repertory_sdk.http import Answer, Http, HttpAsset

app = App(
    "cisco_asa",
    version="1.0.0",
    product="Cisco ASA",
    vendor="Cisco Systems",
    summary=__doc__,
    requires=["requests>=2.31"],
    hosts=["${asset.url}", "${asset.proxy}"],
    files=["${asset.ca_file}"],
    concurrency=1,  # the agent answers one request at a time
)
PAGE = 100
REMARK = "repertory"
Row = Dict[str, Any]


@app.asset
class Firewall(HttpAsset):
    """One firewall, with the group and the interface that blocks go to."""

    url: str = setting("Where its REST agent answers, such as https://asa.example")
    user: str = setting("Account; privilege 15 to block, 5 to look")
    password: Secret = setting("Its password")
    group: str = setting("Network object group of blocked addresses", default="REPERTORY-BLOCK")
    interface: str = setting("Interface at which is blocked what comes in", default="outside")
    save: bool = setting("Whether changes are to outlive a restart", default=True)
    protected: List[str] = indicators.protected_setting()

    @functools.cached_property
    def api(self) -> Http:
        """Its interface; it is slow, and wants to be asked by name."""
        headers = {"User-Agent": "REST API Agent", "Accept": "application/json"}
        return Http("Cisco ASA", self, headers=headers, auth=(self.user, self.password))

    @property
    def group_path(self) -> str:
        """Where the group of blocked addresses is."""
        return f"/api/objects/networkobjectgroups/{quote(self.group, safe='')}"

    @property
    def rules_path(self) -> str:
        """Where the rules of the interface are."""
        return f"/api/access/in/{quote(self.interface, safe='')}/rules"

    def members(self) -> Optional[List[str]]:
        """Blocked addresses and networks; None where there is no such group."""
        answer = self.api.get(self.group_path, accept=(404,))
        if answer.status == 404:
            return None
        return [str(member["value"]) for member in answer.object().get("members") or () if member.get("value")]

    def rules(self) -> Iterator[Row]:
        """Every rule of the interface, page after page."""
        seen = 0
        while True:
            body = self.api.get(self.rules_path, params={"offset": seen, "limit": PAGE}).object()
            items = body.get("items") or []
            yield from items
            seen += len(items)
            if not items or seen >= int((body.get("rangeInfo") or {}).get("total") or 0):
                return

    def change(self, method: str, path: str, body: Row) -> None:
        """Change something, and keep it over a restart."""
        self.api.request(method, path, json=body)
        self.keep()

    def keep(self) -> None:
        """Write the running configuration to where it is started from."""
        if self.save:
            self.api.post("/api/commands/writemem", json={})


@app.result
class Blocked:
    """What became of a block of an address."""

    ip: str = output("Address or network", contains="ip")
    blocked: bool = output("Whether it is blocked now")
    changed: bool = output("Whether that is new")
    verified: bool = output("Whether it was read back")
    previously_blocked: bool = output("Whether it was blocked before")
    group: str = output("Group it is in or was taken out of")


@app.result
class BlockedPort:
    """What became of a block of a port."""

    port: int = output("Port", contains="port")
    protocol: str = output("tcp or udp")
    ip: str = output("Address whose port it is; empty for any", contains="ip")
    blocked: bool = output("Whether it is blocked now")
    changed: bool = output("Whether that is new")
    verified: bool = output("Whether it was read back")
    interface: str = output("Interface at which it is blocked")


@app.result
class Listed:
    """A blocked address."""

    ip: str = output("Address or network", contains="ip")


@app.result
class Rule:
    """One rule of the interface."""

    rule: str = output("Identity")
    action: Literal["permit", "deny"] = output("What it does")
    source: str = output("From whom")
    destination: str = output("To whom")
    service: str = output("Protocol and port")
    active: bool = output("Whether it is in use")
    remark: Optional[str] = output("What was noted on it", default=None)


@app.result
class Version:
    """What the firewall is."""

    serial: str = output("Serial number")
    text: str = output("What `show version` says")


@app.result
class Said:
    """What a command printed."""

    command: str = output("Command")
    text: str = output("What it printed")


def _member(ip: str) -> Row:
    """An address or a network, by the kind that the agent wants."""
    kind = "IPv6" if ":" in ip else "IPv4"
    return {"kind": f"{kind}{'Network' if '/' in ip else 'Address'}", "value": ip}


@app.test
def connectivity(firewall: Firewall) -> str:
    """Reads the serial number."""
    return f"serial number {_serial(firewall.api.get('/api/monitoring/serialnumber'))}"


def _serial(answer: Answer) -> str:
    return str(answer.object().get("serialNumber") or "unknown")


@app.action("block ip", type="contain", idempotent=True, undo="unblock ip", check="is blocked")
def block_ip(firewall: Firewall, ip: str = param("Address or network", contains="ip")) -> Blocked:
    """Let nothing in from an address, by a group that a rule at the top of the interface denies."""
    address = indicators.network(ip)
    indicators.refuse_protected(address, firewall.protected)
    members = firewall.members()
    before = address in (members or ())
    if members is None:
        body = {"kind": "object#NetworkObjGroup", "name": firewall.group, "members": [_member(address)]}
        firewall.change("POST", "/api/objects/networkobjectgroups", body)
    elif not before:
        firewall.change("PATCH", firewall.group_path, {"members.add": [_member(address)]})
    _deny_group(firewall)
    verified = address in (firewall.members() or ())
    return Blocked(
        ip=address, blocked=verified, changed=not before, verified=verified, previously_blocked=before, group=firewall.group
    )


def _deny_group(firewall: Firewall) -> None:
    """A group that no rule denies blocks nobody."""
    if any(rule.get("permit") is False for rule in _rules_of_group(firewall)):
        return
    source = {"kind": "objectRef#NetworkObjGroup", "objectId": firewall.group}
    service = {"kind": "NetworkProtocol", "value": "ip"}
    firewall.change("POST", firewall.rules_path, _denying(source, {"kind": "AnyIPAddress", "value": "any"}, service))


def _rules_of_group(firewall: Firewall) -> List[Row]:
    return [rule for rule in firewall.rules() if (rule.get("sourceAddress") or {}).get("objectId") == firewall.group]


def _denying(source: Row, destination: Row, service: Row) -> Row:
    addresses = {"sourceAddress": source, "destinationAddress": destination, "destinationService": service}
    return {"permit": False, "position": 1, "active": True, "remarks": [REMARK], **addresses}


@app.action("unblock ip", type="correct", idempotent=True, undo="block ip")
def unblock_ip(firewall: Firewall, ip: str = param("Address or network", contains="ip")) -> Blocked:
    """Take an address out of the group."""
    address = indicators.network(ip)
    members = firewall.members() or []
    before = address in members
    if before and members == [address]:
        # The last member of a group that a rule uses cannot be taken out: the rule goes first.
        _remove(firewall, _rules_of_group(firewall))
        firewall.api.delete(firewall.group_path)
        firewall.keep()
    elif before:
        firewall.change("PATCH", firewall.group_path, {"members.remove": [_member(address)]})
    left = address in (firewall.members() or ())
    return Blocked(ip=address, blocked=left, changed=before, verified=not left, previously_blocked=before, group=firewall.group)


def _remove(firewall: Firewall, rules: List[Row]) -> None:
    for rule in rules:
        firewall.api.delete(f"{firewall.rules_path}/{quote(str(rule.get('objectId')), safe='')}", accept=(404,))
    if rules:
        firewall.keep()


@app.action("is blocked", type="investigate")
def is_blocked(firewall: Firewall, ip: str = param("Address or network", contains="ip")) -> Blocked:
    """Whether an address is in the group."""
    address = indicators.network(ip)
    found = address in (firewall.members() or ())
    return Blocked(ip=address, blocked=found, changed=False, verified=True, previously_blocked=found, group=firewall.group)


@app.action("list blocked ips", type="investigate")
def list_blocked_ips(firewall: Firewall) -> Output[Listed]:
    """Addresses and networks in the group."""
    found = [Listed(ip=member) for member in firewall.members() or ()]
    return Output(found, summary={"addresses": len(found)})


@app.action("block port", type="contain", idempotent=True, undo="unblock port")
def block_port(
    firewall: Firewall,
    port: int = param("Port", contains="port", minimum=1, maximum=65535),
    protocol: str = param("tcp or udp", default="tcp", choices=("tcp", "udp")),
    ip: str = param("Address whose port it is; empty for any", default="", contains="ip"),
) -> BlockedPort:
    """Let nothing in to a port, of one address or of all, by a rule at the top of the interface."""
    address = indicators.address(ip) if ip else ""
    before = _rules_for(firewall, port, protocol, address)
    if not before:
        anybody = {"kind": "AnyIPAddress", "value": "any"}
        service = {"kind": "TcpUdpService", "value": f"{protocol}/{port}"}
        firewall.change("POST", firewall.rules_path, _denying(anybody, _member(address) if address else anybody, service))
    return _port(firewall, port, protocol, address, changed=not before, wanted=True)


@app.action("unblock port", type="correct", idempotent=True, undo="block port")
def unblock_port(
    firewall: Firewall,
    port: int = param("Port", contains="port", minimum=1, maximum=65535),
    protocol: str = param("tcp or udp", default="tcp", choices=("tcp", "udp")),
    ip: str = param("Address whose port it is; empty for any", default="", contains="ip"),
) -> BlockedPort:
    """Remove the rule that 'block port' made; rules of others stay."""
    address = indicators.address(ip) if ip else ""
    before = _rules_for(firewall, port, protocol, address)
    _remove(firewall, before)
    return _port(firewall, port, protocol, address, changed=bool(before), wanted=False)


def _rules_for(firewall: Firewall, port: int, protocol: str, ip: str) -> List[Row]:
    """Rules of ours that deny this port."""
    wanted = {ip} if ip else {"any", "any4"}
    return [
        rule
        for rule in firewall.rules()
        if rule.get("permit") is False
        and REMARK in (rule.get("remarks") or ())
        and (rule.get("destinationService") or {}).get("value") == f"{protocol}/{port}"
        and (rule.get("destinationAddress") or {}).get("value") in wanted
    ]


def _port(firewall: Firewall, port: int, protocol: str, ip: str, *, changed: bool, wanted: bool) -> BlockedPort:
    now = bool(_rules_for(firewall, port, protocol, ip))
    where = firewall.interface
    return BlockedPort(port=port, protocol=protocol, ip=ip, blocked=now, changed=changed, verified=now == wanted, interface=where)


@app.action("list rules", type="investigate")
def list_rules(firewall: Firewall) -> Output[Rule]:
    """Rules of the interface, in the order in which they are looked at."""
    found = [
        Rule(
            rule=str(rule.get("objectId") or ""),
            action="permit" if rule.get("permit") else "deny",
            source=_named(rule.get("sourceAddress")),
            destination=_named(rule.get("destinationAddress")),
            service=_named(rule.get("destinationService")),
            active=rule.get("active") is not False,
            remark="; ".join(map(str, rule.get("remarks") or ())) or None,
        )
        for rule in firewall.rules()
    ]
    return Output(found, summary={"rules": len(found)})


def _named(thing: Any) -> str:
    return str(thing.get("value") or thing.get("objectId") or "any") if isinstance(thing, dict) else "any"


@app.action("get version", type="investigate")
def get_version(firewall: Firewall) -> Version:
    """Serial number and version."""
    return Version(serial=_serial(firewall.api.get("/api/monitoring/serialnumber")), text=_said(firewall, "show version"))


@app.action("show", type="investigate")
def show(firewall: Firewall, what: str = param("What to show, such as conn count or access-list")) -> Said:
    """What a `show` command prints."""
    if not what.isprintable() or not what.strip():
        raise ActionFailed("Cisco ASA cannot show that; give the words after show, such as conn count")
    return Said(command=f"show {what}", text=_said(firewall, f"show {what}"))


def _said(firewall: Firewall, command: str) -> str:
    body = firewall.api.post("/api/cli", json={"commands": [command]}, repeatable=True).object()
    text = "\n".join(map(str, body.get("response") or ()))
    if "ERROR:" in text:
        raise ActionFailed(f"Cisco ASA refuses {command!r}: {' '.join(text.split())[:200]}; check the words after show")
    return text
