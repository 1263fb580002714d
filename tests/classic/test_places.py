"""Places of the platform that connectors name in their code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from commands.user import User
from content.builders import Repository
from content.classic_content import MANIFEST
from repertory.runtime.sandbox.confinement import Confinement
from repertory.runtime.sandbox.namespaces import bwrap
from repertory.runtime.sandbox.probing import try_level

CONNECTOR = '''\
import os
import phantom.app as phantom
from phantom.action_result import ActionResult
from phantom.base_connector import BaseConnector
from phantom.vault import vault_add


class FeedsConnector(BaseConnector):
    def handle_action(self, param):
        result = self.add_action_result(ActionResult(dict(param)))
        place = param["ip"]
        with open(place + "/found.txt", "w") as file:
            file.write("found")
        state = "/opt/phantom/local_data/app_states/" + self.get_app_id()
        self.save_state({"seen": 1})
        good, message, vault_id = vault_add(self.get_container_id(), place + "/found.txt", "found.txt")
        result.add_data({"good": good, "state": sorted(os.listdir(state)), "left": os.listdir(place)})
        return result.set_status(phantom.APP_SUCCESS)
'''


def manifest() -> dict[str, Any]:
    action = {**MANIFEST["actions"][0], "parameters": {"ip": {"data_type": "string", "required": True}}, "output": []}
    return {**MANIFEST, "actions": [action], "configuration": {}, "package_name": "phantom_feeds"}


@pytest.mark.parametrize("place", ["/opt/phantom/vault/tmp", "/vault/tmp"])
def test_a_connector_writes_where_the_platform_has_its_files(newcomer: User, tmp_path: Path, place: str) -> None:
    offer = try_level("namespaces")
    if not offer.works:
        pytest.skip(f"there are such places at level namespaces only: {offer.reason}")
    repository = Repository(tmp_path / "classic").write({"feeds/feeds.json": json.dumps(manifest()), "feeds/feeds_connector.py": CONNECTOR})
    repository.commit()
    newcomer.done("repo", "add", "phantom", str(repository.path), "--sync")
    (newcomer.home / "config.toml").write_text('install.allow = "anything"\n')
    newcomer.done("install", "phantom/feeds", "--yes")
    newcomer.done("asset", "add", "feeds", "phantom/feeds")
    (newcomer.folder / "event.json").write_text(json.dumps({"name": "scan"}))
    newcomer.done("event", "add", "event.json")
    record = newcomer.asked("act", "phantom/feeds", "ip reputation", f"ip={place}", "--event", "1")
    (result,) = record["actions"][0]["results"]
    (row,) = result["data"]
    assert (row["good"], row["left"], len(row["state"])) == (True, [], 1)
    assert [file["name"] for file in result["attachments"]] == ["found.txt"]


def test_what_is_real_is_not_hidden_by_such_a_place() -> None:
    confinement = Confinement(files=[Path("/opt/phantom/usr/python3")], links=[("/opt/phantom", "/tmp/a"), ("/vault", "/tmp/a/vault")])
    line = bwrap(["/usr/bin/python3"], confinement, seccomp=None, files={}, network=False)
    assert [line[place + 1 : place + 3] for place, word in enumerate(line) if word == "--symlink" and "/tmp/a" in line[place + 1]] == [
        ["/tmp/a/vault", "/vault"]
    ]
