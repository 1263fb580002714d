"""A run as a tree: what it asked for, what came back, what waits for a human, what it left behind."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from repertory.commands._columns import GUIDE, Columns, columns_for, lines_of
from repertory.commands._markdown import readable
from repertory.commands._output import console, cut, duration, fold, line_width, printable, wide
from repertory.commands._runview import RunRecord, answer_command, contact_words, headline, shown_parameters, standing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.text import Text
    from rich.tree import Tree

    from repertory.runtime.kept.contacts import KeptContact
    from repertory.runtime.kept.runs import Step
    from repertory.runtime.records import Prompt

STYLES = {
    "succeeded": "green", "failed": "red", "in_doubt": "bold magenta", "denied": "yellow", "running": "cyan",
    "waiting": "bold yellow", "planned": "dim", "cancelled": "dim", "queued": "dim",
}  # fmt: skip
MOST_LIVE = 12
MOST_SHOWN = 50


def print_record(record: RunRecord) -> None:
    """The finished record."""
    console().print(run_tree(record, line_width(), everything=True))


def run_tree(record: RunRecord, width: int, *, everything: bool) -> Tree:
    """The whole record; ``everything`` adds attempts, log, notes in full and captured output."""
    return _Drawing(columns_for(record, width), width, everything=everything).tree(record, 0)


class _Drawing:
    """One tree, whose columns are aligned in all its branches."""

    def __init__(self, columns: Columns, width: int, *, everything: bool) -> None:
        self._columns = columns
        self._width = width
        self._everything = everything

    def tree(self, record: RunRecord, depth: int) -> Tree:
        """A run, with the runs that it started."""
        from rich.tree import Tree

        run = record.run
        head = _line(("\n".join(fold(printable(headline(record)), self._width - GUIDE * depth)), "bold"))
        tree = Tree(self._ended_by(head, f"run {run.id}", "dim", depth), guide_style="dim")
        if self._everything and len(record.attempts) > 1:
            self._add_attempts(tree, record, depth)
        self._add_steps(tree, record, depth)
        for child in record.children:
            tree.add(self.tree(child, depth + 1))
        self._add_words(tree, record, depth)
        said, status = standing(run)
        if self._everything and not run.message:
            said = ""  # the outputs are listed in full
        style = STYLES.get(run.state, "")
        room = max(self._width - GUIDE * (depth + 1), 16)
        tree.add(self._ended_by(_line(("\n".join(fold(printable(said), room)), style)), status, style, depth + 1))
        return tree

    def _ended_by(self, line: Text, end: str, style: str, depth: int) -> Text:
        """Something at the right edge of the columns, below if there is no room beside."""
        total = min(self._columns.total, self._width) - GUIDE * depth
        taken = wide(line.plain.rpartition("\n")[2]) + wide(end)
        if line.plain:
            fits = taken + 2 <= self._width - GUIDE * depth
            line.append(" " * max(total - taken, 2) if fits else "\n")
        return line.append(end, style)

    # --------------------------------------------------------------- actions

    def _add_steps(self, tree: Tree, record: RunRecord, depth: int) -> None:
        shown: set[int] = set()
        for steps in _by_act(record.steps):
            tree.add(self._act(steps, depth, record.run.id))
            key = steps[0].call.act_key
            for prompt in record.prompts:
                if prompt.key.startswith((f"{key}?", f"{key}#")):
                    shown.add(prompt.id)
                    tree.add(self._prompt(prompt, depth))
        for prompt in record.prompts:
            if prompt.id not in shown:
                tree.add(self._prompt(prompt, depth))

    def _act(self, steps: Sequence[Step], depth: int, run: str) -> Text:
        chosen = _most_telling(steps, MOST_SHOWN if self._everything else MOST_LIVE)
        text = _line()
        above = None
        for step in chosen:
            asked = shown_parameters(step)
            style = STYLES.get(step.call.state, "")
            for line in lines_of(step, self._columns, depth, action=above is None, parameters=asked != above):
                text.append("\n" if text.plain else "").append(line.action, "bold").append(line.asked)
                text.append(line.result.rstrip() if not line.duration else line.result, style).append(line.duration, "dim")
            above = asked
        if len(steps) > len(chosen):
            text.append(f"\n{_rest(steps, chosen)}; `repertory show {run} --json` has them all", "dim")
        return text

    def _prompt(self, prompt: Prompt, depth: int) -> Text:
        room = max(self._width - GUIDE * (depth + 1) - 2, 16)
        lines = fold(printable(prompt.question), room)
        if prompt.answer is not None:
            by = "nobody answered in time" if prompt.timed_out else prompt.answered_by
            return _line(("? " + "\n  ".join(lines), ""), (f"  → {printable(prompt.answer)}", "bold"), (f"  ({by})", "dim"))
        lines += fold(f"→ {answer_command(prompt)}", room)
        return _line(("? " + "\n  ".join(lines), "bold yellow"))

    # ----------------------------------------------------------------- words

    def _add_words(self, tree: Tree, record: RunRecord, depth: int) -> None:
        room = max(self._width - GUIDE * (depth + 2), 16)
        for line in record.log if self._everything else ():
            tree.add(_line((f"log: {line.text}", "dim")))
        for note in record.notes:
            lines = readable(printable(note.text), room)
            if not self._everything:
                first = f": {lines[0]}" if note.text.strip() and not note.text.lstrip().startswith("|") else ""
                tree.add(_line((cut(printable(f"note: {note.title}{first}"), room), "")))
                continue
            branch = tree.add(_line((f"note: {note.title}", "")))
            if note.text.strip():
                branch.add(_line(("\n".join(lines), "")))
        self._add_contacts(tree, record)
        for part in record.output if self._everything else ():
            branch = tree.add(_line((f"output of {part.source}, attempt {part.epoch}", "dim")))
            branch.add(_line((part.text.rstrip(), "")))
        if self._everything and record.run.outputs:
            branch = tree.add(_line(("outputs", "dim")))
            for name, value in record.run.outputs.items():
                said = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
                branch.add(_line(("\n".join(fold(printable(f"{name}: {said}"), room)), "")))

    def _add_contacts(self, tree: Tree, record: RunRecord) -> None:
        """Whom the actions reached; what was refused is also seen while the run goes on."""
        shown = [one for one in record.contacts if self._everything or one.contact.verdict == "denied"]
        if shown:
            branch = tree.add(_line(("connections", "dim")))
            for words, style in dict.fromkeys(map(_contact, shown)):
                branch.add(_line((words, style)))

    def _add_attempts(self, tree: Tree, record: RunRecord, depth: int) -> None:
        branch = tree.add("attempts")
        for row in record.attempts:
            seconds = duration(row.ended_at - row.started_at) if row.ended_at else ""
            branch.add(_line((f"{row.epoch}  {row.outcome}  {seconds}  {row.worker}", "")))


def _contact(kept: KeptContact) -> tuple[str, str]:
    style = STYLES.get("failed", "") if kept.contact.verdict == "denied" else "dim"
    return f"{kept.asset}: {contact_words(kept.contact)}", style


def _line(*parts: tuple[str, str]) -> Text:
    from rich.text import Text

    return Text.assemble(*((printable(text), style) for text, style in parts))


def _by_act(steps: Sequence[Step]) -> list[list[Step]]:
    """Action runs by request, and within one those with the same parameters together."""
    found: dict[str, dict[str, list[Step]]] = {}
    for step in steps:
        found.setdefault(step.call.act_key, {}).setdefault(shown_parameters(step), []).append(step)
    return [[step for same in act.values() for step in same] for act in found.values()]


def _most_telling(steps: Sequence[Step], most: int) -> list[Step]:
    """What did not succeed comes before what did, if not all can be shown; in their order."""
    if len(steps) <= most:
        return list(steps)
    ranked = sorted(range(len(steps)), key=lambda index: steps[index].call.state in ("succeeded", "planned"))
    return [steps[index] for index in sorted(ranked[:most])]


def _rest(steps: Sequence[Step], chosen: Sequence[Step]) -> str:
    counts = Counter(step.call.state for step in steps) - Counter(step.call.state for step in chosen)
    said = ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in sorted(counts.items()))
    return f"… and {len(steps) - len(chosen)} more: {said}"
