"""Django's template language, as far as widgets need it: the real engine, with the base that they extend and their library.

The engine is part of the environments of apps that have views, and of no other process.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from typing import Any, Dict

Plain = Dict[str, Any]

_BASE = """<div class="widget">
<div class="widget-title" {% block custom_title_prop %}{% endblock %}>
<h3>{% block title1 %}{{ title1 }}{% endblock %}</h3><h4>{% block title2 %}{{ title2 }}{% endblock %}</h4>
{% block custom_tools %}{% endblock %}
</div>
<div class="widget-content" style="
color: {% block body_text_color %}{% endblock %}; background-color: {% block body_color %}{% endblock %}">
{% block widget_content %}{% endblock %}
</div></div>
"""
_BASES = ("widgets/widget_template.html", "base/logo_header.html")
_LIBRARIES = {
    "custom_template": "repertory_classic.app.custom_template",
    "humanize": "django.contrib.humanize.templatetags.humanize",
    "i18n": "django.templatetags.i18n",
    "l10n": "django.templatetags.l10n",
    "static": "django.templatetags.static",
    "tz": "django.templatetags.tz",
}


class CannotDraw(Exception):
    """The template language is not there, or the template is not."""


def drawn(folder: str, name: str, context: Plain) -> str:
    """The HTML of a template in an app's folder. Raises CannotDraw, and whatever the template's mistakes raise."""
    if importlib.util.find_spec("django.template") is None:
        raise CannotDraw("Django is not in this app's environment; it is once the app has been installed again")
    template: Any = importlib.import_module("django.template")
    if not any(os.path.isfile(os.path.join(place, name)) for place in _places(folder)):
        raise CannotDraw(f"the app has no template {name}")
    engine = template.Engine(
        loaders=[
            ("django.template.loaders.locmem.Loader", {base: _BASE for base in _BASES}),
            ("django.template.loaders.filesystem.Loader", _places(folder)),
        ],
        libraries=_LIBRARIES,
    )
    return str(engine.get_template(name).render(template.Context(context)))


def _places(folder: str) -> "list[str]":
    return [folder, os.path.join(folder, "templates")]
