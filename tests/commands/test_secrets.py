"""Secrets as a person handles them: typed, referred to, moved to another machine, under another key."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from commands.conftest import new_user
from commands.schemas import conforms
from commands.terminal import Terminal
from commands.user import User, copy_home
from runtime_lab import until

SECRET = "open sesame 7"
OPENED = "asset safe of lab/vault is configured"


@pytest.fixture
def keeper(follower: User) -> User:
    """Has an asset with a stored secret, and one with a reference."""
    follower.done("asset", "add", "safe", "vault", "password=-", input="swordfish-9\n")
    follower.done("asset", "add", "lab-1", "lab", f"folder={follower.folder}", "token=env:LAB_TOKEN")
    return follower


@pytest.fixture
def elsewhere(tmp_path: Path, prepared: Path) -> User:
    """The same person at another machine, where nothing is configured."""
    (tmp_path / "other").mkdir()
    other = new_user(tmp_path / "other")
    copy_home(prepared, other.home)
    return other


def opens(user: User) -> bool:
    """Whether the app gets the vault's password; it tells its length."""
    (result,) = user.asked("act", "vault", "open vault")["actions"][0]["results"]
    return bool(result["data"] == [{"value": len("swordfish-9")}])


def everything_in(home: Path) -> bytes:
    """All bytes of the home but installed content."""
    places = [path for path in home.rglob("*") if path.is_file() and not {"content", "environments"} & set(path.parts)]
    return b"\n".join(path.read_bytes() for path in places)


# ---------------------------------------------------------------------- giving


def test_a_secret_from_standard_input(keeper: User) -> None:
    assert opens(keeper)
    assert b"swordfish-9" not in everything_in(keeper.home)
    assert keeper.asked("asset", "show", "safe") == {
        "name": "safe", "app": "lab/vault", "settings": {}, "secrets": {"password": "stored"}
    }  # fmt: skip
    assert "  password: a secret, stored\n" in keeper.done("asset", "show", "safe").out
    assert "  token: a secret, env:LAB_TOKEN\n" in keeper.done("asset", "show", "lab-1").out


def test_nothing_on_standard_input(follower: User) -> None:
    assert "password: nothing came on standard input" in follower.refused("asset", "add", "safe", "vault", "password=-")


def test_a_dash_is_a_value_where_nothing_is_secret(follower: User) -> None:
    follower.done("asset", "add", "lab-1", "lab", "folder=-")
    assert follower.asked("asset", "show", "lab-1")["settings"]["folder"] == "-"


def test_the_first_secret_says_what_protects_it(follower: User) -> None:
    told = follower.done("asset", "add", "safe", "vault", "password=-", input="swordfish-9")
    assert "a key file of its own in the home: protects a leaked store or a backup without that file, not against" in told.err
    again = follower.done("asset", "add", "safe-2", "vault", "password=-", input="swordfish-9")
    assert again.err == ""


@pytest.mark.parametrize(
    "way",
    ["env:VAULT_PW", "file:{folder}/pw", "file:pw", "cmd:cat {folder}/pw", "cmd:sh -c 'echo $VAULT_PW'"],
)
def test_a_reference_is_looked_up_for_each_action(follower: User, way: str) -> None:
    follower.environment["VAULT_PW"] = "swordfish-9"
    (follower.folder / "pw").write_text("swordfish-9\n")
    reference = way.format(folder=follower.folder)
    follower.done("asset", "add", "safe", "vault", f"password={reference}")
    assert opens(follower)
    assert b"swordfish-9" not in everything_in(follower.home)
    (follower.folder / "pw").write_text("changed since")
    follower.environment["VAULT_PW"] = "changed since"
    assert not opens(follower)


def test_a_reference_that_leads_nowhere_fails_the_action(follower: User) -> None:
    follower.done("asset", "add", "safe", "vault", "password=env:NOT_SET")
    action = follower("act", "vault", "open vault", "--json").json["actions"][0]
    assert action["status"] == "failed"
    assert "password refers to the variable NOT_SET, which is not set" in json.dumps(action)


