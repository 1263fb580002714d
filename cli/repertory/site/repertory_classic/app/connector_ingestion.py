"""The part of a connector that saves containers and artifacts."""

from __future__ import annotations

import uuid
from typing import Any, Dict, List, Optional, Sequence, Tuple

from repertory_classic.app import store
from repertory_classic.app.connector_state import ConnectorState
from repertory_classic.app.context import CURRENT

Plain = Dict[str, Any]


class ConnectorIngestion(ConnectorState):
    """Answers are (status, message, number), as the platform gives them; nothing is raised for bad records."""

    def save_container(self, container: Any, fail_on_duplicate: bool = False) -> Tuple[bool, str, Optional[int]]:
        run = self._BaseConnector__run
        run.count("containers")
        defaults = {"asset_id": run.asset_id, "ingest_app_id": self.get_app_id(), "label": CURRENT.label()}
        try:
            is_new, number = CURRENT.store.add_container(container, defaults)
        except store.Refused as error:
            run.count("containers_failed")
            return False, str(error), None
        if is_new:
            run.count("containers_successful")
        self._save_nested(number, container.get("artifacts"))
        if is_new:
            return True, store.CREATED, number
        return not fail_on_duplicate, store.DUPLICATE, number

    def _save_nested(self, container: int, artifacts: Any) -> None:
        if isinstance(artifacts, (list, tuple)) and artifacts:
            nested = [{**each, "container_id": container} if isinstance(each, dict) else each for each in artifacts]
            self._save_all(nested)

    def save_containers(
        self, containers: Sequence[Any], fail_on_duplicate: bool = False
    ) -> Tuple[bool, str, List[Plain]]:
        answers = []
        for container in containers:
            status, message, number = self.save_container(container, fail_on_duplicate)
            answers.append({"success": status, "message": message, "id": number})
        good = sum(1 for answer in answers if answer["success"])
        return good > 0, f"{good} of {len(answers)} container(s) saved", answers

    def save_artifact(self, artifact: Any) -> Tuple[bool, str, Optional[int]]:
        status, message, numbers = self.save_artifacts([artifact])
        return status, message, numbers[0] if numbers else None

    def save_artifacts(self, artifacts: Sequence[Any]) -> Tuple[bool, str, Optional[List[int]]]:
        if not isinstance(artifacts, (list, tuple)):
            return False, "artifacts are given as a list", None
        return self._save_all(artifacts)

    def _save_all(self, artifacts: Sequence[Any]) -> Tuple[bool, str, Optional[List[int]]]:
        """All that can be; only the last one starts playbooks, unless they say otherwise themselves."""
        run = self._BaseConnector__run
        numbers: List[int] = []
        said, refused = store.ARTIFACT_CREATED, ""
        for index, artifact in enumerate(artifacts):
            run.count("artifacts")
            try:
                is_new, number = CURRENT.store.add_artifact(
                    artifact, {"ingest_app_id": self.get_app_id()}, last=index == len(artifacts) - 1
                )
            except store.Refused as error:
                run.count("artifacts_failed")
                refused = refused or str(error)
                continue
            run.count("artifacts_successful")
            numbers.append(number)
            said = store.ARTIFACT_CREATED if is_new else store.ARTIFACT_DUPLICATE
        if refused and not numbers:
            return False, refused, None
        return not refused, refused or said, numbers

    def suspend_run(self, key: str) -> str:
        """Nobody can finish such a run from outside yet; the token is only a name."""
        CURRENT.tell("error", f"this run would wait for an answer under {key!r}, which nobody can give here")
        return uuid.uuid4().hex
