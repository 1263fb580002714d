"""What a confined process may reach, and at which addresses."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from repertory.runtime.sandbox.confinement import ANY_HOST, HostRule, IPAddress, is_link_local, is_public

if TYPE_CHECKING:
    from collections.abc import Sequence

RESOLVE_S = 10.0
_WHO_MAY = "only the settings of an asset may name such hosts"


class Refused(Exception):
    """Nobody declared this, or it leads where nobody may be led; the reason in one clause."""


@dataclass(frozen=True, kw_only=True)
class Policy:
    """Everything that is not declared is refused. ``lookups``: names whose DNS records may be asked for.

    ``within``: where it is set, one of these must permit a connection as well.
    """

    hosts: Sequence[HostRule] = ()
    within: Sequence[HostRule] | None = None
    lookups: Sequence[str] = ()

    def ports(self, *, udp: bool) -> list[int]:
        """The only ports at which the process finds anybody."""
        return sorted({rule.port for rule in self.hosts if rule.udp == udp})

    def knows_name(self, name: str) -> bool:
        """Whether there is any port at which this name may be reached."""
        return any(rule.covers_name(name) for rule in self.hosts)

    def may_look_up(self, name: str) -> bool:
        """Whether real DNS records of this name may be asked for."""
        return any(HostRule(host=pattern, port=53).covers_name(name) for pattern in self.lookups)

    def covers(self, target: str | IPAddress, port: int, *, udp: bool) -> HostRule | None:
        """The rule that permits this name or address; one that the user wrote goes first."""
        matching = [rule for rule in self.hosts if _permits(rule, target, port, udp=udp)]
        return next((rule for rule in matching if rule.by_user), matching[0] if matching else None)

    async def addresses(self, target: str | IPAddress, port: int, *, udp: bool = False) -> list[IPAddress]:
        """Where to dial; raises Refused, and OSError when a name has no address.

        A name is resolved now, and what is dialled is what was checked: a name that suddenly leads to this machine or the
        inner network is of no use.
        """
        rule = self.covers(target, port, udp=udp)
        if rule is None:
            raise Refused("never declared")
        if self.within is not None and not any(_permits(other, target, port, udp=udp) for other in self.within):
            raise Refused("is declared, but not permitted by [isolation.hosts] in config.toml")
        if not isinstance(target, str):
            if not rule.by_user and not is_public(target):
                raise Refused(f"is not a public address; {_WHO_MAY}")
            return [target]
        found = await _resolve(target, port)
        permitted = [address for address in found if self._may_lead_to(rule, address, port, udp=udp)]
        if not permitted:
            listed = ", ".join(map(str, found))
            raise Refused(f"leads to {listed}, which is not a public address; {_WHO_MAY}")
        return permitted

    def _may_lead_to(self, rule: HostRule, address: IPAddress, port: int, *, udp: bool) -> bool:
        if is_public(address):
            return True
        if rule.by_user and rule.host != ANY_HOST and not is_link_local(address):
            return True
        return any(_permits(other, address, port, udp=udp) for other in self.hosts if other.by_user)


def _permits(rule: HostRule, target: str | IPAddress, port: int, *, udp: bool) -> bool:
    if (rule.port, rule.udp) != (port, udp):
        return False
    return rule.covers_name(target) if isinstance(target, str) else rule.covers_address(target)


async def _resolve(name: str, port: int) -> list[IPAddress]:
    """Whatever this machine itself would use."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(RESOLVE_S):
        try:
            found = await loop.getaddrinfo(name, port, type=socket.SOCK_STREAM)
        except ValueError:  # a label that is too long, or a zero byte
            raise OSError("is no name") from None
    addresses = (ipaddress.ip_address(str(info[4][0]).partition("%")[0]) for info in found)
    return list(dict.fromkeys(addresses))
