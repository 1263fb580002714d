"""Addresses and ports blocked at a Linux firewall, by nftables through SSH, in a table of its own."""

from __future__ import annotations

import ipaddress
import re
from typing import Any, Dict, List, Literal, Optional, Tuple

import nft_table as tables
from nft_table import Contents, Entry

from repertory_sdk import ActionFailed, App, Job, Output, indicators, output, param, setting
from repertory_sdk.ssh import Ssh, SshAsset

app = App(
    "nftables",
    version="1.0.0",
    product="nftables",
    vendor="Netfilter",
    summary=__doc__,
    requires=["paramiko>=3.4"],
    hosts=["${asset.host}:${asset.port}"],
)

PRODUCT = app.info.product
Protocol = Literal["tcp", "udp"]
_PASSING = ("Device or resource busy", "Interrupted system call", "Resource temporarily unavailable")
_VERDICT = re.compile(r"\b(accept|drop|reject|queue|return|(?:jump|goto) \S+|masquerade|[sd]nat|redirect)\b")


@app.asset
class Firewall(SshAsset):
    """A machine that filters."""

    host: str = setting("Where the firewall is: name or address as SSH connects to it")
    protected: List[str] = indicators.protected_setting()
    protected_ports: List[int] = setting("Ports that are never blocked, besides that of SSH", default=[53])
    table: str = setting("Name of the table, of the family inet, that is the app's own", default="repertory")
    persist_file: Optional[str] = setting(
        "File that the table is written to after each change, for nftables.conf to include; without it, a restart forgets",
        default=None,
    )

    def machine(self) -> Ssh:
        """The machine."""
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,30}", self.table):
            raise ActionFailed(f"{PRODUCT}: {self.table[:40]!r} is no name of a table; set table to one such as repertory")
        return Ssh(PRODUCT, self, self.host)


@app.result
class Blocked:
    """What became of an address."""

    ip: str = output("Address or network", contains="ip")
    blocked: bool = output("Whether nothing goes to or from it, now")
    previously_blocked: bool = output("Whether that was so before")
    changed: bool = output("Whether anything was done")
    verified: bool = output("Whether the firewall was asked afterwards, and said so")
    expires_s: Optional[int] = output("Seconds after which it is let through again; none where it stays", default=None)


@app.result
class BlockedPort:
    """What became of a port."""

    port: int = output("Port", contains="port")
    protocol: str = output("tcp or udp")
    ip: str = output("Address whose port it is; empty for all", contains="ip")
    blocked: bool = output("Whether nothing goes to it, now")
    previously_blocked: bool = output("Whether that was so before")
    changed: bool = output("Whether anything was done")
    verified: bool = output("Whether the firewall was asked afterwards, and said so")
    expires_s: Optional[int] = output("Seconds after which it is let through again; none where it stays", default=None)


@app.result
class ListedIp:
    """A blocked address."""

    ip: str = output("Address, network, or range", contains="ip")
    expires_s: Optional[int] = output("Seconds after which it is let through again; none where it stays", default=None)
    comment: str = output("Why", default="")


@app.result
class ListedPort:
    """A blocked port."""

    port: int = output("Port", contains="port")
    protocol: str = output("tcp or udp")
    ip: str = output("Address whose port it is; empty for all", contains="ip")
    expires_s: Optional[int] = output("Seconds after which it is let through again; none where it stays", default=None)
    comment: str = output("Why", default="")


@app.result
class Rule:
    """A rule of the machine's firewall, whoever made it."""

    table: str = output("Family and name of its table")
    chain: str = output("Its chain")
    rule: str = output("The rule as nft writes it")
    action: str = output("accept, drop, reject, jump …; empty where it only counts or logs")
    handle: int = output("Its number")


@app.result
class Ruleset:
    """Everything that filters."""

    host: str = output("Machine", contains="host name")
    rules: int = output("Number of rules")
    tables: List[str] = output("Families and names of its tables")
    name: str = output("Name of the attachment")


