"""A directory like Active Directory, simulated on loopback: accounts, groups, bits, rules, and its answers to what it refuses.

The state has ``entries`` (attributes by DN), ``passwords`` by DN, ``readers`` (who may change nothing) and
``password_without_tls``: whether it lets passwords be set in the clear, which the product never does.
"""

from __future__ import annotations

import contextlib
import re
import socket
import socketserver
import ssl
import threading
from contextlib import contextmanager
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

from ber import Node, decoded, encoded, whole

from repertory_sdk.testing.place import HOST, Place, tcp_faults, with_settings
from repertory_sdk.testing.simulator import serve, started_with

ROOT, DOMAIN = "DC=corp,DC=example", "corp.example"
USER, PASSWORD = f"responder@{DOMAIN}", "demo-password-of-ldap"
SETTINGS = {"hosts": [HOST], "port": "{port}", "security": "none", "user": USER, "password": PASSWORD}
FAULTS = {"not permitted": 50, "busy": 51, "unavailable": 52}
Values = Dict[str, List[str]]
_NOW = "133484112000000000"
_BIND_FIRST = "000004DC: LdapErr: DSID-0C090A5C, comment: In order to perform this operation a successful bind must be completed"


def _sid(number: int) -> str:
    raw = bytes([1, 5, 0, 0, 0, 0, 0, 5]) + b"".join(part.to_bytes(4, "little") for part in (21, 1, 2, 3, number))
    return raw.decode("latin-1")


def _person(name: str, full: str, number: int, bits: int = 512, **more: str) -> Tuple[str, Values]:
    values = {
        "objectClass": ["top", "person", "organizationalPerson", "user"], "objectCategory": ["person"], "cn": [full],
        "sAMAccountName": [name], "userPrincipalName": [f"{name}@{DOMAIN}"], "mail": [f"{name}@{DOMAIN}"],
        "userAccountControl": [str(bits)], "lockoutTime": ["0"], "pwdLastSet": [_NOW], "accountExpires": ["0"],
        "whenCreated": ["20240101080000.0Z"], "objectSid": [_sid(number)], "primaryGroupID": ["513"],
    }  # fmt: skip
    return f"CN={full},OU=Staff,{ROOT}", {**values, **{key: [value] for key, value in more.items()}}


def _group(name: str, number: int, *members: str) -> Tuple[str, Values]:
    values = {"objectClass": ["top", "group"], "objectCategory": ["group"], "cn": [name], "sAMAccountName": [name]}
    listed = {"member": [f"CN={member},OU=Staff,{ROOT}" for member in members]} if members else {}
    return f"CN={name},OU=Staff,{ROOT}", {**values, "objectSid": [_sid(number)], **listed}


def start() -> Dict[str, Any]:
    """What it knows at the start."""
    people = [
        _person("jdoe", "Jane Doe", 1101, department="Sales", title="Agent", lastLogonTimestamp=_NOW),
        _person("mroe", "Mary Roe", 1102, 66050), _person("lpoe", "Lou Poe", 1103, lockoutTime=_NOW),
        _person("boss", "Ada Boss", 1104), _person("responder", "Responder", 1105, 66048),
        _person("reader", "Reader", 1106), _person("krbtgt", "krbtgt", 502, 514),
        _person("deputy", "Deputy", 1107, primaryGroupID="512"),
    ]  # fmt: skip
    groups = [
        _group("VPN", 1201, "Jane Doe", "Mary Roe"), _group("Domain Users", 513), _group("Tier 0", 1202, "Ada Boss"),
        _group("Domain Admins", 512, "Tier 0"), _group("Quarantined", 1203),
    ]  # fmt: skip
    parents = {ROOT: {"objectClass": ["domain"]}, f"OU=Staff,{ROOT}": {"objectClass": ["organizationalUnit"], "ou": ["Staff"]}}
    entries = {**parents, **dict(people), **dict(groups)}
    passwords = {dn: PASSWORD if "Responder" in dn else f"{dn[3:6]}-demo-password" for dn, _ in people}
    return {"entries": entries, "passwords": passwords, "readers": [f"reader@{DOMAIN}"], "password_without_tls": True}


class Refused(Exception):
    """An answer that is no success."""

    def __init__(self, code: int, text: str) -> None:
        self.code, self.text = code, text
        super().__init__(text)


