"""What RDAP answers mean (RFC 9083): from their objects to our fields. Any part may be missing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Optional

Object = Mapping[str, Any]
RAW_LIMIT = 256 * 1024
DEPTH = 5


def domain_fields(data: Object) -> dict[str, Any]:
    """Fields of a registered domain."""
    return _filled(
        registrar=named(data, "registrar"),
        registrant=named(data, "registrant"),
        created=day(data, "registration"),
        expires=day(data, "expiration"),
        updated=day(data, "last changed"),
        name_servers=[name.lower().rstrip(".") for name in _names(data.get("nameservers"))],
        status=_texts(data.get("status")),
        abuse_email=mail(data, "abuse"),
    )


def network_fields(data: Object) -> dict[str, Any]:
    """Fields of a network."""
    first, last = data.get("startAddress"), data.get("endAddress")
    cidrs = [
        f"{row.get('v4prefix') or row.get('v6prefix')}/{row.get('length')}"
        for row in _objects(data.get("cidr0_cidrs"))
        if row.get("v4prefix") or row.get("v6prefix")
    ]
    return _filled(
        range=f"{first} - {last}" if first and last else None,
        cidr=cidrs,
        network_name=_text(data.get("name")),
        country=(_text(data.get("country")) or "").upper(),
        **_owned(data),
    )


def system_fields(data: Object) -> dict[str, Any]:
    """Fields of an autonomous system."""
    return _filled(name=_text(data.get("name")), country=(_text(data.get("country")) or "").upper(), **_owned(data))


def _owned(data: Object) -> dict[str, Any]:
    return {
        "organization": named(data, "registrant") or named(data, "administrative"),
        "abuse_email": mail(data, "abuse"),
        "registered": day(data, "registration"),
    }


def raw_of(data: Object) -> str:
    """The answer as text."""
    return json.dumps(data, ensure_ascii=False, indent=1)[:RAW_LIMIT]


def named(data: Object, role: str) -> Optional[str]:
    """Who has a role, by the name or organization on the card."""
    for entity in entities(data, role):
        found = _on_card(entity, "fn") or _on_card(entity, "org")
        if found and "redacted" not in found.lower():
            return found
    return None


def mail(data: Object, role: str) -> Optional[str]:
    """The mail address of whoever has a role."""
    found = (_on_card(entity, "email") for entity in entities(data, role))
    return next((address for address in found if address and "@" in address), None)


def entities(data: Object, role: str, depth: int = 0) -> Iterator[Object]:
    """Whoever has a role, at any depth: registries put the abuse contact into the registrar."""
    for entity in _objects(data.get("entities")) if depth < DEPTH else ():
        if role in _texts(entity.get("roles")):
            yield entity
        yield from entities(entity, role, depth + 1)


def _on_card(entity: Object, name: str) -> Optional[str]:
    """The first value of a property of a card (RFC 7095): a name, parameters, a type, the value."""
    card = entity.get("vcardArray")
    rows = card[1] if isinstance(card, list) and len(card) > 1 and isinstance(card[1], list) else []
    for row in rows:
        if isinstance(row, list) and len(row) > 3 and row[0] == name:
            value = row[3][0] if isinstance(row[3], list) and row[3] else row[3]
            if isinstance(value, str) and value.strip():
                return value.strip()
    return None


def day(data: Object, action: str) -> Optional[str]:
    """The day of an event."""
    found = [row.get("eventDate") for row in _objects(data.get("events")) if row.get("eventAction") == action]
    return str(found[0])[:10] if found and found[0] else None


def _filled(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value}


def _objects(value: Any) -> list[Object]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _names(value: Any) -> list[str]:
    return [str(server["ldhName"]) for server in _objects(value) if server.get("ldhName")]


def _texts(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _text(value: Any) -> Optional[str]:
    return value if isinstance(value, str) and value else None