def _contents(machine: Ssh, firewall: Firewall) -> Contents:
    done = machine.run(["nft", "-j", "list", "table", tables.FAMILY, firewall.table], sudo=True, accept=None)
    if done.exit_code and "No such file" in done.stderr and "Error" in done.stderr:
        return tables.contents("", firewall.table)
    if done.exit_code:
        raise machine.failure("nft", done)
    try:
        return tables.contents(done.stdout, firewall.table)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ActionFailed(f"{PRODUCT}: nft on {machine.host} answers in no form that is known; check its version (1.0)") from None


def _change(machine: Ssh, firewall: Firewall, before: Contents, commands: List[Dict[str, Any]]) -> Contents:
    """Do it as one transaction, in a table that is complete; what is there afterwards."""
    whole = tables.transaction([*(() if before.complete else tables.setting_up(firewall.table)), *commands])
    done = machine.run(["nft", "-j", "-f", "-"], input=whole, sudo=True, accept=None)
    if done.exit_code and any(said in done.stderr for said in _PASSING):
        done = machine.run(["nft", "-j", "-f", "-"], input=whole, sudo=True, accept=None)
    if done.exit_code:
        raise machine.failure("nft", done)
    if firewall.persist_file:
        name = f"table {tables.FAMILY} {firewall.table}"
        text = machine.run(["nft", "list", "table", tables.FAMILY, firewall.table], sudo=True).stdout
        machine.write(firewall.persist_file, f"{name}\ndelete {name}\n{text}".encode(), sudo=True)
    return _contents(machine, firewall)


def _comment(reason: str) -> str:
    return " ".join(re.sub(r"[^\w .,:@/()+-]", " ", reason).split())[:100]


@app.test
def connectivity(firewall: Firewall) -> str:
    """Reads the table, which takes the rights that blocking takes."""
    with firewall.machine() as machine:
        version = machine.run(["nft", "--version"], sudo=True).stdout.strip()
        count = len(_contents(machine, firewall).addresses())
    return f"{version[:60]} answers; {count} addresses are blocked"


# ---------------------------------------------------------------- addresses


@app.action("block ip", type="contain", idempotent=True, check="is blocked", undo="unblock ip")
def block_ip(
    firewall: Firewall,
    ip: str = param("Address or network", contains="ip"),
    minutes: int = param("Minutes after which it is let through again; 0 for never", default=0, minimum=0, maximum=5_000_000),
    reason: str = param("Why; kept beside it, 100 characters", default=""),
) -> Blocked:
    """Let nothing through from or to an address, connections that are open included."""
    wanted = indicators.network(ip)
    indicators.refuse_protected(wanted, firewall.protected)
    name = tables.ADDRESSES[ipaddress.ip_network(wanted).version]
    with firewall.machine() as machine:
        _refuse_ourselves(machine, wanted)
        before = _contents(machine, firewall)
        holding = next((entry for entry in before.sets[name] if tables.holds(entry.value, wanted)), None)
        if holding and before.complete and _lasts(holding, minutes):
            return _blocked(wanted, before, before, changed=False)
        within = [entry for entry in before.sets[name] if tables.holds(wanted, entry.value)]
        if holding and holding not in within:
            raise ActionFailed(
                f"{PRODUCT}: {wanted} is within {holding.value}, which is let through again in {holding.expires_s} s; block that"
                " for longer instead"
            )
        commands = [tables.deleting(firewall.table, name, entry.value) for entry in within]
        commands.append(tables.adding(firewall.table, name, wanted, minutes, _comment(reason)))
        return _blocked(wanted, before, _change(machine, firewall, before, commands), changed=True)


def _lasts(entry: Entry, minutes: int) -> bool:
    """Whether it lasts as long as is wanted, but for a minute: what is asked for twice is not counted again."""
    return entry.expires_s is None or (minutes > 0 and entry.expires_s >= minutes * 60 - 60)


