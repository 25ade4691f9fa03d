"""`check_schedule` finds each kind of damage, planted by raw SQL behind the services' back."""

from __future__ import annotations

import io
import json
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection

from scheduler.models import Appointment, Course, Dose, LedgerEntry, Occupancy, Visit, backstop
from scheduler.queries import integrity
from scheduler.services import attendance
from tests.factories import NOW, utc
from tests.support.clinic import Clinic, place

pytestmark = pytest.mark.django_db


class World:
    """A clinic with a course, a stay, a treatment that was given and a booking that was cancelled: all sound."""

    def __init__(self) -> None:
        self.clinic = Clinic()
        self.course = self.clinic.quarterly_course()
        self.visits = place(self.course)
        self.stay = self.clinic.stay(self.clinic.patient("stay@example.org"))
        self.doses = place(self.stay)
        self.plain = self.clinic.book(self.clinic.patient("plain@example.org"), chair=1)
        self.cancelled = self.clinic.cancel(self.clinic.book(self.clinic.patient("off@example.org"), chair=2))
        one_off = self.clinic.quarterly_course(
            self.clinic.patient("given@example.org"), doses=1, start=utc("2026-11-16T11:00-05:00")
        )
        [self.given] = place(one_off)
        attendance.complete(
            actor=self.clinic.actor, appointment=self.given, actual_start=self.given.start, now=self.given.end
        )


@pytest.fixture
def world() -> World:
    return World()


