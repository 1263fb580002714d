"""Apps that misbehave: one clear message, an honest outcome, and no process left over."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from repertory.runtime.kept import runs
from runtime_lab import processes_of, until

if TYPE_CHECKING:
    from runtime_lab import Lab

LOST = "the app's process"
SHOUT = """
import stat, threading
def shout(data, times=1):
    for number in range(3, 64):
        try:
            if stat.S_ISFIFO(os.fstat(number).st_mode):
                for _ in range(times):
                    os.write(number, data)
        except OSError:
            pass
    threading.Event().wait(20)

def close_all():
    for number in range(3, 64):
        try:
            os.close(number)
        except OSError:
            pass
    threading.Event().wait(20)
"""
# What the action does, what is said, and whether the action's effect is unknown then.
BAD = [
    ("raises", "1 / 0", "ZeroDivisionError: division by zero (app.py, line ", False),
    ("fails", "raise ActionFailed('quota used up')", "quota used up", False),
    ("exits", "sys.exit(3)", "called exit(3) (app.py, line ", False),
    ("exits hard", "os._exit(9)", f"{LOST} ended during the action (exit status 9)", True),
    ("kills itself", "os.kill(os.getpid(), signal.SIGKILL)", f"{LOST} ended during the action (signal 9)", True),
    ("hangs", "time.sleep(60)", "no answer within 0.4 s", True),
    ("does not end a line", "shout(b'x')", "no answer within 0.4 s", True),
    ("chatters", "shout(b'{\"op\": \"progress\", \"id\": \"x\"}\\n', 100)", "no answer within 0.4 s", True),
    ("writes garbage", "shout(b'garbage\\n')", f"{LOST} broke down during the action: a line that is not JSON: b'garbage'", True),
    ("asks for the unknown", "shout(b'{\"op\": \"fly\"}\\n')", f"{LOST} broke down during the action: an unknown message 'fly'", True),
    ("reads the unknown", "shout(b'{\"op\": \"read\"}\\n')", f"{LOST} broke down during the action: '' is not the hash", True),
    ("attaches nonsense", "shout(b'{\"op\": \"attach\"}\\n')",
     f"{LOST} broke down during the action: an attachment that cannot be kept", True),
    ("closes its pipe", "close_all()", f"{LOST} ended during the action", True),
    ("answers without status", "shout(RESULT + b'}\\n')", "the app returned something that is not a result: 'status'", False),
    ("answers a bad status", "shout(RESULT + b',\"status\":\"fine\"}\\n')",
     "the app returned something that is not a result: status: 'fine' is unknown", False),
    ("answers bad data", "shout(RESULT + b',\"status\":\"succeeded\",\"data\":[1]}\\n')",
     "the app returned something that is not a result: data[0]", False),
    ("answers infinity", "shout(RESULT + b',\"status\":\"succeeded\",\"data\":[{\"a\":1e999}]}\\n')",
     "the app returned something that is not a result: Out of range float values", False),
    ("wants a bad retry", "shout(RESULT + b',\"status\":\"failed\",\"retry\":true,\"retry_after_s\":\"x\"}\\n')",
     "the app returned something that is not a result: could not convert", False),
    ("answers half a surrogate", "shout(RESULT + b',\"status\":\"failed\",\"message\":\"a\\\\ud800\\\\u0000b\"}\\n')", "a\ufffd\ufffdb", False),
    ("returns an object", "return {'a': object()}", "the action returned something that JSON cannot say", False),
    ("returns NaN", "return {'a': float('nan')}", "the action returned something that JSON cannot say", False),
    ("returns 17 MB", "return {'a': 'x' * 17_000_000}", "the action returned 17 MB; at most 16 MB are kept", False),
]  # fmt: skip
CASES = [pytest.param(*bad[1:], id=bad[0]) for bad in BAD]


MORE = SHOUT + """
def misbehave(lab, job):
    \"\"\"Does what the test wrote down.\"\"\"
    note(lab, "misbehave")
    code = read(lab.log + ".code")
    scope = dict(globals(), lab=lab, RESULT=('{"op":"result","id":"%s"' % job.key.partition("/")[2]).encode())
    exec("def act():\\n" + "".join("    " + line + "\\n" for line in code.splitlines()), scope)
    return scope["act"]()

@app.action("misbehave once", type="generic")
def misbehave_once(lab: Lab, job: Job) -> dict:
    return misbehave(lab, job)

@app.action("misbehave", type="generic", idempotent=True)
def misbehave_again(lab: Lab, job: Job) -> dict:
    return misbehave(lab, job)
