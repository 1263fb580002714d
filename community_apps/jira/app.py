"""Tickets of Jira, in the cloud or on machines of your own: opened once, read, changed, assigned, written below, closed."""

from __future__ import annotations

import functools
import json
import re
from typing import Any, Dict, List, Literal, Mapping, Optional

from documents import document, plain
from files import body_of

from repertory_sdk import ActionFailed, App, Job, Output, Secret, output, param, setting
from repertory_sdk.http import Http, HttpAsset

app = App(
    "jira",
    version="1.0.0",
    product="Jira",
    vendor="Atlassian",
    summary=__doc__,
    requires=["requests>=2.31"],
    hosts=["${asset.url}", "${asset.proxy}"],
    files=["${asset.ca_file}"],
)

FIELDS = "summary,description,status,assignee,priority,labels,updated"
PAGE = 50
Encoding = Literal["text", "base64"]


class JiraHttp(Http):
    """Its interface, with errors as Jira words them."""

    def explained(self, status: int, request: str, text: str, headers: Mapping[str, str]) -> ActionFailed:
        """Errors are a list of sentences, and sentences by the names of fields."""
        if headers.get("X-Seraph-LoginReason") == "AUTHENTICATION_DENIED":
            text = "it wants a person to solve a CAPTCHA: log in to it with a browser once"
        return super().explained(status, request, _sentences(text) or text, headers)


def _sentences(text: str) -> str:
    try:
        body = json.loads(text)
    except ValueError:
        return ""
    if not isinstance(body, dict):
        return ""
    fields = body.get("errors") if isinstance(body.get("errors"), dict) else {}
    return ", ".join([*map(str, body.get("errorMessages") or ()), *(f"{name}: {said}" for name, said in fields.items())])


@app.asset
class Site(HttpAsset):
    """A site, and where its tickets go."""

    url: str = setting("Where it answers, such as https://example.atlassian.net")
    edition: str = setting("cloud or data center", default="cloud", choices=["cloud", "data center"])
    user: Optional[str] = setting("Mail address of the account in the cloud, or user name", default=None)
    token: Secret = setting("API token of the account; without user, a personal access token")
    project: str = setting("Key of the project in which tickets are opened")
    issue_type: str = setting("Type of tickets that are opened", default="Task")
    closed_status: str = setting("Status of closed tickets", default="Done")

    @functools.cached_property
    def api(self) -> Http:
        """Its interface."""
        url = f"{self.url.rstrip('/')}/rest/api/{3 if self.cloud else 2}"
        accept = {"Accept": "application/json"}
        if self.user:
            return JiraHttp("Jira", self, url, headers=accept, auth=(self.user.encode(), str(self.token).encode()))
        return JiraHttp("Jira", self, url, headers={**accept, "Authorization": f"Bearer {self.token}"})

    @property
    def cloud(self) -> bool:
        """Whether it is in the cloud, where texts are documents and accounts have no names."""
        return self.edition == "cloud"

    def text(self, text: str) -> Any:
        """A text as this edition wants it."""
        return document(text) if self.cloud else text


@app.result
class Ticket:
    """A ticket."""

    ticket: str = output("Its key", contains="ticket")
    url: str = output("Where people read it", contains="url")
    status: str = output("Status, as the project words it")
    closed: bool = output("Whether the status means that it is done")
    summary: str = output("What it is about")
    description: str = output("Description, as text")
    priority: Optional[str] = output("Priority", default=None)
    owner: Optional[str] = output("Whom it is assigned to", default=None)
    labels: List[str] = output("Labels")
    updated_at: Optional[str] = output("When it was changed last, ISO 8601", default=None)


@app.result
class Opened:
    """A ticket that was asked for."""

    ticket: str = output("Its key", contains="ticket")
    url: str = output("Where people read it", contains="url")
    status: str = output("Its status")
    created: bool = output("False where this very request had opened it already")


@app.result
class Closed:
    """A ticket that is closed."""

    ticket: str = output("Its key", contains="ticket")
    url: str = output("Where people read it", contains="url")
    status: str = output("Its status")
    changed: bool = output("False where it was closed already")


