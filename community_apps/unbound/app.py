"""Domains blocked at an Unbound resolver, through SSH and unbound-control, and verified by a question to it."""

from __future__ import annotations

import re
from typing import Dict, List, Literal, Optional, Sequence

import zones
from dns_client import Reply, ask

from repertory_sdk import ActionFailed, App, Output, indicators, output, param, setting
from repertory_sdk.ssh import Done, Ssh, SshAsset

app = App(
    "unbound",
    version="1.0.0",
    product="Unbound",
    vendor="NLnet Labs",
    summary=__doc__,
    requires=["paramiko>=3.4", "dnspython>=2.6"],
    hosts=["${asset.host}:${asset.port}", "${asset.host}:${asset.dns_port}", "${asset.dns_host}:${asset.dns_port}"],
    concurrency=1,  # a file is read, changed and written: two at a time would undo each other
)

PRODUCT = app.info.product
Kind = Literal["always_nxdomain", "always_refuse", "always_nodata", "always_null"]
_CODES = {"always_nxdomain": "NXDOMAIN", "always_refuse": "REFUSED"}


@app.asset
class Resolver(SshAsset):
    """A resolver."""

    host: str = setting("Where Unbound runs: name or address as SSH connects to it")
    protected: List[str] = indicators.protected_setting()
    answer_with: Kind = setting("What is answered for a blocked domain", default="always_nxdomain")
    config_file: Optional[str] = setting("Configuration of Unbound, if it is not where it is built to be", default=None)
    include_file: Optional[str] = setting(
        "File that blocked domains are written to, for Unbound to include; without it, a restart forgets them", default=None
    )
    verify: bool = setting("Whether the resolver is asked after each change", default=True)
    dns_host: Optional[str] = setting("Where it answers questions, if that is another address than host", default=None)
    dns_port: int = setting("Port where it answers questions, by TCP", default=53, minimum=1, maximum=65535)
    dns_timeout_s: float = setting("Seconds to wait for an answer of the resolver", default=5.0, minimum=0.1, maximum=60)

    def machine(self) -> Ssh:
        """The machine that it runs on."""
        return Ssh(PRODUCT, self, self.host)

    def control(self, machine: Ssh, *words: str, accept: Sequence[int] = (0,)) -> Done:
        """What unbound-control says."""
        where = ["-c", self.config_file] if self.config_file else []
        done = machine.run(["unbound-control", *where, *words], sudo=True, accept=None)
        failed = done.exit_code not in accept or done.stdout.startswith("error")
        if failed:
            said = re.sub(r"\[\d+\] unbound-control\[[\d:]+\] ", "", done.stderr or done.stdout)
            raise machine.failure(f"unbound-control {words[0]}", Done(done.exit_code, b"", said))
        return done

    def zones(self, machine: Ssh) -> Dict[str, str]:
        """Types of its local zones, by name."""
        return zones.listed(self.control(machine, "list_local_zones").stdout)

    def ask(self, name: str, kind: str = "A") -> Reply:
        """What it answers to us."""
        return ask(PRODUCT, self.dns_host or self.host, self.dns_port, name, kind, self.dns_timeout_s)


@app.result
class Blocked:
    """What became of a domain."""

    domain: str = output("Domain", contains="domain")
    blocked: bool = output("Whether nobody reaches it and what is below it by this resolver, now")
    previously_blocked: bool = output("Whether that was so before")
    changed: bool = output("Whether anything was done")
    verified: bool = output("Whether the resolver was asked afterwards, and answered so")
    answer: str = output("What it answered: NXDOMAIN, an address …; why there is none where there is none", default="")
    by: str = output("The domain that is blocked, where that is one above", default="", contains="domain")


@app.result
class ListedDomain:
    """A blocked domain."""

    domain: str = output("Domain, with all that is below it", contains="domain")
    answer_with: str = output("What is answered")
    kept: bool = output("Whether a restart keeps it, by the setting include_file")


@app.result
class Zone:
    """A local zone."""

    zone: str = output("Its name", contains="domain")
    kind: str = output("Its type, such as static, transparent, always_nxdomain")


