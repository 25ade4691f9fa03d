"""The jobs: bounded, safe to repeat, and one bad row never stops the rest."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scheduler.domain.errors import Busy
from scheduler.models import Appointment, LedgerEntry, Visit, WaitlistEntry
from scheduler.services import attendance, booking, courses, placing
from scheduler.services.jobs import JOBS
from tests.factories import NOW, utc
from tests.support.clinic import Clinic, entries, place, run, unplaced

pytestmark = pytest.mark.django_db


@pytest.fixture
def clinic():
    return Clinic()


@pytest.mark.parametrize("name", JOBS)
def test_every_job_runs_on_an_empty_database(name):
    assert set(run(name).values()) <= {0}


class TestPlaceVisits:
    def test_a_new_course_is_placed_in_one_run_and_nothing_in_the_next(self, clinic):
        clinic.quarterly_course()
        assert run("place-visits") == {"placed": 4}
        assert run("place-visits") == {}

    def test_the_doses_of_a_stay_are_placed_together(self, clinic):
        clinic.stay(days=3)
        assert run("place-visits") == {"placed": 9}

    def test_a_refused_visit_says_why_and_is_tried_again_after_ten_minutes(self, clinic):
        course = clinic.quarterly_course(doses=1)
        clinic.chairs[0].unit.chairs.update(is_active=False)
        assert run("place-visits") == {"refused": 1}
        [visit] = unplaced(course)
        assert visit.refusals
        assert run("place-visits", NOW + timedelta(minutes=9)) == {}
        clinic.day.chairs.update(is_active=True)
        assert run("place-visits", NOW + timedelta(minutes=10)) == {"placed": 1}

    def test_a_freed_place_is_used_within_seconds(self, clinic):
        only = Clinic(chairs=1, beds=0)
        taken = [
            only.book(only.patient(), f"2026-11-{day}T08:00-05:00", minutes=600, now=NOW) for day in (25, 26, 27, 30)
        ] + [only.book(only.patient(), f"2026-12-{day:02}T08:00-05:00", minutes=600) for day in (1, 2, 3, 4, 7)]
        course = only.quarterly_course(doses=1)
        assert run("place-visits") == {"refused": 1}
        only.cancel(taken[3], now=NOW + timedelta(seconds=30))
        assert run("place-visits", NOW + timedelta(seconds=35)) == {"placed": 1}
        assert unplaced(course) == []

    def test_what_a_person_took_down_is_left_to_a_person(self, clinic):
        course = clinic.quarterly_course()
        clinic.cancel(place(course)[0])
        assert run("place-visits", NOW + timedelta(minutes=30)) == {}
        assert len(unplaced(course)) == 1

    def test_a_resumed_course_is_placed_again(self, clinic):
        course = clinic.quarterly_course()
        place(course)
        courses.pause(actor=clinic.actor, course=course, reason="She travels.", now=NOW)
        assert len(unplaced(course)) == 4
        assert run("place-visits") == {}
        courses.resume(actor=clinic.actor, course=course, now=NOW)
        assert run("place-visits", NOW + timedelta(minutes=1)) == {"placed": 4}

    def test_one_bad_visit_does_not_stop_the_rest(self, clinic, monkeypatch, caplog):
        bad = clinic.quarterly_course(doses=1)
        good = clinic.quarterly_course(clinic.patient("b@example.org"), doses=1)
        real = placing.place_visit

        def breaks(*, actor, visit, now):
            if visit.course_id == bad.pk:
                raise Busy("about Ana Rivera")
            return real(actor=actor, visit=visit, now=now)

        monkeypatch.setattr(placing, "place_visit", breaks)
        assert run("place-visits") == {"failed": 1, "placed": 1}
        assert unplaced(good) == []
        assert f"visit {unplaced(bad)[0].pk}: Busy" in caplog.text
        assert "Rivera" not in caplog.text
        assert run("place-visits", NOW + timedelta(minutes=1)) == {}

    def test_what_was_never_tried_comes_first(self, clinic, monkeypatch):
        refused = clinic.quarterly_course(doses=1, start=utc("2026-11-20T10:00-05:00"))
        Visit.objects.filter(course=refused).update(tried_at=NOW - timedelta(hours=1))
        new = clinic.quarterly_course(clinic.patient("b@example.org"), doses=1)
        monkeypatch.setattr("scheduler.services.jobs.VISITS_A_TICK", 1)
        assert run("place-visits") == {"placed": 1}
        assert unplaced(new) == []
        assert len(unplaced(refused)) == 1


class TestExtendCourses:
    def test_an_open_course_grows_to_the_horizon_and_no_further(self, clinic):
        course = clinic.quarterly_course(is_open_ended=True)
        before = course.visits.count()
        later = NOW + timedelta(days=100)
        assert run("extend-courses", later) == {"visits": 1}
        assert run("extend-courses", later) == {}
        assert course.visits.count() == before + 1

    def test_a_course_that_is_on_hold_does_not_grow(self, clinic):
        course = clinic.quarterly_course(is_open_ended=True)
        courses.pause(actor=clinic.actor, course=course, reason="She travels.", now=NOW)
        assert run("extend-courses", NOW + timedelta(days=100)) == {}

    def test_courses_that_need_nothing_are_not_looked_at_one_by_one(self, clinic, monkeypatch):
        clinic.quarterly_course(is_open_ended=True)
        monkeypatch.setattr(courses, "extend", lambda **_: pytest.fail("looked at"))
        assert run("extend-courses", NOW) == {}

    def test_the_number_of_queries_does_not_grow_with_the_courses_that_need_nothing(self, clinic):
        def asked() -> int:
            with CaptureQueriesContext(connection) as seen:
                assert run("extend-courses") == {}
            return len(seen)

        clinic.quarterly_course(is_open_ended=True)
        one = asked()
        for number in range(4):
            clinic.quarterly_course(clinic.patient(f"p{number}@example.org"), is_open_ended=True)
        assert asked() == one

    def test_each_course_that_is_due_asks_as_often_as_the_others(self, clinic):
        def asked(later, visits: int) -> int:
            with CaptureQueriesContext(connection) as seen:
                assert run("extend-courses", later) == {"visits": visits}
            return len(seen)

        clinic.quarterly_course(is_open_ended=True)
        one = asked(NOW + timedelta(days=100), 1)
        for number in range(4):
            clinic.quarterly_course(clinic.patient(f"p{number}@example.org"), is_open_ended=True)
        run("extend-courses", NOW + timedelta(days=100))
        assert asked(NOW + timedelta(days=200), 5) <= 5 * one


class TestExpireHolds:
    def test_a_hold_is_released_after_five_minutes(self, clinic):
        held = booking.hold(
            actor=clinic.actor, chair=clinic.chairs[0], start=utc("2026-11-24T15:00"), minutes=30, now=NOW
        )
        assert run("expire-holds", NOW + timedelta(minutes=4)) == {}
        assert run("expire-holds", NOW + timedelta(minutes=5)) == {"released": 1}
        assert run("expire-holds", NOW + timedelta(minutes=6)) == {}
        held.refresh_from_db()
        assert held.status == "cancelled"


class TestMarkNoShows:
    def test_an_hour_after_the_start_and_not_before(self, clinic):
        appointment = clinic.book(start="2026-11-17T10:00-05:00")
        assert run("mark-no-shows", utc("2026-11-17T10:59-05:00")) == {}
        assert run("mark-no-shows", utc("2026-11-17T11:00-05:00")) == {"marked": 1}
        appointment.refresh_from_db()
        assert appointment.status == "noshow"

    def test_the_center_says_after_how_long(self):
        clinic = Clinic(no_show_after_minutes=15)
        clinic.book(start="2026-11-17T10:00-05:00")
        assert run("mark-no-shows", utc("2026-11-17T10:15-05:00")) == {"marked": 1}

    def test_who_has_arrived_is_not_marked(self, clinic):
        appointment = clinic.book(start="2026-11-17T10:00-05:00")
        attendance.arrive(actor=clinic.actor, appointment=appointment, now=appointment.start)
        assert run("mark-no-shows", utc("2026-11-18T10:00-05:00")) == {}

    def test_never_between_the_doses_of_a_stay(self, clinic):
        first, second, _third = place(clinic.stay())
        attendance.complete(
            actor=clinic.actor,
            appointment=first,
            actual_start=first.start,
            actual_end=first.end,
            now=first.end,
        )
        assert run("mark-no-shows", second.start + timedelta(hours=2)) == {}

    def test_a_stay_that_nobody_came_to_is(self, clinic):
        first, *_ = place(clinic.stay())
        assert run("mark-no-shows", first.start + timedelta(hours=1)) == {"marked": 1}


class TestOfferSlots:
    @pytest.fixture
    def waiting(self, clinic):
        clinic.full = Clinic(chairs=1, beds=0)
        full = clinic.full
        clinic.blocker = full.book(full.patient(), "2026-11-19T08:00-05:00", minutes=600)
        for day in (17, 18, 20, 23):
            full.book(full.patient(), f"2026-11-{day}T08:00-05:00", minutes=600)
        mine = full.book(full.patient("w@example.org"), "2026-11-24T10:00-05:00")
        full.book(full.patient(), "2026-11-16T12:00-05:00", minutes=360)
        return WaitlistEntry.objects.create(
            center=full.center,
            patient=mine.patient,
            appointment=mine,
            earliest=NOW,
            latest=utc("2026-11-21T00:00-05:00"),
            created_at=NOW,
        )

    def test_a_cancellation_is_offered_to_who_waits(self, clinic, waiting):
        assert run("offer-slots") == {}
        at = NOW + timedelta(minutes=1)
        clinic.full.cancel(clinic.blocker, now=at)
        assert run("offer-slots", at) == {"offered": 1}
        assert run("offer-slots", at) == {}
        waiting.refresh_from_db()
        assert waiting.offered_start == utc("2026-11-19T08:00-05:00")
        assert entries(kind="offer") == [("offer", "email", 0, "due")]

    def test_who_waits_for_a_visit_that_is_gone_waits_no_longer(self, clinic, waiting):
        clinic.full.cancel(waiting.appointment)
        assert run("offer-slots") == {"closed": 1}


class TestAllTogether:
    def test_a_day_of_jobs_leaves_a_sound_schedule(self, clinic):
        clinic.quarterly_course()
        clinic.stay(clinic.patient("b@example.org"))
        clinic.book(clinic.patient("c@example.org"), "2026-11-17T10:00-05:00", chair=1)
        for hours in range(0, 72, 3):
            for job in JOBS:
                assert "failed" not in run(job, NOW + timedelta(hours=hours))
        assert run("check-schedule", NOW + timedelta(hours=72)) == {"problems": 0}
        assert not LedgerEntry.objects.filter(state="claimed").exists()
        assert Appointment.objects.filter(status="noshow").count() == 1
