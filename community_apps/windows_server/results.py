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
    domain: str = output("Domain or workgroup")
    os: str = output("Edition of Windows")
    os_version: str = output("Its version")
    architecture: str = output("32-bit or 64-bit")
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
    path: Optional[str] = output("File of the program", default=None, contains="file path")
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
    pid: Optional[int] = output("Process that has it", default=None, contains="pid")
    process: Optional[str] = output("Name of the process", default=None)


@record
class Session:
    """Somebody who is logged on."""

    host: str = output("Machine", contains="host name")
    user: str = output("Account", contains="user name")
    source: str = output("How: console, remote or cached")
    since: str = output("Since when, ISO 8601")


@record
class Service:
    """One service."""

    host: str = output("Machine", contains="host name")
    service: str = output("Name", contains="service name")
    status: str = output("running or stopped")
    start_mode: str = output("automatic, manual or disabled")
    title: str = output("Name for people")
    account: str = output("Account that it runs as", contains="user name")


@record
class HashedFile:
    """Digest of a file."""

    host: str = output("Machine", contains="host name")
    path: str = output("File", contains="file path")
    sha256: str = output("SHA-256, in hexadecimal", contains="hash")
    size: int = output("Bytes")


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
    service: str = output("Service", contains="service name")
    status: str = output("running or stopped, now")
    start_mode: str = output("automatic, manual or disabled, now")
    previous_status: str = output("The same, before")
    previous_start_mode: str = output("The same, before")
    changed: bool = output("Whether anything was done")


@record
class UserChange:
    """What became of an account on one machine."""

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
    ended: int = output("How many sessions were ended")


@record
class CommandDone:
    """What a command left."""

    host: str = output("Machine", contains="host name")
    exit_code: int = output("0 for success")
    stdout: str = output("What it printed")
    stderr: str = output("What it complained about")


@record
class Rule:
    """One rule of the machine's firewall that is in use."""

    host: str = output("Machine", contains="host name")
    rule: str = output("Identity")
    action: str = output("permit or deny")
    name: str = output("Name for people")
    direction: str = output("inbound or outbound")
    remote: str = output("Addresses at the other end; Any for all")
    protocol: str = output("Protocol")
    port: str = output("Ports at this end; Any for all")


@record
class Blocked:
    """What became of a block of an address on one machine."""

    host: str = output("Machine", contains="host name")
    ip: str = output("Address or network", contains="ip")
    blocked: bool = output("Whether it is blocked now")
    changed: bool = output("Whether anything was done")
    verified: bool = output("Whether it was read back")


@record
class Listed:
    """A blocked address on one machine."""

    host: str = output("Machine", contains="host name")
    ip: str = output("Address or network", contains="ip")


@record
class Hotfix:
    """An update that is installed."""

    host: str = output("Machine", contains="host name")
    update: str = output("Number, such as KB5034129")
    kind: str = output("Update, Security Update …")
    installed_at: Optional[str] = output("When, ISO 8601", default=None)