@app.result
class Lookup:
    """What the resolver answers."""

    domain: str = output("Domain as asked", contains="domain")
    found: bool = output("Whether it has addresses")
    addresses: List[str] = output("Addresses", contains="ip")
    aliases: List[str] = output("Names that it leads to", contains="domain")
    answer: str = output("NOERROR, NXDOMAIN, REFUSED, SERVFAIL …")


@app.result
class Flushed:
    """What was forgotten."""

    domain: str = output("Domain", contains="domain")
    said: str = output("What Unbound says about it")


@app.result
class Status:
    """How it is."""

    running: bool = output("Whether it runs")
    version: str = output("Its version", default="")
    uptime_s: Optional[int] = output("Since how many seconds", default=None)
    queries: Optional[int] = output("Questions since its start, or since statistics were last reset", default=None)
    cache_hits: Optional[int] = output("How many of them the cache knew", default=None)


@app.test
def connectivity(resolver: Resolver) -> str:
    """Asks for its status, and asks it a question."""
    with resolver.machine() as machine:
        status = _status(resolver, machine)
    if not status.running:
        raise ActionFailed(f"{PRODUCT}: it does not run on {resolver.host}; start it")
    return f"version {status.version} runs" + (f" and answers {resolver.ask('localhost').code}" if resolver.verify else "")


# ---------------------------------------------------------------- blocking


@app.action("block domain", type="contain", idempotent=True, check="is blocked", undo="unblock domain")
def block_domain(resolver: Resolver, domain: str = param("Domain", contains="domain")) -> Blocked:
    """Let nobody who asks this resolver reach a domain and what is below it."""
    name = indicators.blockable_domain(domain, resolver.protected)
    with resolver.machine() as machine:
        before = resolver.zones(machine)
        by = zones.holding(before, [name, *indicators.parents(name)])
        if by is None and name in before:
            raise ActionFailed(
                f"{PRODUCT}: {name} is a local zone of its own kind ({before[name]}) on {resolver.host}; take that out of its"
                " configuration first, if you mean it"
            )
        if by is None:
            resolver.control(machine, "local_zone", f"{name}.", resolver.answer_with)
            resolver.control(machine, "flush_zone", f"{name}.")
        kept = _keep(resolver, machine, name, wanted=True) if by in (None, name) else False
        after = before if by else resolver.zones(machine)
        done = by is None or kept
    return _changed(resolver, name, before, after, changed=done)


@app.action("unblock domain", type="correct", idempotent=True, undo="block domain")
def unblock_domain(resolver: Resolver, domain: str = param("Domain", contains="domain")) -> Blocked:
    """Take a block of a domain back."""
    name = indicators.domain(domain)
    with resolver.machine() as machine:
        before = resolver.zones(machine)
        above = zones.holding(before, indicators.parents(name))
        if above:
            raise ActionFailed(f"{PRODUCT}: {name} is blocked as part of {above}; unblock that, and block the rest again")
        there = before.get(name) in zones.BLOCKING
        if there:
            resolver.control(machine, "local_zone_remove", f"{name}.")
            resolver.control(machine, "flush_zone", f"{name}.")
        kept = _keep(resolver, machine, name, wanted=False)
        after = resolver.zones(machine) if there else before
    return _changed(resolver, name, before, after, changed=there or kept)


def _changed(resolver: Resolver, name: str, before: Dict[str, str], after: Dict[str, str], *, changed: bool) -> Blocked:
    names = [name, *indicators.parents(name)]
    by = zones.holding(after, names)
    answer, verified = "", not resolver.verify
    if resolver.verify:
        try:
            reply = resolver.ask(name)
            answer = " ".join([reply.code, *reply.values])
            verified = by is None or _is_refusal(reply, after[by])
        except ActionFailed as failure:  # the change is made: that it could not be seen from here is part of the answer
            answer = str(failure)
    return Blocked(
        domain=name, blocked=by is not None, previously_blocked=zones.holding(before, names) is not None, changed=changed,
        verified=verified, answer=answer, by=by if by and by != name else "",
    )  # fmt: skip


def _is_refusal(reply: Reply, kind: str) -> bool:
    if kind == "always_null":
        return set(reply.values) == {"0.0.0.0"}
    return reply.code == _CODES.get(kind, "NOERROR") and not reply.values


