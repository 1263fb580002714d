"""Whether a proxy lets a URL through, without a visit to it: what is only wanted from its cache is fetched from nowhere.

``Cache-Control: only-if-cached`` (RFC 9111, 5.2.1.7) is answered with 504 where the cache does not have it; a refusal by the
proxy's rules comes before that.
"""

from __future__ import annotations

import http.client
import socket
from dataclasses import dataclass

from repertory_sdk import ActionFailed

HEADERS = {"Cache-Control": "only-if-cached", "Connection": "close", "User-Agent": "repertory"}


@dataclass(frozen=True)
class Reply:
    """``error`` is Squid's own name of the reason, such as ERR_ACCESS_DENIED."""

    status: int
    error: str

    @property
    def denied(self) -> bool:
        """Whether the rules of the proxy are the reason."""
        return self.status == 403 and self.error in ("ERR_ACCESS_DENIED", "")

    def __str__(self) -> str:
        return f"{self.status} {self.error}".strip()


def ask(product: str, host: str, port: int, url: str, timeout_s: float) -> Reply:
    """What the proxy says; ActionFailed where it says nothing."""
    connection = http.client.HTTPConnection(host, port, timeout=timeout_s)
    try:
        connection.request("GET", url, headers=HEADERS)
        answer = connection.getresponse()
        return Reply(answer.status, answer.headers.get("X-Squid-Error", "").partition(" ")[0])
    except (TimeoutError, socket.timeout):
        what = f"does not answer within {timeout_s:g} s"
    except (OSError, UnicodeError, OverflowError):
        what = "cannot be reached, or hangs up"
    except http.client.HTTPException:
        what = "says what is no answer"
    finally:
        connection.close()
    cure = "check proxy_host and proxy_port, and that a proxy listens there"
    raise ActionFailed(f"{product}: the proxy at {host}:{port} {what}; {cure}", retry=True)
