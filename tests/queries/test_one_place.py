"""The one statement under the locks reads what the search reads in many."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from scheduler.domain.intervals import Interval
from scheduler.models import Break, Dose, Nurse, Shift, UnitDay
from scheduler.queries import facts, needs, one_place
from scheduler.services import booking
from tests import factories as make
from tests.factories import NOW, utc
from tests.services.steps import MONDAY, book, chairs, place_all, start_course

HOUR = timedelta(hours=1)


@pytest.fixture
def clinic(db):
    """Two units and a patient with a bit of everything around one Monday."""
    center = make.make_center()
    day, night = make.make_day_suite(center), make.make_night_suite(center)
    for unit in (day, night):
        for _ in range(2):
            make.make_chair(unit)
    make.make_bed(night)
    actor = make.make_actor(center)
    rescue, quarterly, dhe = make.make_rescue(), make.make_quarterly(), make.make_dhe()
    patient = make.make_patient(center)
    one, two = chairs(day)
    book(actor, one, MONDAY, patient=patient, protocol=rescue)
    book(actor, one, MONDAY + 5 * HOUR, protocol=quarterly)
    book(actor, two, MONDAY + timedelta(minutes=30), minutes=200)
    place_all(start_course(actor, night, dhe, MONDAY + 30 * HOUR, patient=patient, doses=3), actor)
    booking.hold(actor=actor, chair=two, start=MONDAY + 5 * HOUR, minutes=45, now=NOW)
    booking.hold(actor=actor, chair=two, start=MONDAY + 6 * HOUR, minutes=45, now=NOW + HOUR)
    for closure in (
        {"unit": day, "chair": one, "reason": "Repair"},
        {"unit": day, "kind": "open", "reason": "Extra evening"},
        {"unit": night, "reason": "Cleaning"},
        {},
    ):
        make.make_closure(center, "2026-11-30T22:00", "2026-12-01T02:00", **closure)
    for hours, status in ((-60, "given"), (-30, "partial"), (-20, "not-given")):
        Dose.objects.create(
            patient=patient, substance="dihydroergotamine", mg=Decimal("0.750"), given_at=MONDAY + hours * HOUR,
            place="elsewhere" if hours == -60 else "here", status=status, reason="Unwell", recorded_at=NOW,
        )  # fmt: skip
    shift = Shift.objects.create(
        nurse=Nurse.objects.create(center=center, name="Kim"), unit=day, starts_at=MONDAY, ends_at=MONDAY + 8 * HOUR
    )
    Break.objects.create(shift=shift, starts_at=MONDAY + 3 * HOUR, ends_at=MONDAY + 4 * HOUR)
    UnitDay.objects.update_or_create(unit=day, date=date(2026, 11, 30), defaults={"shifts_published": True})
    return patient, [*chairs(day), *chairs(night)], [needs.for_protocol(each) for each in (rescue, quarterly, dhe)]


@pytest.mark.parametrize("hour", [-4, 0, 3, 5, 11, 20, 30, 44])
def test_the_one_statement_reads_what_the_long_way_reads(clinic, hour):
    patient, places, wanted = clinic
    now = NOW + timedelta(minutes=30)  # one of the two holds has run out
    span = Interval(MONDAY + hour * HOUR, MONDAY + (hour + 3) * HOUR)
    for chair in places:
        for need in [*wanted, needs.for_minutes(30)]:
            for patient_id in (patient.pk, None):
                found = one_place.read(chair=chair, patient_id=patient_id, need=need, span=span, now=now)
                unit = facts.unit_facts(unit=chair.unit, span=span, now=now, chairs=[chair])
                known = facts.patient_facts(patient_id=patient_id, need=need, span=span, now=now)
                assert _in_order(found.unit) == _in_order(unit)
                assert set(found.patient.taken) == set(known.taken)
                assert set(found.patient.doses) == set(known.doses)
                assert not found.is_elsewhere


def test_a_chair_is_read_as_it_is_now(clinic):
    chair = clinic[1][0]
    type(chair).objects.filter(pk=chair.pk).update(is_active=False, name="Window", kind="bed")
    found = _anywhere(chair).chair
    assert (found.name, found.kind, found.is_active) == ("Window", "bed", False)


def test_a_chair_carried_to_another_unit_is_noticed(clinic):
    one, other = clinic[1][0], clinic[1][-1]
    type(one).objects.filter(pk=one.pk).update(unit=other.unit, name="Carried")
    assert _anywhere(one).is_elsewhere


def test_a_center_that_changed_its_zone_is_noticed(clinic):
    chair = clinic[1][0]
    type(chair.unit.center).objects.update(time_zone="America/Denver")
    assert _anywhere(chair).is_elsewhere


def _anywhere(chair):
    span = Interval(utc("2026-11-30T12:00"), utc("2026-11-30T14:00"))
    return one_place.read(chair=chair, patient_id=None, need=needs.for_minutes(30), span=span, now=NOW)


def _in_order(unit):
    """Rows come in any order."""
    taken = {chair: sorted(found, key=repr) for chair, found in unit.taken.items()}
    return replace(unit, taken=taken, cares=sorted(unit.cares, key=repr), closed=sorted(unit.closed, key=repr))
