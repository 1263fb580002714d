"""One record of EVE JSON, whatever version wrote it, and what it is as an event."""

from __future__ import annotations

import functools
import hashlib
import ipaddress
import json
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Dict, List, Literal, Mapping, Optional, Tuple

from repertory_sdk import Artifact, Event

Severity = Literal["high", "medium", "low"]
SEVERITIES: Dict[Any, Severity] = {1: "high", 2: "medium", 3: "low"}
KINDS: Dict[str, Tuple[str, ...]] = {
    "sourceAddress": ("ip",), "destinationAddress": ("ip",), "sourcePort": ("port",), "destinationPort": ("port",),
    "requestURL": ("url",), "destinationDnsDomain": ("domain",), "fileName": ("file name",), "fileHashSha256": ("hash", "sha256"),
    "fileHashMd5": ("hash", "md5"), "fileHashSha1": ("hash", "sha1"), "fromEmail": ("email",), "toEmail": ("email",),
}  # fmt: skip


def record_of(line: bytes) -> Optional[Record]:
    """The record of a line; None where it is none."""
    try:
        plain = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return Record(plain) if isinstance(plain, dict) and isinstance(plain.get("event_type"), str) else None


@dataclass(frozen=True)
class Record:
    """A record; what it does not say is empty or None, and what it says in an odd way counts as not said."""

    plain: Mapping[str, Any]

    def within(self, name: str) -> Mapping[str, Any]:
        """An object of it."""
        found = self.plain.get(name)
        return found if isinstance(found, dict) else {}

    @property
    def type(self) -> str:
        """alert, flow, dns ..."""
        return _text(self.plain, "event_type")

    @property
    def timestamp(self) -> Optional[str]:
        """As the sensor wrote it."""
        return _text(self.plain, "timestamp") or None

    @functools.cached_property
    def at(self) -> float:
        """Seconds since the epoch; without an offset it is taken for UTC."""
        text = self.timestamp or ""
        if len(text) > 5 and text[-5] in "+-" and text[-4:].isdigit():
            text = f"{text[:-2]}:{text[-2:]}"
        try:
            moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
            return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
        except (ValueError, OverflowError):
            return 0.0

    @property
    def source_ip(self) -> str:
        """Where the packet came from, in its usual form."""
        return _address(_text(self.plain, "src_ip"))

    @property
    def source_port(self) -> Optional[int]:
        """Port it came from."""
        return _number(self.plain, "src_port")

    @property
    def destination_ip(self) -> str:
        """Where it went, in its usual form."""
        return _address(_text(self.plain, "dest_ip"))

    @property
    def destination_port(self) -> Optional[int]:
        """Port it went to."""
        return _number(self.plain, "dest_port")

    @property
    def addresses(self) -> Tuple[str, str]:
        """Both ends."""
        return self.source_ip, self.destination_ip

    @property
    def protocol(self) -> str:
        """TCP, UDP ..."""
        return _text(self.plain, "proto")

    @property
    def flow(self) -> Optional[int]:
        """Number of the flow; beyond what floating point can say."""
        return _number(self.plain, "flow_id")

    @property
    def signature(self) -> str:
        """What the rule says."""
        return _text(self.within("alert"), "signature") or f"signature {self.signature_id}"

    @property
    def signature_id(self) -> Optional[int]:
        """Number of the rule."""
        return _number(self.within("alert"), "signature_id")

    @property
    def category(self) -> str:
        """Category of the rule."""
        return _text(self.within("alert"), "category")

    @property
    def action(self) -> str:
        """allowed or blocked."""
        return _text(self.within("alert"), "action")

    @property
    def severity(self) -> Severity:
        """1 is the worst."""
        return SEVERITIES.get(_number(self.within("alert"), "severity"), "low")

    @property
    def url(self) -> str:
        """The whole URL where host and path are known, else what was asked for."""
        http = self.within("http")
        host, target, port = _text(http, "hostname"), _text(http, "url"), _number(http, "http_port")
        if not host or not target.startswith("/"):
            return target
        return f"http://{host}{f':{port}' if port and port != 80 and ':' not in host else ''}{target}"

    @property
    def domain(self) -> str:
        """The name that was asked for, by DNS, TLS or HTTP; its place differs between versions."""
        dns = self.within("dns")
        queries = dns.get("queries") or dns.get("query") or [{}]
        first = queries[0] if isinstance(queries, list) and queries and isinstance(queries[0], dict) else {}
        host = _text(self.within("http"), "hostname")
        host = host.rpartition(":")[0] if host.count(":") == 1 else host
        named = _text(dns, "rrname") or _text(first, "rrname") or _text(self.within("tls"), "sni")
        return named or ("" if _is_address(host) else host)

    @property
    def what(self) -> str:
        """What it is about, in a line."""
        file = self._files[0] if self._files else {}
        subjects = [self.signature if self.within("alert") else "", self.url, self.domain, _text(file, "filename")]
        return next(filter(None, subjects), _text(self.plain, "app_proto"))

    @property
    def _files(self) -> List[Mapping[str, Any]]:
        several = self.plain.get("files")
        found = [self.within("fileinfo"), *(several if isinstance(several, list) else [])]
        return [file for file in found if isinstance(file, dict) and file]

    def event(self) -> Event:
        """An event, with one artifact for the record and one for each further file. One alert is one event, however often it
        is read, also from a file that was taken in by hand."""
        identity = self._alert_identity() if self.type == "alert" else json.dumps(self.plain, sort_keys=True)
        name = self.signature if self.type == "alert" else f"{self.type} {self.what}".strip()
        severity = self.severity if self.type == "alert" else "low"
        cef = self._evidence()
        rest = [_file_evidence(file) for file in self._files[1:20]]
        artifacts = [Artifact(name=name, cef=one, contains=_contains(one), severity=severity) for one in (cef, *rest) if one]
        return Event(
            name=name,
            artifacts=artifacts,
            description=self.category,
            severity=severity,
            labels=["suricata"],
            source="suricata",
            source_id=hashlib.sha256(identity.encode()).hexdigest()[:32],
            happened_at=max(0.0, self.at),
        )

    def _alert_identity(self) -> str:
        alert = self.within("alert")
        rule = [_number(alert, part) for part in ("gid", "signature_id", "rev")]
        ends = [_text(self.plain, "src_ip"), self.source_port, _text(self.plain, "dest_ip"), self.destination_port]
        return json.dumps([_text(self.plain, "timestamp"), self.flow, rule, ends])

    def _evidence(self) -> Dict[str, Any]:
        http, mail, application = self.within("http"), self.within("email"), _text(self.plain, "app_proto")
        cef = {
            "sourceAddress": self.source_ip, "sourcePort": self.source_port, "destinationAddress": self.destination_ip,
            "destinationPort": self.destination_port, "transportProtocol": self.protocol,
            "applicationProtocol": "" if application == "failed" else application,
            "deviceEventClassId": "" if self.signature_id is None else str(self.signature_id),
            "deviceEventCategory": self.category, "deviceAction": self.action,
            "externalId": "" if self.flow is None else str(self.flow),
            "deviceHostname": _text(self.plain, "host"), "deviceInboundInterface": _text(self.plain, "in_iface"),
            "requestURL": self.url, "requestMethod": _text(http, "http_method"), "destinationDnsDomain": self.domain,
            "requestClientApplication": _text(http, "http_user_agent"), "fromEmail": _text(mail, "from"), "toEmail": mail.get("to"),
            **(_file_evidence(self._files[0]) if self._files else {}),
        }  # fmt: skip
        return {name: value for name, value in cef.items() if value not in ("", None, [])}


def _file_evidence(file: Mapping[str, Any]) -> Dict[str, Any]:
    found = {
        "fileName": _text(file, "filename"), "fileSize": _number(file, "size"), "fileHashSha256": _text(file, "sha256"),
        "fileHashSha1": _text(file, "sha1"), "fileHashMd5": _text(file, "md5"),
    }  # fmt: skip
    return {name: value for name, value in found.items() if value not in ("", None)}


def _contains(cef: Mapping[str, Any]) -> Dict[str, Tuple[str, ...]]:
    return {name: KINDS[name] for name in cef if name in KINDS}


def _text(plain: Mapping[str, Any], name: str) -> str:
    value = plain.get(name)
    return value if isinstance(value, str) else ""


def _number(plain: Mapping[str, Any], name: str) -> Optional[int]:
    value = plain.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return text
