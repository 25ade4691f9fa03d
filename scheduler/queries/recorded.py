"""The record of one center, newest first: what was changed, and who read what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from django.db.models import QuerySet

from scheduler.domain.intervals import Interval
from scheduler.models import Access, Center, Event, Patient

A_PAGE = 100

Row = TypeVar("Row", Event, Access)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to look for; None and "" are anything. `during` is half-open, UTC; `before` the id that ended a page."""

    actor: str = ""
    verb: str = ""
    patient: int | None = None
    during: Interval | None = None
    before: int | None = None


def changes(center: Center, wanted: Wanted) -> list[Event]:
    """At most A_PAGE + 1 of them: one more says that there are more."""
    rows = _found(Event.objects.filter(center_id=center.pk), wanted)
    return list((rows.filter(verb=wanted.verb) if wanted.verb else rows)[: A_PAGE + 1])


def readings(center: Center, wanted: Wanted) -> list[Access]:
    """As changes. With a patient only what named her: of the lists she may have stood on nobody knows."""
    rows = _found(Access.objects.filter(center_id=center.pk), wanted)
    return list((rows.filter(what=wanted.verb) if wanted.verb else rows)[: A_PAGE + 1])


def verbs(center: Center) -> list[str]:
    return sorted(Event.objects.filter(center_id=center.pk).order_by().values_list("verb", flat=True).distinct())


def names_of(center: Center, rows: list[Event] | list[Access]) -> dict[int, str]:
    """The names of the patients on these rows, of those who are still registered here."""
    ids = {row.patient_id for row in rows if row.patient_id is not None}
    found = Patient.objects.filter(pk__in=ids, registrations__center=center)
    return {patient.pk: patient.listed_name for patient in found}


def _found(rows: QuerySet[Row], wanted: Wanted) -> QuerySet[Row]:
    if wanted.actor:
        rows = rows.filter(actor=wanted.actor)
    if wanted.patient is not None:
        rows = rows.filter(patient_id=wanted.patient)
    if wanted.during is not None:
        rows = rows.filter(at__gte=wanted.during.start, at__lt=wanted.during.end)
    if wanted.before is not None:
        rows = rows.filter(pk__lt=wanted.before)
    return rows.order_by("-pk")
