"""Searches in Splunk, events posted to it, and notable events of Enterprise Security."""

from __future__ import annotations

import functools
import json
import re
from typing import Any, Dict, Iterator, List, Optional
from urllib.parse import quote

from rows import event_of, identity_of
from searching import Search, finished, found_by, reading

from repertory_sdk import ActionFailed, App, Event, Job, Output, Secret, output, param, setting
from repertory_sdk.http import Http, HttpAsset

app = App(
    "splunk",
    version="1.0.0",
    product="Splunk",
    vendor="Splunk LLC",
    summary=__doc__,
    requires=["requests>=2.31"],
    hosts=["${asset.url}", "${asset.hec_url}", "${asset.proxy}"],
    files=["${asset.ca_file}"],
)

JSON = {"output_mode": "json"}
STATUSES = {"new": "1", "in progress": "2", "pending": "3", "resolved": "4", "closed": "5"}
URGENCIES = ("informational", "low", "medium", "high", "critical")
OVERLAP_S = 60
_REMEMBERED = 2000


@app.asset
class Splunk(HttpAsset):
    """A search head, and where events are posted to."""

    url: str = setting("Where its management port answers, such as https://splunk.example:8089")
    token: Optional[Secret] = setting("Authentication token; instead of user and password", default=None)
    user: Optional[str] = setting("Account, where there is no token", default=None)
    password: Optional[Secret] = setting("Its password", default=None)
    hec_url: Optional[str] = setting(
        "Where its HTTP Event Collector answers, such as https://splunk.example:8088", default=None
    )
    hec_token: Optional[Secret] = setting("Token of the HTTP Event Collector", default=None)
    poll_query: Optional[str] = setting("Search whose rows become events", default=None)
    timeout_s: float = setting("Seconds to wait for an answer", default=60.0, minimum=0.1, maximum=600)
    search_s: float = setting("Seconds that a search may take", default=540.0, minimum=1, maximum=540)
    look_s: float = setting("Seconds between two looks at a search", default=1.0, minimum=0.02, maximum=60)

    @functools.cached_property
    def api(self) -> Http:
        """Its management interface."""
        if self.token:
            return Http("Splunk", self, headers={"Authorization": f"Bearer {self.token}"})
        if not self.user or not self.password:
            raise ActionFailed("Splunk: the asset has neither a token nor user and password; set one of them")
        return Http("Splunk", self, auth=(self.user.encode(), str(self.password).encode()))

    @functools.cached_property
    def collector(self) -> Http:
        """Its HTTP Event Collector."""
        if not self.hec_url or not self.hec_token:
            raise ActionFailed("Splunk: the asset has no HTTP Event Collector; set hec_url and hec_token")
        return Http("Splunk", self, self.hec_url, headers={"Authorization": f"Splunk {self.hec_token}"})

    def found_by(self, query: str, limit: int, job: Job, **times: str) -> List[Dict[str, Any]]:
        """Rows of a search that only reads."""
        return found_by(self.api, Search(reading(query), limit, times), self.search_s, self.look_s, job)


@app.result
class Row:
    """One row."""

    values: Dict[str, Any] = output("Its fields by name; text, or a list of texts where a field has several values")


@app.result
class SavedSearch:
    """A search that is kept in Splunk."""

    name: str = output("Its name")
    query: str = output("What it searches")
    description: str = output("What it is for")
    scheduled: bool = output("Whether it runs by itself")
    disabled: bool = output("Whether it is switched off")


@app.result
class SearchJob:
    """A search that was started, and what it found by now."""

    job: str = output("Its identity (sid)")
    status: str = output("QUEUED, PARSING, RUNNING, PAUSED, FINALIZING, FAILED or DONE")
    done: bool = output("Whether it has ended")
    rows: int = output("Number of rows")
    events: int = output("Number of events they were made of")
    query: str = output("What it searches")


@app.result
class Notable:
    """A notable event."""

    event: str = output("Its identity", contains="splunk event")
    title: Optional[str] = output("What it is about", default=None)
    status: Optional[str] = output("Status, as a number or as its label", default=None)
    owner: Optional[str] = output("Who looks after it", default=None, contains="user name")
    urgency: Optional[str] = output("Urgency", default=None)
    values: Dict[str, Any] = output("All of its fields")


@app.result
class Updated:
    """What became of a change."""

    event: str = output("Identity of the event", contains="splunk event")
    updated: bool = output("Whether Splunk changed it")
    message: str = output("What Splunk said")


