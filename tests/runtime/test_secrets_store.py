"""The store of secrets as a file: what is in it, who can read it, and what is said about each way it can be wrong."""

from __future__ import annotations

import json
import os
import resource
import signal
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from repertory.errors import UserError
from repertory.home import Home
from repertory.runtime.secrets.exposed import scrubbed
from repertory.runtime.secrets.references import Reference
from repertory.runtime.secrets.store import SecretStore
from repertory.settings import SecretsKey, Settings

SECRET = "correct horse battery"
ALL = ["token", "password"]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=Home(tmp_path / "home"))


@pytest.fixture
def store(settings: Settings) -> SecretStore:
    """Has two assets with two secrets each."""
    made = SecretStore(settings)
    made.keep_all(
        {"vt": {"token": SECRET, "password": "p1-secret"}, "mail": {"token": "t2-secret", "password": Reference("env:PW")}}
    )
    return made


def plain_of(settings: Settings) -> Any:
    return json.loads(settings.home.secrets.read_text())


def rewrite(settings: Settings, plain: Any) -> None:
    settings.home.secrets.write_text(plain if isinstance(plain, str) else json.dumps(plain))


def refusal(settings: Settings, *, asset: str = "vt") -> str:
    """What a fresh look and a change say; nothing in the home has changed."""
    before = files_of(settings)
    said = []
    for act in (lambda one: one.looked_up(asset, ALL), lambda one: one.keep_all({asset: {"token": "other"}})):
        with pytest.raises(UserError) as refused:
            act(SecretStore(settings))
        assert refused.value.hint
        said.append(refused.value.message)
    assert files_of(settings) == before
    assert SECRET not in str(said)
    return said[0]


def files_of(settings: Settings) -> dict[str, bytes]:
    root = settings.home.root
    return {path.name: path.read_bytes() for path in root.iterdir() if path.is_file() and path.name.startswith("secrets")}


# ----------------------------------------------------------------- what is kept


def test_what_is_kept_is_found_again_by_another_process(settings: Settings, store: SecretStore) -> None:
    assert SecretStore(settings).looked_up("vt", ALL) == {"token": SECRET, "password": "p1-secret"}
    assert SecretStore(settings).looked_up("vt", ["token", "unknown"]) == {"token": SECRET}
    assert SecretStore(settings).looked_up("unknown", ALL) == {}


@examples(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.dictionaries(st.text(min_size=1), st.one_of(st.text(), st.integers(), st.none()), max_size=5), st.text(min_size=1))
def test_any_value_under_any_name(settings: Settings, values: dict[str, Any], asset: str) -> None:
    SecretStore(settings).keep(asset, values)
    assert SecretStore(settings).held(asset) == values


def test_nothing_secret_is_in_the_file(settings: Settings, store: SecretStore) -> None:
    text = settings.home.secrets.read_text()
    for secret in (SECRET, "p1-secret", "t2-secret"):
        assert secret not in text
    assert plain_of(settings)["assets"]["mail"]["password"]["source"] == "env:PW"


def test_only_the_owner_can_read_it(settings: Settings, store: SecretStore) -> None:
    old = os.umask(0)
    try:
        store.keep("more", {"token": "another"})
    finally:
        os.umask(old)
    (key,) = settings.home.root.glob("secrets-*.key")
    assert stat.S_IMODE(settings.home.secrets.stat().st_mode) == 0o600
    assert stat.S_IMODE(key.stat().st_mode) == 0o400


def test_without_a_secret_no_store_is_made(settings: Settings) -> None:
    SecretStore(settings).keep("vt", {})
    assert not settings.home.root.exists()
    assert SecretStore(settings).whereabouts().key is None


def test_each_write_seals_anew(settings: Settings, store: SecretStore) -> None:
    before = plain_of(settings)
    store.keep("vt", {"token": SECRET})
    after = plain_of(settings)
    assert before["assets"]["vt"]["token"]["sealed"] != after["assets"]["vt"]["token"]["sealed"]
    assert before["assets"]["mail"] == after["assets"]["mail"]
    assert before["key"] == after["key"]


def test_an_asset_without_secrets_is_forgotten(settings: Settings, store: SecretStore) -> None:
    store.keep("vt", {})
    assert set(plain_of(settings)["assets"]) == {"mail"}


def test_a_report_holds_nothing_that_was_used(store: SecretStore) -> None:
    store.looked_up("vt", ALL)
    text = f'failed: {SECRET} "p1-secret" and {SECRET!r}'
    assert scrubbed(text) == "failed: *** \"***\" and '***'"


