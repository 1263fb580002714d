"""Suricata's log: as the simulator writes it, as sensors wrote it, and as a real Suricata writes it (test_sensor.py)."""

from __future__ import annotations

import ipaddress
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from repertory.runtime.ingest.suricata import suricata_event
from repertory_sdk import ActionFailed
from repertory_sdk.loader import load_module
from repertory_sdk.testing import assert_manifest_current, conformance
from repertory_sdk.testing.loading import importable

HERE = Path(__file__).resolve().parent
SAMPLES = sorted((HERE.parent.parent / "tests/data/events/suricata").glob("*.eve.json*")) + sorted(
    (HERE.parent.parent / "tests/data/events/suricata").glob("*.alerts.jsonl")
)

with importable(HERE):
    app = load_module(HERE, "app.py")
    import eve
    import log
    import simulator

    CASES = conformance(
        app.app,
        HERE,
        {"list alerts": {}, "count alerts": {}, "search events": {"ip": "198.51.100.7", "types": ["dns", "alert"]}},
    )


@pytest.fixture
def writer(tmp_path):
    return simulator.Writer(tmp_path)


@pytest.fixture
def sensor(writer):
    return app.Sensor(eve_file=str(writer.folder))


def numbers(events):
    return [event.values("sourcePort")[0] - 40000 for event in events]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_conformance(case, tmp_path):
    case.check(simulator.place_of(simulator.start(tmp_path)))


def test_manifest():
    assert_manifest_current(HERE)


def test_alerts_of_all_generations_the_newest_first(tmp_path):
    sensor = app.Sensor(eve_file=str(simulator.start(tmp_path).folder))
    assert [row.source_port for row in app.list_alerts(sensor).data] == [40004, 40003, 40002, 40001, 40000]
    assert [row.source_port for row in app.list_alerts(sensor, limit=2).data] == [40004, 40003]
    assert app.list_alerts(sensor).data[0].flow == 2**53 + 4


def test_the_file_alone_has_what_was_not_rotated(tmp_path):
    sensor = app.Sensor(eve_file=str(simulator.start(tmp_path).path))
    assert [row.source_port for row in app.list_alerts(sensor).data] == [40004, 40003]


def test_alerts_are_chosen(writer, sensor):
    bad = {**simulator.alert(7)["alert"], "severity": 1, "signature": "LAB worm", "signature_id": 2000002}
    writer.write(simulator.alert(1, at=1.0), simulator.alert(2), simulator.alert(3, alert=bad))
    assert len(app.list_alerts(sensor).data) == 2
    assert len(app.list_alerts(sensor, minutes=0).data) == 3
    assert [row.signature for row in app.list_alerts(sensor, least_severity="high").data] == ["LAB worm"]
    for wanted in ("WORM", "2000002"):
        assert [row.signature_id for row in app.list_alerts(sensor, signature=wanted).data] == [2000002]


def test_rules_are_counted(writer, sensor):
    bad = {**simulator.alert(7)["alert"], "signature_id": 2000002}
    writer.write(*(simulator.alert(number) for number in range(4)), simulator.alert(9, alert=bad, src_ip="203.0.113.9"))
    first, second = app.count_alerts(sensor).data
    assert (first.signature_id, first.alerts, first.source_ips) == (2000001, 4, ["198.51.100.7"])
    assert (second.alerts, second.source_ips) == (1, ["203.0.113.9"])


@pytest.mark.parametrize("asked", ["2001:db8::7", "2001:0DB8:0000:0000:0000:0000:0000:0007"])
def test_addresses_are_found_however_they_are_written(writer, sensor, asked):
    writer.write(simulator.alert(1), simulator.alert(2, dest_ip="2001:0db8:0000:0000:0000:0000:0000:0007"))
    (found,) = app.search_events(sensor, asked).data
    assert (found.destination_ip, found.what) == ("2001:db8::7", "LAB scan of many ports")


def test_an_address_is_no_part_of_another(writer, sensor):
    writer.write(simulator.alert(1, src_ip="198.51.100.70"))
    assert app.search_events(sensor, "198.51.100.7").data == []


def test_what_is_written_between_two_polls_comes_once(writer, sensor):
    checkpoint = {}
    writer.write(simulator.alert(1))
    assert numbers(app.alerts(sensor, checkpoint)) == [1]
    checkpoint = json.loads(json.dumps(checkpoint))
    assert numbers(app.alerts(sensor, checkpoint)) == []
    line = json.dumps(simulator.alert(2)) + "\n"
    writer.write(line[:50])
    assert numbers(app.alerts(sensor, checkpoint)) == []
    writer.write(line[50:], simulator.alert(3))
    assert numbers(app.alerts(sensor, checkpoint)) == [2, 3]


@pytest.mark.parametrize("times", [1, 2])
def test_a_rotated_log_is_read_to_its_end(writer, sensor, times):
    checkpoint = {}
    writer.write(simulator.alert(1))
    list(app.alerts(sensor, checkpoint))
    writer.write(simulator.alert(2))
    for number in range(times):
        writer.rotate()
        os.utime(writer.path, (2e9 + number, 2e9 + number))  # one came after the other, however coarse the clock is
        writer.write(simulator.alert(10 + number))
    assert numbers(app.alerts(sensor, checkpoint)) == [2, *(10 + number for number in range(times))]
    assert numbers(app.alerts(sensor, checkpoint)) == []


