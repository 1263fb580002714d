"""The filters of system calls for both architectures, by interpretation, and for this one by the kernel."""

from __future__ import annotations

import errno
import json
import platform
import socket
import subprocess
import sys

import pyseccomp
import pytest

from bpf import ALLOW, ERRNO, KILL, jumps_stay_inside, verdict
from confined import SDK, folder_of
from repertory.runtime.sandbox.landlock import filter_text
from repertory.runtime.sandbox.seccomp import MACHINES, Network, build_filter
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

EPERM, ENOSYS = ERRNO | errno.EPERM, ERRNO | errno.ENOSYS
NETWORKS: tuple[Network, ...] = ("inet", "dialled", "none")
NAMED = {"x86_64": pyseccomp.Arch.X86_64, "aarch64": pyseccomp.Arch.AARCH64}
# Younger than some libseccomp.
YOUNG = ("fchmodat2", "file_setattr", "removexattrat", "setxattrat")
# Found nowhere in the filter, and needed by everybody.
HARMLESS = ("read", "write", "openat", "mmap", "futex", "exit_group", "getrandom", "wait4", "recvfrom", "pipe2", "kill", "epoll_pwait")


@pytest.fixture(params=MACHINES)
def machine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def number_of(machine: str, name: str) -> int:
    """As libseccomp knows it; negative where an architecture has no such call."""
    return int(pyseccomp.resolve_syscall(NAMED[machine], name))


def asked(machine: str, name: str, *arguments: int, network: Network = "inet", programs: bool = True) -> int:
    program = build_filter(machine, network=network, programs=programs)
    return verdict(program, machine=MACHINES[machine][1], number=number_of(machine, name), arguments=arguments)


@pytest.mark.parametrize("name", sorted(NUMBERS))
def test_numbers_are_those_of_libseccomp(machine: str, name: str) -> None:
    own = NUMBERS[name][MACHINES[machine][0]]
    known = number_of(machine, name)
    if known >= 0 or name not in YOUNG:
        assert own == (known if known >= 0 else None)
    else:  # 403 and later are the same everywhere
        assert own == NUMBERS[name][0] == NUMBERS[name][1]


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("programs", [True, False])
def test_a_program_is_well_formed(machine: str, network: Network, programs: bool) -> None:
    program = build_filter(machine, network=network, programs=programs)
    assert jumps_stay_inside(program)
    assert len(program) // 8 <= 4096


@pytest.mark.parametrize("network", NETWORKS)
def test_every_call_of_the_list_is_refused_and_no_other(machine: str, network: Network) -> None:
    refused = {name: EPERM for name in (*REFUSED, *EXECUTING, *FORKING)} | {name: ENOSYS for name in ABSENT}
    if network != "inet":
        refused |= {name: EPERM for name in (*SHARED_OBJECTS, *WATCHING)} | {name: ERRNO for name in METADATA}
    if network == "none":
        refused |= {name: EPERM for name in ("socket", *SERVING)}
    if network == "dialled":
        refused |= {name: EPERM for name in SERVING}
    expected = {NUMBERS[name][MACHINES[machine][0]]: code for name, code in refused.items()}
    names = ("socket", "socketpair", "sendto", "sendmsg", "sendmmsg", "clone", "ioctl", *OF_OTHERS)
    special = {NUMBERS[name][MACHINES[machine][0]] for name in names}
    program = build_filter(machine, network=network, programs=False)
    for number in range(600):
        found = verdict(program, machine=MACHINES[machine][1], number=number)
        if number in expected:
            assert found == expected[number], number
        elif number not in special:
            assert found == ALLOW, number


def test_programs_can_be_started_where_they_may(machine: str) -> None:
    assert [asked(machine, name) for name in EXECUTING] == [ALLOW, ALLOW]
    assert [asked(machine, name, programs=False) for name in EXECUTING] == [EPERM, EPERM]


@pytest.mark.parametrize("name", HARMLESS)
def test_what_everybody_needs_is_allowed(machine: str, name: str) -> None:
    assert [asked(machine, name, network=network) for network in NETWORKS] == [ALLOW] * 3


def test_calls_of_another_architecture_end_the_process(machine: str) -> None:
    program = build_filter(machine, network="inet", programs=True)
    for other in (0x40000003, 0xC00000B7 if machine == "x86_64" else 0xC000003E, 0):  # i386, the other one, none
        assert verdict(program, machine=other, number=0) == KILL
    assert verdict(program, machine=MACHINES[machine][1], number=0x40000000 | 41) == KILL
    assert verdict(program, machine=MACHINES[machine][1], number=-1) == KILL


