"""Mailboxes by IMAP: mails found, read, moved, marked and deleted, and new ones as events."""

from __future__ import annotations

import re
import ssl
from datetime import datetime, timedelta, timezone
from typing import Any, Dict, Iterator, List, Optional, Tuple

from conversation import Place, Session, session
from mails import Mail, event_of, read

from repertory_sdk import ActionFailed, App, Asset, Event, Job, Output, Secret, output, param, setting

app = App(
    "imap",
    version="1.0.0",
    product="IMAP server",
    vendor="Generic",
    summary=__doc__,
    hosts=["${asset.host}:${asset.port}"],
    files=["${asset.ca_file}"],
)

AT_ONCE = 50
"""Mails that one poll brings: they are read one by one."""
MARKS = {
    "seen": ("\\Seen", True),
    "unseen": ("\\Seen", False),
    "flagged": ("\\Flagged", True),
    "unflagged": ("\\Flagged", False),
}
_REMEMBERED = 1000


@app.asset
class Account(Asset):
    """An account of a mail server."""

    host: str = setting("Name or address of the server")
    port: int = setting("Port: 993 (TLS) or 143 (STARTTLS)", default=993, minimum=1, maximum=65535)
    security: str = setting("tls, starttls, or none", default="tls", choices=["tls", "starttls", "none"])
    user: str = setting("Account")
    password: Optional[Secret] = setting("Its password", default=None)
    token: Optional[Secret] = setting("OAuth access token (XOAUTH2), instead of the password", default=None)
    folder: str = setting("Folder for actions that name none, and whose new mails become events", default="INBOX")
    trash: str = setting("Folder for deleted mails", default="Trash")
    largest_mb: int = setting("Mails above this are not read", default=25, minimum=1, maximum=200)
    verify_tls: bool = setting("Whether the server's certificate has to be a trusted one", default=True)
    ca_file: Optional[str] = setting("Absolute path of the CA certificates to trust, as PEM", default=None)
    timeout_s: float = setting("Seconds to wait for an answer", default=60.0, minimum=0.1, maximum=600)

    @property
    def place(self) -> Place:
        """How it is reached."""
        if not self.password and not self.token:
            raise ActionFailed("IMAP server: the asset has neither password nor token; set one of them")
        limit = self.largest_mb * 1_000_000
        password, token = str(self.password or ""), str(self.token or "")
        return Place(self.host, self.port, self.security, self._trust(), self.user, password, token, limit, self.timeout_s)

    def _trust(self) -> Optional[ssl.SSLContext]:
        if self.security == "none":
            return None
        try:
            trust = ssl.create_default_context(cafile=self.ca_file)
        except (OSError, ssl.SSLError):
            raise ActionFailed(f"IMAP server: {self.ca_file} holds no certificates that can be read; correct ca_file") from None
        if not self.verify_tls:
            trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
        return trust


@app.result
class Folder:
    """A folder."""

    folder: str = output("Its name")
    emails: int = output("Number of mails")
    unseen: int = output("Number of those that nobody read")
    use: Optional[str] = output("What it is for, where the server tells: Sent, Trash, Junk ...", default=None)


@app.result
class Found:
    """A mail, from outside."""

    email: str = output("Its identity: folder, generation of the folder, number", contains="mail")
    folder: str = output("Folder it is in")
    message_id: Optional[str] = output("Its Message-ID", default=None)
    sender: Optional[str] = output("Address it says to come from", default=None, contains="email")
    recipients: List[str] = output("Addresses it says to go to", contains="email")
    subject: str = output("Subject")
    sent_at: Optional[str] = output("When it says to be sent, ISO 8601", default=None)
    seen: bool = output("Whether it was read")
    flagged: bool = output("Whether it is flagged")
    size: int = output("Bytes")


@app.result
class File:
    """A file of a mail."""

    name: str = output("Its name", contains="file name")
    media_type: str = output("What it says to be")
    size: int = output("Bytes")
    sha256: str = output("Its SHA-256", contains=["hash", "sha256"])