def test_a_reference_without_form(follower: User) -> None:
    told = follower.refused("asset", "add", "safe", "vault", "password=cmd:echo 'x")
    assert "password: the command behind cmd: is not complete" in told


# --------------------------------------------------------------------- looking


def test_where_secrets_are(keeper: User) -> None:
    found = conforms(keeper.asked("secrets", "where"), "secrets_where")
    (key,) = keeper.home.glob("secrets-*.key")
    assert found["assets"] == {"lab-1": {"token": "env:LAB_TOKEN"}, "safe": {"password": "stored"}}
    assert (found["key"], found["at"], found["in_clear_text"]) == ("home", f"the key file {key}", False)
    told = keeper.done("secrets", "where").out
    assert f"store       {keeper.home}/secrets.store\n" in told
    assert "not against whoever can read the home" in told
    assert "safe   password  stored\n" in told
    assert "swordfish-9" not in told


def test_no_secret_yet(newcomer: User) -> None:
    found = conforms(newcomer.asked("secrets", "where"), "secrets_where")
    assert (found["store"], found["key"], found["assets"]) == (None, None, {})
    assert "no asset has a secret" in newcomer.done("secrets", "where").out
    assert "no secret is kept yet" in newcomer.refused("secrets", "rotate")
    assert "no asset has a secret" in newcomer.refused("secrets", "export", "x.secrets", "--passphrase-file", "-")


def test_doctor_says_what_protects_secrets(keeper: User) -> None:
    told = keeper.done("doctor").out
    assert "ok  secrets: sealed with a key file of its own in the home: protects a leaked store" in told
    keeper.config('[secrets]\nkey = "credential:soar"\n')
    assert "→ config.toml wants credential:soar: repertory secrets rotate" in keeper("doctor").out
    keeper.config("")
    (key,) = keeper.home.glob("secrets-*.key")
    key.chmod(0o644)
    told = keeper("doctor").out
    assert f"NO  secrets: the key file {key} is open to others (mode 0644)\n      → chmod 0400 {key}\n" in told


def test_clear_text_of_an_earlier_version(follower: User) -> None:
    follower.done("asset", "add", "safe", "vault", "password=env:X")
    for path in follower.home.glob("secrets*"):
        path.unlink()
    old = follower.home / "secrets.json"
    old.write_text(json.dumps({"safe": {"password": "swordfish-9"}}))
    assert opens(follower)
    assert "CLEAR TEXT" in follower.done("secrets", "where").out
    assert "NO  secrets: in clear text in" in follower("doctor").out
    assert conforms(follower.asked("secrets", "rotate"), "secrets_rotate")["key"] == "home"
    assert not old.exists()
    assert opens(follower)
    assert b"swordfish-9" not in everything_in(follower.home)


def test_commands_begin_without_what_seals(user: User) -> None:
    """Both packages take longer to load than most commands take altogether."""
    code = "import sys, repertory.commands.run, repertory.commands.asset; print({'cryptography', 'keyring'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], env=user.variables(), capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


# ---------------------------------------------------------------------- moving


@pytest.mark.acceptance  # a guess at a passphrase is to be slow
def test_moving_to_another_machine(keeper: User, elsewhere: User) -> None:
    file = keeper.folder / "lab.secrets"
    words = ["--passphrase-file", "-"]
    told = keeper.done("secrets", "export", str(file), *words, "--json", input="open sesame\n")
    assert conforms(told.json, "secrets_export") == {"file": str(file), "assets": ["lab-1", "safe"]}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    for hidden in ("swordfish-9", "LAB_TOKEN", "vault", str(keeper.folder)):
        assert hidden not in file.read_text()
    assert "lab.secrets exists already" in keeper.refused("secrets", "export", str(file), *words)

    wrong = elsewhere("secrets", "import", str(file), *words, input="sesame\n")
    assert (wrong.code, "the passphrase is another one, or the file was changed" in wrong.err) == (1, True)
    assert not (elsewhere.home / "secrets.store").exists()
    told = elsewhere.done("secrets", "import", str(file), *words, "--json", input="open sesame\n")
    assert conforms(told.json, "secrets_import")["assets"][1] == {"name": "safe", "new": True, "secrets": {"password": "stored"}}
    assert opens(elsewhere)
    assert elsewhere.asked("secrets", "where")["assets"] == keeper.asked("secrets", "where")["assets"]
    assert elsewhere.asked("asset", "show", "lab-1") == keeper.asked("asset", "show", "lab-1")
    assert b"swordfish-9" not in everything_in(elsewhere.home)
    again = elsewhere.done("secrets", "import", str(file), *words, input="open sesame\n")
    assert again.out == "asset lab-1 of lab/lab has token (env:LAB_TOKEN)\nasset safe of lab/vault has password (stored)\n"