def _keep(resolver: Resolver, machine: Ssh, name: str, *, wanted: bool) -> bool:
    """Write it to the file that a restart reads; whether that was to be done. What Unbound would not read is taken back."""
    if not resolver.include_file:
        return False
    text = machine.read(resolver.include_file, sudo=True)
    found = zones.written((text or b"").decode("utf-8", "replace"))
    if (name in found) == wanted:
        return False
    changed = {**found, name: resolver.answer_with} if wanted else {each: found[each] for each in found if each != name}
    machine.write(resolver.include_file, zones.as_file(changed), sudo=True)
    where = [resolver.config_file] if resolver.config_file else []
    done = machine.run(["unbound-checkconf", *where], sudo=True, accept=None)
    if done.exit_code:
        machine.write(resolver.include_file, text if text is not None else zones.as_file({}), sudo=True)
        raise machine.failure("unbound-checkconf", done)
    return True


@app.action("is blocked", type="investigate")
def is_blocked(resolver: Resolver, domain: str = param("Domain", contains="domain")) -> bool:
    """Whether a domain is blocked, by itself or by one above."""
    name = indicators.domain(domain)
    with resolver.machine() as machine:
        return zones.holding(resolver.zones(machine), [name, *indicators.parents(name)]) is not None


@app.action("list blocked domains", type="investigate")
def list_blocked_domains(resolver: Resolver) -> Output[ListedDomain]:
    """Domains that are blocked, by whomever."""
    with resolver.machine() as machine:
        found = resolver.zones(machine)
        text = machine.read(resolver.include_file, sudo=True) if resolver.include_file else None
    kept = zones.written((text or b"").decode("utf-8", "replace"))
    rows = [ListedDomain(domain=name, answer_with=found[name], kept=name in kept) for name in zones.blocked(found)]
    return Output(rows, summary={"blocked": len(rows)})


# ---------------------------------------------------------------- the resolver


@app.action("list zones", type="investigate")
def list_zones(resolver: Resolver) -> List[Zone]:
    """All local zones, those that it has by itself included."""
    with resolver.machine() as machine:
        return [Zone(zone=name, kind=kind) for name, kind in sorted(resolver.zones(machine).items())]


@app.action("lookup domain", type="investigate")
def lookup_domain(resolver: Resolver, domain: str = param("Domain", contains="domain")) -> Lookup:
    """Addresses of a domain as this resolver answers them."""
    name = indicators.domain(domain)
    replies = [resolver.ask(name, kind) for kind in ("A", "AAAA")]
    addresses = [value for reply in replies for value in reply.values]
    aliases = sorted({alias for reply in replies for alias in reply.names})
    return Lookup(domain=name, found=bool(addresses), addresses=addresses, aliases=aliases, answer=replies[0].code)


@app.action("flush domain", type="generic", idempotent=True)
def flush_domain(resolver: Resolver, domain: str = param("Domain", contains="domain")) -> Flushed:
    """Let the resolver forget what it knows of a domain and what is below it, and ask anew."""
    name = indicators.domain(domain)
    with resolver.machine() as machine:
        return Flushed(domain=name, said=resolver.control(machine, "flush_zone", f"{name}.").stdout.strip())


@app.action("get status", type="investigate")
def get_status(resolver: Resolver) -> Status:
    """Whether it runs, since when, and how much it is asked."""
    with resolver.machine() as machine:
        return _status(resolver, machine)


def _status(resolver: Resolver, machine: Ssh) -> Status:
    done = resolver.control(machine, "status", accept=(0, 3))
    if done.exit_code == 3:
        return Status(running=False)
    told = dict(re.findall(r"(?m)^(\w+): (.*)$", done.stdout))
    numbers = dict(re.findall(r"(?m)^([\w.]+)=(\d+)", resolver.control(machine, "stats_noreset").stdout))
    uptime = told.get("uptime", "").partition(" ")[0]
    return Status(
        running=True, version=told.get("version", ""), uptime_s=int(uptime) if uptime.isdigit() else None,
        queries=_number(numbers, "total.num.queries"), cache_hits=_number(numbers, "total.num.cachehits"),
    )  # fmt: skip


def _number(numbers: Dict[str, str], name: str) -> Optional[int]:
    return int(numbers[name]) if name in numbers else None
