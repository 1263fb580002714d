"""The firewall by its REST agent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Iterator, List, Optional
from urllib.parse import quote

from device import PRODUCT, REMARK, Line, Port, refusal

from repertory_sdk import ActionFailed
from repertory_sdk.http import Http, HttpAsset

PAGE = 100
ANY = {"kind": "AnyIPAddress", "value": "any"}
Row = Dict[str, Any]


@dataclass(frozen=True)
class RestAgent:
    """The agent is slow, and wants to be asked by name."""

    api: Http
    group: str
    interface: str
    save: bool

    @classmethod
    def of(cls, asset: HttpAsset, *, user: str, password: str, group: str, interface: str, save: bool) -> RestAgent:
        """The agent of one asset."""
        headers = {"User-Agent": "REST API Agent", "Accept": "application/json"}
        return cls(Http(PRODUCT, asset, headers=headers, auth=(user, password)), group, interface, save)

    def __enter__(self) -> RestAgent:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is kept open."""

    @property
    def _group_path(self) -> str:
        return f"/api/objects/networkobjectgroups/{quote(self.group, safe='')}"

    @property
    def _rules_path(self) -> str:
        return f"/api/access/in/{quote(self.interface, safe='')}/rules"

    # ------------------------------------------------------------- looking

    def serial(self) -> str:
        """Its serial number."""
        return str(self.api.get("/api/monitoring/serialnumber").object().get("serialNumber") or "unknown")

    def said(self, command: str) -> str:
        """What a command that only looks prints."""
        body = self.api.post("/api/cli", json={"commands": [command]}, repeatable=True).object()
        text = "\n".join(map(str, body.get("response") or ()))
        if "ERROR:" in text:
            raise ActionFailed(f"{refusal(command, text)}; check the words after show")
        return text

    def members(self) -> Optional[List[str]]:
        """Blocked addresses and networks; None where there is no such group."""
        answer = self.api.get(self._group_path, accept=(404,))
        if answer.status == 404:
            return None
        return [str(member["value"]) for member in answer.object().get("members") or () if member.get("value")]

    def rules(self) -> List[Line]:
        """Every rule of the interface, in order."""
        return [_line(rule) for rule in self._rows()]

    def _rows(self) -> Iterator[Row]:
        """Page after page."""
        seen = 0
        while True:
            body = self.api.get(self._rules_path, params={"offset": seen, "limit": PAGE}).object()
            items = body.get("items") or []
            yield from items
            seen += len(items)
            if not items or seen >= int((body.get("rangeInfo") or {}).get("total") or 0):
                return

    def is_blocked(self, port: Port) -> bool:
        """Whether a rule of ours denies it."""
        return bool(self._rules_for(port))

    def _rules_for(self, port: Port) -> List[Line]:
        return [rule for rule in self.rules() if rule.is_ours and rule.denies(port)]

    # ------------------------------------------------------------ changing

    def add(self, ip: str, members: Optional[List[str]]) -> None:
        """Put an address into the group, which has these members."""
        if members is None:
            body = {"kind": "object#NetworkObjGroup", "name": self.group, "members": [_member(ip)]}
            self._change("POST", "/api/objects/networkobjectgroups", body)
        else:
            self._change("PATCH", self._group_path, {"members.add": [_member(ip)]})

    def deny_group(self) -> None:
        """See that a rule denies the group."""
        if not any(rule.group == self.group and not rule.permit for rule in self.rules()):
            source = {"kind": "objectRef#NetworkObjGroup", "objectId": self.group}
            self._deny(source, ANY, {"kind": "NetworkProtocol", "value": "ip"})

    def remove(self, ip: str, members: List[str]) -> None:
        """Take an address out of the group; with the last one the group goes, and its rule."""
        if members == [ip]:
            # The last member of a group that a rule uses cannot be taken out: the rule goes first.
            self._remove([rule for rule in self.rules() if rule.group == self.group])
            self.api.delete(self._group_path)
            self._keep()
        else:
            self._change("PATCH", self._group_path, {"members.remove": [_member(ip)]})

    def block_port(self, port: Port) -> bool:
        """See that a rule denies a port; whether it was not there."""
        if self._rules_for(port):
            return False
        self._deny(ANY, _member(port.ip) if port.ip else ANY, {"kind": "TcpUdpService", "value": port.service})
        return True

    def unblock_port(self, port: Port) -> bool:
        """Remove our rules that deny a port; whether there were any."""
        before = self._rules_for(port)
        self._remove(before)
        return bool(before)

    def _deny(self, source: Row, destination: Row, service: Row) -> None:
        addresses = {"sourceAddress": source, "destinationAddress": destination, "destinationService": service}
        rule = {"permit": False, "position": 1, "active": True, "remarks": [REMARK], **addresses}
        self._change("POST", self._rules_path, rule)

    def _remove(self, rules: List[Line]) -> None:
        for rule in rules:
            self.api.delete(f"{self._rules_path}/{quote(rule.identity, safe='')}", accept=(404,))
        if rules:
            self._keep()

    def _change(self, method: str, path: str, body: Row) -> None:
        self.api.request(method, path, json=body)
        self._keep()

    def _keep(self) -> None:
        """Write the running configuration to where it is started from."""
        if self.save:
            self.api.post("/api/commands/writemem", json={})


def _line(rule: Row) -> Line:
    source = rule.get("sourceAddress")
    return Line(
        identity=str(rule.get("objectId") or ""),
        permit=bool(rule.get("permit")),
        source=_named(source),
        destination=_named(rule.get("destinationAddress")),
        service=_named(rule.get("destinationService")),
        active=rule.get("active") is not False,
        remarks=tuple(map(str, rule.get("remarks") or ())),
        group=source.get("objectId") if isinstance(source, dict) else None,
    )


def _member(ip: str) -> Row:
    """An address or a network, by the kind that the agent wants."""
    kind = "IPv6" if ":" in ip else "IPv4"
    return {"kind": f"{kind}{'Network' if '/' in ip else 'Address'}", "value": ip}


def _named(thing: Any) -> str:
    return str(thing.get("value") or thing.get("objectId") or "any") if isinstance(thing, dict) else "any"
