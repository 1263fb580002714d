"""A directory through real LDAP: one like Active Directory (the simulator); test_openldap.py has a real OpenLDAP."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from repertory_sdk import ActionFailed
from repertory_sdk.convert import Secret
from repertory_sdk.loader import load_module
from repertory_sdk.testing import assert_manifest_current, conformance
from repertory_sdk.testing.loading import importable

HERE = Path(__file__).resolve().parent
JANE = "CN=Jane Doe,OU=Staff,DC=corp,DC=example"

with importable(HERE):
    app = load_module(HERE, "app.py")
    import ldap_session
    import simulator

    CASES = conformance(
        app.app,
        HERE,
        {
            "get user": {"user": "jdoe"},
            "find users": {"query": "oe"},
            "list group members": {"group": "VPN"},
            "disable user": {"user": "jdoe"},
            "enable user": {"user": "mroe"},
            "unlock user": {"user": "lpoe"},
            "reset password": {"user": "jdoe"},
            "add to group": {"user": "jdoe", "group": "Quarantined"},
            "remove from group": {"user": "jdoe", "group": "VPN"},
        },
    )


@pytest.fixture
def directory():
    with simulator.running() as server:
        yield server


@pytest.fixture
def accounts(directory):
    return of(directory)


def of(directory, **changed):
    settings = {**simulator.place_of(directory).settings, **changed}
    return app.Accounts(**{**settings, "password": Secret(settings["password"])})


def attributes(directory, dn=JANE):
    return directory.state["entries"][dn]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_conformance(case, directory):
    case.check(simulator.place_of(directory))


def test_manifest():
    assert_manifest_current(HERE)


def test_it_runs_as_a_program():
    command = [sys.executable, str(HERE / "simulator.py"), "--port", "0"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
        place = json.loads(program.stdout.readline())
        settings = {**place["settings"], "password": Secret(place["settings"]["password"])}
        assert "DC=corp,DC=example" in app.connectivity(app.Accounts(**settings))
        program.stdin.close()
        assert program.wait(10) == 0


@pytest.mark.parametrize(
    "name", ["jdoe", "JDOE", "CORP\\jdoe", "jdoe@corp.example", JANE, "cn=jane doe, ou=staff, dc=corp, dc=example"]
)
def test_an_account_has_many_names(accounts, name):
    found = app.get_user(accounts, name)
    assert (found.user, found.found, found.name, found.dn) == (name, True, "jdoe", JANE)


def test_what_is_known_of_an_account(accounts):
    found = app.get_user(accounts, "jdoe")
    assert (found.enabled, found.locked, found.protected, found.groups) == (True, False, False, ["Domain Users", "VPN"])
    assert (found.email, found.department, found.title) == ("jdoe@corp.example", "Sales", "Agent")
    assert (found.last_logon_at, found.expires_at, found.created_at) == ("2023-12-30T12:00:00Z", None, "2024-01-01T08:00:00Z")


def test_an_unknown_account_is_an_answer_and_no_way_into_the_filter(accounts):
    assert app.get_user(accounts, "nobody").found is False
    assert app.get_user(accounts, "*").found is False
    assert app.get_user(accounts, "x)(objectClass=*").found is False
    assert app.get_user(accounts, "CN=VPN,OU=Staff,DC=corp,DC=example").found is False, "a group is no account"


def test_two_that_fit_are_none(directory, accounts):
    attributes(directory, "CN=Mary Roe,OU=Staff,DC=corp,DC=example")["mail"] = ["jdoe@corp.example"]
    with pytest.raises(ActionFailed, match="several"):
        app.disable_user(accounts, "jdoe@corp.example")


def test_disabling_changes_one_bit(directory, accounts):
    attributes(directory)["userAccountControl"] = ["66048"]
    change = app.disable_user(accounts, "jdoe")
    assert (change.user, change.enabled, change.previously_enabled, change.changed, change.dn) == ("jdoe", False, True, True, JANE)
    assert attributes(directory)["userAccountControl"] == ["66050"]
    assert app.disable_user(accounts, "jdoe").changed is False
    assert app.get_user(accounts, "jdoe").enabled is False
    back = app.enable_user(accounts, "jdoe")
    assert (back.enabled, back.previously_enabled, back.changed) == (True, False, True)
    assert attributes(directory)["userAccountControl"] == ["66048"]


def test_what_is_so_already_is_not_written(directory, accounts):
    app.enable_user(accounts, "jdoe")
    app.unlock_user(accounts, "jdoe")
    app.add_to_group(accounts, "jdoe", "VPN")
    app.remove_from_group(accounts, "jdoe", "Quarantined")
    assert "modify" not in directory.operations


def test_a_lock_is_taken_off_and_the_account_stays_as_it_is(directory, accounts):
    done = app.unlock_user(accounts, "lpoe")
    assert (done.previously_locked, done.locked, done.changed) == (True, False, True)
    assert attributes(directory, done.dn)["lockoutTime"] == ["0"]
    assert app.unlock_user(accounts, "mroe").changed is False
    assert app.get_user(accounts, "mroe").enabled is False


def test_a_password_is_set_and_has_to_be_changed(directory, accounts):
    done = app.reset_password(accounts, "jdoe", password='Grün & "quoted" 7', must_change=True)
    assert (done.changed, done.random, done.must_change) == (True, False, True)
    assert directory.state["passwords"][JANE] == 'Grün & "quoted" 7'
    assert attributes(directory)["pwdLastSet"] == ["0"]


def test_a_password_that_nobody_knows(directory, accounts):
    before = directory.state["passwords"][JANE]
    done = app.reset_password(accounts, "jdoe", must_change=False)
    after = directory.state["passwords"][JANE]
    assert (done.random, done.must_change) == (True, False)
    assert after != before and len(after) == app.RANDOM_LETTERS and after not in repr(done)


def test_the_policy_and_the_lack_of_tls_are_explained(directory, accounts):
    with pytest.raises(ActionFailed, match="policy allows, such as a longer"):
        app.reset_password(accounts, "jdoe", password="short")
    directory.state["password_without_tls"] = False
    with pytest.raises(ActionFailed, match=r"53 unwillingToPerform.*security is tls"):
        app.reset_password(accounts, "jdoe")


def test_membership(directory, accounts):
    done = app.add_to_group(accounts, "jdoe", "Quarantined")
    assert (done.user, done.group, done.member, done.changed) == ("jdoe", "Quarantined", True, True)
    assert [row.name for row in app.list_group_members(accounts, "Quarantined").data] == ["jdoe"]
    assert app.add_to_group(accounts, "jdoe", "Quarantined").changed is False
    assert app.remove_from_group(accounts, "jdoe", "Quarantined").changed is True
    assert app.list_group_members(accounts, "Quarantined").data == []
    with pytest.raises(ActionFailed, match="has no group 'Nowhere'"):
        app.add_to_group(accounts, "jdoe", "Nowhere")


def test_members_are_of_all_kinds_and_come_in_pages(directory, accounts, monkeypatch):
    monkeypatch.setattr(ldap_session, "PAGE", 2)
    assert [(row.name, row.kind) for row in app.list_group_members(accounts, "Domain Admins").data] == [
        ("deputy", "user"),
        ("Tier 0", "group"),
    ]
    assert len(app.list_group_members(accounts, "Domain Users").data) == 7
    few = app.list_group_members(accounts, "Domain Users", limit=3)
    assert (len(few.data), few.summary["more"]) == (3, True)


def test_searching_for_accounts(accounts):
    def names(**query):
        return [row.user for row in app.find_users(accounts, **query).data]

    assert names(query="oe") == ["jdoe", "mroe", "lpoe"]
    assert names(query="oe", state="disabled") == ["mroe"]
    assert names(state="locked") == ["lpoe"]
    assert names(query="oe", state="enabled") == ["jdoe", "lpoe"]
    assert len(names()) == 8
    assert app.find_users(accounts, limit=2).summary == {"users": 2, "more": True}
    assert names(query="*)(cn=*") == []


@pytest.mark.parametrize(
    ("user", "reason"),
    [
        ("krbtgt", "krbtgt off the setting protected_users"),
        ("responder", "the account of the asset"),
        ("boss", "Domain Admins off the setting protected_groups"),
        ("deputy", "Domain Admins off the setting protected_groups"),
    ],
)
def test_what_is_protected_stays(directory, accounts, user, reason):
    assert app.get_user(accounts, user).protected is True
    for action in (app.disable_user, app.reset_password):
        with pytest.raises(ActionFailed, match=f"is protected.*{reason}"):
            action(accounts, user)
    assert "modify" not in directory.operations


def test_nobody_becomes_an_administrator_and_those_who_are_can_be_taken_out(directory, accounts):
    with pytest.raises(ActionFailed, match="protected"):
        app.add_to_group(accounts, "jdoe", "Domain Admins")
    attributes(directory, "CN=Domain Admins,OU=Staff,DC=corp,DC=example")["member"].append(JANE)
    assert app.remove_from_group(accounts, "jdoe", "Domain Admins").changed is True
    with pytest.raises(ActionFailed, match="protected"):
        app.remove_from_group(accounts, "responder", "Domain Users")


def test_who_may_not_is_told(directory):
    with pytest.raises(ActionFailed, match=r"50 insufficientAccessRights.*right to do it"):
        app.disable_user(of(directory, user="reader@corp.example", password="Rea-demo-password"), "jdoe")


@pytest.mark.parametrize(
    ("user", "password", "said"),
    [
        ("responder@corp.example", "guess", "wrong password"),
        ("mroe@corp.example", "Mar-demo-password", "the account is disabled"),
        ("CORP\\lpoe", "Lou-demo-password", "the account is locked"),
        ("responder@corp.example", "", "set both"),
    ],
)
def test_why_the_account_is_not_let_in(directory, user, password, said):
    with pytest.raises(ActionFailed, match=said) as failure:
        app.get_user(of(directory, user=user, password=password), "jdoe")
    assert not failure.value.retry


def test_what_passes_may_be_tried_again(directory, accounts):
    directory.fault = "busy"
    with pytest.raises(ActionFailed, match="51 busy") as failure:
        app.get_user(accounts, "jdoe")
    assert failure.value.retry


def test_the_next_server_is_asked_where_the_first_is_down(directory):
    assert app.get_user(of(directory, hosts=["127.0.0.9", "127.0.0.1"]), "jdoe").found is True
    with pytest.raises(ActionFailed, match=r"127\.0\.0\.9:\d+ refuses the connection"):
        app.get_user(of(directory, hosts=["127.0.0.9"]), "jdoe")


def test_no_password_goes_over_the_network_in_the_clear(directory):
    with pytest.raises(ActionFailed, match="in the clear"):
        app.get_user(of(directory, hosts=["dc1.corp.example"]), "jdoe")


def test_a_base_that_is_not_there(directory):
    with pytest.raises(ActionFailed, match="correct base"):
        app.connectivity(of(directory, base="DC=other,DC=example"))
    with pytest.raises(ActionFailed, match=r"32 noSuchObject.*setting base"):
        app.get_user(of(directory, base="DC=other,DC=example"), "jdoe")
