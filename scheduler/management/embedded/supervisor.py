"""Starts children, starts them again when they crash, and leaves none behind. See leash.py for how."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

LEASH = Path(__file__).with_name("leash.py")
GRACE = 5.0  # seconds a child has between SIGTERM and SIGKILL
LONGEST_PAUSE = 30.0  # seconds between two starts of a child that keeps crashing
STEADY = 60.0  # seconds a child has run before its earlier crashes are forgotten


@dataclass
class Child:
    name: str
    command: Sequence[str]
    process: subprocess.Popen[bytes]
    started: float
    crashes: int = 0
    again_at: float | None = None


@dataclass
class Supervisor:
    """`directory` is where the children run, `held` a file descriptor that stays open as long as one of them lives."""

    directory: Path
    held: int
    children: list[Child] = field(default_factory=list)

    def __post_init__(self) -> None:
        # Only this process has the writing end. The kernel closes it whatever kills us.
        self._lifeline, self._writing_end = os.pipe()

    def start(self, name: str, command: Sequence[str]) -> Child:
        child = Child(name, command, self._spawn(name, command), time.monotonic())
        self.children.append(child)
        return child

    def tend(self) -> None:
        """One look at every child: note a crash, start again what has paused long enough."""
        now = time.monotonic()
        for child in self.children:
            if child.again_at is not None:
                if now >= child.again_at:
                    child.process, child.started, child.again_at = self._spawn(child.name, child.command), now, None
            elif child.process.poll() is not None:
                # The leash itself may have been killed: its group goes with it.
                self._kill_group(child)
                child.crashes = 1 if now - child.started > STEADY else child.crashes + 1
                pause = min(2.0 ** (child.crashes - 1), LONGEST_PAUSE)
                child.again_at = now + pause
                print(f"Starting {child.name} again in {pause:.0f} s.", file=sys.stderr, flush=True)

    def wait_until(self, condition: Callable[[], bool], *, crashes: int = 3) -> Child | None:
        """Tend the children until `condition()`. Returns the child that crashed `crashes` times meanwhile, if any."""
        while not condition():
            self.tend()
            for child in self.children:
                if child.crashes >= crashes:
                    return child
            time.sleep(0.1)
        return None

    def stop(self, *, first: Sequence[str] = ()) -> None:
        """Stop everything, the children named in `first` before the others; returns when all are gone."""
        for group in (
            [child for child in self.children if child.name in first],
            [child for child in self.children if child.name not in first],
        ):
            for child in group:
                with contextlib.suppress(ProcessLookupError):
                    child.process.terminate()
            deadline = time.monotonic() + GRACE + 2
            for child in group:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.process.wait(max(0.0, deadline - time.monotonic()))
                self._kill_group(child)
                child.process.wait()

    def kill(self) -> None:
        for child in self.children:
            self._kill_group(child)

    def _spawn(self, name: str, command: Sequence[str]) -> subprocess.Popen[bytes]:
        leash = [sys.executable, "-I", "-S", str(LEASH), str(self._lifeline), str(self.held), str(GRACE), name]
        return subprocess.Popen(
            [*leash, *command],
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            pass_fds=(self._lifeline, self.held),
            process_group=0,
        )

    @staticmethod
    def _kill_group(child: Child) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):  # gone already (macOS says EPERM for zombies)
            os.killpg(child.process.pid, signal.SIGKILL)
