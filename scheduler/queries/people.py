"""Looking for patients of one center, and reading one."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Prefetch, QuerySet

from scheduler.domain import names, search_keys
from scheduler.domain.errors import NotFound
from scheduler.models import Center, Patient, Registration, SearchKey

MOST = 30
FEWEST_SIGNS = 2
ORDER = ("last_name", "first_name", "pk")


def registered(center: Center) -> QuerySet[Patient]:
    """The center's patients, none that was merged away, each with `here` (a list of her one registration there)."""
    return _with_registration(Patient.objects.filter(registrations__center=center, merged_into=None), center)


def _with_registration(patients: QuerySet[Patient], center: Center) -> QuerySet[Patient]:
    mine = Registration.objects.filter(center=center)
    return patients.prefetch_related(Prefetch("registrations", queryset=mine, to_attr="here"))


def listed(center: Center) -> QuerySet[Patient]:
    """All of them by id, with their contacts."""
    return registered(center).prefetch_related("contacts").order_by("pk")


def patient(*, center: Center, pk: int) -> Patient:
    """Raises NotFound for another center's patient too."""
    found = registered(center).filter(pk=pk).first()
    if found is None:
        raise NotFound
    return found


def led_to(*, center: Center, pk: int) -> int | None:
    """The entry that this one was merged into; None for one that stands for itself, or another center's."""
    rows = Patient.objects.filter(pk=pk, registrations__center=center) | Patient.objects.filter(
        pk=pk, merged_into__registrations__center=center
    )
    found: int | None = rows.values_list("merged_into", flat=True).first()
    return found


def mrn_of(patient: Patient) -> str:
    """Her number at the center that `registered` was asked for."""
    here: list[Registration] = patient.here  # type: ignore[attr-defined]  # set by registered()
    return here[0].mrn if here else ""


def search(*, center: Center, query: str, limit: int = MOST) -> list[Patient]:
    """By name (every word of the query starts a word of the name), MRN, birth date or phone; ordered by name. Where
    there are more than `limit`, those whose words are shortest: who types on gets to the others.

    Fewer than two signs find nothing: half the center is no answer. Every statement walks an index, and how many there
    are does not depend on how many patients there are.
    """
    text = query.strip()
    if len(text) < FEWEST_SIGNS:
        return []
    born = names.birth_dates(text)
    if born:
        return list(registered(center).filter(birth_date__in=born).order_by(*ORDER)[:limit])
    found = Patient.objects.filter(pk__in=_by_keys(center, search_keys.asked(text), limit), merged_into=None)
    # Keys are of registered patients only. That she is one is looked at again here, without a join that a planner could
    # begin at the wrong end.
    return [each for each in _with_registration(found, center).order_by(*ORDER) if mrn_of(each)]


def _by_keys(center: Center, asked: search_keys.Asked, limit: int) -> list[int]:
    """Ids of at most `limit` patients: one statement for the name, and one for each way to read a number."""
    keys = SearchKey.objects.filter(center=center)
    ways = [_beginning(keys, number) for number in asked.numbers]
    if asked.names:
        longest, *others = asked.names
        by_name = _beginning(keys, longest)
        for word in others:
            by_name = by_name.filter(Exists(_beginning(keys.filter(patient=OuterRef("patient")), word)))
        ways.insert(0, by_name)
    found: dict[int, None] = {}
    for way in ways:
        # Two of her words may begin alike, so that some are read more than once.
        found.update(dict.fromkeys(way.order_by("key", "patient").values_list("patient", flat=True)[: limit * 4]))
    return list(found)[:limit]


def _beginning(keys: QuerySet[SearchKey], beginning: bytes) -> QuerySet[SearchKey]:
    return keys.filter(key__gte=beginning, key__lt=search_keys.end(beginning))
