"""What belongs to others: files, environments, code."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path
from typing import Any

from trying import LIBC, Stopped, attempt, check


def _read(path: Any) -> str:
    return f"{len(Path(path).read_bytes())} bytes"


def _create(path: Any) -> str:
    with open(path, "x"):
        pass
    os.unlink(path)
    return "created"


def _append(path: Any) -> str:
    with open(path, "ab"):
        return "opened for writing"


@attempt
def read_a_key_in_the_home_of_the_user(t: Any) -> str:
    return _read(t.key_file)


@attempt
def list_the_home_of_the_user(t: Any) -> str:
    names = os.listdir(t.user_home)
    if ".ssh" not in names:
        raise Stopped("a folder of its own, at the same place")
    return f"{len(names)} names"


@attempt
def read_the_secrets_of_all_assets(t: Any) -> str:
    return _read(t.secrets)


@attempt
def read_the_record_of_all_runs(t: Any) -> str:
    return _read(t.database)


@attempt
def read_the_code_of_other_content(t: Any) -> str:
    return _read(t.other_code)


@attempt
def read_the_environment_of_another_app(t: Any) -> str:
    return _read(t.other_environment_file)


@attempt
def read_the_accounts_of_the_machine(t: Any) -> str:
    text = Path("/etc/passwd").read_text()
    if "root:" not in text:
        raise Stopped("a list of its own")
    return f"{len(text)} characters"


@attempt
def read_through_a_symbolic_link(t: Any) -> str:
    link = Path(tempfile.mkdtemp(), "link")
    link.symlink_to(t.key_file)
    return _read(link)


@attempt
def read_through_the_root_of_a_process(t: Any) -> str:
    return _read(f"/proc/{t.victim}/root{t.key_file}")


@attempt
def read_through_its_own_root_in_proc(t: Any) -> str:
    return _read(f"/proc/self/root{t.key_file}")


@attempt
def leave_through_dotdot(t: Any) -> str:
    return _read("/".join([tempfile.gettempdir(), *[".."] * 20, t.key_file]))


@attempt
def find_an_inherited_descriptor(t: Any) -> str:
    for number in range(3, 1024):
        try:
            status = os.fstat(number)
        except OSError:
            continue
        if [status.st_dev, status.st_ino] == t.inherited:
            return f"descriptor {number}"
    raise Stopped("none is the file")


@attempt
def learn_the_size_of_a_file_it_may_not_read(t: Any) -> str:
    return f"{os.stat(t.key_file).st_size} bytes"


@attempt
def watch_names_of_new_files(t: Any) -> str:
    descriptor = check(LIBC.inotify_init(), "inotify_init")
    try:
        return str(check(LIBC.inotify_add_watch(descriptor, os.path.dirname(t.key_file).encode(), 0x100), "inotify_add_watch"))
    finally:
        os.close(descriptor)


@attempt
def write_into_the_home_of_the_user(t: Any) -> str:
    Path(t.user_home, ".left").write_text("x")  # the test looks whether it is there outside
    return "written"


@attempt
def change_its_own_code(t: Any) -> str:
    return _append(t.own_code)


@attempt
def rename_its_own_code(t: Any) -> str:
    os.rename(t.own_code, f"{t.own_code}.away")
    os.rename(f"{t.own_code}.away", t.own_code)
    return "renamed"


@attempt
def link_its_own_code_to_where_it_may_write(t: Any) -> str:
    there = Path(tempfile.mkdtemp(), "linked")
    os.link(t.own_code, there)
    there.unlink()
    return "linked"


@attempt
def write_a_pth_file_into_its_environment(t: Any) -> str:
    return _create(f"{t.site_packages}/evil.pth")


@attempt
def write_sitecustomize_into_its_environment(t: Any) -> str:
    return _create(f"{t.site_packages}/sitecustomize.py")


@attempt
def write_into_the_environment_of_another_app(t: Any) -> str:
    return _append(t.other_environment_file)


@attempt
def change_the_sdk_of_all_content(t: Any) -> str:
    return _append(t.sdk_file)


@attempt
def poison_the_cache_of_packages(t: Any) -> str:
    return _append(t.cache_file)


@attempt
def make_a_secret_readable_for_everybody(t: Any) -> str:
    before = stat.S_IMODE(os.stat(t.key_file).st_mode)
    os.chmod(t.key_file, 0o644)
    if stat.S_IMODE(os.stat(t.key_file).st_mode) == before:
        raise Stopped("nothing has changed")
    os.chmod(t.key_file, before)
    return "done"


@attempt
def change_the_time_of_a_foreign_file(t: Any) -> str:
    os.utime(t.key_file, (1, 1))
    if os.stat(t.key_file).st_mtime != 1:
        raise Stopped("nothing has changed")
    return "done"


@attempt
def set_an_attribute_of_a_foreign_file(t: Any) -> str:
    os.setxattr(t.key_file, "user.evil", b"1")
    os.getxattr(t.key_file, "user.evil")
    return "done"


@attempt
def leave_a_file_for_others_in_shared_memory(t: Any) -> str:
    Path("/dev/shm", t.mark).write_text("x")  # the test looks whether it is there outside
    return "written"


@attempt
def leave_a_file_for_others_in_the_temporary_folder(t: Any) -> str:
    Path("/tmp", t.mark).write_text("x")
    return "written"


@attempt
def read_the_log_of_the_kernel(t: Any) -> str:
    descriptor = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
    os.close(descriptor)
    return "opened"


@attempt
def see_the_network_devices_of_the_machine(t: Any) -> str:
    return f"{len(os.listdir('/sys/class/net'))} devices"


@attempt
def make_a_device(t: Any) -> str:
    path = Path(tempfile.mkdtemp(), "null")
    os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 3))
    path.unlink()
    return "made"
