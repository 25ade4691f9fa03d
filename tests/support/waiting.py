"""Waiting for a condition instead of sleeping."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_for(condition: Callable[[], T], seconds: float = 10, *, every: float = 0.05) -> T:
    """The first true value of `condition()`. Raises AssertionError after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        if value := condition():
            return value
        assert time.monotonic() < deadline, f"still not true after {seconds} seconds: {condition}"
        time.sleep(every)
