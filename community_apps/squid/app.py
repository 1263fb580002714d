"""Domains and URLs blocked at a Squid proxy, in files of its access lists, through SSH, and verified by a request to it."""

from __future__ import annotations

import re
import time
from typing import List, Optional, Tuple
from urllib.parse import urlsplit

import blocklists
from proxy_client import Reply, ask

from repertory_sdk import ActionFailed, App, Output, indicators, output, param, setting
from repertory_sdk.ssh import Done, Ssh, SshAsset

app = App(
    "squid",
    version="1.0.0",
    product="Squid",
    vendor="Squid Software Foundation",
    summary=__doc__,
    requires=["paramiko>=3.4"],
    hosts=["${asset.host}:${asset.port}", "${asset.host}:${asset.proxy_port}", "${asset.proxy_host}:${asset.proxy_port}"],
    concurrency=1,  # a file is read, changed and written: two at a time would undo each other
)

PRODUCT = app.info.product
CONTROL = "http://never-blocked.invalid/"
"""If the proxy refuses even this, a refusal says nothing."""


@app.asset
class Proxy(SshAsset):
    """A proxy."""

    host: str = setting("Where Squid runs: name or address as SSH connects to it")
    protected: List[str] = indicators.protected_setting()
    domains_file: str = setting("File of blocked domains", default="/etc/squid/repertory_domains.txt")
    urls_file: str = setting("File of blocked URLs", default="/etc/squid/repertory_urls.txt")
    config_file: Optional[str] = setting("Configuration of Squid, if it is not where it is built to be", default=None)
    decrypts_tls: bool = setting("Whether Squid sees paths of https, by decrypting it", default=False)
    verify: bool = setting("Whether the proxy is asked after each change", default=True)
    proxy_host: Optional[str] = setting("Where it proxies, if that is another address than host", default=None)
    proxy_port: int = setting("Port where it proxies", default=3128, minimum=1, maximum=65535)
    settle_s: float = setting("Seconds to wait until Squid has read its files", default=10.0, minimum=0, maximum=60)

    def machine(self) -> Ssh:
        """The machine that it runs on."""
        return Ssh(PRODUCT, self, self.host)

    def squid(self, machine: Ssh, *words: str) -> Done:
        """What squid says, whatever its exit code is."""
        where = ["-f", self.config_file] if self.config_file else []
        return machine.run(["squid", *where, *words], sudo=True, accept=None)

    def ask(self, url: str) -> Reply:
        """Whether it lets a URL through."""
        return ask(PRODUCT, self.proxy_host or self.host, self.proxy_port, url, min(self.timeout_s, 10.0))


@app.result
class BlockedDomain:
    """What became of a domain."""

    domain: str = output("Domain", contains="domain")
    blocked: bool = output("Whether nobody reaches it and what is below it by this proxy, now")
    previously_blocked: bool = output("Whether that was so before")
    changed: bool = output("Whether anything was done")
    verified: bool = output("Whether the proxy was asked afterwards, and refused it, or no longer does")
    answer: str = output("What it answered, or why there is no telling", default="")
    by: str = output("The domain that is blocked, where that is one above", default="", contains="domain")


@app.result
class BlockedUrl:
    """What became of a URL."""

    url: str = output("URL", contains="url")
    blocked: bool = output("Whether nobody reaches it and what is below it by this proxy, now")
    previously_blocked: bool = output("Whether that was so before")
    changed: bool = output("Whether anything was done")
    verified: bool = output("Whether the proxy was asked afterwards, and refused it, or no longer does")
    answer: str = output("What it answered, or why there is no telling", default="")


@app.result
class ListedDomain:
    """A blocked domain."""

    domain: str = output("Domain, with all that is below it", contains="domain")


@app.result
class ListedUrl:
    """A blocked URL."""

    url: str = output("URL, with what is below it; an expression where somebody else wrote one", contains="url")
    pattern: str = output("The expression that Squid compares with")


@app.result
class Checked:
    """Whether a URL is let through."""

    url: str = output("URL", contains="url")
    denied: bool = output("Whether the rules of the proxy refuse it")
    answer: str = output("What it answered: 403 ERR_ACCESS_DENIED, or 504 where it is let through and was not visited")


@app.result
class Status:
    """How it is."""

    running: bool = output("Whether it runs")
    version: str = output("Its version")
    blocked_domains: int = output("Number of blocked domains")
    blocked_urls: int = output("Number of blocked URLs")


