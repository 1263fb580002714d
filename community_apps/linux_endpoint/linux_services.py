"""Services of a machine in each of the ways in which one is run: by systemd, inetd, xinetd, or as a process of its own."""

from __future__ import annotations

import re
import shlex
import time
from dataclasses import asdict, dataclass
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Sequence

from linux_results import ServiceChange
from linux_tables import Running, blocks, commands, processes, sockets

from repertory_sdk import ActionFailed
from repertory_sdk.ssh import Ssh

INETD, XINETD = "/etc/inetd.conf", "/etc/xinetd.d"
OFF = "#<off># "
"""How Debian's update-inetd switches a line off, and on again."""
PATIENCE_S = 5.0
_SUPERSERVERS = {"inetd": ("inetd", "openbsd-inetd", "inetutils-inetd"), "xinetd": ("xinetd",)}
_LISTENERS = ("systemd", "init", *_SUPERSERVERS["inetd"], *_SUPERSERVERS["xinetd"])
_SHOWN = "--property=Id,LoadState,ActiveState,UnitFileState"


@dataclass(frozen=True)
class Way:
    """One way in which a service is run. ``name`` is a unit, a file or the number of a process; ``command`` is of a process."""

    kind: str
    name: str
    running: bool
    automatic: bool
    forbidden: bool = False
    command: str = ""

    @property
    def start_mode(self) -> str:
        """In words that are the same for every operating system."""
        return "automatic" if self.automatic else "disabled" if self.forbidden or self.kind != "systemd" else "manual"


def ways(machine: Ssh, service: str, port: int) -> List[Way]:
    """Every way in which the service is run, or could be."""
    everything = running(machine)
    return [
        *_units(machine, service),
        *_inetd_lines(machine, service, port, everything),
        *_xinetd_files(machine, service, everything),
        *_processes(machine, service, port),
    ]


def running(machine: Ssh) -> List[Running]:
    """All processes."""
    return processes(machine.run(["ps", "-eo", "pid=,ppid=,user:32=,lstart=,comm=", "-ww"]).stdout)


def state_of(found: Sequence[Way]) -> Dict[str, str]:
    """Status and start mode of all of them together."""
    modes = [way.start_mode for way in found]
    mode = next((mode for mode in ("automatic", "manual") if mode in modes), "disabled")
    return {"status": "running" if any(way.running for way in found) else "stopped", "start_mode": mode}


def port_of(machine: Ssh, service: str, port: int) -> int:
    """The port that the service listens on by its name, unless it is given; 0 where nobody knows."""
    if port:
        return port
    said = machine.run(["getent", "services", service], accept=None).stdout.split()
    number = said[1].partition("/")[0] if len(said) > 1 else ""
    return int(number) if number.isdigit() else 0


# ---------------------------------------------------------------- finding


def _units(machine: Ssh, service: str) -> Iterable[Way]:
    names = [service] if service.endswith((".service", ".socket")) else [f"{service}.service", f"{service}.socket"]
    done = machine.run(["systemctl", "show", _SHOWN, "--", *names], accept=None)
    for unit in blocks(done.stdout) if done.exit_code == 0 else ():
        if unit.get("LoadState") in ("loaded", "masked"):
            active = unit.get("ActiveState") in ("active", "activating", "reloading")
            automatic = unit.get("UnitFileState", "").startswith("enabled")
            yield Way("systemd", unit.get("Id", service), active, automatic, unit.get("LoadState") == "masked")


def _inetd_lines(machine: Ssh, service: str, port: int, everything: Sequence[Running]) -> Iterable[Way]:
    text = (machine.read(INETD) or b"").decode("utf-8", "replace")
    served = _of_superserver("inetd", everything)
    lines = [match for line in text.splitlines() if (match := _inetd_line(service, port).match(line))]
    if lines:
        on = any(not match[1] for match in lines)
        yield Way("inetd", INETD, on and bool(served), on)


