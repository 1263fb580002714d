"""The order in which a connector's hooks are called for one request."""

from __future__ import annotations

import contextlib
import json
import math
import signal
import threading
from typing import TYPE_CHECKING, Any, Dict, Iterator

import encryption_helper
from phantom.action_result import ActionResult

from repertory_classic.app import paths
from repertory_classic.app.context import CURRENT

if TYPE_CHECKING:
    from phantom.base_connector import BaseConnector
    from phantom.connector_result import ConnectorResult

    from repertory_classic.app.run import Run

Plain = Dict[str, Any]

CANCELLED = "Action cancelled"
_GRACE_S = 10


class Cancelled(BaseException):
    """The app did not return in time after it was told that its action is cancelled."""


def run_through(connector: BaseConnector, run: Run, outcome: ConnectorResult) -> None:
    """From ``initialize`` to ``finalize``; whatever an app raises ends up in the outcome."""
    paths.export(run.request.get("environment_variables") or {})
    with _ended_by_signals(connector, run):
        try:
            if _is_refused(connector.initialize()):
                outcome.set_status(False, outcome.message or "The connector could not be initialized")
                outcome.is_over = True
            else:
                _handle_all(connector, run, outcome)
        except BaseException as error:
            _note(connector, run, outcome, error)
        finally:
            _finalize(connector, run, outcome)
    if run.cancelled:
        outcome.set_status(False, CANCELLED)
        outcome.is_over = True


def _is_refused(returned: Any) -> bool:
    return returned is not None and not returned


def _handle_all(connector: BaseConnector, run: Run, outcome: ConnectorResult) -> None:
    for parameter in run.parameters:
        run.parameter = parameter
        if not connector.validate_parameters(parameter):
            result = ActionResult(parameter)
            result.set_status(False, outcome.message.replace("{", "{{").replace("}", "}}"))
            outcome.add_item(result)
            continue
        connector.handle_action(parameter)
        if run.cancelled:
            break


def _note(connector: BaseConnector, run: Run, outcome: ConnectorResult, error: BaseException) -> None:
    outcome.add_exception(error)
    CURRENT.tell("error", outcome.exceptions[-1])
    if isinstance(error, Cancelled):
        return
    said = f"called exit({error.code!r})" if isinstance(error, SystemExit) else str(error) or type(error).__name__
    result = ActionResult(run.parameter)
    result.set_status(False, said.replace("{", "{{").replace("}", "}}"))
    outcome.add_item(result)
    outcome.set_status(False, outcome.message or said)
    with contextlib.suppress(BaseException):
        connector.handle_exception(error)


def _finalize(connector: BaseConnector, run: Run, outcome: ConnectorResult) -> None:
    try:
        connector.finalize()
    except BaseException as error:
        _note(connector, run, outcome, error)


@contextlib.contextmanager
def _ended_by_signals(connector: BaseConnector, run: Run) -> Iterator[None]:
    """SIGTERM cancels: the app is told, and has ten seconds."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def cancel(number: int, frame: Any) -> None:
        run.cancelled = True
        with contextlib.suppress(Exception):
            connector.handle_cancel()
        signal.signal(signal.SIGALRM, give_up)
        signal.alarm(_GRACE_S)

    def give_up(number: int, frame: Any) -> None:
        raise Cancelled

    before = signal.signal(signal.SIGTERM, cancel)
    alarm = signal.getsignal(signal.SIGALRM)
    try:
        yield
    finally:
        if run.cancelled:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, alarm)
        signal.signal(signal.SIGTERM, before)


def decrypt_config(run: Run, manifest: Plain) -> None:
    """Passwords of the configuration in clear text; what cannot be decrypted was not encrypted."""
    salt = run.request.get("dec_key")
    declared = manifest.get("configuration")
    if not salt or not isinstance(declared, dict):
        return
    for name, field in declared.items():
        value = run.config.get(name)
        if isinstance(field, dict) and field.get("data_type") == "password" and isinstance(value, str):
            with contextlib.suppress(ValueError):
                run.config[name] = encryption_helper.decrypt(value, str(salt))


def as_json(value: Any) -> str:
    """What JSON cannot say becomes text; numbers that are none become null."""
    try:
        return json.dumps(value, default=str, allow_nan=False)
    except (TypeError, ValueError):
        return json.dumps(sayable(value), allow_nan=False)


def sayable(value: Any) -> Any:
    """A copy out of nothing but JSON values."""
    return _sayable(value, 100)


def _sayable(value: Any, deep: int) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if not deep:
        return "(too deep)"
    if isinstance(value, dict):
        return {str(_sayable(name, 0)): _sayable(inner, deep - 1) for name, inner in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_sayable(inner, deep - 1) for inner in value]
    try:
        return str(value)
    except Exception as error:  # an app's own object
        return f"(cannot be shown: {type(error).__name__})"
