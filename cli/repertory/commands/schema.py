"""``repertory schema``: the file formats, as JSON Schema."""

from __future__ import annotations

from importlib import resources
from typing import Annotated

import typer

from repertory.commands._output import JSON, emit, say, single_command
from repertory.errors import NotFound

app = single_command()
_SUFFIX = ".schema.json"


def _schemas() -> dict[str, str]:
    folder = resources.files("repertory_sdk").joinpath("schemas")
    found = [entry for entry in folder.iterdir() if entry.name.endswith(_SUFFIX)]
    return {entry.name.removesuffix(_SUFFIX): entry.read_text(encoding="utf-8") for entry in found}


@app.command("schema")
def command(
    name: Annotated[
        str, typer.Argument(help="Which format; all names without.", autocompletion=lambda: sorted(_schemas()))
    ] = "",
    json: bool = JSON,
) -> None:
    """Print the JSON Schema of a file format.

    Examples:

      repertory schema

      repertory schema app > app.schema.json
    """
    schemas = _schemas()
    if not name:
        emit({"schemas": sorted(schemas)}) if json else say("\n".join(sorted(schemas)))
        return
    if name not in schemas:
        raise NotFound("schema", name, schemas, f"there are: {', '.join(sorted(schemas))}")
    say(schemas[name].rstrip("\n"))
