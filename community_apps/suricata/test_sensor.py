"""A real Suricata, on a capture that is made here: a query for a bad name, and a telnet session."""

from __future__ import annotations

import shutil
import socket
import struct
import subprocess
from pathlib import Path

import pytest

from repertory_sdk.loader import load_module
from repertory_sdk.testing.loading import importable

HERE = Path(__file__).resolve().parent
SURICATA = shutil.which("suricata")
CLIENT, SERVER = "192.0.2.14", "203.0.113.7"
RULES = """
alert tcp any any -> any 23 (msg:"LAB outbound telnet"; flow:established,to_server; classtype:policy-violation; sid:2000001; rev:1;)
alert dns any any -> any any (msg:"LAB bad name"; dns.query; content:"evil.example"; sid:2000002; rev:3; priority:1;)
"""

pytestmark = [
    pytest.mark.skipif(SURICATA is None, reason="Suricata is not installed"),
    pytest.mark.may_skip("Debian 12 has Suricata among its backports only"),
]

with importable(HERE):
    app = load_module(HERE, "app.py")


def packet(protocol, source, destination, payload):
    """An Ethernet frame with an IPv4 packet; checksums are left out, and not looked at (-k none)."""
    addresses = socket.inet_aton(source) + socket.inet_aton(destination)
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 1, 0, 64, protocol, 0) + addresses
    return b"\2\0\0\0\0\1\2\0\0\0\0\2\x08\0" + header + payload


def udp(source, destination, ports, payload):
    return packet(17, source, destination, struct.pack("!HHHH", *ports, 8 + len(payload), 0) + payload)


def tcp(source, destination, ports, numbers, flags, payload=b""):
    return packet(6, source, destination, struct.pack("!HHIIBBHHH", *ports, *numbers, 0x50, flags, 8192, 0, 0) + payload)


def capture(path):
    question = struct.pack("!HHHHHH", 7, 0x100, 1, 0, 0, 0) + b"\4evil\7example\0" + struct.pack("!HH", 1, 1)
    there, back = (41522, 23), (23, 41522)
    frames = [
        udp(CLIENT, "192.0.2.53", (5353, 53), question),
        tcp(CLIENT, SERVER, there, (100, 0), 0x02),
        tcp(SERVER, CLIENT, back, (500, 101), 0x12),
        tcp(CLIENT, SERVER, there, (101, 501), 0x10),
        tcp(CLIENT, SERVER, there, (101, 501), 0x18, b"root\r\n"),
        tcp(SERVER, CLIENT, back, (501, 107), 0x18, b"login: "),
        tcp(CLIENT, SERVER, there, (107, 508), 0x11),
    ]
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for number, frame in enumerate(frames):
            file.write(struct.pack("<IIII", 1767607200 + number, 0, len(frame), len(frame)) + frame)


@pytest.fixture(scope="module")
def sensor(tmp_path_factory):
    folder = tmp_path_factory.mktemp("suricata")
    capture(folder / "capture.pcap")
    (folder / "lab.rules").write_text(RULES)
    log = folder / "log"
    log.mkdir()
    command = [SURICATA, "-r", str(folder / "capture.pcap"), "-S", str(folder / "lab.rules"), "-l", str(log), "-k", "none"]
    subprocess.run(command, check=True, capture_output=True, timeout=60, env={"PATH": "/usr/bin:/bin", "TZ": "UTC"})
    return app.Sensor(eve_file=str(log))


def test_its_alerts_are_listed(sensor):
    found = {row.signature: row for row in app.list_alerts(sensor, minutes=0).data}
    telnet, name = found["LAB outbound telnet"], found["LAB bad name"]
    assert (telnet.source_ip, telnet.destination_ip, telnet.destination_port) == (CLIENT, SERVER, 23)
    assert (telnet.protocol, telnet.severity, telnet.action) == ("TCP", "high", "allowed")
    assert (name.signature_id, name.severity, name.domain) == (2000002, "high", "evil.example")


def test_its_records_are_found_by_address(sensor):
    types = {row.type for row in app.search_events(sensor, CLIENT, minutes=0).data}
    assert {"alert", "dns", "flow"} <= types
    assert {row.type for row in app.search_events(sensor, SERVER, minutes=0, types=["flow"]).data} == {"flow"}


def test_its_alerts_become_events_once(sensor):
    checkpoint = {}
    events = {event.name: event for event in app.alerts(sensor, checkpoint)}
    assert set(events) == {"LAB outbound telnet", "LAB bad name"}
    assert events["LAB bad name"].values_of("domain") == ["evil.example"]
    assert events["LAB outbound telnet"].happened_at == pytest.approx(1767607204, abs=5)
    assert list(app.alerts(sensor, checkpoint)) == []
