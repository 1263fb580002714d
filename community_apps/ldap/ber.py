"""As much of BER (X.690) as LDAP needs: tag, length, value; for the simulator."""

from __future__ import annotations

from typing import Iterator, List, NamedTuple, Sequence, Union


class Node(NamedTuple):
    """A decoded value; ``parts`` of what is constructed, ``content`` of what is not."""

    tag: int
    content: bytes

    @property
    def parts(self) -> List[Node]:
        """What it consists of."""
        return list(decoded(self.content))

    @property
    def text(self) -> str:
        """The content as text."""
        return self.content.decode("utf-8", "replace")

    @property
    def number(self) -> int:
        """The content as a number."""
        return int.from_bytes(self.content, "big", signed=True)


def decoded(data: bytes) -> Iterator[Node]:
    """The values in these bytes; ValueError where they end too early."""
    while data:
        size = whole(data)
        if size is None or size > len(data):
            raise ValueError("cut off")
        head = 2 + (data[1] & 0x7F if data[1] & 0x80 else 0)
        yield Node(data[0], data[head:size])
        data = data[size:]


def whole(data: bytes) -> Union[int, None]:
    """How many bytes the first value takes; None where too few are here to tell."""
    if len(data) < 2:
        return None
    if not data[1] & 0x80:
        return 2 + data[1]
    head = 2 + (data[1] & 0x7F)
    return head + int.from_bytes(data[2:head], "big") if len(data) >= head else None


def encoded(tag: int, content: Union[bytes, str, int, Sequence[bytes]]) -> bytes:
    """One value."""
    if isinstance(content, int):
        content = content.to_bytes(content.bit_length() // 8 + 1, "big", signed=True)
    elif isinstance(content, str):
        content = content.encode()
    elif not isinstance(content, bytes):
        content = b"".join(content)
    size = len(content)
    long = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag]) + (bytes([size]) if size < 128 else bytes([0x80 | len(long)]) + long) + content
