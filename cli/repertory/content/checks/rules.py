"""Every rule of the checks: its id, its group, how grave it is, and one sentence; the reference is made from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from repertory.content.checks.issue import Issue, Severity


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule. ``severity`` is the gravest it can be: errors keep an item from being installed."""

    id: str
    group: str
    severity: Severity
    sentence: str


def _group(name: str, *lines: tuple[str, Severity, str]) -> list[Rule]:
    return [Rule(id=id_, group=name, severity=severity, sentence=sentence) for id_, severity, sentence in lines]


RULES: Sequence[Rule] = (
    *_group(
        "tree",
        ("checks-configuration", "warning", "`repertory.toml` cannot be read, or says something that has no effect."),
        ("item-name", "error", "Two items of one repository have the same name."),
        ("left-out", "warning", "A symbolic link, submodule or special file is not installed."),
        ("refused", "error", "A path or size makes the whole tree unsafe to write to a disk."),
    ),
    *_group(
        "manifest",
        ("classic-manifest", "error", "The manifest of a connector cannot be understood."),
        ("classic-sdk", "warning", "A project uses splunk-soar-sdk, and its app cannot be found."),
        ("default", "error", "A default value does not have the type of its parameter or setting."),
        ("inner-manifest", "warning", "A manifest lies inside the folder of another item and is not offered."),
        ("main-file", "error", "The Python file that the manifest names does not exist."),
        ("manifest-form", "error", "The manifest does not have the published form."),
        ("manifest-syntax", "error", "The manifest is not JSON."),
        ("repeated-name", "error", "Two actions, settings or parameters have the same name."),
        ("two-manifests", "error", "One folder has both an app.json and a playbook.json."),
    ),
    *_group(
        "action",
        ("action-flags", "error", "An action that contains or corrects says that it only reads."),
        ("action-link", "error", "`check` or `undo` names an action that does not exist or cannot do that."),
        ("action-repeat", "warning", "An action that only reads says that it must not be repeated, checked or undone."),
        ("action-test", "warning", "A test of the connection has required parameters or changes things."),
        ("action-undo", "warning", "The action that takes another one back needs parameters which that one lacks."),
        ("action-verb", "warning", "An action says that it only reads, but its name begins with a word for changing."),
        ("action-vocabulary", "warning", "An action has a name of the common vocabulary, and takes or returns something else."),
    ),
    *_group(
        "code",
        ("code-manifest", "error", "Code and manifest say different things."),
        ("python-syntax", "error", "A Python file cannot be parsed."),
        ("python2-only", "error", "Classic content is written for Python 2, which nothing runs any more."),
        ("sdk-name", "error", "A name is asked of the SDK that it does not have: misspelt, or of another version."),
    ),
    *_group(
        "needs",
        ("need-child", "error", "A child playbook is started with inputs that it does not have, or without required ones."),
        ("need-offered", "warning", "Nobody offers an action or child playbook that a playbook needs."),
        ("need-parameter", "error", "An action is asked for with parameters that nobody's has, or without required ones."),
        ("need-path", "warning", "A playbook reads a place in an action's data that no app documents."),
    ),
    *_group(
        "reach",
        ("dynamic-code", "warning", "Code is made or looked up at run time, so nobody can review it."),
        ("environment", "warning", "The environment of the process is read; an app worker's is empty."),
        ("hidden-code", "error", "Code is decoded and then executed."),
        ("native-code", "warning", "Native code is called past Python (ctypes, cffi)."),
        ("undeclared-file", "error", "A file outside of the item is read, and the manifest does not declare it."),
        ("undeclared-host", "warning", "A host is named in the code that the manifest does not declare."),
        ("undeclared-network", "error", "The code uses the network, and the manifest declares no host."),
        ("undeclared-program", "error", "The code starts a program that the manifest does not declare."),
        ("unsafe-load", "warning", "Data is loaded by a format that can execute code (pickle, marshal, yaml.load)."),
        ("writes-outside", "error", "A file outside of the item is written or deleted."),
    ),
    *_group(
        "secret",
        ("secret-in-code", "warning", "A key, token or password is written in a file."),
        ("secret-shown", "warning", "A secret setting goes into a message, a log or the output."),
    ),
    *_group(
        "playbook",
        ("endless-loop", "warning", "A loop has no way out and does not wait."),
        ("import-effect", "warning", "Something happens when the file is imported, before any run."),
        ("module-state", "warning", "State of a module changes, which a resumed run does not find again."),
        ("playbook-chance", "warning", "Time or chance does not come from `play`, so a resumed run takes another way."),
        ("playbook-input", "warning", "A playbook asks the keyboard, which nobody sits at."),
        ("playbook-reach", "error", "A playbook uses the network, processes, files or native code, which only apps may."),
        ("playbook-sleep", "warning", "A playbook sleeps by itself and cannot be parked meanwhile."),
        ("playbook-threads", "warning", "A playbook starts threads, which a resumed run cannot repeat in the same order."),
    ),
    *_group(
        "requirements",
        ("import-unrequired", "warning", "A package is imported that the manifest does not require."),
        ("requirement", "error", "A requirement is not the plain name of a package with versions."),
        ("requirement-source", "warning", "A requirements file names URLs, paths or another package index."),
        ("requirement-unbounded", "warning", "A requirement permits every version."),
        ("requirements-lock", "error", "Required packages are not all pinned and hashed."),
    ),
    *_group(
        "file",
        ("archive", "warning", "An archive cannot be reviewed."),
        ("compiled-code", "error", "Compiled code cannot be reviewed: bytecode, native extensions, executables."),
        ("confusing-name", "error", "A name in the code looks like another one."),
        ("encoding", "error", "A source file is not plain UTF-8."),
        ("hidden-file", "warning", "A hidden file is installed with the item."),
        ("invisible-character", "error", "Characters that cannot be seen, or reorder what is seen, stand in a source file."),
        ("large-file", "warning", "A file has more than 1 MB."),
        ("lfs-pointer", "error", "A file is a Git LFS pointer, not its content."),
        ("license-missing", "warning", "Nothing says under which license the item may be used."),
        ("line-endings", "error", "Line endings are mixed, or lines end where editors do not show it."),
        ("merge-marker", "error", "A merge was not finished."),
        ("readme-missing", "warning", "The item has no README.md."),
        ("script", "warning", "A script for another interpreter comes with the item."),
        ("shadowing", "error", "A file has the name of a module of Python or of the SDK, and replaces it."),
        ("startup-file", "error", "Python would run the file at every start, without anybody importing it."),
    ),
)  # fmt: skip
_BY_ID = {rule.id: rule for rule in RULES}


