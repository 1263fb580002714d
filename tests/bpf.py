"""An interpreter for the classic BPF of seccomp filters: it shows what a filter does on machines that are not this one."""

from __future__ import annotations

import operator
import struct

_INSTRUCTION = struct.Struct("<HBBI")  # struct sock_filter
_CALL = struct.Struct("<iIQ6Q")  # struct seccomp_data
_TESTS = {0x15: operator.eq, 0x25: operator.gt, 0x35: operator.ge, 0x45: operator.and_}
ALLOW, KILL, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000


def verdict(program: bytes, *, machine: int, number: int, arguments: tuple[int, ...] = ()) -> int:
    """What the kernel would do with a system call."""
    call = _CALL.pack(number, machine, 0, *(*arguments, *[0] * 6)[:6])
    code = list(_INSTRUCTION.iter_unpack(program))
    value = at = 0
    while True:
        operation, if_true, if_false, constant = code[at]
        at += 1
        if operation == 0x06:
            return int(constant)
        if operation == 0x20:
            (value,) = struct.unpack_from("<I", call, constant)
        elif operation == 0x54:
            value &= constant
        else:
            at += if_true if _TESTS[operation](value, constant) else if_false


def jumps_stay_inside(program: bytes) -> bool:
    """What the kernel checks when a filter is loaded."""
    code = list(_INSTRUCTION.iter_unpack(program))
    ends = code[-1][0] == 0x06
    return ends and all(operation not in _TESTS or at + 1 + max(yes, no) < len(code) for at, (operation, yes, no, _) in enumerate(code))