def sql(statement: str, *values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


@pytest.fixture
def unguarded(db):
    """The database without what would refuse the damage."""

    def lift() -> None:
        if connection.vendor == "sqlite":
            with connection.cursor() as cursor:
                cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
                for (name,) in cursor.fetchall():
                    cursor.execute(f"DROP TRIGGER {name}")
                cursor.execute("PRAGMA ignore_check_constraints = ON")
            sql("DROP INDEX visit_has_one_live_appointment")
            return
        sql("SET CONSTRAINTS ALL IMMEDIATE")
        for table, name in (
            ("occupancy", backstop.CHAIR_OVERLAP),
            ("occupancy", backstop.PATIENT_OVERLAP),
            ("visit", "waived_visit_has_a_reason"),
        ):
            sql(f"ALTER TABLE scheduler_{table} DROP CONSTRAINT {name}")
        sql("DROP INDEX visit_has_one_live_appointment")
        sql("DROP TRIGGER scheduler_event_no_delete ON scheduler_event")

    yield lift
    if connection.vendor == "sqlite":
        sql("PRAGMA ignore_check_constraints = OFF")


def rules(now=NOW) -> set[str]:
    return {problem.rule for problem in integrity.check(now=now) if problem.rule != "backstop_is_there"}


def test_what_the_services_write_is_sound(world):
    assert integrity.check(now=NOW) == []


def test_it_stays_sound_as_time_passes(world):
    assert integrity.check(now=NOW + timedelta(days=10)) == []


# --- damage, and the rule that must find it ------------------------------------------------------------------


def chair_taken_twice(world):
    mine, other = world.visits[0].occupancy, world.plain.occupancy
    sql(
        "UPDATE scheduler_occupancy SET chair_id = %s, chair_from = %s, chair_until = %s WHERE id = %s",
        mine.chair_id, mine.chair_from, mine.chair_until, other.pk,
    )  # fmt: skip


def chair_taken_inside_a_long_one(world):
    mine, other = world.visits[0].occupancy, world.visits[3].occupancy
    sql("UPDATE scheduler_occupancy SET chair_id = %s WHERE id = %s", other.chair_id, mine.pk)
    sql("UPDATE scheduler_occupancy SET chair_until = %s WHERE id = %s", other.chair_until, mine.pk)


def patient_taken_twice(world):
    mine, other = world.visits[0].occupancy, world.plain.occupancy
    sql(
        "UPDATE scheduler_occupancy SET patient_id = %s, patient_from = %s, patient_until = %s WHERE id = %s",
        mine.patient_id, mine.patient_from, mine.patient_until, other.pk,
    )  # fmt: skip


def patient_elsewhere_during_a_stay(world):
    between = world.doses[0].end + timedelta(hours=2)
    sql(
        "UPDATE scheduler_occupancy SET patient_id = %s, patient_from = %s, patient_until = %s WHERE id = %s",
        world.stay.patient_id, between, between + timedelta(minutes=30), world.plain.occupancy.pk,
    )  # fmt: skip


def occupancy_gone(world):
    sql("DELETE FROM scheduler_occupancy WHERE id = %s", world.plain.occupancy.pk)


def occupancy_shorter(world):
    row = world.plain.occupancy
    sql(
        "UPDATE scheduler_occupancy SET chair_until = %s WHERE id = %s", row.chair_until - timedelta(minutes=10), row.pk
    )


def occupancy_on_another_chair(world):
    sql(
        "UPDATE scheduler_occupancy SET chair_id = %s WHERE id = %s",
        world.clinic.chairs[2].pk, world.plain.occupancy.pk,
    )  # fmt: skip


def occupancy_of_a_cancelled_one(world):
    sql(
        "UPDATE scheduler_occupancy SET appointment_id = %s WHERE id = %s", world.cancelled.pk, world.plain.occupancy.pk
    )


def start_changed(world):
    sql(
        "UPDATE scheduler_appointment SET start = %s WHERE id = %s",
        world.plain.start - timedelta(hours=1),
        world.plain.pk,
    )


def zone_changed(world):
    sql("UPDATE scheduler_appointment SET promised_zone = 'Europe/Berlin' WHERE id = %s", world.plain.pk)


def zone_unknown(world):
    sql("UPDATE scheduler_appointment SET promised_zone = 'Mars/Olympus' WHERE id = %s", world.plain.pk)


def two_live_appointments(world):
    sql("UPDATE scheduler_appointment SET visit_id = %s WHERE id = %s", world.visits[0].visit_id, world.plain.pk)


def booking_gone(world):
    appointment = world.visits[1]
    sql("DELETE FROM scheduler_occupancy WHERE appointment_id = %s", appointment.pk)
    sql("UPDATE scheduler_appointment SET status = 'cancelled' WHERE id = %s", appointment.pk)


def visit_forgets_its_booking(world):
    sql("UPDATE scheduler_visit SET state = 'unplaced' WHERE id = %s", world.visits[1].visit_id)


def visit_done_by_nobody(world):
    booking_gone(world)
    sql("UPDATE scheduler_visit SET state = 'done' WHERE id = %s", world.visits[1].visit_id)


def given_visit_open_again(world):
    sql("UPDATE scheduler_visit SET state = 'unplaced' WHERE id = %s", world.given.visit_id)


def visit_gone(world):
    appointment = world.visits[1]
    sql("DELETE FROM scheduler_occupancy WHERE appointment_id = %s", appointment.pk)
    sql("UPDATE scheduler_appointment SET visit_id = NULL, status = 'cancelled' WHERE id = %s", appointment.pk)
    sql("DELETE FROM scheduler_visit WHERE id = %s", appointment.visit_id)


def last_visit_never_generated(world):
    appointment = world.visits[3]
    sql("DELETE FROM scheduler_occupancy WHERE appointment_id = %s", appointment.pk)
    sql("UPDATE scheduler_appointment SET visit_id = NULL, status = 'cancelled' WHERE id = %s", appointment.pk)
    sql("DELETE FROM scheduler_visit WHERE id = %s", appointment.visit_id)


def too_many_visits(world):
    sql("UPDATE scheduler_course SET doses = 3 WHERE id = %s", world.course.pk)


def visit_forgotten(world):
    booking_gone(world)
    sql(
        "UPDATE scheduler_visit SET state = 'unplaced', reason = '', refusals = '[]', tried_at = NULL WHERE id = %s",
        world.visits[1].visit_id,
    )


def waived_without_reason(world):
    booking_gone(world)
    sql("UPDATE scheduler_visit SET state = 'waived', reason = '' WHERE id = %s", world.visits[1].visit_id)


def stay_gone(world):
    sql("DELETE FROM scheduler_occupancy WHERE stay_id = %s", world.stay.pk)


def stay_too_short(world):
    sql("UPDATE scheduler_occupancy SET chair_until = %s WHERE stay_id = %s", world.doses[1].end, world.stay.pk)


def stay_in_another_bed(world):
    sql("UPDATE scheduler_occupancy SET chair_id = %s WHERE stay_id = %s", world.clinic.beds[1].pk, world.stay.pk)
    sql(
        "UPDATE scheduler_appointment SET chair_id = %s WHERE visit_id = %s",
        world.clinic.beds[0].pk,
        world.doses[0].visit_id,
    )


def stay_without_doses(world):
    sql("UPDATE scheduler_occupancy SET stay_id = %s WHERE stay_id = %s", world.course.pk, world.stay.pk)


def foreigner_in_the_bed(world):
    between = world.doses[0].end + timedelta(hours=2)
    sql(
        "UPDATE scheduler_occupancy SET chair_id = %s, chair_from = %s, chair_until = %s WHERE id = %s",
        world.doses[0].chair_id, between, between + timedelta(minutes=30), world.plain.occupancy.pk,
    )  # fmt: skip


def dose_of_another_patient(world):
    sql("UPDATE scheduler_dose SET patient_id = %s WHERE appointment_id = %s", world.plain.patient_id, world.given.pk)


def dose_without_appointment(world):
    sql("UPDATE scheduler_dose SET appointment_id = NULL WHERE appointment_id = %s", world.given.pk)


def dose_gone(world):
    sql("DELETE FROM scheduler_dose WHERE appointment_id = %s", world.given.pk)


def interval_too_short(world):
    first, second = world.visits[0], world.visits[1]
    sql("UPDATE scheduler_appointment SET start = %s WHERE id = %s", first.start + timedelta(days=70), second.pk)


def too_much_in_a_day(world):
    sql("UPDATE scheduler_course SET dose_mg = 1 WHERE id = %s", world.stay.pk)


def reminder_gone(world):
    sql("DELETE FROM scheduler_ledgerentry WHERE appointment_id = %s AND kind = 'reminder'", world.plain.pk)


def reminder_called_off(world):
    sql("UPDATE scheduler_ledgerentry SET state = 'superseded' WHERE appointment_id = %s", world.plain.pk)


def stay_without_reminder(world):
    sql("DELETE FROM scheduler_ledgerentry WHERE appointment_id = %s", world.doses[0].pk)


def reminder_for_another_time(world):
    sql(
        "UPDATE scheduler_ledgerentry SET appointment_start = %s WHERE appointment_id = %s",
        world.plain.start + timedelta(days=1), world.plain.pk,
    )  # fmt: skip


def reminder_after_the_visit(world):
    sql(
        "UPDATE scheduler_ledgerentry SET due = %s WHERE appointment_id = %s AND kind = 'reminder'",
        world.plain.start + timedelta(hours=1), world.plain.pk,
    )  # fmt: skip


def reminder_of_a_cancelled_visit(world):
    sql("UPDATE scheduler_ledgerentry SET state = 'due' WHERE appointment_id = %s", world.cancelled.pk)


def event_gone(world):
    sql("DELETE FROM scheduler_event WHERE subject = 'appointment' AND subject_id = %s", world.plain.pk)


@pytest.mark.parametrize(
    ("damage", "rule"),
    [
        (chair_taken_twice, "chair_is_free"),
        (chair_taken_inside_a_long_one, "chair_is_free"),
        (patient_taken_twice, "patient_is_free"),
        (patient_elsewhere_during_a_stay, "patient_is_free"),
        (occupancy_gone, "live_appointment_occupies"),
        (occupancy_shorter, "occupancy_matches_appointment"),
        (occupancy_on_another_chair, "occupancy_matches_appointment"),
        (occupancy_of_a_cancelled_one, "only_live_appointments_occupy"),
        (start_changed, "promise_is_kept"),
        (zone_changed, "promise_is_kept"),
        (zone_unknown, "promise_is_kept"),
        (two_live_appointments, "visit_has_one_live_appointment"),
        (booking_gone, "booked_visit_has_an_appointment"),
        (visit_forgets_its_booking, "appointment_has_a_booked_visit"),
        (visit_done_by_nobody, "done_visit_was_given"),
        (given_visit_open_again, "given_visit_is_done"),
        (visit_gone, "visits_are_complete"),
        (last_visit_never_generated, "due_visits_are_generated"),
        (too_many_visits, "visits_are_complete"),
        (visit_forgotten, "unplaced_visit_says_why"),
        (waived_without_reason, "waived_visit_has_a_reason"),
        (stay_gone, "stay_is_kept"),
        (stay_too_short, "stay_covers_its_doses"),
        (stay_in_another_bed, "stay_covers_its_doses"),
        (stay_without_doses, "stay_has_doses"),
        (foreigner_in_the_bed, "chair_is_free"),
        (dose_of_another_patient, "dose_fits_its_appointment"),
        (dose_without_appointment, "dose_fits_its_appointment"),
        (dose_gone, "treatment_has_a_dose"),
        (interval_too_short, "interval_is_kept"),
        (too_much_in_a_day, "rolling_cap_is_kept"),
        (reminder_gone, "booking_has_its_reminders"),
        (reminder_called_off, "booking_has_its_reminders"),
        (stay_without_reminder, "booking_has_its_reminders"),
        (reminder_for_another_time, "message_tells_the_time"),
        (reminder_after_the_visit, "message_tells_the_time"),
        (reminder_of_a_cancelled_visit, "message_tells_the_time"),
        (event_gone, "appointment_is_on_record"),
    ],
    ids=lambda value: value.__name__ if callable(value) else None,
)
def test_damage_is_found(world, unguarded, damage, rule):
    unguarded()
    damage(world)
    at = NOW + timedelta(hours=3)  # long enough for a visit to count as forgotten
    assert rule in rules(at)


def test_a_constraint_that_is_gone_is_named(world, unguarded):
    unguarded()
    missing = {problem.ids["name"] for problem in integrity.check(now=NOW) if problem.rule == "backstop_is_there"}
    assert any(name.startswith(backstop.CHAIR_OVERLAP) for name in missing)


class TestReality:
    """What an actual time breaks is a clash on the worklist, never a failure of the schedule."""

    def test_a_late_dose_is_no_failure(self, world):
        first = world.doses[0]
        attendance.start(actor=world.clinic.actor, appointment=first, now=first.start + timedelta(minutes=80))
        assert integrity.check(now=first.start + timedelta(minutes=81)) == []

    def test_a_dose_taken_at_home_is_no_failure(self, world):
        attendance.record_dose_elsewhere(
            actor=world.clinic.actor,
            center=world.clinic.center,
            patient=world.stay.patient,
            substance="dihydroergotamine",
            mg=1,
            given_at=world.doses[0].start - timedelta(hours=2),
            now=world.doses[0].start - timedelta(hours=1),
        )
        assert integrity.check(now=world.doses[0].start - timedelta(hours=1)) == []


def test_the_number_of_queries_does_not_grow_with_the_rows(world, django_assert_max_num_queries):
    with django_assert_max_num_queries(32):
        integrity.check(now=NOW)


class TestCommand:
    def test_says_in_one_line_that_all_is_well(self, world, time_machine):
        time_machine.move_to(NOW)
        out = io.StringIO()
        call_command("check_schedule", stdout=out)
        assert out.getvalue() == "The schedule is sound: nothing overlaps, nothing is lost.\n"

    def test_exits_with_one_and_the_rows_in_ids_only(self, world, unguarded, time_machine):
        time_machine.move_to(NOW)
        unguarded()
        chair_taken_twice(world)
        out = io.StringIO()
        with pytest.raises(SystemExit) as ended:
            call_command("check_schedule", json=True, stdout=out)
        assert ended.value.code == 1
        report = json.loads(out.getvalue())
        assert report["sound"] is False
        found = [problem for problem in report["problems"] if problem["rule"] == "chair_is_free"]
        assert found[0]["occupancies"] == [world.visits[0].occupancy.pk, world.plain.occupancy.pk]
        assert "Rivera" not in out.getvalue()


def test_the_world_has_one_of_everything(world):
    assert {model.objects.count() > 0 for model in (Appointment, Course, Dose, LedgerEntry, Occupancy, Visit)} == {True}


def test_a_patient_with_a_stay_and_another_course_is_sound(world):
    place(world.clinic.quarterly_course(world.stay.patient, start=utc("2026-12-07T10:00-05:00")))
    assert integrity.check(now=NOW) == []
