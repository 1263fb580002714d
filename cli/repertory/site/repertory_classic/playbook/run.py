"""Load a classic playbook and run it to its end."""

from __future__ import annotations

import sys
import traceback
import urllib.parse
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from repertory_classic.playbook import chance, standins
from repertory_classic.playbook.containers import Containers, artifacts_of, container_of
from repertory_classic.playbook.data import RunData
from repertory_classic.playbook.engine import BlockFailed, Engine
from repertory_classic.playbook.installed import Installed
from repertory_classic.playbook.keeping import Lists, Objects
from repertory_classic.playbook.starting import call_function
from repertory_classic.playbook.state import Everything, enter
from repertory_sdk.convert import to_json
from repertory_sdk.explanation import explain

FUNCTIONS = "custom_functions"
MODULE = "classic_playbook"
BASE_URL = "https://repertory.invalid"
_OF_PYTHON_2 = {
    "filter": lambda test, values: list(filter(test, values)),
    "map": lambda function, *values: list(map(function, *values)),
}
_PYTHON_2 = ("unicode(", ".iteritems()", ".iterkeys()", ".itervalues()", "import urlparse", "basestring", "xrange(")


def outcome(channel: Any, hello: Mapping[str, Any]) -> dict[str, Any]:
    """Run it; the last message for the tool."""
    folder = Path(hello["folder"])
    channel.start()
    everything = _everything(channel, hello)
    enter(everything)
    function = (hello.get("classic") or {}).get("function")
    if function:
        return _function_outcome(folder / hello["main"], everything, hello["inputs"])
    try:
        module = load(folder, hello["main"], everything)
    except (Exception, SystemExit) as error:
        traceback.print_exc()
        return {"op": "failed", "message": f"the playbook cannot be loaded: {explain(error, folder)}"}
    on_start = getattr(module, "on_start", None)
    if not callable(on_start):
        return {"op": "failed", "message": f"{hello['main']} has no on_start"}
    try:
        outputs = everything.engine.run_all(on_start, getattr(module, "on_finish", None))
        return {"op": "done", "outputs": to_json(outputs)}
    except BlockFailed as failed:
        return {"op": "failed", "message": str(failed)}
    except (Exception, SystemExit) as error:
        traceback.print_exc()
        return {"op": "failed", "message": explain(error, folder)}


def _function_outcome(path: Path, everything: Everything, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Of a custom function that is run by itself; a list that it returns is the output ``data``."""
    results: list[Any] = []
    engine = everything.engine

    def start(_container: Any) -> None:
        call_function(engine, path.stem, [inputs], block=path.stem, callback=keep, loop_state=None)

    def keep(_action: Any, _success: Any, _container: Any, given: list[Any]) -> None:
        results.extend(given)

    engine.functions[path.stem] = _function(path, everything)
    standins.install(everything)
    chance.install(engine)
    try:
        engine.run_all(start, None)
    except (Exception, SystemExit) as error:
        traceback.print_exc()
        return {"op": "failed", "message": explain(error, path.parent)}
    (result,) = results
    if not result["success"]:
        return {"op": "failed", "message": result["message"]}
    data = result["data"]
    return {"op": "done", "outputs": to_json(data if isinstance(data, dict) else {"data": data})}


def _everything(channel: Any, hello: Mapping[str, Any]) -> Everything:
    event = hello["event"]
    known = hello.get("classic") or {}

    def rows(name: str) -> Any:
        return everything.lists.rows(name)

    inputs = {name: value if isinstance(value, list) or value is None else [value] for name, value in hello["inputs"].items()}
    data = RunData(container_of(event), artifacts_of(event), inputs, rows, base_url=BASE_URL)
    engine = Engine(
        channel, data, item=str(known.get("item", hello.get("name", ""))), repository=str(known.get("repository", "")),
        run=str(hello.get("run", "")),
    )  # fmt: skip
    engine.prepared = dict(hello.get("prepared") or {})
    engine.user = str(engine.prepared.get("user") or known.get("user") or "")
    data.container["data"] = engine.prepared.get("data") or {}
    lists = Lists(engine)
    everything = Everything(engine, data, Containers(engine), lists, Objects(lists), Installed(engine))
    return everything


def load(folder: Path, main: str, everything: Everything) -> ModuleType:
    """Execute the module of a playbook, with the functions that lie beside it at hand."""
    for path in sorted((folder / FUNCTIONS).glob("*.py")):
        everything.engine.functions[path.stem] = _function(path, everything)
    standins.install(everything)
    chance.install(everything.engine)
    module = ModuleType(MODULE)
    module.__file__ = str(folder / main)
    vars(module).update(container=everything.engine.container(), open=everything.scratch.open)
    if not _says_python_3(folder / main):
        vars(module).update(_OF_PYTHON_2)
    sys.modules[MODULE] = module
    _execute(folder / main, module)
    return module


def _says_python_3(path: Path) -> bool:
    """Whether the drawing beside a playbook says so; those of the first years say nothing, and were written for Python 2."""
    try:
        return b'"python_version": "3' in path.with_suffix(".json").read_bytes()
    except OSError:
        return True


def _function(path: Path, everything: Everything) -> Callable[..., Any]:
    """Loaded when it is called first: what it imports need not be there for a playbook that never calls it."""

    def call(**parameters: Any) -> Any:
        module = ModuleType(path.stem)
        module.__file__ = str(path)
        vars(module)["open"] = everything.scratch.open
        _execute(path, module)
        return getattr(module, path.stem)(**parameters)

    vars(call)["asks_product"] = b"phantom.rules" in path.read_bytes()
    return call


def _execute(path: Path, module: ModuleType) -> None:
    text = path.read_bytes().decode("utf-8", "replace").expandtabs(8)
    if any(sign in text for sign in _PYTHON_2):
        text = _from_python_2(text, module)
    exec(compile(text, str(path), "exec", dont_inherit=True), vars(module))


def _from_python_2(text: str, module: ModuleType) -> str:
    """Names that only Python 2 had; nothing of its grammar."""
    vars(module).update({"unicode": str, "basestring": str, "long": int, "xrange": range})
    sys.modules.setdefault("urlparse", urllib.parse)
    for old, new in ((".iteritems()", ".items()"), (".iterkeys()", ".keys()"), (".itervalues()", ".values()")):
        text = text.replace(old, new)
    return text