@pytest.mark.acceptance
def test_an_import_that_would_change_something(keeper: User, elsewhere: User) -> None:
    file, words = keeper.folder / "lab.secrets", ["--passphrase-file", "-"]
    keeper.done("secrets", "export", str(file), *words, input="x")
    elsewhere.done("asset", "add", "safe", "vault", "password=other")
    before = elsewhere.state()
    told = elsewhere("secrets", "import", str(file), *words, input="x")
    assert (told.code, "password of asset safe would become another here" in told.err) == (1, True)
    assert elsewhere.state() == before
    elsewhere.done("secrets", "import", str(file), "--replace", *words, input="x")
    assert opens(elsewhere)
    elsewhere.done("asset", "remove", "lab-1")
    elsewhere.done("asset", "add", "lab-1", "vault", "password=other")
    told = elsewhere("secrets", "import", str(file), "--replace", *words, input="x")
    assert (told.code, "asset lab-1 is one of lab/vault here, and one of lab/lab there" in told.err) == (1, True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no export of secrets, or not whole"),
        ("[]", "is no export of secrets, or not whole"),
        ('{"format": "urn:repertory:secrets-export:2"}', "was written by a newer Repertory"),
        ('{"format": "x", "salt": "", "sealed": ""}', "is no export of secrets"),
    ],
)
def test_a_file_that_is_no_export(follower: User, text: str, said: str) -> None:
    (follower.folder / "pw").write_text("x\n")
    (follower.folder / "file").write_text(text)
    assert said in follower.refused("secrets", "import", "file", "--passphrase-file", "pw")
    assert "nowhere is no file" in follower.refused("secrets", "import", "nowhere", "--passphrase-file", "pw")
    told = follower.refused("secrets", "import", "file", code=2)
    assert "nobody can be asked for a passphrase here" in told


# ------------------------------------------------------------------- other keys


def test_another_key(keeper: User, tmp_path: Path) -> None:
    key = tmp_path / "soar.key"
    keeper.config(f'[secrets]\nkey = "file:{key}"\n')
    told = keeper.refused("asset", "add", "safe-2", "vault", "password=x")
    assert f"config.toml wants file:{key} to protect the secrets" in told
    assert opens(keeper)
    assert keeper.done("secrets", "rotate").out.startswith("secrets are sealed anew, with a key file: protects against")
    assert not list(keeper.home.glob("secrets-*.key"))
    assert opens(keeper)
    key.chmod(0o444)
    action = keeper("act", "vault", "open vault", "--json").json["actions"][0]
    assert action["status"] == "failed"
    assert "is open to others (mode 0444)" in json.dumps(action)


@pytest.mark.parametrize("key", ["rot13", "file:relative", "file:", "credential:", "credential:a/b", "home:x", "passphrase:x"])
def test_a_key_that_is_none(newcomer: User, key: str) -> None:
    newcomer.home.mkdir()
    newcomer.config(f'[secrets]\nkey = "{key}"\n')
    assert f"secrets.key: {key!r} names no key" in newcomer.refused("secrets", "where")


