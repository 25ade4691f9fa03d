"""Who has not come, and who has not said that she comes tomorrow."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from scheduler.domain import lifecycle, localtime
from scheduler.models import Appointment, Center
from scheduler.queries.worklist.item import Action, WorklistItem, say_day

NAMES_SHOWN = 3
LONGEST_PREPARATION = timedelta(hours=4)


def late(center: Center, now: datetime) -> Iterator[WorklistItem]:
    """Booked, the time she is expected has passed, and she has not arrived. Not the later doses of a stay that she
    is in."""
    near = {"start__lt": now + LONGEST_PREPARATION, "start__gt": now - timedelta(days=2)}
    for appointment in _booked(center).filter(**near):
        if now - appointment.expected_at < lifecycle.LATE_AFTER:
            continue
        start = appointment.start.astimezone(center.zone)
        patient = appointment.patient
        assert patient is not None  # only holds lack one
        facts = {
            "name": patient.full_name,
            "what": _what(appointment),
            "chair": appointment.chair.name,
            "time": f"{start:%H:%M}",
            "minutes": int((now - appointment.expected_at).total_seconds() // 60),
        }
        yield WorklistItem(
            key=f"late:{appointment.pk}",
            kind="late",
            urgency="now",
            title=_("%(name)s has not come") % facts,
            detail=_("%(what)s, %(chair)s, %(time)s. %(minutes)s min late.") % facts,
            when=appointment.start,
            action=Action(_("Call"), "patient", (patient.pk,)),
            patient_id=patient.pk,
            listed_name=patient.listed_name,
            appointment_id=appointment.pk,
            visit_id=appointment.visit_id,
            unit_id=appointment.unit_id,
        )


def unconfirmed_of(center: Center, now: datetime) -> list[Appointment]:
    """Tomorrow's bookings that nobody has confirmed; of a stay only the first dose, since she comes once."""
    day = localtime.day(localtime.local_date(now, center.zone) + timedelta(days=1), center.zone)
    rows = _booked(center).filter(start__gte=day.start, start__lt=day.end, confirmed_at__isnull=True)
    return [
        row
        for row in rows.prefetch_related("patient__contacts")
        if row.visit is None or row.visit.ordinal == 1 or not row.visit.course.protocol.keeps_chair
    ]


def unconfirmed(center: Center, now: datetime) -> Iterator[WorklistItem]:
    """Tomorrow's bookings that nobody has confirmed, one item for each unit."""
    tomorrow = localtime.local_date(now, center.zone) + timedelta(days=1)
    day = localtime.day(tomorrow, center.zone)
    by_unit: dict[int, list[Appointment]] = {}
    for appointment in unconfirmed_of(center, now):
        by_unit.setdefault(appointment.unit_id, []).append(appointment)
    for unit_id, group in by_unit.items():
        names = ", ".join(
            f"{appointment.patient.full_name} {appointment.start.astimezone(center.zone):%H:%M}"
            for appointment in group[:NAMES_SHOWN]
            if appointment.patient is not None
        )
        more = len(group) - NAMES_SHOWN
        if more > 0:
            names += " " + ngettext("and %(more)s more", "and %(more)s more", more) % {"more": more}
        facts = {
            "count": len(group),
            "day": say_day(day.start.astimezone(center.zone)),
            "unit": group[0].unit.name,
            "names": names,
        }
        yield WorklistItem(
            key=f"unconfirmed:{unit_id}:{tomorrow.isoformat()}",
            kind="unconfirmed",
            urgency="today",
            title=ngettext(
                "%(count)s visit unconfirmed for tomorrow",
                "%(count)s visits unconfirmed for tomorrow",
                len(group),
            )
            % facts,
            detail=_("%(unit)s, %(day)s: %(names)s.") % facts,
            when=group[0].start,
            action=Action(_("See the day"), "board", (group[0].unit.code, tomorrow)),
            unit_id=unit_id,
        )


def _booked(center: Center) -> QuerySet[Appointment]:
    came = Appointment.objects.filter(
        visit__course=OuterRef("visit__course"), status__in=["arrived", "checked-in", "fulfilled"]
    )
    return (
        Appointment.objects.filter(center=center, status="booked")
        .exclude(Q(Exists(came), visit__course__protocol__keeps_chair=True))
        .select_related("patient", "chair", "unit", "protocol", "visit__course__protocol")
        .order_by("start", "pk")
    )


def _what(appointment: Appointment) -> str:
    if appointment.protocol is None:
        return _("Visit")
    if appointment.visit is None:
        return appointment.protocol.short_name
    return f"{appointment.protocol.short_name} {appointment.visit.ordinal}"
