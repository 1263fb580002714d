"""Alerts and incidents of PagerDuty, and who is on call."""

from __future__ import annotations

import functools
import json
import re
from typing import Any, Dict, List, Literal, Mapping, Optional
from urllib.parse import quote

from repertory_sdk import ActionFailed, App, Job, Output, Secret, indicators, output, param, setting
from repertory_sdk.http import Http, HttpAsset

app = App(
    "pagerduty",
    version="1.0.0",
    product="PagerDuty",
    vendor="PagerDuty Inc.",
    summary=__doc__,
    requires=["requests>=2.31"],
    hosts=["api.pagerduty.com:443", "events.pagerduty.com:443", "${asset.url}", "${asset.events_url}", "${asset.proxy}"],
    files=["${asset.ca_file}"],
)

SEVERITIES = {"critical": "critical", "high": "error", "medium": "warning", "low": "info"}
PAGE = 100
LIMIT = 512 * 1024
Severity = Literal["low", "medium", "high", "critical"]


class PagerDutyHttp(Http):
    """Its interfaces, with errors as PagerDuty words them."""

    def explained(self, status: int, request: str, text: str, headers: Mapping[str, str]) -> ActionFailed:
        """The sentence says that something is wrong, a list beside it says what."""
        return super().explained(status, request, _sentences(text) or text, headers)


def _sentences(text: str) -> str:
    try:
        body = json.loads(text)
    except ValueError:
        return ""
    error = body.get("error", body) if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return ""
    details = error.get("errors") if isinstance(error.get("errors"), list) else []
    return ", ".join([str(error.get("message") or ""), *map(str, details)]).strip(", ")


@app.asset
class Account(HttpAsset):
    """An account: a key for alerts, one for incidents, or both."""

    routing_key: Optional[Secret] = setting("Integration key (Events API v2) of the service that is alerted", default=None)
    token: Optional[Secret] = setting("REST API key, for incidents and who is on call", default=None)
    sender: Optional[str] = setting("Mail address of the account in whose name notes are written", default=None)
    url: str = setting("Where its REST API answers", default="https://api.pagerduty.com")
    events_url: str = setting("Where it takes alerts", default="https://events.pagerduty.com/v2")

    @functools.cached_property
    def api(self) -> Http:
        """Its REST interface."""
        if not self.token:
            raise ActionFailed("PagerDuty: the asset has no REST API key; set token")
        accept = "application/vnd.pagerduty+json;version=2"
        return PagerDutyHttp("PagerDuty", self, headers={"Authorization": f"Token token={self.token}", "Accept": accept})

    def pages(self, path: str, name: str, limit: int, **query: Any) -> List[Dict[str, Any]]:
        """Rows of a list, page by page."""
        found: List[Dict[str, Any]] = []
        while len(found) < limit:
            paging = {"limit": str(min(PAGE, limit - len(found))), "offset": str(len(found))}
            said = self.api.get(path, params={**query, **paging}).object()
            found += said.get(name) or []
            if not said.get("more") or not said.get(name):
                break
        return found[:limit]


@app.result
class Alert:
    """An alert that PagerDuty took; what it makes of it is decided by its rules, a moment later."""

    alert: str = output("Key by which alerts of the same thing are one (dedup_key)", contains="alert")
    accepted: bool = output("Whether it was taken")
    message: str = output("What PagerDuty said")


@app.result
class Incident:
    """An incident."""

    incident: str = output("Its identity", contains="incident")
    number: Optional[int] = output("Its number", default=None)
    alert: Optional[str] = output("Key of its alert", default=None, contains="alert")
    url: Optional[str] = output("Where people read it", default=None, contains="url")
    status: str = output("triggered, acknowledged or resolved")
    title: str = output("What it is about")
    urgency: Optional[str] = output("high or low", default=None)
    service: Optional[str] = output("Service it belongs to", default=None)
    owners: List[str] = output("Whom it is assigned to")
    created_at: Optional[str] = output("Since when, ISO 8601", default=None)


