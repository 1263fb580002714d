"""Block addresses and ports on a Cisco ASA firewall, by its REST agent or by SSH."""

from __future__ import annotations

import re
from typing import List, Literal, Optional

from command_line import CommandLine
from device import PRODUCT, Device, Port
from rest_agent import RestAgent

from repertory_sdk import ActionFailed, App, Output, Secret, indicators, output, param, setting
from repertory_sdk.http import HttpAsset
from repertory_sdk.ssh import Ssh, SshAsset

app = App(
    "cisco_asa",
    version="1.1.0",
    product=PRODUCT,
    vendor="Cisco Systems",
    summary=__doc__,
    requires=["requests>=2.31", "paramiko>=3.4"],
    hosts=["${asset.url}", "${asset.proxy}", "${asset.host}:${asset.ssh_port}"],
    files=["${asset.ca_file}"],
    concurrency=1,  # the agent answers one request at a time, and lines are numbered
)
WRITING = ("append", "redirect", "tee")


@app.asset
class Firewall(HttpAsset):
    """One firewall, with the group and the interface that blocks go to."""

    transport: Literal["rest", "ssh"] = setting("How it is reached: by its REST agent, or by SSH", default="rest")
    url: Optional[str] = setting("Where its REST agent answers, such as https://asa.example", default=None)
    user: str = setting("Account; privilege 15 to block, 5 to look")
    password: Secret = setting("Its password")
    host: Optional[str] = setting("Where it answers by SSH: name or address", default=None)
    ssh_port: int = setting("Port of its SSH server", default=22, minimum=1, maximum=65535)
    enable_password: Optional[Secret] = setting("What enable asks for by SSH, where the account does not start there", default=None)
    known_hosts: List[str] = setting("Its host keys, lines as ssh-keyscan prints them", default=[])
    host_key: Optional[str] = setting("Fingerprint of its host key instead, such as SHA256:…", default=None)
    verify_host_key: bool = setting("Whether it has to have a known host key", default=True)
    connect_timeout_s: float = setting("Seconds to wait for an SSH connection", default=15.0, minimum=0.1, maximum=120)
    group: str = setting("Network object group of blocked addresses", default="REPERTORY-BLOCK")
    interface: str = setting("Interface at which is blocked what comes in", default="outside")
    save: bool = setting("Whether changes are to outlive a restart", default=True)
    protected: List[str] = indicators.protected_setting()

    def device(self) -> Device:
        """The firewall itself, to be used with ``with``."""
        if self.transport == "ssh":
            return self._command_line()
        if not self.url:
            raise ActionFailed("Cisco ASA cannot be reached by its REST agent without a url; set url, or transport to ssh")
        return RestAgent.of(
            self, user=self.user, password=self.password, group=self.group, interface=self.interface, save=self.save
        )

    def _command_line(self) -> CommandLine:
        if not self.host:
            raise ActionFailed("Cisco ASA cannot be reached by SSH without its address; set host")
        reached = SshAsset(
            user=self.user, password=self.password, known_hosts=self.known_hosts, host_key=self.host_key,
            verify_host_key=self.verify_host_key, port=self.ssh_port, connect_timeout_s=self.connect_timeout_s,
            timeout_s=self.timeout_s,
        )  # fmt: skip
        return CommandLine(
            Ssh(PRODUCT, reached, self.host), enable=self.enable_password, timeout_s=self.timeout_s, group=self.group,
            interface=self.interface, save=self.save,
        )  # fmt: skip


@app.result
class Blocked:
    """What became of a block of an address."""

    ip: str = output("Address or network", contains="ip")
    blocked: bool = output("Whether it is blocked now")
    changed: bool = output("Whether that is new")
    verified: bool = output("Whether it was read back")
    previously_blocked: bool = output("Whether it was blocked before")
    group: str = output("Group it is in or was taken out of")


@app.result
class BlockedPort:
    """What became of a block of a port."""

    port: int = output("Port", contains="port")
    protocol: str = output("tcp or udp")
    ip: str = output("Address whose port it is; empty for any", contains="ip")
    blocked: bool = output("Whether it is blocked now")
    changed: bool = output("Whether that is new")
    verified: bool = output("Whether it was read back")
    interface: str = output("Interface at which it is blocked")


@app.result
class Listed:
    """A blocked address."""

    ip: str = output("Address or network", contains="ip")


@app.result
class Rule:
    """One rule of the interface."""

    rule: str = output("Identity")
    action: Literal["permit", "deny"] = output("What it does")
    source: str = output("From whom")
    destination: str = output("To whom")
    service: str = output("Protocol and port")
    active: bool = output("Whether it is in use")
    remark: Optional[str] = output("What was noted on it", default=None)


@app.result
class Version:
    """What the firewall is."""

    serial: str = output("Serial number")
    text: str = output("What `show version` says")


@app.result
class Said:
    """What a command printed."""

    command: str = output("Command")
    text: str = output("What it printed")


@app.test
def connectivity(firewall: Firewall) -> str:
    """Reads the serial number."""
    with firewall.device() as device:
        return f"serial number {device.serial()}"


