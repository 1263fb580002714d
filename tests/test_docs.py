"""What the documentation shows exists: commands, options, links, hooks, names, generated pages, code."""

from __future__ import annotations

import ast
import re
import runpy
import shlex
from pathlib import Path

import pytest

import repertory_sdk
import repertory_sdk.testing
from doc_blocks import ROOT, blocks_of, steps_of
from repertory.main import COMMANDS

DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", *DOCS.rglob("*.md"), *ROOT.glob("community_*/*/README.md")])
GENERATE = runpy.run_path(str(DOCS / "generate.py"), run_name="docs")
# What belongs to somebody's machine or to unfinished work.
FORBIDDEN = re.compile(r"TODO|FIXME|XXX|/root/|/work/|/tmp/|lorem ipsum", re.IGNORECASE)
_LINK = re.compile(r"\]\((?!https?://|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)")
_INLINE = re.compile(r"`(repertory [^`]+)`")


def named(page):
    return str(page.relative_to(ROOT))


pages = pytest.mark.parametrize("page", PAGES, ids=named)


# ----------------------------------------------------------------- commands


def command_lines(text_of_shell):
    """The calls of the tool in a line of shell, without what belongs to the shell."""
    plain = re.sub(r"\d?[<>]+&?(?:\s*[^\s>|;&]+)?", "", text_of_shell.split(" # ")[0])
    for part in re.split(r"\|\||&&|[|;&]", plain):
        try:
            words = shlex.split(re.sub(r"^\s*sudo -u \S+", "", part))
        except ValueError:
            continue
        starts = [index for index, word in enumerate(words) if re.fullmatch(r"(?:[^=]*/)?repertory", word)]
        if starts and all(_leads_to_a_command(word) for word in words[: starts[0]]):
            yield words[starts[0] + 1 :]


def _leads_to_a_command(word):
    return "=" in word or word in ("env", "until")


def shown_commands(page):
    """Every call of the tool that a page shows."""
    for block in blocks_of(page):
        if block.language == "console":
            for step in steps_of(block.body):
                yield from command_lines(step.command)
        elif block.language == "sh":
            for line in block.body.splitlines():
                yield from command_lines(line)
    if page.name != "commands.md":
        for match in _INLINE.finditer(page.read_text("utf-8")):
            yield from command_lines(match[1])


ALL = dict(GENERATE["all_commands"]())


def problem_of(words):
    """Why the real application would not accept these words; empty if it would."""
    if not words or words[0] in ("--help", "--version", "COMMAND"):
        return ""
    name = words[0]
    if name not in COMMANDS:
        return f"no command {name!r}"
    command, rest = ALL[name], words[1:]
    if rest and f"{name} {rest[0]}" in ALL:
        command, rest = ALL[f"{name} {rest[0]}"], rest[1:]
    elif getattr(command, "commands", None) and name != "runs" and rest:
        return f"no command {name} {rest[0]!r}"
    return option_problem(command, rest)


def option_problem(command, rest):
    options = {spelling: one for one in command.params if one.param_type_name == "option" for spelling in one.opts}
    plain, waiting = [], False
    for word in rest:
        if waiting:
            waiting = False
        elif word.startswith("--") or re.fullmatch(r"-[a-zA-Z]", word):
            if word not in options and word not in ("--help", "-h"):
                return f"{command.name} has no option {word}"
            waiting = word in options and not options[word].is_flag
        else:
            plain.append(word)
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    many = any(one.nargs == -1 for one in arguments)
    if len(plain) > len(arguments) and not many:
        return f"{command.name} takes {len(arguments)} arguments, not {len(plain)}: {plain}"
    return "an option lacks its value" if waiting else ""


@pages
def test_every_command_that_is_shown_is_understood(page):
    found = {" ".join(words): problem_of(words) for words in shown_commands(page)}

    assert {words: problem for words, problem in found.items() if problem} == {}


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("repertory frobnicate", "no command 'frobnicate'"),
        ("repertory repo follow x", "no command repo 'follow'"),
        ("repertory sync --fast", "sync has no option --fast"),
        ("repertory doctor a", "doctor takes 0 arguments, not 1: ['a']"),
        ("repertory run x --event", "an option lacks its value"),
        ("X=1 repertory runs --json | head", ""),
        ("python3 -m venv .venv && .venv/bin/repertory demo", ""),
        (".venv/bin/repertory dome > file 2>&1", "no command 'dome'"),
    ],
)
def test_what_the_tool_would_refuse_is_found(line, problem):
    assert [problem_of(words) for words in command_lines(line)] == [problem]


