"""Windows machines reached by WinRM: what runs on them and who uses them; services, processes, accounts and addresses stopped."""

from __future__ import annotations

import ipaddress
from typing import List, Literal, Optional

import scripts
from powershell import PRODUCT, Machine
from results import (
    Blocked,
    CommandDone,
    Connection,
    Ended,
    EndedSessions,
    HashedFile,
    Hotfix,
    Listed,
    Process,
    Rule,
    Service,
    ServiceChange,
    Session,
    SystemInfo,
    UserChange,
)  # fmt: skip
from rows import Row, first, number, start_mode, text

from repertory_sdk import ActionFailed, App, Asset, Output, Secret, indicators, param, setting

app = App(
    "windows_server",
    version="1.0.0",
    product=PRODUCT,
    vendor="Microsoft",
    summary=__doc__,
    requires=["pywinrm>=0.5"],
    hosts=["${asset.hosts}:${asset.port}"],
    files=["${asset.ca_file}"],
)

HOST = "Machine, one of the setting hosts"
EACH = "Machine, one of the setting hosts; all of them if empty"
KINDS = {2: "console", 10: "remote", 11: "cached"}


@app.asset
class Servers(Asset):
    """Machines with one account."""

    hosts: List[str] = setting("Machines that may be reached: names or addresses")
    port: int = setting("Port of WinRM: 5986 with TLS, 5985 without", default=5986, minimum=1, maximum=65535)
    user: str = setting("Account, such as EXAMPLE\\responder")
    password: Secret = setting("Its password")
    transport: Literal["ntlm", "basic"] = setting("How the account is proven", default="ntlm")
    tls: bool = setting("Whether to speak TLS; without it basic shows the password to the network", default=True)
    verify_tls: bool = setting("Whether the machine's certificate has to be a trusted one", default=True)
    ca_file: Optional[str] = setting("Absolute path of the CA certificates to trust, as PEM", default=None)
    timeout_s: float = setting("Seconds to wait for an answer", default=30.0, minimum=0.1, maximum=600)
    protected: List[str] = indicators.protected_setting()
    protected_services: List[str] = setting(
        "Services that are never stopped",
        default=["WinRM", "RpcSs", "Netlogon", "NTDS", "DNS", "Dnscache", "LanmanServer", "EventLog"],
    )
    protected_processes: List[str] = setting(
        "Names of processes that are never ended",
        default=["System", "smss", "csrss", "wininit", "winlogon", "lsass", "services"],
    )
    protected_users: List[str] = setting(
        "Accounts that are never disabled, besides that of the asset", default=["Administrator"]
    )

    def machine(self, host: str) -> Machine:
        """A machine of the list; without a name the only one."""
        wanted = host.strip().rstrip(".").lower()
        found = [name for name in self.hosts if name.lower() == wanted or (not wanted and len(self.hosts) == 1)]
        if not found:
            many = "say which host" if not wanted else "add it to the setting hosts, if it is one of yours"
            raise ActionFailed(
                f"{PRODUCT}: {wanted[:80] or 'no host'!r} is none of the machines that {self.name} may reach; {many}"
            )
        place = f"[{found[0]}]" if ":" in found[0] else found[0]
        return Machine(
            found[0], url=f"http{'s' if self.tls else ''}://{place}:{self.port}/wsman", user=self.user, password=self.password,
            transport=self.transport, timeout_s=self.timeout_s, verify=self.verify_tls, ca_file=self.ca_file,
        )  # fmt: skip

    def each(self, host: str) -> List[Machine]:
        """One machine, or without a name all of them."""
        return [self.machine(name) for name in ([host] if host.strip() else self.hosts)]


@app.test
def connectivity(servers: Servers) -> str:
    """Asks each machine for its name."""
    names = [servers.machine(host).script("who", scripts.WHO)[0].get("name") for host in servers.hosts]
    return f"{len(names)} machine(s) answer: {', '.join(map(str, names))}"


# ---------------------------------------------------------------- looking


