"""Many callers at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from django.db import connections


def together(calls: Sequence[Callable[[], Any]], *, seconds: float = 60) -> list[Any]:
    """Run each call in its own thread and database connection, all released at once.

    Returns, in order, what each call returned or the exception it raised. Needs `committed_db`.
    """
    results: list[Any] = [None] * len(calls)
    gate = threading.Barrier(len(calls))

    def run(index: int, call: Callable[[], Any]) -> None:
        try:
            gate.wait(seconds)
            results[index] = call()
        except Exception as problem:  # noqa: BLE001 - handed to the test
            results[index] = problem
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=item, daemon=True) for item in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds)
    assert not any(thread.is_alive() for thread in threads), f"still running after {seconds} seconds"
    return results
