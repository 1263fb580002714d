"""What the app asks of a firewall, whichever way it is reached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional, Protocol, Tuple

PRODUCT = "Cisco ASA"
REMARK = "repertory"
ANYBODY = ("any", "any4")


@dataclass(frozen=True)
class Port:
    """A port to block: of one address, or of all where ``ip`` is empty."""

    number: int
    protocol: str
    ip: str

    @property
    def service(self) -> str:
        """As rules show it."""
        return f"{self.protocol}/{self.number}"


@dataclass(frozen=True)
class Line:
    """One rule. ``service`` is a protocol, with its port behind a slash; ``group`` is the group it looks at, as source.

    ``text`` is how the command line has it, and ``number`` where: a remark is a line, too.
    """

    identity: str
    permit: bool
    source: str
    destination: str
    service: str
    active: bool
    remarks: Tuple[str, ...]
    group: Optional[str] = None
    text: str = ""
    number: int = 0

    def denies(self, port: Port) -> bool:
        """Whether it is about this port for everybody who comes."""
        wanted = (port.ip,) if port.ip else ANYBODY
        return not self.permit and self.service == port.service and self.destination in wanted

    @property
    def is_ours(self) -> bool:
        """Whether the app made it."""
        return REMARK in self.remarks


class Device(Protocol):
    """One firewall, as long as it is talked to."""

    def __enter__(self) -> Device: ...

    def __exit__(self, *_: object) -> None: ...

    def serial(self) -> str:
        """Its serial number."""

    def said(self, command: str) -> str:
        """What a command that only looks prints."""

    def members(self) -> Optional[List[str]]:
        """Blocked addresses and networks; None where there is no such group."""

    def rules(self) -> List[Line]:
        """Every rule of the interface, in order."""

    def add(self, ip: str, members: Optional[List[str]]) -> None:
        """Put an address into the group, which has these members."""

    def deny_group(self) -> None:
        """See that a rule denies the group."""

    def remove(self, ip: str, members: List[str]) -> None:
        """Take an address out of the group; with the last one the group goes, and its rule."""

    def block_port(self, port: Port) -> bool:
        """See that a rule denies a port; whether it was not there."""

    def unblock_port(self, port: Port) -> bool:
        """Remove our rules that deny a port; whether there were any."""

    def is_blocked(self, port: Port) -> bool:
        """Whether a rule denies it."""


def refusal(command: str, said: str) -> str:
    """What to say of a command that is refused."""
    return f"{PRODUCT} refuses {command!r}: {' '.join(said.split())[:200]}"
