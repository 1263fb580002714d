"""The hook for plug-ins of the tool that concerns secrets (entry-point group ``repertory``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PROJECT = "repertory"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def repertory_secret_schemes() -> Mapping[str, Callable[[str], str]]:  # type: ignore[empty-body]
    """Name further schemes of references, each with a function that gets what stands behind ``SCHEME:`` and returns the secret.

    The function is called just before each action of an asset that refers to it. Whatever it raises makes that action
    fail; the text of the error is not shown, as it might hold what is secret.
    """
