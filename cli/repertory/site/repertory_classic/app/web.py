"""Requests from outside to a connector: its REST handler, and its webhook."""

from __future__ import annotations

import base64
import grp
import importlib
import os
import pwd
import secrets
import traceback
from pathlib import Path
from typing import Any, Callable, Dict, List

from phantom_common.app_interface.app_interface import SoarRestClient

from repertory_classic.app.loading import LoadedApp
from repertory_classic.app.performing import Performer
from repertory_classic.app.web_request import WebRequest
from repertory_classic.app.web_response import failure, plain_response, webhook_response
from repertory_sdk.explanation import explain

Plain = Dict[str, Any]
_ACCOUNTS = ("apache", "phantom", "nginx")


def answer(app: LoadedApp, performer: Performer, request: Plain) -> Plain:
    """The ``result`` of a ``web``: a response, what was saved meanwhile, and in ``problem`` what went wrong inside, if anything."""
    problems: List[str] = []

    def work() -> Plain:
        try:
            return _webhook(app, request) if request["kind"] == "webhook" else _handler(app, request)
        except (Exception, SystemExit) as error:
            if type(error).__name__ == "Http404":
                return failure(404, "there is nothing under this address")
            traceback.print_exc()
            problems.append(explain(error, Path(app.folder)))
            return failure(500, "the app could not answer")

    answered = performer.serve(request, work)
    return {**answered, "problem": problems[0]} if problems else answered


def _handler(app: LoadedApp, request: Plain) -> Plain:
    function = _function(str(app.manifest.get("rest_handler") or ""))
    parts = [app.asset, *request["path"]]
    path = f"/rest/handler/{app.directory}/{'/'.join(parts)}"
    body = base64.b64decode(request["body"])
    return plain_response(function(WebRequest(request["method"], path, request["query"], request["headers"], body), parts))


def _webhook(app: LoadedApp, request: Plain) -> Plain:
    declared: Plain = app.manifest.get("webhook") or {}
    function = _function(str(declared.get("handler") or ""))
    status = _refusal(declared.get("routes"), request)
    if status:
        return failure(status, "this is not offered here")
    wanted = {str(name).lower() for name in declared.get("allowed_headers") or ()}
    headers = {name: value for name, value in request["headers"].items() if name.lower() in wanted}
    body = base64.b64decode(request["body"]).decode("utf-8", "replace")
    client = SoarRestClient(secrets.token_hex(16), app.asset_id)
    return webhook_response(
        function(request["method"].upper(), headers, list(request["path"]), request["query"], body, app.config(), client)
    )


def _refusal(routes: Any, request: Plain) -> int:
    """A status, where routes are declared and none is this one."""
    if not routes:
        return 0
    fitting = [route for route in routes if _fits(str(route.get("url_pattern", "")), request["path"])]
    methods = {str(method).upper() for route in fitting for method in route.get("allowed_methods") or ()}
    return 404 if not fitting else 405 if methods and request["method"].upper() not in methods else 0


def _fits(pattern: str, path: List[str]) -> bool:
    """``items/<number>`` fits any item."""
    parts = [part for part in pattern.split("/") if part]
    return len(parts) == len(path) and all(part in (given, "*") or part.startswith("<") for part, given in zip(parts, path))


def _function(name: str) -> Callable[..., Any]:
    module_name, _, function_name = name.replace(":", ".").rpartition(".")
    if not module_name:
        raise LookupError("the app has nothing that answers requests")
    found: Callable[..., Any] = getattr(importlib.import_module(module_name), function_name)
    return found


def know_accounts() -> None:
    """Handlers give files to accounts of the platform; here all of them are this one."""
    user, group = pwd.getpwnam, grp.getgrnam

    def find_user(name: str) -> Any:
        return pwd.getpwuid(os.getuid()) if name in _ACCOUNTS else user(name)

    def find_group(name: str) -> Any:
        return grp.getgrgid(os.getgid()) if name in _ACCOUNTS else group(name)

    pwd.getpwnam, grp.getgrnam = find_user, find_group