def test_forgetting_needs_no_key(settings: Settings, store: SecretStore) -> None:
    (key,) = settings.home.root.glob("secrets-*.key")
    key.unlink()
    wishing = replace(settings, secrets=SecretsKey(key="passphrase"))
    SecretStore(wishing).keep("vt", {})
    assert set(plain_of(settings)["assets"]) == {"mail"}


# ------------------------------------------------------------------ what is wrong


def test_another_key(settings: Settings, store: SecretStore) -> None:
    (key,) = settings.home.root.glob("secrets-*.key")
    key.chmod(0o600)
    key.write_bytes(b"x" * 44)
    key.chmod(0o400)
    assert f"{settings.home.secrets} does not open with the key file {key}" in refusal(settings)


def test_a_missing_key(settings: Settings, store: SecretStore) -> None:
    (key,) = settings.home.root.glob("secrets-*.key")
    key.unlink()
    assert refusal(settings) == f"the key file {key} is missing"


@pytest.mark.parametrize("mode", [0o440, 0o404, 0o640, 0o666])
def test_a_key_file_that_others_can_read(settings: Settings, store: SecretStore, mode: int) -> None:
    (key,) = settings.home.root.glob("secrets-*.key")
    key.chmod(mode)
    assert refusal(settings) == f"the key file {key} is open to others (mode {mode:04o})"


def test_a_key_file_that_is_no_key(settings: Settings, store: SecretStore) -> None:
    (key,) = settings.home.root.glob("secrets-*.key")
    key.chmod(0o600)
    key.write_text("short")
    assert refusal(settings) == f"the key file {key} has 5 bytes, which is no key"
    key.unlink()
    os.mkfifo(key, 0o400)
    assert refusal(settings) == f"the key file {key} is no file"


@pytest.mark.parametrize("change", ["value", "other field", "other asset", "reference", "value to reference", "reference to value"])
def test_a_field_that_was_changed(settings: Settings, store: SecretStore, change: str) -> None:
    plain = plain_of(settings)
    vt, mail = plain["assets"]["vt"], plain["assets"]["mail"]
    asset, name = "vt", "token"
    if change == "value":
        sealed = vt["token"]["sealed"]
        vt["token"]["sealed"] = ("B" if sealed[20] == "A" else "A").join([sealed[:20], sealed[21:]])
    elif change == "other field":
        vt["token"], vt["password"] = vt["password"], vt["token"]
    elif change == "other asset":
        vt["token"], mail["token"] = mail["token"], vt["token"]
    elif change == "reference":
        asset, name = "mail", "password"
        mail["password"]["source"] = "cmd:touch /tmp/started"
    elif change == "value to reference":
        vt["token"]["source"] = "env:HOME"
    else:
        asset, name = "mail", "password"
        mail["password"]["source"] = "stored"
    rewrite(settings, plain)
    before = files_of(settings)
    with pytest.raises(UserError) as refused:
        SecretStore(settings).looked_up(asset, ALL)
    assert refused.value.message == f"{settings.home.secrets}: {name} of asset {asset} was changed outside of Repertory"
    assert f"repertory asset add {asset}" in refused.value.hint
    with pytest.raises(UserError, match="was changed outside of Repertory"):
        SecretStore(settings).rotate()
    assert files_of(settings) == before


def test_a_field_that_was_changed_can_be_set_anew(settings: Settings, store: SecretStore) -> None:
    plain = plain_of(settings)
    plain["assets"]["vt"]["token"]["sealed"] = "AAAA"
    rewrite(settings, plain)
    assert SecretStore(settings).looked_up("mail", ["token"]) == {"token": "t2-secret"}
    SecretStore(settings).keep("vt", {"token": "new"})
    assert SecretStore(settings).looked_up("vt", ALL) == {"token": "new"}


@pytest.mark.parametrize("part", [0.0, 0.01, 0.5, 0.99])
def test_a_truncated_file(settings: Settings, store: SecretStore, part: float) -> None:
    text = settings.home.secrets.read_text()
    rewrite(settings, text[: int(len(text) * part)])
    assert refusal(settings) == f"{settings.home.secrets} is damaged: it is not whole, or no JSON"


