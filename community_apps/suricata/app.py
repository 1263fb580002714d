"""Alerts and other records that Suricata writes into its log (EVE JSON), and new alerts as events."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any, Callable, Dict, Iterator, List, Literal, Optional

from eve import Record
from log import Log, Position

from repertory_sdk import ActionFailed, App, Asset, Event, Output, indicators, output, param, setting

app = App(
    "suricata",
    version="1.0.0",
    product="Suricata",
    vendor="OISF",
    summary=__doc__,
    files=["${asset.eve_file}"],
)

AT_ONCE = 1000
"""Events that one poll brings."""
Severity = Literal["high", "medium", "low"]
ORDER = ("high", "medium", "low")
_REMEMBERED = 5000


@app.asset
class Sensor(Asset):
    """The log of a sensor on this machine."""

    eve_file: str = setting("Absolute path of the folder with eve.json, such as /var/log/suricata, or of the file itself")
    scan_mb: int = setting("How much of the end of the log actions look at", default=64, minimum=1, maximum=4096)
    types: List[str] = setting("Types of records that become events", default=["alert"])
    least_severity: str = setting("Alerts below this become no events", default="low", choices=list(ORDER))

    @property
    def log(self) -> Log:
        """Its log."""
        return Log(self.eve_file)

    def newest(self, fits: Callable[[bytes], bool]) -> Iterator[Record]:
        """Records from the end of the log, the newest first; ``fits`` looks at a line before it is read as JSON."""
        return self.log.newest(self.scan_mb * 1_000_000, fits)


@app.result
class Alert:
    """An alert."""

    happened_at: Optional[str] = output("When, as the sensor wrote it", default=None)
    signature: str = output("What the rule says")
    signature_id: Optional[int] = output("Number of the rule", default=None)
    category: str = output("Category")
    severity: Severity = output("high, medium or low")
    action: str = output("allowed or blocked")
    source_ip: str = output("Where the packet came from", contains="ip")
    source_port: Optional[int] = output("Port it came from", default=None, contains="port")
    destination_ip: str = output("Where it went", contains="ip")
    destination_port: Optional[int] = output("Port it went to", default=None, contains="port")
    protocol: str = output("TCP, UDP ...")
    domain: Optional[str] = output("Name that was asked for", default=None, contains="domain")
    url: Optional[str] = output("URL that was asked for", default=None, contains="url")
    flow: Optional[int] = output("Number of the flow, the same in all of its records", default=None)


@app.result
class Logged:
    """A record of any type."""

    happened_at: Optional[str] = output("When, as the sensor wrote it", default=None)
    type: str = output("Type: alert, flow, dns, http, tls, fileinfo ...")
    what: str = output("What it is about: a signature, a name, a URL")
    source_ip: str = output("Where the packet came from", contains="ip")
    source_port: Optional[int] = output("Port it came from", default=None, contains="port")
    destination_ip: str = output("Where it went", contains="ip")
    destination_port: Optional[int] = output("Port it went to", default=None, contains="port")
    protocol: str = output("TCP, UDP ...")
    flow: Optional[int] = output("Number of the flow, the same in all of its records", default=None)


@app.result
class Count:
    """How often a rule alerted."""

    signature: str = output("What the rule says")
    signature_id: Optional[int] = output("Number of the rule", default=None)
    severity: Severity = output("high, medium or low")
    alerts: int = output("How often")
    source_ips: List[str] = output("Where from, the most frequent first, at most ten", contains="ip")
    destination_ips: List[str] = output("Where to, the most frequent first, at most ten", contains="ip")
    last_at: Optional[str] = output("When last, as the sensor wrote it", default=None)


def _is_alert(line: bytes) -> bool:
    return b'"alert"' in line


def _alerts(sensor: Sensor, minutes: int, severity: str, wanted: str = "") -> Iterator[Record]:
    since = time.time() - minutes * 60 if minutes else 0.0
    worst = ORDER.index(severity)
    for record in sensor.newest(_is_alert):
        fits = record.type == "alert" and record.at >= since and ORDER.index(record.severity) <= worst
        if fits and wanted.lower() in f"{record.signature} {record.signature_id}".lower():
            yield record


def _alert(record: Record) -> Alert:
    return Alert(
        happened_at=record.timestamp,
        signature=record.signature,
        signature_id=record.signature_id,
        category=record.category,
        severity=record.severity,
        action=record.action,
        source_ip=record.source_ip,
        source_port=record.source_port,
        destination_ip=record.destination_ip,
        destination_port=record.destination_port,
        protocol=record.protocol,
        domain=record.domain or None,
        url=record.url or None,
        flow=record.flow,
    )


@app.test
def connectivity(sensor: Sensor) -> str:
    """Reads the end of the log."""
    newest = next(sensor.newest(lambda _: True), None)
    return f"the log can be read; its last record is of {newest.timestamp}" if newest else "the log can be read; it is empty"


@app.action("list alerts", type="investigate")
def list_alerts(
    sensor: Sensor,
    minutes: int = param("How many minutes back; 0: as far as the log is looked at", default=60, minimum=0, maximum=5_256_000),
    least_severity: Severity = param("None below this", default="low"),
    signature: str = param("Part of the rule's text, or its number", default=""),
    limit: int = param("Most alerts, the newest first", default=200, minimum=1, maximum=10_000),
) -> Output[Alert]:
    """Alerts, the newest first."""
    found: List[Alert] = []
    for record in _alerts(sensor, minutes, least_severity, signature):
        found.append(_alert(record))
        if len(found) == limit:
            break
    return Output(found, summary={"alerts": len(found)})


@app.action("count alerts", type="investigate")
def count_alerts(
    sensor: Sensor,
    minutes: int = param(
        "How many minutes back; 0: as far as the log is looked at", default=1440, minimum=0, maximum=5_256_000
    ),
    least_severity: Severity = param("None below this", default="low"),
    limit: int = param("Most rules", default=50, minimum=1, maximum=10_000),
) -> Output[Count]:
    """Which rules alerted how often, the most frequent first."""
    rules: Dict[Any, List[Record]] = {}
    for record in _alerts(sensor, minutes, least_severity):
        rules.setdefault((record.signature_id, record.signature), []).append(record)
    found = sorted(rules.values(), key=len, reverse=True)
    rows = [
        Count(
            signature=one[0].signature,
            signature_id=one[0].signature_id,
            severity=one[0].severity,
            alerts=len(one),
            source_ips=_frequent(record.source_ip for record in one),
            destination_ips=_frequent(record.destination_ip for record in one),
            last_at=one[0].timestamp,
        )
        for one in found[:limit]
    ]
    return Output(rows, summary={"rules": len(found), "alerts": sum(map(len, found))})


def _frequent(addresses: Iterator[str]) -> List[str]:
    return [address for address, _ in Counter(filter(None, addresses)).most_common(10)]


@app.action("search events", type="investigate")
def search_events(
    sensor: Sensor,
    ip: str = param("Address at either end", contains="ip"),
    minutes: int = param(
        "How many minutes back; 0: as far as the log is looked at", default=1440, minimum=0, maximum=5_256_000
    ),
    types: List[str] = param("Only of these types, such as alert, dns, http, tls, flow; empty: all", default=[]),
    limit: int = param("Most records, the newest first", default=200, minimum=1, maximum=10_000),
) -> Output[Logged]:
    """What the sensor logged of an address, the newest first."""
    address = indicators.address(ip)
    since = time.time() - minutes * 60 if minutes else 0.0
    found: List[Logged] = []
    # The sensor writes IPv6 addresses in full, so only those of IPv4 are looked for in the line as it is.
    for record in sensor.newest(lambda line: ":" in address or address.encode() in line):
        if record.at < since or address not in record.addresses or (types and record.type not in types):
            continue
        found.append(
            Logged(
                happened_at=record.timestamp,
                type=record.type,
                what=record.what,
                source_ip=record.source_ip,
                source_port=record.source_port,
                destination_ip=record.destination_ip,
                destination_port=record.destination_port,
                protocol=record.protocol,
                flow=record.flow,
            )
        )
        if len(found) == limit:
            break
    return Output(found, summary={"records": len(found)})


@app.poll
def alerts(sensor: Sensor, checkpoint: Dict[str, Any]) -> Iterator[Event]:
    """Records that were written since the last time; at first those at the end of the log."""
    seen = list(checkpoint.get("seen") or ())
    known, brought = set(seen), 0
    position = Position.of(checkpoint)
    for record, after in sensor.log.since(position, sensor.scan_mb * 1_000_000):
        position = after
        if record is None or record.type not in sensor.types or record.type == "stats":
            continue
        if record.type == "alert" and ORDER.index(record.severity) > ORDER.index(sensor.least_severity):
            continue
        event = record.event()
        if event.source_id in known:
            continue
        known.add(event.source_id)
        seen.append(event.source_id)
        yield event
        brought += 1
        if brought == AT_ONCE:
            break
    if position is None:
        raise ActionFailed("Suricata's log was gone while it was read; try again")
    checkpoint.update(position.kept(), seen=seen[-_REMEMBERED:])
