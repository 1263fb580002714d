"""Suricata EVE: real alerts of a honeypot, records of every kind, and the mapping's corners."""

import json
from datetime import datetime
from pathlib import Path

import pytest

from repertory.errors import UserError
from repertory.runtime.ingest import read_events, read_text

SAMPLES = Path(__file__).parents[2] / "data" / "events" / "suricata"
HONEYPOT = SAMPLES / "honeypot-2018.alerts.jsonl"
MIXED = SAMPLES / "content-hub-mixed.eve.jsonl"


def _alert(*, signature="ET SCAN Nmap", category="Misc", severity=2, **fields):
    alert = {"gid": 1, "signature_id": 7, "rev": 3, "signature": signature, "category": category, "severity": severity}
    base = {"timestamp": "2024-05-01T10:00:00.5+0200", "flow_id": 5, "event_type": "alert", "src_ip": "198.51.100.7"}
    return {**base, "src_port": 4711, "dest_ip": "192.0.2.1", "dest_port": 22, "proto": "TCP", "alert": alert, **fields}


def _events(*records):
    return [one.event for one in read_text("\n".join(map(json.dumps, records)), origin="eve.json")]


def _evidence(record):
    (event,) = _events(record)
    return event.artifacts[0]


def test_every_alert_of_a_honeypot_becomes_an_event():
    lines = HONEYPOT.read_text().splitlines()
    ingested = read_events(HONEYPOT)
    assert len(ingested) == 44
    for number, (line, one) in enumerate(zip(lines, ingested, strict=True), start=1):
        record = json.loads(line)
        cef = one.event.artifacts[0].cef
        assert (one.line, one.raw) == (number, line)
        assert one.event.name == record["alert"]["signature"]
        assert one.event.description == record["alert"]["category"]
        assert one.event.severity == {1: "high", 2: "medium", 3: "low"}[record["alert"]["severity"]]
        assert cef["sourceAddress"] == record["src_ip"]
        assert (cef["sourcePort"], cef["destinationPort"]) == (record["src_port"], record["dest_port"])
        assert (cef["destinationAddress"], cef["transportProtocol"]) == (record["dest_ip"], record["proto"])
        assert cef["deviceEventClassId"] == str(record["alert"]["signature_id"])
        assert cef["deviceAction"] == "allowed"
        assert one.event.values_of("ip") == [record["src_ip"], record["dest_ip"]]


def test_scans_of_a_honeypot_are_labelled():
    scans = {one.line for one in read_events(HONEYPOT) if one.event.labels == ("reconnaissance",)}
    assert scans >= set(range(1, 10))
    other = {one.event.labels for one in read_events(HONEYPOT) if one.line not in scans}
    assert other == {("misc-attack",), ("not-suspicious-traffic",)}


def test_alerts_of_a_honeypot_have_distinct_and_stable_identities():
    first, second = ([one.event.source_id for one in read_events(HONEYPOT)] for _ in range(2))
    assert first == second
    assert len(set(first)) == 44


def test_records_of_every_kind_agree_with_another_projects_reading():
    expected = json.loads((SAMPLES / "content-hub-mixed.udm.json").read_text())
    for one, entry in zip(read_events(MIXED), expected, strict=True):
        udm = entry["event"]["idm"]["readOnlyUdm"]
        event, cef = one.event, one.event.artifacts[0].cef
        when = datetime.fromisoformat(udm["metadata"]["eventTimestamp"]).timestamp()
        assert event.happened_at == pytest.approx(when)
        assert cef.get("sourceAddress") == udm.get("principal", {}).get("ip", [None])[0]
        assert cef.get("sourcePort") == udm.get("principal", {}).get("port")
        assert cef.get("destinationPort") == udm.get("target", {}).get("port")
        assert cef.get("sourceMacAddress") == udm.get("principal", {}).get("mac", [None])[0]
        assert cef.get("requestMethod") == udm["network"].get("http", {}).get("method")
        if udm["metadata"]["productEventType"] == "alert":
            assert cef["deviceEventClassId"] == udm["securityResult"][0]["ruleId"]
        else:
            assert event.name.split()[0] == udm["metadata"]["productEventType"]


