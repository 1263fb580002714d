"""What is known of an action besides what the app says of it: whom it reached, and how much memory it took."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from repertory.runtime.processes.app_workers import AppWorker
    from repertory.runtime.records import CallOutcome
    from repertory.runtime.sandbox.confinement import Contact

_MOST_NAMED = 3
DNS_PORT = 53
NEVER = "never declared"


@dataclass
class Evidence:
    """Of one try."""

    contacts: Sequence[Contact] = field(default_factory=list)
    peak_memory: int = 0

    def take(self, worker: AppWorker) -> None:
        """What there is since the last time; before the worker is used for something else."""
        self.contacts = worker.contacts()
        self.peak_memory = worker.peak_memory()

    def added_to(self, outcome: CallOutcome, app: str) -> CallOutcome:
        """An action that failed after it was refused a host says so."""
        refused = [contact for contact in self.contacts if contact.verdict == "denied"]
        message = outcome.message
        if refused and outcome.status != "succeeded":
            message = f"{message}{'; ' if message else ''}{'; '.join(_sentence(app, one) for one in refused[:_MOST_NAMED])}"
        return replace(outcome, message=message, peak_memory=self.peak_memory)


def _sentence(app: str, contact: Contact) -> str:
    name = f"the name {contact.host}" if contact.port == DNS_PORT else f"{contact.host}:{contact.port}"
    why = "which it never declared" if contact.reason.startswith(NEVER) else f"which {contact.reason}"
    return f"{app} wanted {name}, {why}"