@app.action("get system info", type="investigate")
def get_system_info(servers: Servers, host: str = param(HOST, contains="host name")) -> SystemInfo:
    """Edition, version, addresses, and since when it runs."""
    machine = servers.machine(host)
    found = first(machine, "get system info", machine.script("get system info", scripts.SYSTEM))
    return SystemInfo(
        host=machine.host, hostname=text(found, "name"), domain=text(found, "domain"), os=text(found, "os"),
        os_version=text(found, "version"), architecture=text(found, "arch"), booted_at=found.get("booted"),
        addresses=[str(address) for address in found.get("addresses") or ()],
    )  # fmt: skip


@app.action("list processes", type="investigate")
def list_processes(servers: Servers, host: str = param(HOST, contains="host name")) -> Output[Process]:
    """Everything that runs on a machine."""
    machine = servers.machine(host)
    found = [
        Process(
            host=machine.host, pid=number(row, "pid"), parent_pid=number(row, "parent"), name=text(row, "name"),
            user=text(row, "user"), command=text(row, "command"), path=row.get("path"), started_at=row.get("started"),
        )
        for row in machine.script("list processes", scripts.PROCESSES)
    ]  # fmt: skip
    return Output(found, summary={"processes": len(found)})


@app.action("list connections", type="investigate")
def list_connections(servers: Servers, host: str = param(HOST, contains="host name")) -> Output[Connection]:
    """Connections and open ports, with their processes."""
    machine = servers.machine(host)
    found = [_connection(machine.host, row) for row in machine.script("list connections", scripts.CONNECTIONS)]
    return Output(found, summary={"connections": len(found)})


def _connection(host: str, row: Row) -> Connection:
    state = text(row, "state").lower().replace("timewait", "time-wait").replace("closewait", "close-wait")
    connected = state not in ("listen", "unconnected", "bound")
    return Connection(
        host=host, protocol=text(row, "protocol"), state=state, local_ip=text(row, "local"), local_port=number(row, "lport"),
        remote_ip=text(row, "remote") if connected else None, remote_port=number(row, "rport") if connected else None,
        pid=row.get("pid"), process=row.get("process"),
    )  # fmt: skip


@app.action("list sessions", type="investigate")
def list_sessions(servers: Servers, host: str = param(HOST, contains="host name")) -> List[Session]:
    """Who is logged on, at the console or remotely."""
    machine = servers.machine(host)
    return [
        Session(
            host=machine.host,
            user=text(row, "user"),
            source=KINDS.get(row.get("kind"), "other"),
            since=text(row, "since"),
        )
        for row in machine.script("list sessions", scripts.SESSIONS)
    ]


@app.action("list services", type="investigate")
def list_services(servers: Servers, host: str = param(HOST, contains="host name")) -> Output[Service]:
    """Services of a machine."""
    machine = servers.machine(host)
    found = [
        Service(
            host=machine.host, service=text(row, "Name"), status=text(row, "State").lower(), start_mode=start_mode(row),
            title=text(row, "DisplayName"), account=text(row, "StartName"),
        )
        for row in machine.script("list services", scripts.SERVICES)
    ]  # fmt: skip
    return Output(found, summary={"services": len(found)})


@app.action("list hotfixes", type="investigate")
def list_hotfixes(servers: Servers, host: str = param(HOST, contains="host name")) -> List[Hotfix]:
    """Updates that are installed."""
    machine = servers.machine(host)
    return [
        Hotfix(
            host=machine.host,
            update=text(row, "HotFixID"),
            kind=text(row, "Description"),
            installed_at=row.get("Installed"),
        )
        for row in machine.script("list hotfixes", scripts.HOTFIXES)
    ]


@app.action("hash file", type="investigate", timeout_s=300)
def hash_file(
    servers: Servers, host: str = param(HOST, contains="host name"), path: str = param("File", contains="file path")
) -> HashedFile:
    """SHA-256 of a file."""
    machine = servers.machine(host)
    found = first(machine, "hash file", machine.script("hash file", scripts.HASH, path=path))
    return HashedFile(
        host=machine.host, path=text(found, "path"), sha256=text(found, "sha256"), size=number(found, "size")
    )


