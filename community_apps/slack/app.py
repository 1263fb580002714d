"""Messages and files in channels of Slack, by a bot or by a webhook, and who the people are."""

from __future__ import annotations

import functools
import re
from typing import Any, Dict, List, Literal, Mapping, Optional
from urllib.parse import urlsplit

from files import body_of

from repertory_sdk import ActionFailed, App, Output, Secret, output, param, setting
from repertory_sdk.http import Http, HttpAsset

app = App(
    "slack",
    version="1.0.0",
    product="Slack",
    vendor="Slack Technologies",
    summary=__doc__,
    requires=["requests>=2.31"],
    hosts=[
        "slack.com:443",
        "hooks.slack.com:443",
        "files.slack.com:443",
        "${asset.url}",
        "${asset.webhook_url}",
        "${asset.files_url}",
        "${asset.proxy}",
    ],
    files=["${asset.ca_file}"],
)

LONGEST = 40_000
PAGE = 200
CURES = {
    "invalid_auth": "set a valid token in the asset",
    "not_authed": "set a valid token in the asset",
    "account_inactive": "the token's account is gone: set another token in the asset",
    "token_revoked": "set a valid token in the asset",
    "missing_scope": "give the bot this scope, and install it again",
    "channel_not_found": "check the channel, and that the bot is in it if it is private",
    "not_in_channel": "invite the bot to the channel",
    "is_archived": "choose a channel that is not archived",
    "msg_too_long": "say less",
    "message_not_found": "check channel and message_id",
    "cant_update_message": "only messages of this bot can be changed",
    "cant_delete_message": "only messages of this bot can be deleted",
    "ratelimited": "wait a moment",
}
Encoding = Literal["text", "base64"]


@app.asset
class Workspace(HttpAsset):
    """A workspace: a bot with its token, or a webhook, which can only send messages to its one channel."""

    token: Optional[Secret] = setting("Token of a bot (xoxb-...)", default=None)
    webhook: Optional[Secret] = setting("What follows /services/ in the URL of an incoming webhook", default=None)
    channel: Optional[str] = setting("Channel for messages that name none", default=None)
    url: str = setting("Where its API answers", default="https://slack.com/api")
    webhook_url: str = setting("Where its webhooks answer", default="https://hooks.slack.com/services")
    files_url: str = setting("Where files are uploaded to", default="https://files.slack.com")

    @functools.cached_property
    def api(self) -> Http:
        """Its interface for bots."""
        if not self.token:
            raise ActionFailed("Slack: the asset has no token; set token to that of a bot, a webhook can only send messages")
        return Http("Slack", self, headers={"Authorization": f"Bearer {self.token}"})

    def call(self, method: str, body: Optional[Mapping[str, Any]] = None, **query: Any) -> Dict[str, Any]:
        """The answer of a method; failures come with status 200."""
        given = {name: str(value) for name, value in query.items() if value}
        answer = self.api.get(f"/{method}", params=given) if body is None else self.api.post(f"/{method}", json=body)
        said = answer.object()
        if not said.get("ok"):
            raise refused(method, said)
        return said

    def pages(self, method: str, name: str, limit: int, **query: Any) -> List[Dict[str, Any]]:
        """Rows of a method, page by page."""
        found: List[Dict[str, Any]] = []
        cursor = ""
        while True:
            said = self.call(method, limit=min(PAGE, limit - len(found)), cursor=cursor, **query)
            found += said.get(name) or []
            cursor = str((said.get("response_metadata") or {}).get("next_cursor") or "")
            if not cursor or len(found) >= limit:
                return found[:limit]


def refused(method: str, said: Mapping[str, Any]) -> ActionFailed:
    """What to say of an answer that is not ok."""
    error = str(said.get("error") or "no reason given")[:100]
    needed = f", which is {said['needed']}" if said.get("needed") else ""
    return ActionFailed(
        f"Slack: {method} was refused with {error}{needed}; {CURES.get(error, 'check the parameters')}",
        retry=error == "ratelimited",
    )


@app.result
class Message:
    """A message."""

    sent: bool = output("Whether it was sent")
    channel: Optional[str] = output("Identity of the channel; a webhook does not tell", default=None)
    message_id: Optional[str] = output("Identity of the message in its channel (ts)", default=None)


@app.result
class Changed:
    """What became of a message."""

    channel: str = output("Identity of the channel")
    message_id: str = output("Identity of the message")
    changed: bool = output("Whether it is other than it was")


@app.result
class Said:
    """A message that somebody wrote."""

    channel: str = output("Identity of the channel")
    message_id: str = output("Identity of the message")
    text: str = output("What it says")
    user: Optional[str] = output("Identity of who wrote it", default=None, contains="user name")


@app.result
class File:
    """A file in a channel."""

    channel: str = output("Identity of the channel")
    file: str = output("Identity of the file")
    name: str = output("Its name", contains="file name")
    size: int = output("Bytes")


@app.result
class Channel:
    """A channel."""

    channel: str = output("Its identity")
    name: str = output("Its name")
    private: bool = output("Whether only those who are invited see it")
    member: bool = output("Whether the bot is in it")
    archived: bool = output("Whether nothing can be written any more")
    topic: str = output("What it is about")


