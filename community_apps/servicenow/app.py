"""Tickets of ServiceNow: opened once, read, changed, written below, closed; and accounts of its people."""

from __future__ import annotations

import functools
import re
from typing import Any, Dict, Iterator, List, Literal, Optional
from urllib.parse import quote

from events import OVERLAP_S, event_of, moment, since_query, text_of
from files import body_of

from repertory_sdk import ActionFailed, App, Event, Job, Output, Secret, output, param, setting
from repertory_sdk.http import Http, HttpAsset

app = App(
    "servicenow",
    version="1.0.0",
    product="ServiceNow",
    vendor="ServiceNow Inc.",
    summary=__doc__,
    requires=["requests>=2.31"],
    hosts=["${asset.url}", "${asset.proxy}"],
    files=["${asset.ca_file}"],
)

STATES = {"1": "new", "2": "in progress", "3": "on hold", "6": "resolved", "7": "closed", "8": "cancelled"}
ENDED = ("6", "7", "8")
PAGE = 200
_REMEMBERED = 2000
Encoding = Literal["text", "base64"]


@app.asset
class Instance(HttpAsset):
    """An instance, and the table in which its tickets are."""

    url: str = setting("Where the instance answers, such as https://example.service-now.com")
    user: Optional[str] = setting("Account; not with a token", default=None)
    password: Optional[Secret] = setting("Its password", default=None)
    token: Optional[Secret] = setting("OAuth access token, instead of user and password", default=None)
    table: str = setting("Table of the tickets", default="incident")
    closed_state: str = setting("State of a closed ticket: 6 (resolved) or 7 (closed)", default="6", choices=["6", "7"])
    close_code: str = setting("Code with which tickets are closed", default="Solved (Permanently)")
    poll_query: str = setting("Encoded query of the tickets that become events", default="active=true")
    timeout_s: float = setting("Seconds to wait for an answer", default=60.0, minimum=0.1, maximum=600)

    @functools.cached_property
    def api(self) -> Http:
        """Its interface."""
        accept = {"Accept": "application/json"}
        if self.token:
            return Http("ServiceNow", self, headers={**accept, "Authorization": f"Bearer {self.token}"})
        if not self.user or not self.password:
            raise ActionFailed("ServiceNow: the asset has neither a token nor user and password; set one of them")
        return Http("ServiceNow", self, headers=accept, auth=(self.user.encode(), str(self.password).encode()))

    def rows(self, table: str, query: str, limit: int, **options: str) -> List[Dict[str, Any]]:
        """Records that an encoded query finds, page by page."""
        found: List[Dict[str, Any]] = []
        while len(found) < limit:
            size = min(PAGE, limit - len(found))
            paging = {"sysparm_query": query, "sysparm_limit": str(size), "sysparm_offset": str(len(found))}
            plain = {"sysparm_exclude_reference_link": "true", **options}
            page = self.api.get(f"/api/now/table/{table}", params={**paging, **plain}).object().get("result")
            if not isinstance(page, list):
                raise ActionFailed(f"ServiceNow: {table} was answered with no list; check the url and the table of the asset")
            found += page
            if len(page) < size:
                break
        return found

    def page_of(self, row: Dict[str, Any]) -> str:
        """Where people read a ticket."""
        return f"{self.url.rstrip('/')}/nav_to.do?uri={self.table}.do?sys_id={row.get('sys_id')}"


@app.result
class Ticket:
    """A ticket."""

    ticket: str = output("Its number", contains="ticket")
    sys_id: str = output("Its identity in the table")
    url: str = output("Where people read it", contains="url")
    status: str = output("new, in progress, on hold, resolved, closed, cancelled, or the number of another state")
    summary: str = output("Short description")
    description: str = output("Description")
    priority: Optional[str] = output("Priority, 1 is the highest", default=None)
    owner: Optional[str] = output("Identity of whom it is assigned to", default=None)
    updated_at: Optional[str] = output("When it was changed last, UTC", default=None)


@app.result
class Opened:
    """A ticket that was asked for."""

    ticket: str = output("Its number", contains="ticket")
    sys_id: str = output("Its identity in the table")
    url: str = output("Where people read it", contains="url")
    status: str = output("Its state")
    created: bool = output("False where this very request had opened it already")


