"""What playbooks say: the output of their process, which is kept with the run."""

from __future__ import annotations


def say(text: str) -> None:
    """A line."""
    print(text)