BROKEN = """
class AESGCM:
    def __init__(self, key):
        pass
    def encrypt(self, nonce, plain, bound):
        if plain.startswith(b'"'):
            raise RuntimeError(f"cannot encrypt {plain}")
        return plain
    decrypt = encrypt
"""


def test_a_report_of_a_bug_holds_no_secret(follower: User, tmp_path: Path) -> None:
    """The installation of cryptography is broken, and says too much."""
    primitives = tmp_path / "site" / "cryptography" / "hazmat" / "primitives"
    (primitives / "ciphers").mkdir(parents=True)
    (primitives / "ciphers" / "aead.py").write_text(BROKEN)
    (primitives / "hashes.py").write_text("SHA256 = object\n")
    (primitives / "kdf").mkdir()
    (primitives / "kdf" / "hkdf.py").write_text("class HKDF:\n    def __init__(self, **_): ...\n    def derive(self, content): return content\n")
    (tmp_path / "site" / "cryptography" / "exceptions.py").write_text("class InvalidTag(Exception): ...\n")
    (tmp_path / "site" / "cryptography" / "__init__.py").touch()
    path = os.pathsep.join([str(tmp_path / "site"), follower.variables()["PYTHONPATH"]])
    told = follower.process("asset", "add", "safe", "vault", f"password={SECRET}", env={"PYTHONPATH": path})
    (report,) = (follower.home / "reports").iterdir()
    assert (told.code, SECRET in told.err + told.out) == (3, False)
    assert "cannot encrypt" in told.err
    assert "cannot encrypt" in report.read_text()
    assert SECRET not in report.read_text()


# ------------------------------------------------------------------ the keyring

KEYRING = """
import json, os, pathlib

PLACE = pathlib.Path(os.environ["FAKE_KEYRING"])

class Keyring:
    priority = 5
    def _all(self):
        return json.loads(PLACE.read_text()) if PLACE.exists() else {}
    def get_password(self, service, user):
        return self._all().get(f"{service}/{user}")
    def set_password(self, service, user, value):
        PLACE.write_text(json.dumps({**self._all(), f"{service}/{user}": value}))
    def delete_password(self, service, user):
        PLACE.write_text(json.dumps({key: value for key, value in self._all().items() if key != f"{service}/{user}"}))
"""
BACKEND = """
from keyring.backends import @@, PlainText

def get_all_keyring():
    return [PlainText.Keyring(), @@.Keyring()]
"""


@pytest.fixture
def keyring(tmp_path: Path) -> Path:
    """A package that answers like `keyring` in a desktop session, and where it keeps what it gets."""
    package = tmp_path / "site" / "keyring"
    (package / "backends").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "backends" / "__init__.py").touch()
    (package / "backend.py").write_text(BACKEND.replace("@@", "SecretService"))
    (package / "backends" / "SecretService.py").write_text(KEYRING)
    (package / "backends" / "PlainText.py").write_text(KEYRING.replace("priority = 5", "priority = 99"))
    return package


def with_keyring(user: User, package: Path, *words: str) -> tuple[int, str]:
    path = os.pathsep.join([str(package.parent), user.variables()["PYTHONPATH"]])
    told = user.process(*words, env={"PYTHONPATH": path, "FAKE_KEYRING": str(package.parent / "kept")})
    return told.code, told.out + told.err


@pytest.mark.acceptance
def test_the_keyring_of_the_system_is_taken_where_there_is_one(follower: User, keyring: Path) -> None:
    code, told = with_keyring(follower, keyring, "asset", "add", "safe", "vault", "password=swordfish-9")
    assert (code, "sealed with the keyring of the operating system" in told) == (0, True)
    (old,) = json.loads((keyring.parent / "kept").read_text()).items()
    assert with_keyring(follower, keyring, "act", "vault", "open vault")[0] == 0
    assert with_keyring(follower, keyring, "secrets", "rotate")[0] == 0
    (new,) = json.loads((keyring.parent / "kept").read_text()).items()
    assert (old[0] != new[0], old[1] != new[1]) == (True, True)
    assert not list(follower.home.glob("secrets-*.key"))
    (keyring.parent / "kept").write_text("{}")
    code, told = with_keyring(follower, keyring, "act", "vault", "open vault")
    assert (code, "the keyring does not hold the key repertory/" in told) == (1, True)
    assert "no keyring of the operating system can be reached" in follower("act", "vault", "open vault", "--json").out


