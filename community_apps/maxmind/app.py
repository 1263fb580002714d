"""Where addresses are, whose they are and what hides behind them, by MaxMind's databases on disk."""

from __future__ import annotations

import functools
from datetime import datetime, timezone
from typing import Any, List, Mapping, Optional, Sequence, Tuple

from databases import Database, Description, Entry, inner, named

from repertory_sdk import ActionFailed, App, Asset, Output, indicators, output, param, setting

app = App(
    "maxmind",
    version="1.0.0",
    product="MaxMind",
    vendor="MaxMind",
    summary=__doc__,
    requires=["maxminddb>=2.5"],
    files=["${asset.city_database}", "${asset.asn_database}", "${asset.anonymous_database}"],
)

KINDS = {
    "is_anonymous_vpn": "vpn", "is_hosting_provider": "hosting", "is_public_proxy": "proxy",
    "is_residential_proxy": "residential proxy", "is_tor_exit_node": "tor",
}  # fmt: skip


@app.asset
class MaxMind(Asset):
    """Files that somebody keeps up to date."""

    city_database: Optional[str] = setting("Absolute path of GeoLite2-City.mmdb or GeoIP2-City.mmdb; Country will do", default=None)
    asn_database: Optional[str] = setting("Absolute path of GeoLite2-ASN.mmdb or GeoIP2-ISP.mmdb", default=None)
    anonymous_database: Optional[str] = setting("Absolute path of GeoIP2-Anonymous-IP.mmdb", default=None)
    language: str = setting("Language of names, as the databases have it: de, en, es, fr, ja, pt-BR, ru, zh-CN", default="en")
    stale_after_days: int = setting("Age from which results warn of an old database", default=60, minimum=1, maximum=3650)

    @functools.cached_property
    def databases(self) -> Mapping[str, Database]:
        """Those that are set, by their settings."""
        paths = [(name, getattr(self, name)) for name in ("city_database", "asn_database", "anonymous_database")]
        return {name: Database(path, name) for name, path in paths if path}

    def entry(self, name: str, ip: str) -> Entry:
        """What one of the databases has; ActionFailed where it is not set."""
        database = self.databases.get(name)
        if database is None:
            raise ActionFailed(f"MaxMind: no such database is configured; set {name} to the path of its file")
        return database.entry(ip)

    def is_stale(self, description: Description) -> bool:
        """Whether it is older than it should be."""
        return description.age_days >= self.stale_after_days

    def warning(self, *names: str) -> str:
        """What to say of old databases."""
        found = [(self.databases[name].description(), name) for name in names if name in self.databases]
        old = [f"{said.kind} is {said.age_days} days old" for said, _ in found if self.is_stale(said)]
        return "; ".join(old)


@app.result
class Location:
    """Where an address is, and whose."""

    ip: str = output("Address as asked", contains="ip")
    found: bool = output("Whether any database has it")
    country: Optional[str] = output("Country, two letters", default=None)
    country_name: Optional[str] = output("Its name", default=None)
    continent: Optional[str] = output("Continent, two letters", default=None)
    region: Optional[str] = output("Largest part of the country", default=None)
    city: Optional[str] = output("City", default=None)
    postal_code: Optional[str] = output("Postal code", default=None)
    latitude: Optional[float] = output("Latitude, in degrees", default=None)
    longitude: Optional[float] = output("Longitude, in degrees", default=None)
    accuracy_km: Optional[int] = output("How far from there it may be, in kilometres", default=None)
    time_zone: Optional[str] = output("Time zone", default=None)
    registered_country: Optional[str] = output("Country where the network is registered, which may be another", default=None)
    asn: Optional[int] = output("Number of the autonomous system", default=None)
    organization: Optional[str] = output("Whose autonomous system it is", default=None)
    network: Optional[str] = output("Network for which this holds", default=None)


@app.result
class System:
    """Whose an address is."""

    ip: str = output("Address as asked", contains="ip")
    found: bool = output("Whether the database has it")
    asn: Optional[int] = output("Number of the autonomous system", default=None)
    organization: Optional[str] = output("Whose autonomous system it is", default=None)
    provider: Optional[str] = output("Provider, where the database tells", default=None)
    network: Optional[str] = output("Network for which this holds", default=None)


@app.result
class Anonymizer:
    """What hides behind an address."""

    ip: str = output("Address as asked", contains="ip")
    found: bool = output("Whether the database has it, which it has of anonymizers only")
    anonymous: bool = output("Whether somebody hides behind it", default=False)
    kinds: List[str] = output("vpn, hosting, proxy, residential proxy, tor", default=[])
    network: Optional[str] = output("Network for which this holds", default=None)


@app.result
class File:
    """One database."""

    setting: str = output("Setting that names it")
    path: str = output("Its file", contains="file path")
    kind: str = output("What it is, such as GeoLite2-City")
    built_at: str = output("When it was built, ISO 8601")
    age_days: int = output("Whole days since then")
    stale: bool = output("Whether it is older than it should be")
    nodes: int = output("Size of its tree, in nodes")
    ip_version: int = output("6 where it has both kinds of addresses, 4 where it has IPv4 only")
    languages: List[str] = output("Languages of its names", default=[])


