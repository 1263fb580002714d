"""What may be reached, and at which addresses."""

from __future__ import annotations

import asyncio
import socket
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import pytest

from repertory.runtime.egress.policy import Policy, Refused
from repertory.runtime.sandbox.confinement import HostRule, is_public

if TYPE_CHECKING:
    from collections.abc import Sequence

NOT_PUBLIC = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "100.100.100.200",
    "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a00:1", "2002:7f00:1::", "2002:a9fe:a9fe::1",
    "2001:db8::1",
]  # fmt: skip


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, Sequence[str]]:
    """Names that this machine knows; whatever it does for a name, the policy asks it in this way."""
    known: dict[str, Sequence[str]] = {}
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, *rest: Any, **options: Any) -> Any:
        return [one for address in known.get(host, [host]) for one in real(address, *rest, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return known


def dialled(policy: Policy, target: str, port: int = 443, *, udp: bool = False) -> list[str] | str:
    """The addresses, or why not."""
    try:
        address: Any = ip_address(target)
    except ValueError:
        address = target
    try:
        return [str(one) for one in asyncio.run(policy.addresses(address, port, udp=udp))]
    except Refused as refused:
        return str(refused)


def policy(*hosts: str, by_user: bool = False, udp: bool = False, **options: Any) -> Policy:
    return Policy(hosts=[HostRule(host=host, port=443, by_user=by_user, udp=udp) for host in hosts], **options)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_what_is_not_public_is_out_of_reach_by_name_and_by_number(address: str, names: dict[str, Sequence[str]]) -> None:
    names["rebound.example"] = [address]
    assert not is_public(ip_address(address))
    said = dialled(policy("rebound.example"), "rebound.example")
    assert said == f"leads to {ip_address(address)}, which is not a public address; only the settings of an asset may name such hosts"
    for host in (address, "*", "0.0.0.0/0", "::/0"):
        said = dialled(policy(host), address)
        assert said in ("never declared", "is not a public address; only the settings of an asset may name such hosts"), host


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111"])
def test_what_is_public_is_reached(address: str, names: dict[str, Sequence[str]]) -> None:
    names["fine.example"] = [address]
    assert dialled(policy("fine.example"), "fine.example") == [address]
    assert dialled(policy("*"), address) == [address]
    assert dialled(policy(address), address) == [address]


def test_a_name_that_leads_to_both_is_dialled_where_it_may(names: dict[str, Sequence[str]]) -> None:
    names["both.example"] = ["127.0.0.1", "8.8.8.8", "10.0.0.1"]
    assert dialled(policy("both.example"), "both.example") == ["8.8.8.8"]


def test_a_name_of_the_users_may_lead_to_the_inner_network(names: dict[str, Sequence[str]]) -> None:
    names["soar.corp.example"] = ["10.0.0.7"]
    assert dialled(policy("soar.corp.example", by_user=True), "soar.corp.example") == ["10.0.0.7"]
    assert dialled(policy("10.0.0.0/8", by_user=True), "10.0.0.7") == ["10.0.0.7"]
    assert dialled(policy("10.0.0.0/8", by_user=True), "10.0.0.7", 80) == "never declared"


@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::"])
def test_no_name_leads_to_the_metadata_of_a_cloud(address: str, names: dict[str, Sequence[str]]) -> None:
    names["soar.corp.example"] = [address]
    assert "is not a public address" in dialled(policy("soar.corp.example", by_user=True), "soar.corp.example")
    assert dialled(policy("soar.corp.example", address, by_user=True), "soar.corp.example") == [str(ip_address(address))]


def test_what_the_user_permits_by_address_holds_for_names_of_the_app(names: dict[str, Sequence[str]]) -> None:
    names["app.example"] = ["10.0.0.7"]
    rules = [HostRule(host="app.example", port=443), HostRule(host="10.0.0.7", port=443, by_user=True)]
    assert dialled(Policy(hosts=rules), "app.example") == ["10.0.0.7"]


@pytest.mark.parametrize(
    ("rule", "name", "covered"),
    [
        ("*.example.com", "a.example.com", True),
        ("*.example.com", "a.b.example.com", True),
        ("*.example.com", "example.com", False),
        ("*.example.com", "evilexample.com", False),
        ("*.example.com", "example.com.evil.test", False),
        ("example.com", "example.com", True),
        ("example.com", "a.example.com", False),
        ("*", "anything.test", True),
        ("10.0.0.0/8", "10.0.0.1.example", False),
    ],
)
def test_which_names_a_rule_covers(rule: str, name: str, covered: bool) -> None:
    made = policy(rule)
    assert made.knows_name(name) is covered
    assert (made.covers(name, 443, udp=False) is not None) is covered
    assert made.covers(name, 444, udp=False) is None
    assert made.covers(name, 443, udp=True) is None
    assert policy(rule, udp=True).covers(name, 443, udp=False) is None


def test_within_narrows_and_never_widens(names: dict[str, Sequence[str]]) -> None:
    names["a.example"] = names["b.example"] = ["8.8.8.8"]
    within = [HostRule(host="a.example", port=443), HostRule(host="c.example", port=443)]
    narrowed = policy("a.example", "b.example", within=within)
    assert dialled(narrowed, "a.example") == ["8.8.8.8"]
    assert dialled(narrowed, "b.example") == "is declared, but not permitted by [isolation.hosts] in config.toml"
    assert dialled(narrowed, "c.example") == "never declared"
    assert dialled(policy("a.example", within=[]), "a.example").startswith("is declared, but")  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ["a\0b.example", "x" * 64 + ".example", "a..example", ".example", "\udcff.example"])
def test_what_is_no_name_fails_as_a_name_that_is_not_there(name: str) -> None:
    with pytest.raises(OSError):
        asyncio.run(policy("*").addresses(name, 443))


def test_lookups_are_declared_apart() -> None:
    asked = Policy(lookups=["*.example.com", "other.test"])
    assert [asked.may_look_up(name) for name in ("a.example.com", "example.com", "other.test", "a.other.test")] == [True, False, True, False]
    assert not asked.knows_name("other.test")
    assert Policy(lookups=["*"]).may_look_up("anything")
