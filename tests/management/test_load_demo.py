"""The demo clinic: made once by the real services, and a real day when it is opened."""

from __future__ import annotations

import io
import itertools
from collections import Counter
from collections.abc import Generator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import transaction
from pytest_django.plugin import DjangoDbBlocker

from scheduler.domain import permissions
from scheduler.management.demo import cast, clinic
from scheduler.management.demo.players import Players
from scheduler.models import (
    Appointment,
    Break,
    Center,
    Chair,
    Closure,
    Course,
    Event,
    LedgerEntry,
    Membership,
    Nurse,
    Occupancy,
    Patient,
    Protocol,
    Shift,
    Unit,
    Visit,
)
from scheduler.queries import integrity, worklist
from scheduler.queries.course_request import CourseRequest
from scheduler.queries.plan import preview

TUESDAY = "2026-11-24"
NOW = datetime(2026, 11, 24, 15, 40, tzinfo=UTC)  # 10:40 in New York


def load(today: str) -> str:
    out = io.StringIO()
    call_command("load_demo", today=date.fromisoformat(today), stdout=out, stderr=io.StringIO())
    return out.getvalue().strip()


@pytest.fixture(scope="module")
def demo(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Generator[str]:
    """Loaded once for this module, since it takes its time; undone at the end."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield load(TUESDAY)
        transaction.set_rollback(True)


@pytest.fixture
def undone(demo: str) -> Generator[None]:
    """What the test writes into the demo is gone afterwards."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def todays(unit: str) -> list[Appointment]:
    rows = Appointment.objects.filter(unit__code=unit, start__gte=NOW.replace(hour=5, minute=0))
    return list(rows.filter(start__lt=NOW.replace(hour=5, minute=0) + timedelta(days=1)).order_by("start"))


@pytest.mark.usefixtures("demo")
class TestThePlace:
    def test_it_has_a_day_suite_and_a_24_hour_suite(self) -> None:
        assert dict(Unit.objects.filter(center__code="demo").values_list("code", "name")) == {
            "day": "Day suite",
            "suite-24": "24-hour suite",
        }
        kinds = Counter(Chair.objects.filter(unit__center__code="demo").values_list("unit__code", "kind"))
        assert (kinds["day", "recliner"], kinds["day", "bed"]) == (16, 2)
        assert sum(count for (unit, _), count in kinds.items() if unit == "suite-24") == 6

    def test_public_holidays_close_the_day_suite_only(self) -> None:
        closed = Closure.objects.filter(chair=None, kind="closed")
        assert set(closed.values_list("unit__code", flat=True)) == {"day"}
        days = {row.starts_at.astimezone(row.center.zone).date(): row.reason for row in closed}
        assert days[date(2027, 5, 31)] == "Memorial Day"
        assert days[date(2027, 7, 5)] == "Independence Day"

    def test_fourteen_nurses_have_shifts_with_breaks_and_cover(self) -> None:
        assert Nurse.objects.filter(center__code="demo").count() == 14
        assert set(Nurse.objects.filter(shifts__isnull=False).values_list("pk", flat=True)) == set(
            Nurse.objects.values_list("pk", flat=True)
        )
        breaks = Break.objects.select_related("shift")
        assert len(breaks) == Shift.objects.count()
        for pause in breaks:
            assert pause.shift.starts_at < pause.starts_at < pause.ends_at < pause.shift.ends_at
            assert pause.covered_by_id not in (None, pause.shift.nurse_id)

    def test_two_nurses_are_in_the_24_hour_suite_at_any_hour(self) -> None:
        shifts = list(Shift.objects.filter(unit__code="suite-24"))
        for hour in range(24 * 20):
            moment = NOW.replace(minute=0) + timedelta(hours=hour - 24 * 8)
            assert sum(shift.starts_at <= moment < shift.ends_at for shift in shifts) == 2

    def test_no_nurse_works_two_shifts_at_once(self) -> None:
        by_nurse: dict[int, list[Shift]] = {}
        for shift in Shift.objects.order_by("starts_at"):
            by_nurse.setdefault(shift.nurse_id, []).append(shift)
        for shifts in by_nurse.values():
            assert all(one.ends_at <= other.starts_at for one, other in itertools.pairwise(shifts))

    def test_there_is_a_sign_in_for_each_role_of_staff(self) -> None:
        roles = dict(Membership.objects.filter(center__code="demo").values_list("role", "user__username"))
        assert set(roles) == set(permissions.ROLES) - {permissions.INTEGRATION}
        assert all(user.has_usable_password() for user in get_user_model().objects.all())


@pytest.mark.usefixtures("demo")
class TestThePeople:
    def test_there_are_150_and_their_addresses_go_nowhere(self) -> None:
        patients = Patient.objects.filter(registrations__center__code="demo")
        assert patients.count() == 150
        assert len(set(patients.values_list("first_name", "last_name"))) == 150
        mails = {contact.email for patient in patients for contact in patient.contacts.all() if contact.email}
        assert all(mail.endswith("@example.com") for mail in mails)

    def test_some_have_no_address_and_a_mother_books_for_a_daughter(self) -> None:
        by_mail = Patient.objects.filter(contacts__email__gt="").distinct().count()
        assert 0 < Patient.objects.count() - by_mail < 20
        assert Patient.objects.filter(contacts__relation="mother", contacts__may_book=True).exists()

    def test_courses_are_at_every_stage(self) -> None:
        assert 90 <= Course.objects.count() <= 120
        assert set(Course.objects.values_list("status", flat=True)) == {
            "active",
            "completed",
            "on-hold",
            "discontinued",
        }
        assert Course.objects.filter(doses=None, status="active").exists()
        assert Course.objects.filter(authorization_until__lt=NOW.date() + timedelta(days=90)).exists()


@pytest.mark.usefixtures("demo")
class TestTheDay:
    def test_the_schedule_keeps_its_promises(self) -> None:
        assert [str(problem) for problem in integrity.check(now=NOW)] == []

    def test_people_are_at_every_step_of_the_day(self) -> None:
        rows = todays("day")
        assert len(rows) > 40
        assert {"fulfilled", "checked-in", "arrived", "booked", "noshow"} <= {row.status for row in rows}
        assert {"waiting", "infusing", "observing", "discharged"} <= {row.phase for row in rows}

    def test_one_is_late_and_one_did_not_come(self) -> None:
        rows = todays("day")
        late = [row for row in rows if row.status == "booked" and row.start <= NOW - timedelta(minutes=10)]
        assert len(late) == 1
        assert sum(row.status == "noshow" for row in rows) == 1

    def test_two_stays_are_under_way_one_of_them_attested_at_1_mg(self) -> None:
        stays = Occupancy.objects.filter(stay__isnull=False, chair_from__lte=NOW, chair_until__gt=NOW)
        assert len({row.chair_id for row in stays}) == 2
        attested = [row.stay for row in stays if row.stay is not None and row.stay.is_attested]
        assert [course.dose_mg for course in attested] == [1]

    def test_the_worklist_has_something_of_each_sort(self) -> None:
        center = Center.objects.get(code="demo")
        counts = worklist.counts(center, NOW)
        assert {"unplaced", "late", "unconfirmed", "call"} <= {kind for kind, count in counts.items() if count}

    def test_a_visit_without_a_place_says_why(self) -> None:
        visits = Visit.objects.filter(state="unplaced", course__status="active", reason="")
        assert visits
        assert all(visit.refusals for visit in visits)

    def test_the_immediate_outbox_is_small(self) -> None:
        due = LedgerEntry.objects.filter(state="due", due__lte=NOW, channel="email")
        assert 0 < due.count() < 20
        assert min(due.values_list("due", flat=True)) > NOW - timedelta(minutes=30)


@pytest.mark.usefixtures("demo")
class TestHowItWasMade:
    def test_every_appointment_was_booked_by_a_service(self) -> None:
        booked = Event.objects.filter(subject="appointment", verb="book").values_list("subject_id", flat=True)
        assert set(Appointment.objects.values_list("pk", flat=True)) == set(booked)

    def test_every_treatment_was_played_at_its_time(self) -> None:
        for event in Event.objects.filter(subject="appointment", verb="complete"):
            row = Appointment.objects.get(pk=event.subject_id)
            assert row.actual_end is not None
            assert row.actual_end <= event.at <= NOW
        assert not Event.objects.filter(at__gt=NOW).exists()

    def test_a_second_run_changes_nothing(self) -> None:
        before = (Event.objects.count(), Appointment.objects.count(), get_user_model().objects.count())
        assert load("2026-12-01") == "The demo clinic is here already; nothing changed."
        assert (Event.objects.count(), Appointment.objects.count(), get_user_model().objects.count()) == before


@pytest.mark.usefixtures("undone")
class TestTheMainJobFindsRoom:
    def plan(self, code: str, unit: str, start: datetime, **asked: Any) -> list[str | None]:
        center = Center.objects.get(code="demo")
        request = CourseRequest(
            patient=Patient.objects.get(last_name="Whitehorse"),
            protocol=Protocol.objects.get(code=code),
            unit=Unit.objects.get(code=unit),
            start=start,
            **asked,
        )
        planned = preview(center=center, request=request, now=NOW).visits
        return [
            f"{visit.slot.start.astimezone(center.zone):%a %d %b %H:%M}" if visit.slot else None for visit in planned
        ]

    def test_for_a_quarterly_course_from_30_november(self) -> None:
        start = datetime(2026, 11, 30, 15, tzinfo=UTC)
        assert self.plan("eptinezumab-quarterly", "day", start) == [
            "Mon 30 Nov 10:00",
            "Mon 01 Mar 10:00",
            "Tue 01 Jun 10:00",
            "Mon 30 Aug 10:00",
        ]

    def test_for_three_days_of_dhe_across_the_clock_change(self) -> None:
        start = datetime(2027, 3, 13, 14, tzinfo=UTC)
        assert self.plan("dhe-q8h", "suite-24", start, days=3) == [
            "Sat 13 Mar 09:00",
            "Sat 13 Mar 17:00",
            "Sun 14 Mar 01:00",
            "Sun 14 Mar 10:00",
            "Sun 14 Mar 18:00",
            "Mon 15 Mar 02:00",
            "Mon 15 Mar 10:00",
            "Mon 15 Mar 18:00",
            "Tue 16 Mar 02:00",
        ]


def only(monkeypatch: pytest.MonkeyPatch, *groups: int) -> None:
    """Play only these groups of the cast: the whole of it is loaded once, above, since it takes its time."""
    monkeypatch.setattr(cast, "GROUPS", tuple(cast.GROUPS[group] for group in groups))


@pytest.mark.django_db
class TestAnyDay:
    def test_on_a_sunday_with_a_clock_change_the_24_hour_suite_shows_life(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        only(monkeypatch, -2, -1)
        load("2027-03-14")
        now = datetime(2027, 3, 14, 14, 40, tzinfo=UTC)
        begin, end = datetime(2027, 3, 14, 5, tzinfo=UTC), datetime(2027, 3, 15, 4, tzinfo=UTC)
        assert not Appointment.objects.filter(unit__code="day", start__gte=begin, start__lt=end).exists()
        beds = Appointment.objects.filter(unit__code="suite-24", start__gte=begin, start__lt=end)
        assert beds.filter(phase="infusing").count() >= 2
        assert beds.filter(status="fulfilled").exists()
        assert beds.filter(status="booked", start__gt=now).exists()
        assert integrity.check(now=now) == []

    def test_it_is_the_same_clinic_each_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def once() -> list[tuple[Any, ...]]:
            with transaction.atomic():
                load(TUESDAY)
                fields = ("patient__last_name", "chair__name", "start", "status", "phase", "actual_start")
                rows = list(Appointment.objects.order_by("start", "patient__last_name").values_list(*fields))
                transaction.set_rollback(True)
            return rows

        only(monkeypatch, -1)
        first = once()
        assert first
        assert once() == first

    def test_a_load_that_fails_half_way_leaves_nothing_behind(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def stop(*_: Any, **__: Any) -> None:
            raise RuntimeError("the power went")

        monkeypatch.setattr(Players, "_confirm", stop)
        only(monkeypatch)
        with pytest.raises(RuntimeError):
            load(TUESDAY)
        assert not Center.objects.exists()
        assert not Patient.objects.exists()

    def test_a_user_name_that_is_taken_keeps_its_password(self, monkeypatch: pytest.MonkeyPatch) -> None:
        mine = get_user_model().objects.create_user("manager", password="my own words")
        only(monkeypatch)
        load(TUESDAY)
        mine.refresh_from_db()
        assert mine.check_password("my own words")
        assert not mine.memberships.exists()

    def test_without_a_date_it_is_now(self, monkeypatch: pytest.MonkeyPatch, time_machine: Any) -> None:
        time_machine.move_to(datetime(2026, 11, 25, 2, 37, tzinfo=UTC), tick=False)  # still Tuesday there
        only(monkeypatch)
        call_command("load_demo", stdout=io.StringIO(), stderr=io.StringIO())
        repair = Closure.objects.get(chair__isnull=False)
        assert repair.starts_at.astimezone(repair.center.zone).date() == date(2026, 11, 23)


def test_a_date_that_is_none_gets_one_line() -> None:
    with pytest.raises(CommandError) as wrong:
        call_command("load_demo", "--today", "tomorrow")
    assert str(wrong.value) == "Error: argument --today: “tomorrow” is not a date such as 2026-11-24."


def test_the_fixture_holds_no_appointment() -> None:
    assert set(clinic.read()) == {"about", "center", "units", "nurses", "patients"}
