"""What must never be false is refused by the database itself, whoever writes: raw SQL, the ORM, a job, an import."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import DatabaseError, IntegrityError, connection, transaction

from scheduler.models import Access, Appointment, Event, Occupancy, Protocol, Seal, backstop
from tests import factories as make
from tests.factories import NOW, utc

pytestmark = pytest.mark.django_db
MONDAY = utc("2026-11-30T10:00-05:00")
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


@contextmanager
def refused(name: str = "") -> Iterator[None]:
    """The database refuses, and names the constraint or trigger."""
    with pytest.raises(DatabaseError) as problem, transaction.atomic():
        yield
    assert name in str(problem.value)


@pytest.fixture
def chairs(db):
    unit = make.make_day_suite()
    return [make.make_chair(unit) for _ in range(2)]


@pytest.fixture
def patients(chairs):
    return [make.make_patient(chairs[0].unit.center) for _ in range(3)]


def row(chair, patient=None, start=MONDAY, **values) -> Appointment:
    return Appointment.objects.create(
        **{
            "center": chair.unit.center,
            "unit": chair.unit,
            "chair": chair,
            "patient": patient,
            "start": start,
            "end": start + HOUR,
            "promised_wall": "2026-11-30T10:00",
            "promised_zone": "America/New_York",
            "created_at": NOW,
            **values,
        }
    )


def occupy(chair, patient, start=MONDAY, minutes=60, *, chair_minutes=None) -> Occupancy:
    return Occupancy.objects.create(
        appointment=row(chair, patient, start, end=start + timedelta(minutes=max(minutes, 1))),
        chair=chair,
        chair_from=start,
        chair_until=start + timedelta(minutes=minutes if chair_minutes is None else chair_minutes),
        patient=patient,
        patient_from=start,
        patient_until=start + timedelta(minutes=minutes),
    )


class TestNoOverlap:
    @pytest.mark.parametrize("minutes", [-59, 0, 30, 59])
    def test_of_a_chair(self, chairs, patients, minutes):
        occupy(chairs[0], patients[0])
        with refused("occupancy_chair_is_free"):
            occupy(chairs[0], patients[1], MONDAY + minutes * MINUTE)

    @pytest.mark.parametrize("minutes", [-59, 0, 30, 59])
    def test_of_a_patient(self, chairs, patients, minutes):
        occupy(chairs[0], patients[0])
        with refused("occupancy_patient_is_free"):
            occupy(chairs[1], patients[0], MONDAY + minutes * MINUTE)

    def test_one_inside_the_other(self, chairs, patients):
        occupy(chairs[0], patients[0])
        with refused("occupancy_chair_is_free"):
            occupy(chairs[0], patients[1], MONDAY + 10 * MINUTE, minutes=5)
        with refused("occupancy_chair_is_free"):
            occupy(chairs[0], patients[1], MONDAY - HOUR, minutes=200)

    def test_back_to_back_and_side_by_side_are_fine(self, chairs, patients):
        occupy(chairs[0], patients[0])
        occupy(chairs[0], patients[0], MONDAY + HOUR)
        occupy(chairs[0], patients[0], MONDAY - HOUR)
        occupy(chairs[1], patients[1])
        assert Occupancy.objects.count() == 4

    def test_a_second_of_overlap_is_one(self, chairs, patients):
        occupy(chairs[0], patients[0])
        with refused("occupancy_chair_is_free"):
            occupy(chairs[0], patients[1], MONDAY + HOUR - timedelta(microseconds=1))

    @pytest.mark.parametrize("what", ["chair", "patient"])
    def test_by_moving_the_row(self, chairs, patients, what):
        occupy(chairs[0], patients[0])
        other = occupy(chairs[0], patients[0], MONDAY + HOUR)
        with refused(f"occupancy_{what}_is_free"):
            Occupancy.objects.filter(pk=other.pk).update(**{f"{what}_from": MONDAY + 59 * MINUTE})
        Occupancy.objects.filter(pk=other.pk).update(**{f"{what}_until": MONDAY + 3 * HOUR})

    def test_by_giving_it_another_chair_or_patient(self, chairs, patients):
        occupy(chairs[0], patients[0])
        other = occupy(chairs[1], patients[1])
        with refused("occupancy_chair_is_free"):
            Occupancy.objects.filter(pk=other.pk).update(chair=chairs[0])
        with refused("occupancy_patient_is_free"):
            Occupancy.objects.filter(pk=other.pk).update(patient=patients[0])

    def test_swapping_two_chairs_in_one_statement(self, chairs, patients):
        occupy(chairs[0], patients[0])
        occupy(chairs[1], patients[1])
        with refused("occupancy_chair_is_free"), connection.cursor() as cursor:
            cursor.execute("UPDATE scheduler_occupancy SET chair_id = %s - chair_id", [chairs[0].pk + chairs[1].pk])

    def test_a_row_may_change_inside_its_own_time(self, chairs, patients):
        mine = occupy(chairs[0], patients[0])
        Occupancy.objects.filter(pk=mine.pk).update(chair_from=MONDAY + MINUTE, patient_from=MONDAY + MINUTE)

    def test_by_raw_sql_and_in_bulk(self, chairs, patients):
        mine = occupy(chairs[0], patients[0])
        other = row(chairs[1], patients[1])
        with refused("occupancy_chair_is_free"), connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO scheduler_occupancy (appointment_id, chair_id, chair_from, chair_until) "
                "SELECT %s, chair_id, chair_from, chair_until FROM scheduler_occupancy WHERE id = %s",
                [other.pk, mine.pk],
            )
        rows = [
            Occupancy(appointment=row(chairs[1], one), chair=chairs[1], chair_from=MONDAY, chair_until=MONDAY + HOUR)
            for one in patients[1:]
        ]
        with refused("occupancy_chair_is_free"):
            Occupancy.objects.bulk_create(rows)

    def test_rows_without_a_patient_do_not_block_each_other(self, chairs):
        for chair in chairs:
            Occupancy.objects.create(
                appointment=row(chair, status="pending", hold_expires_at=NOW),
                chair=chair,
                chair_from=MONDAY,
                chair_until=MONDAY + HOUR,
            )
        assert Occupancy.objects.count() == 2

    def test_doses_of_a_stay_without_a_chair_do_not_block_each_other(self, chairs, patients):
        for patient in patients:
            Occupancy.objects.create(
                appointment=row(chairs[0], patient),
                patient=patient,
                patient_from=MONDAY,
                patient_until=MONDAY + HOUR,
            )
        assert Occupancy.objects.count() == 3


class TestRanges:
    @pytest.mark.parametrize("minutes", [0, -30])
    def test_an_empty_occupancy_would_escape_and_is_refused(self, chairs, patients, minutes):
        with refused("occupancy_of"):
            occupy(chairs[0], patients[0], minutes=minutes)
        with refused("occupancy_of_chair_is_not_empty"):
            occupy(chairs[0], patients[0], chair_minutes=minutes)

    def test_a_range_without_an_end_is_refused(self, chairs, patients):
        with refused("occupancy_of_chair_is_not_empty"):
            Occupancy.objects.create(appointment=row(chairs[0], patients[0]), chair=chairs[0], chair_from=MONDAY)
        with refused("occupancy_of_patient_is_not_empty"):
            Occupancy.objects.create(appointment=row(chairs[0], patients[0]), patient=patients[0], patient_until=MONDAY)

    def test_an_occupancy_takes_something_for_somebody(self, chairs, patients):
        with refused("occupancy_takes_something"):
            Occupancy.objects.create(appointment=row(chairs[0], patients[0]))
        with refused("occupancy_is_of_an_appointment_or_a_stay"):
            Occupancy.objects.create(chair=chairs[0], chair_from=MONDAY, chair_until=MONDAY + HOUR)

    def test_an_appointment_takes_time(self, chairs, patients):
        for end in (MONDAY, MONDAY - MINUTE):
            with refused("appointment_is_not_empty"):
                row(chairs[0], patients[0], end=end)
        with refused("appointment_ends_after_it_began"):
            row(chairs[0], patients[0], actual_start=MONDAY, actual_end=MONDAY - MINUTE)

    def test_a_closure_and_a_shift_take_time(self, chairs):
        unit = chairs[0].unit
        with refused():
            make.make_closure(unit.center, "2026-11-30T10:00", "2026-11-30T10:00")
        nurse = unit.center.nurses.create(name="Noor")
        with refused("shift_is_not_empty"):
            unit.shifts.create(nurse=nurse, starts_at=MONDAY, ends_at=MONDAY)
        shift = unit.shifts.create(nurse=nurse, starts_at=MONDAY, ends_at=MONDAY + 8 * HOUR)
        with refused("break_is_not_empty"):
            shift.breaks.create(starts_at=MONDAY, ends_at=MONDAY)
        for opens, closes in ((600, 600), (600, 500), (0, 1441)):
            with refused():
                unit.opening_hours.create(weekday=6, opens=opens, closes=closes)


class TestAppointments:
    def test_only_known_statuses_and_phases(self, chairs, patients):
        with refused("appointment_status_is_known"):
            row(chairs[0], patients[0], status="proposed")
        with refused("appointment_phase_is_known"):
            row(chairs[0], patients[0], phase="dancing")

    def test_only_a_hold_expires_and_only_a_hold_lacks_a_patient(self, chairs, patients):
        with refused("only_a_hold_expires"):
            row(chairs[0], patients[0], hold_expires_at=NOW)
        with refused("only_a_hold_expires"):
            row(chairs[0], patients[0], status="pending")
        with refused("only_a_hold_lacks_a_patient"):
            row(chairs[0])

    def test_a_visit_has_one_live_appointment(self, chairs, patients):
        visit = self.course(chairs[0], patients[0]).visits.get()
        row(chairs[0], patients[0], visit=visit)
        for status in ("booked", "arrived", "checked-in", "fulfilled"):
            with refused():
                row(chairs[0], patients[0], visit=visit, status=status)
        with refused():
            row(chairs[0], patients[0], visit=visit, status="pending", hold_expires_at=NOW)
        for status in ("cancelled", "noshow", "entered-in-error"):
            row(chairs[0], patients[0], visit=visit, status=status)
        again = Appointment.objects.filter(status="cancelled").get()
        with refused():
            Appointment.objects.filter(pk=again.pk).update(status="booked")

    def test_ordinals_are_unique_and_count_from_one(self, chairs, patients):
        course = self.course(chairs[0], patients[0])
        visit = course.visits.get()
        for ordinal in (visit.ordinal, 0):
            with refused():
                course.visits.create(ordinal=ordinal, due=MONDAY, window_start=MONDAY, window_end=MONDAY + HOUR)
        with refused("visit_window_is_not_empty"):
            course.visits.create(ordinal=2, due=MONDAY, window_start=MONDAY, window_end=MONDAY)
        with refused("waived_visit_has_a_reason"):
            course.visits.filter(pk=visit.pk).update(state="waived")

    def course(self, chair, patient):
        course = chair.unit.courses.create(
            center=chair.unit.center,
            patient=patient,
            protocol=make.make_quarterly(),
            start=MONDAY,
            doses=4,
            created_at=NOW,
        )
        course.visits.create(ordinal=1, due=MONDAY, window_start=MONDAY, window_end=MONDAY + HOUR)
        return course


class TestPublishedProtocols:
    def test_a_draft_can_be_changed_and_a_published_one_never(self):
        draft = make.make_quarterly(published_at=None)
        Protocol.objects.filter(pk=draft.pk).update(visit_minutes=45)
        draft.refresh_from_db()
        draft.published_at = NOW
        draft.save()
        for change in ({"visit_minutes": 60}, {"published_at": None}, {"name": "Other"}):
            with refused("published_protocol_no_update"):
                Protocol.objects.filter(pk=draft.pk).update(**change)
        with refused("published_protocol_no_update"):
            draft.save()
        with refused("published_protocol_no_delete"):
            draft.delete()
        with refused("published_protocol_no_delete"), connection.cursor() as cursor:
            cursor.execute("DELETE FROM scheduler_protocol")
        draft.refresh_from_db()
        assert draft.visit_minutes == 45

    def test_a_draft_can_be_deleted(self):
        make.make_quarterly(published_at=None).delete()
        assert not Protocol.objects.exists()

    def test_a_version_is_there_once_also_where_it_belongs_to_no_center(self):
        make.make_quarterly()
        with refused():
            make.make_quarterly()
        center = make.make_center()
        make.make_quarterly(center=center)
        with refused():
            make.make_quarterly(center=center)


def _event():
    return Event.objects.create(at=NOW, actor="user:1", subject="appointment", subject_id=1, verb="book")


def _access():
    return Access.objects.create(at=NOW, actor="user:1", what="patient")


def _seal():
    return Seal.objects.create(
        table="event", first_id=1, last_id=2, rows=2, digest="a" * 64, previous="0" * 64, sealed_at=NOW
    )


class TestAppendOnly:
    @pytest.mark.parametrize("make_row", [_event, _access, _seal])
    def test_rows_are_added_and_never_changed_or_taken_away(self, make_row):
        made = make_row()
        table = made._meta.db_table
        field = "sealed_at" if isinstance(made, Seal) else "at"
        with refused(f"{table}_no_update"):
            type(made).objects.filter(pk=made.pk).update(**{field: NOW + HOUR})
        with refused(f"{table}_no_update"):
            made.save()
        with refused(f"{table}_no_delete"):
            made.delete()
        with refused(f"{table}_no_delete"), connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {table}")
        assert type(made).objects.count() == 1

    @pytest.mark.parametrize("make_row", [_event, _access, _seal])
    def test_nor_replaced(self, make_row):
        made = make_row()
        table = made._meta.db_table
        columns = ", ".join(f'"{field.column}"' for field in made._meta.concrete_fields)
        with refused(), connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute(f"TRUNCATE {table}")
            else:  # SQLite deletes the old row here without asking its delete triggers
                cursor.execute(f"INSERT OR REPLACE INTO {table} ({columns}) SELECT {columns} FROM {table}")
        assert type(made).objects.count() == 1


class TestBackstop:
    def test_nothing_is_missing_after_migrating(self):
        assert backstop.missing(connection) == []

    def test_whatever_is_dropped_is_named_and_put_back(self):
        names = sorted(backstop._wanted(connection))
        for name in names:
            _drop(name)
        assert backstop.missing(connection) == names
        assert sorted(backstop.install(connection)) == names
        assert backstop.missing(connection) == []
        assert backstop.install(connection) == []

    def test_it_works_again_after_being_put_back(self, chairs, patients):
        _drop("occupancy_chair_is_free" if connection.vendor == "postgresql" else "occupancy_chair_is_free_insert")
        backstop.install(connection)
        occupy(chairs[0], patients[0])
        with refused("occupancy_chair_is_free"):
            occupy(chairs[0], patients[1])

    def test_migrating_again_puts_it_back(self):
        name = "scheduler_event_no_delete"
        _drop(name)
        assert backstop.missing(connection) == [name]
        call_command("migrate", verbosity=0)
        assert backstop.missing(connection) == []

    def test_a_trigger_that_is_switched_off_is_missing(self):
        if connection.vendor != "postgresql":
            assert "scheduler_event_no_delete" in backstop._present(connection)
            return  # SQLite has no such switch
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE scheduler_event DISABLE TRIGGER scheduler_event_no_delete")
        assert backstop.missing(connection) == ["scheduler_event_no_delete"]


def _drop(name: str) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"DROP TRIGGER {name}")
        elif name.startswith("occupancy"):
            cursor.execute(f"ALTER TABLE scheduler_occupancy DROP CONSTRAINT {name}")
        elif name == backstop.SETTLED:
            cursor.execute(f"DROP FUNCTION {name}(text)")
        else:
            table = "scheduler_protocol" if name.startswith("published") else name.rpartition("_no_")[0]
            cursor.execute(f"DROP TRIGGER {name} ON {table}")


def test_the_database_speaks_as_an_integrity_error_so_that_services_can_retry(chairs, patients):
    occupy(chairs[0], patients[0])
    with pytest.raises(IntegrityError), transaction.atomic():
        occupy(chairs[0], patients[1])