@app.action("list firewall rules", type="investigate", timeout_s=300)
def list_firewall_rules(servers: Servers, host: str = param(HOST, contains="host name")) -> Output[Rule]:
    """Rules of the machine's own firewall that are in use."""
    machine = servers.machine(host)
    found = [
        Rule(
            host=machine.host, rule=text(row, "rule"), action="deny" if text(row, "action") == "Block" else "permit",
            name=text(row, "name"), direction=text(row, "direction").lower(), remote=text(row, "remote"),
            protocol=text(row, "protocol"), port=text(row, "port"),
        )
        for row in machine.script("list firewall rules", scripts.RULES)
    ]  # fmt: skip
    return Output(found, summary={"rules": len(found)})


# ---------------------------------------------------------------- changing


@app.action("terminate process", type="contain", idempotent=True)
def terminate_process(
    servers: Servers,
    host: str = param(HOST, contains="host name"),
    pid: int = param("Its number", contains="pid", minimum=1),
) -> Ended:
    """End a process; one that is gone already is no failure."""
    machine = servers.machine(host)
    before = machine.script("get process", scripts.PROCESS, pid=pid)
    name = text(before[0], "name") if before else ""
    if name.lower() in (one.lower() for one in servers.protected_processes):
        raise ActionFailed(
            f"{PRODUCT}: {name} is protected and goes on; take it off the setting protected_processes, if you mean it"
        )
    if before:
        machine.script("terminate process", scripts.KILL, pid=pid)
    gone = not machine.script("get process", scripts.PROCESS, pid=pid)
    return Ended(host=machine.host, pid=pid, name=name, ended=gone, changed=bool(before) and gone)


@app.action("stop service", type="contain", idempotent=True, undo="start service", timeout_s=120)
def stop_service(
    servers: Servers,
    host: str = param(HOST, contains="host name"),
    service: str = param("Service", contains="service name"),
) -> ServiceChange:
    """Stop a service, and keep it from starting again."""
    if service.lower() in (one.lower() for one in servers.protected_services):
        raise ActionFailed(
            f"{PRODUCT}: {service} is protected and goes on; take it off the setting protected_services, if you mean it"
        )
    return _service(servers.machine(host), service, "stop service", scripts.STOP, ("stopped", "disabled"))


@app.action("start service", type="correct", idempotent=True, undo="stop service", timeout_s=120)
def start_service(
    servers: Servers,
    host: str = param(HOST, contains="host name"),
    service: str = param("Service", contains="service name"),
) -> ServiceChange:
    """Start a service, and let it start by itself."""
    return _service(servers.machine(host), service, "start service", scripts.START, ("running", "automatic"))


def _service(machine: Machine, service: str, name: str, script: str, wanted: "tuple[str, str]") -> ServiceChange:
    if not service or not all(character.isalnum() or character in "_-. $" for character in service):
        raise ActionFailed(f"{PRODUCT}: {service[:60]!r} is no name of a service; give one such as TlntSvr")
    before = _state(machine, service)
    if before != wanted:
        machine.script(name, script, service=service)
    now = _state(machine, service)
    return ServiceChange(
        host=machine.host, service=service, status=now[0], start_mode=now[1], previous_status=before[0],
        previous_start_mode=before[1], changed=now != before,
    )  # fmt: skip


def _state(machine: Machine, service: str) -> "tuple[str, str]":
    found = machine.script("get service", scripts.SERVICE, service=service)
    if not found:
        raise ActionFailed(f"{PRODUCT}: {machine.host} has no service {service!r}; list services shows them")
    return text(found[0], "State").lower(), start_mode(found[0])


@app.action("disable user", type="contain", idempotent=True, undo="enable user")
def disable_user(
    servers: Servers,
    user: str = param("Local account", contains="user name"),
    host: str = param(EACH, default="", contains="host name"),
) -> List[UserChange]:
    """Keep a local account from being used; sessions that exist go on."""
    own = servers.user.rpartition("\\")[2]
    if user.lower() in (one.lower() for one in (*servers.protected_users, own)):
        raise ActionFailed(
            f"{PRODUCT}: {user} is protected and stays enabled; take it off the setting protected_users, if you mean it"
        )
    return [_user(machine, user, "disable user", scripts.DISABLE, wanted=False) for machine in servers.each(host)]


