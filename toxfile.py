"""A plug-in of tox: where `full` runs every test, the unit tests alone are not run on the same Python as well."""

from __future__ import annotations

import sys

from tox.plugin import impl
from tox.tox_env.api import ToxEnv
from tox.tox_env.errors import Skip

OWN = f"py{sys.version_info.major}{sys.version_info.minor}"


@impl
def tox_on_install(tox_env: ToxEnv) -> None:
    """Called before anything is installed into an environment; what `tox -e` names runs all the same."""
    selected = getattr(tox_env.options, "env", None)
    if tox_env.conf.name == OWN and selected is not None and selected.is_default_list:
        raise Skip("`full` runs on this Python")
