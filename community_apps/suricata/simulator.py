"""Suricata's log, simulated: a folder of its own in which alerts are written, with a rotation and a half line."""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Dict, Optional, Sequence

from repertory_sdk.testing.place import Place, with_settings
from repertory_sdk.testing.simulator import announce, until_input_ends

SCANNED = [22, 23, 80, 443, 3389]


def alert(number: int, *, at: Optional[float] = None, **changed: Any) -> Dict[str, Any]:
    """An alert of a scan."""
    moment = datetime.fromtimestamp(time.time() if at is None else at, timezone.utc)
    rule = {
        "action": "allowed", "gid": 1, "signature_id": 2000001, "rev": 1, "signature": "LAB scan of many ports",
        "category": "Attempted Information Leak", "severity": 2,
    }  # fmt: skip
    return {
        "timestamp": moment.strftime("%Y-%m-%dT%H:%M:%S.%f+0000"), "flow_id": 2**53 + number, "in_iface": "eth0",
        "event_type": "alert", "src_ip": "198.51.100.7", "src_port": 40000 + number,
        "dest_ip": "192.0.2.14", "dest_port": SCANNED[number % len(SCANNED)],
        "proto": "TCP", "alert": rule, **changed,
    }  # fmt: skip


class Writer:
    """The log of a sensor in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "eve.json"
        self.path.touch()

    def write(self, *records: Any) -> None:
        """Whole lines; a text is written as it is, without an end."""
        with self.path.open("a", encoding="utf-8") as file:
            for record in records:
                file.write(record if isinstance(record, str) else json.dumps(record) + "\n")

    def rotate(self) -> None:
        """As most do it: the file gets another name, and a new one is begun."""
        self.path.rename(self.folder / f"eve.json.{len(list(self.folder.iterdir()))}")
        self.path.touch()

    def cut(self) -> None:
        """As others do it: the file stays and is emptied."""
        self.path.write_text("")


def start(folder: Path) -> Writer:
    """A log with alerts before and after a rotation, a query, counters, a record of a type to come, and a half line."""
    writer = Writer(folder)
    writer.write(*(alert(number) for number in range(3)))
    writer.rotate()
    query = {"type": "query", "rrname": "scan.example", "rrtype": "A"}
    common = {name: value for name, value in alert(9).items() if name != "alert"}
    writer.write(
        {**common, "event_type": "dns", "dest_port": 53, "proto": "UDP", "dns": query}, {"event_type": "stats", "stats": {}}
    )
    writer.write(*(alert(number) for number in range(3, 5)), {**common, "event_type": "of-a-later-version"}, '{"timestamp":"20')
    return writer


def place_of(writer: Writer) -> Place:
    """Settings of an asset that reads it, and what can be wrong with it."""
    settings = {"eve_file": str(writer.folder)}
    strange = writer.folder / "strange.log"
    strange.write_text("Jan  5 10:00:00 not a record\n" * 5)
    missing = str(writer.folder / "missing.json")
    faults = {"missing": missing, "relative": "eve.json", "strange": str(strange), "device": "/dev/null"}
    return Place(settings, {name: with_settings(settings, eve_file=path) for name, path in faults.items()})


def main(arguments: Optional[Sequence[str]] = None) -> None:
    """Keep a log until standard input ends; the first line of output has the settings of an asset."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="not used: it is a file")
    parser.add_argument("--state", type=Path, help='JSON with "records", a list of records to write instead')
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        if options.state:
            Writer(Path(folder)).write(*json.loads(options.state.read_text("utf-8"))["records"])
        else:
            start(Path(folder))
        announce({"eve_file": folder}, options.port)
        until_input_ends()


if __name__ == "__main__":
    main()
