"""Is it she? Patients of a center who are probably the same person: born on the same day with a similar name, accents
and case forgiven, first and last name perhaps swapped; or reached by the same phone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from scheduler.domain import names, search_keys
from scheduler.models import Center, Patient, SearchKey
from scheduler.queries import people

FEWEST_DIGITS = 7  # fewer are an extension, shared by a whole house
MOST = 5


@dataclass(frozen=True, slots=True)
class Alike:
    """`by_phone`: the number is the same, name and birth date may not be (a mother's, a household's)."""

    patient: Patient
    mrn: str
    by_phone: bool = False


ByDay = Mapping[date, list[Alike]]


def of_many(center: Center, days: Iterable[date]) -> ByDay:
    """Everybody of the center who was born on one of these days."""
    found: dict[date, list[Alike]] = defaultdict(list)
    for patient in people.registered(center).filter(birth_date__in=set(days)).order_by("pk"):
        found[patient.birth_date].append(Alike(patient, people.mrn_of(patient)))
    return found


def similar(known: ByDay, first_name: str, last_name: str, birth_date: date) -> list[Alike]:
    return [
        each
        for each in known.get(birth_date, [])
        if names.are_similar(each.patient.search_text, names.search_text(first_name, last_name))
    ]


def of(*, center: Center, first_name: str, last_name: str, birth_date: date, phones: Iterable[str] = ()) -> list[Alike]:
    """Best first, at most MOST of them: two statements, or three with a phone."""
    found = similar(of_many(center, [birth_date]), first_name, last_name, birth_date)
    seen = {each.patient.pk for each in found}
    numbers = {search_keys.of_number(phone) for phone in phones if len(search_keys.digits(phone)) >= FEWEST_DIGITS}
    if numbers:
        same = SearchKey.objects.filter(center=center, key__in=numbers)
        for patient in people.registered(center).filter(pk__in=same.values("patient")).order_by("pk")[:MOST]:
            if patient.pk not in seen:
                found.append(Alike(patient, people.mrn_of(patient), by_phone=True))
    return found[:MOST]
