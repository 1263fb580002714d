"""What of a classic app can be asked from outside, as its manifest declares it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from repertory_sdk import classic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from repertory.items import Installed

EndpointKind = Literal["handler", "webhook"]


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """``needs_token``: whoever offers it asks for one of ours first. ``networks``: those who may come (CIDR); empty for all."""

    kind: EndpointKind
    needs_token: bool = True
    networks: Sequence[str] = ()


def endpoints_of(app: Installed) -> Sequence[Endpoint]:
    """At most one of each kind."""
    if app.manifest.format != classic.FORMAT:
        return ()
    plain = json.loads((app.folder / app.manifest.origin).read_bytes())
    found: list[Endpoint] = []
    if isinstance(plain.get("rest_handler"), str) and plain["rest_handler"]:
        found.append(Endpoint(kind="handler", needs_token=plain.get("require_auth_token") is not False))
    webhook: Any = plain.get("webhook")
    if isinstance(webhook, dict) and webhook.get("handler"):
        networks = webhook.get("ip_allowlist")
        found.append(
            Endpoint(
                kind="webhook", needs_token=webhook.get("requires_auth") is not False,
                networks=[str(one) for one in networks] if isinstance(networks, list) else [],
            )
        )  # fmt: skip
    return found