def _inetd_line(service: str, port: int) -> "re.Pattern[str]":
    names = "|".join(re.escape(name) for name in (service, *([str(port)] if port else [])))
    return re.compile(rf"\s*(#[<>\w#]*\s*)?((?:\S+:)?(?:{names})\s+(?:stream|dgram)\s.*)")


def _xinetd_files(machine: Ssh, service: str, everything: Sequence[Running]) -> Iterable[Way]:
    pattern = rf"^[[:space:]]*service[[:space:]]+{re.escape(service)}[[:space:]]*$"
    served = _of_superserver("xinetd", everything)
    for path in machine.run(["grep", "-rlsE", "--", pattern, XINETD], accept=None).stdout.splitlines():
        text = (machine.read(path) or b"").decode("utf-8", "replace")
        on = not re.search(r"(?m)^\s*disable\s*=\s*yes\b", text)
        yield Way("xinetd", path, on and bool(served), on)


def _processes(machine: Ssh, service: str, port: int) -> Iterable[Way]:
    """Whoever listens on the port, and is none of those who do so for others."""
    if not port:
        return
    owners = _owners(machine, port, listening=True)
    told = commands(machine.run(["ps", "-eo", "pid=,args=", "-ww"]).stdout) if owners else {}
    for pid in owners:
        yield Way("process", str(pid), True, False, command=told.get(pid, ""))


def _of_superserver(kind: str, everything: Sequence[Running]) -> List[int]:
    return [each.pid for each in everything if each.name in _SUPERSERVERS[kind]]


# ---------------------------------------------------------------- stopping and starting


def stop(machine: Ssh, service: str, port: int, found: Sequence[Way], end: Callable[[int], None]) -> List[str]:
    """Stop it in every way, keep it from starting again, and end what it still talks to; what was done, as sentences."""
    done = []
    units = [way for way in found if way.kind == "systemd" and (way.running or not way.forbidden)]
    if units:
        names = [way.name for way in units]
        machine.run(["systemctl", "disable", "--now", "--", *names], sudo=True)
        masked = machine.run(["systemctl", "mask", "--", *names], sudo=True, accept=None).exit_code == 0
        done.append(f"stopped, disabled{' and masked' if masked else ''} {', '.join(names)}")
    for way in found:
        if way.kind in _SUPERSERVERS and way.automatic:
            _switch(machine, way, service, port, on=False)
            done.append(f"switched it off in {way.name}")
    pids = {int(way.name) for way in found if way.kind == "process"}
    for pid in sorted(pids | set(_owners(machine, port, listening=False) if port else ())):
        end(pid)
        done.append(f"ended process {pid}")
    return done


def start(machine: Ssh, service: str, port: int, found: Sequence[Way], before: Sequence[Way]) -> List[str]:
    """Start it in the way in which it was run before, as far as that is known; what was done, as sentences."""
    done = []
    wanted = {way.name: way for way in before if way.kind == "systemd" and (way.running or way.automatic)}
    units = [way for way in found if way.kind == "systemd"]
    chosen = [way for way in units if way.name in wanted] or ([] if before else units[:1])
    for way in chosen:
        machine.run(["systemctl", "unmask", "--", way.name], sudo=True)
        # A unit that others pull in cannot be enabled: it starts by itself all the same.
        enabled = machine.run(["systemctl", "enable", "--", way.name], sudo=True, accept=None).exit_code == 0
        machine.run(["systemctl", "start", "--", way.name], sudo=True)
        done.append(f"unmasked{', enabled' if enabled else ''} and started {way.name}")
    for way in found:
        if way.kind in _SUPERSERVERS and not way.automatic:
            _switch(machine, way, service, port, on=True)
            done.append(f"switched it on in {way.name}")
    if not any(way.kind == "process" for way in found):
        for way in before:
            if way.kind == "process" and way.command:
                machine.run(f"setsid {shlex.join(shlex.split(way.command))} </dev/null >/dev/null 2>&1 &", sudo=True)
                done.append(f"started {way.command}")
    return done


