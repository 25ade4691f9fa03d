"""Looking for patients of one center, and reading one."""

from __future__ import annotations

import re
from typing import Any

from django.db.models import F, Prefetch, Q, QuerySet, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, Replace, Upper

from scheduler.domain import names
from scheduler.domain.errors import NotFound
from scheduler.models import Center, Contact, Patient, Registration

MOST = 30
FEWEST_SIGNS = 2
FEWEST_DIGITS = 4  # of a phone number


def registered(center: Center) -> QuerySet[Patient]:
    """The center's patients, none that was merged away, each with `here` (a list of her one registration there)."""
    mine = Registration.objects.filter(center=center)
    return Patient.objects.filter(registrations__center=center, merged_into=None).prefetch_related(
        Prefetch("registrations", queryset=mine, to_attr="here")
    )


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
    """By name (every word of the query starts a word of the name), MRN, birth date or phone; best order by name.

    Fewer than two signs find nothing: half the center is no answer.
    """
    text = query.strip()
    if len(text) < FEWEST_SIGNS:
        return []
    found = registered(center).filter(_matching(text, center))
    return list(found.distinct().order_by("last_name", "first_name", "pk")[:limit])


def _matching(text: str, center: Center) -> Q:
    born = names.birth_date(text)
    if born is not None:
        return Q(birth_date=born)
    words = names.plain(text).split()
    match = Q(pk__in=())
    if words:
        by_name = Q()
        for word in words:
            by_name &= Q(search_text__startswith=word) | Q(search_text__contains=f" {word}")
        match |= by_name
    digits = re.sub(r"\D", "", text)
    if digits:
        match |= Q(pk__in=_by_mrn(text, center))
    if len(digits) >= FEWEST_DIGITS:
        by_phone = Contact.objects.annotate(digits=digits_of("phone")).filter(digits__contains=digits)
        match |= Q(pk__in=by_phone.values("patient"))
    return match


def _by_mrn(text: str, center: Center) -> QuerySet[Registration, Any]:
    """Blanks don't matter: "203 551" and "203551" are one number."""
    rows = Registration.objects.filter(center=center).annotate(compact=Upper(_without("mrn", " ")))
    return rows.filter(compact=text.replace(" ", "").upper()).values(kept=Coalesce("patient__merged_into", "patient"))


def digits_of(field: str) -> Combinable:
    """A phone number without what people put between its digits."""
    return _without(field, " -().+/")


def _without(field: str, signs: str) -> Combinable:
    """The column with these signs taken out."""
    value: Combinable = F(field)
    for sign in signs:
        value = Replace(value, Value(sign), Value(""))
    return value
