"""What handlers return, as a status, headers and a body."""

from __future__ import annotations

import base64
import json
from typing import Any, Dict, List

Plain = Dict[str, Any]


def plain_response(returned: Any) -> Plain:
    """Of a REST handler: a response of Django, a text, bytes, something for JSON, or nothing."""
    if hasattr(returned, "status_code"):
        return _of_django(returned)
    if returned is None:
        return _response(200, [], b"")
    if isinstance(returned, bytes):
        return _response(200, [["Content-Type", "application/octet-stream"]], returned)
    if isinstance(returned, str):
        return _response(200, [["Content-Type", "text/html; charset=utf-8"]], returned.encode())
    return _response(200, [["Content-Type", "application/json"]], json.dumps(returned, default=str).encode())


def _of_django(response: Any) -> Plain:
    headers = [[str(name), str(value)] for name, value in (response.headers if hasattr(response, "headers") else response).items()]
    cookies = getattr(response, "cookies", None)
    if cookies:
        headers += [["Set-Cookie", morsel.OutputString()] for morsel in cookies.values()]
    content = b"".join(part if isinstance(part, bytes) else str(part).encode() for part in response)
    return _response(int(response.status_code), headers, content)


def webhook_response(returned: Any) -> Plain:
    """Of a webhook: ``{"status_code", "headers": [(name, value)], "content", "is_base64_encoded"}``; raises ValueError."""
    if not isinstance(returned, dict):
        raise ValueError("the webhook returned no dictionary")
    content = returned.get("content", b"")
    if returned.get("is_base64_encoded"):
        content = base64.b64decode(content)
    headers = returned.get("headers") or []
    pairs = headers.items() if isinstance(headers, dict) else headers
    raw = content if isinstance(content, bytes) else str(content).encode()
    return _response(int(returned.get("status_code", 200)), [[str(name), str(value)] for name, value in pairs], raw)


def failure(status: int, said: str) -> Plain:
    """For whoever asked; what went wrong inside is none of their business."""
    return _response(status, [["Content-Type", "text/plain; charset=utf-8"]], said.encode())


def _response(status: int, headers: List[List[str]], body: bytes) -> Plain:
    return {"status": status, "headers": headers, "body": base64.b64encode(body).decode("ascii")}