class DirectoryServer(socketserver.ThreadingTCPServer):
    """The server with its state; ``trust`` is what it speaks TLS with."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int = 0, trust: Optional[ssl.SSLContext] = None) -> None:
        super().__init__((HOST, port), _Conversation)
        self.state, self.fault, self.trust = start(), "", trust
        self.lock = threading.RLock()
        self.operations: List[str] = []

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients go away in the middle."""


class _Conversation(socketserver.BaseRequestHandler):
    server: DirectoryServer

    def handle(self) -> None:
        self._bound, self._may_write, self._data = False, False, b""
        self._wire: socket.socket = self.request
        self._wire.settimeout(30)
        with contextlib.suppress(OSError, ValueError):
            if self.server.trust:
                self._wire = self.server.trust.wrap_socket(self._wire, server_side=True)
            with self._wire:
                self._conversed()

    def _conversed(self) -> None:
        """Until one of the two has enough."""
        while self._data or self._more():
            size = whole(self._data)
            if size is None or size > len(self._data):
                if not self._more():
                    return
                continue
            message, self._data = self._data[:size], self._data[size:]
            if not self._served(next(decoded(message)).parts):
                return

    def _more(self) -> bool:
        chunk = self._wire.recv(65536)
        self._data += chunk
        return bool(chunk)

    def _served(self, message: List[Node]) -> bool:
        """Answer one request; whether to go on."""
        number, operation = message[0].number, message[1]
        names = {0x60: "bind", 0x63: "search", 0x66: "modify", 0x77: "extended"}
        name = names.get(operation.tag)
        if name is None:
            return operation.tag != 0x42
        if self.server.fault == "broken off in the middle" and name != "bind":
            self._wire.sendall(encoded(0x30, [encoded(2, number), encoded(0x64, b"x" * 50)])[:20])
            return False
        self.server.operations.append(name)
        try:
            with self.server.lock:
                if self.server.fault in FAULTS and name != "bind":
                    raise Refused(FAULTS[self.server.fault], "00000000: LdapErr: DSID-0C0, comment: simulated, data 0, v4563")
                rows, controls = getattr(self, f"_{name}")(operation, message[2].parts if len(message) > 2 else [])
            code, text = 0, ""
        except Refused as refusal:
            rows, controls, code, text = [], b"", refusal.code, refusal.text
        result = encoded(operation.tag + (2 if name == "search" else 1), [encoded(10, code), encoded(4, ""), encoded(4, text)])
        # In one go: the second of several small ones would wait for the first to be acknowledged.
        self._wire.sendall(b"".join(encoded(0x30, [encoded(2, number), part]) for part in [*rows, result + controls]))
        return True

    # ------------------------------------------------------------- operations

    def _bind(self, request: Node, _: List[Node]) -> Tuple[List[bytes], bytes]:
        _version, name, given = request.parts
        self._bound = self._may_write = False
        if not given.content:
            return [], b""
        dn = _account(self.server.state, name.text)
        right = dn is not None and self.server.state["passwords"].get(dn) == given.text
        why = "52e" if not right else _why_not(self.server.state["entries"][dn])
        if why:
            raise Refused(49, f"80090308: LdapErr: DSID-0C090439, comment: AcceptSecurityContext error, data {why}, v4563")
        self._bound, self._may_write = True, name.text not in self.server.state["readers"]
        return [], b""

    def _search(self, request: Node, controls: List[Node]) -> Tuple[List[bytes], bytes]:
        base, scope, _deref, _size, _time, _types, wanted, attributes = request.parts
        names = [node.text for node in attributes.parts]
        if not base.content and not scope.number:
            root = {"defaultNamingContext": [ROOT], "namingContexts": [ROOT], "dnsHostName": [f"dc1.{DOMAIN}"]}
            return [_row("", root, names)], b""
        if not self._bound:
            raise Refused(1, _BIND_FIRST)
        entries = _shown(self.server.state["entries"])
        if _key(base.text) not in {_key(dn) for dn in entries}:
            raise Refused(32, f"0000208D: NameErr: DSID-03100241, problem 2001 (NO_OBJECT), data 0, best match of: '{ROOT}'")
        found = [_row(dn, values, names) for dn, values in entries.items()
                 if _within(dn, base.text, scope.number) and _matches(wanted, values, entries)]  # fmt: skip
        return _page(found, controls)

    def _modify(self, request: Node, _: List[Node]) -> Tuple[List[bytes], bytes]:
        name, changes = request.parts
        entries = self.server.state["entries"]
        dn = next((dn for dn in entries if _key(dn) == _key(name.text)), None)
        if dn is None:
            raise Refused(32, "0000208D: NameErr: DSID-03100241, problem 2001 (NO_OBJECT), data 0")
        if not self._may_write:
            raise Refused(50, "00002098: SecErr: DSID-03150F94, problem 4003 (INSUFF_ACCESS_RIGHTS), data 0")
        changed = {key: list(values) for key, values in entries[dn].items()}
        for change in changes.parts:
            kind, (attribute, values) = change.parts[0].number, change.parts[1].parts
            given = [node.content for node in values.parts]
            if attribute.text == "unicodePwd":
                self.server.state["passwords"][dn] = self._password(given)
                changed["pwdLastSet"] = [_NOW]
            else:
                _change(changed, attribute.text, kind, [value.decode("utf-8", "replace") for value in given])
        entries[dn] = changed
        return [], b""

    def _password(self, given: List[bytes]) -> str:
        """Quoted, in UTF-16LE, over TLS, and by the policy."""
        encrypted = self.server.trust is not None or self.server.state["password_without_tls"]
        text = given[0].decode("utf-16-le", "replace") if given else ""
        if not encrypted or len(text) < 2 or (text[0], text[-1]) != ('"', '"'):
            raise Refused(53, "0000001F: SvcErr: DSID-031A12D2, problem 5003 (WILL_NOT_PERFORM), data 0")
        if len(text) < 10:
            raise Refused(19, "0000052D: Constraint violation - check_password_restrictions: the password is too short")
        return text[1:-1]

    def _extended(self, request: Node, _: List[Node]) -> Tuple[List[bytes], bytes]:
        raise Refused(2, f"0000203D: LdapErr: DSID-0C090A7D, comment: Unknown extended request {request.parts[0].text}, data 0")


