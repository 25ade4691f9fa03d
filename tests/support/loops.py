"""Event loops in tests: playwright keeps one running in the thread of the tests, so ours have threads of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

Result = TypeVar("Result")


def run(asked: Coroutine[Any, Any, Result]) -> Result:
    """What `asyncio.run` returns."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(asyncio.run, asked).result()