def _read(machine: Ssh, path: str) -> str:
    return (machine.read(path, sudo=True) or b"").decode("utf-8", "replace")


def _replace(proxy: Proxy, machine: Ssh, path: str, before: str, after: bytes) -> None:
    """Write a file, and let Squid read it; what Squid would not read is taken back before it tries."""
    machine.write(path, after, sudo=True)
    parsed = proxy.squid(machine, "-k", "parse")
    if parsed.exit_code:
        machine.write(path, before.encode(), sudo=True)
        lines = [line for line in parsed.stderr.splitlines() if "FATAL" in line or "ERROR" in line]
        raise machine.failure("squid -k parse", Done(parsed.exit_code, b"", (lines or [parsed.stderr])[-1]))
    told = proxy.squid(machine, "-k", "reconfigure")
    if told.exit_code:
        raise machine.failure("squid -k reconfigure", told)


def _seen(proxy: Proxy, url: str, *, blocked: bool, patience_s: float) -> Tuple[bool, str]:
    """Whether the proxy does what it should, once it has read its files; and what it says."""
    if not proxy.verify:
        return True, "not asked"
    until = time.monotonic() + patience_s
    while True:
        try:
            reply = proxy.ask(url)
            if reply.denied == blocked or time.monotonic() > until:
                return _meant(proxy, reply, blocked=blocked)
        except ActionFailed as failure:  # while it reads its files, it does not listen
            if time.monotonic() > until:
                return False, str(failure)  # the change is made: that it could not be seen from here is part of the answer
        time.sleep(0.1)


def _meant(proxy: Proxy, reply: Reply, *, blocked: bool) -> Tuple[bool, str]:
    """Whether the answer is about the URL, and not about whoever asks."""
    if blocked and proxy.ask(CONTROL).denied:
        return False, f"{reply}, as to everything that this machine asks for"
    return reply.denied == blocked, str(reply)


@app.test
def connectivity(proxy: Proxy) -> str:
    """Asks whether it runs, and whether it serves this machine."""
    with proxy.machine() as machine:
        status = _status(proxy, machine)
    if not status.running:
        raise ActionFailed(f"{PRODUCT}: it does not run on {proxy.host}; start it")
    if proxy.verify and proxy.ask(CONTROL).denied:
        cure = "let it use the proxy, or set verify to false"
        raise ActionFailed(f"{PRODUCT}: it refuses everything that this machine asks for; {cure}")
    return f"version {status.version} runs; {status.blocked_domains} domains and {status.blocked_urls} URLs are blocked"


# ---------------------------------------------------------------- domains


@app.action("block domain", type="contain", idempotent=True, undo="unblock domain")
def block_domain(proxy: Proxy, domain: str = param("Domain", contains="domain")) -> BlockedDomain:
    """Let nobody reach a domain and what is below it, by http and https."""
    name = indicators.blockable_domain(domain, proxy.protected)
    with proxy.machine() as machine:
        text = _read(machine, proxy.domains_file)
        known = blocklists.domains(text)
        by = blocklists.holding(known, name)
        if by is None:
            _replace(proxy, machine, proxy.domains_file, text, blocklists.as_domains([*known, name]))
    verified, answer = _seen(proxy, f"http://{name}/", blocked=True, patience_s=0 if by else proxy.settle_s)
    return BlockedDomain(
        domain=name, blocked=True, previously_blocked=by is not None, changed=by is None, verified=verified, answer=answer,
        by=by if by and by != name else "",
    )  # fmt: skip


@app.action("unblock domain", type="correct", idempotent=True, undo="block domain")
def unblock_domain(proxy: Proxy, domain: str = param("Domain", contains="domain")) -> BlockedDomain:
    """Take a block of a domain back."""
    name = indicators.domain(domain)
    with proxy.machine() as machine:
        text = _read(machine, proxy.domains_file)
        known = blocklists.domains(text)
        by = blocklists.holding(known, name)
        if by not in (None, name):
            raise ActionFailed(f"{PRODUCT}: {name} is blocked as part of {by}; unblock that, and block the rest again")
        if by:
            _replace(proxy, machine, proxy.domains_file, text, blocklists.as_domains([each for each in known if each != name]))
    verified, answer = _seen(proxy, f"http://{name}/", blocked=False, patience_s=proxy.settle_s if by else 0)
    return BlockedDomain(
        domain=name, blocked=False, previously_blocked=bool(by), changed=bool(by), verified=verified, answer=answer
    )


