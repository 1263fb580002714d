"""From the lines of a file to a ``Listing``; the format is recognised by the content.

Known are the Spamhaus DROP text and JSON lines (https://www.spamhaus.org/blocklists/do-not-route-or-peer/), FireHOL
netsets and ipsets (https://github.com/firehol/blocklist-ipsets), hosts files, domain lists of content blockers,
CSV, and plain text with one entry a line.
"""

from __future__ import annotations

import csv
import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Optional

from listing import Listing

_COMMENT = ("#", ";", "!", "[", "//")
_SINKS = frozenset(["0.0.0.0", "127.0.0.1", "::", "::1", "255.255.255.255", "fe80::1%lo0"])
_HEAD_LINES = 200
_LONGEST_LINE = 65_536
_VALUE_COLUMNS = (
    "cidr", "network", "netblock", "subnet", "prefix", "ip", "ip_address", "ipaddress", "src_ip", "dst_ip", "address",
    "domain", "domain_name", "hostname", "host", "fqdn", "indicator", "ioc", "value",
)  # fmt: skip
_NOTE_COLUMNS = (
    "sblid", "note", "comment", "description", "reason", "reference", "malware", "threat", "tags", "category",
)  # fmt: skip


def read_listing(lines: Iterable[str]) -> Listing:
    """Read every line; lines that say nothing known are counted, not fatal."""
    listing = Listing()
    stream = iter(lines)
    head = list(itertools.islice(stream, _HEAD_LINES))
    everything = itertools.chain(head, stream)
    first = next((line.strip() for line in head if not _is_comment(line)), "")
    if first.startswith("{"):
        _read_json(everything, listing)
    elif "," in first:
        _read_csv(everything, listing, _header_of(head, first))
    else:
        _read_text(everything, listing)
    listing.finish()
    return listing


def _is_comment(line: str) -> bool:
    text = line.strip()
    return not text or text.startswith(_COMMENT)


# ---------------------------------------------------------------- one entry a line


def _read_text(lines: Iterable[str], listing: Listing) -> None:
    add = listing.add
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text[0] in "#;![":
            continue
        known = _add_annotated(text, listing) if _is_annotated(text) else add(text)
        if not known and not text.startswith("//"):
            listing.reject(number)


def _is_annotated(text: str) -> bool:
    return " " in text or "\t" in text or "#" in text or ";" in text


def _add_annotated(text: str, listing: Listing) -> bool:
    """An entry with something behind it: a comment, a reference, or the names of a hosts file."""
    value, note = _split_note(text.replace(" - ", "-"))
    if len(value) > _LONGEST_LINE:
        return False
    first, _, rest = value.partition(" ")
    if first in _SINKS and rest:
        return _add_hosts(rest.split(), note, listing)
    return listing.add(first, note or rest.strip())


def _split_note(text: str) -> tuple[str, str]:
    for mark in "#;":
        text, _, note = text.partition(mark)
        if note:
            return " ".join(text.split()), note.strip()
    return " ".join(text.split()), ""


def _add_hosts(names: Sequence[str], note: str, listing: Listing) -> bool:
    """Names of one line of a hosts file. Single labels (``localhost``) and addresses stand in every such file."""
    wanted = [name for name in names if "." in name and name not in _SINKS and name != "localhost.localdomain"]
    return all([listing.add(name, note) for name in wanted])


# ------------------------------------------------------------------------ columns


def _header_of(head: Sequence[str], first: str) -> Optional[list[str]]:
    """The names of the columns, which may stand in a comment; None where there is no header."""
    before = itertools.takewhile(_is_comment, head)
    candidates = [first, *(line.lstrip("#; \t") for line in before if "," in line)]
    for candidate in candidates:
        names = [cell.strip().lower().replace(" ", "_") for cell in _cells(candidate)]
        if any(name in _VALUE_COLUMNS for name in names):
            return names
    return None


def _cells(line: str) -> list[str]:
    try:
        return next(csv.reader([line], skipinitialspace=True), [])
    except csv.Error:
        return []


def _read_csv(lines: Iterable[str], listing: Listing, header: Optional[Sequence[str]]) -> None:
    columns = [header.index(name) for name in _VALUE_COLUMNS if name in header] if header else [0]
    notes = [header.index(name) for name in _NOTE_COLUMNS if name in header] if header else []
    for number, line in enumerate(lines, 1):
        if _is_comment(line):
            continue
        cells = [cell.strip() for cell in _cells(line)]
        if header and [cell.lower().replace(" ", "_") for cell in cells] == list(header):
            continue
        values = [cells[column] for column in columns if column < len(cells) and cells[column]]
        note = next((cells[column] for column in notes if column < len(cells) and cells[column]), "")
        if not _add_first(values, note, listing):
            listing.reject(number)


def _add_first(values: Iterable[str], note: str, listing: Listing) -> bool:
    return any(listing.add(value, note) for value in values)


# --------------------------------------------------------------------- JSON lines


def _read_json(lines: Iterable[str], listing: Listing) -> None:
    for number, line in enumerate(lines, 1):
        if _is_comment(line):
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        if not isinstance(row, dict):
            listing.reject(number)
        elif row.get("type") != "metadata":
            values = _texts(row, _VALUE_COLUMNS)
            if not _add_first(values, next(_texts(row, _NOTE_COLUMNS), ""), listing):
                listing.reject(number)


def _texts(row: dict[str, object], names: Sequence[str]) -> Iterator[str]:
    return (value.strip() for value in map(row.get, names) if isinstance(value, str) and value.strip())
