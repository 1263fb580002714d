"""Whose an outcome is: the connector's own, or ours."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["own", "raised", "ours", "slow"]

_FRAME = re.compile(r'^  File "(?P<file>[^"]+)", line (?P<line>\d+), in (?P<function>.+)$', re.MULTILINE)
# What people see where a name of the platform is not there, whoever catches it.
_MISSING = re.compile(
    r"No module named|cannot import name|module '(phantom|encryption_helper|django|repertory)[\w.]*' has no attribute"
    r"|'(ActionResult|BaseConnector|Vault|ConnectorResult)' object has no attribute|NotImplementedError"
)
# What the tool says itself before or instead of a connector.
_TOOLS = re.compile(
    r"^the app cannot be loaded|^the app's process|^the app returned something|cannot be started at level|^Parameter '.*' failed validation$"
    r"|^parameter |^the app's manifest has no action|^asset connector"
)
_UNDECLARED = re.compile(r", which it never declared")
_SLOW = re.compile(r"^no answer within")
# A network that is not there, told by whatever library noticed it.
_UNREACHED = re.compile(
    r"^\S*(ConnectionError|ConnectTimeout|ReadTimeout|gaierror|ConnectionRefusedError|ConnectionResetError|TimeoutError|timeout|ProxyError"
    r"|NewConnectionError|MaxRetryError|URLError|EndpointConnectionError|ConnectError|ServerNotFoundError|TransportError|RemoteDisconnected"
    r"|NoResolverConfiguration|NoNameservers|Timeout|socket\.error|NoValidConnectionsError|ServerSelectionTimeoutError|AutoReconnect"
    r"|OperationalError|NetworkError|WhoisError|NameResolutionError|RetryError|ConnectionClosedError|NoBrokersAvailable)(:|$)"
    r"|^(OSError|HTTPError|socket\.error): .*(unreachable|refused|reset|timed out|resolution)"
)


@dataclass(frozen=True, kw_only=True)
class Judged:
    """``where`` is the innermost line of a traceback, ``error`` what was raised there; empty without one."""

    verdict: Verdict
    where: str = ""
    error: str = ""


def judge(status: str, message: str, printed: str) -> Judged:
    """By what the result says and what the process printed meanwhile."""
    if status == "refused":
        return Judged(verdict="ours", error=message)
    if _SLOW.search(message):
        return Judged(verdict="slow")
    where, error = last_trace(printed)
    if any(sign.search(message) for sign in (_TOOLS, _MISSING, _UNDECLARED)) or _MISSING.search(error) or _is_ours(where):
        return Judged(verdict="ours", where=where, error=error or message[-300:])
    if not error or not message.startswith(_said_by(error)[:80]):
        return Judged(verdict="own")  # whatever was raised, the connector made a message of its own out of it
    return Judged(verdict="own" if _UNREACHED.search(error) else "raised", where=where, error=error)


def _said_by(error: str) -> str:
    """``KeyError: 'x'`` says ``'x'``; an exception without a text its name."""
    name, sign, text = error.partition(": ")
    return text if sign else name.rpartition(".")[2]


def last_trace(printed: str) -> tuple[str, str]:
    """The innermost line, and the error, of the last traceback in what was printed."""
    start = printed.rfind("Traceback (most recent call last):\n")
    if start < 0:
        return "", ""
    text = printed[start:]
    frames = list(_FRAME.finditer(text))
    if not frames:
        return "", ""
    inner = frames[-1]
    after = [line for line in text[inner.end() :].splitlines() if line and not line.startswith(" ")]
    return f"{_short(inner['file'])}:{inner['line']} {inner['function']}", after[0][:300] if after else ""


def _is_ours(where: str) -> bool:
    return where.startswith(("site/", "repertory_sdk/"))


def _short(file: str) -> str:
    """Without what differs from run to run."""
    for sign in ("/site-packages/", "/apps/", "/lib/python"):
        if sign in file:
            return file.rpartition(sign)[2].partition("/")[2] if sign == "/apps/" else sign.strip("/") + "/" + file.rpartition(sign)[2]
    for sign in ("/site/", "/repertory_sdk/"):
        if sign in file:
            return f"{sign.strip('/')}/{file.rpartition(sign)[2]}"
    return file
