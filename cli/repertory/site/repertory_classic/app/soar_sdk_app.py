"""An app written with splunk-soar-sdk: imported as the package that its folder is, and asked through the library."""

from __future__ import annotations

import importlib
import inspect
import json
import os
import secrets
import sys
import traceback
from typing import Any, Dict, Iterator, List, Mapping, Tuple

import encryption_helper

from repertory_classic.app.context import CURRENT
from repertory_sdk.errors import ActionFailed

Plain = Dict[str, Any]

# How the library says that a poll is one of its schedule.
_NO_LIMIT = 4294967295
_BROKEN = "Traceback (most recent call last):"


def load(main: str, folder: str, manifest: Plain) -> Any:
    """The app's object, after a comparison with what was reviewed: ``main`` is ``module:variable``. Raises ActionFailed."""
    module, _, variable = main.partition(":")
    stem = module[:-3] if module.endswith(".py") else module
    steps = stem.replace("/", ".").split(".")
    if not os.path.exists(os.path.join(folder, *steps) + ".py"):
        raise ActionFailed(f"the manifest names the main module {main}, which is not there")
    os.chdir(folder)
    # Apps import themselves from their folder, from that of their main module, and as a package that has the folder's name.
    beside = [os.path.join(folder, *steps[:count]) for count in range(len(steps))]
    sys.path[:0] = [*reversed(beside)]
    sys.path.append(os.path.dirname(folder))
    loaded = importlib.import_module(".".join([os.path.basename(folder), *steps]))
    app = getattr(loaded, variable, None)
    if not hasattr(app, "actions_manager") or not hasattr(app, "asset_cls"):
        raise ActionFailed(f"{main} is not an app")
    kind: Any = type(app)
    default = inspect.signature(kind.action).parameters["read_only"].default
    found = list(differences(manifest, said_by(app), default))
    if found:
        shown = "; ".join(found[:3]) + ("; and more" if len(found) > 3 else "")
        raise ActionFailed(f"it is not what was reviewed: {shown}")
    return app


def said_by(app: Any) -> Plain:
    """What the library would put into the manifest, of that which decides what may be done."""
    actions = []
    for meta in app.actions_manager.get_actions_meta_list():
        parameters = meta.parameters._to_json_schema()
        actions.append({"action": meta.action, "identifier": meta.identifier, "type": meta.type,
                        "read_only": meta.read_only, "parameters": parameters})  # fmt: skip
    return {"configuration": app.asset_cls.to_json_schema(), "actions": actions}


def differences(reviewed: Mapping[str, Any], said: Mapping[str, Any], is_default: bool) -> Iterator[str]:
    """One sentence for each thing of which manifest and code say different things.

    ``is_default``: whether actions only read of which nothing is said, which is one thing in older versions of the library and the
    other in newer ones; so that is not compared.
    """
    yield from _fields("setting", reviewed.get("configuration") or {}, said["configuration"])
    before = {each["identifier"]: each for each in reviewed.get("actions") or ()}
    now = {each["identifier"]: each for each in said["actions"]}
    for identifier in sorted({*before, *now}):
        if identifier not in now or identifier not in before:
            yield _only("action", identifier, identifier in before)
            continue
        for name in ("action", "type", "read_only"):
            one, other = before[identifier].get(name), now[identifier][name]
            if one != other and (name != "read_only" or other != is_default):
                yield f"{name} of {identifier} is {one!r} in the manifest, {other!r} in the code"
        yield from _fields(f"parameter of {identifier}:", before[identifier].get("parameters") or {}, now[identifier]["parameters"])


def _fields(what: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted({*before, *now}):
        if name not in now or name not in before:
            yield _only(what, name, name in before)
        elif before[name].get("data_type") != now[name]["data_type"]:
            yield f"{what} {name} is {before[name].get('data_type')} in the manifest, {now[name]['data_type']} in the code"


def _only(what: str, name: str, in_manifest: bool) -> str:
    return f"{what} {name} is only in the {'manifest' if in_manifest else 'code'}"


class Entry:
    """In the place of a connector: one for each request, all with the one app of this process."""

    def __init__(self, app: Any) -> None:
        self._app = app

    def _handle_action(self, in_json: str, handle: Any = None) -> str:
        """As a connector has it; what the library raises before it handles anything is a failure too."""
        request = json.loads(in_json)
        _forget(self._app)
        try:
            done = json.loads(self._app.handle(json.dumps(_translated(request, self._sealed()))))
        except (Exception, SystemExit) as error:
            CURRENT.tell("error", traceback.format_exc())
            return json.dumps({"status": "failed", "message": str(error) or type(error).__name__, "result_data": []})
        if done["message"].startswith(_BROKEN):  # the library puts all of it where people look for one line
            CURRENT.tell("error", done["message"])
            done["message"] = done["message"].strip().rpartition("\n")[2]
        return json.dumps(done)

    def _sealed(self) -> List[str]:
        return list(self._app.asset_cls.fields_requiring_decryption())


def _forget(app: Any) -> None:
    """Where an app comes from, its process ends with its action: nothing of one may be found by the next."""
    vars(app).pop("_asset", None)
    app.soar_client.set_message("")
    app.soar_client.set_summary(None)


def _translated(request: Plain, sealed: List[str]) -> Plain:
    """The library takes secrets only sealed, and nothing for what is not given."""
    config = dict(request["config"])
    for name in sealed:
        if isinstance(config.get(name), str) and config[name]:
            config[name] = encryption_helper.encrypt(config[name], salt=str(request["asset_id"]))
    made = {**request, "config": config, "parameters": [_limited(each, request) for each in request["parameters"]]}
    # Without a session the library keeps what an app creates to itself, as in its authors' tests.
    session = secrets.token_hex(16) if CURRENT.is_answered() else ""
    return {**made, "container_id": request.get("container_id") or 0, "user_session_token": session}


def _limited(parameters: Plain, request: Plain) -> Plain:
    if request["identifier"] not in ("on_poll", "on_es_poll"):
        return parameters
    counts: Tuple[str, ...] = () if request.get("poll_now") else ("container_count", "artifact_count")
    given = {name: value for name, value in parameters.items() if value is not None}
    return {**given, **{name: _NO_LIMIT for name in counts if name in given}}
