"""What communities share about threats, and what you share with them, by MISP."""

from __future__ import annotations

import functools
import uuid
from typing import Any, Dict, Iterator, List, Literal, Optional, Sequence

import polling
from misp_client import PRODUCT, Client, Object, attributes_of, identified, moment, number, tags_of, text

from repertory_sdk import ActionFailed, App, Event, Output, Secret, indicators, output, param, setting
from repertory_sdk.http import HttpAsset

app = App(
    "misp",
    version="1.0.0",
    product=PRODUCT,
    vendor="MISP Project",
    summary=__doc__,
    requires=["requests>=2.31"],
    hosts=["${asset.url}", "${asset.proxy}"],
    files=["${asset.ca_file}"],
)

Verdict = Literal["malicious", "suspicious", "benign", "unknown"]
SEARCH_S = 120.0
ADDRESSES = ("ip-src", "ip-dst", "ip-src|port", "ip-dst|port", "domain|ip")
DOMAINS = ("domain", "hostname", "hostname|port", "domain|ip")
URLS = ("url", "uri", "link")
FILES = ("md5", "sha1", "sha256", "filename|md5", "filename|sha1", "filename|sha256", "malware-sample")
THREATS = ("high", "medium", "low", "undefined")
DISTRIBUTIONS = ("your organization", "this community", "connected communities", "all communities")
SIGHTINGS = ("sighting", "false positive", "expiration")
NAMESPACE = uuid.UUID("f2a7c3c8-6d0e-5b57-9a51-0c8f4b5f2f10")


@app.asset
class Misp(HttpAsset):
    """An instance and a key of one of its users."""

    url: str = setting("Where it answers, such as https://misp.example")
    key: Secret = setting("Automation key of a user")
    timeout_s: float = setting("Seconds to wait for an answer", default=60.0, minimum=0.1, maximum=600)
    days: int = setting("How far back reputations look, in days", default=365, minimum=1, maximum=3650)
    poll_days: int = setting("How far back the first poll looks, in days", default=7, minimum=1, maximum=3650)

    @functools.cached_property
    def api(self) -> Client:
        """Its interface."""
        return Client(self, self.key)

    def hits(self, value: str, kinds: Sequence[str]) -> List[Object]:
        """Attributes with exactly this value; MISP itself takes ``%`` for anything."""
        query = {"value": value, "type": list(kinds), "last": f"{self.days}d", "enforceWarninglist": True, "includeEventTags": True}
        found = self.api.search("attributes", query, 500)
        return [row for row in found if value.lower() in _parts(row)]


def _parts(row: Object) -> List[str]:
    """A value, and its parts where it is composite: ``198.51.100.7|443``."""
    value = (text(row.get("value")) or "").lower()
    return [value, *(value.split("|") if "|" in str(row.get("type")) else ())]


@app.result
class Opinion:
    """What is shared about one indicator."""

    verdict: Verdict = output("malicious where it is meant for detection, suspicious where it is only mentioned, else unknown")
    hits: int = output("Number of attributes")
    events: List[str] = output("Numbers of the events that have it")
    campaigns: List[str] = output("What these events are about")
    tags: List[str] = output("Tags of the attributes and events; tlp: says with whom it may be shared")
    last_seen_at: Optional[str] = output("When the newest of the attributes was changed, ISO 8601")


@app.result
class AddressReputation(Opinion):
    """What is shared about an address."""

    ip: str = output("Address as asked", contains="ip")


@app.result
class DomainReputation(Opinion):
    """What is shared about a domain."""

    domain: str = output("Domain as asked", contains="domain")


@app.result
class UrlReputation(Opinion):
    """What is shared about a URL."""

    url: str = output("URL as asked", contains="url")


@app.result
class FileReputation(Opinion):
    """What is shared about a file."""

    hash: str = output("Digest as asked", contains="hash")


