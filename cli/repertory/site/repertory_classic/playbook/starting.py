"""What blocks start: actions, custom functions, other playbooks, questions to people."""

from __future__ import annotations

import json
import re
import traceback
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Optional

from repertory_classic.playbook.data import Plain
from repertory_classic.playbook.engine import Engine, Finished, Pending, Reply
from repertory_classic.playbook.looping import LoopState
from repertory_classic.playbook.telling import say
from repertory_classic.playbook.templates import render

Callback = Optional[Callable[..., Any]]
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_]+")
NOBODY = "no parameters were given, so nothing was done"


def act(
    engine: Engine, action: str, parameters: Any, *, assets: Any, app: Any, name: str | None, callback: Callback,
    handle: Any, loop_state: Any,
) -> int:  # fmt: skip
    """Start an action: one call for each set of parameters, on each asset."""
    number = engine.number()
    block = name or f"{action.replace(' ', '_')}_{number}"
    sets = [dict(one) for one in _listed(parameters) if isinstance(one, Mapping)]
    contexts = [_context(one.pop("context", None), number, index) for index, one in enumerate(sets)]
    told = {"action_run_id": number, "action": action, "action_name": action, "name": block}

    def end(runs: list[Plain]) -> Finished:
        engine.data.results[block] = runs
        success = any(one["status"] == "success" for run in runs for one in run["action_results"])
        engine.summaries.append(_summary(told, runs, success))
        extra = {"loop_state_json": _as_text(loop_state)} if loop_state is not None else {}
        return Finished(told, success, runs, callback, handle, extra)

    if not sets:
        empty = _app_run({"message": NOBODY}, told, [])
        engine.soon(block, lambda: end([empty]))
        return number

    def finish(reply: Reply) -> Finished:
        return end(_runs(reply, told, sets, contexts))

    wanted = [str(one) for one in _listed(assets)] or None
    fields: Plain = {
        "action": action.strip().lower(), "app": _app_name(app), "assets": wanted, "parameters": {}, "parameter_sets": sets,
        "timeout_s": None, "optional": False,
    }  # fmt: skip
    pause = LoopState(loop_state).pause() if loop_state is not None else 0
    if not pause:
        engine.start("act", Pending(block, "act", finish), **fields)
        return number

    def after_pause(_reply: Reply) -> None:
        engine.start("act", Pending(block, "act", finish), **fields)

    engine.start("sleep", Pending(block, "sleep", after_pause), seconds=pause)
    return number


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _app_name(app: Any) -> str | None:
    name = app.get("name") if isinstance(app, Mapping) else app
    return str(name) if name else None


def _context(given: Any, number: int, index: int) -> Plain:
    context = dict(given) if isinstance(given, Mapping) else {"artifact_id": 0}
    context.setdefault("artifact_id", 0)
    context.setdefault("guid", str(uuid.UUID(int=(number << 32) + index)))
    context.setdefault("parent_action_run", [])
    return context


def _runs(reply: Reply, told: Plain, sets: Sequence[Plain], contexts: Sequence[Plain]) -> list[Plain]:
    """One app run for each asset, with a result for each set; what ran nowhere failed for each set."""
    if "error" in reply:
        return [_app_run({"message": reply["error"]}, told, [_result({}, one, ctx) for one, ctx in zip(sets, contexts)])]
    by_asset: dict[Any, list[Mapping[str, Any]]] = {}
    for result in reply["value"]:
        by_asset.setdefault((result.get("app", ""), result.get("asset", "")), []).append(result)
    runs = []
    for results in by_asset.values():
        whole = results if len(results) == len(sets) else [results[0]] * len(sets)
        runs.append(_app_run(results[0], told, [_result(*one) for one in zip(whole, sets, contexts)]))
    return runs or [_app_run({"message": NOBODY}, told, [])]


def _result(result: Mapping[str, Any], parameters: Plain, context: Plain) -> Plain:
    return {
        "status": "success" if result.get("status") == "succeeded" else "failed", "message": result.get("message", ""),
        "parameter": {**parameters, "context": context}, "data": list(result.get("data", ())),
        "summary": dict(result.get("summary", {})),
    }  # fmt: skip


def _app_run(first: Mapping[str, Any], told: Plain, results: list[Plain]) -> Plain:
    good = sum(one["status"] == "success" for one in results)
    app = str(first.get("app", ""))
    return {
        "app": app.rpartition("/")[2], "app_id": 0, "app_run_id": told["action_run_id"], "asset": first.get("asset", ""),
        "asset_id": 0, "action": told["action"], "action_run_id": told["action_run_id"], "name": told["name"],
        "status": "success" if good else "failed", "message": str(first.get("message", "")),
        "summary": {"total_objects": len(results), "total_objects_successful": good}, "action_results": results,
    }  # fmt: skip


def _summary(told: Plain, runs: Sequence[Plain], success: bool) -> Plain:
    app_runs = [
        {
            "app_run_id": run["app_run_id"], "app_id": run["app_id"], "app_name": run["app"], "asset_id": run["asset_id"],
            "asset_name": run["asset"], "action": run["action"], "status": one["status"], "parameter": one["parameter"],
            "summary": one["summary"],
        }
        for run in runs for one in run["action_results"]
    ]  # fmt: skip
    return {
        "id": told["action_run_id"], "action_run_id": told["action_run_id"], "action": told["action"], "name": told["name"],
        "type": "investigate", "status": "success" if success else "failed", "message": "", "app_runs": app_runs,
    }  # fmt: skip


def _as_text(state: Any) -> str:
    return state if isinstance(state, str) else json.dumps(state)


# ----------------------------------------------------------- custom functions


