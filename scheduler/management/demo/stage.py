"""Simulated time: what happens in the demo's past happens in order, each with its own `now`."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from datetime import datetime
from itertools import count
from random import Random

Happening = Callable[[datetime], object]


class Stage:
    """A queue of happenings. What lies after the end never happens: that is how today gets its present state."""

    def __init__(self, *, end: datetime) -> None:
        self.end = end
        self.random = Random(20261124)
        self._coming: list[tuple[datetime, int, Happening]] = []
        self._order = count()

    def at(self, when: datetime, happening: Happening) -> None:
        heapq.heappush(self._coming, (when, next(self._order), happening))

    def play(self) -> None:
        """Everything up to the end."""
        while self._coming and self._coming[0][0] <= self.end:
            when, _, happening = heapq.heappop(self._coming)
            happening(when)