@app.result
class Content:
    """A mail, from inside."""

    email: str = output("Its identity", contains="mail")
    message_id: Optional[str] = output("Its Message-ID", default=None)
    sender: Optional[str] = output("Address it says to come from", default=None, contains="email")
    sender_name: str = output("Name it says to come from")
    reply_to: List[str] = output("Where answers go", contains="email")
    recipients: List[str] = output("Addresses it says to go to", contains="email")
    subject: str = output("Subject")
    sent_at: Optional[str] = output("When it says to be sent, ISO 8601", default=None)
    text: str = output("What it says, as text")
    urls: List[str] = output("URLs in it, also of mails attached to it", contains="url")
    domains: List[str] = output("Hosts of these URLs", contains="domain")
    attachments: List[File] = output("Its files")
    authentication: List[str] = output("What servers on its way found of SPF, DKIM and DMARC")
    received: List[str] = output("Its way, the last server first")
    kept: List[str] = output("SHA-256 of what was kept on the event", default=[])


@app.result
class Changed:
    """What became of a mail."""

    email: Optional[str] = output("Its identity now; none where it is gone", default=None, contains="mail")
    previous_email: str = output("Its identity before", contains="mail")
    folder: Optional[str] = output("Folder it is in now", default=None)
    changed: bool = output("False where it was so already")


def _identity(folder: str, validity: int, uid: int) -> str:
    return f"{folder}/{validity}/{uid}"


def _parts(email: str) -> Tuple[str, int, int]:
    found = re.fullmatch(r"(.{1,250})/(\d{1,10})/(\d{1,10})", email.strip())
    if not found:
        raise ActionFailed(f"{email[:80]!r} is no mail of an IMAP server; give the identity that 'search emails' returns")
    return found[1], int(found[2]), int(found[3])


def _opened(imap: Session, email: str, *, writing: bool) -> Tuple[str, int]:
    """Its folder, and its number, which means nothing once the folder was made anew."""
    folder, validity, uid = _parts(email)
    if imap.select(folder, writing=writing) != validity:
        raise ActionFailed(f"the IMAP server made the folder {folder!r} anew since that mail was found; search for it again")
    return folder, uid


def _existing(imap: Session, email: str, *, writing: bool) -> Tuple[str, int]:
    folder, uid = _opened(imap, email, writing=writing)
    if not imap.search(f"UID {uid}"):
        raise ActionFailed(
            f"the IMAP server has no such mail in {folder!r} any more; it was moved or deleted, search for it again"
        )
    return folder, uid


@app.test
def connectivity(account: Account) -> str:
    """Logs in, and opens the folder."""
    with session(account.place) as imap:
        imap.select(account.folder, writing=False)
        return f"{account.folder} of {account.user} has {imap.count} mails"


@app.action("list folders", type="investigate")
def list_folders(account: Account) -> Output[Folder]:
    """Folders of the account."""
    with session(account.place) as imap:
        found = []
        for name, uses in imap.folders():
            counts = imap.status(name)
            emails, unseen = counts.get("MESSAGES", 0), counts.get("UNSEEN", 0)
            found.append(Folder(folder=name, emails=emails, unseen=unseen, use=uses[0] if uses else None))
    return Output(found, summary={"folders": len(found)})


@app.action("search emails", type="investigate")
def search_emails(
    account: Account,
    sender: str = param("Part of the address or name it comes from", default=""),
    subject: str = param("Part of the subject", default=""),
    text: str = param("Part of anything in it", default=""),
    days: int = param("How many days back", default=30, minimum=0, maximum=3650),
    unseen: bool = param("Only those that nobody read", default=False),
    *,
    message_id: str = param("Its Message-ID", default=""),
    folder: Optional[str] = param("Folder; the asset's if not given", default=None),
    limit: int = param("Most mails, the newest first", default=50, minimum=1, maximum=1000),
) -> Output[Found]:
    """Mails that fulfil all conditions; none is marked as read."""
    since = (datetime.now(timezone.utc) - timedelta(days=days)).strftime("%d-%b-%Y")
    words = {"FROM": sender, "SUBJECT": subject, "TEXT": text, "HEADER Message-ID": message_id}
    place = folder or account.folder
    with session(account.place) as imap:
        validity = imap.select(place, writing=False)
        uids = imap.search(f"{'UNSEEN ' if unseen else ''}SINCE {since}", {name: word for name, word in words.items() if word})
        rows = [_found(place, validity, mail) for mail in map(read, imap.headers(sorted(uids)[-limit:]))]
    return Output(rows[::-1], summary={"emails": len(rows)})


def _found(folder: str, validity: int, mail: Mail) -> Found:
    return Found(
        email=_identity(folder, validity, mail.uid),
        folder=folder,
        message_id=mail.message_id,
        sender=mail.sender,
        recipients=mail.recipients,
        subject=mail.subject,
        sent_at=mail.sent_at,
        seen="\\Seen" in mail.flags,
        flagged="\\Flagged" in mail.flags,
        size=mail.size,
    )