def _switch(machine: Ssh, way: Way, service: str, port: int, *, on: bool) -> None:
    text = (machine.read(way.name) or b"").decode("utf-8", "replace")
    if way.kind == "inetd":
        line = _inetd_line(service, port)
        changed = "".join(_inetd_switched(each, line, on) for each in text.splitlines(keepends=True))
    elif re.search(r"(?m)^\s*disable\s*=", text):
        changed = re.sub(r"(?m)^(\s*disable\s*=\s*).*$", rf"\g<1>{'no' if on else 'yes'}", text)
    else:
        changed = re.sub(r"(?m)^(\s*)\}", rf"\g<1>\tdisable = {'no' if on else 'yes'}\n\g<1>}}", text)
    machine.write(way.name, changed.encode(), sudo=True)
    for pid in _of_superserver(way.kind, running(machine)):
        machine.run(["kill", "-HUP", str(pid)], sudo=True)


def _inetd_switched(line: str, wanted: "re.Pattern[str]", on: bool) -> str:
    match = wanted.match(line.rstrip("\n"))
    if match is None or (on and not match[1]) or (not on and match[1]):
        return line
    return match[2] + "\n" if on else f"{OFF}{match[2]}\n"


def _owners(machine: Ssh, port: int, *, listening: bool) -> List[int]:
    """Processes that listen on a port, or are at this end of connections to it; without those that listen for others."""
    said = sockets(machine.run(["ss", "-H", "-tunap", f"sport = :{port}"], sudo=True).stdout)
    chosen = [each for each in said if (each.remote is None) == listening]
    return sorted({pid for each in chosen for name, pid in each.owners if name not in _LISTENERS})


def ended(machine: Ssh, pid: int, started: str) -> bool:
    """End a process, first by asking it; True once it is gone, or another one has its number."""
    for signal, patience in (("-TERM", PATIENCE_S), ("-KILL", PATIENCE_S)):
        machine.run(["kill", signal, str(pid)], sudo=True, accept=(0, 1))
        until = time.monotonic() + patience
        while _is_there(machine, pid, started):
            if time.monotonic() > until:
                break
            time.sleep(0.1)
        else:
            return True
    return False


def _is_there(machine: Ssh, pid: int, started: str) -> bool:
    said = machine.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], accept=(0, 1)).stdout.split()
    return bool(said) and not said[0].startswith("Z") and " ".join(said[1:]) == started


def settled(machine: Ssh, service: str, port: int, wanted: str) -> List[Way]:
    """The ways as they are once the service has the status that is wanted, or patience is at its end."""
    until = time.monotonic() + PATIENCE_S
    while True:
        found = ways(machine, service, port)
        if state_of(found)["status"] == wanted or time.monotonic() > until:
            return found
        time.sleep(0.2)


def kept(found: Sequence[Way]) -> List[Dict[str, Any]]:
    """For the state of the asset."""
    return [asdict(way) for way in found]


def remembered(records: Optional[Sequence[Mapping[str, Any]]]) -> List[Way]:
    """From the state of the asset."""
    return [Way(**record) for record in records or ()]


def unknown(machine: Ssh, service: str) -> ActionFailed:
    """What to say of a service that there is not."""
    return ActionFailed(
        f"{machine.product}: {machine.host} has no service {service!r}, in no way in which one can be run; see list services, or"
        " give the port on which it listens"
    )


def change_of(
    machine: Ssh, service: str, port: int, found: Sequence[Way], done: List[str], *, wanted: str
) -> ServiceChange:
    """The result, read back; ActionFailed where the service does not have the status that is wanted."""
    now = settled(machine, service, port, wanted)
    state, before = state_of(now), state_of(found)
    if state["status"] != wanted:
        raise ActionFailed(
            f"{machine.product}: {service} on {machine.host} is {state['status']} after all"
            f" ({'; '.join(done)[:150] or 'nothing was to be done'}); look at its log there"
        )
    return ServiceChange(
        host=machine.host, service=service, status=state["status"], start_mode=state["start_mode"],
        previous_status=before["status"], previous_start_mode=before["start_mode"], changed=bool(done),
        ways=sorted({way.kind for way in (*found, *now)}), done=done,
    )  # fmt: skip
