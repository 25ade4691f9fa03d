"""Writers of SQLite take turns. The database has one writer at a time, and who finds it busy sleeps and looks again,
longer each time: under load some wait for seconds while others pass them. In the one web process that writes there a
lock of its own wakes the next one at once. PostgreSQL queues its waiters itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from django.db import connection

from scheduler.domain.errors import Busy

LONGEST_WAIT_SECONDS = 20  # as long as SQLite's own busy timeout
_turn = Lock()


@contextmanager
def turn() -> Iterator[None]:
    """Around a writing transaction. Inside one already it does nothing: that one has the turn, or has the database
    and must not wait for who waits for it. Raises Busy after 20 seconds."""
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        yield
        return
    if not _turn.acquire(timeout=LONGEST_WAIT_SECONDS):
        raise Busy
    try:
        yield
    finally:
        _turn.release()
