"""What nearly every connector imports: constants, the two classes, keys and checks."""

from __future__ import annotations

import importlib
import re
from typing import Any

from repertory_classic.app.context import CURRENT

from phantom.action_result import ActionResult
from phantom.base_connector import BaseConnector
from phantom.json_keys import *  # noqa: F403
from phantom.json_keys import __all__ as _keys
from phantom.utils import (
    CONTAINS_VALIDATORS,
    config,
    get_cef_data,
    get_file_name_from_url,
    get_host_from_url,
    get_list_from_string,
    get_random_chars,
    get_req_value,
    get_str_val,
    get_valid_file_name,
    get_value,
    is_domain,
    is_email,
    is_fail,
    is_hash,
    is_hostname,
    is_ip,
    is_mac,
    is_md5,
    is_sha1,
    is_sha256,
    is_sha512,
    is_success,
    is_url,
    remove_none_values,
)

APP_SUCCESS = True
APP_ERROR = False
APP_SUCCESS_STR = "success"
APP_ERROR_STR = "failed"

ACTION_ID_INGEST_ON_POLL = "on_poll"
ACTION_ID_TEST_ASSET_CONNECTIVITY = "test_asset_connectivity"

SEVERITY_LOW = "low"
SEVERITY_MEDIUM = "medium"
SEVERITY_HIGH = "high"

APP_ERR_CMD_EXEC = "Command execution failed"
APP_ERR_FILE_ADD_TO_VAULT = "Failed to add file to vault: {0}"
APP_ERROR_FILE_ADD_TO_VAULT = APP_ERR_FILE_ADD_TO_VAULT
APP_PROG_ADDING_TO_VAULT = "Adding file to vault"
APP_PROG_CONNECTING_TO_ELLIPSES = "Connecting to {0}..."
APP_PROG_DOWNLOADING_FILE_FROM_TO = "Downloading file from {src} to {dest}"
APP_PROG_FILE_SIZE = "File size: {value} {type}"
APP_SUCC_CMD_EXEC = "Command executed successfully"
APP_SUCC_FILE_DOWNLOAD = "File downloaded successfully"

__all__ = [  # noqa: PLE0604
    *_keys, "ACTION_ID_INGEST_ON_POLL", "ACTION_ID_TEST_ASSET_CONNECTIVITY", "APP_ERROR", "APP_ERROR_FILE_ADD_TO_VAULT",
    "APP_ERROR_STR", "APP_ERR_CMD_EXEC", "APP_ERR_FILE_ADD_TO_VAULT", "APP_PROG_ADDING_TO_VAULT",
    "APP_PROG_CONNECTING_TO_ELLIPSES", "APP_PROG_DOWNLOADING_FILE_FROM_TO", "APP_PROG_FILE_SIZE", "APP_SUCCESS",
    "APP_SUCCESS_STR", "APP_SUCC_CMD_EXEC", "APP_SUCC_FILE_DOWNLOAD", "CONTAINS_VALIDATORS", "SEVERITY_HIGH", "SEVERITY_LOW",
    "SEVERITY_MEDIUM", "ActionResult", "BaseConnector", "config", "get_cef_data", "get_file_name_from_url",
    "get_host_from_url", "get_list_from_string", "get_random_chars", "get_req_value", "get_str_val",
    "get_valid_file_name", "get_value", "is_domain", "is_email", "is_fail", "is_hash", "is_hostname", "is_ip", "is_mac",
    "is_md5", "is_sha1", "is_sha256", "is_sha512", "is_success", "is_url", "remove_none_values",
]  # fmt: skip

_TEXTS = re.compile(r"APP_(ERR|ERROR|PROG|SUCC)_([A-Z0-9_]+)")


def __getattr__(name: str) -> Any:
    """``requests`` when it is asked for, since not every app has it; names that nobody listed are what they say."""
    if name == "requests":
        try:
            return importlib.import_module("requests")
        except ModuleNotFoundError as error:
            raise AttributeError(f"module {__name__!r} has no attribute 'requests': {error}") from error
    if name.startswith("APP_JSON_"):
        return getattr(importlib.import_module("phantom.json_keys"), name)
    matched = _TEXTS.fullmatch(name)
    if matched is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    CURRENT.tell("error", f"{name} is not a known name; it is taken for what it says")
    return matched.group(2).replace("_", " ").capitalize()
