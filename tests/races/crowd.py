"""Clients of the API that all run at once, each with its own open connection, and what they were answered."""

from __future__ import annotations

import http.client
import json
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """`status` 0: the connection broke before an answer came. `took` in milliseconds."""

    status: int
    raw: bytes
    etag: str
    took: float

    @property
    def body(self) -> Any:
        return json.loads(self.raw) if self.raw else None

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


@dataclass
class Caller:
    """One client. `answers` are all it was given, in order."""

    port: int
    key: str
    answers: list[Answer] = field(default_factory=list)
    _link: http.client.HTTPConnection | None = None

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        sent = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        began = perf_counter()
        try:
            if self._link is None:
                self._link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            self._link.request(method, f"/api/v1/{path}", json.dumps(body) if body is not None else None, sent)
            got = self._link.getresponse()
            answer = Answer(got.status, got.read(), got.headers.get("ETag", ""), (perf_counter() - began) * 1000)
        except (OSError, http.client.HTTPException):
            self.close()
            answer = Answer(0, b"", "", (perf_counter() - began) * 1000)
        self.answers.append(answer)
        return answer

    def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        return self("POST", path, body if body is not None else {}, **headers)

    def close(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None


def all_at_once(works: Sequence[Callable[[], None]], *, seconds: float = 900) -> None:
    """Run all in threads, released together; the first failure of any is raised."""
    gate = threading.Barrier(len(works))
    problems: list[BaseException] = []

    def run(work: Callable[[], None]) -> None:
        try:
            gate.wait(seconds)
            work()
        except BaseException as problem:  # noqa: BLE001 - raised below, in the test's own thread
            problems.append(problem)

    threads = [threading.Thread(target=run, args=(work,), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds)
    assert not any(thread.is_alive() for thread in threads), f"still running after {seconds} seconds"
    if problems:
        raise problems[0]


def statuses(answers: Sequence[Answer]) -> Counter[int]:
    return Counter(answer.status for answer in answers)


def latencies(answers: Sequence[Answer]) -> str:
    """p50, p95, p99 and slowest in words; in milliseconds."""
    took = sorted(answer.took for answer in answers)

    def at(share: float) -> float:
        return took[min(int(len(took) * share), len(took) - 1)]

    return f"p50 {at(0.5):.0f} ms, p95 {at(0.95):.0f} ms, p99 {at(0.99):.0f} ms, slowest {took[-1]:.0f} ms"