@app.result
class Posted:
    """What became of a posted event."""

    posted: bool = output("Whether it was taken")
    acknowledgement: Optional[int] = output("Number to ask for, where the token has acknowledgements", default=None)


def _entries(splunk: Splunk, path: str, **query: str) -> List[Dict[str, Any]]:
    answer = splunk.api.get(path, params={**JSON, **query}).object()
    entries = answer.get("entry")
    if not isinstance(entries, list):
        raise ActionFailed(
            f"Splunk: GET {path} was answered without entries; check that the url is that of its management port"
        )
    return entries


@app.test
def connectivity(splunk: Splunk) -> str:
    """Asks for its version."""
    entries = _entries(splunk, "/services/server/info")
    return f"Splunk {((entries or [{}])[0].get('content') or {}).get('version', 'of unknown version')} answers"


@app.action("run query", type="investigate", timeout_s=600)
def run_query(
    splunk: Splunk,
    job: Job,
    query: str = param("Search in SPL; commands that write or send are refused"),
    earliest: str = param("From when, such as -24h@h or 2026-01-05T00:00:00", default="-24h"),
    latest: str = param("Until when", default="now"),
    limit: int = param("Most rows", default=1000, minimum=1, maximum=50_000),
) -> Output[Row]:
    """Rows that a search finds."""
    rows = splunk.found_by(query, limit, job, earliest_time=earliest, latest_time=latest)
    return Output([Row(values=row) for row in rows], summary={"rows": len(rows)})


@app.action("list searches", type="investigate")
def list_searches(
    splunk: Splunk, limit: int = param("Most searches", default=200, minimum=1, maximum=10_000)
) -> Output[SavedSearch]:
    """Searches that are kept in Splunk."""
    found = [_saved(entry) for entry in _entries(splunk, "/services/saved/searches", count=str(limit))[:limit]]
    return Output(found, summary={"searches": len(found)})


def _saved(entry: Dict[str, Any]) -> SavedSearch:
    content = entry.get("content") or {}
    return SavedSearch(
        name=str(entry.get("name") or ""),
        query=str(content.get("search") or ""),
        description=str(content.get("description") or ""),
        scheduled=_true(content.get("is_scheduled")),
        disabled=_true(content.get("disabled")),
    )


def _true(value: Any) -> bool:
    return str(value).lower() in ("1", "true")


@app.action("run saved search", type="investigate", timeout_s=600)
def run_saved_search(
    splunk: Splunk,
    job: Job,
    name: str = param("Name of the search"),
    limit: int = param("Most rows", default=1000, minimum=1, maximum=50_000),
) -> Output[Row]:
    """Rows of a search that is kept in Splunk, without the alerts that hang on it. It is refused if it writes or sends."""
    path = f"/services/saved/searches/{quote(_saved_name(name), safe='')}"
    answer = splunk.api.get(path, params=JSON, accept=(404,))
    if answer.status == 404:
        raise ActionFailed(f"Splunk has no saved search {name[:80]!r} that the account may see; 'list searches' has those")
    entries = answer.object().get("entry") or [{}]
    reading(_saved(entries[0]).query)
    started = splunk.api.post(f"{path}/dispatch", data={**JSON, "trigger_actions": "0"}).object()
    rows = finished(splunk.api, started, limit, splunk.search_s, splunk.look_s, job)
    return Output([Row(values=row) for row in rows], summary={"rows": len(rows)})


def _saved_name(name: str) -> str:
    if not name.strip() or not name.isprintable() or name in (".", "..") or len(name) > 250:
        raise ActionFailed("that is no name of a saved search of Splunk; give one that 'list searches' returns")
    return name


@app.action("get job", type="investigate")
def get_job(splunk: Splunk, job_id: str = param("Identity of the search job (sid)")) -> SearchJob:
    """How far a search is."""
    if not re.fullmatch(r"[\w.@-]*\w[\w.@-]*", job_id):
        raise ActionFailed(f"{job_id[:60]!r} is no job of Splunk; give its sid, such as 1767225600.42")
    entries = _entries(splunk, f"/services/search/jobs/{quote(job_id)}")
    content = (entries or [{}])[0].get("content") or {}
    return SearchJob(
        job=job_id,
        status=str(content.get("dispatchState") or ""),
        done=_true(content.get("isDone")),
        rows=int(content.get("resultCount") or 0),
        events=int(content.get("eventCount") or 0),
        query=str((entries or [{}])[0].get("name") or ""),
    )


def _event_id(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9@._:-]{1,200}", text.strip()):
        raise ActionFailed(f"{text[:60]!r} is no notable event of Splunk; give its event_id")
    return text.strip()


