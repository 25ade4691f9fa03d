"""Doses fit the appointments they were given at, and planned bookings keep intervals and caps among themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby, pairwise

from django.db.models import F, Q

from scheduler.domain.protocols import ProtocolSpec
from scheduler.domain.recurrence import gap_kept
from scheduler.models import Appointment, Dose
from scheduler.queries.integrity.problem import Problem


def recorded(now: datetime) -> Iterator[Problem]:
    """A dose given here is its appointment's, of the same patient, and what a treatment came to is a dose."""
    wrong = Dose.objects.filter(
        Q(place=Dose.Place.HERE, appointment__isnull=True)
        | (Q(appointment__isnull=False) & ~Q(appointment__patient=F("patient")))
        | (Q(status__in=["given", "partial"], appointment__isnull=False) & ~Q(appointment__status="fulfilled"))
    )
    for pk in wrong.order_by("pk").values_list("pk", flat=True):
        yield Problem("dose_fits_its_appointment", {"dose": pk})
    silent = Appointment.objects.filter(status="fulfilled", protocol__isnull=False, dose__isnull=True)
    for pk in silent.order_by("pk").values_list("pk", flat=True):
        yield Problem("treatment_has_a_dose", {"appointment": pk})


def planned(now: datetime, patient: int | None = None) -> Iterator[Problem]:
    """Future bookings that have not begun, of one patient or of all. An actual dose that comes too near to one is a
    clash, not a problem."""
    rows = (
        Appointment.objects.filter(
            status="booked",
            actual_start__isnull=True,
            start__gt=now,
            patient__isnull=False,
            protocol__isnull=False,
        )
        .exclude(protocol__substance="")
        .select_related("protocol", "center", "visit__course")
        .order_by("patient", "protocol__substance", "start", "pk")
    )
    if patient is not None:
        rows = rows.filter(patient=patient)
    specs: dict[int, ProtocolSpec] = {}
    for row in rows:
        assert row.protocol is not None  # filtered
        if row.protocol_id not in specs:
            specs[row.protocol_id] = row.protocol.spec()  # type: ignore[index]
    by_substance = groupby(rows, key=lambda row: (row.patient_id, row.protocol.substance if row.protocol else ""))
    for _key, group in by_substance:
        bookings = list(group)
        yield from _intervals(bookings, specs)
        yield from _caps(bookings, specs)


def _intervals(bookings: Sequence[Appointment], specs: dict[int, ProtocolSpec]) -> Iterator[Problem]:
    for first, second in pairwise(bookings):
        gaps = (specs[first.protocol_id].gap, specs[second.protocol_id].gap)  # type: ignore[index]
        if any(gap.at_least and not gap_kept(gap, first.start, second.start, second.center.zone) for gap in gaps):
            yield Problem("interval_is_kept", {"appointments": [first.pk, second.pk]})


def _caps(bookings: Sequence[Appointment], specs: dict[int, ProtocolSpec]) -> Iterator[Problem]:
    for position, opening in enumerate(bookings):
        course = opening.visit.course if opening.visit is not None else None
        for cap in specs[opening.protocol_id].caps:  # type: ignore[index]
            if cap.attestable and course is not None and course.is_attested:
                continue
            until = opening.start + timedelta(minutes=cap.within_minutes)
            inside = [row for row in bookings[position:] if row.start < until]
            total = Decimal(len(inside)) if cap.counts == "doses" else sum((_mg(row) for row in inside), Decimal(0))
            if total > cap.limit:
                yield Problem("rolling_cap_is_kept", {"appointments": [row.pk for row in inside]})


def _mg(row: Appointment) -> Decimal:
    ordered = row.visit.course.dose_mg if row.visit is not None else None
    mg = ordered if ordered is not None else row.protocol.dose_mg if row.protocol is not None else None
    return mg if mg is not None else Decimal(0)
