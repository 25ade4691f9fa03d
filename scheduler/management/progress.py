"""A progress bar for people at a terminal; nothing at all in a pipe."""

from __future__ import annotations

import sys
from typing import TextIO

WIDTH = 30


class Progress:
    """`[#######------]  42 %  what` on one line of standard error, gone when it is done."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._is_shown = self._stream.isatty()
        self._last = ""

    def show(self, share: float, what: str) -> None:
        """`share` is done of 1."""
        if not self._is_shown:
            return
        share = min(max(share, 0.0), 1.0)
        filled = round(share * WIDTH)
        line = f"[{'#' * filled}{'-' * (WIDTH - filled)}] {share:4.0%}  {what}"
        if line != self._last:
            self._stream.write(f"\r\x1b[K{line}")
            self._stream.flush()
            self._last = line

    def done(self) -> None:
        if self._last:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
