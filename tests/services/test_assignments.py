"""Who watches whom: by hand, as suggested, and when a nurse falls ill."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scheduler.domain.errors import Forbidden, Malformed, NotFound, Stale
from scheduler.domain.permissions import FRONT_DESK, NURSE
from scheduler.models import Assignment, Break, Event, Nurse, Shift, UnitDay
from scheduler.queries.assignments import nurses_of, shared_day
from scheduler.queries.course_request import CourseRequest
from scheduler.services import absences, assignments, attendance, booking, courses, placing
from scheduler.services.assignments import Given
from tests import factories as make
from tests.factories import NOW, utc

DAY = date(2026, 11, 24)
MORNING = utc("2026-11-24T08:00-05:00")


@pytest.fixture
def rescue(db):
    return make.make_rescue()


@pytest.fixture
def nurse(center):
    return make.make_actor(center, NURSE)


@pytest.fixture
def team(center, day_suite) -> list[Nurse]:
    """Mara and Ines, 08 to 18."""
    found = [center.nurses.create(name=name) for name in ("Mara", "Ines")]
    for each in found:
        on_shift(day_suite, each)
    return found


def on_shift(unit, nurse, first="08:00", last="18:00", **values) -> Shift:
    return Shift.objects.create(
        nurse=nurse, unit=unit, starts_at=utc(f"2026-11-24T{first}-05:00"), ends_at=utc(f"2026-11-24T{last}-05:00"),
        **{"patients": 4, "acuity": 8, **values},
    )  # fmt: skip


@pytest.fixture
def book(center, actor, day_suite, rescue):
    def run(clock: str, chair: int = 0, **values):
        return booking.book(
            actor=actor, chair=day_suite.chairs.select_related("unit__center")[chair],
            start=utc(f"2026-11-24T{clock}-05:00"), patient=make.make_patient(center), now=NOW,
            **{"protocol": rescue, **values},
        )  # fmt: skip

    return run


def lines(found) -> list[Given]:
    """What would be accepted, as the page sends it."""
    before = {task.key: task.nurse for task in found.tasks}
    return [
        Given(key, nurse, before[key])
        for key, nurse in found.suggestion().nurses.items()
        if nurse is not None and nurse != before[key]
    ]


def seen(unit, now=MORNING):
    return shared_day(unit=unit, date=DAY, now=now)


class TestByHand:
    def test_a_nurse_gets_a_patient_and_the_day_has_changed(self, nurse, day_suite, team, book):
        row = book("10:00")
        version = UnitDay.objects.get(unit=day_suite, date=DAY).version
        assignments.assign(actor=nurse, appointment=row, nurse=team[0], now=MORNING)
        found = Assignment.objects.get()
        assert (found.nurse, found.how, found.at) == (team[0], "by-hand", MORNING)
        assert nurses_of([row.pk]) == {row.pk: team[0]}
        assert UnitDay.objects.get(unit=day_suite, date=DAY).version == version + 1

    def test_it_is_on_record_with_her_patient_and_who_had_it_before(self, nurse, team, book):
        row = book("10:00")
        assignments.assign(actor=nurse, appointment=row, nurse=team[0], now=MORNING)
        assignments.assign(actor=nurse, appointment=row, nurse=team[1], now=MORNING)
        event = Event.objects.filter(verb="assign").latest("pk")
        assert (event.patient_id, event.center_id) == (row.patient_id, row.center_id)
        assert (event.before["nurse"], event.after["nurse"]) == (team[0].pk, team[1].pk)

    def test_twice_the_same_is_one_step(self, nurse, team, book):
        row = book("10:00")
        for _ in range(2):
            assignments.assign(actor=nurse, appointment=row, nurse=team[0], now=MORNING)
        assert Event.objects.filter(verb="assign").count() == 1

    def test_given_back_she_is_nobodys(self, nurse, team, book):
        row = book("10:00")
        assignments.assign(actor=nurse, appointment=row, nurse=team[0], now=MORNING)
        for _ in range(2):
            assignments.clear(actor=nurse, appointment=row, now=MORNING)
        assert not Assignment.objects.exists()
        assert Event.objects.get(verb="unassign").before["nurse"] == team[0].pk

    def test_the_front_desk_does_not_say_who_watches_whom(self, center, team, book):
        row = book("10:00")
        desk = make.make_actor(center, FRONT_DESK)
        with pytest.raises(Forbidden):
            assignments.assign(actor=desk, appointment=row, nurse=team[0], now=MORNING)
        with pytest.raises(Forbidden):
            assignments.clear(actor=desk, appointment=row, now=MORNING)
        with pytest.raises(Forbidden):
            assignments.accept(actor=desk, unit=row.unit, given=[], now=MORNING)

    def test_another_centers_nurse_is_none_of_ours(self, nurse, book):
        stranger = make.make_center().nurses.create(name="Zoe")
        with pytest.raises(NotFound):
            assignments.assign(actor=nurse, appointment=book("10:00"), nurse=stranger, now=MORNING)

    def test_who_works_here_no_longer_gets_nobody(self, nurse, team, book):
        Nurse.objects.filter(pk=team[0].pk).update(is_active=False)
        with pytest.raises(Malformed):
            assignments.assign(
                actor=nurse, appointment=book("10:00"), nurse=Nurse.objects.get(pk=team[0].pk), now=MORNING
            )

    def test_a_cancelled_visit_is_no_longer_on_the_floor(self, actor, nurse, team, book):
        row = book("10:00")
        booking.cancel(actor=actor, appointment=row, reason="ill", now=MORNING)
        with pytest.raises(Malformed):
            assignments.assign(actor=nurse, appointment=row, nurse=team[0], now=MORNING)


class TestSuggestion:
    def test_what_was_seen_is_accepted(self, nurse, day_suite, team, book):
        for chair in range(3):
            book("10:00", chair)
        found = seen(day_suite)
        assert assignments.accept(actor=nurse, unit=day_suite, given=lines(found), now=MORNING) == 3
        assert {row.how for row in Assignment.objects.all()} == {"suggested"}
        assert {task.key: task.nurse for task in seen(day_suite).tasks} == dict(found.suggestion().nurses)

    def test_nothing_is_assigned_by_looking(self, day_suite, team, book):
        book("10:00")
        seen(day_suite).suggestion()
        assert not Assignment.objects.exists()

    def test_somebody_was_quicker_with_one_and_none_is_saved(self, nurse, day_suite, team, book):
        rows = [book("10:00", chair) for chair in range(2)]
        given = lines(seen(day_suite))
        assignments.assign(actor=nurse, appointment=rows[0], nurse=team[1], now=MORNING)
        with pytest.raises(Stale):
            assignments.accept(actor=nurse, unit=day_suite, given=given, now=MORNING)
        assert Assignment.objects.count() == 1

    def test_a_nurse_fell_ill_meanwhile_and_none_is_saved(self, actor, nurse, day_suite, team, book):
        rows = [book("10:00", chair) for chair in range(2)]
        given = lines(seen(day_suite))
        absences.absent(actor=actor, unit=day_suite, nurse=team[0], day=DAY, now=MORNING)
        with pytest.raises(Stale):
            assignments.accept(actor=nurse, unit=day_suite, given=given, now=MORNING)
        assert not Assignment.objects.filter(appointment__in=rows).exists()

    def test_another_units_visits_are_not_taken(self, nurse, night_suite, team, book):
        with pytest.raises(Stale):
            assignments.accept(actor=nurse, unit=night_suite, given=[Given(book("10:00").pk, team[0].pk)], now=MORNING)

    def test_set_by_hand_stays(self, nurse, day_suite, team, book):
        rows = [book("10:00", chair) for chair in range(3)]
        for row in rows:
            assignments.assign(actor=nurse, appointment=row, nurse=team[0], now=MORNING)
        found = seen(day_suite).suggestion(is_anew=True)
        assert set(found.nurses.values()) == {team[0].pk}

    def test_anew_what_was_suggested_need_not_stand(self, nurse, day_suite, team, book):
        rows = [book("10:00", chair) for chair in range(2)]
        given = [Given(row.pk, team[0].pk) for row in rows]
        assignments.accept(actor=nurse, unit=day_suite, given=given, now=MORNING)
        day = seen(day_suite)
        assert day.suggestion().changed == ()
        assert len(day.suggestion(is_anew=True).changed) == 1

    def test_the_nurse_of_the_last_dose_is_preferred(self, actor, nurse, center, team):
        suite = make.make_night_suite(center)
        make.make_bed(suite)
        course = courses.create(
            actor=actor, center=center, now=NOW,
            request=CourseRequest(
                patient=make.make_patient(center), protocol=make.make_dhe(), unit=suite,
                start=utc("2026-11-23T20:00-05:00"), days=1,
            ),
        )  # fmt: skip
        for visit in course.visits.order_by("ordinal"):
            if not visit.appointments.exists():
                placing.place_visit(actor=actor, visit=visit, now=NOW)
        first, second, _third = [visit.appointments.get() for visit in course.visits.order_by("ordinal")]
        for each in team:
            each.shifts.all().delete()
            Shift.objects.create(
                nurse=each, unit=suite, starts_at=utc("2026-11-24T00:00-05:00"), ends_at=utc("2026-11-24T12:00-05:00")
            )
        assignments.assign(actor=nurse, appointment=first, nurse=team[1], now=NOW)
        assert seen(suite, utc("2026-11-24T00:01-05:00")).suggestion().nurses[second.pk] == team[1].pk

    def test_it_asks_the_same_questions_with_one_visit_and_with_six(self, nurse, day_suite, team, book):
        def count() -> int:
            with CaptureQueriesContext(connection) as found:
                seen(day_suite).loads()
            return len(found)

        assignments.assign(actor=nurse, appointment=book("09:00"), nurse=team[0], now=MORNING)
        one = count()
        for chair in range(3):
            assignments.assign(actor=nurse, appointment=book("12:00", chair), nurse=team[0], now=MORNING)
        assert count() == one


class TestIll:
    @pytest.fixture
    def shared(self, nurse, day_suite, team, book):
        rows = [book("10:00", chair) for chair in range(3)] + [book("14:00", chair) for chair in range(3)]
        assignments.accept(actor=nurse, unit=day_suite, given=lines(seen(day_suite)), now=MORNING)
        return rows

    def test_only_her_patients_change(self, nurse, day_suite, team, shared):
        hers = set(Assignment.objects.filter(nurse=team[0]).values_list("appointment", flat=True))
        assert absences.absent(actor=nurse, unit=day_suite, nurse=team[0], day=DAY, now=MORNING) == 1
        day = seen(day_suite)
        assert {row.pk for row in day.left_alone()} == hers
        assert set(day.suggestion().changed) == hers
        assert not Shift.objects.filter(nurse=team[0]).exists()

    def test_nothing_changes_before_somebody_accepts(self, nurse, day_suite, team, shared):
        before = list(Assignment.objects.values_list("appointment", "nurse"))
        absences.absent(actor=nurse, unit=day_suite, nurse=team[0], day=DAY, now=MORNING)
        assert list(Assignment.objects.values_list("appointment", "nurse")) == before

    def test_accepted_everybody_has_a_nurse_who_is_there(self, nurse, day_suite, team, shared):
        absences.absent(actor=nurse, unit=day_suite, nurse=team[0], day=DAY, now=MORNING)
        assignments.accept(actor=nurse, unit=day_suite, given=lines(seen(day_suite)), now=MORNING)
        assert set(Assignment.objects.values_list("nurse", flat=True)) == {team[1].pk}
        assert seen(day_suite).left_alone() == []

    def test_set_by_hand_for_her_is_open_again(self, nurse, day_suite, team, book):
        row = book("10:00")
        assignments.assign(actor=nurse, appointment=row, nurse=team[0], now=MORNING)
        absences.absent(actor=nurse, unit=day_suite, nurse=team[0], day=DAY, now=MORNING)
        assert seen(day_suite).suggestion().nurses == {row.pk: team[1].pk}

    def test_gone_in_the_middle_of_her_shift_she_leaves_what_is_under_way(self, actor, nurse, day_suite, team, book):
        row = book("10:00")
        over = book("08:30", 1)
        for each in (row, over):
            assignments.assign(actor=nurse, appointment=each, nurse=team[0], now=MORNING)
            attendance.start(actor=actor, appointment=each, actual_start=each.start, now=each.start)
        attendance.complete(actor=actor, appointment=over, actual_end=over.end, now=over.end)
        noon = utc("2026-11-24T10:31-05:00")
        Break.objects.create(
            shift=team[0].shifts.get(), starts_at=noon - timedelta(minutes=10), ends_at=noon + timedelta(minutes=20)
        )
        assert absences.absent(actor=nurse, unit=day_suite, nurse=team[0], day=DAY, now=noon) == 1
        shift = Shift.objects.get(nurse=team[0])
        assert (shift.ends_at, shift.breaks.get().ends_at) == (noon, noon)
        day = seen(day_suite, noon)
        assert [each.pk for each in day.left_alone()] == [row.pk]
        assert day.suggestion().nurses[row.pk] == team[1].pk
        assert day.suggestion().changed == (row.pk,)

    def test_said_twice_it_is_one_absence(self, nurse, day_suite, team):
        found = [absences.absent(actor=nurse, unit=day_suite, nurse=team[0], day=DAY, now=MORNING) for _ in range(2)]
        assert found == [1, 0]

    def test_tomorrow_is_a_managers(self, nurse, actor, day_suite, team):
        before = MORNING - timedelta(days=1)
        with pytest.raises(Forbidden):
            absences.absent(actor=nurse, unit=day_suite, nurse=team[0], day=DAY, now=before)
        assert absences.absent(actor=actor, unit=day_suite, nurse=team[0], day=DAY, now=before) == 1
