"""Playbooks that misbehave: one clear message, an ended run, and no process left over."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from repertory.runtime.kept import runs
from repertory.runtime.processes.playbook_process import KILLED
from runtime_lab import content_processes, processes_of, until

if TYPE_CHECKING:
    from runtime_lab import Lab

ENDED = "the playbook's process ended before it was done"
# The descriptors of the pipe: found by trying, as a hostile playbook would.
PIPES = """
import os, stat
def pipes():
    found = []
    for number in range(3, 64):
        try:
            if stat.S_ISFIFO(os.fstat(number).st_mode):
                found.append(number)
        except OSError:
            pass
    return found
def shout(data):
    for number in pipes():
        try:
            os.write(number, data)
        except OSError:
            pass
    while True:
        pass
"""
BAD = [
    ("raises in the middle", "", "play.log('x')\n1 / 0", "ZeroDivisionError: division by zero (playbook.py, line 6)"),
    ("raises at import", "raise ValueError('at import')", "pass",
     "the playbook cannot be loaded: ValueError: at import (playbook.py, line 2)"),
    ("syntax error", "def (:", "pass", "the playbook cannot be loaded: SyntaxError: invalid syntax (playbook.py, line 2)"),
    ("exit at import", "import sys; sys.exit(3)", "pass", "the playbook cannot be loaded: called exit(3) (playbook.py, line 2)"),
    ("exit", "import sys", "sys.exit('bye')", "called exit('bye') (playbook.py, line 5)"),
    ("hard exit", "import os", "os._exit(9)", f"{ENDED} (exit status 9)"),
    ("hard exit 0", "import os", "os._exit(0)", f"{ENDED} (exit status 0)"),
    ("crashes", "import os, signal", "os.kill(os.getpid(), signal.SIGSEGV)", f"{ENDED} (signal 11)"),
    ("returns a list", "", "return [1]", "a playbook returns its outputs as a dictionary, not list"),
    ("returns an object", "", "return {'a': object()}", "the outputs cannot be kept: "),
    ("returns NaN", "", "return {'a': float('nan')}", "the outputs cannot be kept: "),
    ("returns itself", "", "a = {}\na['a'] = a\nreturn a", "the outputs cannot be kept: "),
    ("returns 100 MB", "", "return {'a': 'x' * 100_000_000}", "the outputs have 100 MB; at most 16 MB are kept"),
    ("asks for 100 MB", "", "play.log('x' * 100_000_000)", "record: at most 32 MB can be passed at once"),
    ("passes an object", "", "play.act('a', b=object())", "act: only JSON values can be passed"),
    ("passes half a surrogate", "", "play.log('\\ud800')", "record: only JSON values can be passed"),
    ("writes garbage", PIPES, "shout(b'garbage\\n')", "the playbook's process sent a line that is not JSON: b'garbage'"),
    ("writes a number", PIPES, "shout(b'1\\n')", "the playbook's process sent a line that is not a message: b'1'"),
    ("writes NaN", PIPES, "shout(b'{\"op\": \"act\", \"key\": NaN}\\n')", "the playbook's process sent a line that is not JSON"),
    ("asks for nonsense", PIPES, "shout(b'{\"op\": \"fly\"}\\n')", "the playbook's process sent an unknown request 'fly'"),
    ("asks badly", PIPES, "shout(b'{\"op\": \"act\", \"key\": \"1\"}\\n')", "the playbook's process sent a malformed 'act'"),
    ("has no key", PIPES, "shout(b'{\"op\": \"act\", \"key\": 1}\\n')", "the playbook's process sent a malformed 'act'"),
    ("records the unknown", PIPES, "shout(b'{\"op\":\"record\",\"key\":\"1\",\"what\":\"x\",\"arguments\":{}}\\n'*2)",
     "two requests have the key 1"),
    ("never ends a line", PIPES, "shout(b'x' * 40_000_000)", "the playbook's process sent a line of more than"),
    ("waits for nothing", PIPES, "shout(b'{\"op\": \"idle\", \"seen\": 0}\\n')", "the playbook waits for something that nobody owes it"),
    ("uses threads around play", "import threading",
     "one = threading.Thread(target=lambda: play.act('a'))\none.start()\none.join()\nplay.act('b')",
     "two requests have the key 1: use play.parallel, not threads, around play"),
]  # fmt: skip


@pytest.fixture
def lab(lab: Lab) -> Lab:
    """With a template of its own, so that its forks can be told from others."""
    lab.template = None
    return lab


def no_playbook_is_left(lab: Lab) -> None:
    """Only the template of the executor may live until it is closed; forks look just like it."""
    until(lambda: len(content_processes(lab)) <= 1, "a playbook's process is left over")


@pytest.mark.parametrize(("header", "body", "message"), [bad[1:] for bad in BAD], ids=[bad[0] for bad in BAD])
def test_a_bad_playbook_fails_with_a_reason(lab: Lab, header: str, body: str, message: str) -> None:
    lab.limit(playbook_cpu_s=20)
    executor = lab.executor()
    try:
        run = lab.attempt(lab.start(lab.add_playbook(body, header=header)), executor)
        assert run.state == "failed"
        assert run.message.startswith(message)
        assert "\n" not in run.message
        assert len(run.message) < 300
        no_playbook_is_left(lab)
    finally:
        executor.close()
    assert processes_of(str(lab.settings.home.sdk)) == []


def test_an_endless_loop_ends_with_its_processor_time(lab: Lab) -> None:
    lab.limit(playbook_cpu_s=1)
    run = lab.run("while True:\n    pass")
    assert (run.state, run.message) == ("failed", "the playbook's process used more processor time than it may (an endless loop?)")


def test_a_killed_process_is_replaced_and_the_run_goes_on(lab: Lab, tmp_path: Path) -> None:
    lab.unconfine()
    lab.add_lab()
    mark = tmp_path / "killed once"
    run = lab.run(
        f"""
        play.act("block ip", ip="192.0.2.1", asset="lab-1")
        if not os.path.exists({str(mark)!r}):
            play.act("ip reputation", ip="192.0.2.1").required()
            open({str(mark)!r}, "w").close()
            os.kill(os.getpid(), signal.SIGKILL)
        play.act("ip reputation", ip="192.0.2.1").required()
        """,
        header="import os, signal",
        answers={"approval": "approve"},
    )
    assert run.state == "queued"
    assert lab.attempt(run.id).state == "succeeded"
    assert lab.happened().count("block 192.0.2.1") == 1
    assert [row.outcome for row in runs.attempts_of(lab.database, run.id)] == ["process killed", "succeeded"]


def test_a_process_that_is_killed_again_and_again_fails_its_run(lab: Lab) -> None:
    run = lab.run("os.kill(os.getpid(), signal.SIGKILL)", header="import os, signal")
    for _ in range(lab.settings.limits.restarts):
        assert run.state == "queued"
        run = lab.attempt(run.id)
    assert run.state == "failed"
    assert run.message.startswith("the playbook's process was killed, again and again")


def test_an_endless_wait_ends_with_the_patience_of_the_tool(lab: Lab) -> None:
    lab.limit(playbook_silence_s=0.3)
    run = lab.run("import threading\nthreading.Event().wait()")
    assert (run.state, run.message) == ("failed", "the playbook was busy with itself for 0.3 s (an endless loop?)")


def test_waiting_for_an_action_is_not_silence(lab: Lab) -> None:
    """Longer than the patience for the action, then shorter than it without a request."""
    lab.add_lab("""
        @app.action("take a while")
        def take_a_while(lab: Lab) -> None:
            time.sleep(1.2)
        """)
    lab.limit(playbook_silence_s=1.0)
    run = lab.run("import time\nplay.act('take a while').required()\ntime.sleep(0.5)\nplay.log('on')")
    assert (run.state, run.message) == ("succeeded", "")


@pytest.mark.parametrize("number", [0, 1])
def test_closing_the_pipe_ends_the_run(lab: Lab, number: int) -> None:
    run = lab.run(
        f"for fd in pipes()[{number}:]:\n    os.close(fd)\nimport threading\nthreading.Event().wait(30)", header=PIPES
    )
    assert run.state == "failed"
    assert run.message.startswith(("the playbook's process closed its pipe", ENDED)), run.message


def test_processes_of_a_playbook_end_with_it(lab: Lab) -> None:
    marker = f"lingering{os.getpid()}"
    lab.unconfine()  # else it could start none
    run = lab.run(
        f"""
        import os, subprocess, sys
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)", {marker!r}])
        if os.fork() == 0:
            import time
            time.sleep(300)
        """
    )
    assert (run.state, run.message) == ("succeeded", "")
    until(lambda: not processes_of(marker), "a process of the playbook is left over")
    until(lambda: not processes_of(str(lab.settings.home.sdk)), "a fork of the playbook is left over")


def template_of(pid: int) -> int:
    """The parent of a playbook's process."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_runs_whose_template_is_killed_go_on_in_another_attempt(lab: Lab) -> None:
    """Whatever they did is kept; that their process is gone is not their fault."""
    lab.unconfine()
    lab.add_lab()
    executor, started = lab.executor(), lab.folder / "started"
    started.mkdir()
    body = f"""
    import os, time
    play.act("count up", name=play.run_id).required()
    path = os.path.join({str(started)!r}, play.run_id)
    if not os.path.exists(path):
        open(path, "w").write(str(os.getpid()))
        while True:
            time.sleep(1)
    return {{"pid": os.getpid()}}
    """
    item = lab.add_playbook(body)
    ids = [lab.start(item) for _ in range(3)]
    threads = [threading.Thread(target=executor.attempt, args=(run_id, 1)) for run_id in ids]
    for thread in threads:
        thread.start()
    pids = [int(until(lambda run_id=run_id: (started / run_id).exists() and (started / run_id).read_text())) for run_id in ids]
    os.kill(template_of(pids[0]), signal.SIGKILL)
    for thread in threads:
        thread.join(20)
    found = [runs.find_run(lab.database, run_id) for run_id in ids]
    assert [(run.state, run.attempt, run.message) for run in found] == [("queued", 2, "")] * 3
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), "a playbook's process is left over")
    assert [lab.attempt(run_id, executor).state for run_id in ids] == ["succeeded"] * 3
    assert [row.outcome for row in runs.attempts_of(lab.database, ids[0])] == ["process killed", "succeeded"]
    assert len(lab.happened()) == len(set(lab.happened())) == 3
    executor.close()
    assert processes_of(str(lab.settings.home.sdk)) == []


