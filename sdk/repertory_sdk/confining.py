"""Walls that a process puts up around itself before it runs content: it can take rights away from itself, never get them back.

Also a program of its own (standard library only): ``main([PLAN, COMMAND, ARGUMENT...])`` confines this process and becomes the
command. Each app waits for that when it starts, hence the few imports. A plan is a dictionary (``main`` takes what ``marshal``
makes of it, in base64):

``landlock``: ``{"read": [...], "write": [...], "start": [...]}``, what of the file system can still be reached (landlock(7));
``alone``: ``{"hide": [...], "show": [...]}``, namespaces of its own in which folders are hidden and some of what is in them is
shown (user_namespaces(7), mount_namespaces(7), pid_namespaces(7));
``limits``: ``{"RLIMIT_AS": [soft, hard]}``; ``filter``: a seccomp program in base64 (seccomp(2)).
"""

from __future__ import annotations

import binascii
import ctypes
import marshal
import os
import resource
import stat
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterable, Mapping

# linux/landlock.h: rights by the version of the interface that brought them
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_RIGHTS = ((1, (1 << 13) - 1), (2, 1 << 13), (3, 1 << 14), (5, 1 << 15))
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | 1 << 14 | 1 << 15
_NO_TCP = 0b11  # bind and connect, since version 4
_SCOPES = 0b11  # abstract sockets and signals, since version 6
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446

# linux/prctl.h, linux/seccomp.h, linux/sched.h, linux/mount.h
_PR_SET_PDEATHSIG, _PR_SET_SECCOMP, _PR_SET_CHILD_SUBREAPER, _PR_SET_NO_NEW_PRIVS = 1, 22, 36, 38
_SECCOMP_MODE_FILTER = 2
_SIGKILL = 9  # signal(7)
_NEW_MOUNTS, _NEW_PIDS, _NEW_USER, _NEW_IPC = 0x00020000, 0x20000000, 0x10000000, 0x08000000
_READ_ONLY, _NO_SUID, _NO_DEVICES, _NO_EXEC = 1, 2, 4, 8
_REMOUNT, _BIND, _RECURSIVE, _PRIVATE = 32, 4096, 16384, 1 << 18

_libc = ctypes.CDLL(None, use_errno=True)


