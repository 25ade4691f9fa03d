"""What a booking form proposes for a patient: her due visits, the protocols on offer, and which of them goes first."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from scheduler.models import Patient, Protocol, Visit
from scheduler.web import words
from scheduler.web.door import Desk

MOST = 12


def offered(desk: Desk) -> list[Protocol]:
    """The newest published version of each protocol of the center, single visits first."""
    rows = Protocol.objects.filter(Q(center__isnull=True) | Q(center=desk.center), published_at__isnull=False).order_by(
        "code", "-version"
    )
    newest: dict[str, Protocol] = {}
    for row in rows:
        newest.setdefault(row.code, row)
    return sorted(newest.values(), key=lambda each: (each.cadence_kind != "once", each.name))


def what(desk: Desk, patient: Patient, *, at: datetime) -> tuple[Visit | None, Protocol | None]:
    """Her due visit, the one whose window holds `at` if there is one; else the protocol that she had last."""
    due = list(_due_visits(desk, patient))
    if due:
        return next((each for each in due if each.window_start <= at < each.window_end), due[0]), None
    before = patient.appointments.filter(center=desk.center, protocol__isnull=False).select_related("protocol")
    last = before.order_by("-start").first()
    codes = {each.code: each for each in offered(desk)}
    return None, codes.get(last.protocol.code) if last is not None and last.protocol is not None else None


def _due_visits(desk: Desk, patient: Patient) -> QuerySet[Visit]:
    """Her visits that have no place yet, the next ones first."""
    rows = Visit.objects.filter(
        course__patient=patient, course__center=desk.center, course__status="active", state="unplaced"
    )
    related = ("course__protocol", "course__patient", "course__center", "course__unit__center")
    return rows.select_related(*related).order_by("due")[:MOST]


def due(desk: Desk, patient: Patient) -> list[dict[str, Any]]:
    """The same for the form: id and words."""
    return [
        {
            "pk": row.pk,
            "label": _("%(what)s %(number)s, due %(day)s")
            % {
                "what": row.course.protocol.short_name,
                "number": words.dose_of(row.ordinal, row.course.doses),
                "day": words.day(row.due.astimezone(desk.center.zone).date(), desk.today),
            },
        }
        for row in _due_visits(desk, patient)
    ]
