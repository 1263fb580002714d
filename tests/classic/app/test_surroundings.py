"""What a connector finds around itself: its folder, the platform's folders, and modules that it never declared."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING, Any

import pytest

from classic.app.conftest import SITE
from repertory_sdk import protocol

if TYPE_CHECKING:
    from conftest import Start

SEEING = '''
import copy, pickle, sys

class LampConnector(BaseConnector):
    def handle_action(self, param):
        result = self.add_action_result(ActionResult(param))
        result.add_data({"it": eval(param["it"], {**globals(), "self": self, "result": result})})
        return result.set_status(phantom.APP_SUCCESS)
'''


def seen(start: Start, it: str, source: str = SEEING, **changes: Any) -> Any:
    answer = start(source, **changes).act("look up", {"it": it})
    assert answer["status"] == "succeeded", answer
    return answer["data"][0]["it"]


@pytest.mark.parametrize(
    ("it", "wanted"),
    [
        ("os.path.basename(os.getcwd())", "lamppost_2f9b5c1e-6a83-4d0f-9c57-11b0c4e3a7d2"),
        ("os.getcwd() == self.get_app_dir() == sys.path[0]", True),
        ("open('own.json', 'w').write('{}') and os.path.exists(self.get_app_dir() + '/own.json')", True),
        ("self.get_phantom_home() == os.environ['PHANTOM_HOME'] == BaseConnector._get_phantom_home()", True),
        ("os.path.dirname(os.environ['PHANTOM_HOME']) == os.environ['TMPDIR']", True),
        ("__import__('phantom_common.paths').paths.PHANTOM_VAULT == self.get_phantom_home() + '/vault'", True),
        ("os.path.isdir(self.get_phantom_home() + '/vault/tmp')", True),
        ("self.get_state_dir() == os.environ['PHANTOM_HOME'] + '/local_data/app_states/' + self.get_app_id() + '/'", True),
        ("[self.get_asset_id().isdigit(), self.get_action_name(), self.get_action_identifier()]", [True, "look up", "look_up"]),
        ("[self.get_config()[name] for name in ('appname', 'app_version', 'main_module', '_reserved_environment_variables')]", ["-", "1.2.3", "lamp_connector.py", {}]),
        ("self.get_config() is self.get_config()", True),
        ("len(self.get_product_installation_id())", 64),
        ("[copy.deepcopy(result).get_status(), pickle.loads(pickle.dumps(result)).get_data()]", [False, []]),
        ("ActionResult.from_dict({**result.get_dict(), 'status': 'success', 'summary': {'a_b': 1}}).get_dict()['message']", "A b: 1"),
        ("phantom.get_host_from_url('example.com:80/x')", "example.com"),
        ("phantom.get_list_from_string(' a, b,,a')", ["a", "b"]),
        ("phantom.BaseConnector is BaseConnector", True),
        ("type(self).__mro__[1].__name__", "BaseConnector"),
    ],
)  # fmt: skip
def test_what_it_sees(start: Start, it: str, wanted: object) -> None:
    assert seen(start, it) == wanted


def test_the_shared_folder_of_the_app_stays_as_it_is(start: Start, tmp_path: Any) -> None:
    assert seen(start, "open('lamp_connector.py', 'w').write('broken')") == 6
    assert sorted(path.name for path in (tmp_path / "app0").iterdir()) == ["lamp.json", "lamp_connector.py"]
    assert "LampConnector" in (tmp_path / "app0" / "lamp_connector.py").read_text()


HANDLER = SEEING + '''
from django.http import Http404, HttpResponse, HttpResponseRedirect, JsonResponse
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.utils.dateparse import parse_datetime
from django.utils.encoding import smart_str
import imp

def valid(url):
    try:
        URLValidator()(url)
        return True
    except ValidationError:
        return False
'''


@pytest.mark.parametrize(
    ("it", "wanted"),
    [
        ("[HttpResponseRedirect('/x')['Location'], HttpResponse('é', status=403).status_code]", ["/x", 403]),
        ("JsonResponse({'a': 1}).content.decode()", '{"a": 1}'),
        ("[valid(url) for url in ('https://example.com/x?y', 'http://198.51.100.7:80', 'example.com', 'https://', 'https://a b.com')]", [True, True, False, False, False]),
        ("parse_datetime('2026-01-02T03:04:05.6+01:30').isoformat()", "2026-01-02T03:04:05.600000+01:30"),
        ("[parse_datetime('soon'), smart_str(b'x')]", [None, "x"]),
        ("imp.new_module('lamp').__name__", "lamp"),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore")
def test_what_is_imported_without_being_declared(start: Start, it: str, wanted: object) -> None:
    assert seen(start, it, HANDLER) == wanted


KINDS = SEEING + f"""
import importlib.util
spec = importlib.util.spec_from_file_location("magic", {str(SITE / "fallback/magic.py")!r})
magic = importlib.util.module_from_spec(spec)
spec.loader.exec_module(magic)

