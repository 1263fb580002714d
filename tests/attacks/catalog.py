"""What is to come of every attack: one line each, by level, for whoever runs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["stopped", "open", "absent", "n/a"]
LEVELS = ("namespaces", "landlock", "process")
# Errors of a kernel that was built or set without what an attack is about.
LACKING = (1, 5, 6, 13, 19, 22, 38, 93, 94, 95, 97)

S, OPEN, N = "stopped", "open", "n/a"
# Verdicts by level; "root/others" where it matters who runs it, "?" where the kernel may lack it.
WALLED = (S, S, OPEN)
ALWAYS = (S, S, S)
FREE = (OPEN, OPEN, OPEN)
ROOT = (S, S, "open/stopped")
LACKED = (S, S, "open?")
ROOT_LACKED = (S, S, "open?/stopped")
AWAY = (S, S, N)

APP: dict[str, dict[str, tuple[str, str, str]]] = {
    "Files of others": {
        "read a key in the home of the user": WALLED,
        "list the home of the user": WALLED,
        "read the secrets of all assets": WALLED,
        "read the record of all runs": WALLED,
        "read the code of other content": WALLED,
        "read the environment of another app": WALLED,
        "read the accounts of the machine": WALLED,
        "read through a symbolic link": WALLED,
        "read through the root of a process": WALLED,
        "read through its own root in proc": WALLED,
        "leave through dotdot": WALLED,
        "find an inherited descriptor": ALWAYS,
        "learn the size of a file it may not read": (S, OPEN, OPEN),
        "watch names of new files": WALLED,
        "make a secret readable for everybody": WALLED,
        "change the time of a foreign file": WALLED,
        "set an attribute of a foreign file": LACKED,
        "read the log of the kernel": (S, S, "open/open?"),
        "see the network devices of the machine": WALLED,
    },
    "Changing what others rely on": {
        "write into the home of the user": WALLED,
        "change its own code": WALLED,
        "rename its own code": WALLED,
        "link its own code to where it may write": WALLED,
        "write a pth file into its environment": WALLED,
        "write sitecustomize into its environment": WALLED,
        "be run by the interpreter before the walls stand": WALLED,
        "write into the environment of another app": WALLED,
        "change the sdk of all content": WALLED,
        "poison the cache of packages": WALLED,
        "leave a file for others in shared memory": WALLED,
        "leave a file for others in the temporary folder": WALLED,
        "leave a secret in a file for the next asset": WALLED,
        "keep a secret in memory for the next asset": ALWAYS,
    },
    "Other processes": {
        "read the variables of another process": WALLED,
        "find a token in the variables of any process": WALLED,
        "find a token in its own variables": ALWAYS,
        "read the command line of another process": WALLED,
        "read the memory of another process": WALLED,
        "read shared memory of another process": WALLED,
        "read by process vm readv": WALLED,
        "take a descriptor by pidfd getfd": WALLED,
        "ptrace another process": WALLED,
        "signal another process": WALLED,
        "signal the tool": WALLED,
        "queue a signal by a pidfd": WALLED,
        "set limits of another process": WALLED,
        "slow another process down": WALLED,
        "slow everything of the user down": WALLED,
        "pin another process to a processor": WALLED,
        "outlive its worker as a daemon": (S, S, N),
        "outlive its worker by dying first": (S, OPEN, OPEN),
        "outlive its worker deaf to signals": ALWAYS,
        "start a program that was not declared": WALLED,
        "start any program": FREE,
        "gain rights by a setuid program": WALLED,
        "use capabilities of root": ROOT,
    },
    "The network": {
        "reach what was declared": FREE,
        "reach an undeclared port": WALLED,
        "reach an undeclared address": WALLED,
        "reach an undeclared name": AWAY,
        "reach an undeclared public address": AWAY,
        "reach an undeclared public ipv6 address": AWAY,
        "reach a private network": AWAY,
        "reach the metadata of the cloud": AWAY,
        "reach the machine by the address zero": WALLED,
        "reach the machine by ipv6": LACKED,
        "reach the machine by a mapped address": LACKED,
        "declare localhost itself": WALLED,
        "have a declared name lead to this machine": AWAY,
        "have a declared name lead to this machine by ipv6": AWAY,
        "have a declared name lead to a private network": AWAY,
        "have a declared name lead to the metadata": AWAY,
        "have a declared name lead elsewhere the second time": ALWAYS,
        "tell a secret in a name": AWAY,
        "tell a secret in a question for txt": AWAY,
        "send a datagram to the machine": WALLED,
        "send a datagram to the machine by ipv6": LACKED,
        "connect past the sdk": WALLED,
        "connect by sending": LACKED,
        "connect by a program": WALLED,
        "ask for a connection in the name of the sdk": (N, S, N),
        "be reached from outside": WALLED,
        "reach an abstract socket": WALLED,
        "reach a socket with a path": WALLED,
        "send to a path by a pair of datagram sockets": WALLED,
        "hide the family of a socket in high bits": WALLED,
        "make a vsock socket": LACKED,
        "make a netlink socket": WALLED,
        "make a packet socket": ROOT_LACKED,
        "make a raw socket": ROOT_LACKED,
        "make a socket for the kernel s ciphers": LACKED,
    },
    "The kernel": {
        "make a user namespace": LACKED,
        "make a user namespace by clone": LACKED,
        "make a user namespace by clone3": LACKED,
        "enter the namespaces of another process": ROOT_LACKED,
        "mount a file system": ROOT_LACKED,
        "mount by the new calls": ROOT_LACKED,
        "take a mount away": ROOT_LACKED,
        "chroot": ROOT_LACKED,
        "pivot the root": ROOT_LACKED,
        "open a file by its handle": ROOT_LACKED,
        "use the kernel keyring": LACKED,
        "list the keyring of the session": LACKED,
        "load a bpf map": (S, S, "open?"),
        "open a performance counter": LACKED,
        "open userfaultfd": LACKED,
        "open io uring": LACKED,
        "switch off the random places of memory": LACKED,
        "type into a terminal": (S, S, "open?"),
        "reach the terminal of the user": ALWAYS,
        "call the kernel by numbers of another kind": LACKED,
        "name the machine": ROOT_LACKED,
        "make a device": ROOT_LACKED,
    },
    "More than its share": {
        "take much memory": WALLED,
        "raise its own limit of memory": (S, S, "open/open?"),
        "start many processes": ("open/stopped", "open/stopped", OPEN),
        "open many files": WALLED,
        "write a large file": WALLED,
        "write many files": (S, OPEN, OPEN),
        "fill shared memory": WALLED,
        "print without end": ALWAYS,
        "compute without end": ALWAYS,
        "ignore its time": ALWAYS,
    },
    "Lies on the pipe": {
        "answer for another run": ALWAYS,
        "answer without a number": ALWAYS,
        "answer with a list": ALWAYS,
        "answer in binary": ALWAYS,
        "answer with half a line": ALWAYS,
        "answer with a line of a gigabyte": ALWAYS,
        "answer with a million brackets": ALWAYS,
        "ask as the tool does": ALWAYS,
    },
}  # fmt: skip

# A playbook may do what an app may, less the following; what it can only try by itself stands in the last group.
_OF_APPS = (
    "be run by the interpreter before the walls stand", "leave a secret in a file for the next asset",
    "keep a secret in memory for the next asset", "have a declared name lead elsewhere the second time", "print without end",
    "ask for a connection in the name of the sdk",
)  # fmt: skip
_DIFFERENT: dict[str, tuple[str, str, str]] = {
    "outlive its worker by dying first": WALLED,
    "reach what was declared": WALLED,
    "start any program": WALLED,
    "gain rights by a setuid program": ALWAYS,
    "start many processes": WALLED,
    "write many files": WALLED,
}
PLAYBOOK: dict[str, dict[str, tuple[str, str, str]]] = {
    **{
        group: {name: _DIFFERENT.get(name, verdicts) for name, verdicts in attacks.items() if name not in _OF_APPS}
        for group, attacks in APP.items()
        if group != "Lies on the pipe"
    },
    "Lies on the pipe": {
        "ask for an action that was declared": FREE,
        "ask for an action that was not declared": ALWAYS,
        "ask past the sdk for an action that was declared": FREE,
        "ask past the sdk for an action that was not declared": ALWAYS,
        "ask for an action of an app by its full name": ALWAYS,
        "ask under the key of another run": ALWAYS,
        "ask for another run": ALWAYS,
        "approve its own action": ALWAYS,
        "answer the question of the tool": ALWAYS,
        "report an outcome in the name of an app": ALWAYS,
        "say that an action was done already": ALWAYS,
    },
    "Other playbooks": {
        "kill another playbook": WALLED,
        "signal the template": WALLED,
        "read the memory of the template": WALLED,
    },
}


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """What is to come of one attack."""

    name: str
    who: Literal["app", "playbook"]
    group: str
    verdicts: tuple[str, str, str]

    def accepts(self, level: str, *, as_root: bool, verdict: str, errno: int) -> bool:
        """Whether this is no surprise."""
        wanted = self.wanted(level, as_root=as_root)
        if wanted == "n/a":
            return True
        if verdict == "stopped" and wanted.endswith("?"):
            return errno in LACKING or errno == 0
        return verdict == wanted.rstrip("?")

    def wanted(self, level: str, *, as_root: bool) -> str:
        """The verdict for whoever runs it."""
        root, _, others = self.verdicts[LEVELS.index(level)].partition("/") if self.verdicts[LEVELS.index(level)] != N else (N, "", "")
        return root if as_root or not others else others


EXPECTED = [
    Expectation(name=name, who=who, group=group, verdicts=verdicts)
    for who, groups in (("app", APP), ("playbook", PLAYBOOK))
    for group, attacks in groups.items()
    for name, verdicts in attacks.items()
]  # fmt: skip

# Whom the record of an action names afterwards.
RECORDED = {
    "reach an undeclared port": "127.0.0.1", "reach an undeclared name": "evil.example", "reach a private network": "10.0.0.1",
    "reach the metadata of the cloud": "169.254.169.254", "have a declared name lead to this machine": "loopback.rebound.example",
    "have a declared name lead to the metadata": "metadata.rebound.example",
}  # fmt: skip