@app.result
class OnCall:
    """Somebody who is on call."""

    user: str = output("Name of the person")
    email: Optional[str] = output("Mail address", default=None, contains="email")
    level: int = output("1 is called first")
    policy: Optional[str] = output("Escalation policy", default=None)
    schedule: Optional[str] = output("Schedule; none where it is always this person", default=None)
    until: Optional[str] = output("Until when, ISO 8601", default=None)


@app.result
class Noted:
    """A note."""

    incident: str = output("Identity of the incident", contains="incident")
    note: str = output("Identity of the note")
    written: bool = output("False where the same note was there already")


def _enqueue(account: Account, action: str, key: str, more: Mapping[str, Any]) -> Alert:
    if not account.routing_key:
        raise ActionFailed("PagerDuty: the asset has no integration key; set routing_key")
    if not key.strip() or len(key) > 255 or not key.isprintable():
        raise ActionFailed("PagerDuty knows alerts by keys of 1 to 255 characters; give such an alert")
    body = {"routing_key": str(account.routing_key), "event_action": action, "dedup_key": key, **more}
    if len(json.dumps(body)) > LIMIT:
        raise ActionFailed("PagerDuty takes alerts of at most 512 KB; give fewer details")
    events = PagerDutyHttp("PagerDuty", account, account.events_url)
    said = events.post("/enqueue", json=body, repeatable=True).object()
    if said.get("status") != "success":
        raise ActionFailed(f"PagerDuty did not take the alert ({str(said.get('message'))[:150]}); check routing_key")
    return Alert(alert=str(said.get("dedup_key") or key), accepted=True, message=str(said.get("message") or ""))


@app.test
def connectivity(account: Account) -> str:
    """Asks for one incident; an integration key can only be tried by an alert, so it is only looked at."""
    if account.token:
        account.pages("/incidents", "incidents", 1)
        return "incidents can be read"
    if not account.routing_key or not re.fullmatch(r"[0-9a-zA-Z]{32}", account.routing_key):
        raise ActionFailed(
            "PagerDuty: routing_key is no key of 32 letters and digits; copy it from the integration of a service"
        )
    PagerDutyHttp("PagerDuty", account, account.events_url).get("/enqueue", accept=(400, 404, 405))
    return "it answers; whether the integration key is known only an alert can tell"


@app.action("create alert", type="generic", idempotent=True)
def create_alert(
    account: Account,
    job: Job,
    summary: str = param("What happened, in a line; it is read out on the telephone"),
    source: str = param("Machine or system it is about", default="repertory", contains="host name"),
    severity: Severity = param("How bad it is", default="high"),
    *,
    details: Dict[str, Any] = param("More to be shown, by names", default={}),
    link: Optional[str] = param("Where more is to be read", default=None, contains="url"),
    alert: Optional[str] = param("Key by which alerts of the same thing are one; a new one if not given", default=None),
) -> Alert:
    """Alert whoever is on call. A request that is repeated, or has the key of an open alert, adds to that one."""
    if not summary.strip():
        raise ActionFailed("PagerDuty wants an alert to say what happened; give a summary")
    payload = {"summary": " ".join(summary.split())[:1024], "source": source or "repertory", "severity": SEVERITIES[severity]}
    links = [{"href": indicators.url(link), "text": "more"}] if link else []
    more = {"payload": {**payload, "custom_details": details}, "client": "Repertory", "links": links}
    return _enqueue(account, "trigger", job.key if alert is None else alert, more)


@app.action("acknowledge alert", type="generic", idempotent=True)
def acknowledge_alert(account: Account, alert: str = param("Key of the alert", contains="alert")) -> Alert:
    """Say that somebody looks after it. Unknown alerts are taken too, and nothing comes of it."""
    return _enqueue(account, "acknowledge", alert, {})


@app.action("resolve alert", type="generic", idempotent=True)
def resolve_alert(account: Account, alert: str = param("Key of the alert", contains="alert")) -> Alert:
    """Say that it is over. Unknown alerts are taken too, and nothing comes of it."""
    return _enqueue(account, "resolve", alert, {})


