"""Where a repository is: a URL and a ref that are safe to hand to Git. Nothing here talks to a network."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from repertory.errors import UserError

COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
PLAIN_REF = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/+@#-]{0,199}")
SCP_LIKE = re.compile(r"(?P<user>[A-Za-z0-9._-]+)@(?P<host>[A-Za-z0-9][A-Za-z0-9.-]*):(?!//)(?P<path>[^:]+)")
HOST = re.compile(r"[A-Za-z0-9\[][A-Za-z0-9.:\[\]-]*")
# All that a repository's keeper publishes: forges put everybody's proposals below other names, such as refs/pull.
PUBLISHED = ("refs/heads/", "refs/tags/")
URL_HINT = "write https://host/path, git@host:path or the path of a local folder"


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What of a repository is wanted: a ``commit``, or whichever of these ``refs`` is there, by their whole names."""

    commit: str = ""
    refs: Sequence[str] = ()


def wish_of(ref: str) -> Wish:
    """The wish behind a ref as a person writes it; what is neither a commit nor published can be no wish."""
    if not ref:
        return Wish(refs=("HEAD",))
    if COMMIT.fullmatch(ref):
        return Wish(commit=ref)
    if ref.startswith("refs/"):
        return Wish(refs=(ref,) if ref.startswith(PUBLISHED) else ())
    begun = (f"refs/{ref}",) if f"refs/{ref}".startswith(PUBLISHED) else ()
    return Wish(refs=(*(f"{place}{ref}" for place in PUBLISHED), *begun))


@dataclass(frozen=True, kw_only=True)
class Source:
    """A checked URL (``https``, ``ssh`` or ``file``) and a branch, tag or commit; no ref means the default branch."""

    url: str
    ref: str = ""

    @property
    def wish(self) -> Wish:
        """What is wanted of it."""
        return wish_of(self.ref)

    @property
    def scheme(self) -> str:
        """The one protocol that Git may speak for this source."""
        return urlsplit(self.url).scheme

    @property
    def is_local(self) -> bool:
        """Whether it is a folder of this machine: a developer's own repository."""
        return self.scheme == "file"

    @property
    def folder(self) -> Path:
        """The folder that a local source is."""
        return Path(unquote(urlsplit(self.url).path))


def parse_source(url: str, ref: str = "") -> Source:
    """Check what a person typed; raises UserError saying what is wrong with it."""
    return Source(url=parse_url(url), ref=parse_ref(ref))


def parse_url(text: str) -> str:
    """The normal form of a URL, an ``user@host:path`` or a local path."""
    if text.startswith("-"):
        raise UserError(f"{text!r} looks like an option, not like a URL", URL_HINT)
    scp_like = SCP_LIKE.fullmatch(text)
    if scp_like:
        text = f"ssh://{scp_like['user']}@{scp_like['host']}/{scp_like['path'].lstrip('/')}"
    elif text.startswith(("/", "./", "../", "~")) or (text and Path(text).is_dir()):
        return _folder_url(_expanded(text))
    if any(not character.isprintable() or character.isspace() for character in text):
        raise UserError(f"white space or control characters in the URL {text!r}", URL_HINT)
    return _checked_url(text)


def _checked_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname or "", parts.port
    except ValueError as error:
        raise UserError(f"{url!r} is not a URL: {error}", URL_HINT) from error
    if parts.scheme == "file" and parts.netloc in ("", "localhost"):
        return url
    if parts.scheme in ("http", "git"):
        raise UserError(f"{parts.scheme}:// can be read and changed on the way", f"write https://{parts.netloc}…")
    if parts.scheme not in ("https", "ssh"):
        raise UserError(f"{url!r} is not the URL of a repository", URL_HINT)
    if parts.password is not None or (parts.username is not None and parts.scheme == "https"):
        raise UserError("a URL with credentials would be stored and shown", "leave them out; use ssh for private ones")
    if (parts.username or "").startswith("-") or not HOST.fullmatch(host):
        raise UserError(f"{url!r} has no acceptable host", URL_HINT)
    if parts.query or parts.fragment:
        raise UserError(f"{url!r} has a query or fragment", "give a branch or tag with --ref")
    return url


def _expanded(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise UserError(f"{text!r}: there is no such user", URL_HINT) from None


def _folder_url(path: Path) -> str:
    if not path.is_dir():
        raise UserError(f"{path} is not a folder", URL_HINT)
    return path.resolve().as_uri()


def parse_ref(text: str) -> str:
    """A branch, tag or full commit id; empty for the default branch."""
    if text and (not PLAIN_REF.fullmatch(text) or ".." in text or "@{" in text or text.endswith((".lock", "/", "."))):
        raise UserError(f"{text!r} is not a branch, tag or commit", "a ref looks like main, v1.2 or a full commit id")
    if text and wish_of(text) == Wish():
        hint = "elsewhere lies what anybody proposed; name a branch, a tag or a full commit id of one"
        raise UserError(f"{text!r} is not a branch or tag of the repository", hint)
    return text