@app.action("enable user", type="correct", idempotent=True, undo="disable user")
def enable_user(
    servers: Servers,
    user: str = param("Local account", contains="user name"),
    host: str = param(EACH, default="", contains="host name"),
) -> List[UserChange]:
    """Let a local account be used again."""
    return [_user(machine, user, "enable user", scripts.ENABLE, wanted=True) for machine in servers.each(host)]


def _user(machine: Machine, user: str, name: str, script: str, *, wanted: bool) -> UserChange:
    if not user.strip() or not user.isprintable() or len(user) > 104:
        raise ActionFailed(f"{PRODUCT}: {user[:60]!r} is no name of an account; give one such as jdoe")
    before = bool(first(machine, name, machine.script("get user", scripts.USER, user=user)).get("Enabled"))
    if before != wanted:
        machine.script(name, script, user=user)
    now = bool(first(machine, name, machine.script("get user", scripts.USER, user=user)).get("Enabled"))
    return UserChange(host=machine.host, user=user, enabled=now, previously_enabled=before, changed=now != before)


@app.action("log off user", type="contain", idempotent=True)
def log_off_user(
    servers: Servers, host: str = param(HOST, contains="host name"), user: str = param("Account", contains="user name")
) -> EndedSessions:
    """End the sessions of somebody at the console or by remote desktop."""
    machine = servers.machine(host)
    found = first(machine, "log off user", machine.script("log off user", scripts.LOG_OFF, user=user))
    return EndedSessions(host=machine.host, user=user, ended=number(found, "ended"))


@app.action("run command", type="generic", timeout_s=300)
def run_command(
    servers: Servers, host: str = param(HOST, contains="host name"), command: str = param("Command line, for cmd.exe")
) -> CommandDone:
    """Run a command on a machine; that it fails is an answer."""
    machine = servers.machine(host)
    if not command.strip():
        raise ActionFailed(f"{PRODUCT}: there is no command to run on {machine.host}; give one such as ipconfig /all")
    said = machine.run(command)
    return CommandDone(host=machine.host, exit_code=said.exit_code, stdout=said.stdout, stderr=said.stderr)


@app.action("block ip", type="contain", idempotent=True, undo="unblock ip", timeout_s=120)
def block_ip(
    servers: Servers,
    ip: str = param("Address or network", contains="ip"),
    host: str = param(EACH, default="", contains="host name"),
) -> List[Blocked]:
    """Let a machine's own firewall drop everything from and to an address."""
    address = indicators.network(ip)
    indicators.refuse_protected(address, servers.protected)
    return [_block(machine, address, "block ip", scripts.BLOCK, wanted=True) for machine in servers.each(host)]


@app.action("unblock ip", type="correct", idempotent=True, undo="block ip", timeout_s=120)
def unblock_ip(
    servers: Servers,
    ip: str = param("Address or network", contains="ip"),
    host: str = param(EACH, default="", contains="host name"),
) -> List[Blocked]:
    """Remove the rules that 'block ip' made."""
    address = indicators.network(ip)
    return [_block(machine, address, "unblock ip", scripts.UNBLOCK, wanted=False) for machine in servers.each(host)]


def _block(machine: Machine, ip: str, name: str, script: str, *, wanted: bool) -> Blocked:
    before = ip in _blocked(machine)
    if before != wanted:
        machine.script(name, script, ip=ip)
    now = ip in _blocked(machine)
    return Blocked(host=machine.host, ip=ip, blocked=now, changed=now != before, verified=now == wanted)


def _blocked(machine: Machine) -> List[str]:
    """Windows writes networks with a mask."""
    found = [text(row, "ip") for row in machine.script("list blocked ips", scripts.BLOCKED)]
    return list(dict.fromkeys(_plain(text) for text in found))


def _plain(text: str) -> str:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return text
    return str(network.network_address) if network.num_addresses == 1 else str(network)


@app.action("list blocked ips", type="investigate")
def list_blocked_ips(servers: Servers, host: str = param(EACH, default="", contains="host name")) -> List[Listed]:
    """Addresses that 'block ip' blocked."""
    return [Listed(host=machine.host, ip=ip) for machine in servers.each(host) for ip in _blocked(machine)]
