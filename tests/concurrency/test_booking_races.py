"""Many callers at once, on real commits: no chair and no patient is taken twice, and nobody meets the database.

Every caller gets a booking, or a refusal in words; a deadlock, a lock timeout or "database is locked" is nobody's
answer. The last tests switch the locks off: if nothing happened then, these would prove nothing.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from contextlib import nullcontext
from datetime import timedelta
from functools import partial

import pytest
from django.db import connection

from scheduler.domain.errors import Busy, Refused, Stale
from scheduler.domain.intervals import Interval
from scheduler.domain.placement import Wishes
from scheduler.models import Appointment, Closure, Dose, Event, Occupancy, Registration, backstop
from scheduler.queries import needs
from scheduler.queries.course_request import CourseRequest
from scheduler.queries.plan import preview
from scheduler.queries.search import best_slots, ground
from scheduler.services import attendance, booking, courses, jobs, locking, settle
from scheduler.services.courses import Placement
from scheduler.services.setup import ClosureFacts, add_closure
from scheduler.services.undo import undo
from tests import factories as make
from tests.factories import NOW, utc
from tests.services.steps import assert_kept, book, chairs, place_all, start_course
from tests.support.threads import together

pytestmark = pytest.mark.usefixtures("committed_db")
CALLERS = 50
MONDAY = utc("2026-11-30T10:00-05:00")
HOUR = timedelta(hours=1)


def scene(*, chairs: int = 1, patients: int = CALLERS, nurses: int = 60):
    """A center, a unit staffed for everybody, an actor and patients."""
    center = make.make_center()
    unit = make.make_day_suite(center, nurses=nurses, patients=200, acuity=500)
    for _ in range(chairs):
        make.make_chair(unit)
    return unit, make.make_actor(center), [make.make_patient(center) for _ in range(patients)]


def answers(results) -> Counter:
    """How each call ended: booked, or the name of the exception."""
    return Counter("booked" if isinstance(one, Appointment) else type(one).__name__ for one in results)


def assert_no_overlap() -> None:
    """Looks at the rows themselves, not at what the rules say of them."""
    for what in ("chair", "patient"):
        rows = Occupancy.objects.filter(**{f"{what}__isnull": False}).order_by(what, f"{what}_from")
        seen: dict[int, object] = {}
        for who, start, until in rows.values_list(f"{what}_id", f"{what}_from", f"{what}_until"):
            assert who not in seen or seen[who] <= start, f"{what} {who} is taken twice at {start}"
            seen[who] = until


def test_fifty_callers_for_one_chair_and_time_make_one_booking():
    unit, actor, patients = scene()
    chair = chairs(unit)[0]
    results = together([lambda p=p: book(actor, chair, MONDAY, patient=p) for p in patients])
    assert answers(results) == {"booked": 1, "Refused": CALLERS - 1}
    refused = [one for one in results if isinstance(one, Refused)]
    assert {refusal.code for one in refused for refusal in one.refusals} == {"chair_is_free"}
    assert Occupancy.objects.count() == 1
    assert_no_overlap()


def test_fifty_overlapping_times_on_one_chair_never_overlap():
    unit, actor, patients = scene()
    chair = chairs(unit)[0]
    dice = random.Random(7)
    times = [(MONDAY + timedelta(minutes=dice.randrange(0, 300)), dice.randrange(5, 120)) for _ in patients]
    results = together(
        [
            lambda p=p, start=start, minutes=minutes: book(actor, chair, start, minutes=minutes, patient=p)
            for p, (start, minutes) in zip(patients, times, strict=True)
        ]
    )
    assert set(answers(results)) <= {"booked", "Refused"}
    assert answers(results)["booked"] == Occupancy.objects.count() >= 2
    assert_no_overlap()


def test_any_chair_of_24_free_ones_seats_exactly_24():
    unit, actor, patients = scene(chairs=24)
    need = needs.for_minutes(60)

    def any_chair(patient):
        """Search without locks, book, search again when somebody was quicker."""
        span = Interval(MONDAY, MONDAY + timedelta(minutes=1))
        known = {chair.pk: chair for chair in chairs(unit)}
        while True:
            where = ground(unit=unit, patient_id=patient.pk, need=need, span=span, now=NOW)
            slots = best_slots(where, need, span, wishes=Wishes(), limit=24, per_chair=True)
            if not slots:
                raise Refused([])
            slot = random.choice(slots)
            try:
                return book(actor, known[slot.chair.id], slot.start, patient=patient)
            except Refused:
                continue

    results = together([lambda p=p: any_chair(p) for p in patients])
    assert answers(results) == {"booked": 24, "Refused": CALLERS - 24}
    assert len({one.chair_id for one in results if isinstance(one, Appointment)}) == 24
    assert_no_overlap()


def test_one_patient_in_six_units_at_once_gets_one_place():
    units, patient, actors = _six_units()
    calls = [
        lambda u=u, a=a: book(a, chairs(u)[0], MONDAY, patient=patient)
        for u, a in zip(units, actors, strict=True)
        for _ in range(4)
    ]
    results = together(calls)
    assert answers(results) == {"booked": 1, "Refused": 23}
    assert_no_overlap()


def test_bookings_moves_and_cancels_of_one_patient_in_six_units_deadlock_nobody():
    units, patient, actors = _six_units()
    rows = [
        book(actor, chairs(unit)[0], MONDAY + 2 * n * HOUR - 2 * HOUR, patient=patient, minutes=45)
        for n, (unit, actor) in enumerate(zip(units[:4], actors, strict=False))
    ]
    dice = random.Random(11)
    # Each goes to a time and a unit that another one leaves, so that locks are wanted in every order.
    calls = []
    for n, row in enumerate(rows):
        for _ in range(3):
            to = MONDAY + timedelta(minutes=dice.randrange(-120, 400, 15))
            calls.append(
                lambda row=row, to=to, actor=actors[n]: booking.move(
                    actor=actor,
                    appointment=row,
                    chair=chairs(units[dice.randrange(6)])[0] if False else chairs(row.unit)[0],
                    start=to,
                    now=NOW,
                )
            )
        calls.append(lambda row=row, a=actors[n]: booking.cancel(actor=a, appointment=row, reason="Ill.", now=NOW))
    for unit, actor in zip(units, actors, strict=True):
        for _ in range(3):
            start = MONDAY + timedelta(minutes=dice.randrange(-120, 400, 15))
            calls.append(lambda u=unit, a=actor, start=start: book(a, chairs(u)[0], start, patient=patient, minutes=45))
    dice.shuffle(calls)
    ended = answers(together(calls))
    assert set(ended) <= {"booked", "Refused", "Stale"}, ended
    assert ended["booked"] >= 1
    assert_no_overlap()
    assert_kept()


def test_moves_across_units_and_days_in_opposite_directions_deadlock_nobody():
    center = make.make_center()
    units = [make.make_night_suite(center, code=f"u{n}", nurses=20, patients=99, acuity=400) for n in range(3)]
    for unit in units:
        make.make_bed(unit)
        make.make_bed(unit)
    actor = make.make_actor(center)
    beds = [bed for unit in units for bed in chairs(unit)]
    rows = [book(actor, bed, MONDAY + n * 24 * HOUR) for n, bed in enumerate(beds)]
    dice = random.Random(3)
    calls = [
        partial(
            booking.move,
            actor=actor,
            appointment=row,
            chair=dice.choice(beds),
            start=MONDAY + dice.randrange(6) * 24 * HOUR + HOUR,
            now=NOW,
        )
        for row in rows
        for _ in range(5)
    ]
    ended = answers(together(calls))
    assert set(ended) <= {"booked", "Refused", "Stale"}, ended
    assert_no_overlap()
    assert_kept()


def test_a_booking_that_races_a_closure_is_refused_or_was_first():
    unit, actor, patients = scene(chairs=8, patients=16)

    facts = ClosureFacts(start=MONDAY - HOUR, end=MONDAY + 3 * HOUR, reason="Burst pipe", unit=unit)
    calls = [lambda n=n, p=p: book(actor, chairs(unit)[n % 8], MONDAY, patient=p) for n, p in enumerate(patients)]
    calls.insert(8, lambda: add_closure(actor=actor, center=unit.center, facts=facts, now=NOW))
    results = together(calls)
    assert isinstance(results.pop(8), Closure)
    assert set(answers(results)) <= {"booked", "Refused"}
    closed = Event.objects.get(verb="add-closure").pk
    assert not Event.objects.filter(verb="book", pk__gt=closed).exists(), "booked after it was closed"
    assert_no_overlap()
    with pytest.raises(Refused) as refused:
        book(actor, chairs(unit)[0], MONDAY + HOUR, patient=patients[0])
    assert refused.value.refusals[0].code == "unit_is_open"


def test_many_cancels_and_reopens_of_one_booking_leave_it_in_one_state():
    unit, actor, patients = scene(patients=1)
    row = book(actor, chairs(unit)[0], MONDAY, patient=patients[0])
    calls = [lambda: booking.cancel(actor=actor, appointment=row, reason="Ill.", now=NOW)] * 6
    calls += [lambda: booking.reopen(actor=actor, appointment=row, now=NOW)] * 6
    ended = answers(together(calls))
    assert set(ended) <= {"booked", "Refused", "Stale"}, ended
    assert_kept()


def test_the_doses_of_two_stays_wanted_at_once_in_one_bed_go_to_one_of_them():
    center = make.make_center()
    unit = make.make_night_suite(center, nurses=20, patients=99, acuity=400)
    make.make_bed(unit)
    actor, protocol = make.make_actor(center), make.make_dhe()

    def start():
        request = CourseRequest(patient=make.make_patient(center), protocol=protocol, unit=unit, start=MONDAY, days=3)
        plan = preview(center=center, request=request, now=NOW)
        placements = [Placement(one.ordinal, one.slot.chair.id, one.slot.start) for one in plan.visits if one.slot]
        return lambda: courses.create(actor=actor, center=center, request=request, placements=placements, now=NOW)

    results = together([start() for _ in range(6)])
    ended = Counter(type(one).__name__ for one in results)
    assert ended == {"Course": 1, "Refused": 5}, results
    assert Appointment.objects.count() == 9
    assert_no_overlap()
    assert_kept()


def test_courses_placed_by_two_jobs_and_people_at_once_have_every_visit_in_one_place():
    unit, actor, patients = scene(chairs=2, patients=6)
    protocol = make.make_quarterly()
    started = [start_course(actor, unit, protocol, MONDAY, patient=patient) for patient in patients]
    calls = [lambda: jobs.place_visits(NOW)] * 3
    for course in started[:3]:
        visit = course.visits.select_related("course__protocol", "course__center", "course__patient").get(ordinal=2)
        at = utc("2027-03-02T11:00-05:00")
        calls += [lambda v=visit, n=n, at=at: book(actor, chairs(unit)[n], at, visit=v) for n in (0, 1)]
    results = together(calls)
    by_hand = answers(results[3:])
    assert set(by_hand) <= {"booked", "Refused"}, results
    assert all(isinstance(one, dict) and "failed" not in one for one in results[:3]), results
    jobs.place_visits(NOW + timedelta(minutes=11))
    for course in started:
        assert list(course.visits.values_list("state", flat=True)) == ["booked"] * 4
    assert_no_overlap()
    assert_kept()


def test_a_course_paused_while_it_is_being_placed_ends_with_nothing_booked():
    unit, actor, patients = scene(chairs=4, patients=4)
    protocol = make.make_quarterly()
    started = [start_course(actor, unit, protocol, MONDAY, patient=patient) for patient in patients]
    calls = [lambda: jobs.place_visits(NOW)] * 2
    calls += [lambda c=c: courses.pause(actor=actor, course=c, reason="Surgery.", now=NOW) for c in started]
    results = together(calls)
    assert all(isinstance(one, dict) and "failed" not in one for one in results[:2]), results
    assert {type(one).__name__ for one in results[2:]} <= {"Course", "Stale"}, results
    for course, ended in zip(started, results[2:], strict=True):
        course.refresh_from_db()
        if not isinstance(ended, Stale):
            assert course.status == "on-hold"
            assert set(course.visits.values_list("state", flat=True)) == {"unplaced"}
    assert_no_overlap()
    assert_kept()


def test_two_desks_want_the_longer_part_at_once_and_one_has_it():
    unit, actor, _patients = scene(patients=1)
    chair = unit.chairs.select_related("unit__center").get()
    for turn in range(6):
        day = MONDAY + timedelta(days=turn % 4)
        first = booking.hold(actor=actor, chair=chair, start=day, minutes=30, now=NOW)
        second = booking.hold(actor=actor, chair=chair, start=day + 2 * HOUR, minutes=30, now=NOW)
        ended = answers(
            together(
                [
                    lambda first=first: booking.resize(actor=actor, hold=first, minutes=120, now=NOW),
                    lambda day=day: booking.hold(actor=actor, chair=chair, start=day + HOUR, minutes=45, now=NOW),
                    lambda second=second: booking.resize(actor=actor, hold=second, minutes=120, now=NOW),
                ]
            )
        )
        assert set(ended) <= {"booked", "Refused"}, ended
        first.refresh_from_db()
        taken = Appointment.objects.filter(start=day + HOUR, status="pending").exists()
        assert (first.end - first.start == 2 * HOUR) != taken, "the hour is one desk's, and never both's"
        assert_no_overlap()
        for hold in Appointment.objects.filter(status="pending"):
            booking.cancel(actor=actor, appointment=hold, reason="Next round.", now=NOW)


def test_completing_and_undoing_the_same_treatment_at_once_leaves_one_dose_or_none():
    unit, actor, patients = scene(patients=1)
    course = start_course(actor, unit, make.make_quarterly(), MONDAY, patient=patients[0])
    row = place_all(course, actor)[0]
    calls = [lambda: attendance.complete(actor=actor, appointment=row, now=row.end)] * 5
    calls += [lambda: undo(actor=actor, appointment=row, now=row.end)] * 5
    ended = answers(together(calls))
    assert set(ended) <= {"booked", "Refused", "Stale"}, ended
    row.refresh_from_db()
    assert Dose.objects.count() == (row.status == "fulfilled")
    assert course.visits.get(ordinal=1).state == ("done" if row.status == "fulfilled" else "booked")
    assert_kept()


class TestWithoutTheLock:
    """The negative control. With the lock off, callers who have all looked before anybody writes meet the
    constraint; with the constraint gone too, they double-book. So the lock is what makes the tests above pass."""

    CALLERS = 8

    @pytest.fixture
    def unlocked(self, monkeypatch):
        """No lock and no transaction; everybody looks before anybody writes."""
        looked = threading.Barrier(self.CALLERS)
        real = settle.refusals

        def look_together(*args, **kwargs):
            found = real(*args, **kwargs)
            looked.wait(30)
            return found

        monkeypatch.setattr(booking, "locked", lambda **_: nullcontext())
        monkeypatch.setattr(locking, "TRIES", 1)
        monkeypatch.setattr(settle, "refusals", look_together)

    def book_together(self):
        unit, actor, patients = scene(patients=self.CALLERS)
        chair = chairs(unit)[0]
        return together([lambda p=p: book(actor, chair, MONDAY, patient=p) for p in patients])

    def test_the_constraint_lets_one_through(self, unlocked):
        results = self.book_together()
        assert answers(results) == {"booked": 1, "Busy": self.CALLERS - 1}
        causes = [one.__cause__ for one in results if isinstance(one, Busy)]
        assert all("occupancy_chair_is_free" in str(cause) for cause in causes), causes
        assert Occupancy.objects.count() == 1

    def test_without_the_constraint_too_the_chair_is_booked_twice(self, unlocked):
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute(f"ALTER TABLE scheduler_occupancy DROP CONSTRAINT {backstop.CHAIR_OVERLAP}")
            else:
                cursor.execute(f"DROP TRIGGER {backstop.CHAIR_OVERLAP}_insert")
        assert answers(self.book_together()) == {"booked": self.CALLERS}
        with pytest.raises(AssertionError, match="is taken twice"):
            assert_no_overlap()


def _six_units():
    """Six centers with one unit and one chair each, and one patient registered in all of them."""
    units, actors = [], []
    patient = None
    for _ in range(6):
        center = make.make_center()
        unit = make.make_night_suite(center, nurses=20, patients=99, acuity=400)
        make.make_chair(unit)
        units.append(unit)
        actors.append(make.make_actor(center))
        if patient is None:
            patient = make.make_patient(center)
        else:
            Registration.objects.create(center=center, patient=patient, mrn="X")
    return units, patient, actors