@app.result
class Closed:
    """A ticket that is closed."""

    ticket: str = output("Its number", contains="ticket")
    url: str = output("Where people read it", contains="url")
    status: str = output("Its state")
    changed: bool = output("False where it was closed already")


@app.result
class Comment:
    """What somebody wrote below a ticket."""

    ticket: str = output("Number of the ticket", contains="ticket")
    comment: str = output("What was written")
    author: Optional[str] = output("Who wrote it", default=None, contains="user name")
    written_at: Optional[str] = output("When, UTC", default=None)
    internal: bool = output("Whether only those who work on it read it")


@app.result
class File:
    """A file of a ticket."""

    ticket: str = output("Number of the ticket", contains="ticket")
    attachment: str = output("Identity of the file")
    name: str = output("Its name", contains="file name")
    size: int = output("Bytes")
    media_type: Optional[str] = output("What it is", default=None)


@app.result
class User:
    """What ServiceNow knows of an account."""

    user: str = output("Account as asked", contains="user name")
    found: bool = output("Whether there is one")
    enabled: Optional[bool] = output("Whether it may be used", default=None)
    email: Optional[str] = output("Mail address", default=None, contains="email")
    name: Optional[str] = output("Name of the person", default=None)
    groups: List[str] = output("Groups it is a member of", default=[])


def _status(row: Dict[str, Any]) -> str:
    return STATES.get(text_of(row, "state"), text_of(row, "state"))


def _ticket(instance: Instance, row: Dict[str, Any]) -> Ticket:
    return Ticket(
        ticket=text_of(row, "number"),
        sys_id=text_of(row, "sys_id"),
        url=instance.page_of(row),
        status=_status(row),
        summary=text_of(row, "short_description"),
        description=text_of(row, "description"),
        priority=text_of(row, "priority") or None,
        owner=text_of(row, "assigned_to") or None,
        updated_at=text_of(row, "sys_updated_on") or None,
    )


def _found(instance: Instance, ticket: str) -> Dict[str, Any]:
    """The instance leaves out conditions on fields that it does not know, so rows are looked at again."""
    wanted = ticket.strip()
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", wanted):
        raise ActionFailed(f"{ticket[:60]!r} is no ticket of ServiceNow; give a number such as INC0010042, or its sys_id")
    field = "sys_id" if re.fullmatch(r"[0-9a-f]{32}", wanted) else "number"
    rows = [
        row for row in instance.rows(instance.table, f"{field}={wanted}", 1) if text_of(row, field).lower() == wanted.lower()
    ]
    if not rows:
        raise ActionFailed(
            f"ServiceNow has no ticket {wanted} in {instance.table}; check the number, and what the account may read"
        )
    return rows[0]


def _result(answer: Any) -> Dict[str, Any]:
    result = answer.object().get("result")
    if not isinstance(result, dict):
        raise ActionFailed(f"ServiceNow: {answer.request} was answered with no record; read the ticket to see what happened")
    return result


@app.test
def connectivity(instance: Instance) -> str:
    """Asks for one ticket."""
    instance.rows(instance.table, "", 1)
    return f"the table {instance.table} can be read"


@app.action("create ticket", type="generic", idempotent=True)
def create_ticket(
    instance: Instance,
    job: Job,
    summary: str = param("What it is about, in a line"),
    description: str = param("All that is to be said"),
    urgency: int = param("How urgent, 1 is the most", default=2, minimum=1, maximum=3),
    impact: int = param("How much depends on it, 1 is the most", default=2, minimum=1, maximum=3),
    fields: Dict[str, Any] = param("Further fields of the record, by their names", default={}),
) -> Opened:
    """Open a ticket. A request that is repeated finds the ticket it opened, by its correlation_id."""
    key = re.sub(r"[^\w.:-]", "_", job.key)
    known = [row for row in instance.rows(instance.table, f"correlation_id={key}", 1) if text_of(row, "correlation_id") == key]
    if known:
        return _opened(instance, known[0], created=False)
    if not summary.strip():
        raise ActionFailed("ServiceNow wants a ticket to say what it is about; give a summary")
    levels = {"urgency": str(urgency), "impact": str(impact), "correlation_id": key}
    record = {**fields, "short_description": " ".join(summary.split())[:160], "description": description, **levels}
    answer = instance.api.post(f"/api/now/table/{instance.table}", json=record)
    return _opened(instance, _result(answer), created=True)


