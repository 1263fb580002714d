"""The seccomp filter of a confined process, as classic BPF (seccomp(2), linux/seccomp.h).

It is a list of refusals on top of the other walls: it takes away what goes around them (VSOCK, io_uring, a new user namespace)
and what only enlarges the attack surface of the kernel.
"""

from __future__ import annotations

import errno
import struct
from typing import TYPE_CHECKING, Literal

from repertory.runtime.sandbox.syscalls import (
    ABSENT,
    EXECUTING,
    FORKING,
    METADATA,
    NUMBERS,
    OF_OTHERS,
    REFUSED,
    SERVING,
    SHARED_OBJECTS,
    WATCHING,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# inet: IPv4 and IPv6, whatever the namespace offers; dialled: stream sockets that somebody else connects; none: no socket.
Network = Literal["inet", "dialled", "none"]

MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # column in NUMBERS, AUDIT_ARCH_…
_X32_BIT = 0x40000000  # x86_64 only: the same calls under other numbers

_INSTRUCTION = struct.Struct("<HBBI")  # struct sock_filter: code, jump if true, jump if false, constant
_LOAD, _AND, _RETURN = 0x20, 0x54, 0x06
_EQUAL, _AT_LEAST, _ANY_BIT = 0x15, 0x35, 0x45
_NUMBER_AT, _MACHINE_AT, _ARGUMENTS_AT = 0, 4, 16  # struct seccomp_data
_KILL, _ERRNO, _ALLOW = 0x80000000, 0x00050000, 0x7FFF0000

_AF_INET, _AF_INET6, _SOCK_STREAM, _TYPE_MASK = 2, 10, 1, 0xF
_MSG_FASTOPEN = 0x20000000
_CLONE_NAMESPACES = 0x7E020000  # CLONE_NEWNS, CGROUP, UTS, IPC, USER, PID, NET
_CLONE_THREAD = 0x00010000
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C

Code = bytes


def build_filter(machine: str, *, network: Network, programs: bool) -> Code:
    """The program for one architecture; raises KeyError for others. ``programs``: whether it may become another program."""
    column, token = MACHINES[machine]
    body = b"".join(_refusals(column, network, programs))
    guard = [
        _load(_MACHINE_AT), _jump(_EQUAL, token, 1, 0), _return(_KILL),
        _load(_NUMBER_AT), _jump(_AT_LEAST, _X32_BIT, 0, 1), _return(_KILL),
    ]  # fmt: skip
    return b"".join(guard) + body + _return(_ALLOW)


def _refusals(column: int, network: Network, programs: bool) -> Iterator[Code]:
    refused = REFUSED if programs else (*REFUSED, *EXECUTING, *FORKING)
    yield from (_refuse(number, errno.EPERM) for number in _numbers(refused, column))
    yield from (_refuse(number, errno.ENOSYS) for number in _numbers(ABSENT, column))
    yield _on("clone", column, _argument(0), _jump(_ANY_BIT, _CLONE_NAMESPACES, 0, 1), _denied())
    if not programs:  # threads, but no processes
        yield _on("clone", column, _argument(0), _jump(_ANY_BIT, _CLONE_THREAD, 1, 0), _denied())
    if network != "inet":
        yield from _of_the_machine(column)
    yield _on("ioctl", column, _argument(1), _jump(_EQUAL, _TIOCSTI, 1, 0), _jump(_EQUAL, _TIOCLINUX, 0, 1), _denied())
    # asyncio needs pairs of streams; a pair of datagram sockets could send to any socket that has a path.
    yield _on("socketpair", column, _argument(1), _and(_TYPE_MASK), _jump(_EQUAL, _SOCK_STREAM, 1, 0), _denied())
    yield from _sockets(column, network)


def _of_the_machine(column: int) -> Iterator[Code]:
    """What has no owner but the user, as long as there are no namespaces: processes, shared memory, attributes of files."""
    yield from (_refuse(number, errno.EPERM) for number in _numbers((*SHARED_OBJECTS, *WATCHING), column))
    # Nothing is done, and that is no error: every library that copies a file wants to.
    yield from (_refuse(number, 0) for number in _numbers(METADATA, column))
    for name, places in OF_OTHERS.items():
        for place in places:
            yield _on(name, column, _argument(place), _jump(_EQUAL, 0, 1, 0), _denied())


def _sockets(column: int, network: Network) -> Iterator[Code]:
    """The kernel reads family, type and flags as ``int``: the lower half of the argument is all there is to compare."""
    if network == "none":
        yield from (_refuse(number, errno.EPERM) for number in _numbers(("socket", *SERVING), column))
        return
    yield _on(
        "socket", column, _argument(0), _jump(_EQUAL, _AF_INET, 2, 0), _jump(_EQUAL, _AF_INET6, 1, 0), _denied()
    )  # fmt: skip
    if network == "inet":
        return
    yield _on("socket", column, _argument(1), _and(_TYPE_MASK), _jump(_EQUAL, _SOCK_STREAM, 1, 0), _denied())
    yield from (_refuse(number, errno.EPERM) for number in _numbers(SERVING, column))
    for name, flags in (("sendto", 3), ("sendmsg", 2), ("sendmmsg", 3)):  # TCP fast open connects by sending
        yield _on(name, column, _argument(flags), _jump(_ANY_BIT, _MSG_FASTOPEN, 0, 1), _denied())


def _numbers(names: Iterable[str], column: int) -> Iterator[int]:
    for name in names:
        number = NUMBERS[name][column]
        if number is not None:
            yield number


def _refuse(number: int, code: int) -> Code:
    return _jump(_EQUAL, number, 0, 1) + _return(_ERRNO | code)


def _on(name: str, column: int, *code: Code) -> Code:
    """Run this code for one call only, and have the number loaded again after it."""
    number = NUMBERS[name][column]
    assert number is not None
    inner = b"".join(code) + _load(_NUMBER_AT)
    return _jump(_EQUAL, number, 0, len(inner) // _INSTRUCTION.size) + inner


def _argument(index: int) -> Code:
    """The lower 32 bits; both architectures are little-endian."""
    return _load(_ARGUMENTS_AT + 8 * index)


def _load(offset: int) -> Code:
    return _INSTRUCTION.pack(_LOAD, 0, 0, offset)


def _and(mask: int) -> Code:
    return _INSTRUCTION.pack(_AND, 0, 0, mask)


def _jump(test: int, constant: int, if_true: int, if_false: int) -> Code:
    return _INSTRUCTION.pack(test, if_true, if_false, constant)


def _denied() -> Code:
    return _return(_ERRNO | errno.EPERM)


def _return(verdict: int) -> Code:
    return _INSTRUCTION.pack(_RETURN, 0, 0, verdict)
