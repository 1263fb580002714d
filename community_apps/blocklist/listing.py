"""One list in memory: its networks, its domains and what it says about them."""

from __future__ import annotations

from typing import NamedTuple, Optional

import domains
from networks import V4, V6, Networks, network_of, networks_between, pack

NOTE_LIMIT = 200


class Match(NamedTuple):
    """The entry that covers what was asked; a larger ``weight`` is more specific. ``note`` is empty for none."""

    weight: int
    entry: str
    note: str


class Listing:
    """What was read from one list. ``bad`` lines were not understood, the first of them is ``first_bad``."""

    def __init__(self) -> None:
        self.bad = 0
        self.first_bad = 0
        self._packed: dict[int, list[int]] = {V4: [], V6: []}
        self._networks: dict[int, Networks] = {}
        self._domains: dict[str, int] = {}
        self._notes: list[str] = [""]
        self._numbers: dict[str, int] = {"": 0}

    # ------------------------------------------------------------ filling

    def add(self, text: str, note: str = "") -> bool:
        """Add an address, CIDR, range or domain; false where it is none of these."""
        if text[-1:].isdigit() or ":" in text:  # every address ends in a digit, every IPv6 one has a colon
            found = network_of(text)
            if found is not None:
                width, network, length = found
                self._packed[width].append(pack(network, length, self._number(note) if note else 0))
                return True
            if "-" in text and self._add_range(text, note):
                return True
        return self._add_domain(text, note)

    def _add_range(self, text: str, note: str) -> bool:
        first, _, last = text.partition("-")
        found = networks_between(first.strip(), last.strip())
        for width, network, length in found:
            self._packed[width].append(pack(network, length, self._number(note)))
        return bool(found)

    def _add_domain(self, text: str, note: str) -> bool:
        if text.startswith("||"):
            text = text[2:].partition("^")[0]
            if network_of(text) is not None:
                return self.add(text, note)
        wildcard = text.startswith("*.")
        name = domains.normal_name(text[2:] if wildcard else text.lstrip("."))
        if name is None or domains.is_public_suffix(name):
            return False
        self._domains[f"*.{name}" if wildcard else name] = self._number(note)
        return True

    def _number(self, note: str) -> int:
        note = note[:NOTE_LIMIT]
        number = self._numbers.setdefault(note, len(self._notes))
        if number == len(self._notes):
            self._notes.append(note)
        return number

    def reject(self, line: int) -> None:
        """Count a line that was not understood."""
        self.bad += 1
        self.first_bad = self.first_bad or line

    def finish(self) -> None:
        """Make it ready for questions; nothing can be added any more."""
        self._networks = {width: Networks(width, packed) for width, packed in self._packed.items()}
        self._numbers.clear()

    # ------------------------------------------------------------- asking

    @property
    def network_count(self) -> int:
        """How many networks and addresses it lists."""
        return sum(networks.count for networks in self._networks.values())

    @property
    def domain_count(self) -> int:
        """How many domains it lists."""
        return len(self._domains)

    def find_address(self, width: int, address: int) -> Optional[Match]:
        """The most specific network that holds an address."""
        found = self._networks[width].find(address)
        return found and Match(found.length, found.entry, self._notes[found.note])

    def find_domain(self, name: str) -> Optional[Match]:
        """The most specific entry that covers a name in its normal form."""
        for entry in domains.entries_covering(name):
            number = self._domains.get(entry)
            if number is not None:
                weight = 2 * entry.count(".") - entry.startswith("*.")
                return Match(weight, entry, self._notes[number])
        return None