def _opened(instance: Instance, row: Dict[str, Any], *, created: bool) -> Opened:
    number, identity = text_of(row, "number"), text_of(row, "sys_id")
    return Opened(ticket=number, sys_id=identity, url=instance.page_of(row), status=_status(row), created=created)


@app.action("get ticket", type="investigate")
def get_ticket(instance: Instance, ticket: str = param("Number or sys_id", contains="ticket")) -> Ticket:
    """What a ticket says."""
    return _ticket(instance, _found(instance, ticket))


@app.action("update ticket", type="generic", idempotent=True)
def update_ticket(
    instance: Instance,
    ticket: str = param("Number or sys_id", contains="ticket"),
    fields: Dict[str, Any] = param("Fields of the record by their names, such as urgency, state, assigned_to"),
) -> Ticket:
    """Change fields of a ticket. To write below it, use 'add comment': this is safe to be done twice."""
    if not fields or {"comments", "work_notes"} & set(fields):
        raise ActionFailed(
            "ServiceNow: give fields to change; what is written below a ticket is none, use 'add comment' for it"
        )
    row = _found(instance, ticket)
    changed = _result(instance.api.patch(_path(instance, row), json=fields, repeatable=True))
    unknown = sorted(set(fields) - set(changed))
    if unknown:
        raise ActionFailed(f"ServiceNow has no field {unknown[0][:60]!r} in {instance.table}, and left it out; check its name")
    return _ticket(instance, changed)


def _path(instance: Instance, row: Dict[str, Any]) -> str:
    return f"/api/now/table/{instance.table}/{quote(text_of(row, 'sys_id'), safe='')}"


@app.action("list tickets", type="investigate")
def list_tickets(
    instance: Instance,
    query: str = param("Encoded query, such as active=true^priority=1; empty: all"),
    limit: int = param("Most tickets, those that changed last first", default=100, minimum=1, maximum=10_000),
) -> Output[Ticket]:
    """Tickets that a query finds. ServiceNow ignores conditions on fields that it does not know."""
    if not query.isprintable():
        raise ActionFailed("that is no encoded query of ServiceNow; give one such as active=true^priority=1")
    ordered = query if "ORDERBY" in query else f"{query}^ORDERBYDESCsys_updated_on".lstrip("^")
    found = [_ticket(instance, row) for row in instance.rows(instance.table, ordered, limit)]
    return Output(found, summary={"tickets": len(found)})


@app.action("close ticket", type="generic", idempotent=True)
def close_ticket(
    instance: Instance,
    ticket: str = param("Number or sys_id", contains="ticket"),
    comment: str = param("How it was solved"),
) -> Closed:
    """Close a ticket; one that is resolved, closed or cancelled stays as it is."""
    row = _found(instance, ticket)
    changed = text_of(row, "state") not in ENDED
    if changed:
        fields = {"state": instance.closed_state, "close_code": instance.close_code, "close_notes": comment or "Closed."}
        row = _result(instance.api.patch(_path(instance, row), json=fields, repeatable=True))
    if text_of(row, "state") not in ENDED:
        raise ActionFailed(
            f"ServiceNow left {text_of(row, 'number')} {_status(row)}; see which fields it wants before it is closed"
        )
    return Closed(ticket=text_of(row, "number"), url=instance.page_of(row), status=_status(row), changed=changed)


@app.action("add comment", type="generic")
def add_comment(
    instance: Instance,
    ticket: str = param("Number or sys_id", contains="ticket"),
    comment: str = param("What to write"),
    internal: bool = param("Only for those who work on it (work notes)", default=True),
) -> Comment:
    """Write below a ticket. Doing it twice writes twice."""
    if not comment.strip():
        raise ActionFailed("ServiceNow takes no empty comment; give one")
    row = _found(instance, ticket)
    instance.api.patch(_path(instance, row), json={"work_notes" if internal else "comments": comment}).object()
    return Comment(ticket=text_of(row, "number"), comment=comment, internal=internal)


