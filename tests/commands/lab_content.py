"""Content for a user's session: an app whose actions do what real ones do at their worst, and small playbooks."""

from __future__ import annotations

from pathlib import Path

from far_files import PRELUDE
from repertory.home import Home
from repertory.runtime.processes.author import describe

APP = '''
from __future__ import annotations
import os, time
from typing import Optional
from repertory_sdk import *

@@PRELUDE@@

app = App("lab", version="1.0.0", product="Lab", vendor="Tests", concurrency=2, hosts=["${asset.folder}"])

@app.asset
class Lab(Asset):
    folder: str = setting("Folder in which effects are noted")
    rate: int = setting("A number", default=1)
    token: Optional[Secret] = setting("Token", default=None)

def note(lab, what):
    append(lab.folder + "/effects.log", what + "\\n")

@app.result
class Verdict:
    verdict: str

@app.action("test connectivity")
def test_connectivity(lab: Lab) -> str:
    """Can the folder be written?"""
    return "the folder is there" if exists(lab.folder) else "no folder"

@app.action("check ip")
def check_ip(lab: Lab, ip: str = param("Address", contains="ip")) -> Verdict:
    """Look an address up."""
    note(lab, f"check {ip}")
    return Verdict(verdict="malicious" if ip.endswith("6") else "benign")

@app.action("compare")
def compare(lab: Lab, left: str, right: str) -> Verdict:
    """Two values."""
    return Verdict(verdict="same" if left == right else "different")

@app.action("read token")
def read_token(lab: Lab) -> Verdict:
    """Use the secret."""
    note(lab, f"token of {len(lab.token or '')} characters")
    return Verdict(verdict="used")

@app.action("isolate host", type="contain")
def isolate_host(lab: Lab, host: str) -> Verdict:
    """Isolate."""
    note(lab, f"isolate {host}")
    return Verdict(verdict="isolated")

@app.action("count", type="generic")
def count(lab: Lab, name: str, job: Job) -> Verdict:
    """Note an effect, then wait until the file ``go`` is there."""
    note(lab, f"count {name}")
    job.progress("half way", 0.5)
    wait_for(lab.folder + "/go")
    return Verdict(verdict="counted")

@app.action("fail")
def fail(lab: Lab) -> Verdict:
    """Never succeeds."""
    raise ActionFailed("no answer from lab.example within 10 s")

@app.action("crash")
def crash(lab: Lab) -> Verdict:
    """The process dies."""
    os._exit(9)

@app.action("speak")
def speak(lab: Lab) -> Verdict:
    """What a hostile server answers."""
    return Verdict(verdict="\\x1b]0;owned\\x07\\x1b[2Jred \\u202eder")
'''.replace("@@PRELUDE@@", PRELUDE)

VAULT = """
from repertory_sdk import *

app = App("vault", version="1.0.0")

@app.asset
class Vault(Asset):
    password: Secret = setting("The vault's password")

@app.action("open vault")
def open_vault(vault: Vault) -> int:
    \"\"\"How long is the password?\"\"\"
    return len(vault.password)
"""

PLAYBOOKS = {
    "triage": """
        found = play.act("check ip", ip=event.values("sourceAddress"))
        play.note("Findings", play.table(found.rows("ip", "verdict"), columns=["address", "verdict"]))
        return {"verdicts": found.values("verdict")}
    """,
    "decide": """
        play.act("check ip", ip=event.values("sourceAddress"))
        answer = play.ask("Escalate this?", options=["escalate", "not now"], to="soc")
        play.log(f"answered {answer}")
        return {"decision": str(answer)}
    """,
    "wonder": """
        return {"said": str(play.ask("What is it?"))}
    """,
    "contain": """
        done = play.act("isolate host", host=event.values("sourceHostName"))
        return {"isolated": len(done.succeeded)}
    """,
    "long_way": """
        play.act("count", name="first")
        play.act("check ip", ip=event.values("sourceAddress"))
    """,
    "parent": """
        play.act("check ip", ip=event.values("sourceAddress"))
        return play.run("decide")
    """,
    "broken": """
        raise ValueError("this playbook has a mistake")
    """,
    "worst": """
        play.act("fail")
        play.act("crash")
        play.act("speak")
        play.note("\\x1b[31mred", "|not a table\\x1b[2J")
    """,
}
INPUTS = '''
from __future__ import annotations

from repertory_sdk import Event, Play, playbook


@playbook(version="1.0.0")
def with_inputs(event: Event, play: Play, *, threshold: int, mode: str = "fast") -> dict[str, object]:
    """A playbook with inputs."""
    return {"threshold": threshold, "mode": mode}
'''


def playbook_source(name: str, body: str) -> str:
    lines = "\n".join(f"    {line.strip() and line[8:]}".rstrip() for line in body.strip("\n").split("\n"))
    return (
        "from repertory_sdk import Event, Play, playbook\n\n\n"
        f'@playbook(version="1.0.0", labels=["test"])\ndef {name}(event: Event, play: Play):\n    """Test: {name}."""\n{lines}\n'
    )


def write_lab(folder: Path, scratch: Path) -> None:
    """The lab's repository, with manifests made from the code as authors make them."""
    sources = {f"playbooks/{name}/playbook.py": playbook_source(name, body) for name, body in PLAYBOOKS.items()}
    for path, source in {"apps/lab/app.py": APP, "apps/vault/app.py": VAULT, "playbooks/with_inputs/playbook.py": INPUTS, **sources}.items():
        file = folder / path
        file.parent.mkdir(parents=True)
        file.write_text(source)
        manifest = "app.json" if file.name == "app.py" else "playbook.json"
        (file.parent / manifest).write_text(describe(Home(scratch), file.parent))
