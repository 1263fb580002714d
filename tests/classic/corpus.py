"""Measure how much of real classic content runs here, from end to end.

    python tests/classic/corpus.py --playbooks DIR [DIR ...] [--seeds 3] [--explore 12] [--json]
    python tests/classic/corpus.py --functions DIR [DIR ...] [--json]
    python tests/classic/corpus.py --connectors DIR [--only NAME ...] [--place CACHE] [--which changed] [--page | --json]
    python tests/classic/corpus.py --connectors DIR [--only NAME ...] [--place CACHE] --upstream [--json]

Each playbook of a checkout is followed from Git, validated, installed, and run on one event for each seed, simulated, with an app process
nowhere; and explored, if so asked. Each custom function is called once. Of further checkouts only the files that differ from all before are
measured. Each connector, a checkout of its own below DIR, is installed with its environment, and every one of its actions is asked for with
made-up parameters where no host is reachable; or the tests that it ships are run. Nothing of the checkouts is changed.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from measuring.connectors import ACTION_S, measure_connectors
from measuring.functions import measure_functions
from measuring.playbooks import measure_playbooks
from measuring.report import connector_lines, connector_page, function_lines, playbook_lines
from measuring.upstream_report import print_upstream


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--playbooks", type=Path, nargs="+", help="checkouts")
    what.add_argument("--functions", type=Path, nargs="+", help="checkouts")
    what.add_argument("--connectors", type=Path, help="a folder of checkouts")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--explore", type=int, default=0, metavar="RUNS", help="how many explored runs of each playbook")
    parser.add_argument("--only", nargs="+", help="the names of some connectors")
    parser.add_argument("--place", type=Path, default=Path("measured"), help="where environments and reports are kept")
    parser.add_argument("--which", choices=("missing", "changed", "all"), default="changed", help="what has no report, or one by other code")
    parser.add_argument("--action-s", type=float, default=ACTION_S, help="how long an action may take")
    parser.add_argument("--upstream", action="store_true", help="run the tests that connectors ship")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--page", action="store_true", help="as the section of the documentation")
    given = parser.parse_args()
    if given.playbooks:
        print_playbooks(given.playbooks, given.seeds, explored=given.explore, json_wanted=given.json)
        return
    if given.functions:
        print_functions(given.functions, json_wanted=given.json)
        return
    folders = [path for path in sorted(given.connectors.iterdir()) if path.is_dir() and (not given.only or path.name in given.only)]
    if given.upstream:
        print_upstream(folders, given.place.absolute(), json=given.json)
        return
    reports = measure_connectors(folders, given.place.absolute(), which=given.which, action_s=given.action_s)
    lines = connector_page(reports) if given.page else connector_lines(reports)
    print(json.dumps([asdict(one) for one in reports], indent=2) if given.json else "\n".join(lines))


def print_playbooks(checkouts: Sequence[Path], seeds: int, *, explored: int, json_wanted: bool) -> None:
    """A report of each checkout."""
    known: set[str] = set()
    for checkout in checkouts:
        report = measure_playbooks(checkout, seeds, explored=explored, known=known)
        print(json.dumps(asdict(report), indent=2) if json_wanted else "\n".join([f"{checkout}:", *playbook_lines(report)]))


def print_functions(checkouts: Sequence[Path], *, json_wanted: bool) -> None:
    """A report of each checkout."""
    known: set[str] = set()
    for checkout in checkouts:
        reports = measure_functions(checkout, known)
        plain = json.dumps([asdict(one) for one in reports], indent=2)
        print(plain if json_wanted else "\n".join([f"{checkout}:", *function_lines(reports)]))


if __name__ == "__main__":
    main()
