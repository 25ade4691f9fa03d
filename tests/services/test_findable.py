"""Whatever is changed about a patient, she is found by what is true now, and by nothing else."""

from __future__ import annotations

from datetime import date
from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection

from scheduler.domain.permissions import MANAGER
from scheduler.models import Contact, Patient, SearchKey
from scheduler.queries import people
from scheduler.services import contacts, erasure, findable, merging
from scheduler.services.contacts import ContactFacts
from scheduler.services.patients import create_patient, update_patient
from tests import factories as make
from tests.factories import NOW
from tests.support import crowd_of_patients


@pytest.fixture
def center(db):
    return make.make_center()


@pytest.fixture
def actor(center):
    return make.make_actor(center, MANAGER)


@pytest.fixture
def vera(center, actor):
    return create_patient(
        actor=actor,
        center=center,
        first_name="Vera",
        last_name="Sokol",
        birth_date=date(1980, 3, 31),
        mrn="K-17",
        contacts=[ContactFacts(phone="212 555 0142")],
        now=NOW,
    )


def found(center, *queries: str) -> list[bool]:
    return [bool(people.search(center=center, query=query)) for query in queries]


def keys() -> set[tuple[int, int, bytes]]:
    return {
        (center, patient, bytes(key))
        for center, patient, key in SearchKey.objects.values_list("center", "patient", "key")
    }


def test_a_new_patient_is_found_at_once(center, vera):
    assert found(center, "vera", "sok", "k17", "0142") == [True] * 4


def test_a_corrected_name_is_found_and_the_old_one_is_not(center, actor, vera):
    update_patient(actor=actor, patient=vera, center=center, changes={"last_name": "Lindqvist"}, now=NOW)
    assert found(center, "lindqvist", "sokol", "vera") == [True, False, True]


def test_a_number_is_found_from_when_it_is_added_until_it_is_removed(center, actor, vera):
    added = contacts.add(
        actor=actor, patient=vera, center=center, facts=ContactFacts(phone="646 555 0199", channel="call"), now=NOW
    )
    assert found(center, "0199", "0142") == [True, True]
    changed = contacts.change(
        actor=actor, contact=added, center=center, facts=ContactFacts(phone="646 555 0177", channel="call"), now=NOW
    )
    assert found(center, "0199", "0177") == [False, True]
    contacts.remove(actor=actor, contact=changed, now=NOW)
    assert found(center, "0177", "0142") == [False, True]


def test_contacts_that_replace_all_others_are_found_and_the_others_are_not(center, actor, vera):
    update_patient(
        actor=actor, patient=vera, center=center, changes={}, contacts=[ContactFacts(phone="718 555 0111")], now=NOW
    )
    assert found(center, "0142", "0111") == [False, True]


def test_who_was_merged_is_found_as_who_she_turned_out_to_be(center, actor, vera):
    kept = make.make_patient(center, last_name="Lindqvist", search_text="lindqvist ana", phone="718 555 0111", mrn="9")
    merging.merge(actor=actor, center=center, kept=kept, gone=vera, now=NOW)
    for query in ("lindqvist", "0142", "0111", "k-17"):
        assert [each.pk for each in people.search(center=center, query=query)] == [kept.pk]
    assert found(center, "sokol") == [False]


def test_nothing_of_who_was_erased_is_left_to_be_found_by(center, actor, vera):
    erasure.erase(actor=actor, center=center, patient=vera, reason="She asked.", now=NOW)
    assert found(center, "sokol", "vera", "k-17", "0142", "31 3 1980") == [False] * 5
    assert not [key for *_ids, key in keys() if any(mark in key for mark in (b"sokol", b"vera", b"0142", b"2410"))]


def test_who_is_deleted_leaves_no_keys(center, vera):
    assert keys()
    Contact.objects.all().delete()
    Patient.objects.filter(pk=vera.pk).delete()
    assert keys() == set()


def test_what_did_not_change_is_not_written_again(center, vera):
    before = set(SearchKey.objects.values_list("pk", flat=True))
    findable.refresh([vera.pk])
    assert set(SearchKey.objects.values_list("pk", flat=True)) == before


def test_patients_who_were_there_before_the_keys_get_the_same_ones_and_twice_does_no_harm(
    center, actor, vera, monkeypatch
):
    crowd_of_patients.register(center, 30)
    gone = make.make_patient(center, last_name="Lindqvist", search_text="lindqvist ana", mrn="OLD 9")
    merging.merge(actor=actor, center=center, kept=vera, gone=gone, now=NOW)
    written = keys()
    SearchKey.objects.all().delete()
    module = import_module("scheduler.migrations.0019_write_search_keys")
    monkeypatch.setattr(module, "PATIENTS_AT_ONCE", 7)
    for _time in range(2):
        module.write(apps, SimpleNamespace(connection=connection))
    assert keys() == written
