"""Linux machines reached by SSH: what runs on them and who uses them; services, processes and accounts stopped and started."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime, timezone
from pathlib import PurePosixPath
from typing import List

import linux_accounts as accounts
import linux_limits as limits
import linux_services as services
import linux_tables as tables
from linux_results import (
    CommandDone,
    Connection,
    Ended,
    EndedSessions,
    FetchedFile,
    HashedFile,
    Process,
    Scheduled,
    Service,
    ServiceChange,
    Session,
    SystemInfo,
    User,
    UserChange,
)  # fmt: skip

from repertory_sdk import ActionFailed, App, Job, Output, param, setting
from repertory_sdk.ssh import Ssh, SshAsset

app = App(
    "linux_endpoint",
    version="1.0.0",
    product="Linux endpoint",
    vendor="Generic",
    summary=__doc__,
    requires=["paramiko>=3.4"],
    hosts=["${asset.hosts}:${asset.port}"],
)

PRODUCT = app.info.product
HOST = "Machine, one of the setting hosts"
ONLY_HOST = "Machine, one of the setting hosts; may be left out where there is only one"
_LIMIT = 20_000_000


@app.asset
class Endpoints(SshAsset):
    """Machines with one account."""

    hosts: List[str] = setting("Machines that may be reached: names or addresses as SSH connects to them")
    protected_services: List[str] = setting(
        "Services that are never stopped; * stands for anything",
        default=["ssh", "sshd", "systemd-*", "dbus*", "network*", "NetworkManager*"],
    )
    protected_processes: List[str] = setting(
        "Names of processes that are never ended; * stands for anything",
        default=["systemd*", "init", "sshd*", "dbus-*", "agetty"],
    )
    protected_users: List[str] = setting("Accounts that are never disabled, besides that of the asset", default=["root"])

    def machine(self, host: str) -> Ssh:
        """A machine of the list; without a name the only one."""
        wanted = host.strip().rstrip(".").lower()
        found = [name for name in self.hosts if name.lower() == wanted or (not wanted and len(self.hosts) == 1)]
        if not found:
            many = "; say which host" if not wanted else "; add it to the setting hosts, if it is one of yours"
            raise ActionFailed(f"{PRODUCT}: {wanted[:80] or 'no host'!r} is none of the machines that {self.name} may reach{many}")
        if self.host_key and len(self.hosts) > 1:
            raise ActionFailed(f"{PRODUCT}: host_key is the key of one host, and there are several; set known_hosts instead")
        return Ssh(PRODUCT, self, found[0])


@app.test
def connectivity(endpoints: Endpoints) -> str:
    """Asks each machine for its kernel."""
    for host in endpoints.hosts:
        with endpoints.machine(host) as machine:
            kernel = machine.run(["uname", "-sr"]).stdout.strip()
    return f"{len(endpoints.hosts)} machine(s) answer, the last one with {kernel}"


# ---------------------------------------------------------------- looking


@app.action("get system info", type="investigate")
def get_system_info(endpoints: Endpoints, host: str = param(HOST, contains="host name")) -> SystemInfo:
    """Distribution, kernel, addresses, and since when it runs."""
    with endpoints.machine(host) as machine:
        names = (machine.run(["uname", "-nrm"]).stdout.split() + [""] * 3)[:3]
        release = tables.release((machine.read("/etc/os-release") or b"").decode("utf-8", "replace"))
        booted = machine.run(["uptime", "-s"], accept=None).stdout
        addresses = machine.run(["ip", "-j", "addr"], accept=None).stdout
        return SystemInfo(
            host=machine.host, hostname=names[0], os=release.get("NAME") or "Linux", os_version=release.get("VERSION_ID") or "",
            kernel=names[1], architecture=names[2], booted_at=tables.booted(booted), addresses=tables.addresses(addresses),
        )  # fmt: skip


@app.action("list processes", type="investigate")
def list_processes(endpoints: Endpoints, host: str = param(HOST, contains="host name")) -> Output[Process]:
    """Everything that runs on a machine."""
    with endpoints.machine(host) as machine:
        told = tables.commands(machine.run(["ps", "-eo", "pid=,args=", "-ww"]).stdout)
        found = [
            Process(
                host=machine.host, pid=each.pid, parent_pid=each.parent, name=each.name, user=each.user,
                command=told.get(each.pid, each.name), started_at=tables.started(each.started),
            )
            for each in services.running(machine)
        ]  # fmt: skip
    return Output(found, summary={"processes": len(found)})


@app.action("list connections", type="investigate")
def list_connections(endpoints: Endpoints, host: str = param(HOST, contains="host name")) -> Output[Connection]:
    """Connections and open ports, with their processes where the account may see them."""
    states = {"estab": "established", "unconn": "unconnected"}
    with endpoints.machine(host) as machine:
        found = []
        for each in tables.sockets(machine.run(["ss", "-H", "-tunap"], sudo=True).stdout):
            process, pid = each.owners[0] if each.owners else (None, None)
            remote_ip, remote_port = each.remote or (None, None)
            found.append(Connection(
                host=machine.host, protocol=each.protocol, state=states.get(each.state, each.state), local_ip=each.local[0],
                local_port=each.local[1], remote_ip=remote_ip, remote_port=remote_port, pid=pid, process=process,
            ))  # fmt: skip
    ports = sum(each.remote_ip is None for each in found)
    return Output(found, summary={"connections": len(found) - ports, "open ports": ports})


@app.action("list sessions", type="investigate")
def list_sessions(endpoints: Endpoints, host: str = param(HOST, contains="host name")) -> List[Session]:
    """Who is logged on, by terminal or SSH."""
    with endpoints.machine(host) as machine:
        rows = tables.sessions(machine.run(["who"]).stdout, datetime.now(timezone.utc))
        return [Session(host=machine.host, user=row[0], terminal=row[1], since=row[2], source=row[3]) for row in rows]


@app.action("list services", type="investigate")
def list_services(endpoints: Endpoints, host: str = param(HOST, contains="host name")) -> Output[Service]:
    """Services and sockets of systemd. What inetd and xinetd run is found by stop service, by its name."""
    modes = {"enabled": "automatic", "enabled-runtime": "automatic", "masked": "disabled", "masked-runtime": "disabled"}
    states = {"active": "running", "activating": "running", "reloading": "running", "failed": "failed"}
    kinds = ["--type=service,socket", "--no-legend", "--plain", "--no-pager"]
    with endpoints.machine(host) as machine:
        files = machine.run(["systemctl", "list-unit-files", *kinds]).stdout
        units = machine.run(["systemctl", "list-units", "--all", *kinds]).stdout
        known = {row[0]: row[1] for line in files.splitlines() if len(row := line.split()) > 1}
        status = {row[0]: row[2] for line in units.splitlines() if len(row := line.split()) > 2 and row[1] != "not-found"}
        found = [
            Service(
                host=machine.host, service=name, status=states.get(status.get(name, ""), "stopped"),
                start_mode=modes.get(known.get(name, ""), "manual"),
            )
            for name in sorted({*known, *status})
        ]  # fmt: skip
    return Output(found, summary={"running": sum(each.status == "running" for each in found)})


@app.action("list users", type="investigate")
def list_users(endpoints: Endpoints, host: str = param(HOST, contains="host name")) -> List[User]:
    """Accounts that the machine knows."""
    with endpoints.machine(host) as machine:
        rows = tables.accounts(machine.run(["getent", "passwd"]).stdout)
        return [
            User(
                host=machine.host, user=name, number=int(number), full_name=full.split(",")[0], home=home, shell=shell,
                may_log_on=PurePosixPath(shell).name not in ("nologin", "false", "sync"),
            )
            for name, number, _, full, home, shell in rows
        ]  # fmt: skip


@app.action("list scheduled jobs", type="investigate")
def list_scheduled_jobs(endpoints: Endpoints, host: str = param(HOST, contains="host name")) -> List[Scheduled]:
    """What cron runs, of the system and of its users."""
    places = ["/etc/crontab", "/etc/cron.d", "/var/spool/cron"]
    with endpoints.machine(host) as machine:
        done = machine.run(["grep", "-rHE", "--", "^[[:space:]]*[^#[:space:]]", *places], sudo=True, accept=None)
        if done.exit_code > 2 or any("No such file" not in line for line in done.stderr.splitlines()):
            raise machine.failure("grep", done)  # what cannot be read is not the same as nothing
        pairs = (line.partition(":") for line in done.stdout.splitlines())
        return [Scheduled(host=machine.host, path=path, line=" ".join(text.split())) for path, _, text in pairs if text]


@app.action("hash file", type="investigate", timeout_s=120)
def hash_file(
    endpoints: Endpoints,
    host: str = param(HOST, contains="host name"),
    path: str = param("Absolute path", contains="file path"),
) -> HashedFile:
    """SHA-256 of a file."""
    with endpoints.machine(host) as machine:
        size = _size(machine, path)
        digest = machine.run(["sha256sum", "--", path], sudo=True, timeout_s=100).stdout.lstrip("\\").partition(" ")[0]
        return HashedFile(host=machine.host, path=path, sha256=digest, size=size)


@app.action("get file", type="investigate", timeout_s=120)
def get_file(
    endpoints: Endpoints,
    job: Job,
    host: str = param(HOST, contains="host name"),
    path: str = param("Absolute path", contains="file path"),
) -> FetchedFile:
    """Attach a file of at most 20 MB to the event."""
    with endpoints.machine(host) as machine:
        if _size(machine, path) > _LIMIT:
            raise ActionFailed(f"{PRODUCT}: {path} on {machine.host} has more than {_LIMIT:,} bytes; take its hash instead")
        content = machine.read(path, sudo=True, limit=_LIMIT) or b""
        name = PurePosixPath(path).name
        job.attach(name, content)
        digest = hashlib.sha256(content).hexdigest()
        return FetchedFile(host=machine.host, path=path, sha256=digest, size=len(content), name=name)


def _size(machine: Ssh, path: str) -> int:
    if not path.startswith("/") or not path.isprintable():
        raise ActionFailed(f"{PRODUCT}: {path[:80]!r} is no absolute path; give one such as /usr/bin/ls")
    done = machine.run(["stat", "-L", "-c", "%s %F", "--", path], sudo=True, accept=None)
    size, _, kind = done.stdout.strip().partition(" ")
    if not size.isdigit():
        if done.exit_code == 1 and re.search("No such file|Not a directory|name too long", done.stderr):
            raise ActionFailed(f"{PRODUCT}: {machine.host} has no file {path[:80]}; check the path")
        raise machine.failure("stat", done)
    if not kind.startswith("regular"):
        raise ActionFailed(f"{PRODUCT}: {path[:80]} on {machine.host} is a {kind} and no file; give the path of one")
    return int(size)


# ---------------------------------------------------------------- changing


@app.action("terminate process", type="contain", idempotent=True)
def terminate_process(
    endpoints: Endpoints,
    host: str = param(HOST, contains="host name"),
    pid: int = param("Number of the process", contains="pid", minimum=1),
    name: str = param("Its name: nothing is done if the process of this number is called otherwise", default=""),
) -> Ended:
    """End a process, by force if it does not listen. One that is gone already is no failure."""
    with endpoints.machine(host) as machine:
        everything = services.running(machine)
        found = next((each for each in everything if each.pid == pid), None)
        if found is None:
            return Ended(host=machine.host, pid=pid, name="", ended=True, changed=False)
        if name and found.name != name:
            raise ActionFailed(f"{PRODUCT}: process {pid} on {machine.host} is {found.name}, not {name[:80]}; list processes again")
        limits.end(endpoints.protected_processes, machine, everything, pid)
        return Ended(host=machine.host, pid=pid, name=found.name, ended=True, changed=True)


@app.action("stop service", type="contain", idempotent=True, undo="start service", timeout_s=120)
def stop_service(
    endpoints: Endpoints,
    host: str = param(HOST, contains="host name"),
    service: str = param("Name of a unit, or of a line of inetd or xinetd, such as telnet", contains="service name"),
    port: int = param("Port on which it listens; 0 for the one of its name", default=0, minimum=0, maximum=65535),
) -> ServiceChange:
    """Stop a service in whatever way it is run, keep it from starting again, and end its sessions."""
    limits.refuse_odd(PRODUCT, service, limits.SERVICE, "service")
    plain = service.rpartition(".")[0] if service.endswith((".service", ".socket")) else service
    if limits.is_one_of(plain, endpoints.protected_services):
        raise ActionFailed(
            f"{PRODUCT}: {service} is protected and goes on; take it off the setting protected_services, if you mean it"
        )
    with endpoints.machine(host) as machine:
        number = services.port_of(machine, service, port)
        found = services.ways(machine, service, number)
        memory = endpoints.state.setdefault("stopped", {})
        if any(way.running or way.automatic for way in found):
            memory[f"{machine.host} {service}"] = services.kept(found)
        elif not found and f"{machine.host} {service}" not in memory:
            raise services.unknown(machine, service)
        everything = services.running(machine)
        protected = endpoints.protected_processes
        done = services.stop(machine, service, number, found, lambda pid: limits.end(protected, machine, everything, pid))
        return services.change_of(machine, service, number, found, done, wanted="stopped")


@app.action("start service", type="correct", idempotent=True, undo="stop service", timeout_s=120)
def start_service(
    endpoints: Endpoints,
    host: str = param(HOST, contains="host name"),
    service: str = param("Name of a unit, or of a line of inetd or xinetd, such as telnet", contains="service name"),
    port: int = param("Port on which it listens; 0 for the one of its name", default=0, minimum=0, maximum=65535),
) -> ServiceChange:
    """Start a service, and let it start by itself; one that stop service stopped is run as it was before."""
    limits.refuse_odd(PRODUCT, service, limits.SERVICE, "service")
    with endpoints.machine(host) as machine:
        number = services.port_of(machine, service, port)
        found = services.ways(machine, service, number)
        before = services.remembered(endpoints.state.get("stopped", {}).get(f"{machine.host} {service}"))
        if not found and not before:
            raise services.unknown(machine, service)
        done = services.start(machine, service, number, found, before)
        change = services.change_of(machine, service, number, found, done, wanted="running")
        endpoints.state.get("stopped", {}).pop(f"{machine.host} {service}", None)
        return change


@app.action("disable user", type="contain", idempotent=True, undo="enable user")
def disable_user(
    endpoints: Endpoints,
    user: str = param("Account", contains="user name"),
    host: str = param(ONLY_HOST, default="", contains="host name"),
    end_sessions: bool = param("Whether what it has running is ended too", default=True),
) -> UserChange:
    """Lock an account's password and let the account expire, so that neither passwords nor keys open it."""
    with endpoints.machine(host) as machine:
        _refuse_user(endpoints, machine, user)
        locked, enabled = accounts.account(machine, user)
        if enabled or not locked:
            machine.run(["usermod", "-L", "-e", "1", "--", user], sudo=True)
            endpoints.state.setdefault("locked before", {})[f"{machine.host} {user}"] = locked
        if end_sessions:
            accounts.end_sessions(machine, user)
        return accounts.change_of(machine, user, enabled, wanted=False, changed=enabled or not locked)