def finding(rule: str, path: str, message: str, hint: str = "", *, line: int = 0, mild: bool = False) -> Issue:
    """An issue as grave as its rule; ``mild`` makes it a warning."""
    severity: Severity = "warning" if mild else _BY_ID[rule].severity
    return Issue(path=path, line=line, rule=rule, severity=severity, message=message, hint=hint)


def rules_page(rules: Iterable[Rule] = RULES) -> str:
    """The reference of all rules in Markdown, without the title's generated mark."""
    parts = ["# Rules of the checks", _INTRODUCTION.strip()]
    for name, members in groupby(rules, key=lambda rule: rule.group):
        rows = [f"| `{rule.id}` | {rule.severity} | {rule.sentence} |" for rule in members]
        parts.append(f"## {name}\n\n" + "\n".join(["| rule | | |", "|---|---|---|", *rows]))
    return "\n\n".join(parts) + "\n"


_INTRODUCTION = """
`repertory validate` checks content without running it, and `repertory sync` does the same for everything that is followed. An
**error** keeps an item from being installed; a **warning** is for its authors and for whoever reviews it.
`--select` and `--ignore` take rules, groups (the headings below) and patterns such as `action-*`.

A repository says in `repertory.toml` at its root where it has no items, and which warnings do not concern it. Errors cannot be
ignored there: they protect whoever installs. What is excluded is not looked at, not offered and not installed.

```toml
[items]
exclude = ["tests/**", "drafts/**"]

[checks]
ignore = ["readme-missing"]

[checks.per-path]
"apps/legacy/**" = ["dynamic-code", "file"]
```
"""