def alone(content):
    made = magic.Magic(mime=True)
    made._library = None
    return made.from_buffer(content)
"""


@pytest.mark.parametrize(
    ("it", "wanted"),
    [
        ("magic.from_buffer(b'%PDF-1.4 x', mime=True)", "application/pdf"),
        ("[magic.from_buffer('just words').startswith('ASCII text'), open('a', 'w').write('words'), magic.from_file('a', True)]", [True, 5, "text/plain"]),
        ("[alone(content) for content in (b'', b'GIF89a', b'words', b'\\xff\\x00')]", ["inode/x-empty", "image/gif", "text/plain", "application/octet-stream"]),
    ],
)  # fmt: skip
def test_kinds_of_files_are_told_without_a_package_for_that(start: Start, it: str, wanted: object) -> None:
    assert seen(start, it, KINDS) == wanted


GONE = SEEING + f"""
import importlib.util
spec = importlib.util.spec_from_file_location("cgi", {str(SITE / "fallback/cgi.py")!r})
cgi = importlib.util.module_from_spec(spec)
spec.loader.exec_module(cgi)
"""


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("text/plain", ["text/plain", {}]),
        ('attachment; FileName="a; b.txt"; size=3', ["attachment", {"filename": "a; b.txt", "size": "3"}]),
        ('form-data; name="a \\"b\\" \\\\c"; broken', ["form-data", {"name": 'a "b" \\c'}]),
    ],
)
def test_a_header_is_parsed_where_python_has_no_cgi_any_more(start: Start, line: str, wanted: object) -> None:
    assert seen(start, f"cgi.parse_header({line!r})", GONE) == wanted
    assert seen(start, "cgi.escape('<\"')", GONE) == '&lt;"'


def test_a_cancelled_action_says_so(start: Start) -> None:
    lamp = start("""
        import threading
        cancelled = threading.Event()

        class LampConnector(BaseConnector):
            def handle_action(self, param):
                result = self.add_action_result(ActionResult(param))
                self.save_progress("waiting")
                while not cancelled.wait(0.05):
                    pass
                return result.set_status(phantom.APP_SUCCESS, str(self.is_action_cancelled()))

            def handle_cancel(self):
                cancelled.set()
    """)  # fmt: skip
    answers: list[protocol.Message] = []
    acting = threading.Thread(target=lambda: answers.append(lamp.act("look up")))
    acting.start()
    while not lamp.said():
        acting.join(0.01)
    os.kill(lamp.process.pid, signal.SIGTERM)
    acting.join()
    assert (answers[0]["status"], answers[0]["message"]) == ("failed", "Action cancelled")


def test_endless_progress_is_cut(start: Start) -> None:
    lamp = start(SEEING)
    lamp.act("look up", {"it": "self.save_progress('x' * 40_000_000)"})
    assert [len(said) for said in lamp.said()] == [10_000]


def test_settings_are_not_changed_by_an_action(start: Start) -> None:
    lamp = start(SEEING, {"bulb": {"watt": 1}})
    change = {"it": "self.get_config()['bulb'].update(watt=2) or self.get_config()['bulb']['watt']"}
    assert lamp.act("look up", change)["data"] == [{"it": 2}]
    assert lamp.act("look up", {"it": "self.get_config()['bulb']['watt']"})["data"] == [{"it": 1}]


def test_secrets_in_the_state_outlive_the_process(start: Start) -> None:
    sealing = SEEING + "import encryption_helper\n"
    sealed = seen(start, "encryption_helper.encrypt('token', self.get_asset_id())", sealing, settings={"bulb": "x"})
    opened = f"encryption_helper.decrypt({sealed!r}, self.get_asset_id())"
    assert seen(start, opened, sealing, settings={"bulb": "x"}) == "token"
    refused = start(sealing, {"bulb": "y"}).act("look up", {"it": opened})
    assert refused["status"] == "failed" and "another key" in refused["message"]


def test_what_is_too_large_is_refused(start: Start) -> None:
    lamp = start(SEEING)
    answer = lamp.act("look up", {"it": "'x' * 20_000_000"})
    assert answer["message"] == "the action returned 20 MB; at most 16 MB are kept"
    assert lamp.act("look up", {"it": "1"})["data"] == [{"it": 1}]