def test_a_run_that_is_being_forked_when_the_template_is_killed_begins_anyway(lab: Lab) -> None:
    lab.unconfine()
    executor = lab.executor()
    first = lab.attempt(lab.start(lab.add_playbook("import os\nreturn {'template': os.getppid()}")), executor)
    template = int(first.outputs["template"])
    os.kill(template, signal.SIGSTOP)  # it is asked to fork, and does not answer
    run_id = lab.start(lab.add_playbook("import os\nreturn {'template': os.getppid()}"))
    thread = threading.Thread(target=executor.attempt, args=(run_id, 1))
    thread.start()
    until(executor._template._lock.locked, "the template is being asked")
    began = time.monotonic()
    os.kill(template, signal.SIGKILL)
    thread.join(20)
    assert time.monotonic() - began < 15, "nobody noticed that the template had ended"
    run = runs.find_run(lab.database, run_id)
    assert run.state == "succeeded", run.message
    assert run.outputs["template"] != template
    executor.close()


def test_a_playbook_that_kills_its_template_does_not_do_so_for_ever(lab: Lab) -> None:
    lab.unconfine()  # else it could not see its template
    executor = lab.executor()
    try:
        item = lab.add_playbook("import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\nwhile True:\n    pass")
        run = lab.attempt(lab.start(item), executor)
        for _ in range(lab.settings.limits.restarts):
            assert run.state == "queued"
            run = lab.attempt(run.id, executor)
        assert (run.state, run.message) == ("failed", KILLED)
        no_playbook_is_left(lab)
        fine = lab.attempt(lab.start(lab.add_playbook("return {'a': 1}", name="fine")), executor)
        assert fine.outputs == {"a": 1}
    finally:
        executor.close()
    assert processes_of(str(lab.settings.home.sdk)) == []


