"""Who may import whom, and who alone may do what: the plan of the house, held by a test."""

from __future__ import annotations

import pytest

from layers import rules
from layers.modules import Module, cycles, own_modules

MODULES = own_modules()

RULES: dict[str, rules.Rule] = {
    rule.__name__: rule
    for rule in (
        rules.belongs_nowhere,
        rules.builds_home_paths,
        rules.imports_inside,
        rules.imports_upwards,
        rules.imports_what_others_own,
        rules.is_too_long,
        rules.is_unexplained,
        rules.keeps_state,
        rules.prints,
        rules.reads_environment,
        rules.sdk_depends,
        rules.starts_processes,
    )
}

# Exceptions, each with its reason. One that is needed no more fails a test.
EXCEPTIONS = {
    "imports_inside": {
        "repertory.__main__": "--version answers without loading the tool",
        "repertory.commands._complete": "completion reads the lock and nothing else",
        "repertory.commands._output": "rich takes as long to load as all the rest; programs do without",
        "repertory.commands._runlive": "rich takes as long to load as all the rest; programs do without",
        "repertory.commands._runtree": "rich takes as long to load as all the rest; programs do without",
        "repertory.commands.search": "only programs are told whole manifests, and wait for what reads them",
        "repertory.content.git.process": "GitPython looks for Git when it is imported, and warns",
        "repertory.main": "a report about our own fault loads what it needs when it is needed",
        "repertory.runtime.secrets.os_keyring": "an extra that need not be installed, and takes long to load",
        "repertory.runtime.secrets.sealing": "only what is sealed or opened needs cryptography",
        "repertory.runtime.storage.database": "homes with SQLite never need psycopg",
        "repertory.runtime.engines.liveness": "homes with SQLite never need psycopg",
        "repertory_sdk.worker": "each kind of child loads what it needs",
    },
    "sdk_depends": {
        "repertory_sdk.http": "only apps that require requests import it",
        "repertory_sdk.ssh": "only apps that require paramiko import it",
        "repertory_sdk.testing.ssh_simulator": "only simulators of such apps import it",
    },
    "keeps_state": {
        "repertory.runtime.secrets.exposed": "the handler of our own faults knows nobody else who could say what is secret",
    },
    "prints": {
        "repertory.__main__": "--version answers without loading the tool",
        "repertory.commands._output": "the one module that talks",
        "repertory.main": "the one handler of errors",
        "repertory.site.repertory_classic.playbook.telling": "in the child: what playbooks say",
        "repertory.site.phantom.base_connector": "in the child: for apps that want to see their progress printed",
        "repertory.site.repertory_classic.app.context": "in the child: where a log goes",
        "repertory.site.repertory_classic.app.performing": "in the child: where a log goes",
        "repertory.site.repertory_classic.app.worker": "in the child: flushes what an action printed",
        "repertory_sdk.app_worker": "in the child: flushes what an action printed",
        "repertory_sdk.playbook_worker": "in the child: flushes what a playbook printed",
        "repertory_sdk.testing.simulator": "a program of its own, which says where it listens",
    },
    "reads_environment": {
        "repertory.commands.demo": "lends the demonstration a home of its own, and gives it back",
        "repertory.content.surroundings": "what uv and Git need to know of the user, by name",
        "repertory.runtime.secrets.keys": "where systemd puts credentials of a service",
        "repertory.runtime.secrets.references": "a secret that the user said to take from a variable",
        "repertory.runtime.sandbox.launch": "the few names that a child may see",
        "repertory.settings": "the one module that reads settings",
        "repertory.site.repertory_classic.app.paths": "in the child: apps are told by it, and tell by it",
        "repertory_sdk.worker": "in the child: where it asks for connections, and nobody after it",
    },
    "starts_processes": {
        "repertory.runtime.sandbox.inside.network": "in a new namespace: it becomes what is to run there",
        "repertory_sdk.confining": "in the child: it confines itself, and becomes what it was started for",
        "repertory_sdk.playbook_worker": "in the child: a warm template forks for each run",
    },
}

OFFENCES = {
    "belongs_nowhere": ("repertory.misc.helpers", ""),
    "builds_home_paths": ("repertory.runtime.a", "path = settings.home.root / 'cache'"),
    "imports_inside": ("repertory.runtime.a", "def f() -> None:\n    import json"),
    "imports_upwards": ("repertory.runtime.a", "from repertory.content.installed.lock import read_lock"),
    "imports_what_others_own": ("repertory.runtime.a", "import subprocess"),
    "is_too_long": ("repertory.runtime.a", "def f() -> None:\n" + "    pass\n" * 50),
    "is_unexplained": ("repertory.runtime.a", "import json"),
    "keeps_state": ("repertory.runtime.a", "cache = {}"),
    "prints": ("repertory.runtime.a", "print('hello')"),
    "reads_environment": ("repertory.runtime.a", "import os\nuser = os.environ['USER']"),
    "sdk_depends": ("repertory_sdk.a", "import requests"),
    "starts_processes": ("repertory.runtime.a", "import os\nos.execv('/bin/true', ['true'])"),
}

