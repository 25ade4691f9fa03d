"""Other times that a patient may take for her visit herself: by the same rules as everybody's, and at decent hours."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from scheduler.domain.errors import Refusal, gettext_noop
from scheduler.domain.intervals import Interval
from scheduler.domain.placement import Wishes
from scheduler.models import Appointment, Chair
from scheduler.queries import needs
from scheduler.queries.search import LONGEST_SEARCH, Slot, best_slots, ground

NOTICE = timedelta(hours=24)  # a center plans its day; sooner is a call
AHEAD = timedelta(days=14)  # for a visit without a window
EARLIEST, LATEST = 7 * 60, 21 * 60  # local minutes; nobody chooses 3 am on a phone
MOST, MOST_A_DAY = 6, 2
APART = timedelta(hours=1)  # who can't come at ten can't come at a quarter past either


def offered(appointment: Appointment, *, now: datetime) -> list[Slot]:
    """At most six free places for this visit within its window, by time, on several days; none where the center
    doesn't allow it, and none for a dose of a stay, which moves with its stay. The visit's own place counts as free.
    """
    visit = appointment.visit
    if not appointment.unit.center.patients_choose_times or (visit is not None and visit.course.protocol.keeps_chair):
        return []
    need = needs.for_appointment(appointment)
    first = max(now + NOTICE, visit.window_start if visit is not None else now)
    last = visit.window_end if visit is not None else max(appointment.start, now) + AHEAD
    last = min(last, first + LONGEST_SEARCH)
    first = first.replace(second=0, microsecond=0) + timedelta(minutes=1)
    if first >= last:
        return []
    span = Interval(first, last)
    where = ground(
        unit=appointment.unit,
        patient_id=appointment.patient_id,
        need=need,
        span=span,
        now=now,
        ignoring=[appointment.pk],
    )
    found = best_slots(where, need, span, wishes=Wishes(), due=appointment.start, limit=200)
    zone = where.unit.zone
    return _spread([slot for slot in found if _is_decent(slot, zone)], appointment.start, zone)


def gone() -> Refusal:
    """What to say when somebody else was quicker."""
    return Refusal("chair_is_free", gettext_noop("That time has just been taken. These are still free."), {})


def chair_of(slot: Slot) -> Chair:
    return Chair.objects.select_related("unit__center").get(pk=slot.chair.id)


def _is_decent(slot: Slot, zone: ZoneInfo) -> bool:
    local = slot.start.astimezone(zone)
    return EARLIEST <= local.hour * 60 + local.minute < LATEST


def _spread(found: list[Slot], now_at: datetime, zone: ZoneInfo) -> list[Slot]:
    """The best of several days, clearly apart from each other and from the time she has, then by time."""
    kept: list[Slot] = []
    days: Counter[date] = Counter()
    for slot in found:
        day = slot.start.astimezone(zone).date()
        others = [now_at, *(other.start for other in kept)]
        if days[day] < MOST_A_DAY and all(abs(slot.start - other) >= APART for other in others):
            days[day] += 1
            kept.append(slot)
        if len(kept) == MOST:
            break
    return sorted(kept, key=lambda slot: slot.start)
