"""From permissions and settings to rules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repertory.runtime.sandbox.confinement import HostRule
from repertory.runtime.sandbox.reach import confinement_of, expanded, files_of, hosts_of, programs_of
from repertory_sdk.manifest import Permissions

RULES = [
    ("api.example.com:443", {}, ["api.example.com:443"]),
    ("API.Example.COM.:443", {}, ["api.example.com:443"]),
    ("*.example.com:443", {}, ["*.example.com:443"]),
    ("*:43", {}, ["*:43"]),
    ("192.0.2.0/24:22", {}, ["192.0.2.0/24:22"]),
    ("[2001:db8::/32]:22", {}, ["[2001:db8::/32]:22"]),
    ("[2001:DB8::1]:22", {}, ["[2001:db8::1]:22"]),
    ("ns.example.com:53/udp", {}, ["ns.example.com:53/udp"]),
    ("https://api.example.com/v1?x=1", {}, ["api.example.com:443"]),
    ("https://api.example.com:8443", {}, ["api.example.com:8443"]),
    ("ldaps://dc.example.com", {}, ["dc.example.com:636"]),
    ("https://[2001:db8::1]/", {}, ["[2001:db8::1]:443"]),
    ("bücher.example:443", {}, ["xn--bcher-kva.example:443"]),
    ("${asset.url}", {"url": "https://soar.corp.example:8443/api"}, ["soar.corp.example:8443"]),
    ("${asset.url}", {"url": "http://user:pass@10.0.0.5/"}, ["10.0.0.5:80"]),
    ("${asset.host}:${asset.port}", {"host": "10.0.0.5", "port": 389}, ["10.0.0.5:389"]),
    ("${asset.host}:443", {"host": "fd00::5"}, ["[fd00::5]:443"]),
    ("[${asset.host}]:443", {"host": "fd00::5"}, ["[fd00::5]:443"]),
    ("https://${asset.host}/", {"host": "fd00::5"}, ["[fd00::5]:443"]),
    ("${asset.hosts}:22", {"hosts": ["a.example", "10.0.0.0/8", ""]}, ["a.example:22", "10.0.0.0/8:22"]),
    ("${asset.hosts}:${asset.ports}", {"hosts": ["a", "b"], "ports": [1, 2]}, ["a:1", "a:2", "b:1", "b:2"]),
    # What says nothing, or nothing that can be reached.
    ("${asset.url}", {}, []),
    ("${asset.url}", {"url": None}, []),
    ("${asset.url}", {"url": ""}, []),
    ("${asset.url}", {"url": []}, []),
    ("${asset.url}", {"url": "not a url"}, []),
    ("${asset.url}", {"url": "gopher://a.example/"}, []),
    ("${asset.url}", {"url": "https://"}, []),
    ("${asset.url}", {"url": "https://[::1"}, []),
    ("${asset.url}", {"url": "https://a.example:99999/"}, []),
    ("${asset.host}:443", {"host": "*"}, []),
    ("${asset.host}:443", {"host": "*.example"}, []),
    ("${asset.url}", {"url": "https://*.example/"}, []),
    ("${asset.host}:443", {"host": "${asset.other}", "other": "x"}, ["${asset.other}:443"]),  # a name that nobody has
    ("${asset.host}:443", {"host": "a b"}, []),
    ("a.example", {}, []),
    ("a.example:0", {}, []),
    ("a.example:65536", {}, []),
    ("a.example:443/tcp", {}, []),
    ("*.:443", {}, []),
    (".:443", {}, []),
    (":443", {}, []),
    ("", {}, []),
]


@pytest.mark.parametrize(("pattern", "settings", "expected"), RULES)
def test_what_a_pattern_means(pattern: str, settings: dict[str, Any], expected: list[str]) -> None:
    assert [str(rule) for rule in hosts_of([pattern], settings)] == expected


@pytest.mark.parametrize(
    ("pattern", "by_user"),
    [
        ("${asset.x}:443", True),
        ("${asset.x}:${asset.x}", True),
        ("[${asset.x}]:443", True),
        ("https://${asset.x}/api", True),
        ("${asset.x}:53/udp", True),
        ("10.0.0.1:443", False),
        ("a.example:${asset.x}", False),
        ("${asset.x}.vendor.example:443", False),
        ("${asset.x}vendor.example:443", False),
        ("${asset.x}.${asset.x}:443", False),
        ("https://${asset.x}@vendor.example/", False),
        ("https://vendor.example/${asset.x}", False),
        ("${asset.x}//vendor.example:443", False),
    ],
)
def test_only_a_host_that_is_a_setting_as_a_whole_is_the_users(pattern: str, by_user: bool) -> None:
    """Else an app could lead to the inner network by a domain of its own."""
    rules = hosts_of([pattern], {"x": "1"})
    assert {rule.by_user for rule in rules} <= {by_user}
    assert rules or pattern.startswith("${asset.x}//")


PORTS = [
    ("${asset.x}:${asset.port}", {"x": "10.0.0.5"}, {"port": 53}, ["10.0.0.5:53"]),
    ("${asset.x}:${asset.port}/udp", {"x": "10.0.0.5"}, {"port": 53}, ["10.0.0.5:53/udp"]),
    ("[${asset.x}]:${asset.port}", {"x": "fd00::5"}, {"port": 53}, ["[fd00::5]:53"]),
    ("https://${asset.x}:${asset.port}/api", {"x": "10.0.0.5"}, {"port": 8443}, ["10.0.0.5:8443"]),
    ("api.example.com:${asset.port}", {}, {"port": 8443}, ["api.example.com:8443"]),
    ("${asset.x}:${asset.port}", {"x": "10.0.0.5", "port": 5353}, {"port": 53}, ["10.0.0.5:5353"]),
    ("${asset.x}:${asset.port}", {"x": "10.0.0.5", "port": None}, {"port": 53}, []),
    # What the author wrote in the code names no host, whole or in part, nor anything but a number.
    ("${asset.x}", {}, {"x": "https://10.0.0.5"}, []),
    ("${asset.x}:443", {}, {"x": "10.0.0.5"}, []),
    ("${asset.x}:443", {}, {"x": "api.example.com"}, []),
    ("${asset.x}:443", {}, {"x": 167772165}, []),
    ("${asset.x}:443", {}, {"x": ["10.0.0.5", "*"]}, []),
    ("${asset.x}.example.com:443", {}, {"x": "a"}, []),
    ("${asset.x}:${asset.port}", {}, {"x": "10.0.0.5", "port": 53}, []),
    ("${asset.x}:${asset.x}", {}, {"x": 53}, []),
    ("https://${asset.x}:${asset.port}/", {"x": "u"}, {"port": "p@169.254.169.254:80"}, []),
    ("${asset.x}:${asset.port}", {"x": "10.0.0.5"}, {"port": [22, 53]}, []),
    ("${asset.x}:${asset.port}", {"x": "10.0.0.5"}, {"port": True}, []),
    ("${asset.x}:${asset.port}", {"x": "10.0.0.5"}, {"port": 0}, []),
    ("${asset.x}:${asset.port}", {"x": "10.0.0.5"}, {}, []),
]


@pytest.mark.parametrize(("pattern", "settings", "defaults", "expected"), PORTS)
def test_a_default_names_a_port_and_never_a_host(
    pattern: str, settings: dict[str, Any], defaults: dict[str, Any], expected: list[str]
) -> None:
    rules = hosts_of([pattern], settings, defaults=defaults)
    assert [str(rule) for rule in rules] == expected
    assert all(rule.by_user == ("x" in settings) for rule in rules)


def test_a_scheme_in_a_setting_does_not_make_the_host_the_users() -> None:
    assert hosts_of(["${asset.scheme}//vendor.example/"], {"scheme": "https:"}) == (HostRule(host="vendor.example", port=443),)


VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.text(), st.lists(st.text(), max_size=3), st.sampled_from(["*", "::1", "https://*"]))


@given(pattern=st.text() | st.text().map(lambda text: "${asset.x}" + text), value=VALUES)
def test_no_setting_breaks_it_or_makes_a_pattern(pattern: str, value: Any) -> None:
    for rule in hosts_of([pattern], {"x": value}):
        assert 0 < rule.port < 65536
        assert rule.host
        assert not (rule.by_user and "*" in rule.host)


@given(value=st.text(min_size=1))
def test_a_value_stands_where_its_setting_stood(value: str) -> None:
    assert list(expanded("<${asset.x}>${asset.x}", {"x": value})) == [f"<{value}>{value}"]


def test_files_are_absolute_and_stay_where_they_are() -> None:
    settings = {"key": "/home/ann/key.pem", "many": ["/a", "relative", "/b/../etc/shadow"]}
    assert files_of(["${asset.key}", "${asset.many}", "${asset.none}", "~/x", "/a"], settings) == (Path("/home/ann/key.pem"), Path("/a"))


def test_programs_are_found_or_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tool").write_text("#!/bin/sh\n")
    (tmp_path / "tool").chmod(0o755)
    (tmp_path / "no program").write_text("")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert programs_of(["tool", "tool", "absent", "no program"]) == (tmp_path / "tool",)


def test_memory_is_the_least_of_what_was_said() -> None:
    def of(declared: int, most: int) -> int:
        return confinement_of(Permissions(memory_mb=declared), {}, home=Path("/var/empty"), within=None, most_memory_mb=most).memory_bytes // 2**20

    assert (of(0, 4096), of(512, 4096), of(8192, 4096), of(0, 256)) == (2048, 512, 4096, 256)


def test_a_default_names_no_file() -> None:
    wanted = Permissions(files=["${asset.x}"], hosts=["${asset.x}:${asset.port}"])
    defaults = {"x": "/etc/hostname", "port": 22}
    made = confinement_of(wanted, {}, defaults=defaults, home=Path("/var/empty"), within=None, most_memory_mb=1)
    assert (list(made.files), list(made.hosts)) == ([], [])


def test_within_is_nothing_or_rules() -> None:
    def of(within: list[str] | None) -> object:
        return confinement_of(Permissions(), {}, home=Path("/var/empty"), within=within, most_memory_mb=1).within

    assert (of(None), of([]), of(["*.corp.example:443"])) == (None, (), (HostRule(host="*.corp.example", port=443),))
