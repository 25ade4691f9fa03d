"""Starts that the patient's other doses forbid, as intervals: the search's side of two rules.

`interval_is_kept` and `rolling_cap_is_kept` say why one start is refused; a search over months needs all refused
starts at once. A property test holds the two against each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from scheduler.domain.intervals import Interval, merged
from scheduler.domain.protocols import RollingCap
from scheduler.domain.recurrence import Gap, earliest_after, latest_before
from scheduler.domain.rules.situation import DoseFact, Need

MINUTE = timedelta(minutes=1)
EVER = Interval(datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC))


def forbidden_starts(need: Need, doses: Sequence[DoseFact], zone: ZoneInfo) -> list[Interval]:
    """Half-open intervals of starts (minute resolution) that break the interval or a cap, sorted and merged."""
    if not need.substance:
        return []
    found: list[Interval] = []
    if need.gap is not None and need.gap.at_least:
        found += [_around(need.gap, dose.at, zone) for dose in doses]
    for cap in need.caps:
        if not (cap.attestable and need.order.is_attested):
            found += _over(cap, need.mg, sorted(doses, key=lambda dose: dose.at))
    return merged(found)


def _around(gap: Gap, dose: datetime, zone: ZoneInfo) -> Interval:
    return Interval(latest_before(gap, dose, zone), earliest_after(gap, dose, zone))


def _over(cap: RollingCap, mg: Decimal, doses: Sequence[DoseFact]) -> list[Interval]:
    """With doses i..j inside one window of the cap and this one too much, a start that shares a window with all
    of them is forbidden: after `j - window` and before `i + window`, both exclusive."""
    window = timedelta(minutes=cap.within_minutes)
    own = Decimal(1) if cap.counts == "doses" else mg
    if own > cap.limit:
        return [EVER]
    found = []
    for i, first in enumerate(doses):
        total = own
        for last in doses[i:]:
            if last.at - first.at >= window:
                break
            total += Decimal(1) if cap.counts == "doses" else last.mg
            if total > cap.limit:
                found.append(Interval(last.at - window + MINUTE, first.at + window))
                break  # more doses only make the forbidden stretch smaller
    return found
