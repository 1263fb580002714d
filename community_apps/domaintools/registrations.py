"""What answers about registrations and moves say, as fields of our records."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from domaintools_client import inner, objects, text, texts

Fields = Dict[str, Any]


def domain_fields(data: Fields) -> Fields:
    """Of the record of a domain."""
    parsed, registration = inner(data, "parsed_whois"), inner(data, "registration")
    holder = inner(parsed, "contacts", "registrant")
    return {
        "registrar": text(inner(parsed, "registrar", "name")) or text(inner(registration, "registrar")),
        "registrant": text(data.get("registrant")) or text(inner(holder, "name")) or text(inner(holder, "org")),
        "registrant_email": text(inner(holder, "email")),
        "created": day(inner(parsed, "created_date") or inner(registration, "created")),
        "expires": day(inner(parsed, "expired_date") or inner(registration, "expires")),
        "updated": day(inner(parsed, "updated_date") or inner(registration, "updated")),
        "abuse_email": text(inner(parsed, "registrar", "abuse_contact_email")),
        "name_servers": _hosts(data.get("name_servers") or inner(parsed, "name_servers")),
        "status": texts(inner(parsed, "statuses") or inner(registration, "statuses") or []),
        "country": _country(holder),
        **_record(data),
    }


def network_fields(data: Fields) -> Fields:
    """Of the record of an address; what the contacts lack is left out."""
    contacts = objects(inner(data, "parsed_whois", "contacts"))
    network = next(iter(reversed(objects(inner(data, "parsed_whois", "networks")))), {})
    abuse = [one for one in contacts if "abuse" in str(one.get("type", "")).lower()]
    holder = next((one for one in contacts if one not in abuse), {})
    ends = [text(inner(network, "range", end)) for end in ("from", "to")]
    return {
        "organization": text(holder.get("org")) or text(holder.get("name")) or text(data.get("registrant")),
        "country": _country(holder) or _country(network),
        "abuse_email": text(next((one.get("email") for one in abuse), None)),
        "network_name": text(network.get("name")),
        "range": " - ".join(str(end) for end in ends) if all(ends) else None,
        **_record(data),
    }


def version_fields(row: Fields) -> Fields:
    """Of one record of the past."""
    registration = inner(row, "whois", "registration")
    return {
        "recorded": day(row.get("date")) or "",
        "registrant": text(inner(row, "whois", "registrant")),
        "registrar": text(inner(registration, "registrar")),
        "created": day(inner(registration, "created")),
        "expires": day(inner(registration, "expires")),
        "name_servers": _hosts(inner(row, "whois", "name_servers")),
        "private": bool(row.get("is_private")),
    }


def moves_of(data: Fields) -> List[Fields]:
    """Of the history of where a domain was, the newest first."""
    found = [
        *(_move("ip", row, row.get("pre_ip"), row.get("post_ip")) for row in objects(data.get("ip_history"))),
        *(_move("name server", row, row.get("pre_mns"), row.get("post_mns")) for row in objects(data.get("nameserver_history"))),
        *(
            {**_move("registrar", row, None, row.get("registrar")), "happened_at": day(row.get("date_lastchecked"))}
            for row in objects(data.get("registrar_history"))
        ),
    ]
    return sorted(found, key=lambda move: move["happened_at"] or "", reverse=True)


def _move(kind: str, row: Fields, before: Any, after: Any) -> Fields:
    action = text(row.get("action_in_words")) or text(row.get("action"))
    return {"kind": kind, "happened_at": day(row.get("actiondate")), "action": action, "before": text(before), "after": text(after)}


def _record(data: Fields) -> Fields:
    return {"recorded": day(inner(data, "whois", "date")), "raw": text(inner(data, "whois", "record")) or ""}


def _hosts(value: Any) -> List[str]:
    return [name.lower().rstrip(".") for name in texts(value or [])]


def _country(contact: Any) -> Optional[str]:
    return (text(inner(contact, "country")) or "").upper() or None


def day(value: Any) -> Optional[str]:
    """The day of a day or time."""
    found = text(value)
    return found[:10] if found else None
