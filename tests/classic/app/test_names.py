"""The names that connectors import, in an interpreter that has nothing else."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import repertory
import repertory_sdk

SITE = Path(repertory.__file__).parent / "site"
SDK = Path(repertory_sdk.__file__).parents[1]


def pythons() -> list[str]:
    """This one and every other from 3.9 on that is on the path and can be started."""
    asked = "import sys; print(sys.executable)"
    found = [sys.executable]
    for named in filter(None, (shutil.which(f"python3.{minor}") for minor in range(9, 15))):
        done = subprocess.run([named, "-c", asked], capture_output=True, text=True)
        found += [done.stdout.strip()] if done.returncode == 0 else []
    return list(dict.fromkeys(found))


def run(source: str, home: Path, python: str = sys.executable) -> str:
    start = f"import sys; sys.path[:0] = [{str(SITE)!r}, {str(SDK)!r}]\n"
    done = subprocess.run(
        [python, "-I", "-S", "-W", "error", "-c", start + source], capture_output=True, text=True, timeout=30,
        env={"PHANTOM_HOME": str(home), "TMPDIR": str(home)}, cwd=home, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


EVERYTHING = """
import phantom.app, phantom.base_connector, phantom.action_result, phantom.vault, phantom.utils, phantom.cef
import phantom.json_keys, phantom.consts, phantom.connector_result, encryption_helper, ph_ipc
import phantom_common.paths, phantom_common.install_info, phantom_common.credential_managers
import phantom_common.encryption.encryption_manager_factory, phantom_common.app_interface.app_interface
import repertory_classic.app.rest_server, repertory_classic.app.rules
from phantom.app import *
assert is_fail(APP_ERROR) and is_success(APP_SUCCESS) and APP_JSON_VERIFY == "verify_server_cert"
print("all there")
"""


@pytest.mark.parametrize("python", pythons())
def test_everything_can_be_imported(tmp_path: Path, python: str) -> None:
    assert run(EVERYTHING, tmp_path, python) == "all there"


def test_the_names_of_apps_need_no_other_part_of_ours(tmp_path: Path) -> None:
    loaded = run("import phantom.app; print([name for name in sys.modules if name.startswith('repertory_sdk')])", tmp_path)
    assert loaded == "[]"


def test_heavy_modules_are_not_imported(tmp_path: Path) -> None:
    """What takes long: each process of an app would wait for it."""
    heavy = "{'http.server', 'dataclasses', 'inspect', 'asyncio', 'ssl', 'email', 'requests', 'subprocess'}"
    assert run(f"import phantom.app; print(sorted({heavy} & set(sys.modules)))", tmp_path) == "[]"


def test_names_that_nobody_listed(tmp_path: Path) -> None:
    source = """
from importlib.util import find_spec
import phantom.app as phantom
print(phantom.APP_JSON_LAMP, "|", phantom.APP_ERR_NO_LAMP, "|", hasattr(phantom, "lamp"), hasattr(phantom, "requests") == (find_spec("requests") is not None))
"""
    assert run(source, tmp_path) == "lamp | No lamp | False True"


def test_secrets_are_read_by_another_process(tmp_path: Path) -> None:
    sealed = run("import encryption_helper as e; print(e.encrypt('lämp', salt=17))", tmp_path)
    assert "lämp" not in sealed
    assert run(f"import encryption_helper as e; print(e.decrypt({sealed!r}, '17') == 'lämp')", tmp_path) == "True"


def test_the_same_secret_is_sealed_to_the_same_text(tmp_path: Path) -> None:
    """Apps compare what they sealed with what they kept."""
    source = "import encryption_helper as e; print(*map(e.encrypt, ['lamp', 'lamp', 'lamq', 'lamp'], [1, '1', 1, 2]))"
    first, again, other, elsewhere = run(source, tmp_path).split()
    assert first == again
    assert len({first, other, elsewhere}) == 3


@pytest.mark.parametrize("change", ["'18'", "'17', 'x'", "'17', ''", "'17', None", "'17', 'rp1:AAAA'", "'17', damaged"])
def test_what_is_not_sealed_for_this_cannot_be_read(tmp_path: Path, change: str) -> None:
    source = f"""
import encryption_helper as e
sealed = e.encrypt("lamp", "17")
damaged = sealed[:-4] + ("AAAA" if sealed[-4:] != "AAAA" else "BBBB")
salt, given = [*({change},), sealed][:2]
try:
    e.decrypt(given, salt)
