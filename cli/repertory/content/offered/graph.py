"""Who needs whom: playbooks, the actions they ask for, the apps that offer these, and the playbooks they start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from repertory.content.installed.lock import read_installed_manifest, read_lock
from repertory.content.offered.catalog import names_of_child
from repertory.content.offered.index import ask
from repertory.errors import NotFound, UserError
from repertory.items import those_called
from repertory_sdk.manifest import AppManifest

if TYPE_CHECKING:
    import sqlite3

    from repertory.content.installed.lock import Lock
    from repertory.home import Home

Relation = Literal["asks for", "offers", "starts"]
NodeKind = Literal["app", "playbook", "action"]


@dataclass(frozen=True, kw_only=True)
class Node:
    """An item by its full name, or an action by its name.

    ``installed`` and ``offered`` are versions, empty where there is none; an action, or a playbook that nobody has, has
    neither. ``type`` is that of an action.
    """

    name: str
    kind: NodeKind
    installed: str = ""
    offered: str = ""
    type: str = ""

    @property
    def exists(self) -> bool:
        """Whether anybody has it."""
        return self.kind == "action" or bool(self.installed or self.offered)


@dataclass(frozen=True, kw_only=True)
class Edge:
    """``source`` asks for, offers or starts ``target``; both are names of nodes."""

    source: str
    relation: Relation
    target: str


@dataclass(frozen=True, kw_only=True)
class Graph:
    """What is around one item. ``edges`` are in the order of the manifests."""

    root: str
    nodes: Mapping[str, Node]
    edges: Sequence[Edge]

    @cached_property
    def _ends(self) -> Mapping[tuple[str, Relation, bool], Sequence[str]]:
        """Names at the other end of edges, by name, relation and whether the edge begins here."""
        ends: dict[tuple[str, Relation, bool], list[str]] = {}
        for edge in self.edges:
            ends.setdefault((edge.source, edge.relation, True), []).append(edge.target)
            ends.setdefault((edge.target, edge.relation, False), []).append(edge.source)
        return ends

    def of(self, name: str, relation: Relation) -> list[Node]:
        """Where edges of this relation lead from here."""
        return [self.nodes[target] for target in self._ends.get((name, relation, True), ())]

    def to(self, name: str, relation: Relation) -> list[Node]:
        """Where edges of this relation come from."""
        return [self.nodes[source] for source in self._ends.get((name, relation, False), ())]


@dataclass(frozen=True, kw_only=True)
class _Item:
    node: Node
    asks: Sequence[str] = ()
    offers: Sequence[tuple[str, str]] = ()
    starts: Sequence[str] = ()


def graph_of(home: Home, name: str) -> Graph:
    """For a playbook everything below it; for an app its actions and the playbooks that ask for them."""
    items = _all_items(home)
    root = _chosen(items, name)
    drawing = _Drawing(items)
    if root.node.kind == "app":
        drawing.add_app(root)
    else:
        drawing.add_playbook(root)
    return Graph(root=root.node.name, nodes=drawing.nodes, edges=tuple(dict.fromkeys(drawing.edges)))


def _chosen(items: Mapping[str, _Item], name: str) -> _Item:
    fitting = [items[full] for full in those_called(name, items, str)]
    if not fitting:
        raise NotFound("item", name, items, "look with `repertory search`")
    if len(fitting) > 1:
        names = ", ".join(one.node.name for one in fitting)
        raise UserError(f"{name!r} is offered by more than one repository", f"name one: {names}")
    return fitting[0]


class _Drawing:
    """Adds each item once, so circles end."""

    def __init__(self, items: Mapping[str, _Item]) -> None:
        self.nodes: dict[str, Node] = {}
        self.edges: list[Edge] = []
        self._items = items
        self._offering: dict[str, list[tuple[_Item, str]]] = {}
        for one in items.values():
            for action, kind in one.offers:
                self._offering.setdefault(action, []).append((one, kind))

    def add_app(self, app: _Item) -> None:
        """Its actions, and who asks for them."""
        self.nodes[app.node.name] = app.node
        for action, kind in app.offers:
            self._add_action(action, kind)
            self.edges.append(Edge(source=app.node.name, relation="offers", target=_action_id(action)))
            for one in self._items.values():
                if action in one.asks:
                    self.nodes[one.node.name] = one.node
                    self.edges.append(Edge(source=one.node.name, relation="asks for", target=_action_id(action)))

    def add_playbook(self, root: _Item) -> None:
        """What it asks for and starts, and so on below."""
        waiting = [root]
        while waiting:
            playbook = waiting.pop()
            if playbook.node.name in self.nodes:
                continue
            self.nodes[playbook.node.name] = playbook.node
            for action in playbook.asks:
                self._add_asked(playbook, action)
            for name in playbook.starts:
                child = self._child(playbook, name)
                self.edges.append(Edge(source=playbook.node.name, relation="starts", target=child.node.name))
                waiting.append(child)

    def _add_asked(self, playbook: _Item, action: str) -> None:
        offers = self._offering.get(action, [])
        self._add_action(action, offers[0][1] if offers else "")
        self.edges.append(Edge(source=playbook.node.name, relation="asks for", target=_action_id(action)))
        for app, _kind in offers:
            self.nodes[app.node.name] = app.node
            self.edges.append(Edge(source=app.node.name, relation="offers", target=_action_id(action)))

    def _add_action(self, action: str, kind: str) -> None:
        self.nodes[_action_id(action)] = Node(name=action, kind="action", type=kind)

    def _child(self, parent: _Item, name: str) -> _Item:
        """The first of those that have the name, where an installation would ask which."""
        for way in (*names_of_child(parent.node.name, name), *(full for full in self._items if full.rpartition("/")[2] == name)):
            if way in self._items and self._items[way].node.kind == "playbook":
                return self._items[way]
        return _Item(node=Node(name=name, kind="playbook"))


def _action_id(action: str) -> str:
    """An action may be called as an item is."""
    return f"action {action}"


# ------------------------------------------------------------------- reading


def _all_items(home: Home) -> dict[str, _Item]:
    """Everything on offer or installed. What is installed speaks for itself where it is offered no longer."""
    lock = read_lock(home)
    installed = {item.name: item.version for item in lock.items}
    items = ask(home, lambda index: _offered(index, installed))
    return dict(sorted({**_installed_only(home, lock, items), **items}.items()))


def _offered(index: sqlite3.Connection, installed: Mapping[str, str]) -> dict[str, _Item]:
    asks, offers, starts = _lists(index)
    rows = index.execute("SELECT id, full_name, kind, version FROM items ORDER BY full_name, id")
    return {
        name: _Item(
            node=Node(name=name, kind=kind, installed=installed.get(name, ""), offered=version or "broken"),
            asks=asks.get(number, ()), offers=offers.get(number, ()), starts=starts.get(number, ()),
        )
        for number, name, kind, version in rows
    }  # fmt: skip


def _lists(
    index: sqlite3.Connection,
) -> tuple[dict[int, list[str]], dict[int, list[tuple[str, str]]], dict[int, list[str]]]:
    asks: dict[int, list[str]] = {}
    offers: dict[int, list[tuple[str, str]]] = {}
    starts: dict[int, list[str]] = {}
    for number, name, kind, offered in index.execute("SELECT item, name, type, offered FROM actions ORDER BY rowid"):
        if offered:
            offers.setdefault(number, []).append((name, kind))
        else:
            asks.setdefault(number, []).append(name)
    for number, playbook in index.execute("SELECT item, playbook FROM started ORDER BY rowid"):
        starts.setdefault(number, []).append(playbook)
    return asks, offers, starts


def _installed_only(home: Home, lock: Lock, offered: Mapping[str, _Item]) -> dict[str, _Item]:
    found = {}
    for item in lock.items:
        if item.name not in offered:
            node = Node(name=item.name, kind=item.kind, installed=item.version)
            found[item.name] = _Item(node=node)
            with suppress(UserError):  # its files are not on this machine: its name is all there is
                manifest = read_installed_manifest(item, home.content(item.hash))
                if isinstance(manifest, AppManifest):
                    found[item.name] = _Item(node=node, offers=[(one.name, one.type) for one in manifest.actions])
                else:
                    found[item.name] = _Item(node=node, asks=manifest.actions, starts=manifest.named_playbooks)
    return found
