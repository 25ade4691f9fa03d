"""Timing: HTTP calls by one or many clients, functions, and the queries that a call takes."""

from __future__ import annotations

import http.client
import json
import statistics
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Call:
    """With `session` it is a person's, who has signed in at the desk; else the key's."""

    method: str
    path: str
    body: dict[str, Any] | None = None
    session: str = ""


@dataclass(frozen=True, slots=True)
class Timed:
    """Milliseconds of each call, in order of their ends; the statuses answered; and seconds for all of them."""

    took: list[float]
    statuses: list[int]
    seconds: float

    @property
    def p50(self) -> float:
        return statistics.median(self.took)

    @property
    def p95(self) -> float:
        return sorted(self.took)[min(int(len(self.took) * 0.95), len(self.took) - 1)]

    def only(self, status: int) -> Timed:
        """Itself. Raises RuntimeError where another status was answered: such figures would mean nothing."""
        if other := [each for each in self.statuses if each != status]:
            raise RuntimeError(f"{len(other)} of {len(self.statuses)} answers are {sorted(set(other))}, not {status}.")
        return self


def over_http(port: int, key: str, calls: Sequence[Call], *, clients: int = 1, at_once: bool = False) -> Timed:
    """Each client has one connection that stays open, and takes the next call when its last is answered."""
    waiting = iter(calls)
    lock, ready = threading.Lock(), threading.Barrier(clients + 1)
    took: list[float] = []
    statuses: list[int] = []
    failed: list[Exception] = []

    def work() -> None:
        link = http.client.HTTPConnection(HOST, port, timeout=60)
        link.connect()
        ready.wait()
        try:
            while (call := _next(waiting, lock)) is not None:
                body = json.dumps(call.body) if call.body is not None else None
                began = perf_counter()
                link.request(call.method, call.path, body, _headers(key, call))
                answer = link.getresponse()
                answer.read()
                took.append((perf_counter() - began) * 1000)
                statuses.append(answer.status)
                if at_once:
                    return
        except (OSError, http.client.HTTPException) as problem:
            failed.append(problem)
        finally:
            link.close()

    threads = [threading.Thread(target=work) for _ in range(clients)]
    for thread in threads:
        thread.start()
    ready.wait()
    began = perf_counter()
    for thread in threads:
        thread.join()
    if failed:
        raise RuntimeError(f"{len(failed)} connections broke.") from failed[0]
    return Timed(took, statuses, perf_counter() - began)


def _next(waiting: Iterable[Call], lock: threading.Lock) -> Call | None:
    with lock:
        return next(iter(waiting), None)


def _headers(key: str, call: Call) -> dict[str, str]:
    common = {"Content-Type": "application/json"}
    if call.session:
        return {**common, "Cookie": f"{settings.SESSION_COOKIE_NAME}={call.session}"}
    return {**common, "Authorization": f"Bearer {key}"}


def here(work: Callable[[], Any], times: int) -> Timed:
    """The same in this process, `times` times after one that is not counted."""
    work()
    took = []
    all_began = perf_counter()
    for _ in range(times):
        began = perf_counter()
        work()
        took.append((perf_counter() - began) * 1000)
    return Timed(took, [], perf_counter() - all_began)


def queries_of(key: str, call: Call) -> int:
    """How many statements one call takes, counted in this process. BEGIN and COMMIT are among them."""
    client = Client(headers={**_headers(key, call), "Host": HOST})
    with CaptureQueriesContext(connection) as seen:
        answer = client.generic(
            call.method, call.path, json.dumps(call.body) if call.body else "", content_type="application/json"
        )
    if answer.status_code >= 400:
        raise RuntimeError(f"{call.method} {call.path} answers {answer.status_code}.")
    return len(seen)
