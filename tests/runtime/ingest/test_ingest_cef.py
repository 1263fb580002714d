"""CEF: against what two other parsers make of the same lines, and the format's own corners."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repertory.errors import UserError
from repertory.runtime.ingest import read_events, read_text
from repertory.runtime.ingest.cef import parse_cef
from repertory.runtime.ingest.cef_names import FULL_NAMES

SAMPLES = Path(__file__).parents[2] / "data" / "events" / "cef"
PYCEF = json.loads((SAMPLES / "pycef.expected.json").read_text())["files"]
UNPARSABLE = "unparsable line"
# Lines of jc's sample where it reads keys inside of quotes or slashes; by the guide those belong to the value.
JC_READS_OTHERWISE = {(0, "msg"), (1, "msg"), (3, "TrendMicroDsMalwareTargetType")}


def _record(extension="", *, name="Port scan", severity="5", prefix=""):
    return f"{prefix}CEF:0|Acme|Sensor|1.2|77|{name}|{severity}|{extension}"


def _only(text):
    (one,) = read_text(text, origin="events.cef")
    return one.event


def _fields(extension):
    return _only(_record(extension)).artifacts[0].cef


@pytest.mark.parametrize("name", [name for name, expected in PYCEF.items() if None not in expected])
def test_records_are_what_pycef_makes_of_them(name):
    ingested = read_events(SAMPLES / name)
    assert len(ingested) == len(PYCEF[name])
    for one, expected in zip(ingested, PYCEF[name], strict=True):
        cef = one.event.artifacts[0].cef
        assert one.event.name == expected["Name"]
        assert (cef["deviceVendor"], cef["deviceProduct"]) == (expected["DeviceVendor"], expected["DeviceProduct"])
        assert (cef["deviceVersion"], cef["deviceSeverity"]) == (expected["DeviceVersion"], expected["Severity"])
        assert cef["deviceEventClassId"] == expected["DeviceEventClassID"]
        extension = {key: value for key, value in expected.items() if key.startswith("field")}
        assert {key: value for key, value in cef.items() if key.startswith("field")} == extension


def test_what_pycef_refuses_is_refused():
    name = "pycef-testdata-missing-header-values.cef"
    assert set(PYCEF[name]) == {None}
    lines = (SAMPLES / name).read_text().splitlines()
    assert len(lines) == len(PYCEF[name])
    for line in lines:
        with pytest.raises(UserError, match="in the CEF header is empty"):
            read_text(line, origin="events.cef")
    with pytest.raises(UserError, match=r"line 1: the device vendor .* is empty \(7 more such places after it\)"):
        read_events(SAMPLES / name)


def _jc_pairs():
    lines = [line for line in (SAMPLES / "jc-cef.out").read_text().split("\n") if line.strip()]
    expected = json.loads((SAMPLES / "jc-cef.expected.json").read_text())
    return [pytest.param(n, *pair, id=str(n)) for n, pair in enumerate(zip(lines, expected, strict=True))]


@pytest.mark.parametrize(("number", "line", "expected"), [pair for pair in _jc_pairs() if pair.values[1] != UNPARSABLE])
def test_records_are_what_jc_makes_of_them(number, line, expected):
    record = parse_cef(line)
    assert record.name == expected["name"]
    assert record.vendor == expected["deviceVendor"]
    assert record.severity == expected["agentSeverity"]
    for key, value in record.extension.items():
        if key.endswith("Label") or (number, key) in JC_READS_OTHERWISE:
            continue
        shown_as = re.sub(r"\W", "_", record.extension.get(f"{key}Label", key))
        assert str(expected[shown_as]).lower() == value.lower()


def test_one_unparsable_line_refuses_the_whole_file():
    with pytest.raises(UserError, match="line 21: no CEF record") as caught:
        read_events(SAMPLES / "jc-cef.out")
    assert "CEF:0|vendor|product" in caught.value.hint
    text = (SAMPLES / "jc-cef.out").read_text().replace(UNPARSABLE, "")
    assert len(read_text(text, origin="mended")) == 13


def test_short_keys_become_full_names_with_types():
    event = _only(
        _record(
            "src=198.51.100.7 spt=4711 dst=192.0.2.1 dpt=22 proto=TCP suser=root fname=a b.exe act=blocked "
            "shost=scan.example.net request=http://x.example/?a\\=1 cnt=12 in=300 msg=seen twice cat=Recon cs1=x "
            "cs1Label=Rule Name fileHash=d41d8cd98f00b204e9800998ecf8427e vendorKey=kept"
        )
    )
    (artifact,) = event.artifacts
    assert artifact.cef == {
        "sourceAddress": "198.51.100.7",
        "sourcePort": 4711,
        "destinationAddress": "192.0.2.1",
        "destinationPort": 22,
        "transportProtocol": "TCP",
        "sourceUserName": "root",
        "fileName": "a b.exe",
        "deviceAction": "blocked",
        "sourceHostName": "scan.example.net",
        "requestURL": "http://x.example/?a=1",
        "baseEventCount": 12,
        "bytesIn": 300,
        "message": "seen twice",
        "deviceEventCategory": "Recon",
        "cs1": "x",
        "cs1Label": "Rule Name",
        "fileHash": "d41d8cd98f00b204e9800998ecf8427e",
        "vendorKey": "kept",
        "deviceVendor": "Acme",
        "deviceProduct": "Sensor",
        "deviceVersion": "1.2",
        "deviceEventClassId": "77",
        "deviceSeverity": "5",
    }
    assert artifact.contains == {
        "sourceAddress": ("ip",),
        "sourcePort": ("port",),
        "destinationAddress": ("ip",),
        "destinationPort": ("port",),
        "sourceUserName": ("user name",),
        "fileName": ("file name",),
        "sourceHostName": ("host name",),
        "requestURL": ("url",),
        "fileHash": ("hash",),
    }
    assert (event.description, event.labels, event.source) == ("seen twice", ("recon",), "Acme Sensor")


def test_a_placeholder_in_an_address_is_no_address():
    artifact = _only(_record("src=Test Role 10 dst=not known")).artifacts[0]
    assert artifact.cef["sourceAddress"] == "Test Role 10"
    assert artifact.contains == {}


@pytest.mark.parametrize(
    ("extension", "expected"),
    [
        (r"a=x\=y b=1", {"a": "x=y", "b": "1"}),
        (r"a=one\ntwo\rthree", {"a": "one\ntwo\rthree"}),
        (r"a=C:\\new\\table", {"a": r"C:\new\table"}),
        (r"a=C:\Users\dir", {"a": r"C:\Users\dir"}),
        (r"a=x | y b=\|", {"a": "x | y", "b": "|"}),
        ("a=several words here   b=1  ", {"a": "several words here", "b": "1"}),
        ("ad.field[0]=1 _x-y=2", {"ad.field[0]": "1", "_x-y": "2"}),
        ("a= b=2", {"b": "2"}),
        ("url=http://x/?q=1&r=2", {"url": "http://x/?q=1&r=2"}),
        ("a=1 a=2", {"a": "2"}),
        ("", {}),
    ],
)
def test_extensions(extension, expected):
    cef = _fields(extension)
    assert {key: value for key, value in cef.items() if not key.startswith("device")} == expected


def test_header_escapes_and_a_missing_last_bar():
    record = parse_cef(r"CEF:1|A\|B|back\\slash|1|x|n\|n|10")
    assert (record.vendor, record.product, record.name, record.extension) == ("A|B", "back\\slash", "n|n", {})


@pytest.mark.parametrize(
    ("severity", "expected"),
    [
        ("0", "low"), ("3", "low"), ("4", "medium"), ("6", "medium"), ("7", "high"), ("8", "high"), ("9", "critical"),
        ("10", "critical"), ("Low", "low"), ("Medium", "medium"), ("HIGH", "high"), ("Very-High", "critical"),
        ("Unknown", "medium"), ("%SEVERITY%", "medium"),
    ],
)
def test_severities(severity, expected):
    assert _only(_record(severity=severity)).severity == expected


@pytest.mark.parametrize(
    ("prefix", "extension", "expected"),
    [
        ("", "rt=1453290121336", 1453290121.336),
        ("", "rt=1453290121", 1453290121.0),
        ("", "rt=Nov 08 2020 12:30:00.111 UTC", 1604838600.111),
        ("", "rt=Nov 08 2020 12:30:00", 1604838600.0),
        ("", "end=2020-11-08T12:30:00+02:00", 1604831400.0),
        ("", "start=1453290121336 rt=1566300670892", 1453290121.336),
        ("", "rt=Nov 08 12:30:00", 0.0),
        ("", "rt=Nov 08 2020 12:30:00 IST", 0.0),
        ("", "rt=99999999999999999", 0.0),
        ("<189>1 2021-06-18T10:55:50.5Z host app - - - ", "msg=hello", 1624013750.5),
        ("Nov 16 21:24:18 host.example ", "msg=hello", 0.0),
        ("<13>", "msg=hello", 0.0),
    ],
)
def test_times(prefix, extension, expected):
    assert _only(_record(extension, prefix=prefix)).happened_at == pytest.approx(expected)


def test_the_same_line_is_the_same_event_and_another_is_not():
    one, same, other = read_text("\n".join([_record("cnt=1"), _record("cnt=1"), _record("cnt=2")]), origin="x")
    assert one.event == same.event
    assert one.event.source_id != other.event.source_id
    assert [one.line, same.line, other.line] == [1, 2, 3]


def test_raw_is_the_exact_line():
    first, second = read_text(f"\n  {_record('a=1')} \r\n\r\n{_record('a=2')}", origin="x")
    assert (first.raw, first.line) == (f"  {_record('a=1')} ", 2)
    assert (second.raw, second.line) == (_record("a=2"), 4)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("CEF:0|a|b|c", "the CEF header ends before the device event class id"),
        ("CEF:0|a|b|c|d", "the CEF header ends before the name"),
        ("CEF:0|a|b|c|d|e", "the CEF header ends before the severity"),
        ("CEF:0|a|b|c|d| |3|", "the name in the CEF header is empty"),
        (_record("no pair here"), "the CEF extension does not begin with key=value"),
        (_record(r"a\=b"), "the CEF extension does not begin with key=value"),
    ],
)
def test_broken_records_are_refused(line, problem):
    with pytest.raises(UserError) as caught:
        read_text(f"{_record('a=1')}\n{line}\n", origin="events.cef")
    assert caught.value.message == f"events.cef, line 2: {problem}"
    assert caught.value.hint


def test_full_names_are_never_short_keys_themselves():
    assert not set(FULL_NAMES.values()) & set(FULL_NAMES)


def _escaped(value):
    for raw, written in (("\\", "\\\\"), ("=", "\\="), ("\n", "\\n"), ("\r", "\\r")):
        value = value.replace(raw, written)
    return value


VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1).filter(lambda v: v == v.strip())


@settings(deadline=None)
@given(st.dictionaries(st.from_regex(r"[A-Za-z][A-Za-z0-9]{0,9}", fullmatch=True), VALUES, min_size=1))
def test_what_is_escaped_by_the_guide_comes_back(extension):
    line = _record(" ".join(f"{key}={_escaped(value)}" for key, value in extension.items()))
    assert parse_cef(line).extension == extension
