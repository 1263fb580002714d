"""Values made from manifests: of the declared type and form, the same for the same seed."""

from __future__ import annotations

import ipaddress
import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repertory.runtime.simulation.values import make_rows
from repertory_sdk.convert import conform
from repertory_sdk.manifest import DataPath


def made(*outputs: DataPath, seed: int = 0, **parameters: object) -> dict:
    return make_rows(outputs, parameters, random.Random(seed), count=1)[0]


def test_paths_become_objects_and_lists() -> None:
    row = made(DataPath("records[].address", {"type": "string"}, contains=["ip"]), DataPath("records[].ttl", {"type": "integer"}), DataPath("owner.name", {"type": "string"}))

    assert set(row) == {"records", "owner"}
    assert all(set(record) == {"address", "ttl"} for record in row["records"])
    assert isinstance(row["owner"]["name"], str)


@pytest.mark.parametrize(
    ("kind", "form"),
    [
        ("domain", r"[a-z]+\.example"), ("url", r"https://[a-z]+\.example/[a-z]+"), ("md5", r"[0-9a-f]{32}"), ("sha1", r"[0-9a-f]{40}"),
        ("sha256", r"[0-9a-f]{64}"), ("hash", r"[0-9a-f]{64}"), ("email", r"[a-z]+@[a-z]+\.example"), ("file name", r"[a-z]+\.[a-z]+"),
        ("host name", r"[a-z]+-\d\d"), ("port", r"\d+"), ("user name", r"[a-z]+"),
    ],
)  # fmt: skip
def test_texts_have_the_form_of_what_they_contain(kind: str, form: str) -> None:
    for seed in range(20):
        assert re.fullmatch(form, made(DataPath("x", {"type": "string"}, contains=[kind]), seed=seed)["x"])


@pytest.mark.parametrize(("name", "form"), [("abuse_email", r".*@.*"), ("hostnames", r"[a-z]+-\d\d"), ("first_seen", r"2026-01-\d\dT.*Z"), ("story", "story [a-z]+")])
def test_names_of_fields_help(name: str, form: str) -> None:
    assert re.fullmatch(form, made(DataPath(name, {"type": "string"}))[name])


def test_addresses_are_those_of_documentation() -> None:
    for seed in range(20):
        value = made(DataPath("x", {"type": "string"}, contains=["ip"]), seed=seed)["x"]
        assert any(ipaddress.ip_address(value) in ipaddress.ip_network(net) for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"))


def test_examples_and_choices_are_taken_and_parameters_repeated() -> None:
    row = made(DataPath("a", {"type": "string"}, examples=["shown"]), DataPath("b", {"type": "string", "enum": ["one"]}), DataPath("ip", {"type": "string"}), ip="192.0.2.77")

    assert row == {"a": "shown", "b": "one", "ip": "192.0.2.77"}


@given(
    st.sampled_from(["integer", "number"]), st.integers(-500, 500), st.integers(0, 500), st.sampled_from([(), ("port",), ("ip",)]),
    st.integers(0, 99), st.booleans(), st.booleans(),
)  # fmt: skip
def test_every_number_keeps_its_limits(kind: str, low: int, wide: int, contains: tuple, seed: int, has_low: bool, has_high: bool) -> None:
    schema = {"type": kind, **({"minimum": low} if has_low else {}), **({"maximum": low + wide} if has_high else {})}

    conform(schema, made(DataPath("x", schema, contains=contains), seed=seed)["x"])


@pytest.mark.parametrize("kind", ["string", "boolean", "array", "object", "null"])
def test_every_value_has_its_type(kind: str) -> None:
    conform({"type": kind}, made(DataPath("x", {"type": kind}))["x"])
