"""A client for machines reached by SSH: host keys, time limits, sudo, files, and errors that a person can act upon.

It is built on ``paramiko``, which the app names in its ``requires``. The asset derives from ``SshAsset``, which brings the
settings that every such app needs; ``Ssh`` is one connection, made when it is first used.

    @app.asset
    class Resolver(SshAsset):
        host: str = setting("Where the resolver runs")

    with Ssh("Unbound", asset, asset.host) as machine:
        machine.run(["unbound-control", "flush_zone", name], sudo=True).stdout
        machine.write("/etc/unbound/blocked.conf", text.encode(), sudo=True)
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import logging
import shlex
import socket
import threading
from dataclasses import dataclass, fields
from pathlib import PurePosixPath
from typing import Any, Collection, List, Optional, Sequence, Tuple, Union

import paramiko

from repertory_sdk.app import Asset
from repertory_sdk.convert import Secret
from repertory_sdk.declared import setting
from repertory_sdk.errors import ActionFailed

LIMIT = 8 * 1024 * 1024
WRITE = (
    'set -e; umask 077; new=$(mktemp "$1.XXXXXXXX"); trap \'rm -f "$new"\' EXIT; cat >"$new"; [ "$(wc -c <"$new")" -eq "$2" ];'
    ' if [ -e "$1" ]; then chmod --reference="$1" "$new"; chown --reference="$1" "$new" 2>/dev/null || :; else chmod 644 "$new";'
    ' fi; mv -f "$new" "$1"'
)
"""Replaces a file completely or not at all: a connection that breaks in the middle leaves fewer bytes than announced."""
WITH_PASSWORD = (
    "IFS= read -r word; printf '%s\\n' \"$word\" | sudo -S -p '' -v 2>/dev/null; word=; sudo -n -- \"$@\""
)
"""The first line of input is for sudo, whether it wants it or not, and never for the program."""
FIND = 'PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"; export PATH; exec "$@"'
"""Accounts that are not root's are not shown where programs for administrators are, and may use some of them all the same."""
_QUOTED = 200
_CHUNK = 64 * 1024
_SUDO_REFUSES = ("a password is required", "a terminal is required", "not in the sudoers", "is not allowed to", "may not run sudo")
logging.getLogger("paramiko").addHandler(logging.NullHandler())  # else it prints tracebacks of what is told in sentences


@dataclass(frozen=True, eq=False)
class SshAsset(Asset):
    """The settings that every app for machines reached by SSH needs. It declares what it may reach by its own:

    ``hosts=["${asset.host}:${asset.port}"]``
    """

    user: str = setting("Account to log on with")
    password: Optional[Secret] = setting("Its password, where it has no key", default=None)
    private_key: Optional[Secret] = setting("Its private key, the text of an OpenSSH or PEM file", default=None)
    passphrase: Optional[Secret] = setting("What the private key is encrypted with", default=None)
    known_hosts: List[str] = setting("Keys of the hosts, lines as ssh-keyscan prints them", default=[])
    host_key: Optional[str] = setting("Fingerprint of the host's key instead, such as SHA256:…", default=None)
    verify_host_key: bool = setting("Whether a host has to have a known key", default=True)
    sudo: bool = setting("Whether commands that need it are run by sudo", default=False)
    sudo_password: Optional[Secret] = setting("What sudo asks for; without it, it must not ask", default=None)
    port: int = setting("Port of the SSH server", default=22, minimum=1, maximum=65535)
    connect_timeout_s: float = setting("Seconds to wait for a connection", default=15.0, minimum=0.1, maximum=120)
    timeout_s: float = setting("Seconds to wait for a command", default=30.0, minimum=0.1, maximum=600)


@dataclass(frozen=True)
class Done:
    """What a command left: its exit code (-1 where a signal ended it), and what it printed."""

    exit_code: int
    content: bytes
    stderr: str

    @property
    def stdout(self) -> str:
        """What it printed as text, whatever bytes there are."""
        return self.content.decode("utf-8", "replace")


