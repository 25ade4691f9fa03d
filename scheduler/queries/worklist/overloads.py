"""Published shifts that cannot carry what is booked on their day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from scheduler.domain import localtime, staffing
from scheduler.domain.intervals import Interval
from scheduler.domain.staffing import Overload
from scheduler.models import Center, UnitDay
from scheduler.queries import facts as unit_facts
from scheduler.queries.worklist.item import Action, WorklistItem

AHEAD = timedelta(days=14)


def published(center: Center, now: datetime) -> Iterator[WorklistItem]:
    """One item for each published day, from today on for two weeks, that asks more of the nurses than they can."""
    today = localtime.local_date(now, center.zone)
    days = (
        UnitDay.objects.filter(unit__center=center, shifts_published=True, date__gte=today, date__lte=today + AHEAD)
        .select_related("unit__center")
        .order_by("unit", "date")
    )
    by_unit: dict[int, list[UnitDay]] = {}
    for day in days:
        by_unit.setdefault(day.unit_id, []).append(day)
    for group in by_unit.values():
        unit = group[0].unit
        first, last = (localtime.day(day.date, center.zone) for day in (group[0], group[-1]))
        span = Interval(first.start, last.end)
        capacity = unit_facts.capacity(unit, span, center.zone)
        cares = [care for _appointment, care in unit_facts.cares(unit, span, now)]
        over = staffing.overloads(capacity, staffing.load(localtime.quarter_hours(span), cares))
        for day in group:
            whole = localtime.day(day.date, center.zone)
            found = [one for one in over if whole.contains(one.quarter) and one.quarter > now]
            if found:
                yield _item(day, found, center, now)


def _item(day: UnitDay, found: Sequence[Overload], center: Center, now: datetime) -> WorklistItem:
    worst = max(found, key=lambda one: one.have - one.can)
    words = {"patients": _("patients"), "acuity": _("points"), "starts": _("starts")}
    local = worst.quarter.astimezone(center.zone)
    facts = {
        "unit": day.unit.name,
        "day": f"{local:%a} {local.day} {local:%b}",
        "time": f"{local:%H:%M}",
        "have": worst.have,
        "can": worst.can,
        "what": words[worst.what],
    }
    return WorklistItem(
        key=f"overload:{day.unit_id}:{day.date.isoformat()}",
        kind="overload",
        urgency="now" if worst.quarter <= now + timedelta(days=1) else "today",
        title=_("%(unit)s, %(day)s: more than the nurses can do") % facts,
        detail=_("At %(time)s %(have)s %(what)s, with nurses for %(can)s.") % facts,
        when=found[0].quarter,
        action=Action(_("See the day"), "board", (day.unit.code, day.date)),
        unit_id=day.unit_id,
    )
