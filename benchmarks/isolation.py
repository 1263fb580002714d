"""What isolation costs: each figure at the strongest level, against the same without walls in the same run.

    python -m benchmarks.isolation [--json]

The demo is a whole process, as a person starts it. An environment is built as an installation builds it: with bytecode, and on the
disk when it returns. The server for the figures of the network is a process of its own that answers from memory at once.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import venv
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import requests

from benchmarks.lab import Figure, make_lab, memory_mb, report
from repertory.commands._session import HomeLibrary
from repertory.content.environments.environments import lock_requirements, provide_environment
from repertory.home import Home
from repertory.runtime.processes.app_workers import AppWorker, Asides, WorkerKind
from repertory.runtime.sandbox.confinement import LEVELS, Confinement, HostRule
from repertory.runtime.sandbox.launch import Sandbox
from repertory.runtime.sandbox.probing import offers, try_level

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.lab import Lab
    from repertory.runtime.sandbox.confinement import Level

STARTS, ACTIONS, WORKERS, ROUNDS = 20, 400, 8, 5
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 1024\r\n\r\n" + b"x" * 1024
REQUESTED = ["dnspython==2.7.0", "requests==2.32.3"]
KEEP_ALIVE = """
import sys, time
sys.path.insert(0, sys.argv[2])
import requests
session = requests.Session()
session.trust_env = False
def get():
    session.get("http://127.0.0.1:" + sys.argv[1]).content
for _ in range(100):
    get()
began = time.perf_counter()
for _ in range(1000):
    get()
print(time.perf_counter() - began)
"""
BARE_KEEP_ALIVE = """
import socket, sys, time
connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
def get():
    connection.sendall(b"GET / HTTP/1.1\\r\\nHost: here\\r\\n\\r\\n")
    left = 1024 + len(b"HTTP/1.1 200 OK\\r\\nContent-Length: 1024\\r\\n\\r\\n")
    while left:
        left -= len(connection.recv(left))
for _ in range(100):
    get()
began = time.perf_counter()
for _ in range(1000):
    get()
print(time.perf_counter() - began)
"""
PARALLEL = """
import sys, time
from concurrent.futures import ThreadPoolExecutor
sys.path.insert(0, sys.argv[2])
import requests
def client(_):
    session = requests.Session()
    session.trust_env = False
    for _ in range(20):
        session.get("http://127.0.0.1:" + sys.argv[1]).content
def all_of_them():
    with ThreadPoolExecutor(50) as pool:
        list(pool.map(client, range(50)))
all_of_them()
began = time.perf_counter()
all_of_them()
print(time.perf_counter() - began)
"""
BARE_PARALLEL = """
import asyncio, sys, time
async def client():
    reader, writer = await asyncio.open_connection("127.0.0.1", int(sys.argv[1]))
    for _ in range(40):
        writer.write(b"GET / HTTP/1.1\\r\\nHost: here\\r\\n\\r\\n")
        await reader.readuntil(b"\\r\\n\\r\\n")
        await reader.readexactly(1024)
    writer.close()
async def all_of_them():
    await asyncio.gather(*(client() for _ in range(50)))
asyncio.run(all_of_them())
began = time.perf_counter()
asyncio.run(all_of_them())
print(time.perf_counter() - began)
"""
# A machine on which nothing works, and a user who goes on regardless.
BARE = """
from repertory.runtime.sandbox import probing
probing.strongest = lambda home, minimum: "process"
"""


def main() -> None:
    """Print or report all figures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lab = make_lab(folder)
        level = next(offer.level for offer in offers(Home(lab.home)) if offer.works)
        figures = [*workers(lab, level), *network(level), *environments(folder), *probes(lab), demo()]
    report(f"isolation at level {level}, against level process", figures)


def workers(lab: Lab, level: Level) -> Iterator[Figure]:
    """Start, warm action and memory of app processes."""
    starts: dict[Level, list[float]] = {"process": [], level: []}
    warm: dict[Level, float] = {}
    sandboxes = {one: Sandbox(one) for one in starts}
    for _ in range(STARTS):  # in turns, so that both see the same machine
        for one, times in starts.items():
            times.append(timed(partial(start_and_end, lab, sandboxes[one])))
    for one, sandbox in sandboxes.items():
        worker = started(lab, sandbox)
        warm[one] = statistics.median(timed(partial(act, worker, number)) for number in range(ACTIONS))
        worker.close()
    crew = [started(lab, sandboxes[level]) for _ in range(WORKERS)]
    before = memory_mb(os.getpid())
    for worker in crew:
        worker.close()
    used = before - memory_mb(os.getpid())
    for sandbox in sandboxes.values():
        sandbox.close()
    plain, full = statistics.median(starts["process"]), statistics.median(starts[level])
    note = f"{1000 * full:.0f} ms against {1000 * plain:.0f} ms, from nothing to gone"
    yield Figure(name="start of a worker, more", value=1000 * (full - plain), unit="ms", bound=35, note=note)
    note = f"{1000 * warm[level]:.3f} ms against {1000 * warm['process']:.3f} ms"
    yield Figure(name="warm action, more", value=1000 * (warm[level] - warm["process"]), unit="ms", bound=0.1, note=note)
    yield Figure(name=f"{WORKERS} warm workers", value=used, unit="MB (PSS)", bound=200)


def start_and_end(lab: Lab, sandbox: Sandbox) -> None:
    """A worker's life without work."""
    started(lab, sandbox).close()


