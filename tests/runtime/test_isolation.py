"""What a run shows of isolation: refusals that people understand, and a record of whom each action reached."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from confined import tcp_server
from repertory.errors import UserError
from repertory.home import Home
from repertory.runtime.kept import runs
from repertory.runtime.kept.contacts import contacts_of, denied_contacts
from repertory.runtime.processes.author import describe
from repertory.runtime.sandbox.reach import confinement_of
from repertory.settings import Isolation
from repertory_sdk.manifest import Permissions

if TYPE_CHECKING:
    from repertory.runtime.sandbox.launch import Sandbox
    from runtime_lab import Lab

DIAL = """
@app.action("dial", idempotent=True)
def dial(lab: Lab, host: str, port: int) -> Verdict:
    import socket
    try:
        with socket.create_connection((host, port), 10) as connection:
            connection.sendall(b"hello")
            if not connection.recv(10):
                raise ActionFailed("closed without an answer")
    except OSError as error:
        raise ActionFailed(f"no connection: {error.strerror or error}")
    return Verdict(verdict="answered")
"""


@pytest.mark.parametrize(
    ("host", "port", "sentence"),
    [
        ("evil.example", 443, "lab wanted the name evil.example, which it never declared"),
        ("192.0.2.7", 443, "lab wanted 192.0.2.7:443, which it never declared"),
        ("127.0.0.1", 1, "lab wanted 127.0.0.1:1, which it never declared"),
        ("169.254.169.254", 80, "lab wanted 169.254.169.254:80, which it never declared"),
    ],
)
def test_an_action_says_what_it_wanted_and_never_declared(
    lab: Lab, sandbox: Sandbox, host: str, port: int, sentence: str
) -> None:
    lab.add_lab(DIAL)
    lab.limit(retries=0)
    run = lab.run(f"return {{'said': play.act('dial', host={host!r}, port={port})[0].message}}")
    by_name = sentence if sandbox.level == "namespaces" else sentence.replace("the name evil.example", "evil.example:443")
    assert by_name in str(run.outputs["said"])
    (kept,) = [one for one in contacts_of(lab.database, run.id) if one.contact.verdict == "denied"]
    assert (kept.asset, kept.action, kept.contact.host) == ("lab-1", "dial", host)
    assert [one.run for one in denied_contacts(lab.database, most=10)] == [run.id]
    (step,) = runs.steps_of(lab.database, run.id)
    assert step.level == sandbox.level
    assert step.peak_memory > 1_000_000


def test_what_was_reached_is_on_record_with_its_bytes(lab: Lab) -> None:
    lab.add_lab()
    run = lab.run("play.act('ip reputation', ip='192.0.2.6').required()")
    (kept,) = contacts_of(lab.database, run.id)
    assert (kept.contact.host, kept.contact.verdict) == ("127.0.0.1", "allowed")
    assert kept.contact.sent > 50
    assert kept.contact.received > 0


DIALLER = """
from repertory_sdk import *

app = App("dialler", version="1.0.0", product="Dialler", vendor="Tests", hosts=["${asset.host}:${asset.port}"])

@app.asset
class Place(Asset):
    host: str = setting("Host", default="127.0.0.1")
    port: int = setting("Port", default=@@PORT@@)

@app.action("dial")
def dial(place: Place) -> dict:
    import socket
    try:
        with socket.create_connection((place.host, place.port), 10) as connection:
            return {"said": connection.recv(10).decode() or "nothing"}
    except OSError:
        return {"said": "nothing"}
"""


def test_where_the_user_names_the_host_the_app_names_the_port_and_never_the_other_way_round(lab: Lab) -> None:
    with tcp_server(lambda connection: connection.sendall(b"hello")) as port:
        app = lab.add_app(DIALLER.replace("@@PORT@@", str(port)))
        lab.add_asset(app, "configured", host="127.0.0.1")
        lab.add_asset(app, "not-configured")
        lab.add_asset(app, "only-the-port", port=port)
        names = ("configured", "not-configured", "only-the-port")
        run = lab.run(f"return {{'said': [play.act('dial', asset=name).values('said')[0] for name in {names!r}]}}")
    assert run.outputs["said"] == ["hello", "nothing", "nothing"]
    verdicts = {kept.asset: (kept.contact.host, kept.contact.verdict) for kept in contacts_of(lab.database, run.id)}
    assert verdicts == dict(zip(names, [("127.0.0.1", verdict) for verdict in ("allowed", "denied", "denied")], strict=True))


def test_the_settings_can_narrow_what_an_app_declared(lab: Lab) -> None:
    item = lab.add_lab(DIAL)
    lab.configure(isolation=Isolation(hosts={item.name: ("*.example.com:443",)}))
    lab.limit(retries=0)
    port = int(lab.far_effects.split(":")[2].partition("/")[0])
    run = lab.run(f"return {{'said': play.act('dial', host='127.0.0.1', port={port})[0].message}}")
    wanted = f"lab wanted 127.0.0.1:{port}, which is declared, but not permitted by [isolation.hosts] in config.toml"
    assert wanted in str(run.outputs["said"])


def test_memory_that_was_taken_for_a_moment_is_on_record(lab: Lab) -> None:
    lab.add_lab("""
        @app.action("take")
        def take(lab: Lab, mb: int) -> dict:
            block = b"x" * (mb << 20)
            return {"size": len(block)}
        """)
    run = lab.run("return {'sizes': [play.act('take', mb=mb).values('size')[0] for mb in (1, 200, 1)]}")
    assert run.outputs["sizes"] == [1 << 20, 200 << 20, 1 << 20]
    before, during, after = (step.peak_memory for step in runs.steps_of(lab.database, run.id))
    assert before < 150 << 20 < 200 << 20 <= during < 400 << 20
    assert after >= during, "of the process so far"


def test_an_app_process_is_replaced_after_a_number_of_actions(lab: Lab) -> None:
    lab.add_lab("""
        @app.action("who")
        def who(lab: Lab) -> dict:
            return {"name": NAME}

        NAME = os.urandom(8).hex()
        """)
    lab.limit(worker_actions=2)
    run = lab.run("return {'names': [play.act('who').values('name')[0] for _ in range(5)]}")
    first, second, third, fourth, fifth = run.outputs["names"]
    assert first == second != third == fourth != fifth


def test_nobody_is_shown_the_home_of_the_tool(tmp_path: Path) -> None:
    home, feed = tmp_path / "home", tmp_path / "feed"
    link = tmp_path / "link"
    link.symlink_to(home)
    wanted = Permissions(files=[str(path) for path in (feed, home, home / "secrets.store", tmp_path, link / "x", "/")])
    confinement = confinement_of(wanted, {}, home=home, within=None, most_memory_mb=4096)
    assert list(confinement.files) == [feed]


def test_an_item_is_described_without_the_rest_of_the_machine(tmp_path: Path, sandbox: Sandbox) -> None:
    """Whoever looks at the code of others by `repertory manifest` executes it."""
    outside, folder = tmp_path / "outside", tmp_path / "app"
    outside.write_text("private")
    folder.mkdir()
    (folder / "app.py").write_text(
        f"from repertory_sdk import App\nopen({str(outside)!r}).read()\napp = App('peek', version='1.0.0')\n"
    )
    with pytest.raises(UserError, match=r"app cannot be described: (FileNotFoundError|PermissionError)"):
        describe(Home(tmp_path / "home"), folder)