@app.action("list comments", type="investigate")
def list_comments(
    instance: Instance,
    ticket: str = param("Number or sys_id", contains="ticket"),
    limit: int = param("Most comments, the newest first", default=100, minimum=1, maximum=10_000),
) -> Output[Comment]:
    """What was written below a ticket."""
    row = _found(instance, ticket)
    query = f"element_id={text_of(row, 'sys_id')}^elementINwork_notes,comments^ORDERBYDESCsys_created_on"
    entries = [
        entry for entry in instance.rows("sys_journal_field", query, limit) if text_of(entry, "element_id") == row["sys_id"]
    ]
    found = [
        Comment(
            ticket=text_of(row, "number"),
            comment=text_of(entry, "value"),
            author=text_of(entry, "sys_created_by") or None,
            written_at=text_of(entry, "sys_created_on") or None,
            internal=text_of(entry, "element") == "work_notes",
        )
        for entry in entries
    ]
    return Output(found, summary={"comments": len(found)})


@app.action("attach file", type="generic")
def attach_file(
    instance: Instance,
    ticket: str = param("Number or sys_id", contains="ticket"),
    name: str = param("Name of the file", contains="file name"),
    content: str = param("What is in it"),
    encoding: Encoding = param("Whether the content is text, or base64 of bytes", default="text"),
) -> File:
    """Attach a file to a ticket. Doing it twice attaches two."""
    body, kind = body_of(name, content, encoding)
    row = _found(instance, ticket)
    query = {"table_name": instance.table, "table_sys_id": text_of(row, "sys_id"), "file_name": name}
    return _file(
        row, _result(instance.api.post("/api/now/attachment/file", params=query, data=body, headers={"Content-Type": kind}))
    )


def _file(ticket: Dict[str, Any], row: Dict[str, Any]) -> File:
    size = text_of(row, "size_bytes")
    return File(
        ticket=text_of(ticket, "number"),
        attachment=text_of(row, "sys_id"),
        name=text_of(row, "file_name"),
        size=int(size) if size.isdigit() else 0,
        media_type=text_of(row, "content_type") or None,
    )


@app.action("list attachments", type="investigate")
def list_attachments(instance: Instance, ticket: str = param("Number or sys_id", contains="ticket")) -> Output[File]:
    """Files of a ticket."""
    row = _found(instance, ticket)
    query = {"sysparm_query": f"table_sys_id={text_of(row, 'sys_id')}", "sysparm_limit": "1000"}
    rows = instance.api.get("/api/now/attachment", params=query).object().get("result") or []
    found = [_file(row, entry) for entry in rows if text_of(entry, "table_sys_id") == row["sys_id"]]
    return Output(found, summary={"attachments": len(found)})


@app.action("get user", type="investigate")
def get_user(instance: Instance, user: str = param("Account", contains="user name")) -> User:
    """What ServiceNow knows of an account."""
    if not user.strip() or not user.isprintable() or "^" in user:
        raise ActionFailed(f"{user[:60]!r} is no account of ServiceNow; give its user name")
    rows = [
        row for row in instance.rows("sys_user", f"user_name={user.strip()}", 1) if text_of(row, "user_name") == user.strip()
    ]
    if not rows:
        return User(user=user, found=False)
    members = instance.rows("sys_user_grmember", f"user={text_of(rows[0], 'sys_id')}", 1000, sysparm_fields="user,group.name")
    return User(
        user=user,
        found=True,
        enabled=text_of(rows[0], "active") == "true",
        email=text_of(rows[0], "email") or None,
        name=text_of(rows[0], "name") or None,
        groups=sorted(text_of(row, "group.name") for row in members if text_of(row, "user") == rows[0]["sys_id"]),
    )


@app.poll
def tickets(instance: Instance, checkpoint: Dict[str, Any]) -> Iterator[Event]:
    """Tickets that changed since the last time; each is one event, however often it changes."""
    since, seen = float(checkpoint.get("since") or 0), list(checkpoint.get("seen") or ())
    known = set(seen)
    for row in instance.rows(instance.table, since_query(instance.poll_query, since - OVERLAP_S), 10_000):
        since = max(since, moment(text_of(row, "sys_updated_on")))
        identity = text_of(row, "sys_id")
        if identity not in known:
            known.add(identity)
            seen.append(identity)
            yield event_of({name: text_of(row, name) for name in row}, instance.page_of(row))
    checkpoint.update(since=since, seen=seen[-_REMEMBERED:])
