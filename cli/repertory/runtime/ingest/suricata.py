"""Suricata's EVE records (https://docs.suricata.io, "EVE JSON Format"): alerts, and what else it logs."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from repertory.runtime.ingest.entries import Unfit
from repertory.runtime.ingest.fields import Fields
from repertory.runtime.ingest.kinds import contains_of, is_address, labels_of
from repertory.runtime.ingest.times import iso_seconds
from repertory_sdk.errors import ConversionError
from repertory_sdk.models import Artifact, Event

if TYPE_CHECKING:
    from collections.abc import Mapping

SEVERITIES = {1: "high", 2: "medium", 3: "low"}
HTTP_PORT = 80
_SHAPE_HINT = "EVE records are described in Suricata's manual under EVE JSON Format"
_HASHES = {"sha256": "fileHashSha256", "sha1": "fileHashSha1", "md5": "fileHashMd5"}


def looks_like_eve(plain: Mapping[str, Any]) -> bool:
    """Whether this object says what type of EVE record it is."""
    return "event_type" in plain


def suricata_event(plain: Mapping[str, Any]) -> Event:
    """The event of one EVE record; raises Unfit naming the field."""
    record = Fields(plain)
    try:
        kind = record.text("event_type")
        if kind == "stats":
            raise Unfit("a stats record counts packets, it is no event", "leave records of event_type stats out")
        if not kind:
            raise ConversionError("event_type", "must not be empty")
        return _alert(record) if kind == "alert" else _other(record, kind)
    except ConversionError as error:
        raise Unfit(f"not a Suricata EVE record: {error}", _SHAPE_HINT) from None


def _alert(record: Fields) -> Event:
    alert = record.within("alert")
    name, category, rule = alert.text("signature"), alert.text("category"), alert.number("signature_id")
    if not name and rule is None:
        raise ConversionError("alert.signature", "is missing")
    return _event(
        record,
        name=name or f"signature {rule}",
        description=category,
        severity=SEVERITIES.get(alert.number("severity") or 0, "low"),
        labels=labels_of(name, category),
        identity=_alert_identity(record),
    )


def _other(record: Fields, kind: str) -> Event:
    return _event(
        record,
        name=" ".join(filter(None, (kind, _subject(record, kind)))),
        severity="low",
        labels=labels_of("", kind),
        identity=json.dumps(record.plain, sort_keys=True),
    )


def _event(
    record: Fields, *, name: str, severity: str, labels: tuple[str, ...], identity: str, description: str = ""
) -> Event:
    cef = _evidence(record)
    return Event(
        name=name,
        artifacts=(Artifact(name=name, cef=cef, contains=contains_of(cef), severity=severity),),
        description=description,
        severity=severity,
        labels=labels,
        source="suricata",
        source_id=hashlib.sha256(identity.encode()).hexdigest()[:32],
        happened_at=_happened_at(record),
    )


def _alert_identity(record: Fields) -> str:
    """What is the same when the same alert is read again, though from another capture or another line."""
    alert = record.within("alert")
    rule = [alert.number(part) for part in ("gid", "signature_id", "rev")]
    flow = [record.text("src_ip"), record.number("src_port"), record.text("dest_ip"), record.number("dest_port")]
    return json.dumps([record.text("timestamp"), record.number("flow_id"), rule, flow])


def _happened_at(record: Fields) -> float:
    text = record.text("timestamp")
    try:
        return iso_seconds(text) if text else 0.0
    except ValueError:
        raise ConversionError("timestamp", f"must be an ISO 8601 time from 1970 on, not {text[:60]!r}") from None


def _subject(record: Fields, kind: str) -> str:
    """What a record other than an alert is about, for its name."""
    http, dns = record.within("http"), record.within("dns")
    subjects = {
        "dns": " ".join(filter(None, (dns.text("type"), _queried_name(dns)))),
        "http": " ".join(filter(None, (http.text("http_method"), _url(http)))),
        "tls": record.within("tls").text("sni"),
        "fileinfo": record.within("fileinfo").text("filename"),
        "anomaly": record.within("anomaly").text("event"),
    }
    ends = " to ".join(filter(None, (record.text("src_ip"), record.text("dest_ip"))))
    return subjects.get(kind) or ends


# ------------------------------------------------------------------ evidence


def _evidence(record: Fields) -> dict[str, Any]:
    """Everything worth acting on, under CEF field names; what the record does not say is absent."""
    alert, ether = record.within("alert"), record.within("ether")
    rule, protocol = alert.number("signature_id"), record.text("app_proto")
    found = {
        "sourceAddress": record.text("src_ip"),
        "sourcePort": record.number("src_port"),
        "destinationAddress": record.text("dest_ip"),
        "destinationPort": record.number("dest_port"),
        "transportProtocol": record.text("proto"),
        "applicationProtocol": "" if protocol == "failed" else protocol,
        "deviceEventClassId": "" if rule is None else str(rule),
        "deviceEventCategory": alert.text("category"),
        "deviceAction": alert.text("action"),
        "deviceInboundInterface": record.text("in_iface"),
        "sourceMacAddress": ether.text("src_mac") or ether.first_text("src_macs"),
        "destinationMacAddress": ether.text("dest_mac") or ether.first_text("dest_macs"),
        **_web_evidence(record.within("http")),
        **_file_evidence(record),
    }
    host = str(found["destinationHostName"])
    named = _queried_name(record.within("dns")) or record.within("tls").text("sni")
    found["destinationDnsDomain"] = named or ("" if is_address(host) else host)
    return {name: value for name, value in found.items() if value not in ("", None)}


def _web_evidence(http: Fields) -> dict[str, Any]:
    return {
        "requestURL": _url(http),
        "requestMethod": http.text("http_method"),
        "requestClientApplication": http.text("http_user_agent"),
        "destinationHostName": _host(http),
    }


def _host(http: Fields) -> str:
    """The host that was asked for; old versions leave the port behind it."""
    host = http.text("hostname")
    name, _, port = host.rpartition(":")
    return name if port.isdigit() and ":" not in name else host


def _url(http: Fields) -> str:
    """The whole address where host and path are known, else what was asked for."""
    host, target, port = http.text("hostname"), http.text("url"), http.number("http_port")
    if not host or not target.startswith("/"):
        return target
    bracketed = f"[{host}]" if ":" in host and is_address(host) else host
    return f"http://{bracketed}{f':{port}' if port and port != HTTP_PORT else ''}{target}"


def _queried_name(dns: Fields) -> str:
    """The first name asked for; its place differs between versions and between dns and alert records."""
    if dns.text("rrname"):
        return dns.text("rrname")
    queries = "queries" if "queries" in dns.plain else "query"
    return dns.first_of(queries).text("rrname")


def _file_evidence(record: Fields) -> dict[str, Any]:
    file = record.within("fileinfo")
    if not file.plain:
        file = record.first_of("files")
    hashes = {name: file.text(short) for short, name in _HASHES.items()}
    strongest = next(filter(None, hashes.values()), "")
    return {"fileName": file.text("filename"), "fileSize": file.number("size"), **hashes, "fileHash": strongest}