@app.result
class User:
    """What Slack knows of somebody."""

    user: str = output("As asked", contains="user name")
    found: bool = output("Whether there is such an account")
    enabled: Optional[bool] = output("Whether it may be used", default=None)
    email: Optional[str] = output("Mail address", default=None, contains="email")
    identity: Optional[str] = output("Identity of the account", default=None)
    name: Optional[str] = output("Name of the person", default=None)
    bot: Optional[bool] = output("Whether it is a bot", default=None)
    groups: List[str] = output("Handles of the user groups it is in", default=[])


def escaped(text: str) -> str:
    """Without mentions and links of Slack's own: what comes from an alert must not wake a whole channel."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\0", "")


def _text(message: str, *, markup: bool) -> str:
    text = message if markup else escaped(message)
    if not text.strip():
        raise ActionFailed("Slack takes no empty message; say something")
    if len(text) > LONGEST:
        raise ActionFailed(f"Slack takes at most {LONGEST:,} characters and this has {len(text):,}; say less, or upload a file")
    return text


def _named(workspace: Workspace, channel: Optional[str]) -> str:
    wanted = (channel or workspace.channel or "").strip().lstrip("#")
    if not wanted:
        raise ActionFailed("Slack: no channel is given; give one, or set channel in the asset")
    return wanted


def _identity(workspace: Workspace, channel: Optional[str]) -> str:
    """Most methods take identities only."""
    wanted = _named(workspace, channel)
    if re.fullmatch(r"[CGD][A-Z0-9]{5,20}", wanted):
        return wanted
    kinds = "public_channel,private_channel"
    for row in workspace.pages("conversations.list", "channels", 20_000, types=kinds, exclude_archived="true"):
        if row.get("name") == wanted.lower():
            return str(row.get("id"))
    raise ActionFailed(f"Slack: the bot sees no channel {wanted[:80]!r}; check its name, and invite the bot if it is private")


@app.test
def connectivity(workspace: Workspace) -> str:
    """Asks who the bot is; of a webhook only that it is there can be seen, because trying it would send a message."""
    if workspace.token:
        said = workspace.call("auth.test", {})
        return f"connected to {said.get('team') or 'a workspace'} as {said.get('user') or 'a bot'}"
    answer = _posted(workspace, {}, accept=(400,))
    if answer.strip() not in ("no_text", "invalid_payload", "missing_text_or_fallback_or_attachments"):
        raise ActionFailed(f"Slack does not know the webhook ({answer[:100] or 'it says nothing'}); set webhook again")
    return "the webhook is there"


def _posted(workspace: Workspace, body: Mapping[str, Any], accept: Any = ()) -> str:
    if not workspace.webhook:
        raise ActionFailed("Slack: the asset has neither a token nor a webhook; set one of them")
    secret = workspace.webhook.strip("/")
    hooks = Http("Slack", workspace, workspace.webhook_url, secrets=[secret])
    return hooks.post(f"/{secret}", json=dict(body), accept=accept).text


@app.action("send message", type="generic")
def send_message(
    workspace: Workspace,
    message: str = param("What to say; *bold*, `code` and lines are kept"),
    to: str = param("A channel (#name or identity); anything else is whom it concerns, and stands before it", default=""),
    thread: Optional[str] = param("Identity of the message to answer", default=None),
    markup: bool = param("Whether <links> and <!mentions> in it are meant as such", default=False),
) -> Message:
    """Tell a channel something. Doing it twice says it twice."""
    channel = to if to.startswith("#") or re.fullmatch(r"[CDG][A-Z0-9]{7,}", to) else None
    text = _text(message if channel or not to else f"{to}: {message}", markup=markup)
    if workspace.token:
        body = {"channel": _named(workspace, channel), "text": text, **({"thread_ts": thread} if thread else {})}
        said = workspace.call("chat.postMessage", body)
        return Message(sent=True, channel=said.get("channel"), message_id=said.get("ts"))
    if channel or thread:
        raise ActionFailed(
            "Slack: a webhook writes to its one channel; leave the channel and thread out, or set a token in the asset"
        )
    answer = _posted(workspace, {"text": text})
    if answer.strip() != "ok":
        raise ActionFailed(f"Slack did not take the message ({answer[:100] or 'it says nothing'}); check the webhook")
    return Message(sent=True)


@app.action("update message", type="generic", idempotent=True)
def update_message(
    workspace: Workspace,
    message_id: str = param("Identity of the message (ts)"),
    message: str = param("What it is to say"),
    channel: Optional[str] = param("Name or identity; the asset's channel if not given", default=None),
) -> Changed:
    """Change a message of this bot."""
    body = {"channel": _identity(workspace, channel), "ts": message_id, "text": _text(message, markup=False)}
    said = workspace.call("chat.update", body)
    return Changed(channel=body["channel"], message_id=str(said.get("ts") or message_id), changed=True)


@app.action("delete message", type="generic", idempotent=True)
def delete_message(
    workspace: Workspace,
    message_id: str = param("Identity of the message (ts)"),
    channel: Optional[str] = param("Name or identity; the asset's channel if not given", default=None),
) -> Changed:
    """Take back a message of this bot; one that is gone stays so."""
    place = _identity(workspace, channel)
    try:
        workspace.call("chat.delete", {"channel": place, "ts": message_id})
    except ActionFailed as error:
        if "refused with message_not_found" not in str(error):
            raise
        return Changed(channel=place, message_id=message_id, changed=False)
    return Changed(channel=place, message_id=message_id, changed=True)


@app.action("list messages", type="investigate")
def list_messages(
    workspace: Workspace,
    channel: Optional[str] = param("Name or identity; the asset's channel if not given", default=None),
    limit: int = param("Most messages, the newest first", default=50, minimum=1, maximum=5000),
) -> Output[Said]:
    """What was said in a channel that the bot is in."""
    place = _identity(workspace, channel)
    found = [
        Said(
            channel=place,
            message_id=str(row.get("ts") or ""),
            text=str(row.get("text") or ""),
            user=row.get("user") or row.get("bot_id"),
        )
        for row in workspace.pages("conversations.history", "messages", limit, channel=place)
    ]
    return Output(found, summary={"messages": len(found)})


@app.action("upload file", type="generic")
def upload_file(
    workspace: Workspace,
    name: str = param("Name of the file", contains="file name"),
    content: str = param("What is in it"),
    channel: Optional[str] = param("Name or identity; the asset's channel if not given", default=None),
    comment: str = param("What to say with it", default=""),
    encoding: Encoding = param("Whether the content is text, or base64 of bytes", default="text"),
) -> File:
    """Put a file into a channel. Doing it twice puts two."""
    body, kind = body_of(name, content, encoding)
    if not body:
        raise ActionFailed("Slack takes no empty file; give content")
    place = _identity(workspace, channel)
    said = workspace.call("files.getUploadURLExternal", filename=name, length=len(body))
    target, allowed = urlsplit(str(said.get("upload_url") or "")), urlsplit(workspace.files_url)
    if (target.scheme, target.netloc) != (allowed.scheme, allowed.netloc):
        raise ActionFailed(
            f"Slack wants the file at {target.netloc[:100] or 'no place'}; set files_url to it, if that is right"
        )
    uploads = Http("Slack", workspace, f"{target.scheme}://{target.netloc}", secrets=[target.path, target.query])
    uploads.post(f"{target.path}?{target.query}", data=body, headers={"Content-Type": kind})
    done = {"files": [{"id": said.get("file_id"), "title": name}], "channel_id": place, "initial_comment": escaped(comment)}
    workspace.call("files.completeUploadExternal", done)
    return File(channel=place, file=str(said.get("file_id") or ""), name=name, size=len(body))


@app.action("list channels", type="investigate")
def list_channels(
    workspace: Workspace,
    private: bool = param("Private ones that the bot is in, too", default=False),
    limit: int = param("Most channels", default=1000, minimum=1, maximum=20_000),
) -> Output[Channel]:
    """Channels that are not archived."""
    kinds = "public_channel,private_channel" if private else "public_channel"
    rows = workspace.pages("conversations.list", "channels", limit, types=kinds, exclude_archived="true")
    found = [_channel(row) for row in rows]
    return Output(found, summary={"channels": len(found)})


def _channel(row: Dict[str, Any]) -> Channel:
    return Channel(
        channel=str(row.get("id") or ""),
        name=str(row.get("name") or ""),
        private=bool(row.get("is_private")),
        member=bool(row.get("is_member")),
        archived=bool(row.get("is_archived")),
        topic=str((row.get("topic") or {}).get("value") or ""),
    )


@app.action("get user", type="investigate")
def get_user(workspace: Workspace, user: str = param("Mail address, or identity (U...)", contains="user name")) -> User:
    """What Slack knows of somebody."""
    wanted = user.strip()
    if not wanted:
        raise ActionFailed("Slack looks for people by mail address or identity; give one")
    try:
        said = (
            workspace.call("users.lookupByEmail", email=wanted) if "@" in wanted else workspace.call("users.info", user=wanted)
        )
    except ActionFailed as error:
        if not re.search(r"refused with (users?_not_found|user_not_visible)", str(error)):
            raise
        return User(user=user, found=False)
    row = said.get("user") or {}
    profile = row.get("profile") or {}
    return User(
        user=user,
        found=True,
        enabled=not row.get("deleted"),
        email=profile.get("email"),
        identity=row.get("id"),
        name=row.get("real_name") or profile.get("real_name"),
        bot=bool(row.get("is_bot")),
        groups=_groups(workspace, str(row.get("id"))),
    )


def _groups(workspace: Workspace, identity: str) -> List[str]:
    """Only with the scope usergroups:read; without it there are none to see."""
    try:
        rows = workspace.call("usergroups.list", include_users="true").get("usergroups") or []
    except ActionFailed as error:
        if "refused with missing_scope" not in str(error):
            raise
        return []
    return sorted(str(row.get("handle") or "") for row in rows if identity in (row.get("users") or ()))