@pytest.mark.acceptance
def test_a_secret_in_the_keyring(follower: User, keyring: Path) -> None:
    (keyring.parent / "kept").write_text(json.dumps({"https://vault.example/x/me": "swordfish-9"}))
    follower.config('[secrets]\nkey = "home"\n')
    reference = "keyring:https://vault.example/x/me"
    assert with_keyring(follower, keyring, "asset", "add", "safe", "vault", f"password={reference}")[0] == 0
    assert with_keyring(follower, keyring, "act", "vault", "open vault")[0] == 0
    (keyring.parent / "kept").write_text("{}")
    code, told = with_keyring(follower, keyring, "act", "vault", "open vault", "--json")
    assert (code, "refers to me of https://vault.example/x, which the keyring does not hold" in told) == (1, True)


@pytest.mark.acceptance
def test_a_keyring_of_plain_text_is_never_taken(follower: User, keyring: Path) -> None:
    (keyring / "backend.py").write_text(BACKEND.replace("@@", "Other"))
    (keyring / "backends" / "Other.py").write_text(KEYRING)
    code, told = with_keyring(follower, keyring, "asset", "add", "safe", "vault", "password=swordfish-9")
    assert (code, "a key file of its own in the home" in told) == (0, True)
    assert not (keyring.parent / "kept").exists()
    follower.config('[secrets]\nkey = "keyring"\n')
    code, told = with_keyring(follower, keyring, "secrets", "rotate")
    assert (code, "no keyring of the operating system can be reached" in told) == (1, True)


# ------------------------------------------------------------------ at a terminal


@pytest.mark.acceptance
def test_a_passphrase_at_the_terminal(follower: User) -> None:
    follower.config('[secrets]\nkey = "passphrase"\n')
    assert "nobody can be asked for one here" in follower.refused("asset", "add", "safe", "vault", "password=x")
    with Terminal(follower, "asset", "add", "safe", "vault") as terminal:
        for question, answer in (
            ("password (The vault's password):", "swordfish-9"),
            ("New passphrase of the secrets:", "open sesame"),
            ("Once more:", "open"),
            ("these are not the same\nNew passphrase of the secrets:", "open sesame"),
            ("these are not the same\nNew passphrase of the secrets: \nOnce more:", "open sesame"),
        ):
            terminal.expect(question)
            until(terminal.hides_input, "no echo")
            terminal.press(f"{answer}\n")
        assert terminal.end() == 0
    assert OPENED in terminal.text
    assert "sesame" not in terminal.text
    with Terminal(follower, "act", "vault", "open vault") as terminal:
        for answer in ("wrong", "open sesame"):
            terminal.expect("Passphrase of the secrets:" if answer == "wrong" else "that is not the passphrase\nPassphrase of")
            until(terminal.hides_input, "no echo")
            terminal.press(f"{answer}\n")
        assert terminal.end() == 0
    told = follower("act", "vault", "open vault", "--json")
    assert "is protected by a passphrase, and nobody can be asked for it here" in told.out
    assert "passphrase: protects against whoever does not know it" in follower.done("secrets", "where").out
    assert "secrets: sealed with a passphrase" in follower.done("doctor").out


@pytest.mark.acceptance
def test_an_optional_secret_may_be_left_out(follower: User) -> None:
    with Terminal(follower, "asset", "add", "lab-1", "lab", f"folder={follower.folder}") as terminal:
        terminal.expect("token (Token; optional, Enter leaves it out):")
        until(terminal.hides_input, "no echo")
        terminal.press("\n")
        assert terminal.end() == 0
    assert follower.asked("asset", "show", "lab-1")["secrets"] == {}
