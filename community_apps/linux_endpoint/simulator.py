"""A Linux server, simulated: telnet by inetd with somebody on it, a web server by systemd, and a few accounts."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any, Dict, List, Mapping

from repertory_sdk.testing.ssh_simulator import Command, Said, SshSimulator, written

STARTED = "Mon Jan  5 08:00:00 2026"
INETD = "# what inetd serves\ntelnet\tstream\ttcp\tnowait\troot\t/usr/sbin/tcpd\t/usr/sbin/in.telnetd\n"


def initial() -> Dict[str, Any]:
    processes = [
        (1, 0, "root", "systemd", "/sbin/init"), (2, 0, "root", "kthreadd", "[kthreadd]"),
        (640, 1, "root", "inetd", "/usr/sbin/inetd"), (700, 1, "root", "sshd", "sshd: /usr/sbin/sshd -D"),
        (800, 1, "www-data", "nginx", "nginx: master process nginx"),
        (911, 640, "root", "in.telnetd", "in.telnetd: host.example"), (1200, 911, "alice", "bash", "-bash"),
        (1300, 1, "nobody", "miner x", "/tmp/.x/miner x --pool 203.0.113.66:3333"),
    ]  # fmt: skip
    return {
        "files": {
            "/etc/os-release": 'NAME="Debian GNU/Linux"\nVERSION_ID="12"\n', "/etc/inetd.conf": INETD,
            "/etc/crontab": "# m h dom mon dow user command\n17 * * * * root run-parts /etc/cron.hourly\n",
            "/bin/ls": "not really\n",
        },
        "processes": {str(pid): [parent, user, name, command] for pid, parent, user, name, command in processes},
        "units": {
            "nginx.service": ["active", "enabled"], "ssh.service": ["active", "enabled"], "cups.socket": ["inactive", "disabled"],
            "polkit.service": ["active", "static"],
        },
        "users": {
            "root": [0, "/bin/bash", "P", ""],
            "alice": [1000, "/bin/bash", "P", ""], "nobody": [65534, "/usr/sbin/nologin", "L", ""],
        },
    }  # fmt: skip


simulator = SshSimulator("Linux endpoint", settings={"hosts": ["{host}"]}, state=initial)


@simulator.command("uname")
def uname(command: Command) -> Any:
    return "Linux 6.1.0-18-amd64\n" if command.arguments == ["-sr"] else "server-7 6.1.0-18-amd64 x86_64\n"


@simulator.command("uptime")
def uptime(_: Command) -> Any:
    return "2026-01-05 07:59:00\n"


@simulator.command("ip")
def ip(_: Command) -> Any:
    addresses = {"lo": ("127.0.0.1", "host"), "eth0": ("192.0.2.14", "global")}
    links = [{"ifname": name, "addr_info": [{"local": ip, "scope": scope}]} for name, (ip, scope) in addresses.items()]
    return json.dumps(links)


@simulator.command("who")
def who(command: Command) -> Any:
    return "alice    pts/0        Jan  5 09:12 (198.51.100.20)\n" if "1200" in command.state["processes"] else ""


@simulator.command("ps")
def ps(command: Command) -> Any:
    processes = command.state["processes"]
    if command.arguments[:1] == ["-o"]:
        pid = command.arguments[-1]
        return f"Ss   {STARTED}\n" if pid in processes else Said(1)
    if "pid=,args=" in command.arguments:
        return "".join(f"{pid:>7} {told}\n" for pid, (_, _, _, told) in processes.items())
    return "".join(f"{pid:>7} {parent:>7} {user:<32} {STARTED} {name}\n" for pid, (parent, user, name, _) in processes.items())


@simulator.command("ss")
def ss(command: Command) -> Any:
    port = command.arguments[-1].rpartition(":")[2] if "sport" in command.arguments[-1] else ""
    processes, rows = command.state["processes"], []
    if _telnet(command) and "640" in processes:
        rows.append('tcp   LISTEN 0 128        0.0.0.0:23        0.0.0.0:*     users:(("inetd",pid=640,fd=4))')
    if "911" in processes:
        rows.append('tcp   ESTAB  0 0       192.0.2.14:23 198.51.100.20:41522    users:(("in.telnetd",pid=911,fd=0))')
    if "1300" in processes:
        rows.append('tcp   ESTAB  0 0       192.0.2.14:50100 203.0.113.66:3333    users:(("miner x",pid=1300,fd=3))')
    rows += ["udp   UNCONN 0 0    127.0.0.53%lo:53        0.0.0.0:*", "tcp   LISTEN 0 128   *:22   *:*"]
    rows += ["tcp   ESTAB  0 0   [2001:db8::14]:22 [2001:db8::9]:50514"]
    return "".join(f"{row}\n" for row in rows if not port or f":{port} " in row)


def _telnet(command: Command) -> bool:
    return bool(re.search(r"(?m)^telnet", command.state["files"].get("/etc/inetd.conf", "")))


@simulator.door("telnet")
def telnet_is_served(state: Mapping[str, Any]) -> bool:
    """A real port, so that whoever tries telnet sees whether it was stopped."""
    return "640" in state["processes"] and bool(re.search(r"(?m)^telnet", state["files"].get("/etc/inetd.conf", "")))


@simulator.command("kill")
def kill(command: Command) -> Any:
    signal, pid = command.arguments
    if pid not in command.state["processes"]:
        return Said(1, stderr=f"kill: ({pid}) - No such process\n")
    if signal != "-HUP":
        _gone(command, [pid])
    return ""


@simulator.command("pkill")
def pkill(command: Command) -> Any:
    theirs = [pid for pid, process in command.state["processes"].items() if process[1] == command.arguments[-1]]
    _gone(command, theirs)
    return Said(0 if theirs else 1)


def _gone(command: Command, pids: List[str]) -> None:
    processes = command.state["processes"]
    for pid in pids:
        processes.pop(pid, None)
        _gone(command, [child for child, process in processes.items() if str(process[0]) == pid])


@simulator.command("loginctl")
def loginctl(_: Command) -> Any:
    return ""


@simulator.command("systemctl")
def systemctl(command: Command) -> Any:
    verb, units = command.arguments[0], command.state["units"]
    named = [name for name in command.arguments[1:] if not name.startswith("-")]
    if verb == "list-unit-files":
        return "".join(f"{name} {mode} enabled\n" for name, (_, mode) in units.items())
    if verb == "list-units":
        return "".join(f"{name} loaded {active} running A unit\n" for name, (active, _) in units.items())
    if verb == "show":
        return "\n".join(_shown(name, units.get(name)) for name in named)
    if verb == "enable" and any(units[name][1] == "static" for name in named if name in units):
        return Said(1, stderr="The unit files have no installation config.\n")
    changes = {
        "disable": ("inactive", "disabled"), "mask": ("inactive", "masked"), "unmask": ("", "disabled"), "enable": ("", "enabled"),
        "start": ("active", ""),
    }  # fmt: skip
    for unit in (units[name] for name in named if name in units):
        active, mode = changes[verb]
        unit[:] = [active or unit[0], unit[1] if unit[1] == "static" else mode or unit[1]]
    return ""


def _shown(name: str, unit: Any) -> str:
    if unit is None:
        return f"Id={name}\nLoadState=not-found\nActiveState=inactive\nUnitFileState=\n"
    return f"Id={name}\nLoadState={'masked' if unit[1] == 'masked' else 'loaded'}\nActiveState={unit[0]}\nUnitFileState={unit[1]}\n"


@simulator.command("getent")
def getent(command: Command) -> Any:
    database, *keys = command.arguments
    users = command.state["users"]
    if database == "services":
        return "telnet                23/tcp\n" if keys == ["telnet"] else Said(2)
    if database == "shadow":
        return f"{keys[0]}:*:19000:0:99999:7::{users[keys[0]][3]}:\n"
    return "".join(f"{name}:x:{row[0]}:{row[0]}:{name.title()},,,:/home/{name}:{row[1]}\n" for name, row in users.items())


@simulator.command("passwd")
def passwd(command: Command) -> Any:
    user = command.state["users"].get(command.arguments[-1])
    if user is None:
        return Said(1, stderr=f"passwd: user '{command.arguments[-1]}' does not exist\n")
    return f"{command.arguments[-1]} {user[2]} 2026-01-05 0 99999 7 -1\n"


@simulator.command("usermod")
def usermod(command: Command) -> Any:
    user = command.state["users"][command.arguments[-1]]
    if "-e" in command.arguments:
        user[3] = command.arguments[command.arguments.index("-e") + 1]
    user[2] = "L" if "-L" in command.arguments else "P" if "-U" in command.arguments else user[2]
    return ""


@simulator.command("grep")
def grep(command: Command) -> Any:
    if "-rHE" in command.arguments:
        rows = command.state["files"].get("/etc/crontab", "").splitlines()
        return "".join(f"/etc/crontab:{row}\n" for row in rows if not row.startswith("#"))
    service = re.findall(r"\+(\S+?)\[", command.arguments[-2])
    files = {path: text for path, text in command.state["files"].items() if path.startswith("/etc/xinetd.d/")}
    return "".join(f"{path}\n" for path, text in files.items() if service and f"service {service[-1]}\n" in text)


@simulator.command("stat", "sha256sum")
def of_file(command: Command) -> Any:
    path = command.arguments[-1]
    if path == "/etc":
        return "4096 directory\n"
    text = command.state["files"].get(path)
    if text is None:
        return Said(1, stderr=f"{command.program}: cannot statx '{path}': No such file or directory\n")
    return f"{len(text)} regular file\n" if command.program == "stat" else f"{hashlib.sha256(text.encode()).hexdigest()}  {path}\n"


@simulator.command("sh")
def sh(command: Command) -> Any:
    text = command.arguments[1]
    if text == "exit 3":
        return Said(3, stderr="no\n")
    return f"{text[5:]}\n" if text.startswith("echo ") else written(command)


if __name__ == "__main__":
    simulator.main()
