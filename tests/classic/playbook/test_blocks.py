"""Blocks: who calls whom, when, with what; and what they leave behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from classic.playbook.pretend import Tool, failed, run, succeeded

ARGUMENTS = "action=None, success=None, container=None, results=None, handle=None, filtered_artifacts=None, filtered_results=None"


def feeds(parameters: dict[str, Any]) -> dict[str, Any]:
    """An app that has an answer for everything but one address."""
    if parameters.get("ip") == "bad":
        return failed("no such address")
    return succeeded({"verdict": "benign", "of": parameters.get("ip")}, total=1)


def tool(**more: Any) -> Tool:
    return Tool(actions={"ip reputation": feeds, "domain reputation": feeds}, **more)


def test_an_action_and_its_callback(tmp_path: Path) -> None:
    talk = tool()
    ended = run(
        tmp_path,
        f"""
        def on_start(container):
            parameters = [{{"ip": "a", "context": {{"artifact_id": 3}}}}, {{"ip": "bad"}}]
            phantom.act("IP Reputation", parameters=parameters, assets=["feeds-1"], name="ask_1", callback=after, handle="h")

        def after({ARGUMENTS}, custom_function=None, **kwargs):
            phantom.debug([success, handle, action["name"], container["id"], container["current_rule_run_id"]])
            phantom.debug(phantom.collect2(datapath=["ask_1:action_result.status", "ask_1:action_result.parameter.context.artifact_id"]))
            phantom.debug([results[0]["asset"], results[0]["status"], phantom.parse_success(results)])

        def on_finish(container, summary):
            phantom.debug("finished " + str(len(json.loads(summary)["result"])))
        """,
        talk,
    )
    assert (ended.op, ended.message) == ("done", "")
    assert ended.said == [
        "[True, 'h', 'ask_1', 9, 'r1']",
        "[['success', 3], ['failed', 0]]",
        "['feeds-1', 'success', [{'verdict': 'benign', 'of': 'a'}]]",
        "finished 1",
    ]
    (sent,) = talk.sent("act")
    assert (sent["action"], sent["assets"], sent["parameter_sets"]) == ("ip reputation", ["feeds-1"], [{"ip": "a"}, {"ip": "bad"}])


def test_callbacks_of_the_first_years(tmp_path: Path) -> None:
    ended = run(
        tmp_path,
        """
        def on_start(incident):
            phantom.act("ip reputation", parameters=[{"ip": ip} for ip in phantom.attacker_ips(incident)], callback=after)

        def after(action, success, incident, results, handle):
            phantom.debug(phantom.collect(results, "action_result.parameter.ip"))

        def on_finish(incident, summary):
            phantom.debug(type(summary).__name__)
        """,
        tool(),
    )
    assert ended.said == ["['192.0.2.9', '192.0.2.3']", "str"]


@pytest.mark.parametrize("late", [[], ["ip reputation"], ["domain reputation"]])
def test_a_join_waits_for_both_and_runs_once(tmp_path: Path, late: list[str]) -> None:
    ended = run(
        tmp_path,
        f"""
        def on_start(container):
            phantom.act("ip reputation", parameters=[{{"ip": "a"}}], name="one", callback=join)
            phantom.act("domain reputation", parameters=[{{"domain": "b"}}], name="two", callback=join)

        def join({ARGUMENTS}):
            if phantom.completed(action_names=["one", "two"]):
                together()

        def together({ARGUMENTS}):
            phantom.debug("together")
        """,
        tool(late=late),
    )
    assert ended.said == ["together"]


def test_a_join_of_the_first_arrival_runs_once(tmp_path: Path) -> None:
    ended = run(
        tmp_path,
        f"""
        def on_start(container):
            for name in ("one", "two"):
                phantom.act("ip reputation", parameters=[{{"ip": "a"}}], name=name, callback=join)

        def join({ARGUMENTS}):
            if phantom.get_run_data(key="called"):
                return
            phantom.save_run_data(key="called", value="x", auto=True)
            phantom.debug(["joined", phantom.completed(action_names=["one", "two"])])
        """,
        tool(),
    )
    assert ended.said == ["['joined', False]"]


def test_a_branch_that_was_not_taken_never_completes(tmp_path: Path) -> None:
    ended = run(
        tmp_path,
        f"""
        def on_start(container):
            phantom.act("ip reputation", parameters=[{{"ip": "a"}}], name="one", callback=join)

        def join({ARGUMENTS}):
            if phantom.actions_done(["one", "never"]):
                phantom.debug("joined")

        def on_finish(container, summary):
            phantom.debug("finished")
        """,
        tool(),
    )
    assert ended.said == ["finished"]


@pytest.mark.parametrize("parameters", ["[]", "None"])
def test_without_parameters_nothing_is_asked_and_the_callback_runs(tmp_path: Path, parameters: str) -> None:
    talk = tool()
    ended = run(
        tmp_path,
        f"""
        def on_start(container):
            phantom.act("ip reputation", parameters={parameters}, name="one", callback=after)

        def after({ARGUMENTS}):
            phantom.debug([success, phantom.completed(action_names=["one"]), phantom.collect2(datapath=["one:action_result.data"])])
        """,
        talk,
    )
    assert ended.said == ["[False, True, []]"]
    assert talk.sent("act") == []


def test_an_action_that_nobody_offers_fails_for_each_parameter(tmp_path: Path) -> None:
    ended = run(
        tmp_path,
        f"""
        def on_start(container):
            phantom.act("strange", parameters=[{{"a": 1}}, {{"a": 2}}], name="one", callback=after)

        def after({ARGUMENTS}):
            phantom.debug([success, phantom.collect2(datapath=["one:action_result.status", "one:action_result.message"])])
        """,
    )
    assert ended.said == ["[False, [['failed', 'nobody offers it'], ['failed', 'nobody offers it']]]"]


def test_custom_functions(tmp_path: Path) -> None:
    ended = run(
        tmp_path,
        f"""
        def on_start(container):
            phantom.custom_function(custom_function="community/double", parameters=[{{"value": 2}}, {{"value": None}}], name="d", callback=after)
            phantom.debug("first")

        def after({ARGUMENTS}, custom_function=None, **kwargs):
            phantom.debug([success, custom_function["custom_function"], phantom.collect2(datapath=["d:custom_function_result.data.item"])])
            phantom.debug([one["success"] for one in results])
            phantom.custom_function(custom_function="community/nowhere", parameters=[{{}}], name="n", callback=nowhere)

        def nowhere({ARGUMENTS}, **kwargs):
            phantom.debug([success, results[0]["message"]])
        """,
        functions={"double": "def double(value=None, **kwargs):\n    return {'item': value * 2}\n"},
    )
    assert ended.said[0] == "first"
    assert "[True, 'community/double', [[4], [None]]]" in ended.said
    assert "[True, False]" in ended.said
    assert ended.said[-1] == "[False, 'there is no custom function community/nowhere']"


def test_other_playbooks_with_inputs_and_outputs(tmp_path: Path) -> None:
    talk = Tool(children={"Child_One": {"o": [{"v": 1}, {"v": 2}]}, "broken": "it failed"})
    ended = run(
        tmp_path,
        f"""
        def on_start(container):
            number = phantom.playbook("local/Child One", container=container, name="c", callback=after, inputs={{"ip": ["a"]}})
            phantom.debug([isinstance(number, int), phantom.completed(playbook_names=["c"])])
            phantom.debug(phantom.requests.get(uri=phantom.build_phantom_rest_url("playbook_run", number)).json()["status"])

        def after({ARGUMENTS}, **kwargs):
            phantom.debug([success, phantom.collect2(datapath=["c:playbook_output:o.v"])])
            phantom.playbook("local/broken", container, name="b", callback=broken)

        def broken({ARGUMENTS}, **kwargs):
            phantom.debug([success, results[0]["status"]])

        def on_finish(container, summary):
            phantom.save_playbook_output_data(output={{"a": [1]}})
            phantom.save_playbook_output_data(output={{"b": None}})
        """,
        talk,
    )
    assert [line for line in ended.said if line.startswith("[")] == ["[True, False]", "[True, [[1], [2]]]", "[False, 'failed']"]
    assert "running" in ended.said
    assert ended.outputs == {"a": [1], "b": None}
    assert [(one["playbook"], one["event"], one["inputs"]) for one in talk.sent("run")] == [
        ("Child_One", 9, {"ip": ["a"]}), ("broken", 9, {}),
    ]  # fmt: skip


def test_questions_one_after_the_other(tmp_path: Path) -> None:
    talk = Tool(answers=["Yes", "2"])
    ended = run(
        tmp_path,
        f"""
        def on_start(container):
            types = [{{"prompt": "Sure?", "options": {{"type": "list", "choices": ["Yes", "No"]}}}},
                     {{"prompt": "How many?", "options": {{"type": "range", "min": 1, "max": 3}}}}]
            phantom.prompt2(user="soc", message="About {{0}}", name="p", parameters=["container:id"], respond_in_mins=30,
                            response_types=types, callback=after)

        def after({ARGUMENTS}):
            phantom.debug([success, phantom.collect2(datapath=["p:action_result.summary.responses.0", "p:action_result.summary.response"])])
            for wanted in (2, "2", 3):
                phantom.debug(phantom.decision(conditions=[["p:action_result.summary.responses.1", "==", wanted]]))
        """,
        talk,
    )
    assert ended.said == ["[True, [['Yes', 'Yes']]]", "True", "True", "False"]
    first, second = talk.sent("ask")
    assert (first["question"], first["options"], first["to"], first["within_s"]) == ("About 9\n\nSure?", ["Yes", "No"], "soc", 1800)
    assert second["options"] == []


def test_nobody_answers_in_time(tmp_path: Path) -> None:
    ended = run(
        tmp_path,
        f"""
        def on_start(container):
            phantom.prompt(user="soc", message="?", name="p", respond_in_mins=1, callback=after,
                           options={{"type": "list", "choices": ["Yes", "No"]}})

        def after({ARGUMENTS}):
            phantom.debug([success, phantom.decision(conditions=[["p:action_result.summary.responses.0", "==", "Yes"]])])
        """,
        Tool(answers=[None]),
    )
    assert ended.said == ["[False, False]"]


@pytest.mark.parametrize(("wanted", "runs"), [("never", 3), ("benign", 1)])
def test_a_loop_ends_by_count_or_by_condition(tmp_path: Path, wanted: str, runs: int) -> None:
    talk = tool()
    ended = run(
        tmp_path,
        f"""
        def on_start(container):
            look()

        def look({ARGUMENTS}, loop_state_json=None, **kwargs):
            state = {{"current_iteration": 1, "max_iterations": 3, "delay_time": 5,
                      "conditions": [["look_1:action_result.data.*.verdict", "==", "{wanted}"]]}}
            state = phantom.LoopState(state=loop_state_json or state)
            phantom.act("ip reputation", parameters=[{{"ip": "a"}}], name="look_1", callback=again, loop_state=state.to_json())

        def again({ARGUMENTS}, loop_state_json=None, **kwargs):
            state = phantom.LoopState(state=loop_state_json)
            if state.should_continue(container=container, results=results):
                state.increment()
                look(loop_state_json=state.to_json())
        """,
        talk,
    )
    assert ended.op == "done"
    assert len(talk.sent("act")) == runs
    assert [one["seconds"] for one in talk.sent("sleep")] == [5.0] * (runs - 1)


def test_an_exception_ends_the_run_and_names_its_block(tmp_path: Path) -> None:
    ended = run(
        tmp_path,
        f"""
        def on_start(container):
            phantom.act("ip reputation", parameters=[{{"ip": "a"}}], name="one", callback=after)
            phantom.act("ip reputation", parameters=[{{"ip": "b"}}], name="two", callback=later)

        def after({ARGUMENTS}):
            helper()

        def helper():
            raise ValueError("no such thing")

        def later({ARGUMENTS}):
            phantom.debug("later")

        def on_finish(container, summary):
            phantom.debug("finished")
        """,
        tool(),
    )
    assert (ended.op, ended.message) == ("failed", "block helper: ValueError: no such thing")
    assert not {"later", "finished"} & set(ended.said)
    assert any("Traceback" in line for line in ended.said)


def test_a_name_that_the_api_does_not_have(tmp_path: Path) -> None:
    ended = run(tmp_path, "def on_start(container):\n    phantom.no_such_thing()\n")
    assert ended.op == "failed"
    assert "block on_start: AttributeError: phantom.rules has no 'no_such_thing', which look uses" in ended.message


@pytest.mark.parametrize(("code", "message"), [("x = (", "cannot be loaded"), ("import nowhere_at_all", "cannot be loaded"), ("", "has no on_start")])
def test_what_cannot_be_started(tmp_path: Path, code: str, message: str) -> None:
    ended = run(tmp_path, code)
    assert ended.op == "failed"
    assert message in ended.message


def test_changes_of_the_container(tmp_path: Path) -> None:
    talk = Tool()
    ended = run(
        tmp_path,
        """
        def on_start(container):
            phantom.set_severity(container, "HIGH")
            phantom.set_status(container=container, status="Resolved")
            phantom.set_owner(container, user="eve")
            phantom.promote(container=container, template="x")
            phantom.add_tags(container, ["a"])
            phantom.update(container, {"custom_fields": {"x": 1}})
            phantom.debug([container["status"], container["custom_fields"], phantom.get_container(container)["tags"]])
            phantom.deescalate(container)
            phantom.debug(phantom.add_artifact(container=container, cef_data={"src": "b"}, label="l", name="n", severity="strange"))
            phantom.debug(phantom.collect2(datapath=["artifact:*.id"]))
            phantom.debug(phantom.add_note(container=container, title="T", content="C")[0])
            phantom.comment(comment=7)
            ok, _, number = phantom.pin(container=container, message="M", data="D", name="p")
            phantom.debug([phantom.update_pin(number, message="N")[0], phantom.delete_pin(number)[0], phantom.update_pin(number)[0]])
            phantom.debug(phantom.get_container(77))
        """,
        talk,
    )
    assert ended.said == [
        "['resolved', {'x': 1}, ['a']]", "(True, 'artifact added', 100)", "[[1], [2], [3], [100]]", "True", "[True, True, False]", "None",
    ]  # fmt: skip
    assert [one["changes"] for one in talk.recorded("update_event")] == [
        {"severity": "high"}, {"status": "closed"}, {"owner": "eve"}, {"case": True}, {"tags": ["a"]}, {"severity": "medium"},
    ]  # fmt: skip
    assert [one["title"] for one in talk.recorded("add_note")] == ["T", "Comment", "Pinned: M"]


def test_lists_and_what_is_kept(tmp_path: Path) -> None:
    talk = Tool(lists={"nets": [["192.0.2.0/24", "lab"], ["198.51.100.0/24", "dmz"]]})
    ended = run(
        tmp_path,
        """
        def on_start(container):
            phantom.debug(phantom.get_list(list_name="nets"))
            phantom.debug(phantom.get_list("none"))
            phantom.debug(phantom.check_list(list_name="nets", value="LAB"))
            phantom.datastore_set("flat", ["a", "b"])
            phantom.debug([phantom.datastore_get("flat"), phantom.get_list("flat")[2], phantom.datastore_present("flat", "b", 0)])
            phantom.debug(phantom.decision(conditions=[["a", "in", "custom_list:flat"]]))
            phantom.debug(phantom.delete_from_list("nets", "lab", remove_row=True))
            phantom.debug([phantom.get_run_data(key="no"), phantom.get_data("no"), phantom.get_object(key="no"), phantom.get_format_data("no")])
            phantom.save_data({"pin": 3}, "mine")
            phantom.save_object(key="k", value={"v": 1}, container_id=9)
            phantom.debug([phantom.get_data("mine", clear_data=True), phantom.get_data("mine")])
            phantom.debug([one["value"] for one in phantom.get_object(key="k", container_id=9)])
        """,
        talk,
    )
    assert ended.said == [
        "(True, 'list found', [['192.0.2.0/24', 'lab'], ['198.51.100.0/24', 'dmz']])",
        "(False, 'there is no list none', [])", "(True, '', 1)", "[['a', 'b'], [['a'], ['b']], {'matches': [{'index': 1}]}]", "True",
        "(True, '1 deleted')", "['', None, [], None]", "[{'pin': 3}, None]", "[{'v': 1}]",
    ]  # fmt: skip
    assert talk.lists["nets"] == [["198.51.100.0/24", "dmz"]]


def test_files_by_way_of_the_vault(tmp_path: Path) -> None:
    talk = Tool()
    ended = run(
        tmp_path,
        """
        def on_start(container):
            with open("/opt/phantom/vault/tmp/report.txt", "w") as stream:
                stream.write("content")
            ok, message, vault_id = phantom.vault_add(container, "/opt/phantom/vault/tmp/report.txt", "report.txt")
            found = phantom.vault_info(vault_id=vault_id)
            phantom.debug([ok, found[0], found[2][0]["metadata"]["sha256"] == vault_id, phantom.vault_info(vault_id="0")[2]])
        """,
        talk,
    )
    assert ended.said == ["[True, True, True, []]"]
    (kept,) = talk.recorded("attach")
    assert (kept["name"], kept["content"]) == ("report.txt", "Y29udGVudA==")


def test_one_path_that_is_in_no_list_gives_its_values(tmp_path: Path) -> None:
    """As the only public playbook reads it that asks so: ``set(phantom.collect2(datapath="..."))``."""
    ended = run(
        tmp_path,
        """
        def on_start(container):
            phantom.debug(phantom.collect2(container=container, datapath="artifact:*.id"))
            phantom.debug(phantom.collect2(datapath="nothing_1:action_result.data.*.x"))
        """,
    )
    assert ended.said == ["[1, 2, 3]", "[]"]


def test_samples_of_sets_are_the_same_in_every_process(tmp_path: Path) -> None:
    code = """
        import random

        def on_start(container):
            phantom.debug(random.sample(set(["red", "white", "blue"]), 2))
            phantom.debug([one["update_time"] for one in phantom.collect(container, "artifacts:*", scope="all")])
    """
    first, second = run(tmp_path, code), run(tmp_path, code)

    assert (first.op, first.said) == ("done", second.said)
    assert first.said[1] == "['', '', '']"


def test_small_functions(tmp_path: Path) -> None:
    ended = run(
        tmp_path,
        """
        def helper(container=container):
            return container["id"]

        @phantom.playbook_block()
        def on_start(container):
            phantom.debug([helper(), phantom.get_playbook_info()[0]["name"], phantom.get_current_container_id_()])
            phantom.debug(phantom.concatenate([1], None, "a", [1], dedup=True))
            phantom.debug([phantom.address_in_network("192.0.2.1", "192.0.2.0/24"), phantom.address_in_network("x", "y")])
            phantom.debug([phantom.valid_ip("::1"), phantom.is_ip("::1"), phantom.valid_net("192.0.2.1"), phantom.valid_net("192.0.2.0/24")])
            phantom.debug([phantom.victim_ips(container), phantom.get_raw_data(container), len(phantom.get_artifacts(container))])
            phantom.debug(phantom.collect_from_contains(contains=["host name"]))
            phantom.format(template="%%\\n{0}\\n%%", parameters=["artifact:*.id"], name="f")
            phantom.debug([phantom.get_format_data(name="f"), phantom.get_format_data(name="f__as_list")])
        """,
    )
    assert ended.said == [
        "[9, 'look', 9]", "[1, 'a']", "[True, False]", "[False, True, False, True]", "[[], '{}', 3]", "['a']",
        "['1\\n2\\n3', ['1', '2', '3']]",
    ]  # fmt: skip
