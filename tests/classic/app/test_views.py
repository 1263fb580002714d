"""Widgets that connectors draw: their functions, Django's real templates, and what goes wrong in them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Start

CONNECTOR = '''
class LampConnector(BaseConnector):
    def __init__(self):
        raise RuntimeError("nobody needs the connector to look at results")
'''
VIEWS = '''
def table(provides, all_app_runs, context):
    context["results"] = [
        {"street": result.get_param()["street"], "data": result.get_data(), "good": result.get_status(), "said": result.get_message(), "id": result.id}
        for summary, results in all_app_runs for result in results
    ]
    context["counted"] = all_app_runs[0][0]
    return "lamps.html"


def ready(provides, all_app_runs, context):
    context["prerender"] = True
    return "<p>" + provides + "</p>"


def nothing(provides, all_app_runs, context):
    return None


def missing(provides, all_app_runs, context):
    return "not_there.html"


def broken(provides, all_app_runs, context):
    return all_app_runs[0][1][0].get_data()[5]


def leaves(provides, all_app_runs, context):
    raise SystemExit(3)


def mistaken(provides, all_app_runs, context):
    return "views/mistaken.html"
'''
LAMPS = """{% extends 'widgets/widget_template.html' %}{% load custom_template %}{% load humanize %}
{% block title1 %}{{ title1 }} of {{ title2 }}{% endblock %}
{% block widget_content %}{{ counted.total_objects_successful }} of {{ counted.total_objects }} in {{ container.id }}={{ container }}
{% for one in results %}<b>{{ one.street|upper }}</b> {{ one.good }} {{ one.said }} {{ one.id }}
{% for row in one.data %}[{{ row|by_key:"bulb type" }}|{{ row.watts|safe_intcomma }}|{{ row.since|human_datetime }}|{{ row }}]{% endfor %}
{% endfor %}{% endblock %}"""
ELM = {
    "status": "success", "message": "bright", "parameter": {"street": "Elm"}, "summary": {},
    "data": [{"bulb type": "<led>", "watts": 1200, "since": "2021-03-04T05:06:07Z"}, {"value": ["a", "b"]}],
}  # fmt: skip
ASH = {"status": "failed", "message": "dark", "parameter": {"street": "Ash"}, "data": [], "summary": {}}


def actions(*views: str) -> list[dict[str, Any]]:
    shown = {"identifier": "x", "type": "generic", "parameters": {}, "output": []}
    return [{**shown, "action": f"Look  {view}", "render": {"type": "custom", "view": f"lamp_views.{view}"}} for view in views]


@pytest.fixture
def drawing(start: Start, django: Path) -> Any:
    """A process that draws."""
    views = ("table", "ready", "nothing", "missing", "broken", "leaves", "mistaken", "absent")
    files = {"lamp_views.py": VIEWS, "lamps.html": LAMPS, "views/mistaken.html": "{% if %}"}
    return start(CONNECTOR, purpose="views", path=django, files=files, actions={}, render_actions=actions(*views))


def test_a_view_chooses_and_its_template_draws(drawing: Any) -> None:
    html = drawing.view("look table", ELM, ASH)["html"]
    assert "look table of street" in html
    assert "1 of 2 in 7=7" in html
    assert "<b>ELM</b> True bright 1" in html
    assert "<b>ASH</b> False dark 2" in html
    assert "[&lt;led&gt;|1,200|Mar 04, 2021 at 05:06|" in html
    assert "[&#x27;a&#x27;, &#x27;b&#x27;]]" in html  # a row that was no record is none again


def test_a_view_may_bring_its_own_html(drawing: Any) -> None:
    assert drawing.view("look ready", ELM)["html"] == "<p>look ready</p>"


@pytest.mark.parametrize(
    ("view", "said"),
    [
        ("nothing", "the view names no template"),
        ("missing", "the app has no template not_there.html"),
        ("broken", "IndexError: list index out of range (lamp_views.py, line 25)"),
        ("leaves", "called exit(3) (lamp_views.py, line 29)"),
        ("mistaken", "Unexpected end of expression in if tag."),
        ("absent", "there is no function lamp_views.absent"),
        ("unknown", "the manifest names no view"),
    ],
)
def test_what_goes_wrong_is_one_sentence(drawing: Any, view: str, said: str) -> None:
    answer = drawing.view(f"look {view}", ELM)
    assert set(answer) == {"op", "id", "problem"}
    assert said in answer["problem"]
    assert "\n" not in answer["problem"]
    assert drawing.view("look ready", ELM)["html"]  # and the next one is drawn


def test_without_django_it_is_said(start: Start) -> None:
    child = start(CONNECTOR, purpose="views", files={"lamp_views.py": VIEWS, "lamps.html": LAMPS}, actions={}, render_actions=actions("table"))
    assert "Django is not in this app's environment" in child.view("look table", ELM)["problem"]
