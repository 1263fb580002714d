"""How a run looks: columns that align, long values, many results, notes."""

from __future__ import annotations

import io
import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from commands.user import User
from far_files import far
from repertory.commands._markdown import readable
from repertory.commands._output import cut, fold, pad, printable, wide
from repertory.commands._runtree import run_tree
from repertory.commands._runview import RunRecord, read_record
from repertory.home import Home
from repertory.runtime.kept.runs import find_run, list_runs
from repertory.runtime.storage.database import open_database
from repertory.settings import Settings
from repertory_sdk.table import markdown_table


def newest(user: User) -> RunRecord:
    """The record of the newest run that no other one started."""
    database = open_database(Settings(home=Home(user.home)))
    try:
        run = next(run for run in list_runs(database) if not run.parent)
        return read_record(database, find_run(database, run.id))
    finally:
        database.close()


def drawn(record: RunRecord, width: int, *, everything: bool = False) -> list[str]:
    """The lines of its tree."""
    paper = Console(width=width, file=io.StringIO(), highlight=False, markup=False)
    paper.print(run_tree(record, width, everything=everything))
    assert isinstance(paper.file, io.StringIO)
    return paper.file.getvalue().splitlines()


def places(lines: list[str], *words: str) -> set[int]:
    """In which columns any of these words begins."""
    return {line.index(word) for line in lines for word in words if word in line}


@pytest.fixture
def family(user: User) -> RunRecord:
    """A run with a child, two assets, an answer."""
    user.done("asset", "add", "laboratory-2", "lab", f"folder={far(user.folder)}")
    user.done("run", "parent", "--event", user.event(sourceAddress="192.0.2.6"), "--answer", "question=escalate")
    return newest(user)


@pytest.mark.parametrize("width", [80, 100, 160])
def test_columns_align_in_the_whole_tree(family: RunRecord, width: int) -> None:
    lines = drawn(family, width)
    assert sum("malicious" in line for line in lines) == 4
    assert len(places(lines, "malicious")) == 1
    assert len(places(lines, "lab-1", "laboratory-2")) == 1
    assert len({len(line) for line in lines if line.endswith(" ms") and "malicious" in line}) == 1
    assert sum("192.0.2.6" in line for line in lines) == 2, "what the line above says is not said again"
    assert any(re.search(r"\? Escalate this\?  → escalate  \(.+\)", line) for line in lines)


@pytest.mark.parametrize("width", [20, 30, 40, 60, 80])
def test_a_tree_fits(family: RunRecord, width: int) -> None:
    for everything in (False, True):
        assert max(map(wide, drawn(family, width, everything=everything))) <= width


def test_what_waits_stands_out(user: User) -> None:
    user("run", "decide", "--event", user.event())
    lines = drawn(newest(user), 80)
    at = next(index for index, line in enumerate(lines) if "? Escalate this?" in line)
    assert "→ repertory answer 1 escalate | 'not now'" in lines[at + 1]
    assert lines[-1] == "└── waiting"


def test_many_results_stay_readable(user: User) -> None:
    addresses = [f"192.0.2.{n % 250}" for n in range(500)]
    artifacts = [{"name": f"a{n}", "cef": {"sourceAddress": f"{address}.{n}"}} for n, address in enumerate(addresses)]
    (user.folder / "many.json").write_text(json.dumps({"name": "many", "artifacts": artifacts}))
    user.done("run", "triage", "--event", "many.json", "--json")
    record = newest(user)
    assert len(record.steps) == 500
    assert len(drawn(record, 100)) < 20
    lines = drawn(record, 100, everything=True)
    assert any("… and 450 more: 450 succeeded; `repertory show" in line for line in lines)
    assert len(user.asked("show", record.run.id)["actions"][0]["results"]) == 500


def test_a_failure_is_told_among_many(user: User) -> None:
    user.done("asset", "add", "broken", "lab", "folder=/nonexistent")
    told = user("act", "lab", "check ip", "ip=192.0.2.6")
    assert told.code == 1
    assert re.search(r" broken +failed: ", told.out)
    assert re.search(r" lab-1 +malicious ", told.out)


# --------------------------------------------------------------------- notes


def test_a_table_is_aligned() -> None:
    text = f"# Findings\n\n{markdown_table([('192.0.2.1', 'be|nign'), ('x', 'y')], ['address', 'verdict'])}\n\nend"
    assert readable(text, 80) == [
        "# Findings", "",
        "address    verdict", "─────────  ───────", "192.0.2.1  be|nign", "x          y",
        "", "end",
    ]  # fmt: skip


def test_a_wide_table_becomes_records() -> None:
    text = markdown_table([("192.0.2.1", "a long verdict"), ("192.0.2.2", "")], ["address", "verdict"])
    assert readable(text, 24) == ["address  192.0.2.1", "verdict  a long verdict", "", "address  192.0.2.2"]
    assert readable(text, 21)[1:3] == ["verdict  a long", "         verdict"]


@pytest.mark.parametrize("text", ["| a |", "|---|", "| a |\nb", "|\n|-|\n|", "| a | b |\n| --- |\n| 1 | 2 | 3 |", "\\|"])
def test_what_is_hardly_a_table(text: str) -> None:
    assert all(isinstance(line, str) for line in readable(text, 40))


cells = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=12)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(cells, cells), min_size=1, max_size=4))
def test_no_cell_is_lost(rows: list[tuple[str, str]]) -> None:
    lines = readable(markdown_table(rows, ["one", "two"]), 200)
    shown = " ".join(lines)
    for cell in (" ".join(cell.split()) for row in rows for cell in row):
        assert cell in shown


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60), st.integers(1, 50))
def test_texts_take_the_columns_they_are_given(text: str, width: int) -> None:
    plain = printable(text).replace("\n", " ").replace("\t", " ")
    assert wide(cut(plain, width)) <= width
    assert wide(pad(plain, width)) >= width
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", printable(text))
    if width >= 2:
        assert max(map(wide, fold(plain, width))) <= width
