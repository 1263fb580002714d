"""Files of events: read from the tool, added to it, and seen by apps as rows of a vault."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conftest import Child, Start

VAULT = '''
from phantom.vault import Vault, vault_add, vault_delete, vault_info
import phantom.vault as module

class LampConnector(BaseConnector):
    def handle_action(self, param):
        result = self.add_action_result(ActionResult(param))
        for each in eval(param["do"], {**globals(), "self": self}):
            result.add_data({"it": each})
        return result.set_status(phantom.APP_SUCCESS)

def written(name, content):
    path = os.path.join(Vault.get_vault_tmp_dir(), name)
    with open(path, "w") as file:
        file.write(content)
    return path
'''
SHA1 = hashlib.sha1(b"light").hexdigest()
SHA256 = hashlib.sha256(b"light").hexdigest()


def done(child: Child, do: str, **more: Any) -> list[Any]:
    answer = child.act("look up", {"do": do}, **more)
    assert answer["status"] == "succeeded", answer
    return [row["it"] for row in answer["data"]]


def event_with(*attachments: dict[str, Any]) -> dict[str, Any]:
    return {"id": 7, "name": "Dark", "attachments": list(attachments)}


def test_a_file_is_moved_into_the_vault(start: Start) -> None:
    lamp = start(VAULT)
    do = '(p := written("a.txt", "light"), vault_add(self.get_container_id(), p, "b.txt", {"contains": ["x"]}), os.path.exists(p), vault_info(file_name="b.txt"))'
    path, added, still_there, (status, _, rows) = done(lamp, do, event=event_with())
    assert path.endswith("/vault/tmp/a.txt")
    assert added == [True, "success", SHA1]
    assert (still_there, status) == (False, True)
    row = rows[0]
    assert (row["name"], row["container_id"], row["container"], row["size"], row["contains"]) == ("b.txt", 7, "Dark", 5, ["x"])
    assert row["metadata"]["sha256"] == SHA256
    attached = next(message for message in lamp.asides if message["op"] == "attach")
    assert (attached["name"], base64.b64decode(attached["content"])) == ("b.txt", b"light")
    assert attached["sha256"] == SHA256


def test_the_result_names_the_files(start: Start) -> None:
    lamp = start(VAULT)
    answer = lamp.act("look up", {"do": '[Vault.create_attachment("light", self.get_container_id(), "c.txt")]'})
    assert answer["attachments"] == [{"name": "c.txt", "sha256": SHA256, "size": 5, "media_type": "text/plain"}]
    assert answer["data"][0]["it"]["hash"] == SHA1
    assert lamp.act("look up", {"do": "[]"})["attachments"] == []


def test_files_of_the_event_are_read_when_they_are_looked_at(start: Start) -> None:
    lamp = start(VAULT)
    lamp.contents[SHA256] = base64.b64encode(b"light").decode()
    event = event_with({"name": "d.txt", "sha256": SHA256, "size": 5})
    look = f'[open(vault_info(vault_id="{SHA1.upper()}")[2][0]["path"]).read(), vault_info(vault_id="{SHA256}")[0]]'
    assert done(lamp, look, event=event) == ["light", True]
    assert done(lamp, '[vault_info(container_id=7)[2][0]["name"]]', event=event) == ["d.txt"]
    done(lamp, "[1]", event=event)
    assert lamp.asides == []


def test_nothing_is_found_and_nothing_is_kept(start: Start) -> None:
    lamp = start(VAULT)
    do = '[vault_info(), vault_info(vault_id="0"), vault_add(99, written("e", "x")), vault_add(7, "/nowhere"), Vault.add_attachment("/nowhere", 7)]'
    nothing, missing, stranger, nowhere, failure = done(lamp, do, event=event_with())
    assert nothing == [True, "", []]
    assert missing == [False, "there is no file 0 in the vault", []]
    assert (stranger[0], stranger[2], nowhere[0]) == (False, None, False)
    assert failure["failed"] is True and failure["succeeded"] is False
    assert [message for message in lamp.asides if message["op"] == "attach"] == []


def test_one_content_under_several_names(start: Start) -> None:
    lamp = start(VAULT)
    add = 'vault_add(7, written("f", "light"), "{}")[1]'
    do = f'[{add.format("one")}, {add.format("two")}, {add.format("one")}, vault_info(vault_id="{SHA1}")[2][0]["aka"], vault_delete(vault_id="{SHA1}"), vault_delete(vault_id="{SHA1}", remove_all=True), module.vault_info(vault_id="{SHA1}")[0]]'
    first, second, again, names, refused, deleted, left = done(lamp, do, event=event_with())
    assert (first, second, again) == ("success", "success", "the file is in the vault already")
    assert names == ["one", "two"]
    assert refused == [False, "2 files are meant; say remove_all", []]
    assert (sorted(deleted[2]), left) == (["one", "two"], False)
    assert json.dumps(done(lamp, "[vault_info(container_id=7)]", event=event_with())) == json.dumps([[False, "there is no file container 7 in the vault", []]])
