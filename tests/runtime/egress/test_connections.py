"""What goes through between a confined process and the servers that it declared, at each level."""

from __future__ import annotations

import gc
import hashlib
import threading
import warnings
from typing import Any

import pytest

from confined import PATIENCE_S, begin, echo, end, own, run, tcp_server
from repertory.runtime.sandbox.confinement import HostRule
from repertory.runtime.sandbox.launch import Sandbox


def test_what_was_declared_is_reached_and_counted(walls: Sandbox) -> None:
    with tcp_server(echo) as port:
        done = run(
            walls,
            """
            with socket.create_connection(("127.0.0.1", int(sys.argv[1])), 20) as connection:
                connection.sendall(b"hello")
                connection.shutdown(socket.SHUT_WR)
                say(connection.makefile("rb").read().decode())
            """,
            arguments=[port], hosts=[own(port)],
        )  # fmt: skip
    assert done.said() == "hello"
    (contact,) = done.contacts
    assert (contact.host, contact.port, contact.verdict) == ("127.0.0.1", port, "allowed")
    assert (contact.sent, contact.received) == (5, 5)


def test_a_server_sees_the_end_when_the_app_closes_its_connection(walls: Sandbox) -> None:
    """Also where it does not say so beforehand, and goes on running."""
    seen = threading.Event()

    def until_the_end(connection: Any) -> None:
        while connection.recv(100):
            pass
        seen.set()

    with tcp_server(until_the_end) as port:
        confined = begin(
            walls,
            """
            connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 20)
            connection.sendall(b"x")
            connection.close()
            import time
            time.sleep(600)
            """,
            arguments=[port], hosts=[own(port)],
        )  # fmt: skip
        try:
            assert seen.wait(20)
        finally:
            confined.process.kill()


def test_many_connections_one_after_the_other(walls: Sandbox) -> None:
    with tcp_server(echo) as port:
        done = run(
            walls,
            """
            for number in range(400):
                with socket.create_connection(("127.0.0.1", int(sys.argv[1])), 20) as connection:
                    connection.sendall(b"x")
                    assert connection.recv(1) == b"x"
            say(number)
            """,
            arguments=[port], hosts=[own(port)],
        )  # fmt: skip
    assert done.said() == 399
    assert [(one.verdict, one.sent, one.received) for one in done.contacts] == [("allowed", 400, 400)]


def test_fifty_connections_at_once_each_byte_in_its_place(walls: Sandbox) -> None:
    with tcp_server(echo) as port:
        done = run(
            walls,
            """
            import hashlib, threading
            def talk(number):
                data = number.to_bytes(4, "big") * 50_000
                with socket.create_connection(("127.0.0.1", int(sys.argv[1])), 20) as connection:
                    sender = threading.Thread(target=lambda: (connection.sendall(data), connection.shutdown(socket.SHUT_WR)))
                    sender.start()
                    same[number] = connection.makefile("rb").read() == data
                    sender.join()
            same = {}
            threads = [threading.Thread(target=talk, args=[number]) for number in range(50)]
            for thread in threads: thread.start()
            for thread in threads: thread.join()
            say([len(same), all(same.values())])
            """,
            arguments=[port], hosts=[own(port)],
        )  # fmt: skip
    assert done.said() == [50, True]
    (contact,) = done.contacts
    assert (contact.sent, contact.received) == (50 * 200_000, 50 * 200_000)


def test_counts_are_exact_whenever_they_are_asked_for(walls: Sandbox) -> None:
    """Also while connections end: the kernel counts their ends as bytes."""
    with tcp_server(echo) as port:
        confined = begin(
            walls,
            """
            for number in range(300):
                with socket.create_connection(("127.0.0.1", int(sys.argv[1])), 20) as connection:
                    connection.sendall(b"x")
                    connection.shutdown(socket.SHUT_WR)
                    assert connection.makefile("rb").read() == b"x"
            say(number)
            """,
            arguments=[port], hosts=[own(port)],
        )  # fmt: skip
        contacts = []
        while confined.process.running():
            contacts += confined.contacts()
        done = end(confined)
    assert done.said() == 299
    contacts += done.contacts
    assert (sum(one.sent for one in contacts), sum(one.received for one in contacts)) == (300, 300)


