"""``repertory repo``: which repositories are followed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from repertory.commands._complete import complete_repository
from repertory.commands._output import JSON, command_group, emit, note, say, table
from repertory.commands._syncing import sync_and_tell
from repertory.commands._trusting import signers as signers_command
from repertory.commands._trusting import trust as trust_command
from repertory.content.offered.cataloguing import catalog_text, collect
from repertory.content.offered.index import Facts, known_facts
from repertory.content.offered.repositories import add_repository, list_repositories, remove_repository
from repertory.content.trust.signers import read_signers_file
from repertory.errors import UserError, counted
from repertory.home import write_atomically
from repertory.settings import load_settings
from repertory_sdk.convert import to_json

app = command_group("Follow repositories of content.")
app.command("signers")(signers_command)
app.command("trust")(trust_command)


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="A short name of your own for it.")],
    url: Annotated[str, typer.Argument(help="https, ssh, or a local path.")],
    ref: Annotated[str, typer.Option("--ref", help="Branch, tag or commit; the default branch without.")] = "",
    signers: Annotated[
        Path | None, typer.Option("--signers", help="Who may sign it: an allowed_signers file, or armoured OpenPGP keys.")
    ] = None,
    sync: Annotated[bool, typer.Option("--sync", help="Fetch it at once.")] = False,
    json: bool = JSON,
) -> None:
    """Follow a repository, and those that it lists.

    What it lists stands in its repertory-catalog.json.

    Examples:

      repertory repo add community https://github.com/example/playbooks

      repertory repo add mine ~/src/playbooks --ref main --sync

      repertory repo add vendor https://github.com/example/apps --signers allowed_signers
    """
    settings = load_settings()
    made = add_repository(settings.home, name, url, ref, signers=read_signers_file(signers) if signers else b"")
    if sync:
        sync_and_tell(settings, [name], json=json)
    elif json:
        emit(to_json(made))
    else:
        say(f"following {made.name} at {made.url}; `repertory sync {made.name}` fetches it")


@app.command("catalog")
def catalog(
    source: Annotated[str, typer.Argument(help="A file, or - for standard input.")] = "-",
    output: Annotated[Path | None, typer.Option("--output", help="Where to write it; to standard output without.")] = None,
    json: bool = JSON,
) -> None:
    """Make a catalogue of repositories, which others follow as one.

    It is made from addresses, one a line, or from what a forge's API answered about the repositories of an organisation.
    Commit it as repertory-catalog.json; whoever follows that repository follows all that are listed.

    Examples:

      repertory repo catalog addresses.txt --output repertory-catalog.json

      curl -s "https://api.github.com/orgs/example/repos?per_page=100" | repertory repo catalog
    """
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read {source}: {error}", "name a file with addresses, or - for standard input") from error
    collected = collect(text, "standard input" if source == "-" else source)
    for line in collected.left_out:
        note(f"left out {line}")
    made = catalog_text(collected.members)
    if output is not None:
        write_atomically(output.absolute(), made.encode(), mode=0o644)
    if json:
        emit({"repositories": to_json(collected.members), "left_out": list(collected.left_out)})
    elif output is None:
        say(made.rstrip())
    else:
        say(f"{output}: {counted(len(collected.members), 'repository', 'repositories')}")


@app.command("list")
def list_(json: bool = JSON) -> None:
    """List followed repositories.

    Example:

      repertory repo list --json
    """
    home = load_settings().home
    facts = known_facts(home)
    rows = []
    for one in list_repositories(home):
        known = facts.get(one.name, Facts())
        rows.append({**to_json(one), "commit": known.commit, "items": known.items, "signer": known.signer})
    if json:
        emit({"repositories": rows})
    else:
        table(
            ["name", "url", "ref", "commit", "items", "listed by", "signer"],
            [
                [row["name"], row["url"], row["ref"], row["commit"][:12], row["items"], row["via"], row["signer"]]
                for row in rows
            ],
            empty="nothing is followed yet: repertory repo add NAME URL",
        )


@app.command("remove")
def remove(
    name: Annotated[str, typer.Argument(help="Its name.", autocompletion=complete_repository)], json: bool = JSON
) -> None:
    """Follow a repository no longer; what was installed from it stays.

    Example:

      repertory repo remove community
    """
    gone = remove_repository(load_settings().home, name)
    if json:
        emit({"removed": to_json(gone)})
    else:
        say(f"{gone.name} is followed no longer")