def started(lab: Lab, sandbox: Sandbox) -> AppWorker:
    """A worker that has loaded its app."""
    app = HomeLibrary(Home(lab.home)).installed().apps["bench/lab"]
    kind = WorkerKind(app=app, asset="lab-1", settings={}, concurrency=1, confinement=Confinement())
    worker = AppWorker(kind, Home(lab.home), sandbox, output_bytes=4096)
    worker.greet(20, threading.Event())
    return worker


def act(worker: AppWorker, number: int) -> None:
    """One action that does nothing."""
    request = {"id": str(number), "action": "touch", "parameters": {"value": number}, "state": {}, "key": "0", "checkpoint": None}
    message = worker.act(request, 20, Asides(progress=print, attach=print, read=str))
    assert message["status"] == "succeeded", message


def network(level: Level) -> Iterator[Figure]:
    """One kept connection, and fifty at once."""
    with server() as port:
        for name, code, bare, bound in (
            ("keep-alive HTTP", KEEP_ALIVE, BARE_KEEP_ALIVE, 1.2), ("50 connections at once", PARALLEL, BARE_PARALLEL, 1.5),
        ):  # fmt: skip
            direct, brokered = through(level, code, port)
            bare_direct, bare_brokered = through(level, bare, port)
            note = f"{brokered:.3f} s against {direct:.3f} s by requests; by bare sockets {bare_brokered / bare_direct:.2f} ×"
            yield Figure(name=f"{name}, through the broker", value=brokered / direct, unit="× direct", bound=bound, note=note)


def through(level: Level, code: str, port: int) -> tuple[float, float]:
    """Seconds without and with walls, medians."""
    times: dict[Level, list[float]] = {"process": [], level: []}
    for _ in range(ROUNDS):
        for one, list_of in times.items():
            list_of.append(client(one, code, port))
    return statistics.median(times["process"]), statistics.median(times[level])


def client(level: Level, code: str, port: int) -> float:
    """Seconds, as the client saw them."""
    sandbox = Sandbox(level)
    rules = (HostRule(host="127.0.0.1", port=port, by_user=True),)
    python = str(Path(sys.executable).resolve())
    packages = Path(requests.__file__).parent.parent
    confinement = Confinement(hosts=rules, files=(packages,))
    confined = sandbox.start([python, "-I", "-S", "-c", code, str(port), str(packages)], confinement)
    confined.process.wait(60)
    confined.process.kill()
    confined.process.output.finish()
    sandbox.close()
    return float(confined.process.output.take())


@contextmanager
def server() -> Iterator[int]:
    """The port of a server that answers every request alike."""
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.isolation", "serve"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


async def serve() -> None:
    """Answer until the end."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(ANSWER)
        except asyncio.IncompleteReadError:
            writer.close()

    listening = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(listening.sockets[0].getsockname()[1], flush=True)
    await listening.serve_forever()


def environments(folder: Path) -> Iterator[Figure]:
    """Two well-known packages: from uv's cache, and by venv and pip from pip's."""
    (folder / "requirements.txt").write_text("".join(f"{line}\n" for line in REQUESTED))
    (folder / "requirements.lock").write_text(lock_requirements(REQUESTED, ">=3.9"))

    def with_uv() -> None:
        provide_environment(Home(folder / f"uv-{time.monotonic_ns()}"), folder, ">=3.9", name="lab")

    def with_pip() -> None:
        target = folder / f"pip-{time.monotonic_ns()}"
        venv.create(target, with_pip=True)
        call(str(target / "bin/pip"), "install", "-q", "--disable-pip-version-check", "-r", str(folder / "requirements.txt"))

    with_uv()
    with_pip()
    quick, slow = statistics.median(map(timed, [with_uv] * ROUNDS)), statistics.median(map(timed, [with_pip] * 3))
    yield Figure(name="environment from a warm cache", value=1000 * quick, unit="ms", bound=250)
    note = f"venv and pip: {slow:.2f} s"
    yield Figure(name="the same by venv and pip", value=slow / quick, unit="×", bound=20, at_least=True, note=note)


def probes(lab: Lab) -> Iterator[Figure]:
    """Finding out what the machine offers, and knowing it."""
    for level in LEVELS[:0:-1]:
        took = statistics.median(timed(partial(try_level, level)) for _ in range(ROUNDS))
        yield Figure(name=f"trial of level {level}", value=1000 * took, unit="ms", bound=150)
    known = statistics.median(timed(lambda: offers(Home(lab.home))) for _ in range(ROUNDS))
    yield Figure(name="what was found, read again", value=1000 * known, unit="ms", bound=5)


def demo() -> Figure:
    """The whole demonstration."""
    times: dict[str, list[float]] = {"": [], BARE: []}
    for _ in range(ROUNDS):
        for bare, list_of in times.items():
            words = [sys.executable, "-c", f"{bare}\nfrom repertory.__main__ import main\nmain()", "demo"]
            list_of.append(timed(partial(call, *words)))
    full, plain = map(statistics.median, times.values())
    note = f"{full:.2f} s against {plain:.2f} s"
    return Figure(name="repertory demo", value=full / plain, unit="× without walls", bound=1.3, note=note)


def timed(action: Callable[[], object]) -> float:
    """Seconds."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def call(*words: str) -> None:
    """Run a program to its end."""
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}: {done.stderr}")


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        asyncio.run(serve())
    else:
        main()
