"""Runs in a connector's own environment: what a worker sets up, and then pytest in place of requests from the tool.

    python upstream_inside.py SDK EXTRAS FOLDER APPID REPORT

``SDK`` is the copy of what children import, ``EXTRAS`` a folder with pytest and what the tests import, behind everything else.
"""

from __future__ import annotations

import os
import sys


def main(sdk: str, extras: str, folder: str, appid: str, report: str) -> int:
    """The status of pytest."""
    sys.path.insert(0, sdk)
    from repertory_sdk import classic

    classic.app_side()
    from repertory_classic.app import context, paths, rest_server

    paths.set_up(paths.home())
    context.state_folder(appid)
    context.CURRENT.serve_rest = rest_server.serve
    os.chdir(folder)
    sys.path[:0] = [folder, os.path.join(folder, "dependencies")]  # noqa: PTH118
    sys.path.append(extras)
    import pytest

    words = ["-q", "-p", "no:cacheprovider", "--continue-on-collection-errors", "--tb=short", f"--junitxml={report}"]
    return int(pytest.main(words))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
