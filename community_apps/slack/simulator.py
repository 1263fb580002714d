"""Slack, simulated: three channels and two people; an API that fails with status 200, and a webhook that answers in plain text."""

from __future__ import annotations

import re
from typing import Any, Dict, Optional

from repertory_sdk.testing.simulator import Reply, Request, Simulator

TOKEN, WEBHOOK = "demo-token-of-slack", "T000/B000/demo-webhook"
PLAIN = {"Content-Type": "text/plain"}
CHANNELS = [
    {"id": "C0000001", "name": "soc", "is_private": False, "is_member": True, "topic": {"value": "Alerts"}},
    {"id": "C0000002", "name": "general", "is_private": False, "is_member": False},
    {"id": "G0000003", "name": "incident-1", "is_private": True, "is_member": True},
]
USERS = [
    {"id": "U0000001", "real_name": "Alice Example", "deleted": False, "profile": {"email": "alice@mail.example"}},
    {"id": "U0000002", "real_name": "Bob Example", "deleted": True, "profile": {"email": "bob@mail.example"}},
]
GROUPS = [{"handle": "oncall", "users": ["U0000001"]}, {"handle": "others", "users": []}]

simulator = Simulator(
    "Slack",
    settings={"url": "{url}/api", "webhook_url": "{url}/services", "files_url": "{url}", "token": TOKEN, "channel": "soc"},
    state=lambda: {
        "channels": CHANNELS, "users": USERS, "groups": GROUPS, "messages": {}, "uploads": {}, "hooked": [], "clock": 0,
        "upload_host": "",
    },
)  # fmt: skip


@simulator.error
def error(status: int, text: str) -> Reply:
    return Reply(status, {"ok": False, "error": text})


def refused(why: str, **more: str) -> Reply:
    return Reply(200, {"ok": False, "error": why, **more})


@simulator.check
def token(request: Request) -> Optional[Reply]:
    if not request.path.startswith("/api/"):
        return None
    said = request.headers.get("Authorization", "")
    return None if said == f"Bearer {TOKEN}" else refused("invalid_auth" if said else "not_authed")


@simulator.route("POST", "/services/{hook:rest}")
def hook(request: Request) -> Any:
    if request.args["hook"] != WEBHOOK:
        return Reply(404, "no_service", PLAIN)
    text = (request.json() or {}).get("text")
    if not text:
        return Reply(400, "no_text", PLAIN)
    request.state["hooked"].append(text)
    return Reply(200, "ok", PLAIN)


@simulator.route("POST", "/api/auth.test")
def who(_: Request) -> Any:
    return {"ok": True, "team": "Example", "user": "bot", "user_id": "U0000009"}


def _channel(request: Request, wanted: str) -> Optional[Dict[str, Any]]:
    return next((row for row in request.state["channels"] if wanted in (row["id"], row["name"])), None)


@simulator.route("POST", "/api/chat.postMessage")
def post(request: Request) -> Any:
    body = request.json()
    channel = _channel(request, body.get("channel", ""))
    if channel is None:
        return refused("channel_not_found")
    if not channel["is_member"]:
        return refused("not_in_channel")
    request.state["clock"] += 1
    ts = f"1767225600.{request.state['clock']:06}"
    message = {"ts": ts, "text": body["text"], "bot_id": "B01", "thread_ts": body.get("thread_ts"), "channel": channel["id"]}
    request.state["messages"][ts] = message
    return {"ok": True, "channel": channel["id"], "ts": ts, "message": message}


@simulator.route("POST", "/api/chat.{what}")
def change(request: Request) -> Any:
    body = request.json()
    message = request.state["messages"].get(body.get("ts"))
    if message is None or message["channel"] != body.get("channel"):
        return refused("message_not_found")
    if request.args["what"] == "delete":
        del request.state["messages"][body["ts"]]
    else:
        message["text"] = body["text"]
    return {"ok": True, "channel": body["channel"], "ts": body["ts"]}


simulator.route("POST", "/api/chat.postMessage")(post)  # the last that fits answers


def _page(request: Request, name: str, rows: Any) -> Dict[str, Any]:
    first, size = int(request.query.get("cursor") or 0), int(request.query.get("limit", "100"))
    after = str(first + size) if first + size < len(rows) else ""
    return {"ok": True, name: rows[first : first + size], "response_metadata": {"next_cursor": after}}


@simulator.route("GET", "/api/conversations.list")
def channels(request: Request) -> Any:
    private = "private_channel" in request.query.get("types", "")
    return _page(request, "channels", [row for row in request.state["channels"] if private or not row["is_private"]])


@simulator.route("GET", "/api/conversations.history")
def history(request: Request) -> Any:
    channel = _channel(request, request.query.get("channel", ""))
    if channel is None or not channel["is_member"]:
        return refused("not_in_channel" if channel else "channel_not_found")
    rows = [row for row in request.state["messages"].values() if row["channel"] == channel["id"]]
    return _page(request, "messages", rows[::-1])


@simulator.route("GET", "/api/users.lookupByEmail")
def by_mail(request: Request) -> Any:
    found = [row for row in request.state["users"] if row["profile"]["email"] == request.query.get("email")]
    return {"ok": True, "user": found[0]} if found else refused("users_not_found")


@simulator.route("GET", "/api/users.info")
def by_identity(request: Request) -> Any:
    found = [row for row in request.state["users"] if row["id"] == request.query.get("user")]
    return {"ok": True, "user": found[0]} if found else refused("user_not_found")


@simulator.route("GET", "/api/usergroups.list")
def groups(request: Request) -> Any:
    if request.state["groups"] is None:
        return refused("missing_scope", needed="usergroups:read")
    return {"ok": True, "usergroups": request.state["groups"]}


@simulator.route("GET", "/api/files.getUploadURLExternal")
def place(request: Request) -> Any:
    number = f"F{len(request.state['uploads']) + 1:07}"
    request.state["uploads"][number] = {"name": request.query["filename"], "length": int(request.query["length"]), "size": None}
    return {
        "ok": True,
        "upload_url": f"{request.state['upload_host'] or request.url}/upload/v1/{number}?key=x",
        "file_id": number,
    }


@simulator.route("POST", "/upload/v1/{file}")
def upload(request: Request) -> Any:
    if request.headers.get("Authorization"):
        return Reply(400, "credentials do not belong here", PLAIN)
    request.state["uploads"][request.args["file"]]["size"] = len(request.body)
    return Reply(200, f"OK - {len(request.body)}", PLAIN)


@simulator.route("POST", "/api/files.completeUploadExternal")
def complete(request: Request) -> Any:
    body = request.json()
    for row in body["files"]:
        file = request.state["uploads"].get(row["id"])
        if not file or file["size"] != file["length"] or not re.fullmatch(r"[CG]\w+", body["channel_id"]):
            return refused("invalid_arguments")
        file["channel"] = body["channel_id"]
    return {"ok": True, "files": body["files"]}


if __name__ == "__main__":
    simulator.main()
