"""Two years of visits in six zones, played by the clock: no reminder wrong, doubled or missing.

What is expected is worked out here from the wall clock alone, by other code than the ledger's.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core import mail as outbox

from scheduler.models import Appointment, LedgerEntry
from scheduler.services import booking
from scheduler.services.sending import send_due
from tests import factories as make

pytestmark = pytest.mark.django_db

ZONES = [
    "America/New_York",
    "America/Phoenix",
    "Europe/London",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/St_Johns",
]
FIRST, LAST = date(2027, 3, 1), date(2029, 2, 28)
# Days whose reminders or visits touch a clock change or the leap day, in one of the zones.
EDGES = [
    date(2027, 3, 15),
    date(2027, 3, 29),
    date(2027, 11, 8),
    date(2028, 2, 29),
    date(2028, 3, 1),
    date(2028, 3, 13),
]
HOURS = [(1, 30), (2, 30), (8, 0), (10, 0), (15, 45), (23, 30)]


@dataclass
class Plan:
    """One visit: booked, then at each later moment it has another start; None is cancelled."""

    number: int
    changes: list[tuple[datetime, datetime | None]] = field(default_factory=list)


def wall(day: date, hour: int, minute: int, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone).astimezone(UTC)


def plans(zone: ZoneInfo, step: int) -> list[Plan]:
    """Every third visit is moved twice, every fifth is cancelled in the end."""
    days = [FIRST + timedelta(days=offset) for offset in range(14, (LAST - FIRST).days, step)]
    made = []
    for number, day in enumerate(sorted({*days, *EDGES})):
        hour, minute = HOURS[number % len(HOURS)]
        at = wall(day - timedelta(days=10), 11, 0, zone)
        plan = Plan(number, [(at, wall(day, hour, minute, zone))])
        if number % 3 == 0:
            plan.changes.append((at + timedelta(days=1), wall(day + timedelta(days=3), 9, 15, zone)))
            plan.changes.append((at + timedelta(days=8, hours=3), wall(day + timedelta(days=1), 16, 0, zone)))
        if number % 5 == 0:
            plan.changes.append((plan.changes[-1][0] + timedelta(hours=20), None))
        made.append(plan)
    return made


def expected(plan: Plan, zone: ZoneInfo) -> set[tuple[int, datetime, datetime]]:
    """(visit, its time then, when the reminder leaves): 10:00 three days and one day before, if it stands then."""
    ends = [at for at, _start in plan.changes[1:]] + [datetime.max.replace(tzinfo=UTC)]
    found = set()
    for (since, start), until in zip(plan.changes, ends, strict=True):
        for days in (3, 1):
            if start is not None:
                due = wall(start.astimezone(zone).date() - timedelta(days=days), 10, 0, zone)
                if since < due < until:
                    found.add((plan.number, start, due))
    return found


@pytest.mark.parametrize("name", ZONES)
def test_two_years_of_reminders_are_all_there_once_and_at_the_right_hour(name, rounds, note):
    zone = ZoneInfo(name)
    center = make.make_center(time_zone=name, quiet_from=21 * 60, quiet_until=8 * 60)
    suite = make.make_night_suite(center)
    beds = [make.make_bed(suite) for _ in range(12)]
    actor = make.make_actor(center)
    every = plans(zone, rounds(61, 5))
    events = sorted(
        ((at, plan.number, start) for plan in every for at, start in plan.changes), key=lambda event: event[:2]
    )
    rows: dict[int, Appointment] = {}
    number_of: dict[int, int] = {}
    for at, number, start in events:
        drain(until=at)
        if number not in rows:
            patient = make.make_patient(center, email=f"p{number}@example.org")
            bed = beds[number % len(beds)]
            rows[number] = booking.book(actor=actor, chair=bed, start=start, patient=patient, minutes=30, now=at)
            number_of[rows[number].pk] = number
        elif start is None:
            rows[number] = booking.cancel(actor=actor, appointment=rows[number], reason="She is ill.", now=at)
        else:
            rows[number] = booking.move(actor=actor, appointment=rows[number], start=start, now=at)
    drain(until=wall(LAST + timedelta(days=30), 0, 0, zone))

    sent = LedgerEntry.objects.filter(kind="reminder", state="sent")
    told = Counter((number_of[row.appointment_id], row.appointment_start, row.due) for row in sent)
    wanted = set().union(*(expected(plan, zone) for plan in every))
    assert set(told) == wanted
    assert set(told.values()) == {1}
    for row in sent:
        assert row.due <= row.done_at < row.due + timedelta(minutes=1)
        assert row.done_at < row.appointment_start
        assert row.done_at.astimezone(zone).strftime("%H:%M") == "10:00"
    ids = Counter(message.extra_headers["Message-ID"] for message in outbox.outbox)
    assert max(ids.values()) == 1
    assert len(ids) == LedgerEntry.objects.filter(state="sent").count()
    assert not LedgerEntry.objects.filter(state__in=["due", "claimed", "failed", "missed"]).exists()
    note(f"{len(every)} visits, {len(wanted)} reminders")


def drain(*, until: datetime) -> None:
    """The worker's rounds up to that moment: one at each time that something is due, as it comes."""
    while row := LedgerEntry.objects.filter(state="due", due__lt=until).order_by("due").first():
        send_due(now=row.due)