@app.action("enable user", type="correct", idempotent=True, undo="disable user")
def enable_user(
    endpoints: Endpoints,
    user: str = param("Account", contains="user name"),
    host: str = param(ONLY_HOST, default="", contains="host name"),
) -> UserChange:
    """Let an account be used again; a password that was locked before disable user stays so."""
    with endpoints.machine(host) as machine:
        limits.refuse_odd(PRODUCT, user, limits.USER, "user")
        locked, enabled = accounts.account(machine, user)
        stays_locked = endpoints.state.get("locked before", {}).pop(f"{machine.host} {user}", False)
        if not enabled:
            machine.run(["usermod", "-e", "", "--", user], sudo=True)
        if locked and not stays_locked:
            machine.run(["usermod", "-U", "--", user], sudo=True, accept=None)  # it refuses to leave one without a password
        return accounts.change_of(machine, user, enabled, wanted=True, changed=not enabled)


def _refuse_user(endpoints: Endpoints, machine: Ssh, user: str) -> None:
    limits.refuse_odd(PRODUCT, user, limits.USER, "user")
    if user == endpoints.user or limits.is_one_of(user, endpoints.protected_users):
        raise ActionFailed(
            f"{PRODUCT}: {user} on {machine.host} is protected and stays as it is; take it off the setting protected_users, if"
            " you mean it and it is not the account of the asset"
        )


@app.action("end sessions", type="contain", idempotent=True)
def end_sessions(
    endpoints: Endpoints,
    host: str = param(HOST, contains="host name"),
    user: str = param("Account", contains="user name"),
) -> EndedSessions:
    """End everything that an account has running. It can log on again: see disable user."""
    with endpoints.machine(host) as machine:
        _refuse_user(endpoints, machine, user)
        accounts.account(machine, user)
        return accounts.end_sessions(machine, user)


@app.action("run command", type="generic", timeout_s=300)
def run_command(
    endpoints: Endpoints,
    host: str = param(HOST, contains="host name"),
    command: str = param("For sh, as one would type it"),
    as_root: bool = param("Whether it is run by sudo, where the asset uses that", default=False),
) -> CommandDone:
    """Run a command. It may not run twice: an interrupted one is in doubt."""
    if not command.strip():
        raise ActionFailed(f"{PRODUCT}: there is no command to run; give one such as uptime")
    with endpoints.machine(host) as machine:
        done = machine.run(command, sudo=as_root, accept=None)
        return CommandDone(host=machine.host, exit_code=done.exit_code, stdout=done.stdout, stderr=done.stderr)
