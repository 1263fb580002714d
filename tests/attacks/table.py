"""Write the table of attacks into docs/security.md: ``PYTHONPATH=sdk:cli:tests python tests/attacks/table.py``."""

from __future__ import annotations

from pathlib import Path

from attacks.catalog import APP, LEVELS, PLAYBOOK

PAGE = Path(__file__).parents[2] / "docs" / "security.md"
BEGIN, END = "<!-- attacks: written by tests/attacks/table.py -->\n", "<!-- end of attacks -->\n"
SPELLED = {"ipv6": "IPv6", "sdk": "SDK", "pth": "`.pth`", "sitecustomize": "`sitecustomize.py`", "txt": "TXT", "bpf": "BPF", "kernel s": "kernel's"}


def table() -> str:
    """Both tables, from what the suite expects and is held to."""
    return f"### Attempts by an app\n\n{_rows(APP)}\n### Attempts by a playbook\n\n{_rows(PLAYBOOK)}"


def _rows(groups: dict[str, dict[str, tuple[str, str, str]]]) -> str:
    lines = [f"| attempt | {' | '.join(LEVELS)} |", "|---" * (len(LEVELS) + 1) + "|"]
    for group, attacks in groups.items():
        lines.append(f"| **{group}** |" + " |" * len(LEVELS))
        lines += [f"| {_spelled(name)} | {' | '.join(map(_said, verdicts))} |" for name, verdicts in attacks.items()]
    return "\n".join(lines) + "\n"


def _spelled(name: str) -> str:
    for plain, right in SPELLED.items():
        name = f" {name} ".replace(f" {plain} ", f" {right} ").strip()
    return name


def _said(verdict: str) -> str:
    if verdict == "n/a":
        return "n/a"
    plain = verdict.replace("?", "")
    root, _, others = plain.partition("/")
    return f"{root} (root), {others} (others)" if others and root != others else root


def page_with(text: str) -> str:
    """The page with the table as it is to be."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page_with(PAGE.read_text("utf-8")), "utf-8")
