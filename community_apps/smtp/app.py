"""Mail sent through an SMTP server, with HTML and attachments."""

from __future__ import annotations

import ssl
from typing import Dict, List, Optional

from messages import Draft, addresses_in, message_of
from sending import Place, SmtpFailure, session

from repertory_sdk import ActionFailed, App, Asset, Attachment, Job, Secret, output, param, setting

app = App(
    "smtp",
    version="1.0.0",
    product="SMTP server",
    vendor="Generic",
    summary=__doc__,
    hosts=["${asset.host}:${asset.port}"],
    files=["${asset.ca_file}"],
)


@app.asset
class Server(Asset):
    """A mail server, and the account that sends."""

    host: str = setting("Name or address of the server")
    port: int = setting("Port: 587 (STARTTLS), 465 (TLS) or 25", default=587, minimum=1, maximum=65535)
    security: str = setting("starttls, tls, or none", default="starttls", choices=["starttls", "tls", "none"])
    user: Optional[str] = setting("Account, where the server wants one", default=None)
    password: Optional[Secret] = setting("Its password", default=None)
    sender: str = setting("Address that mails come from")
    verify_tls: bool = setting("Whether the server's certificate has to be a trusted one", default=True)
    ca_file: Optional[str] = setting("Absolute path of the CA certificates to trust, as PEM", default=None)
    helo: str = setting("Name by which this machine greets the server", default="localhost")
    timeout_s: float = setting("Seconds to wait for an answer", default=30.0, minimum=0.1, maximum=600)

    @property
    def place(self) -> Place:
        """How it is reached."""
        account = (self.user, str(self.password)) if self.user and self.password else None
        return Place(self.host, self.port, self.security, self._trust(), account, self.helo, self.timeout_s)

    def _trust(self) -> Optional[ssl.SSLContext]:
        if self.security == "none":
            return None
        try:
            trust = ssl.create_default_context(cafile=self.ca_file)
        except (OSError, ssl.SSLError):
            raise ActionFailed(f"SMTP server: {self.ca_file} holds no certificates that can be read; correct ca_file") from None
        if not self.verify_tls:
            trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
        return trust


@app.result
class Refusal:
    """An address to which the server sends nothing."""

    address: str = output("The address", contains="email")
    reason: str = output("What the server said")


@app.result
class Sent:
    """A mail that the server took."""

    message_id: str = output("Its Message-ID")
    accepted: List[str] = output("Addresses that it goes to", contains="email")
    refused: List[Refusal] = output("Addresses that the server refused", default=[])
    size: int = output("Bytes")


@app.result
class Recipient:
    """What a server says of an address before any mail."""

    address: str = output("Address as asked", contains="email")
    accepted: bool = output("Whether it would take mail for it; some servers say yes to all")
    reason: str = output("What it said")


@app.result
class Info:
    """What a server offers."""

    host: str = output("Name by which it was asked", contains="host name")
    encrypted: bool = output("Whether TLS is spoken")
    protocol: Optional[str] = output("Version of TLS", default=None)
    largest: Optional[int] = output("Most bytes of a mail, where it tells", default=None)
    extensions: List[str] = output("Extensions of SMTP that it has")


@app.test
def connectivity(server: Server) -> str:
    """Greets the server, logs in, and does nothing."""
    with session(server.place) as smtp:
        smtp.noop()
    return f"{server.host} takes mail{' of this account' if server.user else ''}"


@app.action("send email", type="generic", timeout_s=180)
def send_email(
    server: Server,
    job: Job,
    to: str = param("Addresses, separated by commas", contains="email"),
    subject: str = param("Subject"),
    body: str = param("Text"),
    *,
    html: Optional[str] = param("The same as HTML, shown instead of the text", default=None),
    cc: str = param("Addresses that get a copy", default="", contains="email"),
    bcc: str = param("Addresses that get a copy and are not named", default="", contains="email"),
    reply_to: str = param("Where answers go", default="", contains="email"),
    in_reply_to: str = param("Message-ID of the mail that is answered", default=""),
    attachments: List[Attachment] = param("Files of the event", default=[]),
    texts: Dict[str, str] = param("Further files, their texts by their names", default={}),
) -> Sent:
    """Send a mail. A request that is repeated sends it again, under the same Message-ID."""
    draft = Draft(
        sender=server.sender,
        to=addresses_in(to),
        cc=addresses_in(cc),
        bcc=addresses_in(bcc),
        reply_to=addresses_in(reply_to),
        in_reply_to=in_reply_to,
        subject=subject,
        body=body,
        html=html,
        files=[(file.name, file.media_type, job.read(file)) for file in attachments]
        + [(name, "text/plain", text.encode("utf-8", "replace")) for name, text in texts.items()],
    )
    message, identity = message_of(draft, job.key)
    recipients = [*draft.to, *draft.cc, *draft.bcc]
    with session(server.place) as smtp:
        refused = smtp.send(addresses_in(server.sender)[0], recipients, message)
    return Sent(
        message_id=identity,
        accepted=[address for address in recipients if address not in refused],
        refused=[Refusal(address=address, reason=reason) for address, reason in refused.items()],
        size=len(message),
    )


@app.action("check recipient", type="investigate")
def check_recipient(server: Server, address: str = param("Address", contains="email")) -> Recipient:
    """Ask whether the server would take mail for an address, without sending any."""
    (recipient, *others) = addresses_in(address) or [""]
    if not recipient or others:
        raise ActionFailed("that is not one address for the SMTP server; give one such as alice@example.com")
    with session(server.place) as smtp:
        smtp.begin(addresses_in(server.sender)[0])
        try:
            said = smtp.recipient(recipient)
        except SmtpFailure as error:
            if error.code < 500:
                raise
            return Recipient(address=address, accepted=False, reason=error.said)
    return Recipient(address=address, accepted=True, reason=said)


@app.action("get server info", type="investigate")
def get_server_info(server: Server) -> Info:
    """What the server offers, and how it is spoken to."""
    with session(server.place) as smtp:
        return Info(
            host=server.host,
            encrypted=smtp.protocol is not None,
            protocol=smtp.protocol,
            largest=smtp.largest,
            extensions=smtp.extensions,
        )