@app.test
def connectivity(maxmind: MaxMind) -> str:
    """Opens each database that is set, and looks an address up in it."""
    if not maxmind.databases:
        raise ActionFailed("MaxMind: no database is configured; set city_database to the path of GeoLite2-City.mmdb")
    for database in maxmind.databases.values():
        database.entry("192.0.2.1")
    return ", ".join(f"{said.kind} of {_day(said.built)}" for _, said in _descriptions(maxmind))


def _descriptions(maxmind: MaxMind) -> Sequence[Tuple[str, Description]]:
    return [(name, database.description()) for name, database in maxmind.databases.items()]


def _day(built: float) -> str:
    return _moment(built)[:10]


def _moment(seconds: float) -> str:
    try:
        return datetime.fromtimestamp(seconds, timezone.utc).isoformat()
    except (ValueError, OverflowError, OSError):
        return "an unknown day"


@app.action("geolocate ip", type="investigate")
def geolocate_ip(maxmind: MaxMind, ip: str = param("Address, IPv4 or IPv6", contains="ip")) -> Output[Location]:
    """Where an address is, and whose, by the databases of cities and of autonomous systems."""
    address = indicators.address(ip)
    if not {"city_database", "asn_database"} & set(maxmind.databases):
        raise ActionFailed("MaxMind: no database for this is configured; set city_database, asn_database or both")
    place, system = (
        maxmind.entry(name, address) if name in maxmind.databases else Entry({}, None) for name in ("city_database", "asn_database")
    )
    row = Location(
        ip=address,
        found=bool(place.data or system.data),
        network=place.network or system.network,
        **_place(place.data, maxmind.language),
        **_owner(system.data),
    )
    return Output(row, maxmind.warning("city_database", "asn_database"))


def _place(data: Mapping[str, Any], language: str) -> Mapping[str, Any]:
    parts = data.get("subdivisions")
    return {
        "country": _text(inner(data, "country", "iso_code")),
        "country_name": named(inner(data, "country"), language),
        "continent": _text(inner(data, "continent", "code")),
        "region": named(parts[0], language) if isinstance(parts, list) and parts else None,
        "city": named(inner(data, "city"), language),
        "postal_code": _text(inner(data, "postal", "code")),
        "latitude": _number(inner(data, "location", "latitude")),
        "longitude": _number(inner(data, "location", "longitude")),
        "accuracy_km": _whole(inner(data, "location", "accuracy_radius")),
        "time_zone": _text(inner(data, "location", "time_zone")),
        "registered_country": _text(inner(data, "registered_country", "iso_code")),
    }


def _owner(data: Mapping[str, Any]) -> Mapping[str, Any]:
    organization = data.get("autonomous_system_organization") or data.get("organization")
    return {"asn": _whole(data.get("autonomous_system_number")), "organization": _text(organization)}


@app.action("lookup asn", type="investigate")
def lookup_asn(maxmind: MaxMind, ip: str = param("Address, IPv4 or IPv6", contains="ip")) -> Output[System]:
    """Which autonomous system an address belongs to."""
    address = indicators.address(ip)
    entry = maxmind.entry("asn_database", address)
    provider = _text(entry.data.get("isp"))
    row = System(ip=address, found=bool(entry.data), provider=provider, network=entry.network, **_owner(entry.data))
    return Output(row, maxmind.warning("asn_database"))


@app.action("lookup anonymizer", type="investigate")
def lookup_anonymizer(maxmind: MaxMind, ip: str = param("Address, IPv4 or IPv6", contains="ip")) -> Output[Anonymizer]:
    """Whether an address is of a VPN, a proxy, Tor or a hosting provider."""
    address = indicators.address(ip)
    entry = maxmind.entry("anonymous_database", address)
    kinds = sorted(word for name, word in KINDS.items() if entry.data.get(name) is True)
    anonymous = entry.data.get("is_anonymous") is True
    row = Anonymizer(ip=address, found=bool(entry.data), anonymous=anonymous, kinds=kinds, network=entry.network)
    return Output(row, maxmind.warning("anonymous_database"))


@app.action("describe databases", type="investigate")
def describe_databases(maxmind: MaxMind) -> Output[File]:
    """What each database is, and how old."""
    rows = [
        File(
            setting=name,
            path=maxmind.databases[name].path,
            kind=said.kind,
            built_at=_moment(said.built),
            age_days=said.age_days,
            stale=maxmind.is_stale(said),
            nodes=said.nodes,
            ip_version=said.ip_version,
            languages=list(said.languages),
        )
        for name, said in _descriptions(maxmind)
    ]
    if not rows:
        raise ActionFailed("MaxMind: no database is configured; set city_database to the path of GeoLite2-City.mmdb")
    return Output(rows, summary={"stale": sum(row.stale for row in rows)})


def _text(value: Any) -> Optional[str]:
    return value if isinstance(value, str) and value else None


def _number(value: Any) -> Optional[float]:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _whole(value: Any) -> Optional[int]:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
