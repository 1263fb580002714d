"""ArcSight's Common Event Format, a record a line, bare or behind a syslog header (RFC 3164, RFC 5424)."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repertory.runtime.ingest.cef_names import FULL_NAMES, WHOLE_NUMBERS
from repertory.runtime.ingest.entries import Unfit
from repertory.runtime.ingest.kinds import contains_of, labels_of
from repertory.runtime.ingest.times import cef_seconds
from repertory_sdk.models import Artifact, Event

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_START = re.compile(r"(?:^|(?<=[\s>]))CEF:\s?(\d+(?:\.\d+)?)\|")
_ESCAPED_OR_BAR = re.compile(r"\\.|\|")
_KEY = re.compile(r"(?:^|(?<=\s))([A-Za-z0-9_][\w.\[\]-]*)=", re.ASCII)
# The quote and the bracket are not in the guide; products escape them nevertheless.
_ESCAPE = re.compile(r'\\([\\=|nr"\]])')
_ESCAPES = {"n": "\n", "r": "\r"}
_RFC5424_TIME = re.compile(r"<\d{1,3}>\d{1,2} (\S+) ")
_SMALL_NUMBER = re.compile(r"-?\d{1,18}", re.ASCII)

_HEADER = ("device vendor", "device product", "device version", "device event class id", "name", "severity")
_HEADER_HINT = "a record is CEF:0|vendor|product|version|event class id|name|severity|key=value …"
_TIMES = ("startTime", "deviceReceiptTime", "endTime")
_SEVERITIES = {
    **dict.fromkeys(("0", "1", "2", "3", "low"), "low"),
    **dict.fromkeys(("4", "5", "6", "medium", "unknown"), "medium"),
    **dict.fromkeys(("7", "8", "high"), "high"),
    **dict.fromkeys(("9", "10", "very-high", "very high", "critical"), "critical"),
}


@dataclass(frozen=True, kw_only=True)
class CefRecord:
    """One record taken apart: escapes are resolved, keys are as they came."""

    prefix: str
    vendor: str
    product: str
    version: str
    event_class: str
    name: str
    severity: str
    extension: Mapping[str, str]


def looks_like_cef(lines: Iterable[str]) -> bool:
    """Whether any of these lines holds a record."""
    return any(_START.search(line) for line in lines)


def cef_event(line: str) -> Event:
    """The event of one line; raises Unfit."""
    record = parse_cef(line)
    cef = _evidence(record)
    severity = _SEVERITIES.get(record.severity.lower(), "medium")
    return Event(
        name=record.name,
        artifacts=(Artifact(name=record.name, cef=cef, contains=contains_of(cef), severity=severity),),
        description=str(cef.get("message", "")),
        severity=severity,
        labels=labels_of(record.name, str(cef.get("deviceEventCategory", ""))),
        source=f"{record.vendor} {record.product}",
        source_id=hashlib.sha256(line.strip().encode()).hexdigest()[:32],
        happened_at=_happened_at(record, cef),
    )


def parse_cef(line: str) -> CefRecord:
    """Take one line apart; raises Unfit where it is no record."""
    start = _START.search(line)
    if start is None:
        raise Unfit("no CEF record", _HEADER_HINT)
    parts = _split_header(line[start.end() :])
    if len(parts) < len(_HEADER):
        raise Unfit(f"the CEF header ends before the {_HEADER[len(parts)]}", _HEADER_HINT)
    header = [_unescaped(part).strip() for part in parts[: len(_HEADER)]]
    for title, value in zip(_HEADER, header, strict=True):
        if not value:
            raise Unfit(f"the {title} in the CEF header is empty", _HEADER_HINT)
    vendor, product, version, event_class, name, severity = header
    return CefRecord(
        prefix=line[: start.start()],
        vendor=vendor,
        product=product,
        version=version,
        event_class=event_class,
        name=name,
        severity=severity,
        extension=_parse_extension(parts[-1] if len(parts) > len(_HEADER) else ""),
    )


def _split_header(text: str) -> list[str]:
    """The header's fields, and what follows them as the last part."""
    parts: list[str] = []
    start = 0
    for match in _ESCAPED_OR_BAR.finditer(text):
        if match[0] == "|":
            parts.append(text[start : match.start()])
            start = match.end()
            if len(parts) == len(_HEADER):
                break
    return [*parts, text[start:]]


def _parse_extension(text: str) -> dict[str, str]:
    """Keys and values; a value reaches up to the next ``key=``, so it may hold spaces."""
    text = text.strip()
    keys = list(_KEY.finditer(text))
    if not text:
        return {}
    if not keys or keys[0].start() != 0:
        raise Unfit("the CEF extension does not begin with key=value", _HEADER_HINT)
    ends = [key.start() for key in keys[1:]] + [len(text)]
    return {key[1]: _unescaped(text[key.end() : end].strip()) for key, end in zip(keys, ends, strict=True)}


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda match: _ESCAPES.get(match[1], match[1]), text)


def _evidence(record: CefRecord) -> dict[str, Any]:
    named = {FULL_NAMES.get(key, key): value for key, value in record.extension.items()}
    return {
        **{name: _typed(name, value) for name, value in named.items() if value},
        "deviceVendor": record.vendor,
        "deviceProduct": record.product,
        "deviceVersion": record.version,
        "deviceEventClassId": record.event_class,
        "deviceSeverity": record.severity,
    }


def _typed(name: str, value: str) -> str | int:
    return int(value) if name in WHOLE_NUMBERS and _SMALL_NUMBER.fullmatch(value) else value


def _happened_at(record: CefRecord, cef: Mapping[str, Any]) -> float:
    """The first time that can be told; headers of RFC 3164 name no year and cannot."""
    header = _RFC5424_TIME.match(record.prefix)
    texts = [str(cef.get(name, "")) for name in _TIMES] + ([header[1]] if header else [])
    return next(filter(None, map(cef_seconds, texts)), 0.0)
