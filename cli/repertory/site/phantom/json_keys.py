"""Names of keys in parameters, configurations, containers and results."""

from __future__ import annotations

from typing import Any

from repertory_classic.app.context import CURRENT

APP_JSON_ACTION_NAME = "action_name"
APP_JSON_APP_RUN_ID = "app_run_id"
APP_JSON_ARTIFACT_COUNT = "artifact_count"
APP_JSON_ASSET_ID = "asset_id"
APP_JSON_CONTAINER_COUNT = "container_count"
APP_JSON_CONTAINER_ID = "container_id"
APP_JSON_CONTAINS = "contains"
APP_JSON_DATA = "data"
APP_JSON_DESCRIPTION = "description"
APP_JSON_DEVICE = "device"
APP_JSON_DOMAIN = "domain"
APP_JSON_DOWNLOAD = "download"
APP_JSON_END_TIME = "end_time"
APP_JSON_HASH = "hash"
APP_JSON_HOST = "host"
APP_JSON_HOSTNAME = "hostname"
APP_JSON_INFO = "info"
APP_JSON_INGEST_APP_ID = "ingest_app_id"
APP_JSON_IP = "ip"
APP_JSON_IP_HOSTNAME = "ip_hostname"
APP_JSON_LABEL = "label"
APP_JSON_MACADDRESS = "macaddress"
APP_JSON_MESSAGE = "message"
APP_JSON_NAME = "name"
APP_JSON_PARAMETER = "parameter"
APP_JSON_PASSWORD = "password"
APP_JSON_PID = "pid"
APP_JSON_PORT = "port"
APP_JSON_RESULT_DATA = "result_data"
APP_JSON_RESULT_SUMMARY = "result_summary"
APP_JSON_RUN_AUTOMATION = "run_automation"
APP_JSON_SERVER = "server"
APP_JSON_SIZE = "size"
APP_JSON_START_TIME = "start_time"
APP_JSON_STATE = "state"
APP_JSON_STATUS = "status"
APP_JSON_SUMMARY = "summary"
APP_JSON_TOTAL_OBJECTS = "total_objects"
APP_JSON_TOTAL_OBJECTS_SUCCESS = "total_objects_success"
APP_JSON_TOTAL_OBJECTS_SUCCESSFUL = "total_objects_successful"
APP_JSON_TOTAL_OBJECTS_TO_ACT_ON = "total_objects_to_act_on"
APP_JSON_TYPE = "type"
APP_JSON_URL = "url"
APP_JSON_USERNAME = "username"
APP_JSON_VAULT_ID = "vault_id"
APP_JSON_VERIFY = "verify_server_cert"

__all__ = [name for name in dir() if name.startswith("APP_JSON_")]


def __getattr__(name: str) -> Any:
    """Keys that nobody listed are what their names say."""
    if not name.startswith("APP_JSON_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    CURRENT.tell("error", f"{name} is not a known name; it is taken for its own lower case")
    return name[len("APP_JSON_") :].lower()
