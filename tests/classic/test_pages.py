"""Runs as pages: what connectors draw of their results, in a real home."""

from __future__ import annotations

import json
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from commands.user import User
from content.builders import Repository
from content.classic_content import MANIFEST

CONNECTOR = '''\
import phantom.app as phantom
from phantom.action_result import ActionResult
from phantom.base_connector import BaseConnector


class FeedsConnector(BaseConnector):
    def handle_action(self, param):
        result = self.add_action_result(ActionResult(dict(param)))
        if param["ip"] == "bad":
            return result.set_status(phantom.APP_ERROR, "no <address>")
        result.add_data({"verdict": "<script>alert(1)</script>", "ports": [{"number": 22}, {"number": 80}]})
        result.update_summary({"total": 1})
        return result.set_status(phantom.APP_SUCCESS)
'''
VIEWS = '''\
import os


def show(provides, all_app_runs, context):
    results = all_app_runs[0][1]
    context["verdict"] = results[0].get_data()[0]["verdict"]
    context["home"] = sorted(os.environ)
    return "feeds.html"


def fail(provides, all_app_runs, context):
    raise ValueError("no\\nview")


def sleep(provides, all_app_runs, context):
    os._exit(4)
'''
TEMPLATE = """{% extends 'widgets/widget_template.html' %}
{% block widget_content %}<img src=x onerror=alert(2)><b onclick="alert(3)">verdict {{ verdict }}</b>
<script>alert(4)</script>{{ verdict|safe }}<style>@import url(https://x.example/y); b { color: red }</style>{% endblock %}"""


def manifest() -> dict[str, Any]:
    """Actions with widgets of each kind."""
    base = {**MANIFEST["actions"][0], "parameters": {"ip": {"data_type": "string", "required": True}}}
    columns = [
        {"data_path": "action_result.data.*.ports.*.number", "data_type": "numeric", "column_name": "Ports", "column_order": 1},
        {"data_path": "action_result.parameter.ip", "data_type": "string", "column_name": "IP", "column_order": 0},
        {"data_path": "action_result.data.*.verdict", "data_type": "string"},
        {"data_path": "action_result.status", "data_type": "string", "column_name": "Status", "column_order": 2},
    ]
    renders = {
        "draw": {"type": "custom", "view": "feeds_views.show"}, "fail": {"type": "custom", "view": "feeds_views.fail"},
        "die": {"type": "custom", "view": "feeds_views.sleep"}, "tabulate": {"type": "table"}, "dump": {"type": "json"},
    }  # fmt: skip
    actions = [{**base, "action": name, "identifier": name, "render": render, "output": columns} for name, render in renders.items()]
    return {**MANIFEST, "actions": actions, "configuration": {}, "package_name": "phantom_feeds"}


@pytest.fixture
def analyst(newcomer: User, tmp_path: Path) -> User:
    """Has a connector that draws, and an asset."""
    files = {
        "feeds/feeds.json": json.dumps(manifest()), "feeds/feeds_connector.py": CONNECTOR, "feeds/feeds_views.py": VIEWS,
        "feeds/feeds.html": TEMPLATE,
    }  # fmt: skip
    repository = Repository(tmp_path / "classic").write(files)
    repository.commit()
    newcomer.done("repo", "add", "phantom", str(repository.path), "--sync")
    (newcomer.home / "config.toml").write_text('install.allow = "anything"\n')
    newcomer.done("install", "phantom/feeds", "--yes")
    newcomer.done("asset", "add", "feeds", "phantom/feeds")
    return newcomer


def page_of(analyst: User, action: str, ip: str = "192.0.2.1") -> str:
    """The page of a run of one action."""
    run = analyst("act", "phantom/feeds", action, f"ip={ip}", "--json").json["run"]
    told = analyst.done("show", run, "--html", "run.html")
    assert (told.out, "run.html" in told.err) == ("", True)
    return (analyst.folder / "run.html").read_text()


def frame_in(page: str) -> str:
    """What stands in the one frame of a page."""
    before, _, after = page.partition('<iframe sandbox srcdoc="')
    assert "<iframe" not in before
    inside, _, rest = after.partition('"')
    assert "<iframe" not in rest
    return unescape(inside)


def test_what_a_view_draws_stands_in_a_frame_where_nothing_acts(analyst: User, django: Path) -> None:
    page = page_of(analyst, "draw")
    policy = "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">"
    frame = frame_in(page)
    assert policy in page.partition("<iframe")[0]
    assert policy in frame
    assert "<b>verdict &lt;script&gt;alert(1)&lt;/script&gt;</b>" in frame
    assert "b { color: red }" in frame
    for text in (page, frame):
        assert not any(bad in text for bad in ("<script", "onerror", "onclick", "x.example", "alert(4)"))


def test_columns_that_are_declared_are_a_table(analyst: User) -> None:
    page = page_of(analyst, "tabulate")
    assert "<table><tr><th>IP</th><th>Ports</th><th>Status</th></tr><tr><td>192.0.2.1</td><td>22, 80</td><td>success</td></tr></table>" in page


def test_a_result_without_data_is_a_line_too(analyst: User) -> None:
    page = page_of(analyst, "tabulate", "bad")
    assert "<tr><td>bad</td><td></td><td>failed</td></tr>" in page
    assert "<p>no &lt;address&gt;</p>" in page


def test_json_is_shown_as_it_is(analyst: User) -> None:
    assert "&quot;verdict&quot;: &quot;&lt;script&gt;alert(1)&lt;/script&gt;&quot;" in page_of(analyst, "dump")


@pytest.mark.parametrize(("action", "said"), [("fail", "ValueError: no view (feeds_views.py, line 12)"), ("die", "exit status 4")])
def test_a_view_that_fails_is_a_sentence_above_the_table(analyst: User, django: Path, action: str, said: str) -> None:
    page = page_of(analyst, action)
    assert said in page
    assert "Traceback" not in page
    assert "<td>22, 80</td>" in page


def test_programs_are_told_the_record_as_ever(analyst: User) -> None:
    run = analyst("act", "phantom/feeds", "dump", "ip=192.0.2.1", "--json").json["run"]
    assert analyst.asked("show", run, "--html", "run.html") == analyst.asked("show", run)
    assert (analyst.folder / "run.html").exists()


def test_a_page_that_cannot_be_written_is_a_mistake(analyst: User) -> None:
    run = analyst("act", "phantom/feeds", "dump", "ip=192.0.2.1", "--json").json["run"]
    assert "cannot be written: No such file" in analyst.refused("show", run, "--html", "no/such/run.html")
