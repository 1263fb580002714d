"""The firewall by its command line, through SSH: lines are added at the top, and only our own are taken away again."""

from __future__ import annotations

import re
from typing import List, Optional, Sequence

from access_list import body_of, lines_of, members_of, written
from device import ANYBODY, PRODUCT, REMARK, Line, Port
from terminal import Terminal

from repertory_sdk import ActionFailed
from repertory_sdk.ssh import Ssh

NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,63}")
ABSENT = re.compile(r"does not exist|not found", re.IGNORECASE)


class CommandLine:
    """One session; the access list is the one that is bound to the interface already."""

    def __init__(
        self, machine: Ssh, *, enable: Optional[str], timeout_s: float, group: str, interface: str, save: bool
    ) -> None:
        self._machine, self._enable, self._timeout_s = machine, enable, timeout_s
        self._group, self._interface, self._save = group, interface, save
        self._bound: Optional[str] = None
        self._terminal: Terminal

    def __enter__(self) -> CommandLine:
        if not NAME.fullmatch(self._group):
            raise ActionFailed(f"{PRODUCT} knows no such name of a group; set group to letters, digits, dots and dashes")
        try:
            self._terminal = Terminal(self._machine, enable=self._enable, timeout_s=self._timeout_s)
        except BaseException:
            self._machine.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._terminal.close()

    # ------------------------------------------------------------- looking

    def serial(self) -> str:
        """Its serial number."""
        found = re.search(r"^Serial Number:\s*(\S+)", self._terminal.run("show version"), re.IGNORECASE | re.MULTILINE)
        return found[1] if found else "unknown"

    def said(self, command: str) -> str:
        """What a command that only looks prints."""
        return self._terminal.run(command)

    def members(self) -> Optional[List[str]]:
        """Blocked addresses and networks; None where there is no such group."""
        return members_of(self._shown_group(), self._group)

    def _shown_group(self) -> str:
        return self._shown(f"show running-config object-group id {self._group}")

    def _shown(self, command: str) -> str:
        """Of a part of the configuration; that there is none is no error."""
        said = self._terminal.attempt(command)
        return "" if ABSENT.search(said) and said.startswith("ERROR:") else self._terminal.checked(command, said)

    def rules(self) -> List[Line]:
        """Every rule of the interface, in order."""
        name = self._access_list()
        return lines_of(self._shown(f"show running-config access-list {name}"), name) if name else []

    def is_blocked(self, port: Port) -> bool:
        """Whether a rule denies it, in front of any that lets somebody in."""
        rules = self.rules()
        return any(rule.denies(port) and _holds(rules, rule) for rule in rules)

    def _access_list(self) -> str:
        """The name of the one for what comes in at the interface; empty where there is none."""
        if self._bound is None:
            bound = self._shown("show running-config access-group")
            wanted = rf"^access-group (\S+) in interface {re.escape(self._interface)}\s*(?:$| )"
            found = re.search(wanted, bound, re.MULTILINE)
            self._bound = found[1] if found else ""
        return self._bound

    def _list_to_change(self) -> str:
        name = self._access_list()
        if not name:  # to bind one would cut off all that nobody has allowed in it
            raise ActionFailed(
                f"{PRODUCT} has no access list for what comes in at {self._interface!r}; bind one by access-group, with what is to"
                " be let in, or set interface"
            )
        return name

    # ------------------------------------------------------------ changing

    def add(self, ip: str, members: Optional[List[str]]) -> None:
        """Put an address into the group, which has these members."""
        self._list_to_change()  # without it, nothing would be blocked
        self._configure(f"object-group network {self._group}", f"network-object {written(ip)}")

    def deny_group(self) -> None:
        """See that a rule denies the group."""
        if not any(rule.group == self._group and not rule.permit and rule.active for rule in self.rules()):
            self._deny(f"ip object-group {self._group} any")

    def remove(self, ip: str, members: List[str]) -> None:
        """Take an address out of the group; with the last one the group goes, and our rule."""
        name = self._access_list()
        uses = [rule for rule in self.rules() if rule.group == self._group]
        ours = [rule for rule in uses if rule.is_ours and not rule.permit]
        last = body_of(self._shown_group(), self._group) == [f"network-object {written(ip)}"]
        if not last or len(ours) < len(uses) or self._used_elsewhere(name):
            self._configure(f"object-group network {self._group}", f"no network-object {written(ip)}")
            return
        # The last member of a group that a rule uses cannot be taken out: the rule goes first.
        self._configure(*self._without(ours), f"no object-group network {self._group}")

    def _used_elsewhere(self, name: str) -> bool:
        """Whether other access lists look at the group."""
        used = self._shown(f"show running-config access-list | include object-group {self._group}").splitlines()
        return any(words[1:2] != [name] and self._group in words for words in map(str.split, used))

    def block_port(self, port: Port) -> bool:
        """See that a rule denies a port; whether it was not there."""
        rules = self.rules()
        same = [rule for rule in rules if rule.denies(port) and rule.source in ANYBODY]
        if any(_holds(rules, rule) for rule in same):
            return False
        if any(not rule.is_ours for rule in same):  # the same line twice is not possible, and theirs is not ours to move
            raise ActionFailed(
                f"{PRODUCT} has a rule of somebody else that denies {port.service}, at line {same[0].number}, inactive or below"
                " others that let in; move it to the top, or remove it"
            )
        destination = written(port.ip) if port.ip else "any"
        self._deny(f"{port.protocol} any {destination} eq {port.number}", instead_of=same)
        return True

    def unblock_port(self, port: Port) -> bool:
        """Remove our rules that deny a port; whether there were any."""
        before = [rule for rule in self.rules() if rule.is_ours and rule.denies(port)]
        if before:
            self._configure(*self._without(before))
        return bool(before)

    def _deny(self, what: str, *, instead_of: Sequence[Line] = ()) -> None:
        """By a line at the top. The remark comes after it: alone it would make the rule below ours."""
        name = self._list_to_change()
        self._configure(
            *self._without(instead_of),
            f"access-list {name} line 1 extended deny {what}",
            f"access-list {name} line 1 remark {REMARK}",
        )

    def _without(self, rules: Sequence[Line]) -> List[str]:
        """Commands that remove rules, from below, so that the numbers of those above stay; the remark first, as said there."""
        commands = []
        for rule in sorted(rules, key=lambda rule: -rule.number):
            own = len(rule.remarks) - 1 - rule.remarks[::-1].index(REMARK)
            line = rule.number - len(rule.remarks) + own
            commands += [f"no access-list {self._access_list()} line {line} remark {REMARK}", f"no {rule.text}"]
        return commands

    def _configure(self, *commands: str) -> None:
        """Change the running configuration, and keep it over a restart."""
        self._terminal.run("configure terminal")
        for command in commands:
            self._terminal.run(command)
        self._terminal.run("end")
        if self._save and "[OK]" not in self._terminal.run("write memory"):
            raise ActionFailed(f"{PRODUCT} has changed its configuration and does not say that it is saved; run write memory")


def _holds(rules: List[Line], rule: Line) -> bool:
    """Whether it is looked at, and nothing above it lets in."""
    return rule.active and rule.source in ANYBODY and not any(above.permit and above.active for above in rules[: rules.index(rule)])
