"""A Windows server, simulated: WS-Management with basic authentication, and what the scripts of this app find and change."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import uuid
from typing import Any, Callable, Dict, List, Optional, Tuple
from xml.etree import ElementTree

from repertory_sdk.testing.simulator import Reply, Request, Simulator

USER, PASSWORD = "responder", "demo-password-of-windows"
SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
ENVELOPE = (
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"'
    ' xmlns:rsp="{shell}" xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"><s:Header><a:RelatesTo>{relates}</a:RelatesTo>'
    "</s:Header><s:Body>{body}</s:Body></s:Envelope>"
)
Row = Dict[str, Any]
Answer = Tuple[int, str, str]


def initial() -> Dict[str, Any]:
    processes = {
        "4": [0, "System", "SYSTEM", ""], "700": [4, "services.exe", "SYSTEM", "C:\\Windows\\system32\\services.exe"],
        "912": [700, "svchost.exe", "NETWORK SERVICE", "svchost.exe -k termsvcs"],
        "1744": [700, "tlntsvr.exe", "LOCAL SERVICE", "C:\\Windows\\system32\\tlntsvr.exe"],
        "2212": [912, "updater.exe", "jdoe", "C:\\Users\\jdoe\\AppData\\updater.exe --quiet"],
    }  # fmt: skip
    services = {
        "TlntSvr": ["Running", "Auto", "Telnet", "1744"], "TermService": ["Running", "Manual", "Remote Desktop Services", "912"],
        "WinRM": ["Running", "Auto", "Windows Remote Management", ""], "Spooler": ["Stopped", "Disabled", "Print Spooler", ""],
    }  # fmt: skip
    return {
        "name": "SRV-20", "processes": processes, "services": services, "blocked": [],
        "users": {"jdoe": True, "Administrator": True, "Guest": False}, "sessions": [["jdoe", 10]],
        "files": {"C:\\Users\\jdoe\\AppData\\updater.exe": "not really a program"}, "addresses": ["192.0.2.20", "2001:db8::20"],
        "connections": [
            ["tcp", "Listen", "0.0.0.0", 3389, "0.0.0.0", 0, "912"], ["tcp", "Listen", "0.0.0.0", 23, "0.0.0.0", 0, "1744"],
            ["tcp", "Established", "192.0.2.20", 50514, "203.0.113.7", 443, "2212"],
        ],
        "shells": {}, "commands": {},
    }  # fmt: skip


simulator = Simulator(
    "Windows Server",
    settings={
        "hosts": ["127.0.0.1"], "port": "{port}", "user": USER, "password": PASSWORD, "transport": "basic", "tls": False,
    },
    state=initial,
)  # fmt: skip


@simulator.error
def error(status: int, text: str) -> Reply:
    return Reply(status, b"" if status == 401 else f"<html>{text}</html>", {"Content-Type": "text/html"})


@simulator.check
def credentials(request: Request) -> Optional[Reply]:
    wanted = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    if request.headers.get("Authorization") == wanted:
        return None
    return Reply(401, b"", {"WWW-Authenticate": 'Basic realm="WSMAN"'})


@simulator.route("POST", "/wsman")
def wsman(request: Request) -> Reply:
    envelope = ElementTree.fromstring(request.body)
    action = _one(envelope, "Action").rpartition("/")[2]
    state = request.state
    if action == "Create":
        shell = str(uuid.uuid4()).upper()
        state["shells"][shell] = True
        return _reply(envelope, f'<w:Selector Name="ShellId">{shell}</w:Selector>')
    if _one(envelope, "Selector") not in state["shells"]:
        return _fault("2150858843", "The shell was not found.")
    if action == "Command":
        command = str(uuid.uuid4()).upper()
        state["commands"][command] = _run(state, _one(envelope, "Command"))
        return _reply(envelope, f"<rsp:CommandId>{command}</rsp:CommandId>")
    if action == "Receive":
        return _reply(envelope, _received(state, envelope))
    if action == "Delete":
        del state["shells"][_one(envelope, "Selector")]
    return _reply(envelope, "")


def _one(envelope: ElementTree.Element, name: str) -> str:
    return next((node.text or "" for node in envelope.iter() if node.tag.rpartition("}")[2] == name), "")


def _reply(envelope: ElementTree.Element, body: str) -> Reply:
    text = ENVELOPE.format(shell=SHELL, relates=_one(envelope, "MessageID"), body=body)
    return Reply(200, text, {"Content-Type": "application/soap+xml;charset=UTF-8"})


def _fault(code: str, text: str) -> Reply:
    body = (
        f"<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>w:InternalError</s:Value></s:Subcode></s:Code><s:Reason>"
        f'<s:Text>{text}</s:Text></s:Reason><s:Detail><f:WSManFault xmlns:f="http://schemas.microsoft.com/wbem/wsman/1/wsmanfault"'
        f' Code="{code}"><f:Message>{text}</f:Message></f:WSManFault></s:Detail></s:Fault>'
    )
    return Reply(
        500, ENVELOPE.format(shell=SHELL, relates="", body=body), {"Content-Type": "application/soap+xml;charset=UTF-8"}
    )


def _received(state: Dict[str, Any], envelope: ElementTree.Element) -> str:
    """Standard output in two parts, as a machine that is slow sends it."""
    command = next(node.get("CommandId", "") for node in envelope.iter() if node.tag.endswith("}DesiredStream"))
    code, stdout, stderr = state["commands"][command]
    half = len(stdout) // 2
    parts = [("stdout", stdout[:half]), ("stdout", stdout[half:]), ("stderr", stderr)]
    streams = "".join(
        f'<rsp:Stream Name="{name}" CommandId="{command}">{base64.b64encode(text.encode()).decode()}</rsp:Stream>'
        for name, text in parts
        if text
    )
    done = (
        f'<rsp:CommandState CommandId="{command}" State="{SHELL}/CommandState/Done"><rsp:ExitCode>{code}</rsp:ExitCode>'
    )
    return f"<rsp:ReceiveResponse>{streams}{done}</rsp:CommandState></rsp:ReceiveResponse>"


# ------------------------------------------------------------- what is run


def _run(state: Dict[str, Any], line: str) -> Answer:
    encoded = re.search(r"-EncodedCommand (\S+)", line)
    if not encoded:
        return (
            (0, "Windows IP Configuration\r\n", "")
            if line.startswith("ipconfig")
            else (1, "", f"'{line[:40]}' is not recognized\r\n")
        )
    text = base64.b64decode(encoded[1]).decode("utf-16-le")
    values = json.loads(base64.b64decode(re.search(r"FromBase64String\('([^']*)'\)", text)[1]))  # type: ignore[index]
    try:
        rows = SCRIPTS[text.partition("\n")[0][1:]](state, values)
    except LookupError as missing:
        error = f'<S S="Error">Cannot find {str(missing).strip(chr(39))}._x000D__x000A_</S>'
        return 1, "", f'#< CLIXML\r\n<Objs xmlns="http://schemas.microsoft.com/powershell/2004/04">{error}</Objs>'
    plain = rows[0] if isinstance(rows, list) and len(rows) == 1 else rows
    return 0, "" if rows is None or rows == [] else json.dumps(plain), ""


def _system(state: Dict[str, Any], _: Row) -> List[Row]:
    edition = {"os": "Microsoft Windows Server 2022 Standard", "version": "10.0.20348", "arch": "64-bit"}
    return [
        {
            "name": state["name"],
            "domain": "corp.example",
            "booted": "2026-01-05T07:59:00Z",
            "addresses": state["addresses"],
            **edition,
        }
    ]


def _processes(state: Dict[str, Any], _: Row) -> List[Row]:
    return [
        {
            "pid": int(pid),
            "parent": parent,
            "name": name,
            "user": user,
            "command": command,
            "path": None,
            "started": None,
        }
        for pid, (parent, name, user, command) in state["processes"].items()
    ]


def _connections(state: Dict[str, Any], _: Row) -> List[Row]:
    names = ("protocol", "state", "local", "lport", "remote", "rport")
    return [
        {**dict(zip(names, row[:6])), "pid": int(row[6]), "process": state["processes"][row[6]][1].removesuffix(".exe")}
        for row in state["connections"]
        if row[6] in state["processes"]
    ]


def _services(state: Dict[str, Any], _: Row) -> List[Row]:
    return [
        {"Name": name, "DisplayName": title, "State": status, "StartMode": mode, "StartName": "LocalSystem"}
        for name, (status, mode, title, _) in state["services"].items()
    ]


def _service(state: Dict[str, Any], values: Row) -> List[Row]:
    return [row for row in _services(state, values) if row["Name"].lower() == values["service"].lower()]


def _set_service(status: str, mode: str) -> Callable[[Dict[str, Any], Row], None]:
    def change(state: Dict[str, Any], values: Row) -> None:
        service = next(row for name, row in state["services"].items() if name.lower() == values["service"].lower())
        service[:2] = [status, mode]
        if status == "Stopped":
            state["processes"].pop(service[3], None)

    return change


def _kill(state: Dict[str, Any], values: Row) -> None:
    state["processes"].pop(str(values["pid"]), None)


def _set_user(enabled: bool) -> Callable[[Dict[str, Any], Row], None]:
    def change(state: Dict[str, Any], values: Row) -> None:
        state["users"].update({values["user"]: enabled})

    return change


def _user(state: Dict[str, Any], values: Row) -> List[Row]:
    return [{"Name": values["user"], "Enabled": state["users"][values["user"]]}]


def _log_off(state: Dict[str, Any], values: Row) -> List[Row]:
    theirs = [session for session in state["sessions"] if session[0] == values["user"]]
    state["sessions"] = [session for session in state["sessions"] if session not in theirs]
    return [{"ended": len(theirs)}]


def _hash(state: Dict[str, Any], values: Row) -> List[Row]:
    content = state["files"][values["path"]].encode()
    return [{"path": values["path"], "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}]


def _rules(state: Dict[str, Any], _: Row) -> List[Row]:
    usual = {
        "rule": "WINRM-HTTP-In",
        "name": "Windows Remote Management",
        "remote": "Any",
        "protocol": "TCP",
        "port": "5985",
    }
    return [{**usual, "direction": "Inbound", "action": "Allow"}]


def _blocked(state: Dict[str, Any], _: Row) -> List[Row]:
    masks = [ip if "/" not in ip else ip.replace("/24", "/255.255.255.0") for ip in state["blocked"]]
    return [{"rule": f"repertory-{way}-{ip}", "ip": ip} for ip in masks for way in ("Inbound", "Outbound")]


SCRIPTS: Dict[str, Callable[[Dict[str, Any], Row], Any]] = {
    "who": lambda state, _: [{"name": state["name"], "version": "5.1"}],
    "get system info": _system,
    "list processes": _processes,
    "list connections": _connections,
    "list sessions": lambda state, _: [
        {"user": user, "kind": kind, "since": "2026-01-05T09:12:00Z"} for user, kind in state["sessions"]
    ],
    "list services": _services,
    "get service": _service,
    "stop service": _set_service("Stopped", "Disabled"),
    "start service": _set_service("Running", "Auto"),
    "hash file": _hash,
    "get process": lambda state, values: [row for row in _processes(state, {}) if row["pid"] == values["pid"]],
    "terminate process": _kill,
    "get user": _user,
    "disable user": _set_user(False),
    "enable user": _set_user(True),
    "log off user": _log_off,
    "list firewall rules": _rules,
    "list blocked ips": _blocked,
    "block ip": lambda state, values: state["blocked"].append(values["ip"]),
    "unblock ip": lambda state, values: state["blocked"].remove(values["ip"]),
    "list hotfixes": lambda *_: [
        {"HotFixID": "KB5034129", "Description": "Security Update", "Installed": "2026-01-02T00:00:00Z"}
    ],
}


if __name__ == "__main__":
    simulator.main()
