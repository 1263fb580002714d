"""Every rule: one item that breaks it and one, as like it as can be, that does not."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import repertory.content
from content.builders import APP, APP_CODE, PLAYBOOK, PLAYBOOK_CODE
from repertory.content.checks.issue import Issue
from repertory.content.checks.rules import RULES, rules_page
from repertory.content.items.inspection import inspect_folder

ACTION: dict[str, Any] = APP["actions"][0]
Files = Mapping[str, str | bytes]


@dataclass(frozen=True)
class Item:
    """The files of one item; None removes one."""

    manifest: Mapping[str, Any]
    files: Mapping[str, str | bytes | None] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        return "playbook" if "actions" in self.manifest and isinstance(self.manifest["actions"][0], str) else "app"

    def write(self, folder: Path) -> None:
        files = {"README.md": "# item\n", f"{self.kind}.json": json.dumps(self.manifest), **self.files}
        for name, content in files.items():
            if content is not None:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())


def app(
    body: str = "",
    *,
    top: str = "",
    files: Files | None = None,
    hosts: Any = (),
    programs: Any = (),
    reads: Any = (),
    **more: Any,
) -> Item:
    """An app whose action has this body."""
    wanted = {"hosts": list(hosts), "files": list(reads), "programs": list(programs)}
    given = "".join(
        f", {name}={value!r}" for name, value in [*wanted.items(), ("requires", more.get("requires"))] if value
    )
    code = APP_CODE.replace('version="1.0.0"', f'version="1.0.0"{given}').replace("\n\napp =", f"\n{top}\n\napp =")
    code += "".join(f"    {line}\n" for line in body.splitlines())
    permissions = {name: value for name, value in wanted.items() if value}
    return Item({**APP, "permissions": permissions, **more}, {"app.py": code, **(files or {})})


def actions(*changes: dict[str, Any]) -> Item:
    """An app with the usual action and these."""
    more = [
        {**ACTION, "name": "ban ip", "function": "f", "type": "contain", "read_only": False, **change}
        for change in changes
    ]
    code = APP_CODE + "\n\n@hookimpl\ndef repertory_actions(register): ...\n"
    return Item({**APP, "actions": [ACTION, *more]}, {"app.py": code})


def playbook(body: str = "", *, top: str = "", files: Files | None = None, **more: Any) -> Item:
    """A playbook whose function ends with this body."""
    code = PLAYBOOK_CODE.replace("\n\n@playbook", f"\n{top}\n\n@playbook", 1)
    code += "".join(f"    {line}\n" for line in body.splitlines())
    return Item({**PLAYBOOK, **more}, {"playbook.py": code, **(files or {})})


LOCK = f"requests==2.32.0 --hash=sha256:{'0' * 64}\n"
UNBLOCK = {"name": "unban ip", "function": "g", "type": "correct", "idempotent": True}
ZERO_WIDTH, OVERRIDE, FULL_WIDTH = "\u200b", "\u202e", "\uff45val"
KEY = "AKIA" + "QWERTYUIOPASDFGH"
SECRET: Any = [{"name": "feed", "schema": {"type": "string"}, "description": "A file", "secret": True}]
BASE64 = "import base64\nexec(base64.b64decode('cHJpbnQoMSk='))"

CASES: list[tuple[str, Item, Item]] = [
    ("main-file", Item({**APP, "main": "other.py"}, {"app.py": APP_CODE}), app()),
    ("manifest-syntax", Item(APP, {"app.json": "{"}), app()),
    ("manifest-form", Item({**APP, "concurrency": 0}, {"app.py": APP_CODE}), app(concurrency=4)),
    ("repeated-name", actions({}, {}), actions({})),
    ("default", actions({"parameters": [{"name": "n", "schema": {"type": "integer"}, "default": "x"}]}),
     actions({"parameters": [{"name": "n", "schema": {"type": "integer"}, "default": 1}]})),
    ("inner-manifest", app(files={"deep/app.json": "{}"}), app(files={"deep/other.json": "{}"})),
    ("two-manifests", app(files={"playbook.json": "{}"}), app()),
    ("python-syntax", app(files={"other.py": "def ("}), app(files={"other.py": "def f(): ..."})),
    ("code-manifest", app(version="2.0.0"), app()),
    ("sdk-name", app(files={"more.py": "from repertory_sdk import Evnet"}), app(files={"more.py": "from repertory_sdk import Event"})),
    # contradictions
    ("action-flags", actions({"read_only": True}), actions({})),
    ("action-link", actions({"check": "look"}), actions({"check": "ip reputation"})),
    ("action-link", actions({"undo": "unban ip"}), actions({"undo": "unban ip"}, UNBLOCK)),
    ("action-link", actions({"undo": "ip reputation"}), actions({"undo": "unban ip"}, UNBLOCK)),
    ("action-link", actions({"undo": "ban ip", "idempotent": True}), actions({"undo": "ban ip", "idempotent": False})),
    ("action-link", actions({"check": "unban ip"}, UNBLOCK), actions({"check": "ip reputation"}, UNBLOCK)),
    ("action-undo", actions({"undo": "unban ip"}, {**UNBLOCK, "parameters": [{"name": "rule", "schema": {"type": "string"}}]}),
     actions({"undo": "unban ip"}, {**UNBLOCK, "parameters": [{"name": "rule", "schema": {"type": "string"}, "required": False}]})),
    ("action-repeat", actions({"name": "get x", "type": "generic", "read_only": True, "idempotent": False}),
     actions({"name": "get x", "type": "generic", "read_only": True, "idempotent": True})),
    ("action-repeat", actions({"name": "get x", "type": "generic", "read_only": True, "undo": "unban ip"}, UNBLOCK),
     actions({"name": "get x", "type": "generic", "read_only": True}, UNBLOCK)),
    ("action-test", actions({"name": "probe", "type": "test", "read_only": True}),
     actions({"name": "probe", "type": "test", "read_only": True, "parameters": []})),
    ("action-test", actions({"name": "probe", "type": "test", "parameters": []}), actions({"name": "probe", "type": "generic"})),
    ("action-verb", actions({"name": "disable user", "type": "investigate", "read_only": True}),
     actions({"name": "list disabled users", "type": "investigate", "read_only": True})),
    ("action-vocabulary", actions({"name": "get user", "type": "investigate", "read_only": True, "idempotent": True}),
     actions({"name": "get shoes", "type": "investigate", "read_only": True, "idempotent": True})),
    # reach of apps
    ("undeclared-network", app("import socket\nsocket.create_connection(('a', 1))"), app("import socket\nraise socket.timeout")),
    ("undeclared-network", app("get('x')", top="from urllib.request import urlopen as get"),
     app("get('x')", top="from urllib.request import urlopen as get", hosts=["example.org:443"])),
    ("undeclared-network", app("getattr(__import__('socket'), 'socket')()"), app("import socket\nreturn socket.AF_INET")),
    ("undeclared-network", app("client.ask()", files={"client.py": "import http.client\ndef ask(): http.client.HTTPConnection('x')\n"}),
     app("client.ask()", files={"client.py": "import http\ndef ask(): return http.HTTPStatus.OK\n"})),
    ("undeclared-network", app("import test_x", files={"test_x.py": "import socket\nsocket.socket()\n"}),
     app(files={"test_x.py": "import socket\nsocket.socket()\n"})),
    ("undeclared-host", app("import urllib.request\nurllib.request.urlopen('https://evil.example/x')", hosts=["example.org:443"]),
     app("import urllib.request\nurllib.request.urlopen('https://api.example.org/x')", hosts=["*.example.org:443"])),
    ("undeclared-program", app("import os\nos.system('id')"), app("import os\nreturn os.sep")),
    ("undeclared-program", app("import subprocess\nsubprocess.run(['curl'])", programs=["nmap"]),
     app("import subprocess\nsubprocess.run(['/usr/bin/nmap'])", programs=["nmap"])),
    ("undeclared-file", app("open('/etc/passwd')"), app("open('/etc/passwd')", reads=["/etc/passwd"])),
    ("undeclared-file", app("from pathlib import Path\nPath('~/.ssh/id_rsa').expanduser().read_text()"),
     app("from pathlib import Path\nPath('data/list').read_text()")),
    ("writes-outside", app("open('/etc/cron.d/x', 'w')"), app("open('/tmp/x', 'w')")),
    ("writes-outside", app("import shutil\nshutil.rmtree('/home')"), app("import shutil, tempfile\nshutil.rmtree(tempfile.mkdtemp())")),
    ("writes-outside", app("import pathlib\npathlib.Path('/etc/x').write_text('')", reads=["/etc/x"]),
     app("import pathlib\npathlib.Path('/etc/x').read_text()", reads=["/etc/x"])),
    ("dynamic-code", app("eval(ip)"), app("import ast\nast.literal_eval(ip)")),
    ("dynamic-code", app("import importlib\nimportlib.import_module(ip)"), app("import importlib\nimportlib.import_module('json')")),
    ("dynamic-code", app("import os\ngetattr(os, ip)"), app("getattr(lists, ip)")),
    ("hidden-code", app(BASE64), app("import base64\nbase64.b64decode('cHJpbnQoMSk=')")),
    ("hidden-code", playbook(BASE64), playbook("import base64\nbase64.b64decode('cHJpbnQoMSk=')")),
    ("unsafe-load", app("import pickle\npickle.loads(ip)"), app("import json\njson.loads(ip)")),
    ("unsafe-load", app("import yaml\nyaml.load(ip)"), app("import yaml\nyaml.load(ip, Loader=yaml.SafeLoader)")),
    ("native-code", app("import ctypes\nctypes.CDLL('x')"), app("import struct\nstruct.pack('x')")),
    ("environment", app("import os\nos.environ['HOME']"), app("import os\nos.path.join('a', 'b')")),
    # secrets
    ("secret-in-code", app(f"key = '{KEY}'"), app("key = 'AKIAEXAMPLEEXAMPLE77'")),
    ("secret-in-code", app(files={"notes.md": "ghp_" + "a1B2c3D4e5" * 4}), app(files={"notes.md": "ghp_..."})),
    ("secret-in-code", app("api_key = 'q7Zr2LkV9xTn4WbY6sDf8GhJ'"), app("digest = 'q7Zr2LkV9xTn4WbY6sDf8GhJ'")),
    ("secret-in-code", app("call(token='q7Zr2LkV9xTn4WbY6sDf8GhJ')"), app("call(token='https://login.example.org/oauth2')")),
    ("secret-shown", app("print(f'with {lists.feed}')", settings=SECRET), app("print('with', len(lists.feed))", settings=SECRET)),
    ("secret-shown", app("raise ActionFailed('bad ' + lists.feed)", top="from repertory_sdk import ActionFailed", settings=SECRET),
     app("raise ActionFailed('bad feed')", top="from repertory_sdk import ActionFailed", settings=SECRET)),
    # playbooks
    ("playbook-reach", playbook("import requests\nrequests.get('x')"), playbook("from urllib.parse import quote\nquote('x')")),
    ("playbook-reach", playbook("import subprocess as s\ns.run('id')"), playbook("import shlex\nshlex.split('id')")),
    ("playbook-reach", playbook("open('x')"), playbook("play.attach('x', b'')")),
    ("playbook-reach", playbook("from pathlib import Path\nPath('x').exists()"), playbook("from pathlib import Path\nPath('x').suffix")),
    ("playbook-chance", playbook("from datetime import datetime\ndatetime.now()"),
     playbook("from datetime import datetime\ndatetime.fromtimestamp(0)")),
    ("playbook-chance", playbook("import random\nrandom.choice([1])"), playbook("import random\nrandom.Random(7)")),
    ("playbook-sleep", playbook("import time\ntime.sleep(1)"), playbook("play.sleep(1)")),
    ("playbook-input", playbook("input()"), playbook("play.ask('?')")),
    ("playbook-threads", playbook("import threading\nthreading.Thread()"), playbook("play.parallel(lambda: 1)")),
    ("import-effect", playbook(top="prepare()"), playbook(top="LOG = logging.getLogger(__name__)\nlogging.captureWarnings(True)\nimport logging")),
    ("import-effect", playbook(top="X = open('x')"), playbook(top="X = re.compile('x')\nif __name__ == '__main__':\n    prepare()")),
    ("module-state", playbook("SEEN.append(1)", top="SEEN = []"), playbook("SEEN = []\nSEEN.append(1)", top="SEEN = []")),
    ("module-state", playbook("global COUNT\nCOUNT = 1", top="COUNT = 0"), playbook("count = COUNT", top="COUNT = 0")),
    ("endless-loop", playbook("while True:\n    pass"), playbook("while True:\n    play.sleep(1)")),
    ("endless-loop", playbook("while 1:\n    play.log('x')"), playbook("while 1:\n    if play:\n        break")),
    # requirements
    ("requirement", app(requires=["x @ https://example.org/x.whl"]), app()),
    ("requirements-lock", app(requires=["requests>=2"]), app(requires=["requests>=2"], files={"requirements.lock": LOCK})),
    ("requirement-unbounded", app(requires=["requests"], files={"requirements.lock": LOCK}),
     app(requires=["requests>=2"], files={"requirements.lock": LOCK})),
    ("requirement-source", app(files={"requirements.txt": "--index-url https://example.org/\nrequests\n"}),
     app(files={"requirements.txt": "requests>=2  # see https://example.org\n"})),
    ("import-unrequired", app("import bs4"), app("import bs4", requires=["beautifulsoup4>=4"], files={"requirements.lock": LOCK})),
    ("import-unrequired", playbook("import pandas"), playbook("try:\n    import pandas\nexcept ImportError:\n    pass")),
    # files
    ("archive", app(files={"x.zip": b"PK"}), app(files={"x.csv": "a,b\n"})),
    ("compiled-code", app(files={"x.so": b"\x7fELF"}), app(files={"x.dat": b"\0"})),
    ("compiled-code", app(files={"x.dat": b"\x7fELF\0"}), app(files={"x.dat": b"\x7fEL\0"})),
    ("confusing-name", app(files={"x.py": f"{FULL_WIDTH}('1')\n"}), app(files={"x.py": f"text = '{FULL_WIDTH}'\n"})),
    ("confusing-name", app(files={"x.py": "p\u0430ss_ = 1\n"}), app(files={"x.py": "größe = 1\n"})),
    ("encoding", app(files={"x.py": "# -*- coding: utf-7 -*-\n"}), app(files={"x.py": "# -*- coding: utf-8 -*-\n"})),
    ("encoding", app(files={"x.py": b"# \xff\n"}), app(files={"x.py": "# ÿ\n"})),
    ("hidden-file", app(files={".secret": "x"}), app(files={".gitignore": "x"})),
    ("invisible-character", app(files={"x.py": f"# {OVERRIDE}\n"}), app(files={"x.py": "# → 👨\u200d👩\u200d👧\n"})),
    ("invisible-character", app(files={"x.py": f"# {ZERO_WIDTH}\n"}), app(files={"x.py": "\ufeff# mark\n"})),
    ("large-file", app(files={"x.csv": b"x" * 1_000_001}), app(files={"x.csv": b"x" * 1_000_000})),
    ("lfs-pointer", app(files={"x.csv": "version https://git-lfs.github.com/spec/v1\noid sha256:0\n"}), app(files={"x.csv": "version,x\n"})),
    ("license-missing", Item({**APP, "license": ""}, {"app.py": APP_CODE}), Item({**APP, "license": ""}, {"app.py": APP_CODE, "LICENSE": "x"})),
    ("line-endings", app(files={"x.py": b"x = 1 # a\rimport os\n"}), app(files={"x.py": b"x = 1\r\ny = 1\r\n"})),
    ("line-endings", app(files={"x.py": b"x = 1\r\ny = 1\n"}), app(files={"x.py": b"x = 1\ny = 1\n"})),
    ("merge-marker", app(files={"x.md": "<<<<<<< ours\na\n=======\nb\n>>>>>>> theirs\n"}), app(files={"x.md": "Title\n=======\n"})),
    ("readme-missing", app(files={"README.md": None}), app()),  # type: ignore[dict-item]
    ("script", app(files={"x.sh": "id\n"}), app(files={"x.txt": "id\n"})),
    ("shadowing", app(files={"json.py": "x = 1\n"}), app(files={"deep/json.py": "x = 1\n"})),
    ("shadowing", app(files={"repertory_sdk/__init__.py": "x = 1\n"}), app(files={"repertory_like.py": "x = 1\n"})),
    ("startup-file", app(files={"x.pth": "import os\n"}), app(files={"x.path": "import os\n"})),
    ("startup-file", app(files={"sitecustomize.py": "x = 1\n"}), app(files={"customize.py": "x = 1\n"})),
]  # fmt: skip

# Rules about more than one item, or about the tree.
ELSEWHERE = {
    "classic-sdk": "test_classic_items",
    "classic-manifest": "test_classic_items",
    "checks-configuration": "test_checks_selection",
    "item-name": "test_repositories",
    "left-out": "test_checks_manifests",
    "need-child": "test_checks_needs",
    "need-offered": "test_checks_needs",
    "need-parameter": "test_checks_needs",
    "need-path": "test_checks_needs",
    "python2-only": "test_classic_items",
    "refused": "test_checks_manifests",
}


def issues_of(folder: Path, item: Item) -> list[Issue]:
    folder.mkdir()
    item.write(folder)
    return inspect_folder(folder).all_issues


@pytest.mark.parametrize(
    ("rule", "bad", "good"), CASES, ids=[f"{index}-{rule}" for index, (rule, _, _) in enumerate(CASES)]
)
def test_rule(tmp_path: Path, rule: str, bad: Item, good: Item) -> None:
    found = [issue for issue in issues_of(tmp_path / "bad", bad) if issue.rule == rule]
    assert found
    assert all(issue.message and not issue.message.endswith(".") for issue in found)
    assert [issue for issue in issues_of(tmp_path / "good", good) if issue.rule == rule] == []


def test_every_rule_has_a_case() -> None:
    assert {rule for rule, _, _ in CASES} | set(ELSEWHERE) == {rule.id for rule in RULES}
    for rule, module in ELSEWHERE.items():
        assert f'"{rule}"' in (Path(__file__).parent / f"{module}.py").read_text("utf-8")


def test_clean_items_are_quiet(tmp_path: Path) -> None:
    assert issues_of(tmp_path / "app", app()) == []
    assert issues_of(tmp_path / "playbook", playbook()) == []
    assert issues_of(tmp_path / "more", actions({"undo": "unban ip", "check": "ip reputation"}, UNBLOCK)) == []


# -------------------------------------------------------------- the table


def used_rules() -> set[str]:
    """Every text that the code of the checks gives as a rule."""
    found: set[str] = set()
    for path in sorted(Path(repertory.content.__path__[0]).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                called = getattr(node.func, "id", "")
                given = [word.value for word in node.keywords if word.arg == "rule"]
                given += node.args[:1] if called == "finding" else []
                given += node.args[1:2] if called == "Contradiction" else []
                found |= {one.value for one in given if isinstance(one, ast.Constant)}
    return found


def test_the_table_lists_every_rule_once() -> None:
    ids = [rule.id for rule in RULES]
    assert len(ids) == len(set(ids))
    assert used_rules() <= set(ids)
    assert {"refused", "undeclared-network", "action-flags", "manifest-form"} <= used_rules()


def test_the_table_reads_well() -> None:
    groups = list(dict.fromkeys(rule.group for rule in RULES))
    assert [rule.group for rule in sorted(RULES, key=lambda rule: groups.index(rule.group))] == [
        rule.group for rule in RULES
    ]
    for group in groups:
        members = [rule.id for rule in RULES if rule.group == group]
        assert members == sorted(members)
    assert not set(groups) & {rule.id for rule in RULES}
    for rule in RULES:
        assert rule.sentence.endswith(".") and rule.sentence[0].isupper() | rule.sentence.startswith("`")
        assert f"| `{rule.id}` | {rule.severity} | {rule.sentence} |" in rules_page()


def test_no_issue_is_graver_than_its_rule(tmp_path: Path) -> None:
    gravest = {rule.id: rule.severity for rule in RULES}
    for index, (_, bad, _) in enumerate(CASES):
        for issue in issues_of(tmp_path / str(index), bad):
            assert issue.severity == "warning" or gravest[issue.rule] == "error", issue
