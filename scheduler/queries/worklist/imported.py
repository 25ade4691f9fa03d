"""Bookings that came with an import although a soft rule speaks against them, until somebody has looked at them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.utils.translation import gettext as _

from scheduler.models import Center, ImportRow
from scheduler.queries.worklist.item import Action, WorklistItem, say_moment


def doubtful(center: Center, now: datetime) -> Iterator[WorklistItem]:
    """Whatever is done with a booking makes a new version of it: then somebody has decided."""
    rows = (
        ImportRow.objects.filter(
            source__center=center,
            state=ImportRow.State.IMPORTED,
            mark__startswith="1 ",  # the version, then the rules
            appointment__version=1,
            appointment__status="booked",
            appointment__start__gt=now,
        )
        .select_related("appointment__patient", "appointment__chair", "appointment__unit")
        .order_by("appointment__start", "pk")
    )
    words = {
        "nurses_can_cover": _("the nurses have more to watch than they can"),
        "nurse_can_start": _("no nurse is free to start it"),
    }
    for row in rows:
        appointment = row.appointment
        assert appointment is not None  # filtered
        assert appointment.patient is not None
        start = appointment.start.astimezone(center.zone)
        facts = {
            "name": appointment.patient.full_name,
            "booked": say_moment(start),
            "chair": appointment.chair.name,
            "why": _(" and ").join(words.get(code, code) for code in row.mark.split(" ")[1:]),
        }
        yield WorklistItem(
            key=f"imported:{appointment.pk}",
            kind="clash",
            urgency="today",
            title=_("%(name)s: imported, and too much for the nurses") % facts,
            detail=_("Booked for %(booked)s in %(chair)s, but %(why)s.") % facts,
            when=appointment.start,
            action=Action(_("See the board"), "board", (appointment.unit.code, start.date())),
            patient_id=appointment.patient_id,
            listed_name=appointment.patient.listed_name,
            appointment_id=appointment.pk,
            unit_id=appointment.unit_id,
        )
