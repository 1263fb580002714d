"""Our own form of events: reader and published schema say the same."""

import json
from dataclasses import fields
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

import repertory_sdk
from repertory.errors import UserError
from repertory.runtime.ingest import read_text
from repertory_sdk.convert import to_json
from repertory_sdk.models import EVENT_STATUSES, SEVERITIES, Artifact, Event

SCHEMA = json.loads((Path(repertory_sdk.__file__).parent / "schemas" / "event.schema.json").read_text())
VALIDATOR = Draft202012Validator(SCHEMA)
FULL = {
    "$schema": "urn:repertory:schema:event:1",
    "name": "Scan of the DMZ",
    "artifacts": [
        {
            "name": "scanner",
            "cef": {"sourceAddress": "198.51.100.7", "extra": [1, {"a": None}]},
            "contains": {"sourceAddress": ["ip"], "extra": []},
            "label": "network",
            "severity": "high",
            "tags": ["a"],
            "source_id": "1",
            "id": 3,
        }
    ],
    "description": "words",
    "severity": "critical",
    "status": "open",
    "owner": "ana",
    "labels": ["reconnaissance"],
    "tags": ["dmz", "night"],
    "source": "sensor",
    "source_id": "77",
    "happened_at": 1714550400.5,
    "case": True,
    "resolution": "",
    "id": 12,
}
GOOD = [
    {"name": "x"},
    FULL,
    {"name": "x", "artifacts": [{}]},
    {"name": "x", "happened_at": 3},
    {"name": "x", "artifacts": [{"source_id": ""}, {"source_id": ""}]},
]
BAD = [
    ({"severity": "low"}, "name: is missing"),
    ({"name": ""}, "name: must not be empty"),
    ({"name": " "}, "name: must not be empty"),
    ({"name": 3}, "name: must be a string, not 3"),
    ({"name": None}, "name: must be a string, not null"),
    ({"name": "x", "sevrity": "low"}, "sevrity: is not known here"),
    ({"name": "x", "severity": "urgent"}, 'severity: must be one of low, medium, high, critical, not "urgent"'),
    ({"name": "x", "status": "gone"}, 'status: must be one of new, open, closed, not "gone"'),
    ({"name": "x", "labels": "recon"}, 'labels: must be an array, not "recon"'),
    ({"name": "x", "labels": [1]}, "labels[0]: must be a string, not 1"),
    ({"name": "x", "happened_at": "now"}, 'happened_at: must be a number, not "now"'),
    ({"name": "x", "happened_at": -1}, "happened_at: must be at least 0, not -1.0"),
    ({"name": "x", "happened_at": 1e15}, "happened_at: must be at most 253402214400, not 1000000000000000.0"),
    ({"name": "x", "case": 1}, "case: must be a boolean, not 1"),
    ({"name": "x", "id": -1}, "id: must be at least 0, not -1"),
    ({"name": "x", "id": True}, "id: must be an integer, not true"),
    ({"name": "x", "artifacts": {}}, "artifacts: must be an array, not an object"),
    ({"name": "x", "artifacts": ["a"]}, "artifacts[0]: must be an object, not string"),
    ({"name": "x", "artifacts": [{}, {"cef": []}]}, "artifacts[1].cef: must be an object, not an array"),
    ({"name": "x", "artifacts": [{"port": 1}]}, "artifacts[0].port: is not known here"),
    ({"name": "x", "artifacts": [{"contains": {"a": "ip"}}]}, 'artifacts[0].contains.a: must be an array, not "ip"'),
    (
        {"name": "x", "artifacts": [{"severity": "none"}]},
        'artifacts[0].severity: must be one of low, medium, high, critical, not "none"',
    ),
    ({"name": "x", "$schema": "urn:other"}, "$schema: must be urn:repertory:schema:event:1"),
]
BEYOND_THE_SCHEMA = [
    (
        {"name": "x", "artifacts": [{"source_id": "1"}, {"source_id": "1"}]},
        "artifacts[1].source_id: '1' occurs twice in this event",
    ),
    ({"name": "a\0b"}, "name: must not hold the character NUL (\\u0000)"),
    (
        {"name": "x", "artifacts": [{"cef": {"a": ["\0"]}}]},
        "artifacts[0].cef.a[0]: must not hold the character NUL (\\u0000)",
    ),
]


def _read(plain):
    return [one.event for one in read_text(json.dumps(plain), origin="event.json")]


@pytest.mark.parametrize("plain", GOOD)
def test_good_events_fit_the_schema_and_the_reader(plain):
    VALIDATOR.validate(plain)
    (event,) = _read(plain)
    assert event.name == plain["name"]


@pytest.mark.parametrize(("plain", "problem"), BAD)
def test_bad_events_fit_neither(plain, problem):
    assert not VALIDATOR.is_valid(plain)
    with pytest.raises(UserError) as caught:
        _read(plain)
    assert caught.value.message == f"event.json, line 1: {problem}"
    assert "event.schema.json" in caught.value.hint


@pytest.mark.parametrize(("plain", "problem"), BEYOND_THE_SCHEMA)
def test_what_a_schema_cannot_say_is_checked_too(plain, problem):
    with pytest.raises(UserError) as caught:
        _read(plain)
    assert caught.value.message == f"event.json, line 1: {problem}"


def test_the_schema_describes_the_records():
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$id"] == "urn:repertory:schema:event:1"
    assert set(SCHEMA["properties"]) - {"$schema"} == {field.name for field in fields(Event)}
    assert set(SCHEMA["$defs"]["artifact"]["properties"]) == {field.name for field in fields(Artifact)}
    assert tuple(SCHEMA["$defs"]["severity"]["enum"]) == SEVERITIES
    assert tuple(SCHEMA["properties"]["status"]["enum"]) == EVENT_STATUSES


@pytest.mark.parametrize("record", [Event, Artifact])
def test_the_schema_names_the_defaults_of_the_records(record):
    properties = (SCHEMA if record is Event else SCHEMA["$defs"]["artifact"])["properties"]
    empty = to_json(record("x"))
    for name, described in properties.items():
        target = SCHEMA["$defs"][described["$ref"].rpartition("/")[2]] if "$ref" in described else described
        if name not in ("$schema", "name", "contains"):
            assert target["default"] == empty[name], name


def test_a_written_event_comes_back():
    (event,) = _read(FULL)
    assert _read(to_json(event)) == [event]
    assert to_json(event) == {key: value for key, value in FULL.items() if key != "$schema"}


def test_types_are_taken_from_field_names_unless_given():
    plain = {"name": "x", "artifacts": [{"cef": {"sourceAddress": "198.51.100.7"}}]}
    (event,) = _read(plain)
    assert event.values_of("ip") == ["198.51.100.7"]
    plain["artifacts"][0]["contains"] = {}
    (event,) = _read(plain)
    assert event.values_of("ip") == []


def test_a_list_keeps_order_text_and_lines():
    text = '[\n  {"name": "a"},\n  {\n    "name":  "b"\n  }\n]\n'
    first, second = read_text(text, origin="events.json")
    assert (first.event.name, first.raw, first.line) == ("a", '{"name": "a"}', 2)
    assert (second.event.name, second.raw, second.line) == ("b", '{\n    "name":  "b"\n  }', 3)


def test_one_event_a_line():
    text = '{"name": "a"}\n\n {"name": "b"} \r\n{"name": "c"}'
    ingested = read_text(text, origin="events.jsonl")
    assert [(one.event.name, one.line) for one in ingested] == [("a", 1), ("b", 3), ("c", 4)]
    assert ingested[1].raw == ' {"name": "b"} '
