"""`manage.py serve`: starts, answers, repairs itself, and leaves no process behind, however it ends."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from urllib.request import urlopen

import psutil
import pytest
import redis

from tests.support.ports import free_port
from tests.support.waiting import wait_for

ROOT = Path(__file__).resolve().parents[2]


class Service:
    """One `manage.py serve` in a data directory of its own."""

    def __init__(self, data: Path, log: Path) -> None:
        self.data, self.log, self.port = data, log, free_port()
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *prefix: str, arguments: tuple[str, ...] = ()) -> None:
        environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [*prefix, sys.executable, "manage.py", "serve", "--port", str(self.port), "--no-demo", *arguments],
                cwd=ROOT,
                env={**environment, "DATA_DIR": str(self.data)},
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        wait_for(self._ready, 40)

    def _ready(self) -> bool:
        assert self.process
        assert self.process.poll() is None, self.output()
        return f"Ready: http://127.0.0.1:{self.port}\n" in self.output()

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def processes(self) -> list[psutil.Process]:
        """Everything that was started with this data directory in its environment, or lives in it."""
        return [process for process in psutil.process_iter() if self._ours(process)]

    def _ours(self, process: psutil.Process) -> bool:
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            # The broker writes its title over its environment, and works in its directory.
            return process.environ().get("DATA_DIR") == str(self.data) or str(self.data) in process.cwd()
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return False

    def matching(self, *words: str) -> list[psutil.Process]:
        found = []
        for process in self.processes():
            try:
                command = process.cmdline()
            except psutil.NoSuchProcess:
                continue
            if all(any(part == word or part.endswith(f"/{word}") for part in command) for word in words):
                found.append(process)
        return found

    def service(self, word: str) -> list[psutil.Process]:
        """The processes of one child, without its leash and without the supervisor."""
        leashes = {process.pid for process in self.matching("leash.py")}
        return [process for process in self.matching(word) if process.pid not in leashes]

    def healthy(self) -> bool:
        with urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=5) as answer:
            return bool(answer.status == 200)

    def end(self, number: signal.Signals) -> int:
        assert self.process
        self.process.send_signal(number)
        return self.process.wait(20)


@pytest.fixture
def service(tmp_path: Path) -> Generator[Service]:
    service = Service(tmp_path / "data", tmp_path / "log")
    yield service
    for process in service.processes():
        process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_answers_and_leaves_nothing_behind_when_asked_to_stop(service: Service, number: signal.Signals) -> None:
    service.start()
    assert service.healthy()
    assert len(service.processes()) >= 11  # supervisor, four leashes, web, worker with a pool of two, beat, broker
    assert service.end(number) == 0
    assert service.processes() == []


def test_it_leaves_nothing_behind_when_it_is_killed_outright(service: Service) -> None:
    service.start()
    service.end(signal.SIGKILL)
    wait_for(lambda: not service.processes(), 15)


def test_it_leaves_nothing_behind_when_its_leashes_are_killed_too(service: Service) -> None:
    service.start()
    for process in [psutil.Process(service.process.pid if service.process else 0), *service.matching("leash.py")]:
        process.kill()
    wait_for(lambda: not service.processes(), 15)


def test_it_goes_when_the_one_that_started_it_is_killed(service: Service) -> None:
    """`make run` is a parent that can't pass a SIGKILL on."""
    parent = "import subprocess, sys; subprocess.run(sys.argv[1:])"
    service.start(sys.executable, "-c", parent, arguments=("--follow-parent",))
    service.end(signal.SIGKILL)
    wait_for(lambda: not service.processes(), 20)


def test_what_crashes_is_started_again_without_its_old_pool(service: Service) -> None:
    service.start()
    before = service.service("worker")
    assert len(before) >= 2
    min(before, key=lambda process: process.pid).kill()
    wait_for(lambda: "worker stopped (signal 9)." in service.output(), 10)
    wait_for(lambda: service.output().count("Starting worker again in 1 s.") == 1, 10)
    wait_for(lambda: not any(process.is_running() for process in before), 10)
    wait_for(lambda: len(service.service("worker")) >= 2, 20)
    assert service.end(signal.SIGTERM) == 0
    assert service.processes() == []


def test_a_killed_leash_takes_its_command_with_it(service: Service) -> None:
    service.start()
    old = service.service("uvicorn")
    service.matching("leash.py", "uvicorn")[0].kill()
    wait_for(lambda: not any(process.is_running() for process in old), 10)
    wait_for(lambda: service.service("uvicorn"), 10)
    assert service.end(signal.SIGTERM) == 0
    assert service.processes() == []


def test_the_broker_keeps_its_queue_over_a_restart(service: Service) -> None:
    service.start()
    client = redis.Redis.from_url((service.data / "broker" / "url").read_text().strip())
    client.lpush("kept", "work")
    service.end(signal.SIGTERM)
    service.start()
    client = redis.Redis.from_url((service.data / "broker" / "url").read_text().strip())
    assert client.lrange("kept", 0, -1) == [b"work"]
    service.end(signal.SIGTERM)


def test_secrets_are_for_their_owner_only(service: Service) -> None:
    service.start()
    for name in ("secret-key", "broker/url", "broker/valkey.conf"):
        assert stat.S_IMODE((service.data / name).stat().st_mode) == 0o600
    secret = (service.data / "broker" / "url").read_text().split("@")[0].rsplit(":")[-1]
    assert not any(secret in part for process in service.processes() for part in process.cmdline())
    service.end(signal.SIGTERM)


def refused(data: Path | str, port: int | str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", "serve", "--no-demo", "--port", str(port), "--data", str(data)],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stdout == ""
    return done.stderr


def test_a_taken_port_or_data_directory_is_one_line(service: Service, tmp_path: Path) -> None:
    service.start()
    assert "is taken" in refused(tmp_path / "other", service.port)
    assert "is in use by another" in refused(service.data, free_port())
    service.end(signal.SIGTERM)


def test_an_unusable_data_directory_is_one_line() -> None:
    assert refused("/dev/null/data", 8000).startswith("DATA_DIR: ")


def test_a_malformed_port_is_one_line(tmp_path: Path) -> None:
    assert refused(tmp_path, "eighty").startswith("PORT: ")


def test_an_unreachable_database_is_one_line(tmp_path: Path) -> None:
    url = f"postgresql://nobody@127.0.0.1:{free_port()}/none"
    assert refused(tmp_path, free_port(), DATABASE_URL=url).startswith("DATABASE_URL: ")


def test_an_unknown_argument_is_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "serve", "--nonsense"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert done.stderr == "serve: unrecognized arguments: --nonsense.\n"
