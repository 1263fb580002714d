"""Messages and cards in a channel or chat of Microsoft Teams, by the webhook of a workflow."""

from __future__ import annotations

import functools
import json
from typing import Any, Dict, List, Literal, Optional

from repertory_sdk import ActionFailed, App, Secret, indicators, output, param, setting
from repertory_sdk.http import Http, HttpAsset

app = App(
    "teams",
    version="1.0.0",
    product="Microsoft Teams",
    vendor="Microsoft",
    summary=__doc__,
    requires=["requests>=2.31"],
    hosts=["${asset.url}", "${asset.proxy}"],
    files=["${asset.ca_file}"],
)

LIMIT = 28 * 1024
COLOURS = {"low": "good", "medium": "accent", "high": "warning", "critical": "attention"}
Severity = Literal["low", "medium", "high", "critical"]


@app.asset
class Workflow(HttpAsset):
    """A workflow that posts what its webhook is given; its URL has two parts, because the second is a secret."""

    url: str = setting("First part of the webhook's URL, such as https://prod-01.westeurope.logic.azure.com:443")
    webhook: Secret = setting("The rest of it, from the first / after the host to its end")

    @functools.cached_property
    def api(self) -> Http:
        """Where it takes messages."""
        return Http("Microsoft Teams", self, secrets=[self.path, *self.path.split("?")])

    @property
    def path(self) -> str:
        """The secret part, with one slash before it."""
        return f"/{self.webhook.lstrip('/')}"


@app.result
class Sent:
    """What became of a message."""

    sent: bool = output("Whether the workflow took it; it posts a moment later, and does not tell")
    size: int = output("Bytes of what was sent; Teams takes at most 28672")


def plain(text: str) -> str:
    """Without links that hide where they lead: what comes from an alert stays what it says."""
    return text.replace("](", "] (").replace("\0", "")


def _block(text: str, **look: Any) -> Dict[str, Any]:
    return {"type": "TextBlock", "text": plain(text), "wrap": True, **look}


def _card(body: List[Dict[str, Any]], link: Optional[str]) -> Dict[str, Any]:
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
    }
    actions = [{"type": "Action.OpenUrl", "title": "Open", "url": indicators.url(link)}] if link else []
    return {**card, **({"actions": actions} if actions else {}), "msteams": {"width": "Full"}}


def _send(workflow: Workflow, card: Dict[str, Any]) -> Sent:
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    body = json.dumps({"type": "message", "attachments": [attachment]}, ensure_ascii=False).encode("utf-8", "replace")
    if len(body) > LIMIT:
        raise ActionFailed(
            f"Microsoft Teams takes at most {LIMIT:,} bytes and this has {len(body):,}; say less, or give a link to it"
        )
    answer = workflow.api.post(workflow.path, data=body, headers={"Content-Type": "application/json; charset=utf-8"})
    said = workflow.api.without_secrets(" ".join(answer.text.split())[:150])
    if "failed" in said.lower() or "error" in said.lower():
        raise ActionFailed(f"Microsoft Teams did not deliver the message ({said}); look at the history of the workflow")
    return Sent(sent=True, size=len(body))


@app.test
def connectivity(workflow: Workflow) -> str:
    """Asks the webhook without sending: it is seen that it answers, not that it would post."""
    answer = workflow.api.get(workflow.path, accept=(400, 405, 502))
    return f"the webhook answers (with {answer.status}, because nothing was sent)"


@app.action("send message", type="generic")
def send_message(
    workflow: Workflow,
    message: str = param("What to say"),
    title: str = param("Title above it", default=""),
    severity: Optional[Severity] = param("Colours the title", default=None),
    link: Optional[str] = param("Where the button below leads", default=None, contains="url"),
    to: str = param("Whom it concerns; stands before the message", default=""),
) -> Sent:
    """Tell a channel something. Doing it twice says it twice."""
    if not message.strip():
        raise ActionFailed("Microsoft Teams takes no empty message; say something")
    said = f"{to}: {message}" if to else message
    lines = [_block(line) for line in said.splitlines() if line.strip()]
    return _send(workflow, _card([*_title(title, severity), *lines], link))


def _title(title: str, severity: Optional[str]) -> List[Dict[str, Any]]:
    look = {"color": COLOURS[severity]} if severity else {}
    return [_block(title, size="large", weight="bolder", **look)] if title.strip() else []


@app.action("send facts", type="generic")
def send_facts(
    workflow: Workflow,
    title: str = param("Title above them"),
    facts: Dict[str, Any] = param("Values by their names, in the order in which they are shown"),
    message: str = param("What to say above them", default=""),
    severity: Optional[Severity] = param("Colours the title", default=None),
    link: Optional[str] = param("Where the button below leads", default=None, contains="url"),
) -> Sent:
    """Tell a channel names and values, as a table of two columns. Doing it twice says it twice."""
    if not facts:
        raise ActionFailed("Microsoft Teams: there are no facts to tell; give some, or use 'send message'")
    rows = [{"title": plain(str(name)), "value": plain(_shown(value))} for name, value in facts.items()]
    above = [_block(line) for line in message.splitlines() if line.strip()]
    return _send(workflow, _card([*_title(title, severity), *above, {"type": "FactSet", "facts": rows}], link))


def _shown(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


@app.action("send card", type="generic")
def send_card(workflow: Workflow, card: Dict[str, Any] = param("An Adaptive Card of your own, up to version 1.5")) -> Sent:
    """Send an Adaptive Card as it is. Doing it twice sends two."""
    if card.get("type") != "AdaptiveCard" or not isinstance(card.get("body"), list):
        raise ActionFailed('Microsoft Teams takes Adaptive Cards; give an object with type "AdaptiveCard", version and body')
    return _send(workflow, card)