def test_names_of_records_of_every_kind():
    assert [one.event.name for one in read_events(MIXED)][2:8] == [
        "fileinfo /",
        "http POST http://5.1.1.3:35361/",
        "anomaly UNABLE_TO_MATCH_RESPONSE_TO_REQUEST",
        "signature 1",
        "flow",
        "flow 5.1.1.4 to 5.1.1.3",
    ]


def test_a_fetched_file():
    (one,) = read_events(SAMPLES / "suricata-verify-fileinfo.eve.json")
    assert one.event.name == "fileinfo eicar.com"
    assert one.event.values_of("url") == ["http://www.eicar.org/download/eicar.com"]
    assert one.event.values_of("file name") == ["eicar.com"]
    assert one.event.values_of("domain") == ["www.eicar.org"]


@pytest.mark.parametrize(
    ("fields", "labels"),
    [
        ({"signature": "ET SCAN x"}, ("reconnaissance",)),
        ({"signature": "GPL SCAN x"}, ("reconnaissance",)),
        ({"signature": "x", "category": "Attempted Information Leak"}, ("reconnaissance",)),
        ({"signature": "x", "category": "Detection of a Network Scan"}, ("reconnaissance",)),
        ({"signature": "x", "category": "A Network Trojan was detected"}, ("a-network-trojan-was-detected",)),
        ({"signature": "x", "category": ""}, ()),
    ],
)
def test_labels(fields, labels):
    (event,) = _events(_alert(**fields))
    assert event.labels == labels


@pytest.mark.parametrize(
    ("severity", "expected"), [(1, "high"), (2, "medium"), (3, "low"), (4, "low"), (0, "low"), (None, "low")]
)
def test_severities(severity, expected):
    (event,) = _events(_alert(severity=severity))
    assert event.severity == event.artifacts[0].severity == expected


@pytest.mark.parametrize(
    ("timestamp", "expected"),
    [
        ("2024-05-01T10:00:00.5+0200", 1714550400.5),
        ("2024-05-01T08:00:00Z", 1714550400.0),
        ("2024-05-01T08:00:00", 1714550400.0),
        ("", 0.0),
    ],
)
def test_times(timestamp, expected):
    (event,) = _events(_alert(timestamp=timestamp))
    assert event.happened_at == expected


def test_the_same_alert_from_another_capture_is_the_same_event():
    one, again = _events(_alert(pcap_cnt=1), _alert(pcap_cnt=2, tx_id=9))
    assert one.source_id == again.source_id
    assert one.source == "suricata"


@pytest.mark.parametrize(
    "change",
    [
        {"timestamp": "2024-05-01T10:00:00.6+0200"},
        {"flow_id": 6},
        {"src_ip": "198.51.100.8"},
        {"dest_port": 23},
        {"alert": {"gid": 1, "signature_id": 8, "rev": 3, "signature": "ET SCAN Nmap"}},
    ],
)
def test_another_alert_is_another_event(change):
    one, other = _events(_alert(), {**_alert(), **change})
    assert one.source_id != other.source_id


@pytest.mark.parametrize(
    ("http", "url"),
    [
        ({"hostname": "x.example", "url": "/a?b=c"}, "http://x.example/a?b=c"),
        ({"hostname": "x.example", "url": "/a", "http_port": 8080}, "http://x.example:8080/a"),
        ({"hostname": "x.example", "url": "/a", "http_port": 80}, "http://x.example/a"),
        ({"hostname": "x.example:8080", "url": "/a"}, "http://x.example:8080/a"),
        ({"hostname": "2001:db8::1", "url": "/a"}, "http://[2001:db8::1]/a"),
        ({"hostname": "proxy.example", "url": "https://y.example/z"}, "https://y.example/z"),
        ({"hostname": "x.example", "url": "y.example:443"}, "y.example:443"),
    ],
)
def test_addresses_of_pages(http, url):
    artifact = _evidence(_alert(http=http))
    assert artifact.cef["requestURL"] == url
    assert artifact.contains["requestURL"] == ("url",)


def test_a_path_without_a_host_is_no_url_to_act_on():
    artifact = _evidence(_alert(http={"url": "/login.php"}))
    assert artifact.cef["requestURL"] == "/login.php"
    assert "requestURL" not in artifact.contains


