"""A file or text, recognised by what is in it, and its events."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from repertory.errors import UserError
from repertory.runtime.ingest.cef import cef_event, looks_like_cef
from repertory.runtime.ingest.entries import (
    Entry,
    Finding,
    Ingested,
    Unfit,
    at_line,
    numbered_lines,
    refusal,
)
from repertory.runtime.ingest.jsontext import is_json, json_entries
from repertory.runtime.ingest.native import looks_native, native_event
from repertory.runtime.ingest.suricata import looks_like_eve, suricata_event
from repertory_sdk.convert import type_name

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from repertory_sdk.models import Event

MAX_BYTES = 100_000_000
FORMATS = (
    "events are read from JSON (one event, a list, or one a line), Suricata EVE (records with event_type) "
    "and ArcSight CEF (lines with CEF:0|…)"
)

_ONE_FORMAT = "put each format into a file of its own"


def read_events(path: Path) -> list[Ingested]:
    """All events of a file, in their order; raises UserError, and then nothing of the file is used."""
    content = _read_bytes(path)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        problem = f"{path}, line {line}: not UTF-8 text (byte 0x{content[error.start]:02x})"
        raise UserError(problem, "save it as UTF-8; iconv converts from other encodings") from None
    return read_text(text, origin=str(path))


def read_text(text: str, *, origin: str) -> list[Ingested]:
    """All events of a text; ``origin`` names it in messages. Raises UserError."""
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise UserError(f"{origin} is empty", FORMATS)
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise UserError(f"{origin}, line {line}: not a text file (it holds a NUL character)", FORMATS)
    if text.lstrip().startswith(("{", "[")):
        return _from_json_text(text, origin)
    if looks_like_cef(text.split("\n")):
        return _from_cef_text(text, origin)
    what = "a single JSON value, but no object or list" if is_json(text) else "in no format that is recognised"
    raise UserError(f"{origin}, line {next(numbered_lines(text))[0]}: this is {what}", FORMATS)


def _read_bytes(path: Path) -> bytes:
    too_large = UserError(
        f"{path} is larger than the limit of {MAX_BYTES // 1_000_000} MB", "split it into several files"
    )
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise UserError(f"{path} is a folder", "name a file with events")
        if status.st_size > MAX_BYTES:
            raise too_large
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise UserError(f"there is no file {path}", "check the spelling of its path") from None
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}", "check who may read it") from None
    if len(content) > MAX_BYTES:  # pipes and devices have no size beforehand
        raise too_large
    return content


def _from_cef_text(text: str, origin: str) -> list[Ingested]:
    ingested, findings = [], []
    for number, line in numbered_lines(text):
        try:
            ingested.append(Ingested(event=cef_event(line), raw=line, line=number))
        except Unfit as unfit:
            findings.append(at_line(number, unfit))
    if findings:
        raise refusal(origin, findings)
    return ingested


def _from_json_text(text: str, origin: str) -> list[Ingested]:
    entries, findings = json_entries(text)
    ingested: list[Ingested] = []
    first = None
    for entry in entries:
        try:
            converter = _converter_of(entry)
            first = first or converter
            if converter is not first:
                raise Unfit(f"this is {converter.name}, but the file began with {first.name}", _ONE_FORMAT)
            ingested.append(Ingested(event=converter.convert(entry.value), raw=entry.raw, line=entry.line))
        except Unfit as unfit:
            findings.append(at_line(entry.line, unfit))
    if not entries and not findings:
        findings.append(Finding(line=1, problem="the list holds no events", hint=FORMATS))
    if findings:
        raise refusal(origin, findings)
    return ingested


@dataclass(frozen=True, kw_only=True)
class _Converter:
    """What makes events of the objects of one format."""

    name: str
    convert: Callable[[dict[str, object]], Event]


_EVE = _Converter(name="a Suricata EVE record", convert=suricata_event)
_NATIVE = _Converter(name="a native event", convert=native_event)


def _converter_of(entry: Entry) -> _Converter:
    if not isinstance(entry.value, dict):
        raise Unfit(f"an event must be an object, not {type_name(entry.value)}", FORMATS)
    if looks_like_eve(entry.value):
        return _EVE
    if looks_native(entry.value):
        return _NATIVE
    raise Unfit("this object is neither an event nor a Suricata EVE record", FORMATS)
