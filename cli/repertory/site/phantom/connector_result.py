"""What one run of an action comes to: its results, counted."""

from __future__ import annotations

import traceback
from typing import Any, Dict, List, Mapping

from repertory_classic.app import messages

from phantom.action_result import ActionResult

Plain = Dict[str, Any]


class ConnectorResult:
    """Results in the order in which they were added, exceptions, and what the connector says itself."""

    def __init__(self) -> None:
        self.results: List[ActionResult] = []
        self.exceptions: List[str] = []
        self.summary: Plain = {}
        self.status = True
        self.message = ""
        self.was_set = False
        self.is_over = False
        """Failed whatever the results say: initialize refused, or the run was cancelled."""

    def add_item(self, result: ActionResult) -> ActionResult:
        self.results.append(result)
        return result

    def add_exception(self, exception: BaseException) -> bool:
        lines = traceback.format_exception(type(exception), exception, exception.__traceback__)
        self.exceptions.append("".join(lines))
        return True

    def set_status(self, status_code: Any, message: str) -> None:
        self.status, self.message, self.was_set = bool(status_code), message, True

    def append_to_message(self, text: Any) -> None:
        self.message = messages.appended(self.message, text)

    @property
    def successful(self) -> int:
        """How many results are successes."""
        return sum(1 for result in self.results if result.get_status())

    @property
    def succeeded(self) -> bool:
        """One success is enough; without results, what the connector said counts."""
        if self.is_over or self.exceptions:
            return False
        return self.successful > 0 if self.results else self.was_set and self.status

    def postprocess_action_results(self) -> None:
        """Count again and, from the results, say what the connector did not say itself."""
        self.summary["total_objects"] = len(self.results)
        self.summary["total_objects_successful"] = self.successful
        if not self.message:
            one = self.results[0].get_dict()["message"] if len(self.results) == 1 else ""
            self.message = one or f"{self.successful} of {len(self.results)} action(s) succeeded"

    def get_dict(self) -> Plain:
        """The whole, as plain data."""
        self.postprocess_action_results()
        return {
            "status": "success" if self.succeeded else "failed",
            "message": self.message,
            "result_data": [result.get_dict() for result in self.results],
            "result_summary": self.summary,
            "exception_occured": bool(self.exceptions),
            "exceptions": self.exceptions,
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> ConnectorResult:
        """From a whole result, or from one element of its ``result_data``."""
        made = cls()
        if "result_data" not in plain:
            made.add_item(ActionResult.from_dict(plain))
            return made
        made.results = [ActionResult.from_dict(each) for each in plain["result_data"] or ()]
        made.summary = dict(plain.get("result_summary") or {})
        made.exceptions = list(plain.get("exceptions") or ())
        made.set_status(plain.get("status") == "success", str(plain.get("message") or ""))
        return made
