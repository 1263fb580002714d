"""PowerShell on a Windows machine by WinRM: scripts that get their values as data, and errors as sentences."""

from __future__ import annotations

import base64
import json
import re
from typing import Any, Dict, List, NamedTuple, Optional
from xml.etree import ElementTree

import requests
from winrm.exceptions import (
    AuthenticationError,
    InvalidCredentialsError,
    WinRMError,
    WinRMOperationTimeoutError,
    WinRMTransportError,
    WSManFaultError,
)
from winrm.protocol import Protocol

from repertory_sdk import ActionFailed

PRODUCT = "Windows Server"
# Values come as JSON in base64, never in the text of a script: nothing that they hold can become code.
_FRAME = """#{name}
$ErrorActionPreference='Stop';$ProgressPreference='SilentlyContinue'
[Console]::OutputEncoding=[Text.Encoding]::UTF8
$p=[Text.Encoding]::UTF8.GetString([Convert]::FromBase64String('{values}'))|ConvertFrom-Json
{script}
"""
_LONGEST = 8000  # cmd.exe takes no longer line
_OPERATION_S = 20
_UTF8 = 65001


class Said(NamedTuple):
    """What a command left."""

    exit_code: int
    stdout: str
    stderr: str


class Machine:
    """One machine, as an account reaches it."""

    def __init__(
        self,
        host: str,
        *,
        url: str,
        user: str,
        password: str,
        transport: str,
        timeout_s: float,
        verify: bool,
        ca_file: Optional[str],
    ) -> None:
        self.host = host
        self._url = url
        self._timeout_s = timeout_s
        self._protocol = Protocol(
            url, transport=transport, username=user, password=password,
            server_cert_validation="validate" if verify else "ignore", ca_trust_path=ca_file,
            operation_timeout_sec=max(1, min(_OPERATION_S, int(timeout_s))), read_timeout_sec=max(2, int(timeout_s) + 10),
        )  # fmt: skip
        self._protocol.transport.read_timeout_sec = max(timeout_s, 0.1)  # what requests waits for, also below a second

    def script(self, name: str, script: str, **values: Any) -> List[Dict[str, Any]]:
        """Run a script that prints JSON; its rows."""
        encoded = base64.b64encode(json.dumps(values).encode()).decode()
        text = _FRAME.format(name=name, values=encoded, script=script)
        said = self.run(
            "powershell -NoProfile -NonInteractive -EncodedCommand "
            + base64.b64encode(text.encode("utf-16-le")).decode()
        )
        if said.exit_code or said.stderr:
            raise ActionFailed(
                f"{PRODUCT}: {name} on {self.host} failed: {_sentence(said)}; check the account and what was asked for"
            )
        return self._rows(name, said.stdout)

    def _rows(self, name: str, text: str) -> List[Dict[str, Any]]:
        """Windows PowerShell makes an object of a single row."""
        try:
            rows = json.loads(text) if text.strip() else []
        except ValueError:
            said = " ".join(text.split())[:200]
            raise ActionFailed(
                f"{PRODUCT}: {name} on {self.host} printed no JSON ({said}); check its version of PowerShell"
            ) from None
        rows = rows if isinstance(rows, list) else [rows]
        return [row for row in rows if isinstance(row, dict)]

    def run(self, command: str) -> Said:
        """Run a command line; the shell is deleted whatever happens, as an account may have only a few of them."""
        if len(command) > _LONGEST:
            raise ActionFailed(
                f"{PRODUCT}: a command of {len(command)} characters is too long; give one of at most {_LONGEST}"
            )
        try:
            shell = self._protocol.open_shell(codepage=_UTF8)
            try:
                running = self._protocol.run_command(shell, command)
                stdout, stderr, code = self._protocol.get_command_output(shell, running)
                self._protocol.cleanup_command(shell, running)
            finally:
                self._close(shell)
        except ActionFailed:
            raise
        except (
            Exception
        ) as error:  # pywinrm lets through whatever its transports, the XML and the answers make of a bad day
            raise self._failure(error) from None
        return Said(int(code), stdout.decode("utf-8", "replace"), _clixml(stderr.decode("utf-8", "replace")))

    def _close(self, shell: str) -> None:
        try:
            self._protocol.close_shell(shell)
        except Exception:  # the command is what counts; a shell that stays is ended by Windows when it is idle
            return

    def _failure(self, error: Exception) -> ActionFailed:
        place = self._url.partition("//")[2].partition("/")[0]
        said, cure, retry = _explained(error, place)
        return ActionFailed(f"{PRODUCT}: {self.host} {said}; {cure}", retry=retry)


def _explained(error: Exception, place: str) -> "tuple[str, str, bool]":
    """What happened, what to do about it, and whether it may pass."""
    if isinstance(error, (InvalidCredentialsError, AuthenticationError)):
        return "refuses the credentials", "check user, password and transport of the asset", False
    if isinstance(error, requests.exceptions.SSLError):
        return f"at {place} has a certificate that is not trusted", "set ca_file to its CA, if that is right", False
    if isinstance(error, (WinRMOperationTimeoutError, requests.exceptions.Timeout)):
        return f"has no answer from {place} in time", "try again, or raise timeout_s", True
    if isinstance(error, requests.exceptions.ConnectionError):
        said = "refuses connections" if "refused" in str(error) else "cannot be reached"
        return f"at {place} {said}", "check that WinRM is on (winrm quickconfig) and the port", True
    if isinstance(error, WSManFaultError):
        code = getattr(error, "wsmanfault_code", None) or getattr(error, "code", "")
        return (
            f"answered with a fault ({code}) {_short(getattr(error, 'fault_reason', '') or '')}".rstrip(),
            _QUOTAS,
            False,
        )
    if isinstance(error, WinRMTransportError):
        return (
            f"was answered with {getattr(error, 'code', 'an error')} by {place}",
            _ANOTHER,
            getattr(error, "code", 0) in (429, 502, 503),
        )
    if isinstance(error, WinRMError):
        return f"failed ({_short(str(error))})", _QUOTAS, False
    return f"at {place} answers, but not as WinRM does", _ANOTHER, False


_QUOTAS = "check the rights of the account, and the quotas of WinRM (MaxShellsPerUser)"
_ANOTHER = "check that the port leads to WinRM, and no proxy is in between"


def _short(text: str) -> str:
    line = " ".join("".join(character if character.isprintable() else " " for character in text).split())
    return line if len(line) <= 160 else f"{line[:159]}…"


def _sentence(said: Said) -> str:
    lines = [line.strip() for line in (said.stderr or said.stdout).splitlines() if line.strip()]
    return _short(lines[0]) if lines else f"exit code {said.exit_code}"


def _clixml(text: str) -> str:
    """The error texts in what PowerShell writes to its standard error for other PowerShells."""
    if not text.startswith("#< CLIXML"):
        return text
    try:
        root = ElementTree.fromstring(text.partition("\n")[2])
    except ElementTree.ParseError:
        return text
    errors = [node.text or "" for node in root.iter() if node.tag.endswith("}S") and node.get("S") == "Error"]
    return re.sub(r"_x000D__x000A_", "\n", "".join(errors)).strip()