def confine(plan: Mapping[str, Any]) -> None:
    """Do what the plan says; raises OSError when a wall cannot be put up."""
    for name, value in plan.get("limits", {}).items():
        resource.setrlimit(getattr(resource, name), tuple(value))
    if "alone" in plan:
        _be_alone(plan["alone"])
    _call("prctl", _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if "landlock" in plan:
        _restrict_files(plan["landlock"])
        _drop_capabilities()
        _call("prctl", _PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # whoever ends this process finds all that it started
    if "filter" in plan:
        _filter_calls(binascii.a2b_base64(plan["filter"]))


def landlock_version() -> int:
    """The version of the kernel's interface; 0 where there is none."""
    return max(0, int(_libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(1))))


def _call(name: str, *arguments: Any) -> int:
    result = int(getattr(_libc, name)(*arguments))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")
    return result


# ------------------------------------------------------------------ landlock


def _restrict_files(rules: Mapping[str, Iterable[str]]) -> None:
    version = landlock_version()
    if version == 0:
        raise OSError("this kernel has no Landlock")
    handled = sum(rights for since, rights in _RIGHTS if version >= since)
    attributes = struct.pack("=QQQ", handled, _NO_TCP if version >= 4 else 0, _SCOPES if version >= 6 else 0)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = _call("syscall", _CREATE_RULESET, attributes, ctypes.c_size_t(size), ctypes.c_uint32(0))
    read = _READ_FILE | _READ_DIR
    for paths, rights in (
        (rules["read"], read), (rules["start"], read | _EXECUTE), (rules["write"], handled & ~_EXECUTE),
    ):  # fmt: skip
        for path in paths:
            _permit(ruleset, path, rights & handled)
    _call("syscall", _RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    os.close(ruleset)


def _permit(ruleset: int, path: str, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        given = rights if stat.S_ISDIR(os.fstat(descriptor).st_mode) else rights & _OF_FILES
        rule = struct.pack("=Qi", given, descriptor)
        _call("syscall", _ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(1), rule, ctypes.c_uint32(0))
    finally:
        os.close(descriptor)


# ---------------------------------------------------------------- namespaces


def _be_alone(plan: Mapping[str, Iterable[str]]) -> None:
    """Processes and mounts of its own. Returns in a child: the process that called waits for it and ends as it does."""
    user, group = os.getuid(), os.getgid()
    _call("unshare", _NEW_USER | _NEW_MOUNTS | _NEW_IPC | _NEW_PIDS)
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)
    _mount(None, "/", None, _RECURSIVE | _PRIVATE)
    for folder in plan["hide"]:
        _hide(folder, [path for path in plan["show"] if path.startswith(f"{folder}/")])
    for folder in ("/tmp", "/dev/shm"):  # all that could be written, and every other playbook would find there
        _mount(None, folder, None, _REMOUNT | _BIND | _READ_ONLY | _NO_SUID | _NO_DEVICES)
    _mount("tmpfs", "/proc", "tmpfs", _READ_ONLY | _NO_SUID | _NO_DEVICES | _NO_EXEC, "size=4k")
    _fork_and_follow()


def _hide(folder: str, shown: "list[str]") -> None:
    """An empty folder in its place, with the shown ones in it."""
    held = [os.open(path, os.O_PATH | os.O_CLOEXEC) for path in shown]
    _mount("tmpfs", folder, "tmpfs", _NO_SUID | _NO_DEVICES, "size=64k,mode=755")
    for path, descriptor in zip(shown, held):
        os.makedirs(path, exist_ok=True)
        _mount(f"/proc/self/fd/{descriptor}", path, None, _BIND | _RECURSIVE)
        os.close(descriptor)
    _mount(None, folder, None, _REMOUNT | _READ_ONLY | _NO_SUID | _NO_DEVICES)


def _mount(source: "str | None", target: str, kind: "str | None", flags: int, options: str = "") -> None:
    texts = [None if text is None else text.encode() for text in (source, target, kind)]
    _call("mount", *texts, ctypes.c_ulong(flags), options.encode() or None)


def _drop_capabilities() -> None:
    header = struct.pack("=Ii", 0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3, this process
    _call("capset", header, bytes(24))


def _fork_and_follow() -> None:
    """The first process of a process namespace cannot be ended by its own signals; so it only waits for the second."""
    pid = os.fork()
    if pid == 0:  # the first in the namespace
        _call("prctl", _PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)
        inner = os.fork()
        if inner == 0:
            _drop_capabilities()
            return
        os._exit(_status_of(inner))
    os._exit(_status_of(pid))


def _status_of(pid: int) -> int:
    """As shells say it: 128 and the number of the signal, where there was one. Orphans of the namespace are buried as well."""
    _close_inherited()
    while True:
        ended, status = os.waitpid(-1, 0)
        if ended == pid:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


def _close_inherited() -> None:
    """Whoever waits must not hold the pipes of the one he waits for open."""
    os.closerange(0, 4096)


# ------------------------------------------------------------------- seccomp


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_char_p)]


def _filter_calls(code: bytes) -> None:
    program = _Program(len(code) // 8, code)
    _call("prctl", _PR_SET_SECCOMP, ctypes.c_ulong(_SECCOMP_MODE_FILTER), ctypes.byref(program), 0, 0)


def main(arguments: "list[str]") -> None:
    """Confine this process, then become the command."""
    confine(marshal.loads(binascii.a2b_base64(arguments[0])))
    os.execv(arguments[1], arguments[1:])
