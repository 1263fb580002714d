"""What people would answer in a simulated run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repertory.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from repertory.runtime.records import Question
    from repertory.runtime.simulation.scenario import Simulation

FREE_TEXT = "simulated"
APPROVE = "approve"


def simulated_answer(simulation: Simulation, question: Question, wanted: Sequence[str] = ()) -> tuple[str, str]:
    """The answer and by whom: by the scenario, else approvals are given, and questions answered by chance.

    ``wanted`` are texts that the playbook compares answers with.
    """
    given = simulation.scenario.answer_to(question)
    if given is not None:
        if question.options and given not in question.options:
            options = ", ".join(question.options)
            raise UserError(f"the scenario answers {given!r} to {question.text!r}", f"it must be one of: {options}")
        return given, "the scenario"
    mixed = simulation.outcomes == "mixed"
    if question.kind == "approval" and not mixed:
        return APPROVE, "the simulation"
    if not question.options:
        texts = [*wanted, FREE_TEXT] if mixed else [FREE_TEXT]
        return simulation.chance(question.key, question.text).choice(texts), "the simulation"
    return simulation.chance(question.key, question.text).choice(list(question.options)), "the simulation"