@app.result
class Attribute:
    """One attribute."""

    attribute: str = output("Its number")
    event: str = output("Number of its event")
    type: str = output("Its type, such as ip-dst")
    category: Optional[str] = output("Its category", default=None)
    value: str = output("Its value", contains=["ip", "domain", "url", "hash", "email"])
    to_ids: bool = output("Whether it is meant for detection", default=False)
    comment: Optional[str] = output("What somebody wrote to it", default=None)
    tags: List[str] = output("Its tags", default=[])
    info: Optional[str] = output("What the event is about", default=None)
    changed_at: Optional[str] = output("When it was changed, ISO 8601", default=None)


@app.result
class MispEvent:
    """One event."""

    event: str = output("Its number")
    uuid: str = output("Its UUID")
    info: str = output("What it is about")
    date: Optional[str] = output("Its day", default=None)
    threat: str = output("high, medium, low or undefined")
    organization: Optional[str] = output("Who made it", default=None)
    published: bool = output("Whether it is published")
    tags: List[str] = output("Its tags", default=[])
    attributes: List[Attribute] = output("Its attributes, and those of its objects", default=[])


@app.result
class Created:
    """An event that is there now."""

    event: str = output("Its number")
    uuid: str = output("Its UUID")
    created: bool = output("False where one with this reference was there already")


@app.result
class Added:
    """An attribute that is there now."""

    event: str = output("Number or UUID of the event")
    type: str = output("Type of the attribute")
    value: str = output("Value of the attribute", contains=["ip", "domain", "url", "hash", "email"])
    added: bool = output("False where it was there already")


@app.result
class Tagged:
    """A tag of an event."""

    event: str = output("Number or UUID of the event")
    tag: str = output("Tag")
    tagged: bool = output("Whether the event has it now")
    changed: bool = output("Whether that was different before")


@app.result
class Sighted:
    """A sighting."""

    value: str = output("What was seen", contains=["ip", "domain", "url", "hash", "email"])
    kind: str = output("sighting, false positive or expiration")
    told: bool = output("Whether MISP took it")


@app.result
class Published:
    """An event that is published now."""

    event: str = output("Number or UUID of the event")
    published: bool = output("Whether it is published now")
    changed: bool = output("False where it was already")
    verified: bool = output("False where MISP does it later, in the background")


@app.test
def connectivity(misp: Misp) -> str:
    """Asks for the version."""
    return f"the key is accepted, version {text(misp.api.get('/servers/getVersion').get('version')) or 'unknown'}"


@app.poll
def events(misp: Misp, checkpoint: Dict[str, Any]) -> Iterator[Event]:
    """Events that were published since the last poll."""
    return polling.published(misp.api, checkpoint, misp.poll_days)


def _opinion(found: Sequence[Object]) -> Dict[str, Any]:
    about = [event for row in found if isinstance(event := row.get("Event"), dict)]
    stamps = [stamp for row in found if (stamp := number(row.get("timestamp")))]
    meant = any(row.get("to_ids") is True for row in found)
    return {
        "verdict": "malicious" if meant else "suspicious" if found else "unknown",
        "hits": len(found),
        "events": list(dict.fromkeys(event for row in found if (event := text(row.get("event_id"))))),
        "campaigns": list(dict.fromkeys(info for event in about if (info := text(event.get("info"))))),
        "tags": sorted({tag for thing in (*found, *about) for tag in tags_of(thing)}),
        "last_seen_at": moment(max(stamps, default=None)),
    }


@app.action("ip reputation", type="investigate", timeout_s=SEARCH_S)
def ip_reputation(misp: Misp, ip: str = param("Address", contains="ip")) -> AddressReputation:
    """What is shared about an address."""
    address = indicators.address(ip)
    return AddressReputation(ip=address, **_opinion(misp.hits(address, ADDRESSES)))


@app.action("domain reputation", type="investigate", timeout_s=SEARCH_S)
def domain_reputation(misp: Misp, domain: str = param("Domain", contains="domain")) -> DomainReputation:
    """What is shared about a domain or host name."""
    name = indicators.domain(domain)
    return DomainReputation(domain=name, **_opinion(misp.hits(name, DOMAINS)))


@app.action("url reputation", type="investigate", timeout_s=SEARCH_S)
def url_reputation(misp: Misp, url: str = param("URL", contains="url")) -> UrlReputation:
    """What is shared about a URL."""
    whole = indicators.url(url)
    return UrlReputation(url=whole, **_opinion(misp.hits(whole, URLS)))


