"""The numbers by which open pages see that something changed."""

from __future__ import annotations

from datetime import date

import pytest

from scheduler.models import Event, UnitDay
from scheduler.queries import stands
from scheduler.services import record
from tests import factories as make
from tests.factories import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def patient():
    return make.make_patient(make.make_center())


def change(patient):
    center = patient.registrations.get().center
    return record.event(actor=make.make_actor(center), verb="edit", subject=patient, now=NOW)


def test_every_change_moves_its_patient_and_its_center_and_nobody_elses(patient):
    other = make.make_patient(make.make_center())
    keys = [
        stands.key_of_patient(patient.pk),
        stands.key_of_center(patient.registrations.get().center_id),
        stands.key_of_patient(other.pk),
        stands.key_of_center(other.registrations.get().center_id),
    ]
    seen = [[stands.of(key) for key in keys]]
    for _ in range(3):
        change(patient)
        seen.append([stands.of(key) for key in keys])
    hers, centers, others, elsewhere = zip(*seen, strict=True)
    assert len(set(hers)) == len(set(centers)) == 4
    assert set(others) == set(elsewhere) == {0}


def test_a_change_that_is_committed_after_a_later_one_is_seen_too(patient):
    """Numbers of the record are given out in order, but two transactions may end in the other order."""
    first = change(patient)
    key = stands.key_of_patient(patient.pk)
    late = Event(**{field.name: getattr(first, field.name) for field in Event._meta.fields})
    late.pk = first.pk + 1
    newer = Event(**{field.name: getattr(first, field.name) for field in Event._meta.fields})
    newer.pk = first.pk + 2
    newer.save(force_insert=True)
    before = stands.of(key)
    late.save(force_insert=True)
    assert stands.of(key) != before


def test_all_days_are_one_question(django_assert_num_queries):
    unit = make.make_unit()
    days = [date(2026, 11, day) for day in range(1, 29)]
    UnitDay.objects.create(unit=unit, date=days[4], version=7)
    keys = [stands.key_of_day(unit.pk, day) for day in days]
    with django_assert_num_queries(1):
        assert stands.versions(keys) == {keys[4]: 7}
    assert stands.of(keys[0]) == 0
