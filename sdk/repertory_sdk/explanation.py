"""What is said of an exception that content raised."""

from __future__ import annotations

import traceback
from pathlib import Path


def explain(error: BaseException, folder: Path) -> str:
    """One sentence for what content raised, with the last line of its own code that was running."""
    if isinstance(error, SystemExit):
        said = f"called exit({error.code!r})"
    elif type(error).__module__.startswith("repertory_sdk"):
        said = str(error)
    else:
        said = f"{type(error).__name__}: {error}"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_absolute() and folder in Path(frame.filename).parents]
    if isinstance(error, SyntaxError) and error.filename:
        return f"{type(error).__name__}: {error.msg} ({Path(error.filename).name}, line {error.lineno})"
    return f"{said} ({Path(own[-1].filename).name}, line {own[-1].lineno})" if own else said