@app.action("file reputation", type="investigate", timeout_s=SEARCH_S)
def file_reputation(misp: Misp, hash: str = param("MD5, SHA-1 or SHA-256 of the file", contains="hash")) -> FileReputation:
    """What is shared about a file."""
    digest = indicators.digest(hash)
    return FileReputation(hash=digest, **_opinion(misp.hits(digest, FILES)))


@app.action("search attributes", type="investigate", timeout_s=SEARCH_S)
def search_attributes(
    misp: Misp,
    value: str = param("Value; % stands for anything; empty for every value", default=""),
    types: List[str] = param("Types, such as ip-dst; none for all", default=[]),
    tags: List[str] = param("Tags of which the attribute or its event has one", default=[]),
    days: int = param("How far back, in days", default=90, minimum=1, maximum=3650),
    limit: int = param("Most attributes", default=100, minimum=1, maximum=10_000),
) -> Output[Attribute]:
    """Attributes by value, type and tag."""
    query: Dict[str, Any] = {"last": f"{days}d", "includeEventTags": True}
    query.update({name: given for name, given in (("value", value.strip()), ("type", types), ("tags", tags)) if given})
    return Output([_attribute(row) for row in misp.api.search("attributes", query, limit)])


def _attribute(row: Object) -> Attribute:
    event = row.get("Event")
    return Attribute(
        attribute=text(row.get("id")) or "",
        event=text(row.get("event_id")) or "",
        type=text(row.get("type")) or "",
        category=text(row.get("category")),
        value=text(row.get("value")) or "",
        to_ids=row.get("to_ids") is True,
        comment=text(row.get("comment")),
        tags=tags_of(row),
        info=text(event.get("info")) if isinstance(event, dict) else None,
        changed_at=moment(row.get("timestamp")),
    )


@app.action("get event", type="investigate", timeout_s=SEARCH_S)
def get_event(misp: Misp, event: str = param("Number or UUID of the event")) -> MispEvent:
    """One event with all that is in it."""
    found = misp.api.event(event)
    level, by = number(found.get("threat_level_id")) or 4, found.get("Orgc")
    return MispEvent(
        event=text(found.get("id")) or "",
        uuid=text(found.get("uuid")) or "",
        info=text(found.get("info")) or "",
        date=text(found.get("date")),
        threat=THREATS[level - 1] if 1 <= level <= 4 else "undefined",
        organization=text(by.get("name")) if isinstance(by, dict) else None,
        published=found.get("published") is True,
        tags=tags_of(found),
        attributes=[_attribute({"event_id": found.get("id"), **row}) for row in attributes_of(found)],
    )


@app.action("create event", type="generic")
def create_event(
    misp: Misp,
    info: str = param("What it is about, in one line"),
    threat: str = param("How bad it is", default="undefined", choices=THREATS),
    distribution: str = param("Who sees it once it is published", default=DISTRIBUTIONS[0], choices=DISTRIBUTIONS),
    tags: List[str] = param("Its tags, such as tlp:amber", default=[]),
    reference: str = param("What it is about here, such as a case; the same reference never makes a second event", default=""),
) -> Created:
    """Make an event. It is not published."""
    if not info.strip():
        raise ActionFailed("MISP: an event has to say what it is about; give info")
    identity = str(uuid.uuid5(NAMESPACE, reference)) if reference else str(uuid.uuid4())
    known = misp.api.find_event(identity) if reference else None
    if known is not None:
        return Created(event=text(known.get("id")) or identity, uuid=identity, created=False)
    body = {
        "uuid": identity, "info": info.strip(), "threat_level_id": str(THREATS.index(threat) + 1), "analysis": "0",
        "distribution": str(DISTRIBUTIONS.index(distribution)), "published": False, "Tag": [{"name": tag} for tag in tags],
    }  # fmt: skip
    made = misp.api.post("/events/add", {"Event": body}).get("Event")
    number_of = text(made.get("id")) if isinstance(made, dict) else None
    return Created(event=number_of or identity, uuid=identity, created=True)


