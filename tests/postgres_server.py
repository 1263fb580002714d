"""A real PostgreSQL server for tests: made in a temporary folder, gone at the end."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

_QUICK = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=200 -c listen_addresses=''"


class PostgresServer:
    """A running server, reached through a socket in its own folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def new_database(self) -> str:
        """The URL of a fresh, empty database."""
        name = f"d{uuid.uuid4().hex[:12]}"
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            connection.execute(f"create database {name} strategy file_copy")
        return self._url(name)

    def new_schema(self) -> str:
        """The URL of an empty schema in the common database: quicker than a database of its own."""
        name = f"s{uuid.uuid4().hex[:12]}"
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            connection.execute(f"create schema {name}")
        return f"{self._url('postgres')}&options=-csearch_path%3D{name}"

    def _url(self, database: str) -> str:
        return f"postgresql://tester@/{database}?host={self._folder}"


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Start one; skips the test where PostgreSQL is not installed. It refuses root, so root starts it as somebody else."""
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="pg-"))  # short: it holds a socket; outside of pytest's folder: others may enter
    prefix = _as_somebody_else(folder)
    environment = {**os.environ, "LC_ALL": "C", "HOME": str(folder)}

    def call(program: str, *arguments: str) -> None:
        command = [*prefix, str(programs / program), "-D", str(folder / "data"), *arguments]
        with open(folder / "calls.log", "a+") as log:
            done = subprocess.run(command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            if done.returncode:
                log.seek(0)
                raise RuntimeError(f"{program} failed: {log.read()}")

    try:
        call("initdb", "-A", "trust", "-U", "tester", "-E", "UTF8", "--no-sync", "--no-instructions")
        call("pg_ctl", "-w", "-l", str(folder / "server.log"), "-o", f"{_QUICK} -k {folder}", "start")
        try:
            yield PostgresServer(folder)
        finally:
            call("pg_ctl", "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    found = shutil.which("initdb")
    candidates = [Path(found).resolve().parent] if found else []
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in candidates:
        if all((folder / program).exists() for program in ("initdb", "pg_ctl", "postgres")):
            return folder
    pytest.skip("PostgreSQL (initdb, pg_ctl) is not installed")


def _as_somebody_else(folder: Path) -> list[str]:
    if os.geteuid() != 0:
        return []
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    somebody = names.get("postgres") or names.get("nobody")
    if somebody is None or shutil.which("setpriv") is None:
        pytest.skip("PostgreSQL does not run as root, and there is no account to run it as")
    os.chown(folder, somebody.pw_uid, somebody.pw_gid)
    return ["setpriv", f"--reuid={somebody.pw_uid}", f"--regid={somebody.pw_gid}", "--clear-groups", "--"]
