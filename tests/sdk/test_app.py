"""Apps: the decorators, the hooks behind them, and what calling by hand does."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from repertory_sdk import Action, ActionFailed, App, Asset, DefinitionError, Event, Job, Secret, output, param, setting
from repertory_sdk.app_worker import make_asset, typed_parameters
from repertory_sdk.errors import ConversionError
from repertory_sdk.loader import actions_of, load_module, plugins_of
from repertory_sdk.testing.loading import importable


def an_app() -> App:
    return App("demo", version="1.0.0", summary="First line.\n\nMore.")


def actions(app: App) -> dict[str, Action]:
    found: dict[str, Action] = {}
    app.repertory_actions(lambda action: found.update({action.name: action}))
    return found


def test_records_take_keywords_in_any_order_of_required_and_optional() -> None:
    app = an_app()

    @app.asset
    class Demo(Asset):
        retries: int = setting("Retries", default=3)
        server: str = setting("Server")
        feeds: list[str] = setting("Feeds", default=["a"])

    @app.result
    class Row:
        hits: int = 0
        verdict: str = output("Verdict")

    made = Demo(server="example.net")
    assert (made.retries, made.server, made.feeds, made.name) == (3, "example.net", ["a"], "test")
    assert Row(verdict="bad") == Row(hits=0, verdict="bad")
    assert Demo(server="a").feeds is not Demo(server="a").feeds
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.server = "other"  # type: ignore[misc]
    with pytest.raises(TypeError, match="server"):
        Demo()


def test_asset_keeps_state_and_is_compared_by_identity() -> None:
    app = an_app()

    @app.asset
    class Demo(Asset):
        token: Secret = setting("Token", default=Secret("hunter2"))

    made = Demo()
    made.state["cursor"] = 1
    assert made.state == {"cursor": 1}
    assert made != Demo()
    assert "hunter2" not in repr(made)


def test_action_called_by_hand_takes_its_defaults() -> None:
    app = an_app()

    @app.action()
    def look_up(
        asset: Asset, ip: str = param("Address"), limit: int = param("Most", default=5), plain: int = 2
    ) -> object:
        return [ip, limit, plain]

    assert look_up(Asset(), "192.0.2.1") == ["192.0.2.1", 5, 2]
    assert look_up(Asset(), limit=1, ip="a", plain=3) == ["a", 1, 3]
    with pytest.raises(TypeError, match=r"look_up\(\) needs ip"):
        look_up(Asset())
    with pytest.raises(TypeError, match="colour"):
        look_up(Asset(), ip="a", colour="red")  # type: ignore[call-arg]
    assert list(actions(app)) == ["look up"]


def test_roles_are_found_by_annotation_in_any_order() -> None:
    app = an_app()

    @app.action()
    def work(job: Job, ip: str, demo: Asset, days: int = param("Days", default=1)) -> list:
        return [job, ip, demo, days]

    asset, job = Asset(), Job()
    assert actions(app)["work"].call(asset, job, {"ip": "a"}) == [job, "a", asset, 1]
    assert dict(actions(app)["work"].roles) == {"job": "job", "ip": "parameter", "demo": "asset", "days": "parameter"}


@pytest.mark.parametrize(
    ("options", "read_only", "idempotent"),
    [
        ({}, True, True),
        ({"type": "test"}, True, True),
        ({"type": "contain"}, False, False),
        ({"type": "contain", "idempotent": True}, False, True),
        ({"type": "generic", "read_only": True}, True, True),
        ({"type": "investigate", "read_only": False}, False, False),
        ({"type": "investigate", "idempotent": False}, True, False),
    ],
)
def test_what_a_type_means_for_repeating(options: dict, read_only: bool, idempotent: bool) -> None:
    app = an_app()
    app.action("do it", **options)(lambda asset: None)
    assert (actions(app)["do it"].read_only, actions(app)["do it"].idempotent) == (read_only, idempotent)


def test_declarations_that_cannot_work_are_refused_at_once() -> None:
    app = an_app()
    app.action("block ip")(lambda asset: None)
    with pytest.raises(DefinitionError, match="app 'demo' has two actions called 'block ip'"):
        app.action("block ip")(lambda asset: None)
    with pytest.raises(DefinitionError, match=r"type must be one of investigate, contain, .*, not 'destroy'"):
        app.action("wipe", type="destroy")(lambda asset: None)
    with pytest.raises(DefinitionError, match="timeout_s must be positive"):
        app.action("wait", timeout_s=0)(lambda asset: None)
    with pytest.raises(DefinitionError, match="Plain must be a subclass of Asset"):
        app.asset(type("Plain", (), {}))


def test_connectivity_and_poll() -> None:
    app = an_app()
    assert (app.has_test, app.has_poll) == (False, False)
    assert app.repertory_test(Asset(), Job()) is None
    assert app.repertory_poll(Asset(), {}, Job()) is None

    @app.test
    def check(asset: Asset) -> str:
        raise ActionFailed("no answer")

    @app.poll
    def events(asset, checkpoint, job):  # type: ignore[no-untyped-def]
        job.progress("polling")
        yield Event(f"after {checkpoint['at']}")

    job = Job()
    assert (app.has_test, app.has_poll) == (True, True)
    with pytest.raises(ActionFailed, match="no answer"):
        app.repertory_test(Asset(), job)
    polled = app.repertory_poll(Asset(), {"at": 3}, job)
    assert polled is not None
    assert [event.name for event in polled] == ["after 3"]
    assert job.said == ["polling"]


def test_job_made_by_hand_keeps_what_it_is_told() -> None:
    job = Job()
    job.progress("half", 0.5)
    kept = job.attach("a.txt", b"hello", "text/plain")
    assert (job.said, kept.size, kept.media_type, job.read(kept)) == (["half"], 5, "text/plain", b"hello")


def test_asset_from_json() -> None:
    app = an_app()

    @app.asset
    class Demo(Asset):
        server: str = setting("Server")
        token: Secret | None = setting("Token", default=None)

    made = make_asset(Demo, {"name": "lab", "settings": {"server": "a", "token": "b"}})
    assert (made.name, made.server, made.token) == ("lab", "a", "b")
    assert isinstance(made.token, Secret)
    with pytest.raises(ConversionError, match="sever: is not known here"):
        make_asset(Demo, {"name": "lab", "settings": {"sever": "a"}})
    assert make_asset(Asset, {"name": "bare", "settings": {}}).name == "bare"


def test_parameters_are_turned_into_what_annotations_say() -> None:
    app = an_app()

    @app.result
    class Range:
        first: int
        last: int = 10

    @app.action()
    def scan(asset: Asset, weight: float = 1.0, *, ports: Range = param("Ports")) -> None: ...

    action = actions(app)["scan"]
    assert typed_parameters(action, {"ports": {"first": 1}, "weight": 2}) == {"ports": Range(first=1), "weight": 2.0}
    with pytest.raises(ConversionError, match=r"ports\.first: must be an integer"):
        typed_parameters(action, {"ports": {"first": "a"}})


def test_hook_implemented_directly(write_item: Callable[..., Path]) -> None:
    folder = write_item(
        {
            "app.py": """
                from repertory_sdk import Action, App, Asset, hookimpl, param

                app = App("generated", version="1.0.0")

                def make(path: str) -> Action:
                    def get(asset: Asset, id: str, depth: int = param("Depth", default=2)) -> object:
                        return {"path": f"{path}/{id}/{depth}"}
                    return Action(f"get {path}", get)

                @hookimpl
                def repertory_actions(register):
                    for path in ("users", "hosts"):
                        register(make(path))

                @app.action()
                def own(asset: Asset) -> None: ...
            """
        }
    )
    with importable(folder):
        found = actions_of(plugins_of(load_module(folder, "app.py")))
    assert sorted(found) == ["get hosts", "get users", "own"]
    assert found["get users"].call(Asset(), Job(), {"id": "7"}) == {"path": "users/7/2"}


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("a = App('a', version='1')\nb = App('b', version='1')", "app declares two apps; one module is one app"),
        (
            "a = App('a', version='1')\nadd = a.action('x')\nadd(lambda asset: None)\n"
            "@hookimpl\ndef repertory_actions(register): register(Action('x', print))",
            "two actions are called 'x'",
        ),
        ("@hookimpl\ndef repertory_acts(register): ...", "unknown hook 'repertory_acts'"),
    ],
)
def test_modules_that_contradict_themselves(write_item: Callable[..., Path], source: str, said: str) -> None:
    folder = write_item({"app.py": f"from repertory_sdk import *\n{source}"})
    with importable(folder), pytest.raises(Exception, match=said):
        actions_of(plugins_of(load_module(folder, "app.py")))


def test_one_app_under_two_names_is_one_app(write_item: Callable[..., Path]) -> None:
    folder = write_item({"app.py": "from repertory_sdk import *\na = App('a', version='1')\nb = a"})
    with importable(folder):
        info = plugins_of(load_module(folder, "app.py")).hook.repertory_app()
    assert info.name == "a"
