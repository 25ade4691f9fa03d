"""People to call: patients without an address that may be mailed, mails that came back, offers of a place."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _

from scheduler.models import Appointment, Center, LedgerEntry
from scheduler.queries.worklist.item import Action, WorklistItem, say_moment

Kind = LedgerEntry.Kind


def to_make(center: Center, now: datetime) -> Iterator[WorklistItem]:
    """Calls of the ledger that are due and still make sense."""
    ahead = Appointment.objects.filter(
        visit__course=OuterRef("course"), status__in=["booked", "pending"], start__gt=now
    )
    entries = (
        LedgerEntry.objects.filter(center=center, channel="call", state="due", due__lte=now)
        .exclude(
            kind__in=[Kind.BOOKED, Kind.REMINDER, Kind.OFFER, Kind.OFFER_GONE, Kind.CALL_BACK],
            appointment_start__lte=now,
        )
        .exclude(Q(kind=Kind.OVERVIEW) & ~Exists(ahead))
        .select_related("patient", "contact", "appointment", "offer")
        .order_by("due", "pk")
    )
    for entry in entries:
        start = entry.appointment_start
        phone = entry.contact.phone if entry.contact is not None else ""
        facts = {
            "name": entry.patient.full_name,
            "start": say_moment(start.astimezone(center.zone)) if start is not None else "",
            "phone": phone or _("no phone number known"),
        }
        if entry.kind == Kind.OFFER and entry.offer is not None:
            facts["offer"] = say_moment(entry.offer.start.astimezone(center.zone))
        is_soon = start is not None and start <= now + timedelta(days=1)
        yield WorklistItem(
            key=f"call:{entry.pk}",
            kind="call",
            urgency="now" if is_soon or entry.kind == Kind.OFFER else "today",
            title=_title(entry.kind) % facts,
            detail=_detail(entry.kind, "offer" in facts) % facts,
            when=entry.due,
            action=Action(
                _("Call %(phone)s") % facts if phone else _("See the patient"), "patient", (entry.patient_id,)
            ),
            patient_id=entry.patient_id,
            listed_name=entry.patient.listed_name,
            course_id=entry.course_id,
            appointment_id=entry.appointment_id,
            entry_id=entry.pk,
            unit_id=entry.appointment.unit_id if entry.appointment is not None else None,
        )


def _title(kind: str) -> str:
    return {
        Kind.BOOKED: _("Call %(name)s: a visit is booked"),
        Kind.OVERVIEW: _("Call %(name)s: the visits are booked"),
        Kind.REMINDER: _("Call %(name)s: a reminder"),
        Kind.MOVED: _("Call %(name)s: the visit has a new time"),
        Kind.CANCELLED: _("Call %(name)s: the visit is cancelled"),
        Kind.OFFER: _("Call %(name)s: there is an earlier place"),
        Kind.OFFER_GONE: _("Call %(name)s: the earlier place is taken"),
        Kind.CALL_BACK: _("Call %(name)s: another time is wanted"),
    }[Kind(kind)]


def _detail(kind: str, has_offer: bool) -> str:
    if kind == Kind.OVERVIEW:
        return _("All visits of the course. %(phone)s.")
    if kind == Kind.OFFER and has_offer:
        return _("%(offer)s instead of %(start)s. %(phone)s.")
    return _("Visit on %(start)s. %(phone)s.")
