"""What apps reach by SSH: on a real OpenSSH server, on the simulator, and on what is neither."""

from __future__ import annotations

import contextlib
import logging
import threading
from typing import TYPE_CHECKING, Any

import paramiko
import pytest

from repertory_sdk import ActionFailed, Asset
from repertory_sdk.app_worker import make_asset
from repertory_sdk.ssh import LIMIT, WITH_PASSWORD, Ssh, SshAsset, fingerprint
from repertory_sdk.testing.ssh_simulator import Command, Said, SshSimulator
from ssh_server import SshServer, ssh_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOST = "127.0.0.1"
PRODUCT = "Thing"


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    with ssh_server(tmp_path_factory.mktemp("ssh")) as server:
        yield server


def asset_of(settings: Any, **changed: Any) -> SshAsset:
    asset: SshAsset = make_asset(SshAsset, {"name": "test", "settings": {**settings, **changed}})
    return asset


@contextlib.contextmanager
def session(settings: Any, **changed: Any) -> Iterator[Ssh]:
    with Ssh(PRODUCT, asset_of(settings, **changed), HOST) as machine:
        yield machine


@pytest.fixture(scope="module")
def machine(real: SshServer) -> Iterator[Ssh]:
    with session(real.settings) as machine:
        yield machine


def test_an_asset_can_be_derived_from() -> None:
    assert issubclass(SshAsset, Asset)


@pytest.mark.parametrize("argument", ["a b", "$(id)", "a'b\"c", "ü", "-n", "*", "a\nb", ""])
def test_arguments_arrive_as_they_are(machine: Ssh, argument: str) -> None:
    assert machine.run(["printf", "%s|", "first", argument]).stdout == f"first|{argument}|"


def test_a_text_is_for_the_shell_and_messages_are_english(machine: Ssh) -> None:
    done = machine.run("echo $LC_ALL; echo no >&2; exit 7", accept=None)
    assert (done.exit_code, done.stdout, done.stderr) == (7, "C\n", "no\n")


def test_much_goes_both_ways_at_once(machine: Ssh) -> None:
    sent = bytes(range(256)) * 8192
    done = machine.run("tee /dev/stderr", input=sent)
    assert done.content == sent
    assert len(done.stderr) > len(sent) / 2


def test_input_that_nobody_reads_is_no_failure(machine: Ssh) -> None:
    assert machine.run(["true"], input=b"x" * 3_000_000).exit_code == 0


def test_too_much_output_is_refused(machine: Ssh) -> None:
    with pytest.raises(ActionFailed, match="Thing: head printed more than 1,000 bytes on 127.0.0.1; ask for less"):
        machine.run(["head", "-c", "1001", "/dev/zero"], limit=1000)
    assert LIMIT > 1_000_000


def test_a_failure_names_program_code_and_what_it_said(machine: Ssh) -> None:
    with pytest.raises(ActionFailed, match="Thing: ls failed with exit code 2 on 127.0.0.1: .*No such file.*; check that"):
        machine.run(["ls", "/nowhere"])


def test_a_missing_program_is_named(machine: Ssh) -> None:
    with pytest.raises(ActionFailed, match="Thing: frobnicate is not there on 127.0.0.1 .*; install it"):
        machine.run(["frobnicate"])


def test_programs_for_administrators_are_found(machine: Ssh) -> None:
    assert machine.run("echo $PATH").stdout.strip().endswith(":/usr/local/sbin:/usr/sbin:/sbin")


def test_a_signal_is_an_exit_code_of_its_own(machine: Ssh) -> None:
    assert machine.run("kill -9 $PPID", accept=None).exit_code == -1


def test_a_command_has_its_time_and_the_next_one_works(machine: Ssh) -> None:
    with pytest.raises(ActionFailed, match="the command has not come to its end on 127.0.0.1 within 0.3 s; it may still") as failed:
        machine.run("sleep 20", timeout_s=0.3)
    assert failed.value.retry
    assert machine.run(["echo", "again"]).stdout == "again\n"


def test_files_are_replaced_and_keep_their_mode(machine: Ssh, tmp_path: Path) -> None:
    path = tmp_path / "a file"
    assert machine.read(str(path)) is None
    machine.write(str(path), b"one")
    assert path.stat().st_mode & 0o777 == 0o644
    path.chmod(0o600)
    machine.write(str(path), b"\x00two\xff")
    assert (machine.read(str(path)), path.stat().st_mode & 0o777) == (b"\x00two\xff", 0o600)
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith("a file")] == ["a file"]


def test_a_file_that_arrives_in_part_changes_nothing(machine: Ssh, tmp_path: Path) -> None:
    from repertory_sdk.ssh import WRITE

    path = tmp_path / "file"
    path.write_text("before")
    done = machine.run(["sh", "-c", WRITE, "sh", str(path), "10"], input=b"half", accept=None)
    assert (done.exit_code != 0, path.read_text(), list(tmp_path.glob("file.*"))) == (True, "before", [])


