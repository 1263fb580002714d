"""``repertory graph``: what an item needs and who needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from repertory.commands._complete import complete_item
from repertory.commands._output import JSON, Branch, emit, say, single_command, tree
from repertory.content.offered.graph import Graph, Node, graph_of
from repertory.errors import UsageError
from repertory.settings import load_settings
from repertory_sdk.convert import to_json

if TYPE_CHECKING:
    from collections.abc import Iterator

app = single_command()
SHAPES = {"app": "box", "playbook": "box, style=rounded", "action": "plaintext"}
# Of what is only on offer; more are counted.
FEW = 5
DEEPEST = 40


@app.command("graph")
def command(
    item: Annotated[str, typer.Argument(help="repository/name, or the name alone.", autocompletion=complete_item)],
    dot: Annotated[bool, typer.Option("--dot", help="In the language of Graphviz.")] = False,
    json: bool = JSON,
) -> None:
    """Show which actions a playbook asks for and who offers them, or who asks for an app's.

    Examples:

      repertory graph community/investigate_recon

      repertory graph community/whois --dot | dot -Tsvg > whois.svg
    """
    if dot and json:
        raise UsageError("--dot and --json are two languages", "give one of them")
    graph = graph_of(load_settings().home, item)
    if json:
        emit(_as_json(graph))
    elif dot:
        say("\n".join(_as_dot(graph)))
    else:
        root = graph.nodes[graph.root]
        tree(_app(graph, root) if root.kind == "app" else _playbook(graph, root, (), set()))


# ------------------------------------------------------------------ for people


def _app(graph: Graph, app: Node) -> Branch:
    actions = []
    for action in graph.of(app.name, "offers"):
        users = [Branch(text=_item(one), style=_style(one)) for one in graph.to(f"action {action.name}", "asks for")]
        nobody = [Branch(text="no playbook asks for it", style="dim")]
        actions.append(Branch(text=f"{action.name}  {action.type}", twigs=users or nobody))
    return Branch(text=_item(app), style="bold", twigs=actions)


def _playbook(graph: Graph, playbook: Node, above: tuple[str, ...], shown: set[str]) -> Branch:
    """Each playbook in full once: what many start is not repeated, and circles end."""
    head = f"playbook {_item(playbook)}" if above else _item(playbook)
    if not playbook.exists:
        return Branch(text=f"playbook {playbook.name}  nobody offers it", style="red")
    if playbook.name in above:
        return Branch(text=f"{head}  starts in a circle", style="yellow")
    if playbook.name in shown or len(above) >= DEEPEST:
        why = "shown already" if playbook.name in shown else "too deep to show"
        return Branch(text=f"{head}  {why}", style="dim")
    shown.add(playbook.name)
    twigs = [_action(graph, action) for action in graph.of(playbook.name, "asks for")]
    twigs += [_playbook(graph, one, (*above, playbook.name), shown) for one in graph.of(playbook.name, "starts")]
    return Branch(text=head, style="bold", twigs=twigs)


def _action(graph: Graph, action: Node) -> Branch:
    offers = graph.to(f"action {action.name}", "offers")
    installed, others = [one for one in offers if one.installed], [one for one in offers if not one.installed]
    twigs = [Branch(text=_item(one), style=_style(one)) for one in [*installed, *others[:FEW]]]
    if len(others) > FEW:
        twigs.append(Branch(text=f"{len(others) - FEW} more on offer", style="dim"))
    if not offers:
        twigs = [Branch(text="nobody offers it", style="red")]
    return Branch(text=f"{action.name}  {action.type}".rstrip(), twigs=twigs)


def _item(node: Node) -> str:
    if not node.installed:
        return f"{node.name} {node.offered}  on offer"
    newer = f", {node.offered} on offer" if node.offered not in ("", node.installed) else ""
    return f"{node.name} {node.installed}  installed{newer}"


def _style(node: Node) -> str:
    return "green" if node.installed else ""


# ---------------------------------------------------------------- for programs


def _as_json(graph: Graph) -> dict[str, object]:
    return {
        "item": graph.root,
        "nodes": [{"id": name, **to_json(node)} for name, node in graph.nodes.items()],
        "edges": [to_json(edge) for edge in graph.edges],
    }


def _as_dot(graph: Graph) -> Iterator[str]:
    yield "digraph repertory {"
    yield "  rankdir=LR;"
    for name, node in graph.nodes.items():
        color = ", color=green" if node.installed else "" if node.exists else ", color=red"
        yield f"  {_quoted(name)} [label={_quoted(node.name)}, shape={SHAPES[node.kind]}{color}];"
    for edge in graph.edges:
        yield f"  {_quoted(edge.source)} -> {_quoted(edge.target)} [label={_quoted(edge.relation)}];"
    yield "}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
