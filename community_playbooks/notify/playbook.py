"""Tell people: a message to a channel, and a ticket where it is asked for."""

from __future__ import annotations

from typing import Any, Dict

from repertory_sdk import Event, Play, param, playbook


@playbook(version="1.0.0")
def notify(
    event: Event,
    play: Play,
    *,
    message: str = param("What to tell, in a line"),
    details: str = param("All that is to be said, as Markdown", default=""),
    to: str = param("Channel or people; what the apps are configured with, if empty", default=""),
    ticket: bool = param("Whether to open a ticket, too", default=False),
) -> Dict[str, Any]:
    opened = play.act("create ticket", summary=message, description=details or message, optional=True) if ticket else None
    tickets = opened.rows("ticket", "url", "asset") if opened is not None else []
    links = "".join(f" ({number}: {url})" for number, url, _ in tickets)
    sent = play.act("send message", message=f"{message}{links}", to=to, optional=True)

    failed = [result.message for results in (opened, sent) if results is not None for result in results.failed]
    if failed:
        play.note("Not everybody could be told", "\n".join(f"- {line}" for line in failed))
    return {"tickets": tickets, "told": len(sent.succeeded), "failed": failed}
