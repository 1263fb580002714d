"""What kind of installation this is."""

from __future__ import annotations

from repertory_classic.app.connector_identity import PRODUCT_VERSION
from repertory_classic.app.context import CURRENT


def get_product_version() -> str:
    return PRODUCT_VERSION


def get_rest_base_url() -> str:
    return CURRENT.base_url() + "rest/"


def get_verify_ssl_setting() -> bool:
    """Of the loopback address alone."""
    return False


def is_fips_enabled() -> bool:
    return False


def is_dev_env() -> bool:
    return False


def is_onprem_broker_install() -> bool:
    return False


def is_onprem_broker_rpc_install() -> bool:
    return False
