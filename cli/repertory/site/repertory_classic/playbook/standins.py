"""Modules that playbooks import and that no playbook's process has: small ones in their place, where the real ones are missing."""

from __future__ import annotations

import importlib.util
import json
import sys
from datetime import datetime
from types import ModuleType
from typing import Any

from repertory_classic.playbook.rest import Requests
from repertory_classic.playbook.state import Everything


def parse_date(text: Any, *_more: Any, **_ignored: Any) -> datetime:
    """A time as ISO 8601 (or nearly) writes it."""
    return datetime.fromisoformat(str(text).strip().replace("Z", "+00:00"))


def install(everything: Everything) -> None:
    """Put them where imports look. ``requests`` reaches the product's own interface and nothing else."""
    asking = Requests(everything)
    methods = {name: getattr(asking, name) for name in ("get", "post", "put", "patch", "delete", "request")}
    failures = _module("requests.exceptions", RequestException=Exception, ConnectionError=ConnectionError)
    quiet = _module("requests.packages.urllib3", disable_warnings=lambda *_given: None)
    _put("requests", **methods, exceptions=failures, packages=_module("requests.packages", urllib3=quiet))
    _put("simplejson", loads=json.loads, dumps=json.dumps, JSONDecodeError=ValueError)
    _put("urllib3", disable_warnings=lambda *_given: None, exceptions=_module("urllib3.exceptions", InsecureRequestWarning=Warning))
    if _is_missing("dateutil"):
        _put("dateutil")
        _put("dateutil.parser", parse=parse_date)
        vars(sys.modules["dateutil"])["parser"] = sys.modules["dateutil.parser"]


def _put(name: str, **contents: Any) -> None:
    if "." in name or _is_missing(name):
        sys.modules[name] = _module(name, **contents)


def _is_missing(name: str) -> bool:
    return name not in sys.modules and importlib.util.find_spec(name) is None


def _module(name: str, **contents: Any) -> ModuleType:
    made = ModuleType(name)
    made.__path__ = []  # so that what is below it can be imported
    vars(made).update(contents)
    return made
