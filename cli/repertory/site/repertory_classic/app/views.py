"""Widgets of a classic app: its own functions choose what is shown, and templates of Django's language draw it.

Nobody here believes what comes out: the tool takes it for a stranger's HTML.
"""

from __future__ import annotations

import importlib
import traceback
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

from phantom.action_result import ActionResult

from repertory_classic.app import drawing
from repertory_classic.app.life import sayable
from repertory_classic.app.loading import LoadedApp
from repertory_sdk.explanation import explain

Plain = Dict[str, Any]
AppRun = Tuple[Plain, List[ActionResult]]
_MOST_CHARACTERS = 4_000_000
_EMPTY = ("body_color", "body_text_color", "title_color", "title_text_color", "title_logo", "dark_title_logo")


class NoView(Exception):
    """There is nothing to show; the message says why."""


class Container(int):
    """The number of an event; templates read it as ``container.id`` too."""

    @property
    def id(self) -> int:
        return int(self)


def answer(app: LoadedApp, request: Plain) -> Plain:
    """The ``result`` of a ``view``: its HTML, or why there is none."""
    base: Plain = {"op": "result", "id": request["id"]}
    try:
        html = render(app, request)
    except NoView as error:
        return {**base, "problem": str(error)}
    except (Exception, SystemExit) as error:
        traceback.print_exc()
        return {**base, "problem": str(sayable(explain(error, Path(app.folder))))}
    if len(html) > _MOST_CHARACTERS:
        return {**base, "problem": f"the view made {len(html)} characters; at most {_MOST_CHARACTERS} are shown"}
    return {**base, "html": sayable(html)}


def render(app: LoadedApp, request: Plain) -> str:
    """Call the view of an action with what the action returned, and draw the template that it names. Raises NoView."""
    declared = _declared(app, request["action"])
    render = declared.get("render")
    function = _function(str(render.get("view") or "") if isinstance(render, dict) else "")
    context = _context(app, request)
    named = function(request["action"], [_app_run(request["results"], declared)], context)
    if context.get("prerender"):
        return str(named)
    if not isinstance(named, str) or not named:
        raise NoView("the view names no template")
    return drawing.drawn(app.folder, named, context)


def _declared(app: LoadedApp, action: str) -> Plain:
    for one in app.manifest.get("actions") or ():
        if isinstance(one, dict) and " ".join(str(one.get("action")).split()).lower() == action:
            return one
    return {}


def _function(name: str) -> Callable[..., Any]:
    module_name, _, function_name = name.rpartition(".")
    if not module_name:
        raise NoView("the manifest names no view")
    function = getattr(importlib.import_module(module_name), function_name, None)
    if not callable(function):
        raise NoView(f"there is no function {name}")
    found: Callable[..., Any] = function
    return found


def _app_run(results: List[Plain], declared: Plain) -> AppRun:
    """One run of the app, as views expect it: its summary and its results."""
    outputs = declared.get("output") or ()
    has_value = any(isinstance(one, dict) and one.get("data_path") == "action_result.data.*.value" for one in outputs)
    made = [ActionResult.from_dict(one if has_value else {**one, "data": _as_added(one["data"])}) for one in results]
    for number, result in enumerate(made, 1):
        vars(result)["id"] = number  # some views link to the result by it
    summary = {"total_objects": len(made), "total_objects_successful": sum(1 for one in made if one.is_success())}
    return summary, made


def _as_added(rows: List[Plain]) -> List[Any]:
    """Rows that were no records have been kept as records with one field."""
    return [row["value"] if list(row) == ["value"] else row for row in rows]


def _context(app: LoadedApp, request: Plain) -> Plain:
    return {
        **{name: "" for name in _EMPTY},
        "container": Container(request.get("event") or 0), "app": app.manifest.get("appid"),
        "app_name": app.manifest.get("name"), "title1": request["action"], "title2": app.asset,
        "no_connection": False, "google_maps_key": False, "QS": {},
    }  # fmt: skip