class Ssh:
    """A connection to one machine, as one asset is configured; closed at the end of ``with``."""

    def __init__(self, product: str, asset: SshAsset, host: str) -> None:
        self.product, self.host = product, host
        self._asset = asset
        self._client: Optional[paramiko.SSHClient] = None
        self._secrets = [value for field in fields(asset) if isinstance(value := getattr(asset, field.name), Secret) and value]

    def __enter__(self) -> Ssh:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up; the next command connects again."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def run(
        self,
        command: Union[str, Sequence[str]],
        *,
        input: bytes = b"",
        sudo: bool = False,
        accept: Optional[Collection[int]] = (0,),
        timeout_s: Optional[float] = None,
        limit: int = LIMIT,
    ) -> Done:
        """Run a program with arguments, or a text by ``sh``; ActionFailed unless its exit code is in ``accept`` (None: any).

        ``sudo`` is for what needs the rights of root: it is run by sudo if the asset says so. It speaks English
        (``LC_ALL=C``) and of UTC. More than ``limit`` bytes of output are refused.
        """
        arguments = ["sh", "-c", command] if isinstance(command, str) else list(command)
        name = "the command" if isinstance(command, str) else PurePosixPath(arguments[0]).name
        if any("\0" in argument for argument in arguments):
            raise ActionFailed(f"{self.product}: {name} cannot be given a NUL character; leave it out")
        line, given = self._by_sudo(arguments, input, sudo)
        done = self._executed(line, given, name, timeout_s or self._asset.timeout_s, limit)
        refused = sudo and self._refused_by_sudo(done)  # its exit code is that of many a program that found nothing
        if refused or (accept is not None and done.exit_code not in accept):
            raise self.failure(name, done)
        return done

    def read(self, path: str, *, sudo: bool = False, limit: int = LIMIT) -> Optional[bytes]:
        """What is in a file; None where there is none."""
        done = self.run(["cat", "--", path], sudo=sudo, accept=None, limit=limit)
        if done.exit_code == 1 and "No such file" in done.stderr:
            return None
        if done.exit_code:
            raise self.failure("cat", done)
        return done.content

    def write(self, path: str, content: bytes, *, sudo: bool = False) -> None:
        """Replace a file as a whole, with the owner and mode it had; a new one can be read by everybody."""
        done = self.run(["sh", "-c", WRITE, "sh", path, str(len(content))], input=content, sudo=sudo, accept=None)
        if done.exit_code:
            raise self.failure(f"writing {path}", done)

    def shell(self) -> paramiko.Channel:
        """An interactive shell on a wide terminal, for appliances that run no command without one."""
        client = self._connected()
        try:
            return client.invoke_shell(term="vt100", width=511, height=1000)
        except (paramiko.SSHException, EOFError, OSError):
            self.close()
            raise ActionFailed(f"{self.product}: {self.host} opens no shell for {self._asset.user}; check what it may do") from None

    def failure(self, name: str, done: Done) -> ActionFailed:
        """What to say of a command that did not do what it should."""
        said = self._shortened(done.stderr or done.stdout)
        if self._refused_by_sudo(done):
            cure = f"let {self._asset.user} use sudo for it without a password, or set sudo_password"
            if self._asset.sudo_password:
                cure = f"check sudo_password, what {self._asset.user} may do, and that timestamp_timeout is not 0"
            return ActionFailed(f"{self.product}: {self.host} does not let {name} be run by sudo ({said}); {cure}")
        if done.exit_code == 127 or "command not found" in done.stderr:
            return ActionFailed(f"{self.product}: {name} is not there on {self.host} ({said}); install it, or choose another host")
        ending = f"failed with exit code {done.exit_code}" if done.exit_code >= 0 else "was ended by a signal"
        told = f"{self.product}: {name} {ending} on {self.host}{f': {said}' if said else ''}"
        return ActionFailed(f"{told.rstrip('.')}; check that {self._asset.user} may do that there (setting sudo)")

    def _refused_by_sudo(self, done: Done) -> bool:
        return self._asset.sudo and done.exit_code == 1 and any(said in done.stderr for said in _SUDO_REFUSES)

    # ------------------------------------------------------------- commands

    def _by_sudo(self, arguments: List[str], input: bytes, sudo: bool) -> Tuple[str, bytes]:
        """The line for the remote shell, whichever that is, and what it reads."""
        plain = ["env", "LC_ALL=C", "TZ=UTC", "sh", "-c", FIND, "sh"]
        if not sudo or not self._asset.sudo:
            return shlex.join([*plain, *arguments]), input
        if not self._asset.sudo_password:
            return shlex.join([*plain, "sudo", "-n", "--", *arguments]), input
        return shlex.join([*plain, "sh", "-c", WITH_PASSWORD, "sh", *arguments]), f"{self._asset.sudo_password}\n".encode() + input

    def _executed(self, line: str, input: bytes, name: str, timeout_s: float, limit: int) -> Done:
        client = self._connected()
        late = threading.Event()

        def give_up() -> None:
            late.set()
            client.close()  # wakes up whoever waits for it, in whatever state it is

        timer = threading.Timer(timeout_s, give_up)
        timer.daemon = True
        timer.start()
        try:
            return self._exchanged(client, line, input, limit, name)
        except (paramiko.SSHException, EOFError, OSError):
            self.close()
            if late.is_set():
                raise ActionFailed(
                    f"{self.product}: {name} has not come to its end on {self.host} within {timeout_s:g} s; it may still run"
                    " there: look, or raise timeout_s", retry=True,
                ) from None  # fmt: skip
            raise ActionFailed(
                f"{self.product}: the connection to {self.host} broke while {name} ran; look at what it has done, and try again",
                retry=True,
            ) from None
        finally:
            timer.cancel()

    def _exchanged(self, client: paramiko.SSHClient, line: str, input: bytes, limit: int, name: str) -> Done:
        transport = client.get_transport()
        if transport is None:
            raise EOFError
        with contextlib.closing(transport.open_session()) as channel:
            channel.exec_command(line)
            errors, sides = bytearray(), []
            for side in (lambda: _send(channel, input), lambda: _collect(channel.recv_stderr, errors, limit)):
                sides.append(threading.Thread(target=side, daemon=True))
                sides[-1].start()
            content = bytearray()
            if not _collect(channel.recv, content, limit):
                raise ActionFailed(f"{self.product}: {name} printed more than {limit:,} bytes on {self.host}; ask for less")
            exit_code = channel.recv_exit_status()
            sides[1].join()
        if exit_code < 0:
            transport.join(0.5)  # a connection that breaks ends its channels a moment earlier than itself
            if not transport.is_active():
                raise EOFError
        return Done(exit_code, bytes(content), errors.decode("utf-8", "replace"))

    # ----------------------------------------------------------- connecting

    def _connected(self) -> paramiko.SSHClient:
        if self._client is None:
            self._client = self._connection()
        return self._client

    def _connection(self) -> paramiko.SSHClient:
        asset, place = self._asset, f"{self.host}:{self._asset.port}"
        key = self._key()
        client = paramiko.SSHClient()
        client.set_missing_host_key_policy(_Unknown(self, asset))
        self._learn_hosts(client)
        wire = self._wire(place)
        waits = {name: asset.connect_timeout_s for name in ("timeout", "banner_timeout", "auth_timeout", "channel_timeout")}
        try:
            client.connect(
                self.host, asset.port, asset.user, password=asset.password, pkey=key, sock=wire, allow_agent=False,
                look_for_keys=False, **waits,
            )  # fmt: skip
        except ActionFailed:
            raise
        except Exception as error:
            raise self._refused(error, place) from None
        else:
            return client
        finally:
            if client.get_transport() is None or not client.get_transport().is_active():
                client.close()
                wire.close()

    def _wire(self, place: str) -> socket.socket:
        try:
            wire = socket.create_connection((self.host, self._asset.port), self._asset.connect_timeout_s)
            with contextlib.suppress(OSError):  # SSH is made of small messages; each would wait for the one before it
                wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return wire
        except socket.gaierror:
            said, cure = f"finds no address of {self.host}", "check the name"
        except ConnectionRefusedError:
            said, cure = f"is refused a connection to {place}", "check the port, and that an SSH server runs there"
        except (TimeoutError, socket.timeout):
            said, cure = f"has no answer from {place}", "check the address, and firewalls on the way"
        except (OSError, UnicodeError, OverflowError) as error:
            why = self._shortened(getattr(error, "strerror", None) or "no such host")
            said, cure = f"cannot connect to {place} ({why})", "check the address and the port"
        raise ActionFailed(f"{self.product}: the app {said}; {cure}", retry=True)

    def _learn_hosts(self, client: paramiko.SSHClient) -> None:
        asset = self._asset
        if not asset.verify_host_key:
            return
        if not asset.known_hosts and not asset.host_key:
            raise ActionFailed(
                f"{self.product}: the key of {self.host} is not known; set known_hosts to what ssh-keyscan prints for it, or"
                " host_key to its fingerprint, once you have compared it"
            )
        for line in filter(None, (line.strip() for line in asset.known_hosts)):
            try:
                entry = paramiko.hostkeys.HostKeyEntry.from_line(line)
            except Exception:
                entry = None
            if entry is None:
                if not line.startswith("#"):
                    cure = "take the lines as they are"
                    raise ActionFailed(f"{self.product}: known_hosts has a line that is none of ssh-keyscan; {cure}")
                continue
            for name in entry.hostnames:
                client.get_host_keys().add(name, entry.key.get_name(), entry.key)

    def _key(self) -> Optional[paramiko.PKey]:
        text, passphrase = self._asset.private_key, self._asset.passphrase
        if not text:
            return None
        for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
            try:
                return kind.from_private_key(io.StringIO(text.strip() + "\n"), passphrase or None)
            except paramiko.PasswordRequiredException:
                raise ActionFailed(f"{self.product}: the private key is encrypted; set passphrase") from None
            except Exception:
                continue
        raise ActionFailed(
            f"{self.product}: private_key cannot be read; give the whole text of a key file (Ed25519, ECDSA or RSA), and the right"
            " passphrase"
        )

    def _refused(self, error: Exception, place: str) -> ActionFailed:
        user = self._asset.user
        if isinstance(error, paramiko.BadHostKeyException):
            return self.stranger(error.key)
        if isinstance(error, paramiko.BadAuthenticationType):
            ways = ", ".join(sorted(error.allowed_types))
            return ActionFailed(f"{self.product}: {self.host} takes {user} by {ways} only; set what it wants in the asset")
        if isinstance(error, paramiko.AuthenticationException) and "timeout" not in str(error).lower():
            cure = "check user, password and private_key of the asset"
            return ActionFailed(f"{self.product}: {self.host} refuses the credentials of {user}; {cure}")
        if "incompatible" in str(error).lower():
            return ActionFailed(f"{self.product}: no way of encryption is known both here and at {place}; update its SSH server")
        cure = "check that an SSH server answers there, and is not overloaded"
        waited = f"within {self._asset.connect_timeout_s:g} s"
        return ActionFailed(f"{self.product}: {place} does not speak SSH with the app {waited}; {cure}", retry=True)

    def stranger(self, key: paramiko.PKey) -> ActionFailed:
        """What to say of a host that shows another key than it should."""
        return ActionFailed(
            f"{self.product}: {self.host} shows a host key that is not its own ({key.get_name()} {fingerprint(key)}); find out who"
            " answers there, and change known_hosts or host_key only if that is right"
        )

    def _shortened(self, text: str) -> str:
        """One line of at most 200 characters, with stars in place of secrets."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        line = " ".join("".join(character if character.isprintable() else " " for character in text).split())
        return line if len(line) <= _QUOTED else f"{line[: _QUOTED - 1]}…"


class _Unknown(paramiko.MissingHostKeyPolicy):  # type: ignore[misc]
    """What to do about a host that no line of known_hosts names."""

    def __init__(self, machine: Ssh, asset: SshAsset) -> None:
        self._machine, self._asset = machine, asset

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        wanted = (self._asset.host_key or "").strip()
        if self._asset.verify_host_key and fingerprint(key) != wanted:
            raise self._machine.stranger(key)


def fingerprint(key: paramiko.PKey) -> str:
    """As ``ssh-keygen -l`` shows it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")


def _send(channel: paramiko.Channel, input: bytes) -> None:
    with contextlib.suppress(OSError, EOFError, paramiko.SSHException):  # a program need not read all
        channel.sendall(input)
        channel.shutdown_write()


def _collect(receive: Any, content: bytearray, limit: int) -> bool:
    """Whether all that there was is within the limit."""
    while chunk := receive(_CHUNK):
        content += chunk
        if len(content) > limit:
            return False
    return True
