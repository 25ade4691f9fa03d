"""The day itself: what happened is always recorded, becomes doses, moves due times, and frees what was not used."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from scheduler.domain.errors import Malformed, Refused, Stale
from scheduler.models import Course, Dose, Occupancy, Visit
from scheduler.services import attendance, booking, undo
from tests import factories as make
from tests.factories import NOW, utc
from tests.services.steps import (
    MONDAY,
    SATURDAY,
    assert_kept,
    book,
    chairs,
    codes,
    counts,
    live,
    local,
    place_all,
    start_course,
    verbs,
)

pytestmark = pytest.mark.django_db


def at(minutes: int) -> datetime:
    return MONDAY + timedelta(minutes=minutes)


@pytest.fixture
def course(actor, day_suite):
    course = start_course(actor, day_suite, make.make_quarterly(), MONDAY)
    place_all(course, actor)
    return course


@pytest.fixture
def row(course):
    return live(course)[0]


@pytest.fixture
def stay(actor, night_suite):
    course = start_course(actor, night_suite, make.make_dhe(), SATURDAY, days=1)
    place_all(course, actor)
    return course


class TestTheUsualDay:
    def test_from_arrival_to_a_clean_chair(self, actor, row):
        arrived = attendance.arrive(actor=actor, appointment=row, now=at(-20))
        assert (arrived.status, arrived.arrived_at, arrived.phase) == ("arrived", at(-20), "waiting")
        checked = attendance.check_in(actor=actor, appointment=row, now=at(-15))
        assert (checked.status, checked.checked_in_at, checked.phase) == ("checked-in", at(-15), "waiting")
        for phase, minute in (("in-chair", -10), ("pre-medication", -5)):
            assert attendance.set_phase(actor=actor, appointment=row, phase=phase, now=at(minute)).phase == phase
        started = attendance.start(actor=actor, appointment=row, now=at(3) + timedelta(seconds=40))
        assert (started.status, started.phase, started.actual_start) == ("checked-in", "infusing", at(3))
        attendance.set_phase(actor=actor, appointment=row, phase="observing", now=at(33))
        done = attendance.complete(actor=actor, appointment=row, now=at(50))
        assert (done.status, done.phase, done.outcome) == ("fulfilled", "discharged", "given")
        assert (done.actual_start, done.actual_end) == (at(3), at(33))  # of the infusion
        assert (done.in_chair_at, done.premedication_at) == (at(-10), at(-5))
        assert (done.observed_at, done.discharged_at) == (at(50), at(50))
        cleaned = attendance.set_phase(actor=actor, appointment=row, phase="chair-cleaning", now=at(58))
        assert cleaned.cleaned_at == at(58)
        assert verbs(row) == ["book", "arrive", "check-in", "phase", "phase", "start", "phase", "complete", "phase"]
        dose = Dose.objects.get()
        assert (dose.given_at, dose.mg, dose.status, dose.place) == (at(3), Decimal(100), "given", "here")
        assert row.visit.course.visits.get(ordinal=1).state == "done"
        assert_kept()

    def test_steps_that_skip_ahead_are_allowed_and_steps_back_are_not(self, actor, row):
        attendance.start(actor=actor, appointment=row, now=at(0))  # nobody pressed arrive
        with pytest.raises(Refused) as refused:
            attendance.arrive(actor=actor, appointment=row, now=at(1))
        assert codes(refused) == ["transition_is_allowed"]
        with pytest.raises(Refused):
            attendance.set_phase(actor=actor, appointment=row, phase="waiting", now=at(1))
        with pytest.raises(Malformed):
            attendance.set_phase(actor=actor, appointment=row, phase="dancing", now=at(1))

    def test_infusing_as_a_step_is_a_start(self, actor, row):
        attendance.arrive(actor=actor, appointment=row, now=at(-5))
        assert attendance.set_phase(actor=actor, appointment=row, phase="infusing", now=at(4)).actual_start == at(4)

    def test_an_old_version_is_stale_and_writes_nothing(self, actor, row):
        attendance.arrive(actor=actor, appointment=row, now=at(-5))
        before = counts()
        with pytest.raises(Stale):
            attendance.check_in(actor=actor, appointment=row, version=row.version, now=at(-4))
        assert counts() == before


class TestComplete:
    def test_partly_given_counts_as_given_and_needs_a_reason(self, actor, row):
        with pytest.raises(Malformed):
            attendance.complete(actor=actor, appointment=row, outcome="partial", now=at(30))
        done = attendance.complete(actor=actor, appointment=row, outcome="partial", reason="Flushing.", now=at(30))
        assert (done.status, done.outcome) == ("fulfilled", "partial")
        assert Dose.objects.get().status == "partial"
        assert row.visit.course.visits.get(ordinal=1).state == "done"

    def test_not_given_frees_the_place_and_takes_the_visit_back(self, actor, row):
        done = attendance.complete(
            actor=actor, appointment=row, outcome="not-given", reason="High pressure.", now=at(5)
        )
        assert (done.status, done.outcome) == ("cancelled", "not-given")
        assert (Dose.objects.get().status, Dose.objects.get().reason) == ("not-given", "High pressure.")
        visit = row.visit.course.visits.get(ordinal=1)
        assert (visit.state, visit.reason) == ("unplaced", "High pressure.")
        assert not Occupancy.objects.filter(appointment=row).exists()
        book(actor, row.chair, MONDAY, now=at(5))
        assert_kept()

    def test_a_dose_not_given_moves_no_due_time_even_if_it_was_begun_late(self, actor, course, row):
        before = list(course.visits.values_list("due", flat=True))
        late = MONDAY + timedelta(days=20)
        attendance.start(actor=actor, appointment=row, now=late)
        assert list(course.visits.values_list("due", flat=True))[1:] != before[1:]
        attendance.complete(actor=actor, appointment=row, outcome="not-given", reason="Rash.", now=late)
        assert list(course.visits.values_list("due", flat=True)) == before

    def test_a_treatment_that_was_begun_and_cancelled_moves_no_due_time(self, actor, course, row):
        before = list(course.visits.values_list("due", flat=True))
        attendance.start(actor=actor, appointment=row, now=MONDAY + timedelta(days=20))
        booking.cancel(actor=actor, appointment=row, reason="Stopped.", now=MONDAY + timedelta(days=20))
        assert list(course.visits.values_list("due", flat=True)) == before

    def test_cannot_end_before_it_began_nor_in_the_future(self, actor, row):
        before = counts()
        for values in (
            {"actual_start": at(20), "actual_end": at(10)},
            {"actual_end": at(41)},
            {"actual_start": datetime(1, 1, 1, tzinfo=MONDAY.tzinfo)},
            {"actual_start": datetime(9999, 12, 31, tzinfo=MONDAY.tzinfo)},
            {"actual_start": at(41)},
        ):
            with pytest.raises(Malformed):
                attendance.complete(actor=actor, appointment=row, now=at(30), **values)
        with pytest.raises(Malformed):
            attendance.complete(actor=actor, appointment=row, outcome="eaten", now=at(30))
        with pytest.raises(Malformed):
            attendance.complete(
                actor=actor,
                appointment=row,
                actual_start=datetime(2026, 11, 30, 10, 0),  # noqa: DTZ001 - that is the point
                now=at(30),
            )
        assert counts() == before

    def test_actual_times_are_never_refused_for_what_they_break(self, actor, night_suite, patient):
        chair = chairs(night_suite)[0]
        protocol = make.make_dhe(needs_bed=False, keeps_chair=False)
        first = book(actor, chair, MONDAY, patient=patient, protocol=protocol)
        second = book(actor, chair, MONDAY + timedelta(hours=7), patient=patient, protocol=protocol)
        attendance.complete(actor=actor, appointment=first, actual_start=at(90), actual_end=at(150), now=at(150))
        done = attendance.complete(
            actor=actor, appointment=second, actual_start=at(300), actual_end=at(360), now=at(360)
        )
        assert done.status == "fulfilled"  # 3.5 hours apart: a clash for the worklist, not an error
        assert Dose.objects.count() == 2

    def test_a_booking_without_a_protocol_gives_no_dose(self, actor, chair):
        row = book(actor, chair, MONDAY)
        assert attendance.complete(actor=actor, appointment=row, now=at(60)).status == "fulfilled"
        assert not Dose.objects.exists()

    def test_the_last_dose_completes_the_course_on_record(self, actor, stay):
        for row in live(stay):
            attendance.complete(actor=actor, appointment=row, actual_start=row.start, now=row.end)
        stay.refresh_from_db()
        assert stay.status == "completed"
        assert verbs(stay)[-1] == "complete-course"
        assert_kept()


class TestNoShow:
    def test_frees_the_place_and_takes_the_visit_back(self, actor, row):
        missed = attendance.no_show(actor=actor, appointment=row, now=at(60))
        assert missed.status == "noshow"
        visit = row.visit.course.visits.get(ordinal=1)
        assert visit.state == "unplaced"
        assert visit.reason  # a person decides, not the job
        assert_kept()

    def test_only_who_did_not_come(self, actor, row):
        attendance.arrive(actor=actor, appointment=row, now=at(0))
        with pytest.raises(Refused):
            attendance.no_show(actor=actor, appointment=row, now=at(60))

    def test_a_reason_that_does_not_fit_is_said(self, actor, row):
        with pytest.raises(Malformed):
            attendance.no_show(actor=actor, appointment=row, reason="x" * 201, now=at(60))


class TestDosesElsewhere:
    def record(self, actor, center, patient, at_, *, now=None, **values):
        values = {"substance": "dihydroergotamine", "mg": Decimal("0.5"), **values}
        return attendance.record_dose_elsewhere(
            actor=actor, center=center, patient=patient, given_at=at_, now=now or at_, **values
        )

    def test_count_for_the_interval_and_the_cap(self, actor, center, night_suite, patient):
        bed = chairs(night_suite)[0]
        protocol = make.make_dhe(keeps_chair=False)
        self.record(actor, center, patient, MONDAY)
        with pytest.raises(Refused) as refused:
            book(actor, bed, MONDAY + timedelta(hours=6, minutes=59), patient=patient, protocol=protocol)
        [refusal] = refused.value.refusals
        assert refusal.code == "interval_is_kept"
        assert "home or elsewhere on Mon 30 Nov 2026, 10:00" in refusal.detail
        assert "6 h 59" in refusal.detail
        assert "not before Mon 30 Nov 2026, 17:00" in refusal.detail
        book(actor, bed, MONDAY + timedelta(hours=7), patient=patient, protocol=protocol)
        book(actor, bed, MONDAY + timedelta(hours=14), patient=patient, protocol=protocol)
        with pytest.raises(Refused) as refused:
            book(actor, bed, MONDAY + timedelta(hours=22, minutes=59), patient=patient, protocol=protocol)
        caps = [refusal for refusal in refused.value.refusals if refusal.code == "rolling_cap_is_kept"]
        assert "dose 4 within 23 hours" in caps[0].detail
        assert "Mon 30 Nov 10:00" in caps[0].detail
        book(actor, bed, MONDAY + timedelta(hours=23), patient=patient, protocol=protocol)

    def test_counts_however_somebody_spells_it(self, actor, center, night_suite, patient):
        protocol = make.make_dhe(keeps_chair=False)
        dose = self.record(actor, center, patient, MONDAY, substance=" Dihydroergotamine ")
        assert dose.substance == "dihydroergotamine"
        with pytest.raises(Refused) as refused:
            book(actor, chairs(night_suite)[0], MONDAY + timedelta(hours=2), patient=patient, protocol=protocol)
        assert codes(refused) == ["interval_is_kept"]

    def test_as_a_visits_dose_it_is_done_and_the_next_counts_from_it(self, actor, center, stay):
        first = live(stay)[0]
        booking.cancel(actor=actor, appointment=first, reason="Took it at home.", now=SATURDAY)
        visit = stay.visits.select_related("course__protocol", "course__center").get(ordinal=1)
        late = SATURDAY + timedelta(minutes=80)
        self.record(actor, center, stay.patient, late, visit=visit)
        assert stay.visits.get(ordinal=1).state == "done"
        assert local(stay.visits.get(ordinal=2).due) == "Sat 05 Dec 18:20"

    def test_bad_input_writes_nothing(self, actor, center, patient, row):
        before = (*counts(), Dose.objects.count())
        stranger = make.make_patient(make.make_center())
        for values in (
            {"mg": Decimal(-1)},
            {"mg": Decimal("NaN")},
            {"mg": Decimal("Infinity")},
            {"mg": Decimal(10**6)},
            {"substance": " "},
            {"substance": "x" * 61},
            {"visit": row.visit},  # another patient's
        ):
            with pytest.raises(Malformed):
                self.record(actor, center, patient, MONDAY, **values)
        with pytest.raises(Malformed):
            self.record(actor, center, patient, MONDAY, now=MONDAY - timedelta(hours=1))
        with pytest.raises(Malformed):
            self.record(actor, center, patient, datetime(2026, 11, 1, 9, 0), now=NOW)  # noqa: DTZ001
        with pytest.raises(Malformed):
            self.record(actor, center, stranger, MONDAY)
        assert (*counts(), Dose.objects.count()) == before


class TestReanchoring:
    def test_a_dose_begun_at_10_20_instead_of_09_00_moves_the_next_to_18_20(self, actor, stay):
        row = live(stay)[0]
        attendance.start(actor=actor, appointment=row, now=SATURDAY + timedelta(minutes=80))
        dues = [local(visit.due) for visit in stay.visits.all()]
        assert dues == ["Sat 05 Dec 09:00", "Sat 05 Dec 18:20", "Sun 06 Dec 02:20"]
        assert [local(one.start) for one in live(stay)][1:] == ["Sat 05 Dec 17:00", "Sun 06 Dec 01:00"]

    def test_inside_the_tolerance_nothing_moves(self, actor, stay):
        attendance.start(actor=actor, appointment=live(stay)[0], now=SATURDAY + timedelta(minutes=60))
        assert [local(visit.due) for visit in stay.visits.all()][1:] == ["Sat 05 Dec 17:00", "Sun 06 Dec 01:00"]

    def test_eptinezumab_given_outside_its_window_counts_from_the_day_it_was_given(self, actor, course):
        row = live(course)[0]
        attendance.complete(actor=actor, appointment=row, now=utc("2026-12-14T15:00-05:00"))
        assert Visit.objects.get(ordinal=1).state == "done"
        given = Dose.objects.get()
        assert local(given.given_at) == "Mon 30 Nov 10:00"  # said when, unless somebody says otherwise
        undo.undo(actor=actor, appointment=row, now=utc("2026-12-14T15:01-05:00"))
        attendance.complete(
            actor=actor,
            appointment=row,
            actual_start=utc("2026-12-14T14:00-05:00"),
            now=utc("2026-12-14T15:00-05:00"),
        )
        assert [local(visit.due) for visit in course.visits.all()][1:] == [
            "Sun 14 Mar 10:00",
            "Mon 14 Jun 10:00",
            "Tue 14 Sep 10:00",
        ]

    def test_inside_its_window_the_clipped_day_ends(self, actor, course):
        rows = live(course)
        attendance.complete(actor=actor, appointment=rows[0], now=rows[0].end)
        attendance.complete(actor=actor, appointment=rows[1], now=rows[1].end)
        assert local(Course.objects.get().visits.get(ordinal=3).due) == "Fri 28 May 10:00"
