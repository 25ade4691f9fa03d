"""So many calls a minute for each caller, counted in the memory of this process: nothing is asked that could fail."""

from __future__ import annotations

import threading

PERIOD = 60.0  # seconds


class Meter:
    """For each caller the time (monotonic seconds) at which all her calls until now are paid for. Each call costs
    one interval, and nobody may owe more than the period. One number for each key: nothing grows with the calls."""

    def __init__(self) -> None:
        self._paid_at: dict[str, float] = {}
        self._lock = threading.Lock()

    def wait(self, who: str, *, per_minute: int, at: float) -> float:
        """0 where the call is taken; else the seconds after which the next would be."""
        interval = PERIOD / per_minute
        with self._lock:
            paid_at = max(self._paid_at.get(who, at), at) + interval
            owed = paid_at - at
            if owed > PERIOD + interval / 2:  # half a call, against the rounding of the sums
                return owed - PERIOD
            self._paid_at[who] = paid_at
        return 0.0

    def forget(self) -> None:
        with self._lock:
            self._paid_at.clear()