def test_a_page_on_a_bare_address_names_no_domain():
    artifact = _evidence(_alert(http={"hostname": "203.0.113.9", "url": "/"}))
    assert "destinationDnsDomain" not in artifact.cef
    assert artifact.contains["destinationHostName"] == ("ip",)


@pytest.mark.parametrize(
    "fields",
    [
        {"dns": {"type": "query", "rrname": "scan.example.net"}},
        {"dns": {"query": [{"type": "query", "rrname": "scan.example.net"}]}},
        {"dns": {"version": 3, "type": "request", "queries": [{"rrname": "scan.example.net"}]}},
        {"tls": {"sni": "scan.example.net"}},
        {"http": {"hostname": "scan.example.net:8080", "url": "/"}},
    ],
)
def test_domains(fields):
    artifact = _evidence(_alert(**fields))
    assert artifact.values_of("domain") == ["scan.example.net"]


@pytest.mark.parametrize(
    ("kind", "fields", "name"),
    [
        ("dns", {"dns": {"type": "query", "rrname": "scan.example.net"}}, "dns query scan.example.net"),
        ("dns", {"dns": {"type": "request", "queries": [{"rrname": "x.example"}]}}, "dns request x.example"),
        ("tls", {"tls": {"sni": "x.example"}}, "tls x.example"),
        ("tls", {"tls": {"version": "TLSv1"}}, "tls 198.51.100.7 to 192.0.2.1"),
        ("ssh", {}, "ssh 198.51.100.7 to 192.0.2.1"),
    ],
)
def test_names(kind, fields, name):
    record = {key: value for key, value in _alert(**fields).items() if key != "alert"}
    (event,) = _events({**record, "event_type": kind})
    assert (event.name, event.severity, event.labels) == (name, "low", (kind,))


def test_hashes_of_a_file():
    file = {"filename": "a.exe", "md5": "d" * 32, "sha256": "e" * 64, "size": 3}
    for fields in ({"fileinfo": file}, {"files": [file]}):
        artifact = _evidence(_alert(**fields))
        assert artifact.cef["fileHash"] == artifact.cef["fileHashSha256"] == "e" * 64
        assert artifact.contains["fileHashMd5"] == ("hash", "md5")
        assert "fileHashSha1" not in artifact.cef


def test_lists_and_single_records_are_read_too():
    records = [_alert(), _alert(flow_id=6)]
    text = json.dumps(records, indent=2)
    first, second = read_text(text, origin="eve.json")
    assert json.loads(first.raw) == records[0]
    assert text.split("\n")[second.line - 1].strip() == "{"
    assert json.loads(second.raw) == records[1]
    (single,) = read_text(json.dumps(_alert(), indent=2), origin="eve.json")
    assert single.event == first.event


def test_characters_that_no_database_keeps_are_replaced():
    (event,) = _events(_alert(signature="a\0b"))
    assert event.name == "a\ufffdb"


@pytest.mark.parametrize(
    ("record", "problem"),
    [
        ({"event_type": "stats", "stats": {}}, "a stats record counts packets, it is no event"),
        ({"event_type": ""}, "not a Suricata EVE record: event_type: must not be empty"),
        ({"event_type": 3}, "not a Suricata EVE record: event_type: must be a string, not 3"),
        ({"event_type": "alert"}, "not a Suricata EVE record: alert.signature: is missing"),
        (_alert(alert="x"), 'not a Suricata EVE record: alert: must be an object, not "x"'),
        (_alert(src_port="22"), 'not a Suricata EVE record: src_port: must be an integer, not "22"'),
        (_alert(src_ip=7), "not a Suricata EVE record: src_ip: must be a string, not 7"),
        (_alert(files=[3]), "not a Suricata EVE record: files[0]: must be an object, not 3"),
        (
            _alert(timestamp="yesterday"),
            "not a Suricata EVE record: timestamp: must be an ISO 8601 time from 1970 on, not 'yesterday'",
        ),
        (
            _alert(timestamp="0001-01-01T00:00:00+1400"),
            "not a Suricata EVE record: timestamp: must be an ISO 8601 time from 1970 on, "
            "not '0001-01-01T00:00:00+1400'",
        ),
    ],
)
def test_broken_records_are_refused(record, problem):
    with pytest.raises(UserError) as caught:
        _events(_alert(), record)
    assert caught.value.message == f"eve.json, line 2: {problem}"
    assert caught.value.hint