def test_what_cannot_be_written_is_told(machine: Ssh) -> None:
    with pytest.raises(ActionFailed, match="Thing: writing /proc/nothing failed with exit code 1 on 127.0.0.1: mktemp"):
        machine.write("/proc/nothing", b"")


def test_no_cat_is_not_the_same_as_no_file(simulator: SshSimulator) -> None:
    with simulator.running() as place, place.faults["command missing"]() as settings, session(settings) as machine, pytest.raises(
        ActionFailed, match="cat is not there on"
    ):
        machine.read("/etc/motd")


# ---------------------------------------------------------------- host keys and credentials


def test_a_host_without_a_known_key_is_not_talked_to(real: SshServer) -> None:
    with session(real.settings, known_hosts=[]) as machine, pytest.raises(ActionFailed, match="key of 127.0.0.1 is not known; set"):
        machine.run(["true"])


def test_a_fingerprint_will_do(real: SshServer) -> None:
    key = paramiko.hostkeys.HostKeyEntry.from_line(real.known_hosts[0])
    assert key is not None
    with session(real.settings, known_hosts=[], host_key=fingerprint(key.key)) as machine:
        assert machine.run(["echo", "in"]).stdout == "in\n"


def test_another_key_is_a_stranger(real: SshServer) -> None:
    other = paramiko.ECDSAKey.generate()
    for changed in (
        {"known_hosts": [f"[127.0.0.1]:{real.port} {other.get_name()} {other.get_base64()}"]},
        {"known_hosts": [], "host_key": fingerprint(other)},
        {"known_hosts": [f"elsewhere {other.get_name()} {other.get_base64()}"]},
    ):
        with session(real.settings, **changed) as machine, pytest.raises(ActionFailed, match="not its own.*; find out who") as failed:
            machine.run(["true"])
        assert not failed.value.retry


def test_verification_can_be_given_up(real: SshServer) -> None:
    with session(real.settings, known_hosts=[], verify_host_key=False) as machine:
        assert machine.run(["echo", "in"]).stdout == "in\n"


def test_a_line_that_is_none_of_known_hosts_is_refused(real: SshServer) -> None:
    with session(real.settings, known_hosts=["# fine", "nonsense"]) as machine, pytest.raises(ActionFailed, match="has a line that"):
        machine.run(["true"])


def test_a_key_that_the_server_does_not_know(real: SshServer, tmp_path: Path) -> None:
    paramiko.ECDSAKey.generate().write_private_key_file(str(tmp_path / "key"))
    with session(real.settings, private_key=(tmp_path / "key").read_text()) as machine, pytest.raises(
        ActionFailed, match=f"Thing: 127.0.0.1 refuses the credentials of {real.user}; check user"
    ):
        machine.run(["true"])


def test_a_password_where_only_keys_are_taken(real: SshServer) -> None:
    with session(real.settings, private_key=None, password="wrong word") as machine, pytest.raises(ActionFailed) as failed:
        machine.run(["true"])
    assert "127.0.0.1" in str(failed.value)
    assert "wrong word" not in str(failed.value)


def test_keys_that_cannot_be_read(real: SshServer, tmp_path: Path) -> None:
    paramiko.ECDSAKey.generate().write_private_key_file(str(tmp_path / "key"), password="word")
    text = (tmp_path / "key").read_text()
    for key, told in (("nonsense", "cannot be read; give the whole"), (text, "is encrypted; set passphrase")):
        with session(real.settings, private_key=key) as machine, pytest.raises(ActionFailed, match=told):
            machine.run(["true"])


# ---------------------------------------------------------------- sudo, as a program of that name


@pytest.fixture
def sudoers(real: SshServer, tmp_path: Path) -> Iterator[Path]:
    """A sudo that wants the password of its file, remembers that it was given, and runs the rest."""
    fake = tmp_path / "sudo"  # its words are those of sudo 1.9
    fake.write_text(
        f"""#!/bin/sh
for one; do [ "$one" = -v ] && verify=1; [ "$one" = -S ] && input=1; done
if [ "$verify" ]; then
    [ -e {tmp_path}/free ] && exit 0
    [ "$input" ] && IFS= read -r word && [ "$word" = "open sesame" ] && touch {tmp_path}/given && exit 0
    echo "Sorry, try again." >&2; exit 1
fi
[ -e {tmp_path}/given ] || [ -e {tmp_path}/free ] || {{ echo "sudo: a password is required" >&2; exit 1; }}
while [ "$1" != -- ]; do shift; done
shift
[ "$1" = false ] && {{ echo "Sorry, user x is not allowed to execute '/bin/false' as root on here." >&2; exit 1; }}
echo as root >&2
exec "$@"
"""
    )
    fake.chmod(0o755)
    (real.etc.parent / "authorized").write_text(
        f'environment="PATH={tmp_path}:/usr/bin:/bin" ' + (real.etc.parent / "user.pub").read_text()
    )
    config = real.etc.parent / "sshd_config"
    before = config.read_text()
    config.write_text(before + "PermitUserEnvironment yes\n")
    yield tmp_path
    config.write_text(before)


