"""Real child processes over the test's committed database: Celery workers and the web server."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from celery import Celery
from kombu.exceptions import OperationalError
from redis import RedisError

from tests.support import traces
from tests.support.committed import database_url
from tests.support.ports import free_port
from tests.support.waiting import wait_for

ROOT = Path(__file__).resolve().parents[2]


class ChildProcess:
    """One command in its own process group, its output in a file."""

    def __init__(self, command: Sequence[str], log: Path, environment: Mapping[str, str]) -> None:
        self.log = log
        traces.files.append(log)
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, "DATABASE_URL": database_url(), **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def kill(self) -> None:
        """SIGKILL to the whole group, pool children included; safe to repeat."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()

    def terminate(self, seconds: float = 15) -> int:
        """SIGTERM to the main process; returns its exit code."""
        self._process.terminate()
        return self._process.wait(seconds)

    def begin(self, answers: Callable[[], bool]) -> None:
        """Waits until it serves; one that does not leaves no process behind."""
        try:
            self.wait_until(answers, 60)
        except BaseException:
            self.kill()
            raise

    def wait_until(self, condition: Callable[[], Any], seconds: float = 20) -> Any:
        """The first true value of `condition()`; fails at once with the output when the process has ended."""

        def look() -> Any:
            assert self._process.poll() is None, f"it ended with {self._process.returncode}:\n{self.output()}"
            return condition()

        try:
            return wait_for(look, seconds)
        except AssertionError as problem:
            raise AssertionError(f"{problem}\n{self.output()}") from None


class CeleryWorker(ChildProcess):
    """`celery worker`, with `beat` inside where asked, on `broker_url`."""

    def __init__(
        self,
        broker_url: str,
        log: Path,
        *,
        concurrency: int = 1,
        beat: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._broker_url = broker_url
        command = [
            sys.executable, "-m", "celery", "--quiet", "--app", "infusion_center", "worker", "--loglevel", "INFO",
            "--concurrency", str(concurrency), "--without-gossip", "--without-mingle", "--without-heartbeat",
        ]  # fmt: skip
        if beat:
            command += ["--beat", "--schedule", str(log.with_suffix(".schedule"))]
        super().__init__(command, log, {"REDIS_URL": broker_url, **(environment or {})})
        self.begin(self.answers)

    def _celery(self) -> Celery:
        app = Celery(broker=self._broker_url)
        app.conf.broker_transport_options = {"socket_timeout": 2, "socket_connect_timeout": 2}
        app.conf.broker_connection_retry = False
        app.conf.broker_connection_timeout = 2
        return app

    def answers(self) -> bool:
        """Whether the worker takes work now."""
        with self._celery() as app:
            try:
                return bool(app.control.ping(timeout=0.5, limit=1))
            except (OperationalError, RedisError):  # the broker hangs or is on its way
                return False

    def send(self, task: str, *arguments: Any) -> None:
        """Put one task on the queue, as beat does."""
        with self._celery() as app:
            app.send_task(task, args=arguments, ignore_result=True)


class WebServer(ChildProcess):
    """uvicorn on a free port, or on the `port` of one that is gone, over the test's database."""

    def __init__(self, log: Path, *, port: int | None = None, environment: Mapping[str, str] | None = None) -> None:
        self.port = port or free_port()
        command = [
            sys.executable, "-m", "uvicorn", "infusion_center.asgi:application", "--host", "127.0.0.1",
            "--port", str(self.port), "--lifespan", "off", "--no-access-log", "--log-level", "warning",
            "--timeout-graceful-shutdown", "2",
        ]  # fmt: skip
        super().__init__(command, log, {"PORT": str(self.port), **(environment or {})})
        self.begin(self.answers)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):  # not listening yet
            return False
        finally:
            connection.close()