def _change(values: Values, name: str, kind: int, given: List[str]) -> None:
    """Kinds are add, delete and replace (RFC 4511, 4.6)."""
    own = values.setdefault(name, [])
    if name == "userAccountControl" and not (kind == 2 and given and given[0].isdigit() and int(given[0]) & 512):
        raise Refused(53, "00000057: SvcErr: DSID-031A1262, problem 5003 (WILL_NOT_PERFORM), data 0")
    if kind == 0:
        if {_key(one) for one in own} & {_key(one) for one in given}:
            raise Refused(68, "00000562: UpdErr: DSID-031A11E2, problem 6005 (ENTRY_EXISTS), data 0")
        own.extend(given)
    elif kind == 1:
        if not {_key(one) for one in given} <= {_key(one) for one in own}:
            raise Refused(16, "00000561: UpdErr: DSID-031A122A, problem 1001 (NO_ATTRIBUTE_OR_VAL), data 0")
        values[name] = [one for one in own if _key(one) not in {_key(other) for other in given}] if given else []
    else:
        values[name] = given
    if not values[name]:
        del values[name]


def _account(state: Dict[str, Any], name: str) -> Optional[str]:
    plain = name.rpartition("\\")[2].lower()
    for dn, values in state["entries"].items():
        known = [dn, *values.get("sAMAccountName", []), *values.get("userPrincipalName", [])]
        if plain in [one.lower() for one in known]:
            return str(dn)
    return None


def _why_not(values: Values) -> str:
    if int(values["userAccountControl"][0]) & 2:
        return "533"
    return "775" if values.get("lockoutTime", ["0"]) != ["0"] else ""


def _shown(entries: Dict[str, Values]) -> Dict[str, Values]:
    """With the attributes that are computed."""
    found = {dn: dict(values) for dn, values in entries.items()}
    for dn, values in entries.items():
        for member in values.get("member", []):
            if member in found:
                found[member]["memberOf"] = [*found[member].get("memberOf", []), dn]
    return found


def _key(dn: str) -> str:
    return re.sub(r"\s*,\s*", ",", dn.strip()).lower()


def _within(dn: str, base: str, scope: int) -> bool:
    own, above = _key(dn), _key(base)
    if scope == 0:
        return own == above
    return own.partition(",")[2] == above if scope == 1 else own == above or own.endswith(f",{above}")


