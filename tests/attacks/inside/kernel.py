"""Calls of the kernel that lead out, or into code that few people look at."""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import sys
import termios
from typing import Any

from trying import LIBC, Stopped, attempt, check, in_child, syscall

NEW_MOUNTS, NEW_USER = 0x00020000, 0x10000000
SIGCHLD = 17


@attempt
def make_a_user_namespace(t: Any) -> str:
    return in_child(lambda: check(LIBC.unshare(NEW_USER), "unshare"))


@attempt
def make_a_user_namespace_by_clone(t: Any) -> str:
    return _reaped(syscall(t, "clone", NEW_USER | SIGCHLD, 0, 0, 0, 0))


@attempt
def make_a_user_namespace_by_clone3(t: Any) -> str:
    arguments = (ctypes.c_uint64 * 11)(NEW_USER, 0, 0, 0, SIGCHLD)
    return _reaped(syscall(t, "clone3", arguments, ctypes.sizeof(arguments)))


def _reaped(pid: int) -> str:
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return "made"


@attempt
def enter_the_namespaces_of_another_process(t: Any) -> str:
    def enter() -> None:
        descriptor = os.open(f"/proc/{t.victim}/ns/net", os.O_RDONLY)
        check(LIBC.setns(descriptor, 0), "setns")

    return in_child(enter)


@attempt
def mount_a_file_system(t: Any) -> str:
    def mount() -> None:
        check(LIBC.unshare(NEW_MOUNTS), "unshare")
        check(LIBC.mount(b"none", b"/mnt", b"tmpfs", 0, None), "mount")

    return in_child(mount)


@attempt
def mount_by_the_new_calls(t: Any) -> str:
    os.close(syscall(t, "fsopen", b"tmpfs", 0))
    return "opened"


@attempt
def take_a_mount_away(t: Any) -> str:
    def umount() -> None:
        check(LIBC.unshare(NEW_MOUNTS), "unshare")
        check(LIBC.mount(None, b"/", None, 0x44000, None), "mount")  # recursively private
        check(LIBC.umount2(b"/proc", 2), "umount2")

    return in_child(umount)


@attempt
def chroot(t: Any) -> str:
    return in_child(lambda: os.chroot("/"))


@attempt
def pivot_the_root(t: Any) -> str:
    def pivot() -> None:
        check(LIBC.unshare(NEW_MOUNTS), "unshare")
        check(LIBC.mount(None, b"/", None, 0x44000, None), "mount")
        check(LIBC.mount(b"none", b"/mnt", b"tmpfs", 0, None), "mount")
        os.makedirs("/mnt/old")
        syscall(t, "pivot_root", b"/mnt", b"/mnt/old")

    return in_child(pivot)


@attempt
def open_a_file_by_its_handle(t: Any) -> str:
    handle, mount = ctypes.create_string_buffer((128).to_bytes(4, sys.byteorder), 136), ctypes.c_int()
    syscall(t, "name_to_handle_at", -100, t.handled.encode(), handle, ctypes.byref(mount), 0)
    folder = os.open(os.path.dirname(t.handled), os.O_RDONLY)
    os.close(syscall(t, "open_by_handle_at", folder, handle, 0))
    return "opened"


@attempt
def use_the_kernel_keyring(t: Any) -> str:
    return str(syscall(t, "add_key", b"user", b"evil", b"x", 1, -1))  # of this thread only


@attempt
def list_the_keyring_of_the_session(t: Any) -> str:
    return str(syscall(t, "keyctl", 0, -3, 1))


@attempt
def load_a_bpf_map(t: Any) -> str:
    attributes = (ctypes.c_uint32 * 18)(2, 4, 4, 1)
    os.close(syscall(t, "bpf", 0, attributes, 72))
    return "made"


@attempt
def open_a_performance_counter(t: Any) -> str:
    fields = b"".join(one.to_bytes(size, sys.byteorder) for one, size in ((1, 4), (128, 4), (0, 8)))
    attributes = (fields + bytes(24) + (1 << 5).to_bytes(8, sys.byteorder)).ljust(128, b"\0")
    os.close(syscall(t, "perf_event_open", attributes, 0, -1, -1, 0))
    return "opened"


@attempt
def open_userfaultfd(t: Any) -> str:
    user_mode_only = 1
    os.close(syscall(t, "userfaultfd", user_mode_only))
    return "opened"


@attempt
def open_io_uring(t: Any) -> str:
    os.close(syscall(t, "io_uring_setup", 1, bytes(120)))
    return "opened"


@attempt
def switch_off_the_random_places_of_memory(t: Any) -> str:
    no_randomness = 0x0040000
    now = check(LIBC.personality(0xFFFFFFFF), "personality")
    check(LIBC.personality(now | no_randomness), "personality")
    LIBC.personality(now)
    return "switched"


@attempt
def type_into_a_terminal(t: Any) -> str:
    def push() -> None:
        leader, follower = os.openpty()
        os.setsid()
        fcntl.ioctl(follower, termios.TIOCSCTTY, 0)
        fcntl.ioctl(follower, termios.TIOCSTI, b"x")
        os.close(leader)

    return in_child(push)


@attempt
def reach_the_terminal_of_the_user(t: Any) -> str:
    os.close(os.open("/dev/tty", os.O_RDWR))
    return "opened"


@attempt
def call_the_kernel_by_numbers_of_another_kind(t: Any) -> str:
    if sys.maxsize < 2**32 or os.uname().machine != "x86_64":
        raise Stopped("this machine has no other kind")
    x32 = 0x40000000
    return in_child(lambda: check(LIBC.syscall(ctypes.c_long(x32 | t.numbers["socket"]), socket.AF_UNIX, 1, 0), "x32"))


@attempt
def name_the_machine(t: Any) -> str:
    socket.sethostname(t.hostname)
    return "named"
