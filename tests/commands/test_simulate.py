"""Simulated products: started by a command, reached by assets, and gone with it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from commands.schemas import conforms
from commands.user import User


@contextmanager
def simulated(user: User, *words: str) -> Iterator[Any]:
    """What the command says of what it started; it ends by Ctrl-C."""
    command = [sys.executable, "-m", "repertory", "simulate", "up", *words, "--json"]
    process = subprocess.Popen(command, env=user.variables(), cwd=user.folder, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        text = ""
        for line in process.stdout:
            text += line
            if line.startswith("}"):
                break
        yield json.loads(text)
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        process.stdout.close()


def test_a_simulated_product_has_an_asset_as_long_as_it_runs(user: User) -> None:
    with simulated(user, "whois", "--add") as said:
        (one,) = conforms(said, "simulate_up")["simulated"]
        assert (one["app"], one["asset"], one["added"]) == ("community/whois", "whois-simulated", True)
        record = user.asked("act", "whois", "whois ip", "ip=8.42.77.171")
        assert record["actions"][0]["results"][0]["data"][0]["organization"] == "Example Survey Project"
    assert "whois-simulated" not in [asset["name"] for asset in user.asked("asset", "list")["assets"]]


def test_what_it_knows_can_be_given(user: User) -> None:
    told = "NetRange: 198.51.100.0 - 198.51.100.255\nOrgName: Somebody Else\nCountry: NL\n"
    (user.folder / "known.json").write_text(json.dumps({"198.51.100.7": told}))
    with simulated(user, "whois", "--add", "--state", "known.json"):
        record = user.asked("act", "whois", "whois ip", "ip=198.51.100.7")
    assert record["actions"][0]["results"][0]["data"][0]["organization"] == "Somebody Else"


def test_without_add_the_words_for_an_asset_are_told(user: User) -> None:
    with simulated(user, "whois") as said:
        (one,) = said["simulated"]
        settings = [f"{name}={value}" for name, value in one["settings"].items()]
        user.done("asset", "add", "mine", one["app"], *settings)
        assert user.asked("asset", "test", "mine")["status"] == "succeeded"
    assert user("asset", "test", "mine").code == 1


def test_apps_with_a_simulator_are_listed(user: User) -> None:
    assert conforms(user.asked("simulate", "list"), "simulate_list")["apps"] == ["community/whois"]


@pytest.mark.parametrize(
    ("app", "said", "code"),
    [
        ("blocklist", "community/blocklist brings no simulator", 1),
        ("nothing", "no installed app is called 'nothing'", 2),
        ("lab/lab", "is a program of its authors that would not be isolated", 1),
    ],
)
def test_what_cannot_be_simulated(user: User, app: str, said: str, code: int) -> None:
    assert said in user.refused("simulate", "up", app, code=code)


def test_one_port_is_for_one_app(user: User) -> None:
    assert "are for one app" in user.refused("simulate", "up", "whois", "blocklist", "--port", "7", code=2)
