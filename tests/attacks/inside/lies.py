"""What an app can say on its pipe. Each is silent afterwards, so that only the lie can be taken for an answer."""

from __future__ import annotations

import json
import os
import stat
import time
from typing import Any

from trying import attempt


def _shout(data: bytes, times: int = 1) -> None:
    for number in range(3, 64):
        try:
            if stat.S_ISFIFO(os.fstat(number).st_mode):
                for _ in range(times):
                    os.write(number, data)
        except OSError:
            pass
    time.sleep(120)


def _result(identity: Any) -> bytes:
    return json.dumps({"op": "result", "id": identity, "status": "succeeded", "data": [{"verdict": "open"}]}).encode() + b"\n"


@attempt
def answer_for_another_run(t: Any) -> None:
    _shout(_result("another-run/1.0"))


@attempt
def answer_without_a_number(t: Any) -> None:
    _shout(_result(None))


@attempt
def answer_with_a_list(t: Any) -> None:
    _shout(b"[1, 2, 3]\n")


@attempt
def answer_in_binary(t: Any) -> None:
    _shout(bytes(range(256)).replace(b"\n", b"") + b"\n")


@attempt
def answer_with_half_a_line(t: Any) -> None:
    for number in range(3, 64):
        try:
            if stat.S_ISFIFO(os.fstat(number).st_mode):
                os.write(number, b'{"op": "result", "id": ')
        except OSError:
            pass
    os._exit(0)


@attempt
def answer_with_a_line_of_a_gigabyte(t: Any) -> None:
    _shout(bytes(2**20).replace(b"\0", b"x"), 1024)


@attempt
def answer_with_a_million_brackets(t: Any) -> None:
    _shout(b"[" * 1_000_000 + b"\n")


@attempt
def ask_as_the_tool_does(t: Any) -> None:
    _shout(b'{"op": "act", "id": "x", "action": "attempt", "parameters": {}}\n')