@app.action("get email", type="investigate")
def get_email(
    account: Account,
    job: Job,
    email: str = param("Identity of the mail", contains="mail"),
    keep: bool = param("Keep the mail and its files on the event", default=False),
) -> Content:
    """What is in a mail, which is not marked as read by that."""
    with session(account.place) as imap:
        _, uid = _existing(imap, email, writing=False)
        raw = imap.whole(uid)
    mail = read(raw)
    kept = [job.attach("mail.eml", raw.content, "message/rfc822")] if keep else []
    kept += [job.attach(file.name, file.content, file.media_type) for file in mail.files if keep]
    files = [File(name=one.name, media_type=one.media_type, size=len(one.content), sha256=one.sha256) for one in mail.files]
    return Content(
        email=email.strip(),
        message_id=mail.message_id,
        sender=mail.sender,
        sender_name=mail.sender_name,
        reply_to=mail.reply_to,
        recipients=mail.recipients,
        subject=mail.subject,
        sent_at=mail.sent_at,
        text=mail.text,
        urls=mail.urls,
        domains=mail.domains,
        attachments=files,
        authentication=mail.authentication,
        received=mail.received,
        kept=[one.sha256 for one in kept],
    )


@app.action("move email", type="generic")
def move_email(
    account: Account,
    email: str = param("Identity of the mail", contains="mail"),
    folder: str = param("Where it goes; it has to be there"),
) -> Changed:
    """Put a mail into another folder, where it has another identity."""
    with session(account.place) as imap:
        before, uid = _existing(imap, email, writing=True)
        if before == folder:
            return Changed(email=email.strip(), previous_email=email.strip(), folder=folder, changed=False)
        where = imap.move(uid, folder)
    now = _identity(folder, *where) if where else None
    return Changed(email=now, previous_email=email.strip(), folder=folder, changed=True)


@app.action("mark email", type="generic", idempotent=True)
def mark_email(
    account: Account,
    email: str = param("Identity of the mail", contains="mail"),
    mark: str = param("seen, unseen, flagged or unflagged", choices=list(MARKS)),
) -> Changed:
    """Mark a mail, or take a mark off."""
    flag, wanted = MARKS[mark]
    with session(account.place) as imap:
        folder, uid = _existing(imap, email, writing=True)
        changed = (flag in imap.flags(uid)) != wanted
        if changed:
            imap.store(uid, flag, wanted=wanted)
    return Changed(email=email.strip(), previous_email=email.strip(), folder=folder, changed=changed)


@app.action("delete email", type="contain", idempotent=True)
def delete_email(
    account: Account,
    email: str = param("Identity of the mail", contains="mail"),
    permanently: bool = param("Not into the folder for deleted mails, but away", default=False),
) -> Changed:
    """Put a mail into the folder for deleted mails, from where 'move email' brings it back, or delete it for good."""
    with session(account.place) as imap:
        folder, uid = _opened(imap, email, writing=True)
        if not imap.search(f"UID {uid}"):
            return Changed(previous_email=email.strip(), changed=False)
        if not permanently and folder == account.trash:
            return Changed(email=email.strip(), previous_email=email.strip(), folder=folder, changed=False)
        if permanently:
            imap.delete(uid)
            return Changed(previous_email=email.strip(), changed=True)
        where = imap.move(uid, account.trash)
    now = _identity(account.trash, *where) if where else None
    return Changed(email=now, previous_email=email.strip(), folder=account.trash, changed=True)


@app.poll
def new_mails(account: Account, checkpoint: Dict[str, Any]) -> Iterator[Event]:
    """Mails that came since the last time; at first those of the last week."""
    seen = list(checkpoint.get("seen") or ())
    with session(account.place) as imap:
        validity = imap.select(account.folder, writing=False)
        known = checkpoint.get("validity") == validity
        last = int(checkpoint.get("uid") or 0) if known else 0
        since = (datetime.now(timezone.utc) - timedelta(days=7)).strftime("%d-%b-%Y")
        asked = f"UID {last + 1}:*" if last else f"SINCE {since}"
        for uid in [uid for uid in sorted(imap.search(asked)) if uid > last][:AT_ONCE]:
            last = uid
            found = imap.whole(uid, shortened=True)
            event = event_of(read(found), _identity(account.folder, validity, uid), found.received_at)
            if event.source_id not in seen:
                seen.append(event.source_id)
                yield event
    checkpoint.update(validity=validity, uid=last, seen=seen[-_REMEMBERED:])
