"""MaxMind's databases as files, made here."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repertory_sdk import ActionFailed
from repertory_sdk.loader import load_module
from repertory_sdk.testing import assert_manifest_current, conformance
from repertory_sdk.testing.loading import importable
from repertory_sdk.testing.place import Place, with_settings

HERE = Path(__file__).resolve().parent

with importable(HERE):
    app = load_module(HERE, "app.py")
    import simulator

    CASES = conformance(
        app.app,
        HERE,
        {
            "geolocate ip": {"ip": "203.0.113.7"},
            "lookup asn": {"ip": "203.0.113.7"},
            "lookup anonymizer": {"ip": "203.0.113.7"},
            "describe databases": {},
        },
    )

CITY = simulator.database("GeoLite2-City", simulator.DATA["city_database"])


@pytest.fixture
def files(tmp_path):
    return simulator.write(tmp_path)


@pytest.fixture
def place(files, tmp_path):
    damaged, cut = tmp_path / "damaged.mmdb", tmp_path / "cut.mmdb"
    damaged.write_bytes(b"this is no database")
    cut.write_bytes(CITY[: len(CITY) // 2])
    ways = {
        "missing file": tmp_path / "none.mmdb", "folder": tmp_path, "no database": damaged, "cut": cut,
        "no path": Path("\x00"), "relative path": Path("GeoLite2-City.mmdb"),
    }  # fmt: skip
    return Place(files, {name: with_settings(files, **dict.fromkeys(files, str(path))) for name, path in ways.items()})


@pytest.fixture
def maxmind(files):
    return app.MaxMind(**files, stale_after_days=3650)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_conformance(case, place):
    case.check(place)


def test_manifest():
    assert_manifest_current(HERE)


def test_where_an_address_is_and_whose(maxmind):
    found = app.geolocate_ip(maxmind, "203.0.113.7").data
    assert (found.country, found.country_name, found.region, found.city) == ("NL", "Netherlands", "North Holland", "Amsterdam")
    assert (found.latitude, found.longitude, found.accuracy_km) == (52.37, 4.89, 20)
    assert (found.asn, found.organization, found.network) == (64496, "Example ISP", "203.0.113.0/24")
    assert (found.registered_country, found.continent, found.postal_code) == ("DE", "EU", "1012")


def test_names_are_in_the_language_of_the_asset_where_the_database_has_it(files):
    german = app.MaxMind(**files, language="de")
    found = app.geolocate_ip(german, "203.0.113.7").data
    assert (found.country_name, found.city) == ("Niederlande", "Amsterdam")
    assert app.geolocate_ip(german, "2001:db8::7").data.country_name == "日本"


@pytest.mark.parametrize(
    ("ip", "country", "asn"), [("198.51.100.7", "FR", None), ("192.0.2.1", None, 64497), ("2001:db8::7", "JP", None)]
)
def test_what_is_missing_is_left_out(maxmind, ip, country, asn):
    found = app.geolocate_ip(maxmind, ip).data
    assert (found.found, found.country, found.asn, found.city) == (True, country, asn, None)


@pytest.mark.parametrize("ip", ["198.51.100.200", "10.1.2.3", "::1", "2001:db9::1"])
def test_an_address_without_an_entry_is_an_answer(maxmind, ip):
    found = app.geolocate_ip(maxmind, ip).data
    assert (found.found, found.country, found.network) == (False, None, None)
    assert app.lookup_asn(maxmind, ip).data.found is False


def test_one_database_is_enough(files):
    city = app.MaxMind(city_database=files["city_database"])
    assert app.geolocate_ip(city, "203.0.113.7").data.city == "Amsterdam"
    with pytest.raises(ActionFailed, match="set asn_database"):
        app.lookup_asn(city, "203.0.113.7")
    asn = app.MaxMind(asn_database=files["asn_database"])
    assert app.geolocate_ip(asn, "203.0.113.7").data.asn == 64496


def test_none_is_not(files):
    with pytest.raises(ActionFailed, match="set city_database"):
        app.connectivity(app.MaxMind())
    with pytest.raises(ActionFailed, match="set city_database"):
        app.geolocate_ip(app.MaxMind(), "203.0.113.7")
    with pytest.raises(ActionFailed, match="set city_database"):
        app.describe_databases(app.MaxMind())


def test_who_hides_behind_an_address(maxmind):
    found = app.lookup_anonymizer(maxmind, "203.0.113.7").data
    assert (found.anonymous, found.kinds, found.network) == (True, ["hosting", "tor"], "203.0.113.7/32")
    assert app.lookup_anonymizer(maxmind, "203.0.113.8").data.found is False


def test_a_database_for_ipv4_has_nothing_for_ipv6(tmp_path):
    (tmp_path / "four.mmdb").write_bytes(simulator.database("Four", {"203.0.113.0/24": {"city": {}}}, ip_version=4))
    four = app.MaxMind(city_database=str(tmp_path / "four.mmdb"))
    assert app.geolocate_ip(four, "2001:db8::7").data.found is False
    assert app.geolocate_ip(four, "203.0.113.7").data.found is True


def test_an_old_database_is_told(tmp_path):
    old = int(time.time()) - 61 * 86400 - 5
    path = tmp_path / "old.mmdb"
    path.write_bytes(simulator.database("GeoLite2-City", simulator.DATA["city_database"], built=old))
    maxmind = app.MaxMind(city_database=str(path))
    assert app.geolocate_ip(maxmind, "203.0.113.7").message == "GeoLite2-City is 61 days old"
    described = app.describe_databases(maxmind)
    assert (described.data[0].age_days, described.data[0].stale, described.summary) == (61, True, {"stale": 1})
    path.write_bytes(simulator.database("GeoLite2-City", {}, built=int(time.time())))
    os.utime(path, (1, 1))
    assert app.geolocate_ip(maxmind, "203.0.113.7").message == ""


def test_a_database_that_is_replaced_is_read_again(files, maxmind, tmp_path):
    assert app.geolocate_ip(maxmind, "203.0.113.7").data.city == "Amsterdam"
    newer = tmp_path / "newer"
    newer.write_bytes(simulator.database("GeoLite2-City", {"203.0.113.0/24": {"country": {"iso_code": "BE"}}}))
    newer.replace(files["city_database"])
    assert app.geolocate_ip(maxmind, "203.0.113.7").data.country == "BE"


def test_a_database_that_becomes_damaged_fails_and_works_again(files, maxmind):
    whole = Path(files["city_database"]).read_bytes()
    assert app.geolocate_ip(maxmind, "203.0.113.7").data.found
    Path(files["city_database"]).write_bytes(whole[:50])
    with pytest.raises(ActionFailed, match="is no whole database; set city_database"):
        app.geolocate_ip(maxmind, "203.0.113.7")
    Path(files["city_database"]).write_bytes(whole)
    assert app.geolocate_ip(maxmind, "203.0.113.7").data.found


def test_a_file_that_nobody_may_read_is_named(files):
    path = Path(files["city_database"])
    if os.geteuid() == 0:
        path.unlink()
        path.symlink_to(path)  # root may read everything, but nobody a link to itself
    else:
        path.chmod(0)
    with pytest.raises(ActionFailed, match=f"{path} cannot be read: .*; check city_database"):
        app.connectivity(app.MaxMind(**files))


def test_connectivity_says_what_is_there(maxmind):
    assert app.connectivity(maxmind) == (
        "GeoLite2-City of 2026-01-01, GeoLite2-ASN of 2026-01-01, GeoIP2-Anonymous-IP of 2026-01-01"
    )


@settings(deadline=None, max_examples=150)
@given(st.lists(st.tuples(st.integers(0, len(CITY) - 1), st.integers(0, 255)), min_size=1, max_size=6))
def test_a_damaged_file_is_an_answer_or_a_sentence(tmp_path_factory, changes):
    content = bytearray(CITY)
    for at, value in changes:
        content[at] = value
    path = tmp_path_factory.getbasetemp() / "changed.mmdb"
    path.write_bytes(bytes(content))
    maxmind = app.MaxMind(city_database=str(path))
    for attempt in (app.connectivity, app.describe_databases, lambda asset: app.geolocate_ip(asset, "203.0.113.7")):
        try:
            attempt(maxmind)
        except ActionFailed as error:
            assert "MaxMind: " in str(error)