@app.result
class Comment:
    """What somebody wrote below a ticket."""

    ticket: str = output("Key of the ticket", contains="ticket")
    comment: str = output("What was written, as text")
    author: Optional[str] = output("Who wrote it", default=None)
    written_at: Optional[str] = output("When, ISO 8601", default=None)


@app.result
class File:
    """A file of a ticket."""

    ticket: str = output("Key of the ticket", contains="ticket")
    attachment: str = output("Identity of the file")
    name: str = output("Its name", contains="file name")
    size: int = output("Bytes")


@app.result
class Assigned:
    """Who looks after a ticket."""

    ticket: str = output("Key of the ticket", contains="ticket")
    owner: str = output("Who looks after it now", contains="user name")
    previous_owner: Optional[str] = output("Who did before", default=None)
    changed: bool = output("False where it was so already")


def _issue(ticket: str) -> str:
    wanted = ticket.strip()
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,40}-\d{1,12}|\d{1,18}", wanted):
        raise ActionFailed(f"{ticket[:60]!r} is no ticket of Jira; give its key, such as SEC-42")
    return f"/issue/{wanted.upper()}"


def _found(site: Site, ticket: str) -> Dict[str, Any]:
    path = _issue(ticket)
    answer = site.api.get(path, params={"fields": FIELDS}, accept=(404,))
    if answer.status == 404:
        raise ActionFailed(f"Jira has no ticket {ticket.strip()} that the account may see; check the key")
    return answer.object()


def _ticket(site: Site, issue: Dict[str, Any]) -> Ticket:
    fields = issue.get("fields") or {}
    status, owner = fields.get("status") or {}, fields.get("assignee") or {}
    key = str(issue.get("key") or "")
    return Ticket(
        ticket=key,
        url=f"{site.url.rstrip('/')}/browse/{key}",
        status=str(status.get("name") or ""),
        closed=_is_closed(site, status),
        summary=str(fields.get("summary") or ""),
        description=plain(fields.get("description")),
        priority=(fields.get("priority") or {}).get("name"),
        owner=owner.get("emailAddress") or owner.get("name") or owner.get("displayName"),
        labels=[str(label) for label in fields.get("labels") or ()],
        updated_at=fields.get("updated"),
    )


def _is_closed(site: Site, status: Dict[str, Any]) -> bool:
    category = (status.get("statusCategory") or {}).get("key")
    return category == "done" or str(status.get("name") or "").lower() == site.closed_status.lower()


def _search(site: Site, jql: str, limit: int) -> List[Dict[str, Any]]:
    found: List[Dict[str, Any]] = []
    token: Optional[str] = None
    while len(found) < limit:
        size = min(PAGE, limit - len(found))
        if site.cloud:
            asked = {"jql": jql, "fields": FIELDS.split(","), "maxResults": size, **({"nextPageToken": token} if token else {})}
            answer = site.api.post("/search/jql", json=asked, repeatable=True).object()
        else:
            paging = {"jql": jql, "fields": FIELDS, "maxResults": str(size), "startAt": str(len(found))}
            answer = site.api.get("/search", params=paging).object()
        page, token = answer.get("issues"), answer.get("nextPageToken")
        if not isinstance(page, list):
            raise ActionFailed("Jira: a search was answered without tickets; check the edition and the url of the asset")
        found += page
        if not page or not (token if site.cloud else len(found) < int(answer.get("total") or 0)):
            break
    return found[:limit]


@app.test
def connectivity(site: Site) -> str:
    """Asks who the account is."""
    myself = site.api.get("/myself").object()
    return f"connected as {myself.get('displayName') or myself.get('name') or 'an account without a name'}"


