"""Promise 1: among planned occupancies no chair and no patient is taken twice (half-open: touching is fine)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime

from scheduler.models import Occupancy
from scheduler.queries.integrity.problem import Problem

# Whose, occupancy, from, until; the times are there where the owner is (a check constraint).
Row = tuple[int, int, datetime | None, datetime | None]


def chairs(now: datetime) -> Iterator[Problem]:
    rows = (
        Occupancy.objects.filter(chair__isnull=False)
        .order_by("chair_id", "chair_from", "pk")
        .values_list("chair_id", "pk", "chair_from", "chair_until")
    )
    return _overlaps("chair_is_free", "chair", rows.iterator())


def patients(now: datetime) -> Iterator[Problem]:
    rows = (
        Occupancy.objects.filter(patient__isnull=False)
        .order_by("patient_id", "patient_from", "pk")
        .values_list("patient_id", "pk", "patient_from", "patient_until")
    )
    return _overlaps("patient_is_free", "patient", rows.iterator())


def stays_of_patients(now: datetime) -> Iterator[Problem]:
    """During her stay a patient is nowhere else."""
    kept = Occupancy.objects.filter(stay__isnull=False)
    hers: dict[int | None, list[tuple[int, int | None, datetime | None, datetime | None]]] = defaultdict(list)
    # By hand and not by a join over her courses: one patient has several, with and without a stay.
    for row in (
        Occupancy.objects.filter(patient__in=kept.values("stay__patient"))
        .order_by("pk")
        .values_list("patient_id", "pk", "appointment__visit__course_id", "patient_from", "patient_until")
    ):
        hers[row[0]].append(row[1:])
    for stay, own, patient, first, until in kept.order_by("pk").values_list(
        "pk", "stay_id", "stay__patient_id", "chair_from", "chair_until"
    ):
        for pk, during, start, end in hers[patient]:
            if during != own and start < until and first < end:  # type: ignore[operator]  # both are of somebody
                yield Problem("patient_is_free", {"patient": patient, "occupancies": [stay, pk]})


def _overlaps(rule: str, what: str, rows: Iterable[Row]) -> Iterator[Problem]:
    """Sorted by whose and from: each row against the one before it that lasts longest."""
    whose: int | None = None
    holder: int | None = None
    until: datetime | None = None
    for owner, pk, start, end in rows:
        if start is None or end is None:
            continue
        if owner == whose and until is not None and start < until:
            yield Problem(rule, {what: owner, "occupancies": [holder, pk]})
        if owner != whose or until is None or end > until:
            whose, holder, until = owner, pk, end