def test_a_large_answer_arrives_whole(walls: Sandbox) -> None:
    data = bytes(range(256)) * 4 * 20_000  # 20 MB

    def serve(connection: Any) -> None:
        connection.sendall(data)

    with tcp_server(serve) as port:
        done = run(
            walls,
            """
            import hashlib
            digest, size = hashlib.sha256(), 0
            with socket.create_connection(("127.0.0.1", int(sys.argv[1])), 20) as connection:
                while chunk := connection.recv(65536):
                    digest.update(chunk)
                    size += len(chunk)
            say([size, digest.hexdigest()])
            """,
            arguments=[port], hosts=[own(port)],
        )  # fmt: skip
    assert done.said() == [len(data), hashlib.sha256(data).hexdigest()]
    assert done.contacts[0].received == len(data)


def test_a_server_that_goes_on_after_the_app_said_all(walls: Sandbox) -> None:
    """Half-close: whois, finger and many line protocols end their request that way."""

    def answer_at_the_end(connection: Any) -> None:
        asked = b""
        while data := connection.recv(100):
            asked += data
        connection.sendall(asked.upper() * 100_000)

    with tcp_server(answer_at_the_end) as port:
        done = run(
            walls,
            """
            with socket.create_connection(("127.0.0.1", int(sys.argv[1])), 20) as connection:
                connection.sendall(b"abc")
                connection.shutdown(socket.SHUT_WR)
                say(len(connection.makefile("rb").read()))
            """,
            arguments=[port], hosts=[own(port)],
        )  # fmt: skip
    assert done.said() == 300_000