"""


PLAY = "return {'all': [[one.status, one.message] for one in play.act('%s', timeout=%s)]}"


def patience(message: str) -> float:
    """Short only where the message is about that: a busy machine is no reason to fail."""
    return 0.4 if message.startswith("no answer") else 20


def add_bad(lab: Lab, code: str) -> None:
    lab.add_lab(MORE)
    Path(f"{lab.effects}.code").write_text(code)


def no_process_is_left(lab: Lab) -> None:
    until(lambda: not processes_of(str(lab.settings.home.sdk)), "a process is left over")


@pytest.mark.parametrize(("code", "message", "unknown"), CASES)
def test_an_action_that_must_not_be_repeated_is_done_once(lab: Lab, code: str, message: str, unknown: bool) -> None:
    add_bad(lab, code)
    run = lab.run(PLAY % ("misbehave once", patience(message)))
    if unknown:
        assert run.state == "waiting"
        assert lab.open_prompt(run).kind == "in_doubt"
        assert lab.open_prompt(run).question.startswith(f"misbehave once no parameters on lab-1: {message}")
        assert [call.state for call in lab.calls(run)] == ["in_doubt"]
        lab.answer("it did not happen")
        run = lab.attempt(run.id)
    assert run.state == "succeeded"
    ((status, said),) = run.outputs["all"]
    assert status == "failed"
    assert said.startswith(message)
    assert "\n" not in said
    assert lab.happened() == ["misbehave"]
    no_process_is_left(lab)


@pytest.mark.parametrize(
    ("code", "message", "tries"),
    [
        ("os._exit(9)", f"{LOST} ended during the action (exit status 9)", 3),
        ("time.sleep(60)", "no answer within 0.4 s", 3),
        ("raise ActionFailed('busy', retry=True)", "busy", 3),
        ("raise ActionFailed('busy', retry_after_s=0.01)", "busy", 3),
        ("raise ActionFailed('no')", "no", 1),
        ("1 / 0", "ZeroDivisionError", 1),
    ],
)
def test_an_action_that_may_be_repeated_is_tried_again_where_that_helps(lab: Lab, code: str, message: str, tries: int) -> None:
    add_bad(lab, code)
    run = lab.run(PLAY % ("misbehave", patience(message)))
    ((status, said),) = run.outputs["all"]
    assert (status, said[: len(message)]) == ("failed", message)
    assert lab.happened() == ["misbehave"] * tries
    assert [call.tries for call in lab.calls(run)] == [tries]
    no_process_is_left(lab)


def test_the_second_try_may_succeed(lab: Lab) -> None:
    add_bad(lab, "if read(lab.log).count('misbehave') < 2: os._exit(1)\nreturn {'fine': True}")
    run = lab.run("return {'fine': play.act('misbehave').required().values('fine')}")
    assert run.outputs == {"fine": [True]}


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("raise ValueError('at import')", "the app cannot be loaded: ValueError: at import (app.py, line "),
        ("def (:", "the app cannot be loaded: SyntaxError: invalid syntax (app.py, line "),
        ("sys.exit(4)", "the app cannot be loaded: called exit(4) (app.py, line "),
        ("os._exit(5)", "the app's process ended while it was loaded (exit status 5)"),
        ("time.sleep(60)", "the app was not loaded within 1 s"),
    ],
)
def test_an_app_that_does_not_load_fails_its_actions(lab: Lab, code: str, message: str) -> None:
    item = lab.add_lab()
    source = (item.folder / "app.py").read_text()
    (item.folder / "app.py").write_text(f"{source}\n{code}\n")
    lab.limit(app_start_s=1.0)
    run = lab.run("return {'all': [[one.status, one.message] for one in play.act('count up', name=['a', 'b'])]}")
    assert run.state == "succeeded"
    for status, said in run.outputs["all"]:
        assert (status, said[: len(message)]) == ("failed", message)
    assert [call.tries for call in lab.calls(run)] == [0, 0]  # never begun: nothing is in doubt
    no_process_is_left(lab)


def test_an_app_that_prints_much_is_kept_short(lab: Lab) -> None:
    add_bad(lab, "print('x' * 3_000_000)")
    lab.limit(output_bytes=1000)
    run = lab.run("play.act('misbehave once').required()")
    assert run.state == "succeeded"
    (part,) = runs.output_of(lab.database, run.id)
    assert len(part.text) < 1100
    assert part.text.endswith("more bytes were dropped]")


def test_an_interpreter_that_is_missing_is_named(lab: Lab) -> None:
    from dataclasses import replace

    item = lab.add_lab()
    lab.library._seen[item.folder.name] = replace(item, python=lab.folder / "no-python")
    run = lab.run("return {'said': play.act('count up', name='a')[0].message}")
    assert run.outputs["said"] == f"{lab.folder / 'no-python'} cannot be started: No such file or directory"


def test_processes_of_an_app_end_with_it(lab: Lab) -> None:
    add_bad(lab, "import subprocess; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(300)', lab.log])")
    assert lab.run("play.act('misbehave once').required()").state == "succeeded"
    until(lambda: not processes_of(str(lab.effects)), "a process of the app is left over")


WHO = """
NAME = os.urandom(8).hex()  # in a namespace of its own, every app has the same process id

@app.action("who")
def who(lab: Lab) -> str:
    return NAME
"""


def app_processes(lab: Lab) -> list[int]:
    """Those of apps of this lab, with the walls around them."""
    found = []
    for pid in processes_of(str(lab.settings.home.sdk)):
        with suppress(OSError):
            if b"\0app\0" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
    return found


def test_an_app_with_nothing_to_do_is_ended_in_time_although_nobody_asks_for_another(lab: Lab) -> None:
    lab.add_lab(WHO)
    item = lab.add_playbook("return {'names': play.act('who').values('value')}")
    lab.limit(idle_worker_s=0.5)
    executor = lab.executor()
    for _ in range(2):  # once is not enough: the one that is started later is ended, too
        assert lab.attempt(lab.start(item), executor).outputs["names"]
        until(lambda: not app_processes(lab), "the app's process is ended")
    until(lambda: "idle apps" not in [thread.name for thread in threading.enumerate()], "nobody waits for nothing")
    executor.close()


def test_an_app_that_has_something_to_do_now_and_then_stays(lab: Lab) -> None:
    lab.add_lab(WHO)
    item = lab.add_playbook("return {'names': play.act('who').values('value')}")
    lab.limit(idle_worker_s=2.0)
    executor, names, began = lab.executor(), set[str](), time.monotonic()
    while time.monotonic() - began < 3.0:  # longer than any of them may be idle
        names.update(lab.attempt(lab.start(item), executor).outputs["names"])
    executor.close()
    assert len(names) == 1
    no_process_is_left(lab)
