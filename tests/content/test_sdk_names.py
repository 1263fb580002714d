"""Names that the SDK has, has not, or may have."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from pathlib import Path
from textwrap import dedent

import pytest

import repertory_sdk
from repertory.content.checks.declarations import Module
from repertory.content.checks.references import References
from repertory.content.checks.sdk_names import sdk_name_issues

MODULES = [one.name for one in pkgutil.walk_packages(repertory_sdk.__path__, "repertory_sdk.")]


def told(code: str) -> list[str]:
    module = Module(path="app.py", tree=ast.parse(dedent(code)))
    return [f"{issue.line}: {issue.message} ({issue.hint})" for issue in sdk_name_issues([References(module)])]


@pytest.mark.parametrize(
    ("code", "owner", "missing", "hint"),
    [
        ("from repertory_sdk import Evnet", "repertory_sdk", "Evnet", "did you mean 'Event'?"),
        ("from repertory_sdk.indicators import adress", "repertory_sdk.indicators", "adress", "did you mean 'address'?"),
        ("import repertory_sdk.tomorrow", "repertory_sdk", "tomorrow", "update Repertory, or write it for this version"),
        ("from repertory_sdk.tomorrow import thing", "repertory_sdk", "tomorrow", "update Repertory, or write it for this version"),
        ("from repertory_sdk import indicators\nindicators.adress('x')", "repertory_sdk.indicators", "adress", "did you mean 'address'?"),
        ("from repertory_sdk import indicators as i\ni.adress", "repertory_sdk.indicators", "adress", "did you mean 'address'?"),
        ("import repertory_sdk as r\nr.Evnet", "repertory_sdk", "Evnet", "did you mean 'Event'?"),
        ("from repertory_sdk.testing import simulator\nsimulator.Nothing()", "repertory_sdk.testing.simulator", "Nothing",
         "update Repertory, or write it for this version"),
        ("try:\n    import fast\nexcept ValueError:\n    from repertory_sdk import Evnet", "repertory_sdk", "Evnet", "did you mean 'Event'?"),
    ],
)  # fmt: skip
def test_what_the_sdk_lacks(code: str, owner: str, missing: str, hint: str) -> None:
    line = len(code.split("\n"))
    said = f"{line}: {owner} has no {missing!r} in the SDK that would run this ({hint})"
    assert told(code) == [said]


@pytest.mark.parametrize(
    "code",
    [
        "from repertory_sdk import *",
        "from repertory_sdk import App, Event\nApp.anything\nEvent().more",
        "from repertory_sdk.http import Http\nimport repertory_sdk\nrepertory_sdk.__file__",
        "import requests\nrequests.nothing",
        "from . import repertory_sdk\nfrom .repertory_sdk import nothing",
        "try:\n    from repertory_sdk import tomorrow\nexcept ImportError:\n    tomorrow = None",
        "try:\n    from repertory_sdk import tomorrow\nexcept (KeyError, ImportError):\n    tomorrow = None",
        "try:\n    from repertory_sdk import tomorrow\nexcept:\n    tomorrow = None",
        "from repertory_sdk import indicators\nif hasattr(indicators, 'most'):\n    indicators.most()",
        "from repertory_sdk import indicators\ngetattr(indicators, 'most', None)",
        "from repertory_sdk import indicators\ndef f(indicators):\n    return indicators.most",
        "from repertory_sdk import indicators\nfor indicators in ():\n    indicators.most",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from repertory_sdk import Tomorrow",
    ],
)
def test_what_it_has_and_what_is_none_of_its(code: str) -> None:
    assert told(code) == []


def test_a_name_is_told_once() -> None:
    assert len(told("from repertory_sdk import indicators\n" + "indicators.adress\n" * 5)) == 1


@pytest.mark.parametrize("name", ["repertory_sdk", *MODULES])
def test_every_name_of_every_module_is_known(name: str) -> None:
    """As Python itself has them, which executes what is only read here."""
    module = importlib.import_module(name)
    names = sorted(one for one in vars(module) if not one.startswith(("_", "@")))
    assert told(f"import {name} as it\n" + "\n".join(f"it.{one}" for one in names)) == []
    assert Path(str(module.__file__)).is_relative_to(Path(repertory_sdk.__path__[0]))