def call_function(
    engine: Engine, name: str, parameters: Any, *, block: str | None, callback: Callback, loop_state: Any
) -> int:
    """Call a custom function once for each set of parameters."""
    number = engine.number()
    own = block or f"{name.rpartition('/')[2]}_{number}"
    told = {"name": own, "custom_function": name, "custom_function_run_id": number}
    action = {"action_run_id": number, "action": name, "action_name": name, "name": own}

    def work() -> Finished:
        function = engine.functions.get(name.rpartition("/")[2])
        sets = [dict(one) for one in _listed(parameters) if isinstance(one, Mapping)]
        made = engine.prepared.get("functions", {}).get(own)
        if made is not None and sets and getattr(function, "asks_product", True):
            results = [{**told, "parameter": one, "success": True, "message": "", "data": made} for one in sets]
        else:
            results = [_called(function, told, one) for one in sets]
        engine.data.functions[own] = results
        extra: Plain = {"custom_function": told}
        if loop_state is not None:
            extra["loop_state_json"] = _as_text(loop_state)
        return Finished(action, any(one["success"] for one in results), results, callback, None, extra)

    engine.soon(own, work)
    return number


def _called(function: Callable[..., Any] | None, told: Plain, parameters: Plain) -> Plain:
    result = {**told, "parameter": parameters, "success": False, "message": "", "data": {}}
    if function is None:
        say(f"there is no custom function {told['custom_function']}")
        return {**result, "message": f"there is no custom function {told['custom_function']}"}
    try:
        returned = function(**parameters)
    except Exception as error:
        traceback.print_exc()
        return {**result, "message": f"{type(error).__name__}: {error}"}
    return {**result, "success": True, "data": {} if returned is None else json.loads(json.dumps(returned, default=str))}


# ------------------------------------------------------------ other playbooks


def run_playbook(
    engine: Engine, playbook: str, *, name: str | None, callback: Callback, inputs: Any, handle: Any, loop_state: Any
) -> int:
    """Start another playbook on the same event."""
    number = engine.number()
    item = _NOT_IN_NAMES.sub("_", playbook.rpartition("/")[2]).strip("_")
    block = name or f"playbook_{item}_{number}"
    told = {"action_run_id": number, "action": playbook, "action_name": playbook, "name": block}

    def finish(reply: Reply) -> Finished:
        success = "error" not in reply
        outputs = dict(reply["value"]) if success else {}
        if not success:
            say(f"playbook {playbook}: {reply['error']}")
        engine.data.outputs[block] = outputs
        status = "success" if success else "failed"
        results = [{"playbook_run_id": number, "name": block, "status": status, "outputs": outputs}]
        extra = {"loop_state_json": _as_text(loop_state)} if loop_state is not None else {}
        return Finished(told, success, results, callback, handle, extra)

    given = {str(key): value for key, value in inputs.items()} if isinstance(inputs, Mapping) else {}
    made = engine.prepared.get("outputs", {}).get(block)
    if made is not None:
        engine.soon(block, lambda: finish({"value": made}))
        return number
    engine.start("run", Pending(block, "run", finish), playbook=item, event=engine.data.container.get("id"), inputs=given)
    return number


# ------------------------------------------------------------------ questions


def ask_people(
    engine: Engine, questions: Sequence[Mapping[str, Any]], *, message: str, parameters: Sequence[Any], to: str,
    minutes: Any, name: str | None, callback: Callback, handle: Any, separator: str,
) -> int:  # fmt: skip
    """Ask one question after the other; without an answer in time the block fails and goes on."""
    number = engine.number()
    block = name or f"prompt_{number}"
    told = {"action_run_id": number, "action": "prompt", "action_name": "prompt", "name": block}
    text = render(engine.data, message or "", parameters or (), separator=separator).text
    answers: list[Any] = []
    rest = list(questions)

    def end(problem: str = "") -> Finished:
        summary = {"response": answers[0] if answers else "", "responses": list(answers), "message": text, "user": to}
        result: Plain = {
            "status": "failed" if problem else "success", "message": problem, "summary": {} if problem else summary,
            "data": [{"response": summary["response"], "responses": list(answers)}],
            "parameter": {"message": text, "context": _context(None, number, 0)},
        }  # fmt: skip
        if problem:
            result["summary"] = {"responses": []}
        runs = [_app_run({"app": "prompt", "message": problem}, told, [result])]
        engine.data.results[block] = runs
        return Finished(told, not problem, runs, callback, handle)

    def finish(reply: Reply) -> Finished | None:
        if "error" in reply:
            return end(str(reply["error"]))
        if reply["value"].get("timed_out"):
            return end("nobody answered in time")
        answers.append(_typed(reply["value"]["answer"], rest.pop(0)))
        if rest:
            put()
            return None
        return end()

    def put() -> None:
        engine.start("ask", Pending(block, "ask", finish), **_question(rest[0], text, to, minutes))

    put()
    return number


def _question(question: Mapping[str, Any], text: str, to: str, minutes: Any) -> Plain:
    options = question.get("options") or {}
    choices = [str(one) for one in options.get("choices") or ()] if options.get("type", "list") == "list" else []
    said = "\n\n".join(part for part in (text, str(question.get("prompt") or "")) if part)
    within = float(minutes) * 60 if minutes else None
    # A question with a deadline needs an answer for those who do not give one; that it timed out is told beside.
    default = (choices[0] if choices else "") if within else None
    return {"question": said or "?", "options": choices, "to": to, "within_s": within, "default": default}


def _typed(answer: str, question: Mapping[str, Any]) -> Any:
    is_number = (question.get("options") or {}).get("type") == "range"
    return int(answer) if is_number and answer.strip().lstrip("-").isdigit() else answer
