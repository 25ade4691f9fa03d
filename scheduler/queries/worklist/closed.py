"""Bookings in a time that was closed after they were made."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from scheduler.models import Center
from scheduler.queries.closures import closed_ahead, hits
from scheduler.queries.worklist.item import Action, WorklistItem, say_moment


def hit(center: Center, now: datetime) -> Iterator[WorklistItem]:
    """A closure came later than the booking that it hits: somebody moves it, or calls the patient."""
    for found in hits(center, closed_ahead(center, now), now):
        appointment, closure = found.appointment, found.closure
        facts = {
            "name": appointment.patient.full_name if appointment.patient is not None else "",
            "place": closure.chair or closure.unit or center.name,
            "booked": say_moment(appointment.start.astimezone(center.zone)),
            "chair": appointment.chair.name,
            "from": say_moment(closure.starts_at.astimezone(center.zone)),
            "until": say_moment(closure.ends_at.astimezone(center.zone)),
            "reason": closure.reason,
        }
        visit = appointment.visit
        yield WorklistItem(
            key=f"clash-closed:{appointment.pk}",
            kind="clash",
            urgency="now" if appointment.start <= now + timedelta(hours=12) else "today",
            title=_("%(name)s is booked where it is closed") % facts,
            detail=_("%(booked)s in %(chair)s; %(place)s is closed from %(from)s until %(until)s: %(reason)s.") % facts,
            when=appointment.start,
            action=Action(_("Find another place"), "move", (appointment.pk,)),
            patient_id=appointment.patient_id,
            listed_name=appointment.patient.listed_name if appointment.patient is not None else "",
            course_id=visit.course_id if visit is not None else None,
            visit_id=appointment.visit_id,
            appointment_id=appointment.pk,
            unit_id=appointment.unit_id,
        )
