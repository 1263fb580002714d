"""What the followed repositories offer, looked up when it is asked for: most of it nobody asks for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from repertory.content.offered.catalog import CatalogItem, choose_item, item_from_record, nothing_called
from repertory.content.offered.index import records_in, records_named, records_offering

if TYPE_CHECKING:
    from collections.abc import Sequence

    from repertory.home import Home


@dataclass
class Offers:
    """The index of one home; every answer is kept."""

    home: Home
    _named: dict[str, list[CatalogItem]] = field(default_factory=dict)
    _offering: dict[str, list[CatalogItem]] = field(default_factory=dict)

    def named(self, name: str, kind: str = "") -> list[CatalogItem]:
        """Items that are called so, broken ones too."""
        if name not in self._named:
            self._named[name] = [item_from_record(record) for record in records_named(self.home, name)]
        return [item for item in self._named[name] if kind in ("", item.kind)]

    def one(self, name: str, kind: str = "") -> CatalogItem:
        """The one item of this full or short name; raises NotFound or UserError."""
        found = self.named(name, kind)
        if not found:
            raise nothing_called(self.home, name)
        return choose_item(found, name)

    def of(self, full_names: Sequence[str]) -> dict[str, CatalogItem]:
        """Those of these items that are on offer, by full name."""
        return {item.full_name: item for item in map(item_from_record, records_in(self.home, full_names))}

    def with_action(self, action: str) -> list[CatalogItem]:
        """Apps without errors that have this action."""
        if action not in self._offering:
            self._offering[action] = [item_from_record(record) for record in records_offering(self.home, action)]
        return self._offering[action]