@app.action("create ticket", type="generic", idempotent=True)
def create_ticket(
    site: Site,
    job: Job,
    summary: str = param("What it is about, in a line"),
    description: str = param("All that is to be said"),
    labels: List[str] = param("Labels, without spaces", default=[]),
    fields: Dict[str, Any] = param("Further fields, by their names in Jira", default={}),
) -> Opened:
    """Open a ticket. A request that is repeated finds the ticket it opened, by a label."""
    label = f"repertory-{re.sub(r'[^A-Za-z0-9_.-]', '_', job.key)}"
    known = _search(site, f'project = "{_project(site)}" AND labels = "{label}"', 1)
    if known:
        found = _ticket(site, known[0])
        return Opened(ticket=found.ticket, url=found.url, status=found.status, created=False)
    if not summary.strip():
        raise ActionFailed("Jira wants a ticket to say what it is about; give a summary")
    issue = {
        **fields,
        "project": {"key": _project(site)},
        "issuetype": {"name": site.issue_type},
        "summary": " ".join(summary.split())[:250],
        "description": site.text(description),
        "labels": [*labels, label],
    }
    key = str(site.api.post("/issue", json={"fields": issue}).object().get("key") or "")
    if not key:
        raise ActionFailed(f"Jira opened a ticket and did not say which; look for the label {label}")
    return Opened(
        ticket=key, url=f"{site.url.rstrip('/')}/browse/{key}", status=_ticket(site, _found(site, key)).status, created=True
    )


def _project(site: Site) -> str:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", site.project):
        raise ActionFailed(f"Jira: {site.project[:60]!r} is no key of a project; set project to one such as SEC")
    return site.project


@app.action("get ticket", type="investigate")
def get_ticket(site: Site, ticket: str = param("Key of the ticket", contains="ticket")) -> Ticket:
    """What a ticket says."""
    return _ticket(site, _found(site, ticket))


@app.action("update ticket", type="generic", idempotent=True)
def update_ticket(
    site: Site,
    ticket: str = param("Key of the ticket", contains="ticket"),
    fields: Dict[str, Any] = param("Fields by their names in Jira, such as summary, labels, priority"),
) -> Ticket:
    """Change fields of a ticket; a description may be plain text."""
    if not fields:
        raise ActionFailed("Jira: there is nothing to change; give fields")
    texts = {name: site.text(value) for name, value in fields.items() if name == "description" and isinstance(value, str)}
    site.api.put(_issue(ticket), json={"fields": {**fields, **texts}}, repeatable=True)
    return _ticket(site, _found(site, ticket))


@app.action("list tickets", type="investigate")
def list_tickets(
    site: Site,
    query: str = param("JQL, such as project = SEC AND statusCategory != Done"),
    limit: int = param("Most tickets", default=100, minimum=1, maximum=5000),
) -> Output[Ticket]:
    """Tickets that a query finds."""
    if not query.strip():
        raise ActionFailed("Jira wants a query that finds less than everything; give JQL such as project = SEC")
    found = [_ticket(site, issue) for issue in _search(site, query, limit)]
    return Output(found, summary={"tickets": len(found)})


@app.action("close ticket", type="generic", idempotent=True)
def close_ticket(
    site: Site,
    ticket: str = param("Key of the ticket", contains="ticket"),
    comment: str = param("How it was solved"),
) -> Closed:
    """Close a ticket by the transition that leads there; one that is done already stays as it is."""
    before = _ticket(site, _found(site, ticket))
    if before.closed:
        return Closed(ticket=before.ticket, url=before.url, status=before.status, changed=False)
    steps = site.api.get(f"{_issue(ticket)}/transitions").object().get("transitions") or []
    ending = [step for step in steps if site.closed_status.lower() in _names(step)]
    ending += [step for step in steps if _is_closed(site, step.get("to") or {})]
    if not ending:
        ways = ", ".join(str(step.get("name")) for step in steps)[:150] or "none"
        raise ActionFailed(
            f"Jira has no way from {before.status!r} to {site.closed_status!r} ({ways}); set closed_status to one"
        )
    if comment.strip() and comment.strip() not in [said.comment for said in _comments(site, ticket, PAGE)]:
        site.api.post(f"{_issue(ticket)}/comment", json={"body": site.text(comment.strip())})
    site.api.post(f"{_issue(ticket)}/transitions", json={"transition": {"id": str(ending[0].get("id"))}})
    after = _ticket(site, _found(site, ticket))
    return Closed(ticket=after.ticket, url=after.url, status=after.status, changed=True)


