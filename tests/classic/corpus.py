"""Measure how much of a checkout of classic playbooks runs here, simulated, from end to end.

    python tests/classic/corpus.py --playbooks DIR [--seeds 3] [--json]

Each playbook is followed from Git, validated, installed, and run on one event for each seed, with an app process nowhere. Nothing of
the checkout is changed.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from measuring.playbooks import measure_playbooks
from measuring.report import playbook_lines


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--playbooks", type=Path, required=True, help="a checkout")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    report = measure_playbooks(given.playbooks, given.seeds)
    print(json.dumps(asdict(report), indent=2) if given.json else "\n".join(playbook_lines(report)))


if __name__ == "__main__":
    main()