def test_every_command_is_shown_somewhere_by_hand():
    by_hand = [page for page in PAGES if page.name != "commands.md"]
    shown = {words[0] for page in by_hand for words in shown_commands(page) if words}

    assert sorted(set(COMMANDS) - shown) == []


# -------------------------------------------------------------------- links


def anchors_of(page):
    """The anchors that forges make of headings."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.M | re.S), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pages
def test_links_lead_somewhere(page):
    broken = []
    for path, anchor in _LINK.findall(page.read_text("utf-8")):
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors_of(target)):
            broken.append(f"{path}#{anchor}" if anchor else path)

    assert broken == []


def test_every_page_can_be_reached_from_the_readme():
    seen, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page not in seen and page.suffix == ".md":
            seen.add(page)
            waiting += [(page.parent / path).resolve() for path, _ in _LINK.findall(page.read_text("utf-8")) if path]

    assert [named(page) for page in DOCS.rglob("*.md") if page not in seen] == []


# -------------------------------------------------------------------- words


@pages
def test_nothing_of_a_machine_and_nothing_unfinished_is_on_a_page(page):
    assert FORBIDDEN.findall(page.read_text("utf-8")) == []


@pages
def test_python_on_the_page_compiles(page):
    for block in blocks_of(page):
        if block.language == "python":
            compile(ast.parse("\n" * (block.line - 1) + block.body), named(page), "exec")


@pytest.mark.parametrize("page", [page for page in PAGES if "reference" in page.parts], ids=named)
def test_python_in_the_reference_runs(page):
    for block in blocks_of(page):
        if block.language == "python":
            exec(compile(block.body, named(page), "exec"), {"__name__": "example"})


# ---------------------------------------------------------------- reference


@pytest.mark.parametrize("path", sorted(GENERATE["pages"]()), ids=lambda path: path.name)
def test_generated_pages_are_current(path):
    assert path.read_text("utf-8") == GENERATE["pages"]()[path], "run: python docs/generate.py"


@pytest.mark.parametrize("module", ["content_hooks", "host_hooks", "secret_hooks"])
def test_every_hook_has_a_section_that_says_more_than_its_name(module):
    page = (DOCS / "reference/hooks.md").read_text("utf-8")
    names = GENERATE["hook_names"](GENERATE[module])

    assert names
    assert [name for name in names if f"### {name}\n" not in page] == []
    assert [name for name in names if not getattr(GENERATE[module], name).__doc__] == []


@pytest.mark.parametrize("module", [repertory_sdk, repertory_sdk.testing], ids=lambda module: module.__name__)
def test_every_public_name_of_the_sdk_is_documented(module):
    page = (DOCS / "reference/sdk.md").read_text("utf-8")

    assert [name for name in module.__all__ if f"### {name}\n" not in page] == []
    undocumented = [name for name in module.__all__ if name != "hookimpl" and not (getattr(module, name).__doc__ or "").strip()]
    assert undocumented == []


def test_every_dependency_has_a_reason():
    page = (DOCS / "decisions/dependencies.md").read_text("utf-8")
    declared = re.search(r"^dependencies = \[(.*?)^\]", (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE | re.DOTALL)
    names = re.findall(r'"([A-Za-z0-9-]+)', declared[1])

    assert names
    assert [name for name in names if f"| {name} |" not in page] == []


def test_every_status_of_a_run_is_explained():
    from typing import get_args

    from repertory.runtime.records import SETTLED, PromptKind, RunState

    page = Path(DOCS / "reference/run-record.md").read_text("utf-8")

    assert [word for word in (*get_args(RunState), *SETTLED, *get_args(PromptKind)) if f"`{word}`" not in page] == []