@app.action("list incidents", type="investigate")
def list_incidents(
    account: Account,
    statuses: List[str] = param("Of these statuses", default=["triggered", "acknowledged"]),
    alert: Optional[str] = param("Only that of this alert", default=None, contains="alert"),
    limit: int = param("Most incidents", default=100, minimum=1, maximum=10_000),
) -> Output[Incident]:
    """Incidents, the newest first."""
    unknown = set(statuses) - {"triggered", "acknowledged", "resolved"}
    if unknown or not statuses:
        raise ActionFailed("PagerDuty has the statuses triggered, acknowledged and resolved; give some of them")
    query = {"statuses[]": statuses, "sort_by": "created_at:desc", **({"incident_key": alert} if alert else {})}
    found = [_incident(row) for row in account.pages("/incidents", "incidents", limit, **query)]
    return Output(found, summary={"incidents": len(found)})


def _incident(row: Dict[str, Any]) -> Incident:
    assigned = [(entry.get("assignee") or {}).get("summary") for entry in row.get("assignments") or ()]
    return Incident(
        incident=str(row.get("id") or ""),
        number=row.get("incident_number"),
        alert=row.get("incident_key"),
        url=row.get("html_url"),
        status=str(row.get("status") or ""),
        title=str(row.get("title") or row.get("summary") or ""),
        urgency=row.get("urgency"),
        service=(row.get("service") or {}).get("summary"),
        owners=[str(name) for name in assigned if name],
        created_at=row.get("created_at"),
    )


@app.action("get on call", type="investigate")
def get_on_call(
    account: Account,
    policy: Optional[str] = param("Only of this escalation policy, by name or identity", default=None),
    limit: int = param("Most people", default=100, minimum=1, maximum=10_000),
) -> Output[OnCall]:
    """Who is on call now, who is called first before the others."""
    rows = account.pages("/oncalls", "oncalls", 10_000, **{"include[]": "users"})
    wanted = (policy or "").strip().lower()
    rows = [row for row in rows if not wanted or wanted in _names(row.get("escalation_policy"))]
    found = sorted((_on_call(row) for row in rows), key=lambda one: (one.level, one.policy or "", one.user))[:limit]
    return Output(found, summary={"people": len({one.user for one in found})})


def _names(reference: Optional[Mapping[str, Any]]) -> List[str]:
    return [str((reference or {}).get(name)).lower() for name in ("id", "summary")]


def _on_call(row: Dict[str, Any]) -> OnCall:
    user = row.get("user") or {}
    return OnCall(
        user=str(user.get("name") or user.get("summary") or ""),
        email=user.get("email"),
        level=int(row.get("escalation_level") or 1),
        policy=(row.get("escalation_policy") or {}).get("summary"),
        schedule=(row.get("schedule") or {}).get("summary"),
        until=row.get("end"),
    )


@app.action("add note", type="generic", idempotent=True)
def add_note(
    account: Account,
    incident: str = param("Identity of the incident", contains="incident"),
    note: str = param("What to write"),
) -> Noted:
    """Write a note below an incident; the same note is written once."""
    if not account.sender:
        raise ActionFailed("PagerDuty: notes are written in somebody's name; set sender to the mail address of an account")
    if not re.fullmatch(r"[A-Za-z0-9]{1,40}", incident.strip()):
        raise ActionFailed(f"{incident[:60]!r} is no incident of PagerDuty; give its identity, such as PT4KHLK")
    if not note.strip():
        raise ActionFailed("PagerDuty takes no empty note; give one")
    path = f"/incidents/{quote(incident.strip())}/notes"
    notes = account.api.get(path).object().get("notes") or []
    same = next((row for row in notes if str(row.get("content")).strip() == note.strip()), None)
    if same:
        return Noted(incident=incident.strip(), note=str(same.get("id") or ""), written=False)
    said = account.api.post(path, json={"note": {"content": note}}, headers={"From": account.sender}).object()
    return Noted(incident=incident.strip(), note=str((said.get("note") or {}).get("id") or ""), written=True)
