"""What the followed repositories offer: derived from the last sync, can be deleted and made again."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from repertory.content.checks.issue import Issue
from repertory.content.items.found import FoundItem
from repertory.content.offered.index import CATALOG_SCHEMA, item_names, records_named
from repertory.errors import NotFound, UserError
from repertory.home import write_atomically
from repertory.items import those_called
from repertory_sdk.convert import from_json, to_json
from repertory_sdk.errors import ConversionError

if TYPE_CHECKING:
    from repertory.home import Home

from collections.abc import Iterable, Mapping, Sequence

LOOK = "look with `repertory search`"
SYNC = "nothing is synced yet: `repertory sync`"


@dataclass(frozen=True, kw_only=True)
class CatalogItem(FoundItem):
    """A found item at the synced commit. ``digest`` changes with any byte of its folder."""

    digest: str
    repository: str = ""
    url: str = ""
    ref: str = ""
    commit: str = ""

    @property
    def full_name(self) -> str:
        """``repository/name``."""
        return f"{self.repository}/{self.name}"

    @property
    def version(self) -> str:
        """The version, empty where the manifest is broken."""
        return str(self.plain_manifest["version"]) if self.plain_manifest else ""

    @property
    def errors(self) -> list[Issue]:
        """What keeps it from being installed."""
        return [issue for issue in self.issues if issue.is_error]


@dataclass(frozen=True, kw_only=True)
class Catalog:
    """One repository at one commit. ``synced_at`` is in seconds since the epoch, ``made_by`` says what checked it.

    ``signer`` is who vouched for the commit, for people; ``members`` how many repositories it lists. ``outside`` changes
    with files that belong to no item and matter to findings about items.
    """

    repository: str
    url: str
    ref: str
    commit: str
    synced_at: float
    made_by: str = ""
    signer: str = ""
    members: int = 0
    outside: str = ""
    items: Sequence[CatalogItem] = field(default=())
    issues: Sequence[Issue] = field(default=())


def catalog_item(item: FoundItem, digest: str) -> CatalogItem:
    """The catalogue's line about a found item."""
    return CatalogItem(**{one.name: getattr(item, one.name) for one in fields(FoundItem)}, digest=digest)


MANIFEST = "plain_manifest"
COMMON = ("repository", "url", "ref", "commit")


def write_catalog(home: Home, catalog: Catalog) -> None:
    """Replace what is known about a repository."""
    # Manifests are JSON already, and by far the largest part.
    items = [
        {one.name: to_json(getattr(item, one.name)) for one in fields(item) if one.name not in (*COMMON, MANIFEST)}
        | {MANIFEST: item.plain_manifest}
        for item in catalog.items
    ]
    plain = {"$schema": CATALOG_SCHEMA, **to_json(replace(catalog, items=())), "items": items}
    text = json.dumps(plain, ensure_ascii=False, separators=(",", ":"))
    write_atomically(home.catalog(catalog.repository), text.encode(), durable=False)


def read_catalog(home: Home, repository: str) -> Catalog | None:
    """What the last sync found; None if there was none or it was written by another version."""
    try:
        plain = json.loads(home.catalog(repository).read_bytes())
        if plain.pop("$schema") != CATALOG_SCHEMA:
            return None
        catalog: Catalog = from_json(Catalog, plain)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError, ConversionError):
        return None
    except OSError as error:
        raise UserError(f"cannot read {home.catalog(repository)}: {error.strerror}") from error
    common = {name: getattr(catalog, name) for name in COMMON}
    return replace(catalog, items=tuple(replace(item, **common) for item in catalog.items))


def catalog_items(home: Home) -> list[CatalogItem]:
    """Everything on offer, broken items too, by full name."""
    names = sorted(path.name.removesuffix(".catalog.json") for path in home.catalog("x").parent.glob("*.catalog.json"))
    catalogs = [read_catalog(home, name) for name in names]
    items = [item for catalog in catalogs if catalog for item in catalog.items]
    return sorted(items, key=lambda item: item.full_name)


def find_item(home: Home, name: str) -> CatalogItem:
    """The item of this full or short name; other catalogues are not read."""
    found = [item_from_record(record) for record in records_named(home, name)]
    if not found:
        raise nothing_called(home, name)
    return choose_item(found, name)


def nothing_called(home: Home, name: str) -> NotFound:
    """What to say where no item has this name."""
    names = item_names(home)
    return NotFound("item", name, names, LOOK if names else SYNC)


def names_of_child(parent: str, name: str) -> tuple[str, str]:
    """How a playbook that another one starts is looked up: one of the same repository comes first, then any of that name."""
    return f"{parent.partition('/')[0]}/{name}", name


def item_from_record(record: Mapping[str, Any]) -> CatalogItem:
    """One item as the index keeps it."""
    item: CatalogItem = from_json(CatalogItem, record)
    return item


def choose_item(items: Iterable[CatalogItem], name: str) -> CatalogItem:
    """The one of these that is called so; raises NotFound or UserError."""
    items = list(items)
    fitting = those_called(name, items, lambda item: item.full_name)
    if not fitting:
        raise NotFound("item", name, [item.full_name for item in items], LOOK if items else SYNC)
    if len(fitting) > 1:
        names = sorted({item.full_name for item in fitting})
        if len(names) == 1:
            places = " and ".join(item.path for item in fitting[:2])
            more = f" and {len(fitting) - 2} more" if len(fitting) > 2 else ""
            raise UserError(f"{names[0]} is offered twice, by {places}{more}", "one of them has to be renamed there")
        raise UserError(f"{name!r} is offered by more than one repository", f"name one: {', '.join(names)}")
    return fitting[0]