@app.action("get event", type="investigate", timeout_s=600)
def get_event(
    splunk: Splunk, job: Job, event: str = param("Identity (event_id) of the notable event", contains="splunk event")
) -> Notable:
    """What Enterprise Security knows of a notable event."""
    wanted = _event_id(event)
    rows = splunk.found_by(f'| `notable_by_id("{wanted}")`', 1, job, earliest_time="0", latest_time="now")
    if not rows:
        raise ActionFailed(f"Splunk has no notable event {wanted}; check the event_id, and the indexes of the account")
    row = rows[0]
    return Notable(
        event=wanted,
        title=_text(row, "rule_title", "search_name"),
        status=_text(row, "status_label", "status"),
        owner=_text(row, "owner"),
        urgency=_text(row, "urgency"),
        values=row,
    )


def _text(row: Dict[str, Any], *names: str) -> Optional[str]:
    found = next((row[name] for name in names if row.get(name)), None)
    return str(found[0] if isinstance(found, list) and found else found) if found else None


@app.action("update event", type="generic")
def update_event(
    splunk: Splunk,
    event: str = param("Identity (event_id) of the notable event", contains="splunk event"),
    status: Optional[str] = param("New status", default=None, choices=list(STATUSES)),
    urgency: Optional[str] = param("New urgency", default=None, choices=list(URGENCIES)),
    owner: Optional[str] = param("Who looks after it from now on", default=None, contains="user name"),
    comment: str = param("What to write below it", default=""),
) -> Updated:
    """Change a notable event of Enterprise Security. Doing it twice writes the comment twice."""
    changes = {"status": STATUSES.get(status or ""), "urgency": urgency, "newOwner": owner, "comment": comment}
    given = {name: value for name, value in changes.items() if value}
    if not given:
        raise ActionFailed("Splunk: nothing is to be changed; give status, urgency, owner or comment")
    answer = splunk.api.post("/services/notable_update", data={**JSON, "ruleUIDs": _event_id(event), **given}).object()
    said = str(answer.get("message") or "")
    if not answer.get("success"):
        raise ActionFailed(
            f"Splunk does not change the event ({said[:200] or 'no reason given'}); check its event_id, and the role"
        )
    return Updated(event=event.strip(), updated=True, message=said)


@app.action("post data", type="generic")
def post_data(
    splunk: Splunk,
    data: str = param("The event: text, or a JSON object, whose fields are then found by themselves"),
    source: str = param("Source", default="repertory"),
    sourcetype: str = param("Source type", default="_json"),
    index: Optional[str] = param("Index; that of the token if not given", default=None),
    host: Optional[str] = param("Machine it is about", default=None, contains="host name"),
) -> Posted:
    """Post an event to the HTTP Event Collector. Doing it twice makes two events."""
    if not data.strip():
        raise ActionFailed("Splunk takes no empty event; give data")
    try:
        decoded = json.loads(data)
    except (ValueError, RecursionError):
        decoded = data
    event = decoded if isinstance(decoded, dict) and decoded else data
    body = {"event": event, "source": source, "sourcetype": sourcetype, "index": index, "host": host}
    given = {name: value for name, value in body.items() if value}
    answer = splunk.collector.post("/services/collector/event", json=given).object()
    if answer.get("code") != 0:
        raise ActionFailed(f"Splunk does not take the event ({str(answer.get('text'))[:200]}); check index and token")
    return Posted(posted=True, acknowledgement=answer.get("ackId"))


@app.poll
def rows_as_events(splunk: Splunk, checkpoint: Dict[str, Any], job: Job) -> Iterator[Event]:
    """Rows that the stored search finds among what was indexed since the last time."""
    if not splunk.poll_query:
        raise ActionFailed("Splunk: there is no search to poll; set poll_query of the asset")
    since, seen = int(checkpoint.get("since") or 0), list(checkpoint.get("seen") or ())
    times = {
        "index_earliest": str(max(0, since - OVERLAP_S)) if since else "-24h",
        "earliest_time": "-7d",
        "latest_time": "now",
    }
    known = set(seen)
    for row in splunk.found_by(splunk.poll_query, 10_000, job, **times):
        identity = identity_of(row)
        indexed = str(row.get("_indextime") or "0").partition(".")[0]
        since = max(since, int(indexed) if indexed.isdigit() else 0)
        if identity not in known:
            known.add(identity)
            seen.append(identity)
            yield event_of(row, identity)
    checkpoint.update(since=since, seen=seen[-_REMEMBERED:])
