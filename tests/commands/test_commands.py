"""Every command on its ordinary way, for people and for programs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from commands.lab_content import PLAYBOOKS
from commands.schemas import conforms, published
from commands.user import User
from far_files import far

# ------------------------------------------------------------------ content


def test_following_finding_installing_removing(newcomer: User, origins: Path) -> None:
    url = f"file://{origins}/lab"
    assert conforms(newcomer.asked("repo", "add", "lab", str(origins / "lab")), "repo_add")["url"] == url
    assert newcomer.asked("repo", "list")["repositories"][0]["items"] == 0
    (synced,) = conforms(newcomer.asked("sync"), "sync")["repositories"]
    assert (synced["items"], synced["broken"], synced["error"]) == (len(PLAYBOOKS) + 3, [], None)
    (listed,) = conforms(newcomer.asked("repo", "list"), "repo_list")["repositories"]
    assert (listed["commit"], listed["items"]) == (synced["commit"], synced["items"])

    found = conforms(newcomer.asked("search", "isolate"), "search")["items"]
    assert sorted((item["name"], item["installed"]) for item in found) == [("lab/contain", None), ("lab/lab", None)]
    assert any("isolate host" in one for one in conforms(newcomer.asked("info", "contain"), "info")["permissions"])

    review = conforms(newcomer.asked("install", "lab/contain", "--dry-run"), "review")
    assert [item["name"] for item in review["items"]] == ["lab/contain", "lab/lab"]
    report = conforms(newcomer.asked("install", "lab/contain", "--reviewed", review["review"]), "install")
    assert {item["name"]: item["state"] for item in report["items"]} == {"lab/contain": "installed", "lab/lab": "installed"}
    assert {item["state"] for item in newcomer.asked("install", "lab/contain")["items"]} == {"unchanged"}
    assert conforms(newcomer.asked("install", "--locked"), "install_locked") == {"restored": []}
    assert [item["name"] for item in conforms(newcomer.asked("list"), "list")["items"]] == ["lab/contain", "lab/lab"]
    actions = conforms(newcomer.asked("list", "--actions"), "list_actions")["actions"]
    assert {"action": "isolate host", "type": "contain", "app": "lab/lab", "description": "Isolate."} in actions

    (gone,) = conforms(newcomer.asked("remove", "lab"), "remove")["removed"]
    assert (gone["name"], gone["version"]) == ("lab/lab", "1.0.0")
    assert conforms(newcomer.asked("repo", "remove", "lab"), "repo_remove")["removed"]["name"] == "lab"


def test_the_same_for_people(newcomer: User, origins: Path) -> None:
    assert "nothing is followed yet" in newcomer.done("repo", "list").out
    assert "nothing is followed yet" in newcomer.done("sync").out
    told = newcomer.done("repo", "add", "lab", str(origins / "lab"))
    assert told.out == f"following lab at file://{origins}/lab; `repertory sync lab` fetches it\n"
    assert re.match(rf"lab: {len(PLAYBOOKS) + 3} items at [0-9a-f]{{12}}; new .*\n$", newcomer.done("sync").out)
    assert "no news" in newcomer.done("sync").out
    assert "nothing is installed yet" in newcomer.done("list").out
    assert "nothing fits" in newcomer.done("search", "unheard-of").out
    table = newcomer.done("search").out.splitlines()
    assert table[0].split() == ["ITEM", "KIND", "VERSION", "INSTALLED", "SUMMARY"]
    assert len({line.index("playbook") for line in table if "playbook" in line}) == 1
    info = newcomer.done("info", "lab").out
    assert "lab/lab 1.0.0  (app, not installed)" in info
    assert "isolate host" in info and "CHANGES THINGS" in info
    installed = newcomer.install("lab/contain")
    assert "CHANGES THINGS  isolate host (contain, cannot be undone)" in installed.out
    assert "lab/contain 1.0.0: installed\n" in installed.out
    assert "lab/contain: copying\n" in installed.err
    assert newcomer.done("remove", "contain").out == "lab/contain 1.0.0 is removed\n"
    assert newcomer.done("repo", "remove", "lab").out == "lab is followed no longer\n"


# ------------------------------------------------------------------- assets


def test_assets(follower: User) -> None:
    added = follower.asked("asset", "add", "lab-1", "lab", f"folder={far(follower.folder)}", "token=hunter2", "rate=3")
    assert conforms(added, "asset_add") == {"asset": "lab-1", "app": "lab/lab"}
    assert conforms(follower.asked("asset", "list"), "asset_list")["assets"][0]["installed"] is True
    shown = conforms(follower.asked("asset", "show", "lab-1"), "asset_show")
    assert shown["settings"] == {"folder": far(follower.folder), "rate": 3}
    assert shown["secrets"] == {"token": "stored"}
    assert "hunter2" not in follower.done("asset", "show", "lab-1").out
    tested = conforms(follower.asked("asset", "test", "lab-1"), "asset_test")
    assert tested == {"asset": "lab-1", "status": "succeeded", "message": ""}
    assert follower.done("asset", "test", "lab-1").out == "lab-1: succeeded: the folder is there\n"
    follower.done("asset", "add", "lab-1", "lab", f"folder={far(follower.folder)}", "--replace")
    assert follower.asked("asset", "show", "lab-1")["settings"] == {"folder": far(follower.folder)}
    assert conforms(follower.asked("asset", "remove", "lab-1"), "asset_remove") == {"removed": "lab-1"}
    assert "no asset is configured yet" in follower.done("asset", "list").out


def test_a_secret_is_kept_apart_and_used(user: User) -> None:
    user.done("asset", "add", "lab-2", "lab", f"folder={far(user.folder)}", "token=env:LAB_TOKEN")
    user.environment["LAB_TOKEN"] = "hunter22"
    user.done("act", "lab", "read token", "--asset", "lab-2")
    assert user.effects == ["token of 8 characters"]
    assert (user.home / "secrets.store").stat().st_mode & 0o077 == 0
    assert "hunter22" not in user.state()["database"]


# ------------------------------------------------------------------- events


def test_events(user: User) -> None:
    path = user.event(sourceAddress="192.0.2.6")
    assert conforms(user.asked("event", "add", path), "event_add")["events"] == [
        {"id": 1, "name": "ET SCAN Potential SSH Scan", "new": True}
    ]
    assert user.done("event", "add", path).out == "event 2: ET SCAN Potential SSH Scan\n"
    assert [event["id"] for event in conforms(user.asked("event", "list"), "event_list")["events"]] == [2, 1]
    user.done("run", "lab/triage", "--event", "1")
    shown = conforms(user.asked("event", "show", "1"), "event_show")
    assert shown["artifacts"][0]["cef"] == {"sourceAddress": "192.0.2.6"}
    assert [note["title"] for note in shown["notes"]] == ["Findings"]
    assert [run["status"] for run in shown["runs"]] == ["succeeded"]
    told = user.done("event", "show", "1").out
    assert "sourceAddress = 192.0.2.6" in told
    assert "address    verdict\n─────────  ─────────\n192.0.2.6  malicious\n" in told
    assert conforms(user.asked("event", "close", "1", "--reason", "false positive"), "event_close")
    assert user.done("event", "close", "2").out == "event 2 is closed: closed by hand\n"
    assert user.asked("event", "show", "1")["resolution"] == "false positive"
    assert user.asked("event", "list", "--status", "new")["events"] == []
    assert "no event yet" in user.done("event", "list", "--status", "new").out


def test_the_same_alert_is_added_once(user: User, origins: Path) -> None:
    alert = origins / "community/community_playbooks/investigate_recon/samples/ssh_scan.eve.json"
    first = user.asked("event", "add", str(alert))["events"]
    again = user.asked("event", "add", str(alert))["events"]
    assert [(one["id"], one["new"]) for one in first + again] == [(1, True), (1, False)]
    assert user.done("event", "add", str(alert)).out.endswith("(known already)\n")


# --------------------------------------------------------------------- runs


def test_a_run_for_people(user: User) -> None:
    told = user.done("run", "triage", "--event", user.event(sourceAddress="192.0.2.6"))
    head, check, note, end = told.out.splitlines()
    assert re.fullmatch(r'lab/triage on "ET SCAN Potential SSH Scan" \(event 1\)  run [0-9a-f]{12}', head)
    assert re.fullmatch(r"check ip  192\.0\.2\.6  lab-1  malicious  \d+ ms", check)
    assert note == "note: Findings"
    assert re.fullmatch(r"succeeded in [\d.]+ m?s", end)
    assert told.err == ""


def test_a_run_for_programs_is_one_object(user: User, origins: Path) -> None:
    samples = origins / "community/community_playbooks/investigate_recon/samples"
    user.done("asset", "add", "scanners", "community/blocklist", f"feeds={samples}/feeds/scanners.netset")
    told = user.done("run", "community/investigate_recon", "--event", str(samples / "ssh_scan.eve.json"), "--json")
    run = conforms(told.json, "run")
    assert told.err == ""
    assert (run["status"], run["playbook"], run["event"]) == ("succeeded", "community/investigate_recon", 1)
    (action,) = run["actions"]
    assert (action["action"], action["app"], action["asset"], action["type"], action["status"]) == (
        "ip reputation", "community/blocklist", "scanners", "investigate", "succeeded",
    )  # fmt: skip
    assert action["results"][0]["parameters"] == {"ip": "8.42.77.171"}
    assert run["outputs"]["decision"] == "escalated"
    assert [note["title"] for note in run["notes"]] == ["Escalated"]
    assert conforms(user.asked("show", run["run"][:6]), "run") == run
    assert [one["run"] for one in conforms(user.asked("runs"), "runs")["runs"]] == [run["run"]]


def test_the_schema_of_a_run_refuses_other_fields(user: User) -> None:
    run = user.asked("run", "triage", "--event", user.event(sourceAddress="192.0.2.6"))
    for broken in ({**run, "more": 1}, {**run, "status": "done"}, {key: run[key] for key in run if key != "actions"}):
        with pytest.raises(AssertionError):
            conforms(broken, "run")


@pytest.mark.parametrize("name", ["run", "commands"])
def test_schemas_are_schemas(name: str) -> None:
    Draft202012Validator.check_schema(published(name))


def test_inputs(user: User) -> None:
    run = user.asked("run", "with_inputs", "--event", user.event(), "--input", "threshold=5", "--input", "mode=slow")
    assert run["outputs"] == {"threshold": 5, "mode": "slow"}
    assert "--input threshold=" in user.refused("run", "with_inputs", "--event", "1", code=2)


def test_a_question_waits_and_is_answered(user: User) -> None:
    told = user("run", "decide", "--event", user.event(sourceAddress="192.0.2.6"))
    assert told.code == 1
    assert "waits for an answer:\n  Escalate this?\n  → repertory answer 1 escalate | 'not now'\n" in told.out
    (prompt,) = conforms(user.asked("prompts"), "prompts")["prompts"]
    assert (prompt["id"], prompt["to"], prompt["options"]) == (1, "soc", ["escalate", "not now"])
    assert "Escalate this?" in user.done("prompts").out
    assert user.asked("runs", "--status", "waiting")["runs"][0]["run"] == prompt["run"]
    run = conforms(user.asked("answer", "1", "not now"), "run")
    assert (run["status"], run["outputs"]) == ("succeeded", {"decision": "not now"})
    assert user.effects == ["check 192.0.2.6"]
    assert "nothing waits for an answer" in user.done("prompts").out


def test_waiting_for_programs(user: User) -> None:
    told = user("run", "decide", "--event", user.event(), "--json")
    assert told.code == 1
    assert conforms(told.json, "run")["status"] == "waiting"
    answered = conforms(user.asked("answer", "1", "escalate", "--detach"), "answer_detached")
    assert answered["answer"] == "escalate"
    run = conforms(user.asked("resume", answered["run"]), "run")
    assert run["outputs"] == {"decision": "escalate"}


def test_an_approval(user: User) -> None:
    event = user.event(sourceHostName="ws-7")
    told = user("run", "contain", "--event", event)
    assert (told.code, user.effects) == (1, [])
    assert "repertory answer 1 approve | deny" in told.out
    assert "succeeded in" in user.done("answer", "1", "approve").out
    assert user.effects == ["isolate ws-7"]
    run = user.asked("run", "contain", "--event", event, "--answer", "approval=deny")
    assert (run["outputs"], run["actions"][0]["status"]) == ({"isolated": 0}, "denied")
    assert user.effects == ["isolate ws-7"]


def test_a_child_asks(user: User) -> None:
    told = user("run", "parent", "--event", user.event(sourceAddress="192.0.2.6"))
    assert told.code == 1
    assert "→ repertory answer 1 escalate | 'not now'" in told.out
    run = conforms(user.asked("answer", "1", "escalate"), "run")
    assert (run["playbook"], run["outputs"]) == ("lab/parent", {"decision": "escalate"})
    assert [child["playbook"] for child in run["children"]] == ["lab/decide"]


def test_a_failed_run(user: User) -> None:
    told = user("run", "broken", "--event", user.event())
    assert told.code == 1
    assert "this playbook has a mistake" in told.out
    assert told.err == ""
    run = conforms(user("run", "broken", "--event", "1", "--json").json, "run")
    assert run["status"] == "failed"


def test_a_queued_run_is_cancelled(user: User) -> None:
    queued = conforms(user.asked("run", "triage", "--event", user.event(), "--detach"), "queued")
    assert queued["status"] == "queued"
    assert "is queued" in user.done("run", "triage", "--event", "1", "--detach").out
    assert conforms(user.asked("cancel", queued["run"]), "queued")["status"] == "cancelled"
    other = user.asked("runs", "--status", "queued")["runs"][0]["run"]
    assert user.done("cancel", other[:8]).out == f"run {other}: cancelled\n"
    assert conforms(user.asked("runs", "prune", "--older-than", "0"), "runs_prune") == {"pruned": 2}
    assert "no run yet" in user.done("runs").out


def test_a_waiting_run_is_cancelled(user: User) -> None:
    run = user("run", "decide", "--event", user.event(), "--json").json["run"]
    user.done("cancel", run)
    assert user.asked("prompts")["prompts"] == []


def test_one_action_by_hand(user: User) -> None:
    told = user.done("act", "lab", "check ip", "ip=192.0.2.6")
    assert re.search(r"^├── check ip +192\.0\.2\.6 +lab-1 +malicious +\d+ ms$", told.out, re.M)
    assert re.search(r"^└── succeeded in \d+ m?s$", told.out, re.M)
    run = conforms(user.asked("act", "lab", "isolate host", "host=ws-7", "--asset", "lab-1"), "run")
    assert (run["playbook"], run["actions"][0]["results"][0]["data"]) == (None, [{"verdict": "isolated"}])
    assert user.effects == ["check 192.0.2.6", "isolate ws-7"]


def test_an_app_that_needs_no_settings_gets_an_asset_when_it_is_first_asked(user: User) -> None:
    before = [asset["name"] for asset in user.asked("asset", "list")["assets"]]
    for number in (1, 2):
        told = user("act", "whois", "whois ip", "ip=no-address", "--json")
        (action,) = told.json["actions"]
        assert (told.code, action["asset"]) == (1, "whois")
        assert (told.err == "asset whois of community/whois is configured: it needs no settings\n") is (number == 1)
    assert sorted(asset["name"] for asset in user.asked("asset", "list")["assets"]) == sorted([*before, "whois"])
    user.done("asset", "remove", "whois")
    user.done("asset", "add", "whois", "lab/lab", f"folder={far(user.folder)}")
    assert "asset whois-2 of community/whois is configured" in user("act", "whois", "whois ip", "ip=no-address").err


def test_an_app_that_needs_settings_says_which(user: User) -> None:
    told = user.refused("act", "vault", "open vault")
    assert "no asset of lab/vault is configured yet" in told
    assert "`repertory asset add NAME lab/vault password=…`" in told


def test_actions_that_fail(user: User) -> None:
    told = user("act", "lab", "fail")
    assert (told.code, told.err) == (1, "")
    assert "no answer from lab.example within 10 s" in told.out
    run = conforms(user("act", "lab", "crash", "--json").json, "run")
    assert run["actions"][0]["status"] == "failed"


# ------------------------------------------------------- authors, caretaking


def test_authors(user: User, origins: Path) -> None:
    folder = origins / "lab/apps/lab"
    assert conforms(user.asked("validate", str(origins / "lab")), "validate")["errors"] == 0
    assert "0 errors" in user.done("validate", str(folder)).err
    assert conforms(user.asked("manifest", str(folder), "--check"), "manifest")["state"] == "current"
    assert conforms(user.asked("schema"), "schema")["schemas"] == sorted(user.done("schema").out.split())
    assert json.loads(user.done("schema", "run").out)["$id"] == "urn:repertory:schema:run:1"


def test_doctor(user: User) -> None:
    assert conforms(user.asked("doctor"), "doctor")["healthy"] is True
    assert "ok  git: " in user.done("doctor").out
    assert "ok  lab/triage: 1.0.0" in user.done("doctor", "--all").out


def test_doctor_names_what_is_broken(user: User) -> None:
    user.done("remove", "lab/lab")
    told = user("doctor")
    assert told.code == 1
    assert "NO  asset lab-1: lab/lab is not installed" in told.out
    assert "→ repertory install lab/lab, or repertory asset remove lab-1" in told.out
    assert conforms(user("doctor", "--json").json, "doctor")["healthy"] is False


@pytest.mark.acceptance
def test_the_demonstration(newcomer: User) -> None:
    told = newcomer.process("demo", "--keep", "kept")
    assert (told.code, "Traceback" in told.err) == (0, False), told
    commands = [line for line in told.out.splitlines() if line.startswith("$ repertory ")]
    assert [line.split()[2] for line in commands][:4] == ["repo", "sync", "validate", "install"]
    assert "malicious" in told.out
    assert not newcomer.home.exists()
