"""Inputs of a playbook, checked against its manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from repertory.errors import NotFound, UsageError
from repertory_sdk.convert import conform, from_text
from repertory_sdk.errors import ConversionError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from repertory_sdk.manifest import PlaybookManifest


def check_inputs(manifest: PlaybookManifest, given: Mapping[str, Any], *, complete: bool = True) -> None:
    """Raises UserError for an input that is unknown, of the wrong type, or missing where they are to be ``complete``."""
    known = {parameter.name: parameter for parameter in manifest.inputs}
    for name in given:
        if name not in known:
            raise NotFound(f"input of {manifest.name}", name, known, f"it has: {', '.join(known) or 'none'}")
    for name, parameter in known.items():
        if complete and parameter.required and name not in given:
            raise UsageError(f"{manifest.name} needs the input {name!r}", f"give it: --input {name}=…")
        if given.get(name) is not None:
            try:
                conform(parameter.schema, given[name], f"input {name}")
            except ConversionError as error:
                raise UsageError(str(error), f"`repertory info {manifest.name}` shows the inputs") from error


def read_inputs(manifest: PlaybookManifest, texts: Mapping[str, str], *, complete: bool = True) -> dict[str, Any]:
    """What a person typed, as values; ``complete`` where all that the playbook needs has to be among them."""
    schemas = {parameter.name: parameter.schema for parameter in manifest.inputs}
    try:
        values = {name: from_text(schemas.get(name, {}), text, f"input {name}") for name, text in texts.items()}
    except ConversionError as error:
        raise UsageError(str(error), f"`repertory info {manifest.name}` shows the inputs") from error
    check_inputs(manifest, values, complete=complete)
    return values