DAMAGED: dict[str, Any] = {
    "null": None,
    "a list": [],
    "no key": {"format": "urn:repertory:secrets:1", "assets": {}},
    "a field that is none": {"assets": {"vt": {"token": SECRET}}},
    "unknown": {"more": 1},
    "a key that is none": {"key": {"key": "rot13", "id": "000000000000", "salt": "", "wrapped": ""}},
    "a path as an id": {"key": {"key": "home", "id": "/../../x", "salt": "", "wrapped": ""}},
    "another format": {"format": "urn:something"},
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file(settings: Settings, store: SecretStore, name: str) -> None:
    change = DAMAGED[name]
    whole = isinstance(change, dict) and name != "no key"
    rewrite(settings, {**plain_of(settings), **change} if whole else json.dumps(change))
    assert refusal(settings).startswith(f"{settings.home.secrets} is damaged: ")


def test_a_wrapped_key_that_was_changed(settings: Settings, store: SecretStore) -> None:
    plain = plain_of(settings)
    plain["key"]["wrapped"] = "A" + plain["key"]["wrapped"][1:]
    if plain == plain_of(settings):
        plain["key"]["wrapped"] = "B" + plain["key"]["wrapped"][1:]
    rewrite(settings, plain)
    assert "does not open with the key file" in refusal(settings)


def test_a_newer_version(settings: Settings, store: SecretStore) -> None:
    rewrite(settings, {"format": "urn:repertory:secrets:2", "something": "else"})
    assert refusal(settings) == f"{settings.home.secrets} was written by a newer Repertory (urn:repertory:secrets:2)"


def test_what_cannot_be_read(settings: Settings, store: SecretStore) -> None:
    settings.home.secrets.unlink()
    settings.home.secrets.mkdir()
    assert refusal(settings) == f"{settings.home.secrets} cannot be read: Is a directory"


# ----------------------------------------------------------------- what was before


def test_clear_text_of_an_earlier_version(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.home.prepare()
    old = settings.home.clear_secrets
    old.write_text(json.dumps({"vt": {"token": SECRET, "password": "env:PW"}, "gone": {"token": "x"}}))
    left = old.with_name(".secrets.json.abc")
    left.write_text(SECRET)
    other_name = old.with_name("linked")
    other_name.hardlink_to(old)
    monkeypatch.setenv("PW", "from the environment")
    store = SecretStore(settings)
    assert store.looked_up("vt", ALL) == {"token": SECRET, "password": "from the environment"}
    assert store.whereabouts().in_clear_text
    assert not settings.home.secrets.exists()
    store.keep("gone", {})
    assert not old.exists() and not left.exists()
    assert SECRET.encode() not in other_name.read_bytes()
    assert SecretStore(settings).looked_up("vt", ALL) == {"token": SECRET, "password": "from the environment"}
    assert store.whereabouts().sources == {"vt": {"token": "stored", "password": "env:PW"}}
    assert SECRET not in settings.home.secrets.read_text()


def test_clear_text_that_came_back_loses_against_the_store(settings: Settings, store: SecretStore) -> None:
    settings.home.clear_secrets.write_text(json.dumps({"vt": {"token": "older"}, "more": {"token": "m"}}))
    store.rotate()
    assert not settings.home.clear_secrets.exists()
    assert store.looked_up("vt", ["token"]) == {"token": SECRET}
    assert store.looked_up("more", ["token"]) == {"token": "m"}


def test_clear_text_that_is_damaged(settings: Settings) -> None:
    settings.home.prepare()
    settings.home.clear_secrets.write_text('{"vt": {"token": "' + SECRET)
    assert refusal(settings) == f"{settings.home.clear_secrets} is damaged: it is not whole, or no JSON"
    settings.home.clear_secrets.write_text(json.dumps({"vt": SECRET}))
    assert refusal(settings) == f"{settings.home.clear_secrets} is damaged: vt"


# ------------------------------------------------------------------- rotating


def test_rotating_changes_every_key(settings: Settings, store: SecretStore) -> None:
    before, (old_key,) = plain_of(settings), settings.home.root.glob("secrets-*.key")
    reader = SecretStore(settings)
    reader.looked_up("vt", ALL)
    store.rotate()
    after, (new_key,) = plain_of(settings), settings.home.root.glob("secrets-*.key")
    assert new_key != old_key
    assert before["key"]["wrapped"] != after["key"]["wrapped"]
    assert before["assets"]["vt"]["token"]["sealed"] != after["assets"]["vt"]["token"]["sealed"]
    for one in (store, reader, SecretStore(settings)):
        assert one.looked_up("vt", ALL) == {"token": SECRET, "password": "p1-secret"}
        assert one.held("mail")["password"] == Reference("env:PW")


def test_nothing_is_there_to_rotate(settings: Settings) -> None:
    with pytest.raises(UserError, match="no secret is kept yet"):
        SecretStore(settings).rotate()
    assert not settings.home.secrets.exists()


def test_a_wish_in_the_settings_is_fulfilled_by_rotating(settings: Settings, store: SecretStore, tmp_path: Path) -> None:
    key = tmp_path / "etc" / "key"
    wishing = replace(settings, secrets=SecretsKey(key=f"file:{key}"))
    assert SecretStore(wishing).looked_up("vt", ["token"]) == {"token": SECRET}
    with pytest.raises(UserError, match="config.toml wants file:") as refused:
        SecretStore(wishing).keep("vt", {"token": "x"})
    assert "secrets rotate" in refused.value.hint
    SecretStore(wishing).rotate()
    assert stat.S_IMODE(key.stat().st_mode) == 0o400
    assert not list(settings.home.root.glob("secrets-*.key"))
    content = key.read_bytes()
    SecretStore(wishing).rotate()
    assert key.read_bytes() == content  # somebody else's
    assert SecretStore(wishing).looked_up("vt", ["token"]) == {"token": SECRET}


def test_what_cannot_be_written_changes_nothing(settings: Settings, store: SecretStore) -> None:
    before = files_of(settings)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200, hard))  # a key fits, a store does not
    try:
        for change in (lambda one: one.rotate(), lambda one: one.keep("vt", {"token": "x"})):
            with pytest.raises(UserError, match="cannot write in .*: File too large"):
                change(SecretStore(settings))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert files_of(settings) == before


