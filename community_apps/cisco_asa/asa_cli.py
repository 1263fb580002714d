"""A Cisco ASA's command line, simulated: echo, prompts, pages, enable, and a running and a startup configuration."""

from __future__ import annotations

import re
from typing import List, Optional

import paramiko

from repertory_sdk.testing.ssh_simulator import SshSimulator

ENABLE = "demo-enable-of-asa"
MORE = "<--- More --->"
INVALID = "                 ^\nERROR: % Invalid input detected at '^' marker."
VERSION = "Cisco Adaptive Security Appliance Software Version 9.16(4)\n\nserver up 12 days\n\nSerial Number: 9A0B1C2D3E4"
LINES = [
    "remark web servers",
    "extended permit tcp any4 198.51.100.0 255.255.255.0 eq https",
]  # fmt: skip
NAMES = {23: "telnet", 80: "www", 443: "https"}

simulator = SshSimulator(
    "Cisco ASA",
    settings={"transport": "ssh", "host": "{host}", "enable_password": ENABLE},
    state=lambda: {
        "groups": {}, "lists": {"OUTSIDE_IN": list(LINES)}, "bound": {"outside": "OUTSIDE_IN"}, "saved": 0, "startup": {},
    },
    port="ssh_port",
)


class _Session:
    def __init__(self, channel: paramiko.Channel) -> None:
        self.channel, self.state = channel, simulator.state
        self.enabled, self.pages, self.mode, self.group = False, True, "", ""
        self.pending = b""

    def talk(self) -> None:
        self.send("User responder logged in to asa\nType help or '?' for a list of available commands.\n")
        while True:
            self.send(self.prompt())
            line = self.line(echo=True)
            if line is None:
                return
            if line == "enable":
                self.enable()
                continue
            said = self.answer(line)
            if simulator.fault == "broken off in the middle" and line.startswith("show"):
                self.send(said[: len(said) // 2])
                self.channel.get_transport().close()
                return
            self.paged(said)

    def prompt(self) -> str:
        return f"asa{f'({self.mode})' if self.mode else ''}{'#' if self.enabled else '>'} "

    def send(self, text: str) -> None:
        self.channel.sendall(text.replace("\n", "\r\n").encode())

    def line(self, *, echo: bool) -> Optional[str]:
        while b"\n" not in self.pending:
            chunk = self.channel.recv(4096)
            if not chunk:
                return None
            self.pending += chunk
        line, self.pending = self.pending.split(b"\n", 1)
        self.send((line.decode("utf-8", "replace") if echo else "") + "\n")
        return line.decode("utf-8", "replace").strip()

    def enable(self) -> None:
        for _ in range(3):
            self.send("Password: ")
            if self.line(echo=False) == ENABLE:
                self.enabled = True
                return
            self.send("Invalid password\n")
        self.send("Access denied.\n")

    def paged(self, said: str) -> None:
        lines = said.splitlines()
        while self.pages and len(lines) > 5:
            self.send("\n".join(lines[:5]) + "\n" + MORE)
            lines = lines[5:]
            self.channel.recv(1)
            self.send("\r              \r")
        self.send("".join(f"{line}\n" for line in lines))

    def answer(self, line: str) -> str:
        with simulator.lock:
            simulator.commands.append(line)
            if simulator.fault == "not permitted" and line != "terminal pager 0":
                return "Command authorization failed"
            if not self.enabled or simulator.fault == "command missing":
                return INVALID
            return self.shown(line[5:]) if line.startswith("show ") else self.done(line)

    def shown(self, what: str) -> str:
        state = self.state
        lists = [f"access-list {name} {entry} " for name, entries in state["lists"].items() for entry in entries]
        words = what.split()
        if what.startswith("running-config object-group id "):
            members = state["groups"].get(words[3])
            if members is None:
                return f"ERROR: object-group ({words[3]}) does not exist"
            return "\n".join([f"object-group network {words[3]}", *(f" {member}" for member in members)])
        if what == "running-config access-group":
            return "\n".join(f"access-group {name} in interface {where}" for where, name in state["bound"].items())
        if what.startswith("running-config access-list | include "):
            return "\n".join(line for line in lists if what.split("include ", 1)[1] in line)
        if what.startswith("running-config access-list "):
            return "\n".join(line for line in lists if line.split()[1] == words[2])
        return {"version": VERSION, "conn count": "4 in use, 19 most used"}.get(what, INVALID)

    def done(self, line: str) -> str:
        words = line.split()
        if line == "terminal pager 0":
            self.pages = False
        elif line == "configure terminal":
            self.mode = "config"
        elif line == "end":
            self.mode = ""
        elif line == "write memory" and not self.mode:
            self.state["saved"] += 1
            self.state["startup"] = {name: list(lines) for name, lines in self.state["lists"].items()}
            return "Building configuration...\nCryptochecksum: 1f2e 3d4c\n\n7711 bytes copied in 0.90 secs\n[OK]"
        elif self.mode and words[:2] == ["object-group", "network"]:
            self.mode, self.group = "config-network-object-group", words[2]
            self.state["groups"].setdefault(self.group, [])
        elif self.mode and "network-object" in words[:2]:
            return self.member(words)
        elif self.mode and words[:3] == ["no", "object-group", "network"]:
            if any(f"object-group {words[3]} " in f"{entry} " for entries in self.state["lists"].values() for entry in entries):
                return f"Removing object-group ({words[3]}) not allowed, it is being used.\nERROR: object-group is in use"
            del self.state["groups"][words[3]]
        elif self.mode and "access-list" in words[:2]:
            return self.entry(words)
        else:
            return INVALID
        return ""

    def member(self, words: List[str]) -> str:
        members, text = self.state["groups"][self.group], " ".join(words[words.index("network-object") :])
        if words[0] != "no" and text in members:
            return f"Adding obj ({text}) to grp ({self.group}) failed; object already exists"
        if words[0] == "no" and members == [text]:
            return f"Removing obj ({text}) from grp ({self.group}) not allowed; it would be empty\nERROR: it is being used"
        members.remove(text) if words[0] == "no" else members.append(text)
        return ""

    def entry(self, words: List[str]) -> str:
        no, words = words[0] == "no", words[words.index("access-list") + 1 :]
        entries: List[str] = self.state["lists"][words[0]]
        numbered = words[1] == "line"
        place, text = (int(words[2]) - 1 if numbered else None), " ".join(words[3 if numbered else 1 :])
        text = re.sub(r"eq (\d+)", lambda found: f"eq {NAMES.get(int(found[1]), found[1])}", text)
        if no:
            if text not in entries or (place is not None and entries[place] != text):
                return "ERROR: specified line does not exist"
            del entries[entries.index(text) if place is None else place]
        elif text in entries and not text.startswith("remark"):
            return f"WARNING: <{words[0]}> found duplicate element"
        else:
            entries.insert(len(entries) if place is None else place, text)
        return ""


@simulator.shell
def talk(channel: paramiko.Channel) -> None:
    _Session(channel).talk()


if __name__ == "__main__":
    simulator.main()