def test_sudo_is_for_what_needs_it(real: SshServer, sudoers: Path) -> None:
    (sudoers / "free").touch()
    with session(real.settings, sudo=True) as machine:
        assert machine.run(["true"]).stderr == ""
        assert machine.run(["true"], sudo=True).stderr == "as root\n"
    with session(real.settings, sudo=False) as machine:
        assert machine.run(["true"], sudo=True).stderr == ""


def test_sudo_that_asks_without_a_password_is_told(real: SshServer, sudoers: Path) -> None:
    with session(real.settings, sudo=True) as machine, pytest.raises(ActionFailed, match="does not let cat be run by sudo.*; let"):
        machine.run(["cat"], sudo=True, accept=None)


def test_a_refusal_is_no_exit_code_of_the_program(real: SshServer, sudoers: Path) -> None:
    (sudoers / "free").touch()
    with session(real.settings, sudo=True) as machine:
        for accept in ((0, 1), None):
            with pytest.raises(ActionFailed, match="does not let false be run by sudo .*not allowed to execute"):
                machine.run(["false"], sudo=True, accept=accept)
        assert machine.run(["false"], accept=(0, 1)).exit_code == 1


@pytest.mark.parametrize("free", [False, True])
def test_the_password_is_for_sudo_and_never_for_the_program(real: SshServer, sudoers: Path, free: bool) -> None:
    if free:
        (sudoers / "free").touch()
    with session(real.settings, sudo=True, sudo_password="open sesame") as machine:
        assert machine.run(["cat"], input=b"input", sudo=True).content == b"input"
    assert "read -r" in WITH_PASSWORD


def test_a_wrong_password_for_sudo_is_told_and_not_shown(real: SshServer, sudoers: Path) -> None:
    with session(real.settings, sudo=True, sudo_password="hush hush") as machine, pytest.raises(ActionFailed, match="check sudo_p") as failed:
        machine.run(["cat"], sudo=True)
    assert "hush" not in str(failed.value)


# ---------------------------------------------------------------- what is no server, and the simulator


@pytest.fixture
def simulator() -> SshSimulator:
    made = SshSimulator("Thing", settings={}, state=lambda: {"files": {"/etc/motd": "hello\n"}, "count": 0})

    @made.command("count")
    def count(command: Command) -> Any:
        command.state["count"] += 1
        return f"{command.state['count']} {command.arguments} {command.sudo} {command.input.decode()}"

    @made.command("fail")
    def fail(command: Command) -> Said:
        return Said(3, "", "it cannot\n")

    return made


def test_a_simulated_machine(simulator: SshSimulator) -> None:
    with simulator.running() as place, session(place.settings, sudo=True) as machine:
        assert machine.run(["count", "a b"], input=b"in").stdout == "1 ['a b'] False in"
        assert machine.run(["count"], sudo=True).stdout == "2 [] True "
        assert machine.read("/etc/motd") == b"hello\n"
        machine.write("/etc/motd", b"bye")
        assert (machine.read("/etc/motd"), machine.read("/nowhere")) == (b"bye", None)
        with pytest.raises(ActionFailed, match="fail failed with exit code 3 on 127.0.0.1: it cannot; check"):
            machine.run(["fail"])
        assert simulator.commands[0] == "count 'a b'"


FAULTS = {
    "connection refused": "refused a connection to 127.0.0.1:1",
    "time-out": "does not speak SSH",
    "cut off": "does not speak SSH",
    "garbage": "does not speak SSH",
    "wrong credentials": "refuses the credentials of responder",
    "host key changed": "shows a host key that is not its own",
    "not permitted": "Operation not permitted",
    "broken off in the middle": "broke while count ran; look",
    "no end": "has not come to its end",
    "command missing": "count is not there on",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_become_sentences(simulator: SshSimulator, fault: str, capfd: pytest.CaptureFixture[str]) -> None:
    with simulator.running() as place, place.faults[fault]() as settings:
        assert set(place.faults) == set(FAULTS)
        with session(settings, connect_timeout_s=0.5, timeout_s=0.5) as machine, pytest.raises(ActionFailed, match=FAULTS[fault]) as it:
            machine.run(["count"])
    assert "; " in str(it.value) and str(it.value).startswith("Thing: ")
    assert capfd.readouterr().err == ""


def test_unknown_names_and_odd_hosts(simulator: SshSimulator) -> None:
    with simulator.running() as place:
        for host in ("no.such.host.invalid", "", "x" * 300, "a b"):
            with Ssh(PRODUCT, asset_of(place.settings), host) as machine, pytest.raises(ActionFailed, match="^Thing: .*; check"):
                machine.run(["count"])


def test_nothing_is_left_running(simulator: SshSimulator) -> None:
    before = {thread for thread in threading.enumerate() if not thread.daemon}
    with simulator.running() as place, session(place.settings) as machine:
        machine.run(["count"])
    assert {thread for thread in threading.enumerate() if not thread.daemon} == before
    assert isinstance(logging.getLogger("paramiko").handlers[0], logging.NullHandler)
