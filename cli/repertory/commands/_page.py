"""A run as one page of HTML: what each action found, as its app wants it shown.

What apps draw stands in frames in which nothing can act, and the page itself loads nothing.
"""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING

from repertory.commands._output import timestamp
from repertory.commands._runview import groups, headline, standing, status_of
from repertory.errors import UserError
from repertory.items import Installed
from repertory.runtime.views.drawing import Artist, Drawn
from repertory.runtime.views.widgets import Render, Table, as_json, declared_table, plain_table, render_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from repertory.commands._runview import RunRecord
    from repertory.runtime.execution.library import Library
    from repertory.runtime.kept.runs import Step
    from repertory.runtime.records import Call

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_HEAD = (
    '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
    f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}"><meta name="referrer" content="no-referrer">'
)
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; color: #1c2430; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.05rem; margin: 2rem 0 .3rem; } .dim { color: #667; }
table { border-collapse: collapse; font-size: .9rem; } th { background: #f2f4f7; }
td, th { border: 1px solid #d5d9e0; padding: .25rem .6rem; text-align: left; vertical-align: top; overflow-wrap: anywhere; }
pre { background: #f2f4f7; padding: .6rem; overflow: auto; max-height: 40rem; white-space: pre-wrap; }
iframe { width: 100%; height: 24rem; border: 1px solid #d5d9e0; resize: vertical; }
.succeeded { color: #17703c; } .failed, .in_doubt, .denied { color: #a3201d; }
"""
_INSIDE = (
    "body { font: 14px/1.5 system-ui, sans-serif; margin: .5rem; } table { border-collapse: collapse; } "
    "td, th { padding: .2rem .5rem; }"
)


def page_of(record: RunRecord, library: Library, artist: Artist) -> str:
    """The whole page."""
    title = escape(headline(record))
    parts = [f"{_HEAD}<title>{title}</title><style>{_STYLE}</style></head><body>", *_run(record, library, artist, "h1")]
    return "\n".join([*parts, "</body></html>\n"])


def _run(record: RunRecord, library: Library, artist: Artist, heading: str) -> Iterator[str]:
    run = record.run
    said, status = standing(run)
    yield f"<{heading}>{escape(headline(record))}</{heading}>"
    when = f'<span class="dim">run {run.id}, {timestamp(run.created_at)}</span>'
    yield f'<p><span class="{run.state}">{escape(status)}</span> {when}</p>'
    if said:
        yield f"<p>{escape(said)}</p>"
    for steps in groups(record.steps):
        yield from _action(steps, record, library, artist)
    for prompt in record.prompts:
        answer = "no answer" if prompt.answer is None else f"{prompt.answer} ({prompt.answered_by or 'nobody'})"
        yield f"<h2>{escape(prompt.question)}</h2><p>{escape(answer)}</p>"
    if run.outputs:
        yield f"<h2>Outputs</h2><pre>{escape(json.dumps(dict(run.outputs), indent=2, ensure_ascii=False))}</pre>"
    for note in record.notes:
        yield f"<h2>{escape(note.title)}</h2><pre>{escape(note.text)}</pre>"
    for child in record.children:
        yield from _run(child, library, artist, "h2")


def _action(steps: Sequence[Step], record: RunRecord, library: Library, artist: Artist) -> Iterator[str]:
    calls = [step.call for step in steps]
    first, status = calls[0], status_of(steps)
    yield f'<h2>{escape(first.action)} <span class="{status}">{status.replace("_", " ")}</span> '
    yield f'<span class="dim">{escape(first.app)} {escape(first.asset)}</span></h2>'
    for message in dict.fromkeys(call.message for call in calls if call.message):
        yield f"<p>{escape(message)}</p>"
    yield from _widget(calls, record, library, artist)


def _widget(calls: Sequence[Call], record: RunRecord, library: Library, artist: Artist) -> Iterator[str]:
    app, render = _render(calls[0], library)
    drawn = Drawn()
    if app is not None and render.view and any(call.is_settled for call in calls):
        drawn = artist.draw(app, calls, record.run.event)
    if drawn.html:
        inside = f"{_HEAD}<style>{_INSIDE}</style></head><body>{drawn.html}</body></html>"
        yield f'<iframe sandbox srcdoc="{escape(inside)}" title="{escape(calls[0].action)}"></iframe>'
        return
    if drawn.problem:
        yield f'<p class="dim">The view of this app shows nothing: {escape(drawn.problem)}</p>'
    if render.is_json:
        yield f"<pre>{escape(as_json(calls))}</pre>"
    else:
        yield _table(declared_table(render.columns, calls) if render.columns else plain_table(calls))


def _render(call: Call, library: Library) -> tuple[Installed | None, Render]:
    """The app as it was in the run, if it is still there, and what it says of the action."""
    try:
        app = library.pinned(call.app, call.app_hash)
        return app, render_of(app, call.action)
    except (UserError, OSError, ValueError, KeyError, TypeError):
        return None, Render()


def _table(table: Table) -> str:
    if not table.columns or not table.rows:
        return ""
    head = "".join(f"<th>{escape(title)}</th>" for title in table.columns)
    lines = ("".join(f"<td>{escape(cell)}</td>" for cell in row) for row in table.rows)
    return f"<table><tr>{head}</tr>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"
