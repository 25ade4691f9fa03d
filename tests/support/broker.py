"""A real Redis-protocol server in its own process, to be stopped, killed and started again."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import redis

from scheduler.management.embedded.broker import EmbeddedBroker
from tests.support import traces
from tests.support.ports import free_port
from tests.support.waiting import wait_for


class Broker:
    """Answers at `url`, the same one after `restart`."""

    def __init__(self, directory: Path) -> None:
        traces.files.append(directory)
        self._server = EmbeddedBroker(directory, port=free_port())
        self._server.prepare()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return self._server.url

    @property
    def pid(self) -> int:
        assert self._process, "the broker isn't running"
        return self._process.pid

    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url, socket_timeout=5)

    def start(self) -> None:
        self._process = subprocess.Popen(self._server.command, stdin=subprocess.DEVNULL, start_new_session=True)
        wait_for(self._server.answers, 10)

    def stop(self) -> None:
        """Hang: the port stays open, nobody answers."""
        os.kill(self.pid, signal.SIGSTOP)

    def cont(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        """Gone without a goodbye; safe to repeat."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        """Kill it if it runs, and start it on the same port with the same files."""
        self.kill()
        self.start()
