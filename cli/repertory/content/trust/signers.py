"""Who may sign a repository: the file that a person gave for it, checked line by line and kept in the home.

The form is the ALLOWED SIGNERS of ssh-keygen(1); armoured OpenPGP public keys may stand between its lines.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from repertory.errors import UserError
from repertory.home import home_error, write_atomically

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from repertory.home import Home

KEY_TYPES = frozenset(
    ["ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
     "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com"]
)  # fmt: skip
MAX_BYTES = 1_000_000
LINE = re.compile(r'(?P<principals>"[^"]+"|[^\s"]\S*)\s+(?P<rest>\S.*)')
OPTIONS = re.compile(r'(?P<options>(?:[^\s"]|"[^"]*")+)\s+(?P<rest>\S.*)')
OPTION = re.compile(r'(?P<name>[A-Za-z-]+)(?:="(?P<value>[^"]*)")?(?:,|$)')
TIME = re.compile(r"\d{8}(\d{4}(\d{2})?)?Z?")
TIMES = ("valid-after", "valid-before")
ARMOUR = re.compile(r"-----(?P<edge>BEGIN|END) PGP PUBLIC KEY BLOCK-----")
FORM_HINT = "write: alice@example.org ssh-ed25519 AAAA…, as ssh-keygen(1) describes under ALLOWED SIGNERS"


@dataclass(frozen=True, kw_only=True)
class AllowedKey:
    """One line: whose key it is, its fingerprint as ``ssh-keygen -l`` shows it, and what it is restricted to."""

    line: int
    principals: str
    fingerprint: str
    options: str = ""


@dataclass(frozen=True, kw_only=True)
class Signers:
    """A checked file. ``ssh`` are its bytes without the OpenPGP keys, ``openpgp`` is nothing but these."""

    keys: tuple[AllowedKey, ...] = ()
    ssh: bytes = b""
    openpgp: bytes = b""

    def key(self, fingerprint: str) -> AllowedKey | None:
        """The line with this key."""
        return next((key for key in self.keys if key.fingerprint == fingerprint), None)


# ---------------------------------------------------------------- in the home


def read_signers_file(path: Path) -> bytes:
    """The bytes of a file that a person names, checked; raises UserError with the line of what is wrong."""
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}", "name a file with the keys that may sign") from error
    parse_signers(content, str(path))
    return content


def keep_signers(home: Home, repository: str, content: bytes) -> None:
    """Let only these sign a repository; nothing in it forgets the file."""
    target = home.signers(repository)
    try:
        if content:
            parse_signers(content)
            write_atomically(target, content)
        else:
            target.unlink(missing_ok=True)
    except OSError as error:
        raise home_error(home.root, error) from error


def kept_signers(home: Home, repository: str) -> bytes:
    """The file that was given for a repository; empty where there is none."""
    try:
        return home.signers(repository).read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise UserError(f"cannot read {home.signers(repository)}: {error.strerror}") from error


# -------------------------------------------------------------------- parsing


def parse_signers(content: bytes, name: str = "signers") -> Signers:
    """Check every line; ``name`` is how errors call the file."""
    if len(content) > MAX_BYTES:
        raise UserError(f"{name}: is larger than {MAX_BYTES} bytes", "name a file with the keys that may sign")
    try:
        lines = [line.strip() for line in content.decode("utf-8-sig").split("\n")]
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        hint = "OpenPGP keys have to be armoured: gpg --export --armor"
        raise UserError(f"{name}:{line}: is not UTF-8", hint) from None
    blocks = list(_armoured_blocks(lines, name))
    armoured = [line for block in blocks for line in lines[block]]
    for block in blocks:
        lines[block] = [""] * (block.stop - block.start)
    entries = [(number, line) for number, line in enumerate(lines, 1) if line and not line.startswith("#")]
    keys = tuple(_allowed_key(line, number, f"{name}:{number}") for number, line in entries)
    if not keys and not armoured:
        raise UserError(f"{name}: names nobody", FORM_HINT)
    return Signers(keys=keys, ssh=_joined(lines), openpgp=_joined(armoured))


def _joined(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def _armoured_blocks(lines: Sequence[str], name: str) -> Iterator[slice]:
    """Where OpenPGP keys stand among the lines."""
    start = -1
    for index, line in enumerate(lines):
        if "PRIVATE KEY" in line:
            hint = "never give that away; name a file with public keys"
            raise UserError(f"{name}:{index + 1}: is a private key", hint)
        edge = ARMOUR.fullmatch(line)
        if edge is None:
            continue
        if (edge["edge"] == "BEGIN") != (start < 0):
            raise UserError(f"{name}:{index + 1}: an OpenPGP key begins or ends out of turn", "export it again")
        if start >= 0:
            _check_armour(lines[start + 1 : index], f"{name}:{start + 1}")
            yield slice(start, index + 1)
        start = index if start < 0 else -1
    if start >= 0:
        raise UserError(f"{name}:{start + 1}: the OpenPGP key that begins here does not end", "export it again")


def _check_armour(lines: Sequence[str], place: str) -> None:
    """RFC 9580, section 6: headers, an empty line, base64, perhaps a checksum."""
    body = "".join(line for line in lines if ":" not in line and not line.startswith("="))
    packets = _decoded(body)
    if not packets or not packets[0] & 0x80:
        hint = "export it again: gpg --export --armor"
        raise UserError(f"{place}: the OpenPGP key that begins here is damaged", hint)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _allowed_key(line: str, number: int, place: str) -> AllowedKey:
    if not line.replace("\t", " ").isprintable():
        raise UserError(f"{place}: holds an invisible character", "write the line anew")
    if line.split(maxsplit=1)[0] in KEY_TYPES:
        raise UserError(f"{place}: says a key but not whose it is", FORM_HINT)
    parts = LINE.fullmatch(line)
    if parts is None:
        raise UserError(f"{place}: is not a line about a signer", FORM_HINT)
    rest, options = parts["rest"], ""
    if rest.split(maxsplit=1)[0] not in KEY_TYPES:
        found = OPTIONS.fullmatch(rest)
        if found is None or found["rest"].split(maxsplit=1)[0] not in KEY_TYPES:
            raise UserError(f"{place}: has no key of a known type", f"known are {', '.join(sorted(KEY_TYPES))}")
        rest, options = found["rest"], found["options"]
        _check_options(options, place)
    words = rest.split()
    kind, text = words[0], "".join(words[1:2])  # what follows is a comment
    fingerprint = fingerprint_of(kind, text)
    if not fingerprint:
        raise UserError(f"{place}: the {kind} key is damaged", "copy the whole line of the .pub file")
    return AllowedKey(line=number, principals=parts["principals"].strip('"'), fingerprint=fingerprint, options=options)


def fingerprint_of(kind: str, text: str) -> str:
    """``SHA256:…`` of a public key in base64 (RFC 4253, section 6.6); empty if it is none of this kind."""
    blob = _decoded(text)
    name = kind.encode()
    if not blob.startswith(len(name).to_bytes(4, "big") + name) or len(blob) < len(name) + 20:
        return ""
    return f"SHA256:{base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip('=')}"


def _check_options(text: str, place: str) -> None:
    """What ssh-keygen would only complain about when a signature is verified."""
    seen: dict[str, str] = {}
    rest = text
    while rest:
        option = OPTION.match(rest)
        name = option["name"].lower() if option else ""
        if option is None or name not in ("cert-authority", "namespaces", *TIMES):
            hint = 'known are cert-authority, namespaces="…", valid-after="…" and valid-before="…"'
            raise UserError(f"{place}: unknown option {rest!r}", hint)
        if name in seen or (option["value"] is None) != (name == "cert-authority"):
            raise UserError(f"{place}: {name} is given twice or without its value", f'write {name}="…" once')
        seen[name] = option["value"] or ""
        if name in TIMES and not TIME.fullmatch(seen[name]):
            hint = "write YYYYMMDD or YYYYMMDDHHMM[SS], with Z for UTC"
            raise UserError(f"{place}: {name}: {seen[name]!r} is not a time", hint)
        rest = rest[option.end() :]
    after, before = (seen.get(name, "").rstrip("Z") for name in TIMES)
    if after and before and before <= after:
        raise UserError(f"{place}: valid-before is not later than valid-after", "mend the times")
