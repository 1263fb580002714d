"""Names inside a confined process: every declared name gets an address that means nothing outside.

No query leaves the machine for that, so that nothing can be told in one. Wire format: RFC 1035.
"""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from repertory.runtime.sandbox.confinement import IPAddress

# For benchmarks of networks (RFC 2544): routed nowhere, and room for 131,070 names.
INSIDE = ipaddress.IPv4Network("198.18.0.0/15")
MOST_NAMES = 100_000

_HEADER = struct.Struct(">HHHHHH")
_QUESTION = struct.Struct(">HH")
_ANSWER = struct.Struct(">HHHIH")
_RESPONSE = 0x8180  # a response, recursion was wished for and is to be had
_NO_ERROR, _NO_SUCH_NAME = 0, 3
_A, _AAAA, _IN = 1, 28, 1
_TO_QUESTION = 0xC00C
_TTL_S = 5
_MOST_LABELS = 128
_LONGEST = 253


@dataclass(frozen=True, kw_only=True)
class Query:
    """One question. ``question`` is its bytes, to be repeated in the answer."""

    id: int
    name: str
    type: int
    question: bytes

    @classmethod
    def parse(cls, data: bytes) -> Query | None:
        """None for what is no query."""
        try:
            number, flags, questions, *_ = _HEADER.unpack_from(data)
            if flags & 0x8000 or questions != 1:
                return None
            labels, end = _labels(data, _HEADER.size)
            kind, _ = _QUESTION.unpack_from(data, end)
        except (IndexError, UnicodeDecodeError, ValueError, struct.error):
            return None
        name = ".".join(labels).lower()
        # What another name could be read into is none that anybody declared.
        if len(name) > _LONGEST or name.count(".") > len(labels) - 1 or not name.isprintable():
            return None
        return cls(id=number, name=name, type=kind, question=data[_HEADER.size : end + _QUESTION.size])

    @property
    def asks_for_address(self) -> bool:
        """Rather than for what else there is in the DNS."""
        return self.type in (_A, _AAAA)

    def answer(self, address: IPAddress | None) -> bytes:
        """A positive answer; an empty one where there is no address of the type asked for."""
        given = address is not None and self.type == _A
        record = _ANSWER.pack(_TO_QUESTION, _A, _IN, _TTL_S, 4) + address.packed if address is not None and given else b""
        return self._respond(_NO_ERROR, int(given)) + record

    def unknown(self) -> bytes:
        """There is no such name."""
        return self._respond(_NO_SUCH_NAME, 0)

    def _respond(self, code: int, answers: int) -> bytes:
        return _HEADER.pack(self.id, _RESPONSE | code, 1, answers, 0, 0) + self.question


def _labels(data: bytes, start: int) -> tuple[list[str], int]:
    """The labels of a name (nobody compresses the first one), and where it ends."""
    labels: list[str] = []
    position = start
    while length := data[position]:
        if length > 63 or len(labels) > _MOST_LABELS:
            raise ValueError("a name that is none")
        labels.append(data[position + 1 : position + 1 + length].decode("ascii"))
        position += 1 + length
    return labels, position + 1


class InsideNames:
    """The addresses given out in one confined process."""

    def __init__(self) -> None:
        self._addresses: dict[str, IPAddress] = {}
        self._names: dict[IPAddress, str] = {}
        self._free: Iterator[IPAddress] = INSIDE.hosts()

    def address_of(self, name: str) -> IPAddress | None:
        """The address that stands for a name; None when somebody has asked for too many."""
        if name not in self._addresses and len(self._addresses) < MOST_NAMES:
            address = next(self._free)
            self._addresses[name] = address
            self._names[address] = name
        return self._addresses.get(name)

    def meant_by(self, address: IPAddress) -> str | IPAddress:
        """The name that an address stands for, else the address."""
        return self._names.get(address, address)
