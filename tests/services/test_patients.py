"""Register and correct a patient."""

from __future__ import annotations

from datetime import date

import pytest

from scheduler.domain.errors import Malformed, Refused
from scheduler.models import Event, Patient, Registration
from scheduler.services.patients import ContactFacts, create_patient, update_patient
from tests import factories as make
from tests.factories import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def center():
    return make.make_center()


def register(center, **values):
    facts = {"first_name": "Eva", "last_name": "Szabó", "birth_date": date(1980, 3, 31), "mrn": "1", **values}
    return create_patient(actor=make.make_actor(center), center=center, now=NOW, **facts)


def test_a_patient_is_registered_with_contacts_the_first_one_primary(center):
    patient = register(
        center, contacts=[ContactFacts(email="eva@example.org"), ContactFacts(relation="mother", phone="555")]
    )
    assert patient.search_text == "szabo eva"
    assert [(row.relation, row.is_primary) for row in patient.contacts.all()] == [("self", True), ("mother", False)]
    assert Registration.objects.get(patient=patient).mrn == "1"


def test_the_record_names_nobody(center):
    register(center)
    event = Event.objects.get(verb="registered")
    assert "Szabó" not in str(event.__dict__)


def test_an_mrn_is_given_once_in_a_center_and_again_in_another(center):
    register(center)
    with pytest.raises(Refused) as refused:
        register(center, last_name="Other")
    assert refused.value.refusals[0].code == "mrn_is_unique"
    assert Patient.objects.count() == 1
    register(make.make_center())
    assert Patient.objects.count() == 2


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"last_name": "  "}, "last_name"),
        ({"last_name": "x" * 201}, "last_name"),
        ({"first_name": "a\x00b"}, "first_name"),
        ({"birth_date": date(2027, 1, 1)}, "birth_date"),
        ({"birth_date": date(1850, 1, 1)}, "birth_date"),
        ({"mrn": " "}, "mrn"),
        ({"contacts": [ContactFacts(email="no")]}, "email"),
        ({"contacts": [ContactFacts(phone="5" * 41)]}, "phone"),
    ],
)
def test_what_makes_no_sense_names_its_field_and_writes_nothing(center, values, field):
    with pytest.raises(Malformed) as malformed:
        register(center, **values)
    assert malformed.value.field == field
    assert not Patient.objects.exists()


def test_a_correction_keeps_the_search_text_in_step(center):
    patient = register(center)
    update_patient(
        actor=make.make_actor(center), patient=patient, center=center, changes={"last_name": "Kovács"}, now=NOW
    )
    patient.refresh_from_db()
    assert patient.search_text == "kovacs eva"
    assert Event.objects.get(verb="corrected").after == {"fields": ["last_name"]}


def test_what_may_not_be_changed_is_refused(center):
    patient = register(center)
    with pytest.raises(Malformed):
        update_patient(actor=make.make_actor(center), patient=patient, center=center, changes={"id": 9}, now=NOW)