def _names(step: Dict[str, Any]) -> List[str]:
    return [str(name).lower() for name in (step.get("name"), (step.get("to") or {}).get("name"))]


@app.action("add comment", type="generic")
def add_comment(
    site: Site, ticket: str = param("Key of the ticket", contains="ticket"), comment: str = param("What to write")
) -> Comment:
    """Write below a ticket. Doing it twice writes twice."""
    if not comment.strip():
        raise ActionFailed("Jira takes no empty comment; give one")
    made = site.api.post(f"{_issue(ticket)}/comment", json={"body": site.text(comment)}).object()
    return _comment(ticket, made)


def _comment(ticket: str, row: Dict[str, Any]) -> Comment:
    author = (row.get("author") or {}).get("displayName") or (row.get("author") or {}).get("name")
    return Comment(ticket=ticket.strip().upper(), comment=plain(row.get("body")), author=author, written_at=row.get("created"))


def _comments(site: Site, ticket: str, limit: int) -> List[Comment]:
    asked = {"maxResults": str(limit), "orderBy": "-created"}
    rows = site.api.get(f"{_issue(ticket)}/comment", params=asked).object().get("comments") or []
    return [_comment(ticket, row) for row in rows[:limit]]


@app.action("list comments", type="investigate")
def list_comments(
    site: Site,
    ticket: str = param("Key of the ticket", contains="ticket"),
    limit: int = param("Most comments, the newest first", default=50, minimum=1, maximum=1000),
) -> Output[Comment]:
    """What was written below a ticket."""
    found = _comments(site, ticket, limit)
    return Output(found, summary={"comments": len(found)})


@app.action("attach file", type="generic")
def attach_file(
    site: Site,
    ticket: str = param("Key of the ticket", contains="ticket"),
    name: str = param("Name of the file", contains="file name"),
    content: str = param("What is in it"),
    encoding: Encoding = param("Whether the content is text, or base64 of bytes", default="text"),
) -> File:
    """Attach a file to a ticket. Doing it twice attaches two."""
    body, kind = body_of(name, content, encoding)
    files = {"file": (name, body, kind)}
    answer = site.api.post(f"{_issue(ticket)}/attachments", files=files, headers={"X-Atlassian-Token": "no-check"})
    rows = answer.json()
    if not isinstance(rows, list) or not rows or not isinstance(rows[0], dict):
        raise ActionFailed("Jira did not say what became of the file; look at the ticket")
    identity, size = str(rows[0].get("id") or ""), int(rows[0].get("size") or 0)
    return File(ticket=ticket.strip().upper(), attachment=identity, name=str(rows[0].get("filename") or name), size=size)


@app.action("assign ticket", type="generic", idempotent=True)
def assign_ticket(
    site: Site,
    ticket: str = param("Key of the ticket", contains="ticket"),
    user: str = param("Mail address in the cloud, or user name", contains="user name"),
) -> Assigned:
    """Let somebody look after a ticket."""
    owner = (_found(site, ticket).get("fields") or {}).get("assignee") or {}
    name = "accountId" if site.cloud else "name"
    wanted = _account(site, user) if site.cloud else user.strip()
    changed = owner.get(name) != wanted
    if changed:
        site.api.put(f"{_issue(ticket)}/assignee", json={name: wanted}, repeatable=True)
    before = owner.get("emailAddress") or owner.get("name") or owner.get("displayName")
    return Assigned(ticket=ticket.strip().upper(), owner=user.strip(), previous_owner=before, changed=changed)


def _account(site: Site, user: str) -> str:
    """The identity of an account in the cloud; mail addresses that their owners hide cannot be compared."""
    rows = site.api.get("/user/search", params={"query": user.strip(), "maxResults": "10"}).json() if user.strip() else []
    people = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    exact = [
        row
        for row in people
        if user.strip().lower() in (str(row.get("emailAddress")).lower(), str(row.get("accountId")).lower())
    ]
    found = exact or people
    if len(found) != 1:
        raise ActionFailed(
            f"Jira finds {len(found) or 'no'} accounts for {user[:60]!r}; give the whole mail address or the accountId"
        )
    return str(found[0].get("accountId") or "")