def test_a_reset_is_told_as_one(walls: Sandbox) -> None:
    def cut_off(connection: Any) -> None:
        import socket
        import struct

        connection.recv(1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()  # the server would shut it down first, which is polite

    with tcp_server(cut_off) as port:
        done = run(
            walls,
            """
            with socket.create_connection(("127.0.0.1", int(sys.argv[1])), 20) as connection:
                connection.sendall(b"x")
                try:
                    say(["data", connection.recv(1).decode()])
                except ConnectionResetError:
                    say(["reset"])
            """,
            arguments=[port], hosts=[own(port)],
        )  # fmt: skip
    assert done.said() == ["reset"]


def test_a_reader_that_is_slow_holds_the_server_up(walls: Sandbox) -> None:
    """Nothing is piled up on the way: what the app does not take, the server keeps."""
    sent, held, go = [0], threading.Event(), threading.Event()

    def serve(connection: Any) -> None:
        connection.settimeout(1.0)
        chunk = bytes(65536)
        try:
            while sent[0] < 200 * 2**20:
                sent[0] += connection.send(chunk)
        except TimeoutError:
            held.set()
        go.wait(PATIENCE_S)

    with tcp_server(serve) as port:
        confined = begin(
            walls,
            """
            connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 20)
            say(len(connection.recv(1)))
            import time
            time.sleep(600)
            """,
            arguments=[port], hosts=[own(port)],
        )  # fmt: skip
        try:
            assert held.wait(PATIENCE_S)
            assert sent[0] < 50 * 2**20
        finally:
            go.set()
            confined.process.kill()


def test_nobody_is_there_is_a_failure_not_a_refusal(walls: Sandbox) -> None:
    with tcp_server(echo) as port:
        pass  # closed again
    done = run(
        walls,
        """
        try:
            with socket.create_connection(("127.0.0.1", int(sys.argv[1])), 20) as connection:
                connection.sendall(b"x")
                say(connection.recv(1).decode())
        except OSError as error:
            say(type(error).__name__)
        """,
        arguments=[port], hosts=[own(port)],
    )  # fmt: skip
    assert done.said() in ("ConnectionResetError", "ConnectionRefusedError")
    (contact,) = done.contacts
    assert (contact.verdict, contact.reason) == ("failed", "Connection refused")


REFUSED = [
    pytest.param("127.0.0.1", "declared", [], "never declared", id="nothing declared"),
    pytest.param("127.0.0.1", "declared", [HostRule(host="127.0.0.1", port=1)], "never declared", id="another port"),
    pytest.param("127.0.0.1", "declared", [HostRule(host="127.0.0.1", port=0)], "is not a public address", id="not by the user"),
    pytest.param("localhost.example", "declared", [HostRule(host="*.other.example", port=0)], "never declared", id="another name"),
]


@pytest.mark.parametrize(("host", "_", "rules", "reason"), REFUSED)
def test_what_was_not_declared_is_cut_off_and_noted(walls: Sandbox, host: str, _: str, rules: list[HostRule], reason: str) -> None:
    with tcp_server(echo) as port:
        hosts = [HostRule(host=rule.host, port=rule.port or port) for rule in rules]
        done = run(
            walls,
            """
            try:
                with socket.create_connection((sys.argv[1], int(sys.argv[2])), 20) as connection:
                    connection.sendall(b"x")
                    say(connection.recv(1).decode())
            except OSError as error:
                say("refused")
            """,
            arguments=[host, port], hosts=hosts,
        )  # fmt: skip
    assert done.said() in ("refused", "")
    assert "denied" in {one.verdict for one in done.contacts}
    assert any(one.reason.startswith(reason) for one in done.contacts)


def test_within_what_the_user_permits(walls: Sandbox) -> None:
    with tcp_server(echo) as port:
        done = run(
            walls,
            """
            try:
                with socket.create_connection(("127.0.0.1", int(sys.argv[1])), 20) as connection:
                    connection.sendall(b"x")
                    say(connection.recv(1).decode())
            except OSError as error:
                say("refused")
            """,
            arguments=[port], hosts=[own(port)], within=[HostRule(host="*.corp.example", port=443)],
        )  # fmt: skip
    assert done.said() in ("refused", "")
    assert {one.reason for one in done.contacts} == {"is declared, but not permitted by [isolation.hosts] in config.toml"}


def test_asyncio_and_a_socket_that_does_not_block(walls: Sandbox) -> None:
    with tcp_server(echo) as port:
        done = run(
            walls,
            """
            import asyncio, errno, selectors
            async def talk():
                reader, writer = await asyncio.open_connection("127.0.0.1", int(sys.argv[1]))
                writer.write(b"from asyncio")
                writer.write_eof()
                text = (await reader.read()).decode()
                writer.close()
                await writer.wait_closed()
                return text
            first = asyncio.run(talk())
            connection = socket.socket()
            connection.setblocking(False)
            code = connection.connect_ex(("127.0.0.1", int(sys.argv[1])))
            assert code in (0, errno.EINPROGRESS), code
            selector = selectors.DefaultSelector()
            selector.register(connection, selectors.EVENT_WRITE)
            assert selector.select(20)
            assert connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
            connection.send(b"not blocking")
            selector.modify(connection, selectors.EVENT_READ)
            assert selector.select(20)
            assert not connection.getblocking()
            say([first, connection.recv(100).decode()])
            """,
            arguments=[port], hosts=[own(port)],
        )  # fmt: skip
    assert done.said() == ["from asyncio", "not blocking"]


def test_a_timeout_of_the_app_holds(walls: Sandbox) -> None:
    released = threading.Event()
    with tcp_server(lambda _: bool(released.wait(PATIENCE_S)) and None) as port:
        done = run(
            walls,
            """
            with socket.create_connection(("127.0.0.1", int(sys.argv[1])), 0.3) as connection:
                try:
                    connection.recv(1)
                except TimeoutError:
                    say([type(sys.exc_info()[1]).__name__, connection.gettimeout()])
            """,
            arguments=[port], hosts=[own(port)],
        )  # fmt: skip
        released.set()
    assert done.said() == ["TimeoutError", 0.3]


def test_an_app_that_is_killed_leaves_no_connection(walls: Sandbox) -> None:
    open_, closed = threading.Event(), threading.Event()

    def watch(connection: Any) -> None:
        connection.recv(1)
        open_.set()
        try:
            while connection.recv(1):
                pass
        except OSError:
            pass
        closed.set()

    with tcp_server(watch) as port:
        confined = begin(
            walls,
            """
            connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 20)
            connection.sendall(b"x")
            import time
            time.sleep(600)
            """,
            arguments=[port], hosts=[own(port)],
        )  # fmt: skip
        assert open_.wait(PATIENCE_S)
        confined.process.kill()
        assert closed.wait(20)
        assert end(confined).status == -9


def test_what_a_server_does_not_take_is_given_up_when_the_tool_ends(walls: Sandbox) -> None:
    """Nothing is left open, and for the collector to complain about."""
    over = threading.Event()

    def deaf(_: Any) -> None:
        over.wait(PATIENCE_S)

    with tcp_server(deaf) as port:
        own_walls = Sandbox(walls.level)
        done = run(
            own_walls,
            """
            connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 20)
            connection.settimeout(1)
            sent = 0
            try:
                while sent < 100_000_000:
                    sent += connection.send(bytes(65536))
            except TimeoutError:
                say(sent > 0)
            """,
            arguments=[port], hosts=[own(port)],
        )  # fmt: skip
        assert done.said() is True
        own_walls.close()
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            gc.collect()
        over.set()
    assert [str(one.message) for one in told if "unclosed" in str(one.message)] == []
