"""What an export of patients holds: demographics, contacts and the next visit. Nothing of a treatment."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Min, Prefetch, Q, QuerySet

from scheduler.domain import lifecycle
from scheduler.models import Center, Contact, Patient
from scheduler.queries import people

COLUMNS = ("MRN", "Last name", "First name", "Birth date", "Language", "Phone", "E-mail", "Next visit")


def rows(center: Center, now: datetime) -> QuerySet[Patient]:
    """All patients registered at the center by id, with what the columns need: three statements for any number."""
    coming = Q(appointments__center=center, appointments__status__in=lifecycle.OPEN, appointments__start__gt=now)
    return (
        people.registered(center)
        .annotate(next_visit=Min("appointments__start", filter=coming))
        .prefetch_related(Prefetch("contacts", queryset=Contact.objects.order_by("-is_primary", "id")))
        .order_by("pk")
    )


def cells(patients: Iterable[Patient], center: Center) -> Iterable[tuple[str, ...]]:
    """In the order of COLUMNS; times are the center's."""
    for patient in patients:
        first = next(iter(patient.contacts.all()), None)
        coming: datetime | None = patient.next_visit  # type: ignore[attr-defined]  # annotated in rows()
        yield (
            people.mrn_of(patient),
            patient.last_name,
            patient.first_name,
            patient.birth_date.isoformat(),
            patient.language,
            first.phone if first is not None else "",
            first.email if first is not None else "",
            f"{coming.astimezone(center.zone):%Y-%m-%d %H:%M}" if coming is not None else "",
        )
