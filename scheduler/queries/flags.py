"""The visit after a reaction is flagged until a later treatment was given; what the flag says to whom."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from scheduler.models import Appointment, Reaction
from scheduler.queries import words


def reactions_before(appointments: Iterable[Appointment]) -> dict[int, Reaction]:
    """By appointment id, the last reaction of its patient at a visit before it, unless she was treated in between.
    One statement where nobody had one, two otherwise, however many there are."""
    rows = [row for row in appointments if row.patient_id is not None]
    known: dict[int | None, list[Reaction]] = defaultdict(list)
    for reaction in (
        Reaction.objects.filter(appointment__patient__in={row.patient_id for row in rows})
        .select_related("appointment")
        .order_by("at", "pk")
    ):
        known[reaction.appointment.patient_id].append(reaction)
    if not known:
        return {}
    treated: dict[int | None, list[datetime]] = defaultdict(list)
    for patient, start in Appointment.objects.filter(patient__in=known, status="fulfilled").values_list(
        "patient", "start"
    ):
        treated[patient].append(start)
    found = {}
    for row in rows:
        for reaction in known.get(row.patient_id, ()):
            since = reaction.appointment.start
            if since < row.start and not any(since < start < row.start for start in treated[row.patient_id]):
                found[row.pk] = reaction
    return found


def said(reaction: Reaction | None, *, zone: ZoneInfo, today: date, clinical: bool) -> str:
    """Reaction on Tue 3 Mar: hives. Who sees no clinical detail reads only that a nurse knows. Empty without one."""
    if reaction is None:
        return ""
    if not clinical:
        return _("See nurse before this visit")
    day = words.day(reaction.at.astimezone(zone).date(), today)
    return _("Reaction on %(day)s: %(what)s") % {"day": day, "what": what_of(reaction)}


def what_of(reaction: Reaction) -> str:
    """Its kind, with the nurse's words where she wrote some."""
    kind = str(reaction.get_kind_display())
    if reaction.kind == Reaction.Kind.OTHER and reaction.note:
        return reaction.note
    return f"{kind} ({reaction.note})" if reaction.note else kind
