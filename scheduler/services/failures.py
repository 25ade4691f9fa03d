"""How a failure is logged: class and place, never its words, which may quote a row or an address."""

from __future__ import annotations

from pathlib import Path
from traceback import extract_tb


def describe(problem: BaseException) -> str:
    """`KeyError in placing.py:42`."""
    frames = extract_tb(problem.__traceback__)
    if not frames:
        return type(problem).__name__
    return f"{type(problem).__name__} in {Path(frames[-1].filename).name}:{frames[-1].lineno}"