except ValueError:
    print("refused")
"""
    assert run(source, tmp_path) == "refused"


def test_states_as_files(tmp_path: Path) -> None:
    (tmp_path / "lamp.json").write_text('{"appid": "a-1", "main_module": "lamp.py", "app_version": "2.0.0", "actions": []}')
    (tmp_path / "lamp.py").write_text(
        "from phantom.base_connector import BaseConnector\nclass Lamp(BaseConnector):\n"
        "    def handle_action(self, param): pass\n    def initialize(self):\n"
        "        self.save_state({**(self.load_state() or {'broken': True}), 'seen': 1})\n"
    )
    source = """
import json, os
sys.path.insert(0, os.getcwd())
from lamp import Lamp
lamp = Lamp()
def act():
    lamp._handle_action(json.dumps({"identifier": "x", "asset_id": 12, "config": {}}), None)
    return json.load(open(path))
path = os.environ["PHANTOM_HOME"] + "/local_data/app_states/a-1/12_state.json"
print(act())
open(path, "w").write('{"token": "t"}')
print(act())
open(path, "w").write("{")
print(act())
lamp.save_state({"it": object()}), lamp.save_state(None)
print(json.load(open(path)), lamp.get_state_dir() == os.path.dirname(path) + "/")
"""
    assert run(source, tmp_path).splitlines() == [
        "{'app_version': '2.0.0', 'seen': 1}",
        "{'token': 't', 'seen': 1, 'app_version': '2.0.0'}",
        "{'broken': True, 'seen': 1, 'app_version': '2.0.0'}",
        "{'broken': True, 'seen': 1, 'app_version': '2.0.0'} True",
    ]


def test_counts_and_passwords(tmp_path: Path) -> None:
    manifest = '{"appid": "a-1", "main_module": "lamp.py", "app_version": "2.0.0", "actions": [], "configuration": {"p": {"data_type": "password"}, "q": {"data_type": "password"}}}'
    (tmp_path / "lamp.json").write_text(manifest)
    (tmp_path / "lamp.py").write_text(
        "from phantom.base_connector import BaseConnector\nfrom phantom.action_result import ActionResult\nclass Lamp(BaseConnector):\n"
        "    def handle_action(self, param):\n"
        "        r = self.add_action_result(ActionResult(dict(param)))\n        r.set_status(param['n'] < 2, self.get_config()['p'] + self.get_config()['q'])\n"
        "        if param['n'] == 3: raise OSError('no {bulb}')\n"
    )
    source = """
import json, os
sys.path.insert(0, os.getcwd())
import encryption_helper, phantom.base_connector as base
from lamp import Lamp
config = {"p": encryption_helper.encrypt("secret", "9"), "q": "plain"}
given = {"identifier": "x", "asset_id": "9", "dec_key": "9", "config": config, "parameters": [{"n": 1, "context": {}}, {"n": 2}, {"n": 3}]}
base.connector_obj = None
done = json.loads(Lamp()._handle_action(json.dumps(given), 0))
print(done["status"], done["result_summary"], [r["message"] for r in done["result_data"]], done["result_data"][0]["parameter"])
print(base.connector_obj is not None, Lamp._get_phantom_base_url())
"""
    assert run(source, tmp_path).splitlines() == [
        "failed {'total_objects': 4, 'total_objects_successful': 1} ['secretplain', 'secretplain', 'secretplain', 'no {bulb}'] {'n': 1}",
        "True https://127.0.0.1/",
    ]


def test_a_poll_that_finds_nothing_counts_nothing(tmp_path: Path) -> None:
    (tmp_path / "lamp.json").write_text('{"appid": "a-1", "main_module": "lamp.py", "app_version": "2.0.0", "actions": []}')
    (tmp_path / "lamp.py").write_text(
        "from phantom.base_connector import BaseConnector\nclass Lamp(BaseConnector):\n"
        "    def handle_action(self, param): self.set_status(True)\n"
    )
    source = """
import json, os
sys.path.insert(0, os.getcwd())
from lamp import Lamp
for identifier in ("on_poll", "x"):
    print(json.loads(Lamp()._handle_action(json.dumps({"identifier": identifier}), None))["result_summary"])
"""
    none = {"total_objects": 0, "total_objects_successful": 0}
    counted = dict.fromkeys(["containers", "containers_successful", "artifacts", "artifacts_successful"], 0)
    assert run(source, tmp_path).splitlines() == [str(none | counted), str(none)]
