"""Looking for patients of one center, and reading one."""

from __future__ import annotations

import re

from django.db.models import Prefetch, Q, QuerySet

from scheduler.domain import names
from scheduler.domain.errors import NotFound
from scheduler.models import Center, Patient, Registration

MOST = 30
FEWEST_SIGNS = 2


def registered(center: Center) -> QuerySet[Patient]:
    """The center's patients, each with `here` (a list of her one registration there)."""
    mine = Registration.objects.filter(center=center)
    return Patient.objects.filter(registrations__center=center).prefetch_related(
        Prefetch("registrations", queryset=mine, to_attr="here")
    )


def patient(*, center: Center, pk: int) -> Patient:
    """Raises NotFound for another center's patient too."""
    found = registered(center).filter(pk=pk).first()
    if found is None:
        raise NotFound
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
    compact = re.sub(r"\s+", "", text)
    if any(sign.isdigit() for sign in compact):
        match |= Q(registrations__center=center, registrations__mrn__iexact=text)
        match |= Q(registrations__center=center, registrations__mrn__iexact=compact)
        digits = re.sub(r"\D", "", compact)
        if len(digits) >= 4:
            match |= Q(contacts__phone__endswith=text) | Q(contacts__phone__contains=text)
    return match
