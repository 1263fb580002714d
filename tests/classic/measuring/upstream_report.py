"""What became of connectors' own tests, as people read it."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from json import dumps
from pathlib import Path

from .upstream import Upstream, measure_all_upstream


def print_upstream(folders: Sequence[Path], place: Path, *, json: bool) -> None:
    """Measure, telling each connector on the way, and print the section of the documentation."""
    reports = []
    for report in measure_all_upstream(folders, place):
        print("\n".join(upstream_lines(report)), file=sys.stderr, flush=True)
        reports.append(report)
    print(dumps([asdict(one) for one in reports], indent=2) if json else "\n".join(upstream_section(reports)))


def upstream_lines(report: Upstream) -> Iterator[str]:
    """For a terminal: how it went, and every failure that nobody has explained."""
    yield f"{report.connector}: {report.note or f'{report.passed} of {report.total}'}"
    yield from (f"    {one.test}: {one.message}" for one in report.failures if not one.reason)


def upstream_section(reports: Sequence[Upstream]) -> Iterator[str]:
    """For the documentation: Markdown."""
    run = [report for report in reports if report.total]
    passed, total = sum(report.passed for report in run), sum(report.total for report in run)
    yield f"{passed} of {total} tests of {len(run)} connectors pass."
    yield ""
    yield "| connector | passed | failed | why |"
    yield "|---|---|---|---|"
    for report in run:
        yield f"| `{report.connector}` | {report.passed} | {len(report.failures)} | {why(report)} |"
    for report in reports:
        if not report.total:
            yield f"| `{report.connector}` | | | {report.note} |"


def why(report: Upstream) -> str:
    """Each cause with its number, the most frequent first."""
    causes = Counter(one.reason or f"not explained: `{one.message}`" for one in report.failures)
    return "; ".join(cause if len(causes) == 1 else f"{number}: {cause}" for cause, number in causes.most_common())
