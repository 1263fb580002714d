"""Measure how many views of a folder of connectors can be drawn here.

    python tests/classic/views_corpus.py --connectors DIR --python PYTHON [--json]

PYTHON is one that has Django and what the platform has besides. Each view gets what an action could have returned: one result of
rows that are made from the outputs in the manifest, in a process of the connector's own. Nothing of the folder is changed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

import pluggy

import repertory
import repertory_sdk
from repertory_sdk import protocol

SITE = Path(repertory.__file__).parent / "site"
SAMPLE = "text"
SAMPLES = {"numeric": 7, "boolean": True}
SECONDS = 60
Plain = dict[str, Any]


@dataclass
class Report:
    """``declared`` are views of actions whose manifest says what is in a row; ``short`` were not drawn: connector and action, why."""

    connectors: int = 0
    views: int = 0
    drawn: int = 0
    declared: int = 0
    drawn_of_declared: int = 0
    short: dict[str, str] = field(default_factory=dict)


def measure(folder: Path, python: Path) -> Report:
    """Draw every view of every connector."""
    report = Report()
    for connector in sorted(path for path in folder.iterdir() if path.is_dir()):
        manifest = _manifest(connector)
        actions = [action for action in manifest.get("actions", ()) if (action.get("render") or {}).get("view")]
        if not actions:
            continue
        report.connectors += 1
        declared = {action["action"] for action in actions if _declares_rows(action)}
        report.views += len(actions)
        report.declared += len(declared)
        for action, problem in _drawn(connector, manifest, actions, python):
            if problem:
                report.short[f"{connector.name}: {action}"] = problem
            else:
                report.drawn += 1
                report.drawn_of_declared += action in declared
    return report


def _declares_rows(action: Plain) -> bool:
    return any(str(output.get("data_path")).startswith("action_result.data.*") for output in action.get("output") or ())


def _manifest(connector: Path) -> Plain:
    for path in sorted(connector.glob("*.json")):
        try:
            plain = json.loads(path.read_bytes())
        except ValueError:
            continue
        if isinstance(plain, dict) and "appid" in plain:
            return plain
    return {}


def _drawn(connector: Path, manifest: Plain, actions: list[Plain], python: Path) -> Iterator[tuple[str, str]]:
    requests, writing = os.pipe()
    reading, replies = os.pipe()
    folders = [str(SITE), str(Path(repertory_sdk.__file__).parents[1]), str(Path(pluggy.__file__).parents[1])]
    start = (
        f"import sys; sys.path += {folders!r}\nfrom repertory_sdk import protocol\nfrom repertory_classic.app.worker import serve\n"
        f"reader, writer = open({requests}, 'rb'), open({replies}, 'wb')\nserve(reader, writer, protocol.read(reader))"
    )
    with tempfile.TemporaryDirectory() as scratch, open(writing, "wb") as writer, open(reading, "rb") as reader:
        process = subprocess.Popen(
            [str(python), "-I", "-c", start], pass_fds=(requests, replies), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={"TMPDIR": scratch, "HOME": scratch, "PATH": "/usr/bin:/bin"},
        )  # fmt: skip
        os.close(requests)
        os.close(replies)
        hello = {
            "op": "hello", "format": "classic", "folder": str(connector), "main": manifest["main_module"], "classic": manifest,
            "asset": {"name": "lab", "settings": {}}, "purpose": "views",
        }  # fmt: skip
        protocol.write(writer, hello)
        ready = protocol.read(reader) or {"message": "the process ended"}
        for action in actions:
            yield action["action"], _problem(writer, reader, action) if ready.get("op") == "ready" else str(ready["message"])
        process.kill()
        process.wait()


def _problem(writer: IO[bytes], reader: IO[bytes], action: Plain) -> str:
    """Why there is nothing to see; empty where something was drawn."""
    name = " ".join(action["action"].split()).lower()
    protocol.write(writer, {"op": "view", "id": "1", "action": name, "results": [result_of(action)], "event": 1})
    answer = protocol.read(reader) or {"problem": "the process ended"}
    return str(answer.get("problem") or ("" if str(answer.get("html", "")).strip() else "nothing was drawn"))


def result_of(action: Plain) -> Plain:
    """What an action could have returned: every declared output once."""
    result: Plain = {"status": "success", "message": "done", "parameter": {}, "data": [], "summary": {}}
    for output in action.get("output") or ():
        root, _, path = str(output.get("data_path", "")).partition(".")
        if root == "action_result" and path.partition(".")[0] in ("data", "parameter", "summary"):
            examples = output.get("example_values")
            example = examples[0] if isinstance(examples, list) and examples else SAMPLES.get(output.get("data_type"), SAMPLE)
            _put(result, [step for step in path.split(".") if step], example)
    # Some declare no row, and return one; of what is no record, one is made, as in the tool. "text" is a row of which nothing is said.
    rows = [{} if row == SAMPLE else row for row in result["data"] or [{}]]
    result["data"] = [row if isinstance(row, dict) else {"value": row} for row in rows]
    return result


def _put(place: Any, steps: list[str], value: Any) -> None:
    """Put a value at a path, making what is above it; a path that contradicts an earlier one is left out."""
    for step, following in zip(steps, [*steps[1:], ""], strict=True):
        made: Any = value if not following else [] if following == "*" else {}
        if step == "*" and isinstance(place, list):
            if not place:
                place.append(made)
            place = place[0]
        elif isinstance(place, dict) and step != "*":
            if following and not isinstance(place.get(step), type(made)):
                place[step] = made
            place = place.setdefault(step, made)
        else:
            return


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connectors", type=Path, required=True, help="a folder with one folder for each")
    parser.add_argument("--python", type=Path, required=True, help="an interpreter with Django")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    report = measure(given.connectors, given.python)
    if given.json:
        print(json.dumps(asdict(report), indent=2))
        return
    print(f"{report.drawn} of {report.views} views of {report.connectors} connectors were drawn,", end=" ")
    print(f"{report.drawn_of_declared} of {report.declared} where the manifest says what is in a row")
    for problem, count in Counter(report.short.values()).most_common():
        print(f"{count:5} {problem}  ({', '.join(name for name, said in report.short.items() if said == problem)})")


if __name__ == "__main__":
    main()
