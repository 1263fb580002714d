"""What an action may say and do while it runs, besides returning its result."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Callable, Dict, List, Optional

from repertory_sdk.models import Attachment


@dataclass
class Job:
    """One running action. An action that takes a parameter annotated ``Job`` is given one.

    ``key`` is the same whenever this very request is repeated, and different for every other one: pass it to
    products that understand idempotency keys. ``timeout_s`` is how long the action may take, in seconds.

    Made without arguments, as in a test, it keeps what it is told in ``said`` and ``attached``.
    """

    key: str = "test"
    timeout_s: float = 60.0
    said: List[str] = field(default_factory=list)
    attached: Dict[str, bytes] = field(default_factory=dict)
    _on_progress: Optional[Callable[[str, Optional[float]], None]] = None
    _on_attach: Optional[Callable[[Attachment, bytes], None]] = None
    _on_read: Optional[Callable[[Attachment], bytes]] = None

    def progress(self, message: str, fraction: Optional[float] = None) -> None:
        """Tell people how far the action is; ``fraction`` from 0 to 1."""
        self.said.append(message)
        if self._on_progress:
            self._on_progress(message, fraction)

    def attach(self, name: str, content: bytes, media_type: str = "application/octet-stream") -> Attachment:
        """Keep a file (at most 20 MB) on the event; returns what a result may refer to."""
        attachment = Attachment(name, hashlib.sha256(content).hexdigest(), len(content), media_type)
        self.attached[attachment.sha256] = content
        if self._on_attach:
            self._on_attach(attachment, content)
        return attachment

    def read(self, attachment: Attachment) -> bytes:
        """The bytes of an attachment that was passed in."""
        if self._on_read:
            return self._on_read(attachment)
        return self.attached[attachment.sha256]