# ------------------------------------------------------------------ other keys


def test_a_credential_of_systemd_is_preferred(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / "repertory-key").write_bytes(bytes(range(32)))
    SecretStore(settings).keep("vt", {"token": SECRET})
    assert plain_of(settings)["key"]["key"] == "credential:repertory-key"
    assert SecretStore(settings).looked_up("vt", ["token"]) == {"token": SECRET}
    monkeypatch.delenv("CREDENTIALS_DIRECTORY")
    assert "is protected by the systemd credential repertory-key, which this process does not have" in refusal(settings)


class Typist:
    """Types what is in its list."""

    def __init__(self, *said: str) -> None:
        self.said = list(said)

    def passphrase(self, *, again: bool) -> str:
        return self.said.pop(0)

    def new_passphrase(self) -> str:
        return self.said.pop(0)


@pytest.mark.acceptance  # a guess is to be slow
def test_a_passphrase(settings: Settings) -> None:
    wanted = replace(settings, secrets=SecretsKey(key="passphrase"))
    with pytest.raises(UserError, match="nobody can be asked for one here"):
        SecretStore(wanted).keep("vt", {"token": SECRET})
    assert not settings.home.secrets.exists()
    SecretStore(replace(wanted, person=Typist("open sesame"))).keep("vt", {"token": SECRET})
    again = SecretStore(replace(wanted, person=Typist("wrong", "open sesame")))
    assert again.looked_up("vt", ["token"]) == again.looked_up("vt", ["token"]) == {"token": SECRET}
    assert "is protected by a passphrase, and nobody can be asked for it here" in refusal(wanted)
    with pytest.raises(UserError, match="does not open with your passphrase"):
        SecretStore(replace(wanted, person=Typist("a", "b", "c"))).unlock()


# ------------------------------------------------------------- several processes


PROLOGUE = """
import sys
from pathlib import Path
from repertory.home import Home
from repertory.runtime.secrets.store import SecretStore
from repertory.settings import Settings
settings, name = Settings(home=Home(Path(sys.argv[1]))), sys.argv[2]
"""


def in_process(settings: Settings, code: str, name: str = "") -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen([sys.executable, "-c", PROLOGUE + code, str(settings.home.root), name], env=environment)


def test_secrets_can_be_read_while_keys_change(settings: Settings, store: SecretStore) -> None:
    with in_process(settings, "for _ in range(15): SecretStore(settings).rotate()") as process:
        reader = SecretStore(settings)
        while process.poll() is None:
            assert reader.looked_up("vt", ["token"]) == SecretStore(settings).looked_up("vt", ["token"]) == {"token": SECRET}
    assert process.returncode == 0
    assert len(list(settings.home.root.glob("secrets-*.key"))) == 1


def test_several_processes_lose_nothing(settings: Settings) -> None:
    """They begin with no store: one of them makes it."""
    code = "for number in range(10): SecretStore(settings).keep(f'{name}-{number}', {'token': f'{name} {number}'})"
    for process in [in_process(settings, code, name) for name in ("a", "b", "c")]:
        assert process.wait(60) == 0
    store = SecretStore(settings)
    assert store.looked_up("b-7", ["token"]) == {"token": "b 7"}
    assert len(store.whereabouts().sources) == 30
    assert len(list(settings.home.root.glob("secrets-*.key"))) == 1
