"""Mistakes of users: each gets one sentence and a hint, the right exit code, and changes nothing."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from pathlib import Path

import pytest

from commands.user import User, copy_home
from content.builders import Repository
from far_files import far

MISTAKES: list[tuple[str, int, tuple[str, ...], tuple[str, ...]]] = [
    # what it is, exit code, the words, what is said
    ("command", 2, ("instal",), ("no command is called 'instal'", "did you mean install or list?")),
    ("unheard-of command", 2, ("zzz",), ("no command is called 'zzz'", "`repertory --help` lists them")),
    ("subcommand", 2, ("asset", "ad"), ("no such command 'ad'", "repertory asset --help")),
    ("option", 2, ("run", "triage", "--evnt", "1"), ("no such option: --evnt", "repertory run --help")),
    ("argument lacks", 2, ("run",), ("missing argument", "repertory run --help")),
    ("too many arguments", 2, ("show", "1", "2"), ("unexpected extra argument", "repertory show --help")),
    ("no number", 2, ("answer", "one", "yes"), ("invalid value", "repertory answer --help")),
    ("limit", 2, ("runs", "--limit", "0"), ("invalid value", "repertory runs --help")),
    ("installed playbook", 2, ("run", "lab/triag"), ("no installed playbook is called 'lab/triag'", "mean lab/triage")),
    ("no playbook", 2, ("run", "zzz"), ("no installed playbook", "`repertory search zzz`")),
    ("app", 2, ("act", "labb", "fail"), ("no installed app is called 'labb'", "did you mean lab/lab?")),
    ("action", 2, ("act", "lab", "chekc ip", "ip=1"), ("no action of lab/lab is called", "did you mean check ip?")),
    ("parameter", 2, ("act", "lab", "check ip", "pi=1"), ("no parameter 'pi'", "ip")),
    ("parameter lacks", 2, ("act", "lab", "check ip"), ("needs the parameter 'ip'",)),
    ("parameter form", 2, ("act", "lab", "check ip", "192.0.2.6"), ("not of the form name=value", "name=value")),
    ("asset of act", 2, ("act", "lab", "fail", "--asset", "lab-l"), ("no asset is called 'lab-l'", "did you mean lab-1?")),
    ("event of act", 2, ("act", "lab", "fail", "--event", "7"), ("no event is called '7'", "repertory event list")),
    ("asset", 2, ("asset", "show", "lab1"), ("no asset is called 'lab1'", "did you mean lab-1?")),
    ("asset to test", 2, ("asset", "test", "zzz"), ("no asset is called 'zzz'", "repertory asset list")),
    ("asset to remove", 2, ("asset", "remove", "zzz"), ("no asset is called 'zzz'",)),
    ("asset twice", 1, ("asset", "add", "lab-1", "lab", "folder=/tmp"), ("there is an asset called lab-1", "--replace")),
    ("asset's name", 2, ("asset", "add", "Lab 1", "lab", "folder=/tmp"), ("'Lab 1' cannot be the name", "small letters")),
    ("asset's app", 2, ("asset", "add", "dns-1", "community/zzz"), ("no installed app is called 'community/zzz'",)),
    ("setting lacks", 2, ("asset", "add", "lab-2", "lab"), ("folder: is missing", "settings of lab: folder, rate (optional)")),
    ("setting's type", 2, ("asset", "add", "l", "lab", "folder=/", "rate=x"), ("rate: must be an integer", "settings of lab")),
    ("setting", 2, ("asset", "add", "l", "lab", "folder=/", "rat=1"), ("rat: is not a setting", "settings of lab")),
    ("settings' form", 2, ("asset", "add", "l", "lab", "folder"), ("'folder' is not of the form name=value", "settings as name")),
    ("repository", 2, ("sync", "comunity"), ("no repository is called 'comunity'", "did you mean community?")),
    ("repository to remove", 2, ("repo", "remove", "zzz"), ("no repository is called 'zzz'", "repertory repo list")),
    ("repository twice", 1, ("repo", "add", "lab", "/tmp"), ("lab is followed already", "another name")),
    ("repository's name", 1, ("repo", "add", "La b", "/tmp"), ("'La b' is no name for a repository", "lower-case")),
    ("repository's URL", 1, ("repo", "add", "x", "ftp://host/x"), ("ftp",)),
    ("item", 2, ("info", "lab/triagee"), ("no item is called", "did you mean lab/triage")),
    ("item to install", 2, ("install", "lab/zzz"), ("no item is called 'lab/zzz'", "repertory search")),
    ("item to remove", 2, ("remove", "zzz"), ("no installed item is called 'zzz'", "repertory list")),
    ("nothing to install", 2, ("install",), ("name items, or give --locked", "repertory search")),
    ("event", 2, ("event", "show", "99"), ("no event is called '99'", "repertory event list")),
    ("event to close", 2, ("event", "close", "99"), ("no event is called '99'",)),
    ("event of a run", 2, ("run", "triage", "--event", "99"), ("no event is called '99'",)),
    ("event's status", 2, ("event", "list", "--status", "odd"), ("no event has the status 'odd'", "new, open, closed")),
    ("run", 2, ("show", "zzz"), ("no run is called 'zzz'", "repertory runs")),
    ("empty run", 2, ("show", ""), ("no run is called ''", "repertory runs")),
    ("run to cancel", 2, ("cancel", "zzz"), ("no run is called 'zzz'",)),
    ("run to resume", 2, ("resume", "zzz"), ("no run is called 'zzz'",)),
    ("run's status", 2, ("runs", "--status", "odd"), ("no run has the status 'odd'", "queued, running, waiting")),
    ("prompt", 2, ("answer", "99", "yes"), ("no prompt is called '99'", "open ones: none")),
    ("input's form", 2, ("run", "with_inputs", "--input", "x"), ("'x' is not of the form", "inputs as --input")),
    ("input", 2, ("run", "with_inputs", "--input", "treshold=1"), ("treshold", "did you mean threshold?")),
    ("input's type", 2, ("run", "with_inputs", "--input", "threshold=x"), ("threshold", "integer")),
    ("answers' form", 2, ("run", "triage", "--answer", "yes"), ("'yes' is not of the form", "answers as --answer")),
    ("approval", 2, ("run", "triage", "--answer", "approval=yes"), ("approval: 'yes' is no answer", "approve, deny")),
    ("doubt", 2, ("run", "triage", "--answer", "in_doubt=no"), ("in_doubt: 'no' is no answer", "it happened, it did not")),
    ("options", 2, ("run", "triage", "--wait", "--detach"), ("--wait and --detach exclude each other", "one of them")),
    ("schema", 2, ("schema", "appp"), ("no schema is called 'appp'", "did you mean app?")),
    ("file of events", 1, ("event", "add", "none.json"), ("there is no file none.json", "spelling")),
    ("folder of events", 1, ("event", "add", "."), (". is a folder", "name a file")),
    ("no event file", 1, ("run", "triage", "--event", "none.json"), ("there is no file none.json", "spelling")),
    ("folder to validate", 1, ("validate", "none"), ("none",)),
    ("folder to describe", 1, ("manifest", "none"), ("none",)),
]


@pytest.fixture(scope="module")
def experienced(tmp_path_factory: pytest.TempPathFactory, prepared: Path) -> User:
    """A user for mistakes; since none changes anything, one serves for all."""
    folder = tmp_path_factory.mktemp("experienced")
    (folder / "work").mkdir()
    user = User(home=folder / "home", folder=folder / "work")
    copy_home(prepared, user.home)
    user.done("asset", "add", "lab-1", "lab/lab", f"folder={far(user.folder)}")
    return user


@pytest.mark.parametrize(("code", "words", "said"), [row[1:] for row in MISTAKES], ids=[row[0] for row in MISTAKES])
def test_a_mistake(experienced: User, code: int, words: tuple[str, ...], said: tuple[str, ...]) -> None:
    told = experienced.refused(*words, code=code)
    for part in said:
        assert part in told


@pytest.mark.parametrize("words", [("instal",), ("run", "--evnt"), ("show", "zzz"), ("event", "add", "none.json")])
def test_programs_get_an_object(experienced: User, words: tuple[str, ...]) -> None:
    told = experienced(*words, "--json")
    assert told.code != 0
    error = told.json["error"]
    assert set(error) == {"message", "hint"}
    assert f"repertory: {error['message']}\n  → {error['hint']}\n" == told.err


GARBAGE: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "is empty"),
    "binary": (bytes(range(256)), "line"),
    "prose": (b"hello\nworld\n", "line 1"),
    "broken JSON": (b'{"name": ', "line 1"),
    "a number": (b"7", "no object or list"),
    "no event": (b'{"colour": "red"}', "neither an event nor"),
    "half good": (b'{"name": "a", "artifacts": []}\n{"nam": "b"}\n', "line 2"),
    "lone surrogate": (b'{"name": "a\\ud800", "artifacts": []}', "line 1"),
    "deep": (b"[" * 100_000, "line"),
}


@pytest.mark.parametrize("name", GARBAGE)
@pytest.mark.parametrize("words", [("event", "add"), ("run", "triage", "--event")], ids=["event add", "run"])
def test_garbage_is_no_event(experienced: User, name: str, words: tuple[str, ...]) -> None:
    content, said = GARBAGE[name]
    (experienced.folder / "garbage").write_bytes(content)
    assert said in experienced.refused(*words, "garbage")


def test_a_file_with_several_events_is_no_subject(user: User) -> None:
    (user.folder / "two.json").write_text('[{"name": "a", "artifacts": []}, {"name": "b", "artifacts": []}]')
    told = user.refused("run", "triage", "--event", "two.json")
    assert "two.json holds 2 events, a run is about one" in told
    assert "`repertory event add two.json`" in told


# ------------------------------------------------------------ runs and prompts


def test_answers_that_do_not_count(user: User) -> None:
    run = user("run", "decide", "--event", user.event(), "--json").json["run"]
    told = user.refused("answer", "1", "perhaps")
    assert "'perhaps' is no answer to prompt 1" in told
    assert "answer one of: escalate, not now" in told
    assert "open ones: 1" in user.refused("answer", "2", "escalate", code=2)
    user.done("answer", "1", "escalate")
    assert "answered already: 'escalate' by" in user.refused("answer", "1", "not now")
    assert f"run {run} has ended" in user.refused("cancel", run)
    assert f"run {run} has ended" in user.refused("resume", run[:5])


def test_an_ambiguous_run(user: User) -> None:
    for _ in range(2):
        user.done("run", "with_inputs", "--input", "threshold=1")
    database = sqlite3.connect(user.home / "repertory.db")
    with database:
        database.execute("pragma foreign_keys = off")
        for number, (run,) in enumerate(database.execute("select id from run").fetchall()):
            for table, column in (("run", "id"), ("attempt", "run")):
                database.execute(f"update {table} set {column} = ? where {column} = ?", (f"abc{number}", run))
    database.close()
    told = user.refused("show", "abc")
    assert "more than one run begins with 'abc'" in told


def test_an_answer_given_in_advance_must_fit(user: User) -> None:
    told = user("run", "decide", "--event", user.event(), "--answer", "question=perhaps")
    assert told.code == 1
    assert "Traceback" not in told.err
    assert "→ repertory answer 1 escalate | 'not now'" in told.out
    assert told.err == "--answer question=perhaps is refused: answer one of: escalate, not now\n"
    assert user.asked("prompts")["prompts"][0]["answer"] is None


@pytest.mark.parametrize("words", [("--json",), ("--wait",), ("--wait", "--json")])
def test_nobody_waits_for_others_after_a_wrong_answer(user: User, words: tuple[str, ...]) -> None:
    told = user("run", "decide", "--event", user.event(), "--answer", "*=perhaps", *words)
    assert told.code == 1
    assert told.err == "--answer *=perhaps is refused: answer one of: escalate, not now\n"
    assert "--json" not in words or told.json["status"] == "waiting"


# ---------------------------------------------------------------- repositories


def item(name: str) -> dict[str, str]:
    manifest = {"$schema": "urn:repertory:schema:playbook:1", "name": name, "version": "1.0.0", "function": name}
    code = f"from repertory_sdk import Event, Play, playbook\n\n\n@playbook()\ndef {name}(event: Event, play: Play) -> None:\n    pass\n"
    return {"playbook.json": json.dumps(manifest, indent=2), "playbook.py": code}


def follow(user: User, name: str, folder: Path, files: dict[str, dict[str, str]]) -> Repository:
    repository = Repository(folder)
    for place, contents in files.items():
        repository.write({f"{place}/{path}": text for path, text in contents.items()})
    repository.commit()
    user.done("repo", "add", name, str(folder))
    return repository


def test_a_name_that_two_repositories_offer(newcomer: User, tmp_path: Path) -> None:
    follow(newcomer, "one", tmp_path / "one", {"p": item("same")})
    follow(newcomer, "two", tmp_path / "two", {"p": item("same")})
    newcomer.done("sync")
    for command in ("info", "install"):
        told = newcomer.refused(command, "same")
        assert "'same' is offered by more than one repository" in told
        assert "one/same, two/same" in told
    newcomer.install("one/same", "two/same")
    assert "'same' could be any of one/same, two/same" in newcomer.refused("run", "same")
    assert "'same' is ambiguous" in newcomer.refused("remove", "same")


def test_a_name_that_a_repository_offers_twice(newcomer: User, tmp_path: Path) -> None:
    follow(newcomer, "one", tmp_path / "one", {"p": item("same"), "q": item("same")})
    newcomer.done("sync")
    assert "one/same is offered twice, by" in newcomer.refused("install", "same")


def test_a_malformed_manifest(newcomer: User, tmp_path: Path) -> None:
    broken = {**item("good"), "playbook.json": '{\n  "name": "good",\n  "version": 1\n}\n'}
    repository = follow(newcomer, "one", tmp_path / "one", {"p": broken})
    told = newcomer("validate", str(repository.path))
    assert told.code == 1
    assert "p/playbook.json:3: error" in told.out
    assert "broken good" in newcomer.done("sync").out
    assert "good" in newcomer.refused("install", "one/good")
    assert "findings" in newcomer.done("info", "one/good").out


def test_code_that_disagrees_with_its_manifest(newcomer: User, tmp_path: Path) -> None:
    lying = item("good")
    lying["playbook.py"] = lying["playbook.py"].replace("    pass", '    play.act("block ip", ip="192.0.2.1")')
    repository = follow(newcomer, "one", tmp_path / "one", {"p": lying})
    told = newcomer("validate", str(repository.path))
    assert told.code == 1
    assert "block ip" in told.out
    newcomer.done("sync")
    newcomer.refused("install", "one/good")
    outdated = newcomer("manifest", str(repository.path / "p"), "--check")
    assert (outdated.code, '+    "block ip"' in outdated.out) == (1, True)


def test_a_repository_that_is_gone(newcomer: User, tmp_path: Path) -> None:
    repository = follow(newcomer, "one", tmp_path / "one", {"p": item("same")})
    shutil.rmtree(repository.path)
    told = newcomer("sync")
    assert told.code == 1
    assert "one: " in told.err and "Traceback" not in told.err
    assert newcomer("sync", "--json").json["repositories"][0]["error"]["message"]


def test_an_app_that_was_removed(user: User) -> None:
    user.done("remove", "lab/lab")
    told = user("asset", "test", "lab-1")
    assert told.code == 1
    assert "lab/lab" in told.out + told.err
    assert "Traceback" not in told.err
    assert user.asked("asset", "list")["assets"] == [{"name": "lab-1", "app": "lab/lab", "installed": False}]
    run = user("run", "triage", "--event", user.event(sourceAddress="192.0.2.1"))
    assert "no installed app offers 'check ip'" in run.out


# ------------------------------------------------------------- damaged homes

CONFIGS = {
    "broken": ("database_url = ", "config.toml"),
    "unknown key": ("colour = 1", "colour"),
    "wrong type": ("[limits]\nretries = 'many'", "limits.retries"),
    "unknown decision": ("[policy.types]\ncontain = 'perhaps'", "contain"),
    "unknown type": ("[policy.types]\nhack = 'deny'", "'hack' is no type of action"),
    "database": ("database_url = 'mysql://root:secret@host/x'", "mysql:… is not a PostgreSQL URL"),
    "not UTF-8": ("\udcff", "config.toml"),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_a_broken_configuration(user: User, name: str) -> None:
    text, said = CONFIGS[name]
    (user.home / "config.toml").write_bytes(text.encode(errors="surrogateescape"))
    for words in (["runs"], ["run", "triage"], ["search"], ["asset", "list"]):
        told = user.refused(*words)
        assert said in told
        assert "secret" not in told
    assert said in user("doctor").out


def test_an_unreachable_server_is_told_quickly(user: User) -> None:
    user.config("database_url = 'postgresql://someone:hunter2@127.0.0.1:1/x'\n")
    begun = time.monotonic()
    told = user.refused("runs")
    assert time.monotonic() - begun < 5
    assert "PostgreSQL" in told
    assert "hunter2" not in told


def test_a_database_of_a_newer_version(user: User) -> None:
    connection = sqlite3.connect(user.home / "repertory.db")
    with connection:
        connection.execute("update meta set value = '99'")
    connection.close()
    told = user.refused("runs")
    assert "the database has version 99" in told
    assert "upgrade" in told


@pytest.mark.parametrize("content", [b"garbage" * 1000, b"SQLite format 3\0" + b"x" * 4096], ids=["text", "damaged"])
def test_a_database_that_is_none(user: User, content: bytes) -> None:
    for path in user.home.glob("repertory.db*"):
        path.unlink()
    (user.home / "repertory.db").write_bytes(content)
    assert "repertory.db" in user.refused("runs")


LOCKS = {
    "no JSON": ('{"$schema": ', "repertory.lock:1"),
    "no lock": ("[]", "is not a lock"),
    "newer": ('{\n "$schema": "urn:repertory:schema:lock:2",\n "items": []}', "lock:2: was written by a newer Repertory"),
    "unknown key": ('{"$schema": "urn:repertory:schema:lock:1", "items": [], "x": 1}', "x"),
    "a name that is a path": (
        '{"$schema": "urn:repertory:schema:lock:1", "items": [\n{"name": "../x", "kind": "app", "version": "1", "url": "/x",'
        ' "commit": "' + "a" * 40 + '", "path": "x", "hash": "' + "a" * 64 + '"}]}',
        "repertory.lock:2: items[0].name: '../x' cannot be one",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LOCKS)
def test_a_broken_lock(user: User, name: str) -> None:
    text, said = LOCKS[name]
    (user.home / "repertory.lock").write_text(text)
    for words in (["list"], ["run", "triage"], ["install", "lab/lab"], ["remove", "lab/lab"], ["install", "--locked"]):
        assert said in user.refused(*words)


def test_content_that_was_changed_is_not_executed(user: User) -> None:
    digest = next(one["hash"] for one in user.asked("list")["items"] if one["name"] == "lab/triage")
    code = user.home / "content" / digest / "playbook.py"
    code.chmod(0o644)
    code.write_text("raise SystemExit('changed')\n")
    told = user("run", "triage", "--event", user.event())
    assert told.code == 1
    assert "lab/triage" in told.out + told.err
    assert "Traceback" not in told.err
    assert "NO  lab/triage: its files are missing or were changed" in user("doctor").out
    user.done("install", "--locked")
    user.done("run", "triage", "--event", "1")


def test_damaged_secrets(user: User) -> None:
    for name in ("secrets.json", "secrets.store"):
        (user.home / name).write_text("{")
        assert f"{name} is damaged" in user.refused("asset", "show", "lab-1")
