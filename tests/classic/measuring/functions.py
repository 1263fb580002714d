"""Custom functions of a checkout, each called by a playbook of its own through everything that lies between."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repertory.commands._session import HomeLibrary
from repertory.runtime.engines.foreground import foreground
from repertory.runtime.kept import runs
from repertory.runtime.simulation.scenario import Scenario, Simulation
from repertory.runtime.simulation.subject import copy_event
from repertory.runtime.storage.database import open_database
from repertory_sdk.convert import from_json
from repertory_sdk.models import Event

from .playbooks import EVENT, followed
from .report import FunctionReport, PlaybookReport

if TYPE_CHECKING:
    from collections.abc import Sequence

FOLDER = "custom_functions"
_CALLER = '''
import phantom.rules as phantom


def on_start(container):
    artifacts = phantom.collect2(container=container, datapath=["artifact:*.id"])
    phantom.add_list(list_name="corpus", values=["a", "b"])
    phantom.custom_function(custom_function="community/{name}", parameters=[{parameters}], name="call", callback=tell)


def tell(action=None, success=None, container=None, results=None, handle=None, **kwargs):
    told = [[one["success"], one["message"], bool(one["data"])] for one in results]
    phantom.save_playbook_output_data(output={{"told": told}})
'''
# Where the drawing's example does not tell what a function takes.
_BY_NAME = {
    "custom_list": "'corpus'", "list_name_or_num": "'corpus'", "earliest_time": "'-30d'", "overwrite": "False", "overwrite_tags": "False", "field_list": "None",
    "content_type": "'artifact_id'", "input_object": "artifacts[0][0]", "workbook": "None", "name": "'x'", "password": "None", "asset": "'feeds'",
    "input_string": "'a, b c@example.test 198.51.100.7 http://bad.example.test/x'", "json_input": "'{\"a\": 1}'",
    "minimum_match_count": "1", "container_list": "[]", "input_json": "'{}'", "owner": "None", "tags_and": "None",
    "tags": "'x'", "tags_or": "'x'", "amount_to_modify": "1", "indicator_types_include": "'ip, domain'", "indicator_tags_include": "None",
    "indicator_types_exclude": "None", "indicator_tags_exclude": "None", "artifact_ids_include": "None",
}  # fmt: skip
_BY_EXAMPLE = {"container:id": "container['id']", "artifact:*.id": "artifacts[0][0]"}


def measure_functions(checkout: Path, known: set[str] | None = None) -> list[FunctionReport]:
    """Call each, with one set of generated inputs, on the event that playbooks are measured with.

    ``known`` are digests of files to leave out, and grows.
    """
    new = _unknown(checkout / FOLDER, set() if known is None else known)
    return _measure(checkout, new) if new else []


def _unknown(functions: Path, known: set[str]) -> list[str]:
    """Names of the functions whose files differ from all before."""
    found = []
    for path in sorted(functions.glob("*.py")):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest not in known:
            known.add(digest)
            found.append(path.stem)
    return found


def _measure(checkout: Path, names: Sequence[str]) -> list[FunctionReport]:
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        _write_callers(checkout / FOLDER, place / "callers", names)
        settings = followed(place / "callers", place, PlaybookReport(), set())
        library, database = HomeLibrary(settings.home), open_database(settings)
        reports = []
        with foreground(settings, database, library) as here:
            for function in names:
                item = library.installed().playbooks[f"corpus/call_{function}"]
                with database.transaction() as transaction:
                    event = copy_event(transaction, from_json(Event, EVENT))
                    simulation = Simulation(seed=0, scenario=Scenario())
                    new = runs.NewRun(playbook=item, event=event, held=True, simulation=simulation)
                    run_id = runs.create_run(transaction, new)
                ended = here.run(run_id, watch=lambda _run: True)
                reports.append(_report(function, ended.state, ended.message, ended.outputs))
        database.close()
    return reports


def _write_callers(functions: Path, folder: Path, names: Sequence[str]) -> None:
    shutil.copytree(functions, folder / FOLDER)
    for name in names:
        parameters = _parameters(functions / f"{name}.json")
        (folder / f"call_{name}.py").write_text(_CALLER.format(name=name, parameters=parameters))


def _parameters(drawing: Path) -> str:
    """As Python: the examples that the drawing gives."""
    inputs = json.loads(drawing.read_text("utf-8"))["inputs"] if drawing.exists() else []
    return "{" + ", ".join(f"{one['name']!r}: {_value(one)}" for one in inputs) + "}"


def _value(field: dict[str, Any]) -> str:
    example = str(field.get("placeholder") or "value")
    if field["name"] in _BY_NAME:
        return _BY_NAME[field["name"]]
    if field["name"] == "artifact_id":
        return _BY_EXAMPLE["artifact:*.id"]
    if example in _BY_EXAMPLE:
        known = _BY_EXAMPLE[example]
        return f"[{known}]" if field["input_type"] == "list" else known
    if field["input_type"] == "list":
        return repr([part.strip() for part in example.split(",")])
    return repr(re.split(r"(?i) or ", example)[0].strip("'"))


def _report(name: str, state: str, message: str, outputs: Any) -> FunctionReport:
    told = outputs.get("told") if state == "succeeded" else None
    if not told:
        return FunctionReport(name=name, outcome=state, message=message)
    success, said, _ = told[0]
    return FunctionReport(name=name, outcome="returned" if success else "raised", message=str(said))