def _blocked(ip: str, before: Contents, now: Contents, *, changed: bool) -> Blocked:
    holding = next((entry for entry in now.addresses() if tables.holds(entry.value, ip)), None)
    previously = any(tables.holds(entry.value, ip) for entry in before.addresses()) and before.complete
    return Blocked(
        ip=ip, blocked=holding is not None and now.complete, previously_blocked=previously, changed=changed, verified=True,
        expires_s=holding.expires_s if holding else None,
    )  # fmt: skip


def _refuse_ourselves(machine: Ssh, wanted: str) -> None:
    """The address that we come from, as the machine sees it."""
    said = machine.run(["printenv", "SSH_CONNECTION"], accept=None).stdout.split()
    if said and tables.holds(wanted, said[0]):
        raise ActionFailed(
            f"{PRODUCT}: {wanted} holds {said[0]}, from which this app reaches {machine.host}: it would lock itself out; block it"
            " elsewhere, if you mean it"
        )


@app.action("unblock ip", type="correct", idempotent=True, undo="block ip")
def unblock_ip(firewall: Firewall, ip: str = param("Address or network, as it was blocked", contains="ip")) -> Blocked:
    """Take a block of an address back."""
    wanted = indicators.network(ip)
    name = tables.ADDRESSES[ipaddress.ip_network(wanted).version]
    with firewall.machine() as machine:
        before = _contents(machine, firewall)
        holding = next((entry for entry in before.sets[name] if tables.holds(entry.value, wanted)), None)
        if holding is None:
            return _blocked(wanted, before, before, changed=False)
        if not tables.holds(wanted, holding.value):
            raise ActionFailed(f"{PRODUCT}: {wanted} is blocked as part of {holding.value}; unblock that, and block the rest again")
        now = _change(machine, firewall, before, [tables.deleting(firewall.table, name, holding.value)])
        return _blocked(wanted, before, now, changed=True)


@app.action("list blocked ips", type="investigate")
def list_blocked_ips(firewall: Firewall) -> Output[ListedIp]:
    """Addresses and networks that are blocked."""
    with firewall.machine() as machine:
        found = _contents(machine, firewall).addresses()
    rows = [ListedIp(ip=entry.value, expires_s=entry.expires_s, comment=entry.comment) for entry in found]
    return Output(rows, summary={"blocked": len(rows)})


@app.action("is blocked", type="investigate")
def is_blocked(firewall: Firewall, ip: str = param("Address or network", contains="ip")) -> bool:
    """Whether an address is blocked, by itself or within a network."""
    wanted = indicators.network(ip)
    with firewall.machine() as machine:
        found = _contents(machine, firewall)
    return found.complete and any(tables.holds(entry.value, wanted) for entry in found.addresses())


# ---------------------------------------------------------------- ports


@app.action("block port", type="contain", idempotent=True, undo="unblock port")
def block_port(
    firewall: Firewall,
    port: int = param("Port", contains="port", minimum=1, maximum=65535),
    protocol: Protocol = param("tcp or udp", default="tcp"),
    ip: str = param("Address whose port it is; empty for all, this machine included", default="", contains="ip"),
    minutes: int = param("Minutes after which it is let through again; 0 for never", default=0, minimum=0, maximum=5_000_000),
    reason: str = param("Why; kept beside it, 100 characters", default=""),
) -> BlockedPort:
    """Let nothing through to a port: into this machine, out of it, or by way of it."""
    if port in firewall.protected_ports or (protocol == "tcp" and port == firewall.port):
        raise ActionFailed(
            f"{PRODUCT}: port {port} is protected and stays open; take it off the setting protected_ports, if you mean it and it"
            " is not the port of SSH"
        )
    name, key = _key(port, protocol, ip)
    with firewall.machine() as machine:
        before = _contents(machine, firewall)
        found = next((entry for entry in before.sets[name] if entry.value == key), None)
        if found and before.complete and _lasts(found, minutes):
            return _blocked_port(name, key, before, before, changed=False)
        commands = [tables.deleting(firewall.table, name, key)] if found else []
        commands.append(tables.adding(firewall.table, name, key, minutes, _comment(reason)))
        return _blocked_port(name, key, before, _change(machine, firewall, before, commands), changed=True)


