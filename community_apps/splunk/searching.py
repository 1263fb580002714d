"""One search from start to end: started, looked at until it is done, its rows read page by page, and cleared away."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping

from repertory_sdk import ActionFailed, Job
from repertory_sdk.http import Http

JSON = {"output_mode": "json"}
PAGE = 5000
PATIENCE = 3
"""A search that has just been started may not be known for a moment."""
WRITING = (
    "collect", "delete", "dump", "mcollect", "meventcollect", "outputcsv", "outputlookup", "outputtext", "runshellscript", "script",
    "sendalert", "sendemail", "summaryindex", "sumindex", "tscollect",
)  # fmt: skip
_COMMENT = re.compile(r"```.*?```", re.DOTALL)
_WRITES = re.compile(rf"[|\[]\s*({'|'.join(WRITING)})\b", re.IGNORECASE)


@dataclass(frozen=True)
class Search:
    """What to search: text in SPL, most rows, and times by the names of Splunk's interface."""

    query: str
    limit: int
    times: Mapping[str, str]


def reading(query: str) -> str:
    """The query as the interface wants it; ActionFailed where it would write or send.

    Macros can hide such commands: the role of the account has to forbid them too.
    """
    plain = query.strip()
    writes = _WRITES.search(_COMMENT.sub(" ", plain))
    if writes:
        raise ActionFailed(
            f"the search has the command {writes[1].lower()!r}, which writes or sends; Splunk is only read from here"
        )
    if not plain:
        raise ActionFailed("Splunk needs something to search for; give a query such as index=main error")
    return plain if plain.startswith("|") or re.match(r"search\s", plain) else f"search {plain}"


def found_by(api: Http, search: Search, within_s: float, look_s: float, job: Job) -> List[Dict[str, Any]]:
    """Rows of a search."""
    form = {**JSON, "search": search.query, "exec_mode": "normal", "max_count": str(search.limit), **search.times}
    return finished(api, api.post("/services/search/jobs", data=form).object(), search.limit, within_s, look_s, job)


def finished(
    api: Http, started: Mapping[str, Any], limit: int, within_s: float, look_s: float, job: Job
) -> List[Dict[str, Any]]:
    """Rows of a search that was started, once it is done."""
    sid = str(started.get("sid") or "")
    if not sid:
        raise ActionFailed("Splunk started no search; check the query, and the url of the asset")
    try:
        _wait(api, sid, time.monotonic() + within_s, look_s, job)
        return _rows(api, sid, limit, look_s)
    finally:
        _clear(api, sid)


def _wait(api: Http, sid: str, ends: float, look_s: float, job: Job) -> None:
    unknown = 0
    while True:
        answer = api.get(f"/services/search/jobs/{sid}", params=JSON, accept=(404,) if unknown < PATIENCE else ())
        unknown += answer.status == 404
        entries = answer.object().get("entry") if answer.status != 404 else None
        content = (entries or [{}])[0].get("content") or {}
        if content.get("isFailed"):
            raise ActionFailed(f"Splunk's search failed ({_said(content)}); correct the query")
        if content.get("isDone"):
            return
        if time.monotonic() + look_s > ends:
            api.post(f"/services/search/jobs/{sid}/control", data={**JSON, "action": "cancel"})
            raise ActionFailed("Splunk's search does not end in time and was cancelled; search for less, or raise search_s")
        job.progress(f"search is {str(content.get('dispatchState') or 'starting').lower()}", content.get("doneProgress"))
        time.sleep(look_s)


def _said(content: Mapping[str, Any]) -> str:
    texts = [str(message.get("text")) for message in content.get("messages") or () if isinstance(message, dict)]
    return " ".join("; ".join(texts).split())[:200] or "it does not say why"


def _rows(api: Http, sid: str, limit: int, look_s: float) -> List[Dict[str, Any]]:
    found: List[Dict[str, Any]] = []
    versions, early = ["/services/search/v2/jobs", "/services/search/jobs"], 0
    while len(found) < limit:
        page = {**JSON, "count": str(min(PAGE, limit - len(found))), "offset": str(len(found))}
        answer = api.get(f"{versions[0]}/{sid}/results", params=page, accept=(404,) if len(versions) > 1 else ())
        if answer.status == 404:
            versions.pop(0)  # before Splunk 9.0
            continue
        if answer.status == 204 and early < PATIENCE:
            early += 1
            time.sleep(look_s)
            continue
        rows = (answer.object().get("results") or []) if answer.status != 204 else []
        found += rows
        if len(rows) < int(page["count"]):
            break
    return found[:limit]


def _clear(api: Http, sid: str) -> None:
    """Searches count against a quota until they are gone; they also go by themselves after some minutes."""
    try:
        api.delete(f"/services/search/jobs/{sid}", params=JSON, accept=(404,))
    except ActionFailed:
        pass
