"""When the oracle thinks the visits of a course are due (DESIGN section 2, promise 3, and section 5, re-anchoring)."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tests.stateful.picture import MINUTE, Course, Picture
from tests.stateful.world import Therapy

Window = tuple[datetime, datetime]
Due = tuple[datetime, datetime, datetime]  # due, and its window `[first, until)`


def dues(picture: Picture, course: Course, therapy: Therapy, zone: ZoneInfo) -> dict[int, Due]:
    """By ordinal, for every visit the picture has of the course."""
    given, decided = _given(picture, course), _decided(picture, course)
    base, wall, moment = 1, course.start.astimezone(zone).replace(tzinfo=None), course.start
    found: dict[int, Due] = {}
    for visit in picture.visits_of(course.pk):
        steps = visit.ordinal - base
        due, clock = _step(therapy, moment, wall, steps, zone)
        first, until = window(therapy, due, zone)
        found[visit.ordinal] = (due, first, until)
        actual = given.get(visit.ordinal)
        if actual is None and visit.ordinal in decided and not first <= decided[visit.ordinal] < until:
            actual = decided[visit.ordinal]
        if actual is None:
            continue
        base, moment, wall = visit.ordinal, due, clock
        if not first <= actual < until:  # window and tolerance are alike in the machine's therapies
            moment, wall = actual, actual.astimezone(zone).replace(tzinfo=None)
            if therapy.counts_in == "days":  # who came late one afternoon still comes in the mornings
                wall = datetime.combine(wall.date(), clock.time())
                moment = _utc(wall, zone)
    return found


def window(therapy: Therapy, due: datetime, zone: ZoneInfo) -> Window:
    before, after = therapy.window
    if therapy.counts_in == "minutes":
        return due - before * MINUTE, due + (after + 1) * MINUTE
    day = due.astimezone(zone).date()
    return _midnight(day - timedelta(days=before), zone), _midnight(day + timedelta(days=after + 1), zone)


def _given(picture: Picture, course: Course) -> dict[int, datetime]:
    """Doses given or running, by ordinal."""
    ordinals = {visit.pk: visit.ordinal for visit in picture.visits_of(course.pk)}
    running = {ordinals[row.visit]: row.began for row in picture.of_course(course.pk) if row.visit in ordinals}
    found = {ordinal: began for ordinal, began in running.items() if began is not None}
    for dose in picture.doses.values():
        if dose.counts and dose.visit in ordinals:
            found[ordinals[dose.visit]] = dose.at
    return found


def _decided(picture: Picture, course: Course) -> dict[int, datetime]:
    """Starts for which somebody set the window aside: outside of it, they are what the next dose counts from."""
    return {
        picture.visits[row.visit].ordinal: row.start
        for row in picture.of_course(course.pk)
        if row.visit is not None and row.began is None and row.status != "pending" and "window_is_kept" in row.aside
    }


def _step(therapy: Therapy, moment: datetime, wall: datetime, steps: int, zone: ZoneInfo) -> tuple[datetime, datetime]:
    if steps == 0:
        return moment, wall
    assert therapy.every is not None, "a single dose has no second visit"
    number, unit = therapy.every
    if unit == "hours":
        due = moment + timedelta(hours=number * steps)
        return due, due.astimezone(zone).replace(tzinfo=None)
    if unit == "weeks":
        clock = wall + timedelta(weeks=number * steps)
    else:
        years, month = divmod(wall.month - 1 + number * steps, 12)
        year = wall.year + years
        clock = wall.replace(year=year, month=month + 1, day=min(wall.day, monthrange(year, month + 1)[1]))
    return _utc(clock, zone), clock


def _utc(wall: datetime, zone: ZoneInfo) -> datetime:
    return wall.replace(tzinfo=zone, fold=0).astimezone(UTC)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return _utc(datetime.combine(day, time.min), zone)