def _matches(node: Node, values: Values, entries: Dict[str, Values]) -> bool:
    """A filter (RFC 4511, 4.5.1.7); the rules by their numbers are Microsoft's."""
    if node.tag in (0xA0, 0xA1):
        return (all if node.tag == 0xA0 else any)(_matches(part, values, entries) for part in node.parts)
    if node.tag == 0xA2:
        return not _matches(node.parts[0], values, entries)
    own = {name.lower(): [_key(one) for one in known] for name, known in values.items()}
    if node.tag == 0x87:
        return node.text.lower() in own
    if node.tag == 0xA9:
        return _by_rule({part.tag: part for part in node.parts}, own)
    known = own.get(node.parts[0].text.lower(), [])
    if node.tag == 0xA4:
        marks = {0x80: "{}.*", 0x81: ".*{}.*", 0x82: ".*{}"}
        pattern = "".join(marks[part.tag].format(re.escape(part.text.lower())) for part in node.parts[1].parts)
        return any(re.fullmatch(pattern, one, re.DOTALL) for one in known)
    wanted = node.parts[1].content
    if node.tag in (0xA5, 0xA6):
        numbers = [int(one) for one in known if re.fullmatch(r"-?\d+", one)]
        return any(one >= int(wanted) if node.tag == 0xA5 else one <= int(wanted) for one in numbers)
    return _key(wanted.decode("utf-8", "replace")) in known or _key(wanted.decode("latin-1")) in known


def _by_rule(parts: Dict[int, Node], own: Values) -> bool:
    rule, name, value = (parts[tag].text if tag in parts else "" for tag in (0x81, 0x82, 0x83))
    bits = [int(one) for one in own.get(name.lower(), []) if one.isdigit()]
    if rule == "1.2.840.113556.1.4.803":
        return any(one & int(value) == int(value) for one in bits)
    if rule == "1.2.840.113556.1.4.804":
        return any(one & int(value) for one in bits)
    raise Refused(18, f"00000057: LdapErr: DSID-0C0, comment: unknown matching rule {rule}")


def _row(dn: str, values: Values, names: Sequence[str]) -> bytes:
    wanted = {name.lower() for name in names}
    shown = [(name, known) for name, known in values.items() if "*" in wanted or name.lower() in wanted]
    parts = [encoded(0x30, [encoded(4, name), encoded(0x31, [encoded(4, _bytes(name, one)) for one in known])])
             for name, known in shown]  # fmt: skip
    return encoded(0x64, [encoded(4, dn), encoded(0x30, parts)])


def _bytes(name: str, value: str) -> bytes:
    return value.encode("latin-1" if name == "objectSid" else "utf-8")


def _page(found: List[bytes], controls: List[Node]) -> Tuple[List[bytes], bytes]:
    """Results in pages (RFC 2696); the cookie is where the next one begins."""
    for control in controls:
        if control.parts[0].text == "1.2.840.113556.1.4.319":
            size, cookie = next(decoded(control.parts[-1].content)).parts
            first = int(cookie.content or b"0")
            rest = str(first + size.number) if first + size.number < len(found) else ""
            value = encoded(0x30, [encoded(2, 0), encoded(4, rest)])
            answer = encoded(0x30, [encoded(4, "1.2.840.113556.1.4.319"), encoded(4, value)])
            return found[first : first + size.number], encoded(0xA0, answer)
    if len(found) > 1000:
        raise Refused(4, "")
    return found, b""


# ---------------------------------------------------------------- serving


@contextmanager
def running(trust: Optional[ssl.SSLContext] = None) -> Iterator[DirectoryServer]:
    """Serve in a thread."""
    with DirectoryServer(trust=trust) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def place_of(server: DirectoryServer) -> Place:
    """Settings of an asset that reaches it, and its faults."""
    settings = {**SETTINGS, "port": server.server_address[1], "timeout_s": 10.0}

    def failing(name: str) -> Any:
        @contextmanager
        def broken() -> Iterator[Dict[str, Any]]:
            server.fault = name
            try:
                yield settings
            finally:
                server.fault = ""

        return broken

    faults = {name: failing(name) for name in (*FAULTS, "broken off in the middle")}
    faults.update(tcp_faults(settings, host="port", port="port"))  # all of them are on loopback: the port tells them apart
    return Place(settings, {**faults, "wrong credentials": with_settings(settings, password="guess")})


def main(arguments: Optional[Sequence[str]] = None) -> None:
    """Serve until standard input ends; the first line of output says where, and the settings of an asset."""
    port, state = started_with(__doc__ or "", arguments)
    server = DirectoryServer(port)
    server.state.update(state)
    serve(server, SETTINGS)


if __name__ == "__main__":
    main()
