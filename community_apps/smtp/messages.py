"""A mail as bytes, and addresses as people write them."""

from __future__ import annotations

import email.policy
import email.utils
import hashlib
import re
from dataclasses import dataclass
from email.message import EmailMessage
from typing import List, Optional, Sequence, Tuple

from repertory_sdk import ActionFailed, indicators

MOST_RECIPIENTS = 100
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}")


@dataclass(frozen=True)
class Draft:
    """What is to be sent; each file is a name, a media type and bytes."""

    sender: str
    to: Sequence[str]
    cc: Sequence[str]
    bcc: Sequence[str]
    reply_to: Sequence[str]
    in_reply_to: str
    subject: str
    body: str
    html: Optional[str]
    files: Sequence[Tuple[str, str, bytes]]


def addresses_in(text: str) -> List[str]:
    """Addresses without names, their domains in ASCII; ActionFailed where one is none.

    >>> addresses_in("Alice <alice@BÜCHER.example>, bob@mail.example")
    ['alice@xn--bcher-kva.example', 'bob@mail.example']
    """
    found = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        bare = re.search(r"<([^<>]*)>$", part)
        local, at, domain = indicators.refanged(bare[1] if bare else part).rpartition("@")
        if not at or not _LOCAL.fullmatch(local):
            shown = part if len(part) <= 80 else f"{part[:79]}…"
            raise ActionFailed(f"{shown!r} is no address that an SMTP server takes; give one such as alice@example.com")
        found.append(f"{local}@{indicators.domain(domain)}")
    return list(dict.fromkeys(found))


def message_of(draft: Draft, key: str) -> Tuple[bytes, str]:
    """The bytes of a mail, and its Message-ID, which is the same whenever the same request is repeated."""
    recipients = [*draft.to, *draft.cc, *draft.bcc]
    if not recipients or len(recipients) > MOST_RECIPIENTS:
        raise ActionFailed(
            f"the SMTP server wants 1 to {MOST_RECIPIENTS} recipients, not {len(recipients)}; give addresses in 'to'"
        )
    sender = addresses_in(draft.sender)
    if len(sender) != 1:
        raise ActionFailed("the SMTP server wants one address as sender; correct sender in the asset")
    identity = f"<{hashlib.sha256(key.encode()).hexdigest()[:32]}@{sender[0].rpartition('@')[2]}>"
    message = EmailMessage(policy=email.policy.SMTP)
    given = {
        "From": _line(draft.sender), "To": ", ".join(draft.to), "Cc": ", ".join(draft.cc), "Reply-To": ", ".join(draft.reply_to),
        "Subject": _line(draft.subject), "Date": email.utils.formatdate(), "Message-ID": identity,
        "In-Reply-To": _reference(draft.in_reply_to), "References": _reference(draft.in_reply_to),
        "Auto-Submitted": "auto-generated",
    }  # fmt: skip
    for name, value in given.items():
        if value or name == "Subject":
            message[name] = value
    message.set_content(_sound(draft.body) + "\n")
    if draft.html:
        message.add_alternative(_sound(draft.html), subtype="html")
    for name, kind, content in draft.files:
        main, _, sub = kind.partition("/")
        parts = (
            (main, sub)
            if re.fullmatch(r"[\w.+-]+/[\w.+-]+", kind) and main not in ("message", "multipart")
            else ("application", "octet-stream")
        )
        message.add_attachment(content, maintype=parts[0], subtype=parts[1], filename=_line(name).replace("/", "_") or "file")
    return message.as_bytes(), identity


def _line(text: str) -> str:
    """One line: nobody writes headers of their own."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in _sound(text)).split())[:900]


def _reference(text: str) -> str:
    found = re.search(r"<[^<>\s]{1,250}>", text)
    return found[0] if found and found[0].isascii() else ""


def _sound(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "")