@app.action("block ip", type="contain", idempotent=True, undo="unblock ip", check="is blocked")
def block_ip(firewall: Firewall, ip: str = param("Address or network", contains="ip")) -> Blocked:
    """Let nothing in from an address, by a group that a rule at the top of the interface denies."""
    address = indicators.network(ip)
    indicators.refuse_protected(address, firewall.protected)
    with firewall.device() as device:
        members = device.members()
        before = address in (members or ())
        if not before:
            device.add(address, members)
        device.deny_group()  # a group that no rule denies blocks nobody
        verified = address in (device.members() or ())
    return Blocked(
        ip=address, blocked=verified, changed=not before, verified=verified, previously_blocked=before, group=firewall.group
    )


@app.action("unblock ip", type="correct", idempotent=True, undo="block ip")
def unblock_ip(firewall: Firewall, ip: str = param("Address or network", contains="ip")) -> Blocked:
    """Take an address out of the group."""
    address = indicators.network(ip)
    with firewall.device() as device:
        members = device.members() or []
        before = address in members
        if before:
            device.remove(address, members)
        left = address in (device.members() or ())
    return Blocked(ip=address, blocked=left, changed=before, verified=not left, previously_blocked=before, group=firewall.group)


@app.action("is blocked", type="investigate")
def is_blocked(firewall: Firewall, ip: str = param("Address or network", contains="ip")) -> Blocked:
    """Whether an address is in the group."""
    address = indicators.network(ip)
    with firewall.device() as device:
        found = address in (device.members() or ())
    return Blocked(ip=address, blocked=found, changed=False, verified=True, previously_blocked=found, group=firewall.group)


@app.action("list blocked ips", type="investigate")
def list_blocked_ips(firewall: Firewall) -> Output[Listed]:
    """Addresses and networks in the group."""
    with firewall.device() as device:
        found = [Listed(ip=member) for member in device.members() or ()]
    return Output(found, summary={"addresses": len(found)})


@app.action("block port", type="contain", idempotent=True, undo="unblock port")
def block_port(
    firewall: Firewall,
    port: int = param("Port", contains="port", minimum=1, maximum=65535),
    protocol: str = param("tcp or udp", default="tcp", choices=("tcp", "udp")),
    ip: str = param("Address whose port it is; empty for any", default="", contains="ip"),
) -> BlockedPort:
    """Let nothing in to a port, of one address or of all, by a rule at the top of the interface."""
    wanted = Port(port, protocol, indicators.address(ip) if ip else "")
    with firewall.device() as device:
        return _port(firewall, wanted, changed=device.block_port(wanted), blocked=device.is_blocked(wanted), aim=True)


@app.action("unblock port", type="correct", idempotent=True, undo="block port")
def unblock_port(
    firewall: Firewall,
    port: int = param("Port", contains="port", minimum=1, maximum=65535),
    protocol: str = param("tcp or udp", default="tcp", choices=("tcp", "udp")),
    ip: str = param("Address whose port it is; empty for any", default="", contains="ip"),
) -> BlockedPort:
    """Remove the rule that 'block port' made; rules of others stay."""
    wanted = Port(port, protocol, indicators.address(ip) if ip else "")
    with firewall.device() as device:
        return _port(firewall, wanted, changed=device.unblock_port(wanted), blocked=device.is_blocked(wanted), aim=False)


def _port(firewall: Firewall, port: Port, *, changed: bool, blocked: bool, aim: bool) -> BlockedPort:
    return BlockedPort(
        port=port.number, protocol=port.protocol, ip=port.ip, blocked=blocked, changed=changed, verified=blocked == aim,
        interface=firewall.interface,
    )  # fmt: skip


@app.action("list rules", type="investigate")
def list_rules(firewall: Firewall) -> Output[Rule]:
    """Rules of the interface, in the order in which they are looked at."""
    with firewall.device() as device:
        found = [
            Rule(
                rule=rule.identity,
                action="permit" if rule.permit else "deny",
                source=rule.source,
                destination=rule.destination,
                service=rule.service,
                active=rule.active,
                remark="; ".join(rule.remarks) or None,
            )
            for rule in device.rules()
        ]
    return Output(found, summary={"rules": len(found)})


@app.action("get version", type="investigate")
def get_version(firewall: Firewall) -> Version:
    """Serial number and version."""
    with firewall.device() as device:
        return Version(serial=device.serial(), text=device.said("show version"))


@app.action("show", type="investigate")
def show(firewall: Firewall, what: str = param("What to show, such as conn count or access-list")) -> Said:
    """What a `show` command prints."""
    if not what.isprintable() or not what.strip() or "?" in what:
        raise ActionFailed("Cisco ASA cannot show that; give the words after show, such as conn count")
    piped = [word.lower() for word in re.findall(r"\|\s*(\w+)", what)]  # the command line takes words that are cut short
    if any(name.startswith(word) for word in piped for name in WRITING):
        raise ActionFailed("Cisco ASA is only to show that, not to write it to a file; leave out redirect, append and tee")
    with firewall.device() as device:
        return Said(command=f"show {what}", text=device.said(f"show {what}"))
