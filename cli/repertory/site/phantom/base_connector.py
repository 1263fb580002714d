"""The class that every connector derives from."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Optional

from repertory_classic.app import life, messages, paths
from repertory_classic.app.connector_ingestion import ConnectorIngestion
from repertory_classic.app.context import CURRENT, shown
from repertory_classic.app.run import Run
from repertory_classic.app.validation import Check, first_offence

from phantom.action_result import ActionResult
from phantom.connector_result import ConnectorResult
from phantom.utils import CONTAINS_VALIDATORS

Plain = Dict[str, Any]

APPS_STATE_PATH = paths.states_folder()
connector_obj: Any = None


class BaseConnector(ConnectorIngestion):
    """A connector is made once and may handle several requests; each begins with nothing kept from the one before."""

    print_progress_message = False

    def __init__(self) -> None:
        self._BaseConnector__run = Run(CURRENT.request, CURRENT.manifest)
        self._BaseConnector__conn_result = ConnectorResult()
        self._BaseConnector__action_run_id = CURRENT.request.get("action_run_id")

    # ------------------------------------------------------------- hooks

    def initialize(self) -> Any:
        return True

    def finalize(self) -> Any:
        return True

    def handle_action(self, param: Plain) -> Any:
        raise NotImplementedError(f"{type(self).__name__} handles no actions")

    def handle_exception(self, exception: BaseException) -> Any:
        return None

    def handle_cancel(self) -> Any:
        return None

    def validate_parameters(self, param: Plain) -> Any:
        """Whether they are as the manifest declares them; the connector's message says what is not."""
        run = self._BaseConnector__run
        declared = run.declared(self.get_app_json()).get("parameters")
        offence = first_offence(declared, param, {**CONTAINS_VALIDATORS, **run.validators})
        if offence is None:
            return True
        self._BaseConnector__conn_result.set_status(False, offence)
        return False

    def set_validator(self, contains: str, validator: Optional[Check]) -> None:
        self._BaseConnector__run.validators[contains] = validator

    # ------------------------------------------------------------- the life of one action

    def _handle_action(self, in_json: str, handle: Any = None) -> str:
        """The whole of one request, as JSON in and out."""
        module = globals()
        module["connector_obj"] = self
        request = json.loads(in_json)
        CURRENT.request = request
        run = Run(request, CURRENT.manifest)
        outcome = ConnectorResult()
        self._BaseConnector__run, self._BaseConnector__conn_result = run, outcome
        self._BaseConnector__action_run_id = request.get("action_run_id")
        self.get_app_json()
        life.decrypt_config(run, run.manifest)
        if run.container_id is not None and run.container_id not in CURRENT.store.containers:
            CURRENT.store.know({"id": run.container_id, "name": f"Container {run.container_id}", "status": "new"})
        life.run_through(self, run, outcome)
        return life.as_json(self.__whole(run, outcome))

    def __whole(self, run: Run, outcome: ConnectorResult) -> Plain:
        whole = outcome.get_dict()
        whole["result_summary"].update(run.counters)
        return {
            **whole,
            "identifier": run.identifier,
            "action": self.get_action_name(),
            "asset_id": run.asset_id,
            "container_id": run.container_id,
            "connector_run_id": self.get_app_run_id(),
            "app_id": self.get_app_id(),
            "app_name": self.get_app_name(),
            "app_version": self.get_app_json().get("app_version"),
            "main_module": self.get_app_json().get("main_module"),
        }

    # ------------------------------------------------------------- what is said

    def save_progress(self, progress_str_const: Any, *unnamed: Any, **named: Any) -> None:
        self.__tell("progress", messages.formatted(progress_str_const, unnamed, named))

    def send_progress(self, progress_str_const: Any, *unnamed: Any, **named: Any) -> None:
        self.__tell("transient", messages.formatted(progress_str_const, unnamed, named))

    def debug_print(self, _tag: Any, dump_object: Any = "") -> None:
        CURRENT.tell("debug", shown(_tag, dump_object))

    def error_print(self, _tag: Any, dump_object: Any = "") -> None:
        CURRENT.tell("error", shown(_tag, dump_object))

    def telemetry_print(self, _tag: Any, dump_object: Any = "") -> None:
        """Nobody collects it here."""

    def __tell(self, kind: str, text: str) -> None:
        CURRENT.tell(kind, text)
        if self.print_progress_message:
            print(text)  # noqa: T201

    # ------------------------------------------------------------- status

    def set_status(
        self, status_code: Any, status_message: Any = "", exception: Any = None, *unnamed: Any, **named: Any
    ) -> Any:
        message = messages.with_exception(messages.formatted(status_message, unnamed, named), exception)
        self._BaseConnector__conn_result.set_status(status_code, message)
        return status_code

    def set_status_save_progress(
        self, status_code: Any, status_message: Any = "", exception: Any = None, *unnamed: Any, **named: Any
    ) -> Any:
        self.set_status(status_code, status_message, exception, *unnamed, **named)
        self.__tell("progress", self.get_status_message())
        return status_code

    def get_status(self) -> bool:
        return self._BaseConnector__conn_result.status

    def get_status_message(self) -> str:
        return self._BaseConnector__conn_result.message

    def append_to_message(self, text: Any) -> None:
        self._BaseConnector__conn_result.append_to_message(text)

    def is_success(self) -> bool:
        return self.get_status()

    def is_fail(self) -> bool:
        return not self.get_status()

    def update_summary(self, summary: Optional[Plain]) -> None:
        self._BaseConnector__conn_result.summary.update(summary or {})

    def unknown_action(self) -> Any:
        return self.set_status(False, f"Action '{self.get_action_identifier()}' is not supported")

    # ------------------------------------------------------------- results

    def add_action_result(self, action_result: ActionResult) -> ActionResult:
        return self._BaseConnector__conn_result.add_item(action_result)

    def remove_action_result(self, action_result: ActionResult) -> ActionResult:
        results = self._BaseConnector__conn_result.results
        results[:] = [each for each in results if each is not action_result]
        return action_result

    def get_action_results(self) -> List[ActionResult]:
        return self._BaseConnector__conn_result.results
