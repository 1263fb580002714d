"""What the actions of this app return."""

from __future__ import annotations

import functools
from typing import List, Optional

from repertory_sdk import output
from repertory_sdk.records import record_class

record = functools.partial(record_class, eq=True)


@record
class SystemInfo:
    """What a machine is."""

    host: str = output("Machine as asked", contains="host name")
    hostname: str = output("Name that it gives itself", contains="host name")
    os: str = output("Distribution")
    os_version: str = output("Its version")
    kernel: str = output("Release of the kernel")
    architecture: str = output("Kind of processor")
    booted_at: Optional[str] = output("When it was started, ISO 8601", default=None)
    addresses: List[str] = output("Addresses of its interfaces, without loopback", contains="ip")


@record
class Process:
    """One process."""

    host: str = output("Machine", contains="host name")
    pid: int = output("Its number", contains="pid")
    parent_pid: int = output("Number of the one that started it", contains="pid")
    name: str = output("Name")
    user: str = output("Account that it runs as", contains="user name")
    command: str = output("Program with arguments")
    started_at: Optional[str] = output("When it was started, ISO 8601", default=None)


@record
class Connection:
    """A connection, or an open port."""

    host: str = output("Machine", contains="host name")
    protocol: str = output("tcp or udp")
    state: str = output("listen, established, unconnected, time-wait …")
    local_ip: str = output("Address at this end", contains="ip")
    local_port: int = output("Port at this end", contains="port")
    remote_ip: Optional[str] = output("Address at the other end", default=None, contains="ip")
    remote_port: Optional[int] = output("Port at the other end", default=None, contains="port")
    pid: Optional[int] = output("Process that has it; needs the rights of root", default=None, contains="pid")
    process: Optional[str] = output("Name of the process", default=None)


@record
class Session:
    """Somebody who is logged on."""

    host: str = output("Machine", contains="host name")
    user: str = output("Account", contains="user name")
    terminal: str = output("Terminal")
    source: str = output("Where from: an address, a name or a display; empty for the console")
    since: str = output("Since when, ISO 8601")


@record
class Service:
    """One service."""

    host: str = output("Machine", contains="host name")
    service: str = output("Name of the unit", contains="service name")
    status: str = output("running, stopped or failed")
    start_mode: str = output("automatic, manual or disabled")


@record
class User:
    """One account."""

    host: str = output("Machine", contains="host name")
    user: str = output("Account", contains="user name")
    number: int = output("Number of the account; 0 has all rights")
    full_name: str = output("Full name")
    home: str = output("Home folder", contains="file path")
    shell: str = output("Program that a session starts")
    may_log_on: bool = output("Whether that program lets it in")


@record
class Scheduled:
    """A line that cron acts upon."""

    host: str = output("Machine", contains="host name")
    path: str = output("File that has it", contains="file path")
    line: str = output("When, and what")


@record
class HashedFile:
    """Digest of a file."""

    host: str = output("Machine", contains="host name")
    path: str = output("File", contains="file path")
    sha256: str = output("SHA-256, in hexadecimal", contains="hash")
    size: int = output("Bytes")


@record
class FetchedFile:
    """A file that is attached to the event."""

    host: str = output("Machine", contains="host name")
    path: str = output("File", contains="file path")
    sha256: str = output("SHA-256, in hexadecimal", contains="hash")
    size: int = output("Bytes")
    name: str = output("Name of the attachment")


@record
class Ended:
    """What became of a process."""

    host: str = output("Machine", contains="host name")
    pid: int = output("Its number", contains="pid")
    name: str = output("Its name; empty where there was none")
    ended: bool = output("Whether it is gone")
    changed: bool = output("Whether it was there before")


@record
class ServiceChange:
    """What became of a service."""

    host: str = output("Machine", contains="host name")
    service: str = output("Service as asked", contains="service name")
    status: str = output("running or stopped, now")
    start_mode: str = output("automatic, manual or disabled, now")
    previous_status: str = output("The same, before")
    previous_start_mode: str = output("The same, before")
    changed: bool = output("Whether anything was done")
    ways: List[str] = output("How it is run: systemd, inetd, xinetd, process")
    done: List[str] = output("What was done, step by step")


@record
class UserChange:
    """What became of an account."""

    host: str = output("Machine", contains="host name")
    user: str = output("Account", contains="user name")
    enabled: bool = output("Whether it can be used now")
    previously_enabled: bool = output("Whether it could before")
    changed: bool = output("Whether anything was done")


@record
class EndedSessions:
    """What became of somebody's sessions."""

    host: str = output("Machine", contains="host name")
    user: str = output("Account", contains="user name")
    ended: int = output("How many processes of the account there were")
    left: int = output("How many are still there")


@record
class CommandDone:
    """What a command left."""

    host: str = output("Machine", contains="host name")
    exit_code: int = output("0 for success; -1 where a signal ended it")
    stdout: str = output("What it printed")
    stderr: str = output("What it complained about")