@pytest.mark.parametrize(
    ("family", "kind", "inet", "dialled"),
    [
        (socket.AF_INET, socket.SOCK_STREAM, ALLOW, ALLOW),
        (socket.AF_INET6, socket.SOCK_STREAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK, ALLOW, ALLOW),
        (socket.AF_INET, socket.SOCK_DGRAM, ALLOW, EPERM),
        (socket.AF_INET, socket.SOCK_RAW, ALLOW, EPERM),
        (socket.AF_UNIX, socket.SOCK_STREAM, EPERM, EPERM),
        (socket.AF_UNIX, socket.SOCK_DGRAM, EPERM, EPERM),
        (socket.AF_NETLINK, socket.SOCK_RAW, EPERM, EPERM),
        (socket.AF_PACKET, socket.SOCK_RAW, EPERM, EPERM),
        (40, socket.SOCK_STREAM, EPERM, EPERM),  # AF_VSOCK
        (44, socket.SOCK_RAW, EPERM, EPERM),  # AF_XDP
    ],
)
def test_sockets(machine: str, family: int, kind: int, inet: int, dialled: int) -> None:
    assert asked(machine, "socket", family, kind) == inet
    assert asked(machine, "socket", family, kind, network="dialled") == dialled
    assert asked(machine, "socket", family, kind, network="none") == EPERM


def test_the_upper_half_of_an_argument_hides_nothing(machine: str) -> None:
    """The kernel does not look at it."""
    high = 1 << 32
    assert asked(machine, "socket", high | socket.AF_UNIX, socket.SOCK_STREAM) == EPERM
    assert asked(machine, "ioctl", 0, high | 0x5412) == EPERM
    assert asked(machine, "socket", socket.AF_INET, high | socket.SOCK_DGRAM, network="dialled") == EPERM


def test_pairs_are_of_streams(machine: str) -> None:
    for network in NETWORKS:
        assert asked(machine, "socketpair", socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC, network=network) == ALLOW
        assert asked(machine, "socketpair", socket.AF_UNIX, socket.SOCK_DGRAM, network=network) == EPERM
        assert asked(machine, "socketpair", socket.AF_UNIX, socket.SOCK_SEQPACKET, network=network) == EPERM


def test_nobody_connects_by_sending(machine: str) -> None:
    for name, at in (("sendto", 3), ("sendmsg", 2), ("sendmmsg", 3)):
        flags = (*[0] * at, socket.MSG_FASTOPEN)
        assert asked(machine, name, *flags, network="dialled") == EPERM
        assert asked(machine, name, network="dialled") == ALLOW
        assert asked(machine, name, *flags) == ALLOW  # the namespace has its own network


def test_new_threads_and_processes_but_no_namespaces(machine: str) -> None:
    thread, fork = 0x3D0F00, 0x1200011  # what the C library asks for
    assert [asked(machine, "clone", flags) for flags in (thread, fork)] == [ALLOW, ALLOW]
    for flag in (0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000):
        assert asked(machine, "clone", fork | flag) == EPERM


def test_typing_into_a_terminal(machine: str) -> None:
    assert [asked(machine, "ioctl", 0, request) for request in (0x5412, 0x541C)] == [EPERM, EPERM]
    assert asked(machine, "ioctl", 0, 0x5401) == ALLOW  # TCGETS


def test_other_machines_have_no_filter() -> None:
    with pytest.raises(KeyError):
        build_filter("riscv64", network="inet", programs=True)


CODE = """
import errno, json, os, socket, sys
sys.path[:0] = sys.argv[1:3]
from repertory_sdk.confining import confine
confine({"filter": sys.argv[3]})
def code(call, *arguments):
    try:
        call(*arguments)
    except OSError as error:
        return errno.errorcode[error.errno]
    return "fine"
print(json.dumps([code(socket.socket), code(socket.socket, socket.AF_UNIX), code(os.execv, "/bin/true", ["true"]),
                  code(socket.socketpair), code(os.chroot, "/")]))
"""


@pytest.mark.skipif(platform.machine() not in MACHINES, reason="no filter for this machine")
def test_the_kernel_takes_the_program() -> None:
    command = [sys.executable, "-c", CODE, str(SDK), str(folder_of("pluggy")), filter_text(network="none", programs=False)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL)
    assert json.loads(done.stdout) == ["EPERM", "EPERM", "EPERM", "fine", "EPERM"]