MORE_OFFENCES = [
    ("builds_home_paths", "repertory.commands.a", "path = home.root.joinpath('cache')"),
    ("imports_upwards", "repertory.content.a", "from repertory.runtime import engine"),
    ("imports_upwards", "repertory.content.a", "def f():\n    import repertory.commands.run"),
    ("imports_upwards", "repertory.content.a", "from . import git"),
    ("imports_upwards", "repertory.errors", "from repertory.home import Home"),
    ("imports_upwards", "repertory.settings", "if TYPE_CHECKING:\n    from repertory.runtime.engines.engine import Engine"),
    ("imports_upwards", "repertory.web.a", "from repertory.commands._session import Session"),
    ("imports_upwards", "repertory_sdk.a", "import repertory.items"),
    ("imports_what_others_own", "repertory.content.changes.install", "from git.cmd import Git"),
    ("imports_what_others_own", "repertory.runtime.execution.journal", "import sqlite3"),
    ("imports_what_others_own", "repertory.runtime.secrets.store", "import keyring"),
    ("imports_what_others_own", "repertory.runtime.kept.assets", "def f():\n    from cryptography.fernet import Fernet"),
    ("imports_what_others_own", "repertory_sdk.app", "import pytest"),
    ("is_too_long", "repertory.runtime.a", "\n" * 401),
    ("keeps_state", "repertory.runtime.a", "known = {'a': 1}\ndef f():\n    known['b'] = 2"),
    ("keeps_state", "repertory.runtime.a", "known = [1]\ndef f():\n    known.append(2)"),
    ("keeps_state", "repertory.runtime.a", "current = None\ndef f():\n    global current\n    current = 1"),
    ("keeps_state", "repertory.runtime.a", "gate = threading.Lock()"),
    ("prints", "repertory.runtime.a", "import sys\nsys.stderr.write('x')"),
    ("prints", "repertory.commands.a", "from rich.console import Console"),
    ("prints", "repertory.commands.a", "import typer\ntyper.echo('x')"),
    ("reads_environment", "repertory.runtime.a", "from os import environ"),
    ("sdk_depends", "repertory_sdk.a", "from typing_extensions import ParamSpec"),
    ("starts_processes", "repertory_sdk.a", "import os\nos.fork()"),
]

INNOCENT = '''"""What a module may look like."""
import re
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    from repertory.runtime.engines.engine import Engine
from repertory.settings import Settings
NAMES = {"a": 1}
FORM = re.compile("x")
def f(settings: Settings) -> str:
    found = []
    found.append(NAMES["a"])
    return str(settings.home.root)
'''


@pytest.mark.parametrize("rule", RULES)
def test_every_module_keeps_the_rule(rule: str) -> None:
    excepted = EXCEPTIONS.get(rule, {})
    modules = [module for module in MODULES if module.name not in excepted]
    assert [f"{module.name}: {offence}" for module in modules for offence in RULES[rule](module)] == []


@pytest.mark.parametrize(("rule", "name"), [(rule, name) for rule, names in EXCEPTIONS.items() for name in names])
def test_every_exception_is_needed(rule: str, name: str) -> None:
    assert [offence for module in MODULES if module.name == name for offence in RULES[rule](module)] != []


def test_no_module_imports_itself_by_detours() -> None:
    assert [" → ".join(way) for way in cycles(MODULES)] == []


def test_both_trees_are_seen() -> None:
    names = {module.name for module in MODULES}
    assert {"repertory", "repertory.main", "repertory.content.git.commits", "repertory_sdk", "repertory_sdk.testing.plugin"} <= names


@pytest.mark.parametrize("rule", RULES)
def test_rule_is_broken_by(rule: str) -> None:
    assert list(RULES[rule](Module(*OFFENCES[rule])))


@pytest.mark.parametrize(("rule", "name", "source"), MORE_OFFENCES)
def test_rule_is_broken_by_this_too(rule: str, name: str, source: str) -> None:
    assert list(RULES[rule](Module(name, source, frozenset({"repertory.runtime.engines.engine"}))))


@pytest.mark.parametrize("rule", RULES)
def test_rule_leaves_the_innocent_alone(rule: str) -> None:
    assert list(RULES[rule](Module("repertory.runtime.a", INNOCENT))) == []


def test_a_cycle_is_found_but_not_where_only_types_are_imported() -> None:
    names = frozenset({"a", "b", "c"})
    first = Module("a", "import b", names)
    last = Module("c", "def f():\n    from a import x", names)
    assert cycles([first, Module("b", "import c", names), last]) == [["a", "b", "c", "a"]]
    assert cycles([first, Module("b", "if TYPE_CHECKING:\n    import c", names), last]) == []