def test_a_log_that_was_cut_off_is_read_from_its_beginning(writer, sensor):
    checkpoint = {}
    writer.write(simulator.alert(1), simulator.alert(2))
    list(app.alerts(sensor, checkpoint))
    writer.cut()
    writer.write(simulator.alert(3))
    assert numbers(app.alerts(sensor, checkpoint)) == [3]
    writer.cut()
    writer.write(*(simulator.alert(number) for number in range(4, 9)))  # longer than before, and yet another beginning
    assert numbers(app.alerts(sensor, checkpoint)) == [4, 5, 6, 7, 8]


def test_many_alerts_come_in_portions(writer, sensor):
    checkpoint = {}
    writer.write(*(simulator.alert(number) for number in range(2500)))
    assert [len(list(app.alerts(sensor, checkpoint))) for _ in range(4)] == [1000, 1000, 500, 0]


def test_at_first_only_the_end_of_a_long_log_is_read(writer):
    sensor = app.Sensor(eve_file=str(writer.path), scan_mb=1)
    writer.write(simulator.alert(1), "x" * 1_000_000 + "\n", simulator.alert(2))
    assert numbers(app.alerts(sensor, {})) == [2]
    assert [row.source_port for row in app.list_alerts(sensor).data] == [40002]


def test_records_of_other_types_become_events_where_wanted(tmp_path):
    folder = str(simulator.start(tmp_path).folder)
    assert numbers(app.alerts(app.Sensor(eve_file=folder), {})) == [3, 4]
    names = [event.name for event in app.alerts(app.Sensor(eve_file=folder, types=["dns", "stats", "of-a-later-version"]), {})]
    assert names == ["dns scan.example", "of-a-later-version"]
    assert list(app.alerts(app.Sensor(eve_file=folder, least_severity="high"), {})) == []


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.name)
def test_what_sensors_wrote_is_read_as_files_taken_in_by_hand_are(sample, tmp_path):
    (tmp_path / "eve.json").write_bytes(sample.read_bytes().rstrip() + b"\n")
    lines = [json.loads(line) for line in sample.read_text("utf-8").splitlines() if line.strip()]
    kinds = sorted({line["event_type"] for line in lines})
    found = {event.source_id: event for event in app.alerts(app.Sensor(eve_file=str(tmp_path), types=kinds), {})}
    wanted = {event.source_id: event for event in map(suricata_event, lines)}
    assert set(found) == set(wanted)
    for identity, event in wanted.items():
        assert (found[identity].happened_at, found[identity].severity) == (event.happened_at, event.severity)
        for name in ("destinationPort", "requestURL", "deviceEventClassId"):
            assert found[identity].values(name) == event.values(name)
        for name in ("sourceAddress", "destinationAddress"):
            assert found[identity].values(name) == [str(ipaddress.ip_address(text)) for text in event.values(name)]
    assert len(app.list_alerts(app.Sensor(eve_file=str(tmp_path)), minutes=0).data) == len(
        [x for x in lines if x["event_type"] == "alert"]
    )


def test_samples_are_there():
    assert len(SAMPLES) == 3


@pytest.mark.parametrize(
    "line",
    [
        b"", b"{", b"[]", b"7", b'{"event_type": 7}', b"\xff\xfe", b"[" * 100_000,
        b'{"event_type":"alert","alert":7,"src_ip":[],"files":7}',
        b'{"event_type":"alert","timestamp":"nonsense","flow_id":1.5,"alert":{"severity":"1"},"dns":{"query":7}}',
        b'{"event_type":"http","http":{"hostname":null,"url":7},"files":[7,{"filename":[]}]}',
    ],
    ids=lambda line: line[:30].decode("latin-1"),
)  # fmt: skip
def test_odd_lines(line):
    record = eve.record_of(line)
    assert record is None or (record.event().source == "suricata" and record.at == 0.0)


def test_a_half_line_is_no_record_from_either_end(writer):
    writer.write('{"event_type":"alert"}')
    assert list(log.Log(str(writer.path)).newest(10**6, lambda _: True)) == []


def test_an_empty_log_is_no_failure(sensor):
    assert app.connectivity(sensor) == "the log can be read; it is empty"
    assert list(app.alerts(sensor, {})) == app.list_alerts(sensor).data == []


@pytest.mark.may_skip("continuous integration is the superuser")
@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_a_log_that_may_not_be_read_is_told(writer, sensor):
    writer.path.chmod(0)
    with pytest.raises(ActionFailed, match=r"cannot be read \(permission denied\); let this user read it"):
        app.connectivity(sensor)


def test_the_simulator_is_a_program_of_its_own():
    with subprocess.Popen(
        [sys.executable, str(HERE / "simulator.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        folder = json.loads(process.stdout.readline())["settings"]["eve_file"]
        assert len(app.list_alerts(app.Sensor(eve_file=folder)).data) == 5
        process.stdin.close()
        assert process.wait(10) == 0
    assert not Path(folder).exists()
