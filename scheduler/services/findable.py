"""The keys that patients are found by follow every change of a name, a number or a contact."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from django.db.models.functions import Coalesce

from scheduler.domain import search_keys
from scheduler.models import Center, Contact, Patient, Registration, SearchKey


def add(*, patient: Patient, center: Center, mrn: str, phones: Iterable[str]) -> None:
    """The keys of a patient who is registered at this moment: one statement, as a file may hold thousands of them."""
    keys = search_keys.of(search_text=patient.search_text, mrns=[mrn], phones=phones)
    SearchKey.objects.bulk_create(SearchKey(center=center, patient=patient, key=key) for key in sorted(keys))


def refresh(patients: Iterable[int]) -> None:
    """Write the keys of these patients anew, by id. Call it in the transaction of the change.

    Who was merged away has none: the numbers she had lead to who she turned out to be.
    """
    wanted = set(patients)
    people = list(Patient.objects.filter(pk__in=wanted, merged_into=None).only("pk", "search_text"))
    phones: dict[int, list[str]] = defaultdict(list)
    for patient, phone in Contact.objects.filter(patient__in=wanted).exclude(phone="").values_list("patient", "phone"):
        phones[patient].append(phone)
    mrns: dict[int, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    for rows in (
        Registration.objects.filter(patient__in=wanted),
        Registration.objects.filter(patient__merged_into__in=wanted),
    ):
        for kept, center, mrn in rows.values_list(Coalesce("patient__merged_into", "patient"), "center", "mrn"):
            mrns[kept][center].append(mrn)
    keys = {
        (center, one.pk, key)
        for one in people
        for center, known in mrns[one.pk].items()
        for key in search_keys.of(search_text=one.search_text, mrns=known, phones=phones[one.pk])
    }
    there = {
        (center, patient, bytes(key)): pk
        for pk, center, patient, key in SearchKey.objects.filter(patient__in=wanted).values_list(
            "pk", "center", "patient", "key"
        )
    }
    gone = [pk for row, pk in there.items() if row not in keys]
    if gone:
        SearchKey.objects.filter(pk__in=gone).delete()
    SearchKey.objects.bulk_create(
        [SearchKey(center_id=center, patient_id=patient, key=key) for center, patient, key in sorted(keys - set(there))]
    )
