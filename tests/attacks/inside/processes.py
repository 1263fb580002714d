"""Other processes, and outliving the own one."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from trying import LIBC, Stopped, attempt, check, in_child, syscall


@attempt
def read_the_variables_of_another_process(t: Any) -> str:
    return f"{len(Path(f'/proc/{t.victim}/environ').read_bytes())} bytes"


@attempt
def find_a_token_in_the_variables_of_any_process(t: Any) -> str:
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if t.token.encode() in path.read_bytes():
                return str(path)
        except OSError:
            continue
    raise Stopped("in none that can be seen")


@attempt
def find_a_token_in_its_own_variables(t: Any) -> str:
    if not any(t.token in value for value in os.environ.values()):
        raise Stopped("not there")
    return "found"


@attempt
def read_the_command_line_of_another_process(t: Any) -> str:
    return f"{len(Path(f'/proc/{t.victim}/cmdline').read_bytes())} bytes"


@attempt
def read_the_memory_of_another_process(t: Any) -> str:
    with open(f"/proc/{t.victim}/mem", "rb") as file:
        return str(file)


@attempt
def signal_another_process(t: Any) -> str:
    os.kill(t.victim, signal.SIGCONT)
    return "sent"


@attempt
def signal_the_tool(t: Any) -> str:
    os.kill(t.tool, signal.SIGCONT)
    return "sent"


@attempt
def queue_a_signal_by_a_pidfd(t: Any) -> str:
    descriptor = syscall(t, "pidfd_open", t.victim, 0)
    try:
        return str(syscall(t, "pidfd_send_signal", descriptor, signal.SIGCONT, None, 0))
    finally:
        os.close(descriptor)


@attempt
def ptrace_another_process(t: Any) -> str:
    attach, detach = 16, 17
    check(int(LIBC.ptrace(attach, t.victim, None, None)), "ptrace")
    os.waitpid(t.victim, 0x40000000)  # __WALL
    LIBC.ptrace(detach, t.victim, None, None)
    return "attached"


class _Piece(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("size", ctypes.c_size_t)]


@attempt
def read_by_process_vm_readv(t: Any) -> str:
    buffer = ctypes.create_string_buffer(8)
    here, there = _Piece(ctypes.addressof(buffer), 8), _Piece(t.victim_address, 8)
    return str(syscall(t, "process_vm_readv", t.victim, ctypes.byref(here), 1, ctypes.byref(there), 1, 0))


@attempt
def take_a_descriptor_by_pidfd_getfd(t: Any) -> str:
    descriptor = syscall(t, "pidfd_open", t.victim, 0)
    try:
        os.close(syscall(t, "pidfd_getfd", descriptor, t.victim_descriptor, 0))
    finally:
        os.close(descriptor)
    return "taken"


@attempt
def set_limits_of_another_process(t: Any) -> str:
    now = resource.prlimit(t.victim, resource.RLIMIT_CORE)
    resource.prlimit(t.victim, resource.RLIMIT_CORE, now)
    return "set"


@attempt
def slow_another_process_down(t: Any) -> str:
    os.setpriority(os.PRIO_PROCESS, t.victim, os.getpriority(os.PRIO_PROCESS, t.victim))
    return "set"


@attempt
def slow_everything_of_the_user_down(t: Any) -> str:
    os.setpriority(os.PRIO_USER, 0, 0)
    if t.level == "namespaces":
        raise Stopped("its own processes only; nobody else's can be seen")
    return "set"


@attempt
def pin_another_process_to_a_processor(t: Any) -> str:
    os.sched_setaffinity(t.victim, os.sched_getaffinity(t.victim))
    return "set"


@attempt
def read_shared_memory_of_another_process(t: Any) -> str:
    LIBC.shmat.restype = ctypes.c_void_p
    number = check(int(LIBC.shmget(ctypes.c_int(t.shared_memory), 0, 0o600)), "shmget")
    return f"segment {number}"


@attempt
def outlive_its_worker_as_a_daemon(t: Any) -> str:
    return _leave_behind(t.mark, as_daemon=True)  # the test looks whether it is still there afterwards


@attempt
def outlive_its_worker_by_dying_first(t: Any) -> str:
    _leave_behind(t.mark, as_daemon=True)
    os._exit(9)


@attempt
def outlive_its_worker_deaf_to_signals(t: Any) -> str:
    return _leave_behind(t.mark, as_daemon=False)


def _leave_behind(mark: str, *, as_daemon: bool) -> str:
    """A program that can be seen from outside by its command line; returns once it is that program."""
    reader, writer = os.pipe()
    if os.fork() == 0:
        if as_daemon:
            os.setsid()
            if os.fork():
                os._exit(0)
        for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(number, signal.SIG_IGN)
        os.closerange(0, writer)
        os.closerange(writer + 1, 1024)
        os.execv(sys.executable, [sys.executable, "-I", "-S", "-c", "import time; time.sleep(60)", mark])
    os.close(writer)
    os.read(reader, 1)
    os.close(reader)
    return "started"


@attempt
def start_a_program_that_was_not_declared(t: Any) -> str:
    return subprocess.check_output(["/bin/sh", "-c", "echo started"], text=True)


@attempt
def start_any_program(t: Any) -> str:
    in_child(lambda: os.execv(sys.executable, [sys.executable, "-I", "-S", "-c", ""]))
    return "started"


@attempt
def gain_rights_by_a_setuid_program(t: Any) -> str:
    get_no_new_privileges = 39
    if LIBC.prctl(get_no_new_privileges, 0, 0, 0, 0) == 1:
        raise Stopped("no program gives it more rights")
    return "possible"


@attempt
def use_capabilities_of_root(t: Any) -> str:
    header, data = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    check(LIBC.capget(header, data), "capget")
    if not any(data):
        raise Stopped("it has none")
    return str(list(data))


@attempt
def ignore_its_time(t: Any) -> str:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(300)
    return "slept"