@app.action("add attribute", type="generic", idempotent=True)
def add_attribute(
    misp: Misp,
    event: str = param("Number or UUID of the event"),
    type: str = param("Type, such as ip-dst, domain, url or sha256"),
    value: str = param("Value", contains=["ip", "domain", "url", "hash", "email"]),
    category: str = param("Category; empty for the usual one of the type", default=""),
    to_ids: bool = param("Whether it is meant for detection", default=True),
    comment: str = param("What there is to say about it", default=""),
) -> Added:
    """Add an attribute to an event, unless it is there already."""
    identity, kind, plain = identified(event), type.strip(), value.strip()
    if not kind or not plain:
        raise ActionFailed("MISP: an attribute has a type and a value; give both, such as ip-dst and 198.51.100.7")
    body = {"type": kind, "value": plain, "to_ids": to_ids, "comment": comment, **({"category": category} if category else {})}
    made = misp.api.attempt(f"/attributes/add/{identity}", body, "similar attribute already exists")
    return Added(event=identity, type=kind, value=plain, added=made is not None)


@app.action("tag event", type="generic", idempotent=True, undo="untag event")
def tag_event(
    misp: Misp, event: str = param("Number or UUID of the event"), tag: str = param("Tag, such as tlp:amber")
) -> Tagged:
    """Give an event a tag, unless it has it."""
    return _retagged(misp, event, tag, wanted=True)


@app.action("untag event", type="generic", idempotent=True, undo="tag event")
def untag_event(misp: Misp, event: str = param("Number or UUID of the event"), tag: str = param("Tag")) -> Tagged:
    """Take a tag off an event, if it has it."""
    return _retagged(misp, event, tag, wanted=False)


def _retagged(misp: Misp, event: str, tag: str, *, wanted: bool) -> Tagged:
    name, found = tag.strip(), misp.api.event(event)
    if not name:
        raise ActionFailed("MISP: no tag is named; give one such as tlp:amber")
    if (name in tags_of(found)) == wanted:
        return Tagged(event=event, tag=name, tagged=wanted, changed=False)
    path = "/tags/attachTagToObject" if wanted else "/tags/removeTagFromObject"
    said = misp.api.post(path, {"uuid": text(found.get("uuid")) or "", "tag": name})
    now = name in tags_of(misp.api.event(event))
    if now != wanted:
        reason = (text(said.get("errors")) or text(said.get("message")) or "it says nothing").rstrip(".")
        raise ActionFailed(f"MISP: the tag stayed as it was: {reason[:200]}; check that the tag exists, and what the key permits")
    return Tagged(event=event, tag=name, tagged=now, changed=True)


@app.action("add sighting", type="generic")
def add_sighting(
    misp: Misp,
    value: str = param("What was seen", contains=["ip", "domain", "url", "hash", "email"]),
    kind: str = param("Whether it was seen, was nothing bad, or is over", default=SIGHTINGS[0], choices=SIGHTINGS),
    source: str = param("Who saw it", default=""),
) -> Sighted:
    """Tell that something was seen, of every attribute with this value."""
    plain = value.strip()
    if not plain:
        raise ActionFailed("MISP: nothing was seen; give the value of an attribute")
    body = {"values": [plain], "type": str(SIGHTINGS.index(kind)), **({"source": source} if source else {})}
    said = misp.api.attempt("/sightings/add", body, "no valid attributes found")
    if said is None:
        raise ActionFailed(f"MISP: no attribute has the value {plain[:80]!r}; add it to an event first")
    return Sighted(value=plain, kind=kind, told=said.get("saved") is not False)


@app.action("publish event", type="generic", idempotent=True)
def publish_event(misp: Misp, event: str = param("Number or UUID of the event")) -> Published:
    """Publish an event, which shows it to all whom its distribution names. No mail is sent."""
    found = misp.api.event(event)
    if found.get("published") is True:
        return Published(event=event, published=True, changed=False, verified=True)
    misp.api.post(f"/events/publish/{identified(text(found.get('id')) or event)}", {})
    now = misp.api.event(event).get("published") is True
    return Published(event=event, published=now, changed=True, verified=now)