@app.action("unblock port", type="correct", idempotent=True, undo="block port")
def unblock_port(
    firewall: Firewall,
    port: int = param("Port", contains="port", minimum=1, maximum=65535),
    protocol: Protocol = param("tcp or udp", default="tcp"),
    ip: str = param("Address whose port it is; empty for the block of all", default="", contains="ip"),
) -> BlockedPort:
    """Take a block of a port back."""
    name, key = _key(port, protocol, ip)
    with firewall.machine() as machine:
        before = _contents(machine, firewall)
        if all(entry.value != key for entry in before.sets[name]):
            return _blocked_port(name, key, before, before, changed=False)
        now = _change(machine, firewall, before, [tables.deleting(firewall.table, name, key)])
        return _blocked_port(name, key, before, now, changed=True)


def _key(port: int, protocol: str, ip: str) -> Tuple[str, Tuple[Any, ...]]:
    """The set, and the element of it."""
    if not ip:
        return tables.PORTS, (protocol, port)
    address = indicators.address(ip)
    return tables.PORTS_OF[ipaddress.ip_address(address).version], (address, protocol, port)


def _blocked_port(name: str, key: Tuple[Any, ...], before: Contents, now: Contents, *, changed: bool) -> BlockedPort:
    found = next((entry for entry in now.sets[name] if entry.value == key), None)
    return BlockedPort(
        port=key[-1], protocol=key[-2], ip=key[0] if len(key) > 2 else "", blocked=found is not None and now.complete,
        previously_blocked=any(entry.value == key for entry in before.sets[name]) and before.complete, changed=changed,
        verified=True, expires_s=found.expires_s if found else None,
    )  # fmt: skip


@app.action("list blocked ports", type="investigate")
def list_blocked_ports(firewall: Firewall) -> Output[ListedPort]:
    """Ports that are blocked."""
    with firewall.machine() as machine:
        found = _contents(machine, firewall).ports()
    rows = [
        ListedPort(port=port, protocol=protocol, ip=ip, expires_s=entry.expires_s, comment=entry.comment)
        for ip, protocol, port, entry in found
    ]
    return Output(rows, summary={"blocked": len(rows)})


# ---------------------------------------------------------------- everything that filters


@app.action("list rules", type="investigate")
def list_rules(firewall: Firewall) -> Output[Rule]:
    """All rules of the machine, table by table, chain by chain, in the order in which they are looked at."""
    with firewall.machine() as machine:
        found = _rules(machine.run(["nft", "-a", "list", "ruleset"], sudo=True).stdout)
    return Output(found, summary={"rules": len(found)})


def _rules(text: str) -> List[Rule]:
    found, place = [], [""]
    for line in map(str.strip, text.splitlines()):
        plain, _, handle = line.rpartition(" # handle ")
        opening = (plain or line).endswith("{") and re.match(r"(table|chain|set|map|flowtable|counter|ct|quota|limit)\b", line)
        if opening:
            place.append((plain or line)[:-1].strip())
        elif line == "}":
            place.pop()
        elif place[-1].startswith("chain ") and plain and handle.isdigit() and not line.startswith("type "):
            verdict = _VERDICT.search(re.sub(r'(comment|prefix) "[^"]*"', "", plain))
            table, chain = place[-2].partition(" ")[2], place[-1].partition(" ")[2]
            found.append(Rule(table=table, chain=chain, rule=plain, action=verdict[1] if verdict else "", handle=int(handle)))
    return found


@app.action("get ruleset", type="investigate")
def get_ruleset(firewall: Firewall, job: Job) -> Ruleset:
    """Attach everything that filters, as nft writes it, to the event."""
    with firewall.machine() as machine:
        text = machine.run(["nft", "-a", "list", "ruleset"], sudo=True).stdout
        name = "ruleset.nft"
        job.attach(name, text.encode(), "text/plain")
        found = re.findall(r"(?m)^table (\S+ \S+)", text)
        return Ruleset(host=machine.host, rules=len(_rules(text)), tables=found, name=name)
