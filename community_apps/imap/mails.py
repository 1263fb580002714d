"""What is in a mail, whoever wrote it: headers, text, URLs and files, within limits."""

from __future__ import annotations

import email
import email.header
import email.policy
import email.utils
import hashlib
import html
import re
from dataclasses import dataclass
from datetime import timezone
from email.message import Message
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple
from urllib.parse import urlsplit

from conversation import Raw

from repertory_sdk import ActionFailed, Artifact, Event, indicators

MOST = 100
LONGEST = 100_000
_URL = re.compile(r"\bh(?:tt|xx|\*\*)ps?(?:://|\[://\]|\[:\]//)[^\s<>\"'\\^`{|}]{3,2000}", re.IGNORECASE)
_LINK = re.compile(r"(?:href|src|action)\s*=\s*(?:\"([^\"]{1,2000})\"|'([^']{1,2000})'|([^\s>]{1,2000}))", re.IGNORECASE)


@dataclass(frozen=True)
class File:
    """A file of a mail."""

    name: str
    media_type: str
    content: bytes

    @property
    def sha256(self) -> str:
        """By which it is known."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True)
class Mail:
    """A mail that was read; ``identity`` is its Message-ID, or a digest where it has none."""

    uid: int
    flags: Sequence[str]
    size: int
    identity: str
    message_id: Optional[str]
    sender: Optional[str]
    sender_name: str
    reply_to: List[str]
    recipients: List[str]
    subject: str
    sent_at: Optional[str]
    text: str
    urls: List[str]
    domains: List[str]
    files: List[File]
    authentication: List[str]
    received: List[str]


def read(raw: Raw) -> Mail:
    """The older policy of parsing never fails over what strangers put into headers."""
    message = email.message_from_bytes(raw.content, policy=email.policy.compat32)
    senders = _addresses(message, "From")
    message_id = _line(message["Message-ID"])[:500] or None
    plain, markup, files = _parts(message)
    urls = _urls(plain, markup)
    return Mail(
        uid=raw.uid,
        flags=raw.flags,
        size=raw.size,
        identity=message_id or f"sha256:{hashlib.sha256(raw.content).hexdigest()}",
        message_id=message_id,
        sender=senders[0][1] if senders else None,
        sender_name=senders[0][0] if senders else "",
        reply_to=[address for _, address in _addresses(message, "Reply-To")],
        recipients=[address for name in ("To", "Cc") for _, address in _addresses(message, name)],
        subject=_line(message["Subject"])[:1000],
        sent_at=_moment(message["Date"]),
        text=(plain or _without_tags(markup))[:LONGEST],
        urls=urls,
        domains=list(dict.fromkeys(filter(None, map(_domain, urls)))),
        files=files,
        authentication=[_line(value)[:1000] for value in _all(message, "Authentication-Results")],
        received=[_line(value)[:1000] for value in _all(message, "Received")],
    )


def _all(message: Message, name: str) -> List[Any]:
    return (message.get_all(name) or [])[:MOST]


def _line(value: Any) -> str:
    """A header as text, whatever character sets it claims."""
    parts = []
    try:
        chunks = email.header.decode_header(value) if value is not None else []
    except (ValueError, LookupError, email.errors.HeaderParseError):
        chunks = [(str(value), None)]
    for chunk, charset in chunks:
        parts.append(_decoded(chunk, charset) if isinstance(chunk, bytes) else chunk)
    text = "".join(parts)
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _decoded(content: bytes, charset: Optional[str]) -> str:
    for name in (charset or "utf-8", "utf-8"):
        try:
            return content.decode(name)
        except (LookupError, ValueError):
            continue
    return content.decode("latin-1")


def _addresses(message: Message, name: str) -> List[Tuple[str, str]]:
    found = email.utils.getaddresses([str(value) for value in _all(message, name)])
    return [(_line(person), address.strip()[:320]) for person, address in found[:MOST] if "@" in address]


def _moment(value: Any) -> Optional[str]:
    try:
        moment = email.utils.parsedate_to_datetime(str(value))
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).isoformat()


def _parts(message: Message) -> Tuple[str, str, List[File]]:
    """Texts and files, also of mails attached to it: what users report as phishing comes like that."""
    plain: List[str] = []
    markup: List[str] = []
    files: List[File] = []
    for part in _leaves(message):
        content = part.get_payload(decode=True)
        if not isinstance(content, bytes):
            continue
        name, kind = _line(part.get_filename()), part.get_content_type()
        if name or part.get_content_disposition() == "attachment" or not kind.startswith("text/"):
            files.append(File(name.replace("/", "_")[:250] or "unnamed", kind, content))
        else:
            (markup if kind == "text/html" else plain).append(_decoded(content, part.get_content_charset()))
    return "\n".join(plain), "\n".join(markup), files


def _leaves(message: Message) -> Iterator[Message]:
    """Parts without parts, at most so many; depth costs nothing here."""
    waiting, seen = [message], 0
    while waiting and seen < MOST:
        part = waiting.pop(0)
        inner = part.get_payload()
        if isinstance(inner, list):
            waiting[:0] = [one for one in inner if isinstance(one, Message)]
        else:
            seen += 1
            yield part


def _without_tags(markup: str) -> str:
    quiet = re.sub(r"(?is)<(script|style|head)\b.*?</\1\s*>", " ", markup[:LONGEST])
    lines = re.sub(r"(?i)<(br|/p|/div|/tr|/li)\b[^>]*>", "\n", quiet)
    return html.unescape(re.sub(r"<[^>]*>", " ", lines)).strip()


def _urls(plain: str, markup: str) -> List[str]:
    linked = [html.unescape("".join(found)) for found in _LINK.findall(markup[: LONGEST * 10])]
    written = _URL.findall(plain[: LONGEST * 10]) + _URL.findall(html.unescape(re.sub(r"<[^>]*>", " ", markup[: LONGEST * 10])))
    found: Dict[str, None] = {}
    for text in [*linked, *written]:
        try:
            found[indicators.url(text.rstrip(".,;:!?)]'\""))] = None
        except (ActionFailed, ValueError):
            continue
        if len(found) == MOST:
            break
    return list(found)


def _domain(url: str) -> str:
    host = urlsplit(url).hostname or ""
    return host if re.search(r"[a-z]", host.rpartition(".")[2]) and ":" not in host else ""


def event_of(mail: Mail, place: str, received_at: float) -> Event:
    """A mail as an event: one artifact for the mail, one for each URL and each file."""
    cef = {
        "fromEmail": mail.sender, "toEmail": mail.recipients, "replyToEmail": mail.reply_to, "emailSubject": mail.subject,
        "emailMessageId": mail.message_id, "externalId": place, "emailAuthentication": mail.authentication,
    }  # fmt: skip
    kinds = {"fromEmail": ("email",), "toEmail": ("email",), "replyToEmail": ("email",), "externalId": ("mail",)}
    given = {name: value for name, value in cef.items() if value}
    contains = {name: kind for name, kind in kinds.items() if name in given}
    first = Artifact(name="mail", cef=given, contains=contains, label="email", source_id=mail.identity)
    return Event(
        name=mail.subject or "Mail without a subject",
        artifacts=[first, *map(_link, mail.urls), *(_file(number, file) for number, file in enumerate(mail.files))],
        description=mail.text[:10_000],
        labels=["email"],
        source="imap",
        source_id=mail.identity,
        happened_at=received_at,
    )


def _link(url: str) -> Artifact:
    domain = _domain(url)
    cef = {"requestURL": url, **({"destinationDnsDomain": domain} if domain else {})}
    kinds = {"requestURL": ("url",), "destinationDnsDomain": ("domain",)}
    return Artifact(
        name="URL", cef=cef, contains={name: kinds[name] for name in cef}, label="url", source_id=f"url {url}"[:500]
    )


def _file(number: int, file: File) -> Artifact:
    cef = {"fileName": file.name, "fileHashSha256": file.sha256, "fileSize": len(file.content), "fileType": file.media_type}
    contains = {"fileName": ("file name",), "fileHashSha256": ("hash", "sha256")}
    return Artifact(name=file.name, cef=cef, contains=contains, label="file", source_id=f"file {number} {file.sha256}")