@app.action("list blocked domains", type="investigate")
def list_blocked_domains(proxy: Proxy) -> Output[ListedDomain]:
    """Domains in the file."""
    with proxy.machine() as machine:
        rows = [ListedDomain(domain=name) for name in blocklists.domains(_read(machine, proxy.domains_file))]
    return Output(rows, summary={"blocked": len(rows)})


# ---------------------------------------------------------------- URLs


@app.action("block url", type="contain", idempotent=True, undo="unblock url")
def block_url(proxy: Proxy, url: str = param("URL; one of https only where Squid decrypts it", contains="url")) -> BlockedUrl:
    """Let nobody reach a URL and what is below it: further parts of its path, and queries."""
    wanted = _blockable(proxy, url)
    return _changed_url(proxy, wanted, block=True)


@app.action("unblock url", type="correct", idempotent=True, undo="block url")
def unblock_url(proxy: Proxy, url: str = param("URL, as it was blocked", contains="url")) -> BlockedUrl:
    """Take a block of a URL back."""
    return _changed_url(proxy, blocklists.canonical(indicators.url(url)), block=False)


def _blockable(proxy: Proxy, url: str) -> str:
    wanted = blocklists.canonical(indicators.url(url))
    parts = urlsplit(wanted)
    host = parts.hostname or ""
    if re.fullmatch(r"[\d.]+|.*:.*", host):
        indicators.refuse_protected(indicators.address(host), proxy.protected)
    else:
        indicators.blockable_domain(host, proxy.protected)
    if parts.scheme == "https" and not proxy.decrypts_tls:
        raise ActionFailed(
            f"{PRODUCT}: of https it sees the host only ({host[:100]}), so a URL cannot be blocked; block the domain, or set"
            " decrypts_tls if it decrypts"
        )
    return wanted


def _changed_url(proxy: Proxy, url: str, *, block: bool) -> BlockedUrl:
    with proxy.machine() as machine:
        text = _read(machine, proxy.urls_file)
        known = blocklists.urls(text)
        before = url in known
        if before != block:
            others = {each: pattern for each, pattern in known.items() if each != url}
            after = {**others, url: blocklists.pattern(url)} if block else others
            _replace(proxy, machine, proxy.urls_file, text, blocklists.as_urls(after))
    changed = before != block
    verified, answer = _seen(proxy, url, blocked=block, patience_s=proxy.settle_s if changed else 0)
    return BlockedUrl(
        url=url, blocked=block, previously_blocked=before, changed=changed, verified=verified, answer=answer
    )


@app.action("list blocked urls", type="investigate")
def list_blocked_urls(proxy: Proxy) -> Output[ListedUrl]:
    """URLs in the file."""
    with proxy.machine() as machine:
        found = blocklists.urls(_read(machine, proxy.urls_file))
    rows = [ListedUrl(url=url, pattern=pattern) for url, pattern in sorted(found.items())]
    return Output(rows, summary={"blocked": len(rows)})


@app.action("check url", type="investigate")
def check_url(proxy: Proxy, url: str = param("URL of http", contains="url")) -> Checked:
    """Whether the proxy lets a URL through. It is not visited."""
    wanted = blocklists.canonical(indicators.url(url))
    if wanted.startswith("https:"):
        raise ActionFailed(f"{PRODUCT}: {wanted[:100]} can only be asked for by a visit; check http://{urlsplit(wanted).netloc[:100]}/")
    reply = proxy.ask(wanted)
    return Checked(url=wanted, denied=reply.denied, answer=str(reply))


@app.action("get status", type="investigate")
def get_status(proxy: Proxy) -> Status:
    """Whether it runs, and how much is blocked."""
    with proxy.machine() as machine:
        return _status(proxy, machine)


def _status(proxy: Proxy, machine: Ssh) -> Status:
    version = machine.run(["squid", "-v"], sudo=True).stdout
    found = re.search(r"Version (\S+)", version)
    running = proxy.squid(machine, "-k", "check").exit_code == 0
    domains, urls = _read(machine, proxy.domains_file), _read(machine, proxy.urls_file)
    return Status(
        running=running, version=found[1] if found else "", blocked_domains=len(blocklists.domains(domains)),
        blocked_urls=len(blocklists.urls(urls)),
    )  # fmt: skip