def test_a_process_that_is_killed_in_the_middle_of_a_message_was_killed(lab: Lab) -> None:
    run = lab.run("os.write(pipes()[1], b'{\"op\": \"act\"')\nos.kill(os.getpid(), signal.SIGKILL)", header=PIPES + "\nimport signal")
    assert (run.state, run.message) == ("queued", "")


def test_results_that_are_too_much_together_are_an_error_to_catch(lab: Lab) -> None:
    lab.add_lab("""
        @app.action("much")
        def much(lab: Lab, what: str) -> dict:
            return {"much": what * 12_000_000}
        """)
    run = lab.run("""
        try:
            play.act("much", what=["a", "b", "c"]).required()
        except PlaybookError as error:
            return {"said": str(error)}
        """)
    assert run.outputs == {"said": "too much to pass to the playbook: 36 MB; at most 32 MB can be passed at once"}
    assert [call.state for call in lab.calls(run)] == ["succeeded"] * 3


def test_a_playbook_whose_code_is_gone_cannot_go_on(lab: Lab) -> None:
    item = lab.add_playbook("pass")
    run_id = lab.start(item)
    (item.folder / "item.json").unlink()
    lab.library._seen.clear()
    run = lab.attempt(run_id)
    assert (run.state, run.message) == ("failed", f"test/play {item.hash[:8]} is gone")


def test_a_mistake_of_our_own_ends_the_run_too(lab: Lab, capfd: pytest.CaptureFixture[str]) -> None:
    run_id = lab.start(lab.add_playbook("pass"))
    lab.database.query("update run set snapshot = '{\"name\": 1}', inputs = '[1]' where id = ?", run_id)
    run = lab.attempt(run_id)
    assert run.state == "failed"
    assert run.message.startswith("an error in Repertory itself: ")
    assert "Traceback" in capfd.readouterr().err


def test_killing_the_playbook_from_outside_leaves_the_run_to_another_attempt(lab: Lab) -> None:
    lab.unconfine()
    lab.add_lab()
    started = lab.folder / "pid"
    body = f"import os, time\nopen({str(started)!r}, 'w').write(str(os.getpid()))\nwhile True:\n    time.sleep(1)"
    run_id = lab.start(lab.add_playbook(body))
    thread = threading.Thread(target=lab.attempt, args=(run_id,))
    thread.start()
    pid = int(until(lambda: started.exists() and started.read_text()))
    os.kill(pid, signal.SIGKILL)
    thread.join(20)
    assert runs.find_run(lab.database, run_id).state == "queued"
