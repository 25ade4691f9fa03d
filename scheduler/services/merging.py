"""Two patients who turn out to be one: all that was the second's is the first's from then on.

Nothing is lost and nothing is told: courses, bookings, doses, contacts, messages and numbers move; who read or changed
what stays on record under the number it was about. The second one's row stays behind, empty of all but her name and
number, and leads to the first. It can't be undone: what belonged to whom is known only to the record.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from scheduler.domain import lifecycle
from scheduler.domain.errors import Forbidden, Malformed, Refusal, Refused, gettext_noop
from scheduler.domain.permissions import Actor
from scheduler.models import (
    Appointment,
    Center,
    Contact,
    Course,
    Dose,
    HandoverNote,
    ImportRow,
    LedgerEntry,
    Occupancy,
    Patient,
    Registration,
    WaitlistEntry,
)
from scheduler.queries.integrity import doses
from scheduler.services import findable, record, ways
from scheduler.services.changes import RELATED, days_of
from scheduler.services.locking import locked, retrying

_LIVE_COURSES = ("draft", "active", "on-hold")
_MOVED: dict[str, tuple[Any, str]] = {
    "courses": (Course, "patient"),
    "appointments": (Appointment, "patient"),
    "doses": (Dose, "patient"),
    "contacts": (Contact, "patient"),
    "messages": (LedgerEntry, "patient"),
    "waiting": (WaitlistEntry, "patient"),
    "notes": (HandoverNote, "patient"),
}


@dataclass(frozen=True, slots=True)
class Preview:
    """How many of the second's things will be the first's, by name; and what speaks against it."""

    moved: dict[str, int]
    refusals: list[Refusal]


def preview(*, center: Center, kept: Patient, gone: Patient, now: datetime) -> Preview:
    moved = {name: model.objects.filter(**{field: gone}).count() for name, (model, field) in _MOVED.items()}
    return Preview(moved, _against(center, kept, gone, now))


def merge(*, actor: Actor, center: Center, kept: Patient, gone: Patient, now: datetime) -> Patient:
    """Raises Forbidden for who may not, Malformed for one and the same, and Refused with all that speaks against it:
    two bookings at one time, two courses on one protocol, doses that would come too near, or another center that knows
    the second one, too."""
    if not actor.may("merge-patients"):
        raise Forbidden(gettext_noop("This role does not do that."))
    if kept.pk == gone.pk:
        raise Malformed("other", gettext_noop("This is the same entry. Choose another one."))

    @retrying
    def run() -> Patient:
        hers = Appointment.objects.filter(patient=gone, status__in=lifecycle.LIVE).select_related(*RELATED)
        days = {key for row in hers for key in days_of(row)}
        with locked(patients=[kept.pk, gone.pk], days=days, now=now):
            first, second = (Patient.objects.get(pk=one.pk) for one in (kept, gone))
            against = _against(center, first, second, now)
            if against:
                raise Refused(against)
            moved = _move(first, second)
            _fill(first, second)
            _check_doses(first, now)
            ways.redirect(first.pk, now=now)
            findable.refresh([first.pk, second.pk])
            record.event(actor=actor, verb="merge", subject=first, now=now, after={"from": second.pk, **moved})
            record.event(actor=actor, verb="merged-into", subject=second, now=now, after={"into": first.pk})
        return first

    return run()


def _against(center: Center, kept: Patient, gone: Patient, now: datetime) -> list[Refusal]:
    found: list[Refusal] = []
    if kept.merged_into_id is not None or gone.merged_into_id is not None:
        found.append(_no(gettext_noop("One of them was merged meanwhile. Look again.")))
    if Registration.objects.filter(patient=gone).exclude(center=center).exists():
        found.append(
            _no(gettext_noop("Another center knows {name}, too. Keep that entry instead."), name=gone.full_name)
        )
    zone = center.zone
    theirs = list(Occupancy.objects.filter(patient=gone).select_related("appointment").order_by("patient_from"))
    for one in theirs:
        clash = (
            Occupancy.objects.filter(
                patient=kept, patient_from__lt=one.patient_until, patient_until__gt=one.patient_from
            )
            .select_related("appointment")
            .first()
        )
        if clash is not None and clash.appointment is not None and one.appointment is not None:
            found.append(
                _no(
                    gettext_noop("Both have a visit at one time: {first} and {second}. Cancel one of them first."),
                    first=clash.appointment.start.astimezone(zone),
                    second=one.appointment.start.astimezone(zone),
                )
            )
    running = Course.objects.filter(status__in=_LIVE_COURSES).select_related("protocol")
    mine = {course.protocol.code for course in running.filter(patient=kept)}
    for course in running.filter(patient=gone):
        if course.protocol.code in mine:
            found.append(
                _no(
                    gettext_noop("Both have a course of {protocol} that runs. Discontinue one of them first."),
                    protocol=course.protocol.name,
                )
            )
    return found


def _no(sentence: str, **facts: Any) -> Refusal:
    return Refusal("patients_can_be_merged", sentence, facts)


def _move(kept: Patient, gone: Patient) -> dict[str, int]:
    """Returns how many of each. Occupancies are the bookings' time; a registration where the first one has none."""
    Contact.objects.filter(patient=gone, is_primary=True).update(is_primary=not kept.contacts.exists())
    moved = {
        name: model.objects.filter(**{field: gone}).update(**{field: kept}) for name, (model, field) in _MOVED.items()
    }
    Occupancy.objects.filter(patient=gone).update(patient=kept)
    ImportRow.objects.filter(patient=gone).update(patient=kept)
    here = Registration.objects.filter(patient=kept).values("center")
    Registration.objects.filter(patient=gone).exclude(center__in=here).update(patient=kept)
    Patient.objects.filter(Q(pk=gone.pk) | Q(merged_into=gone)).update(merged_into=kept)
    _stop_where_stopped(kept)
    return {name: count for name, count in moved.items() if count}


def _stop_where_stopped(kept: Patient) -> None:
    """She said stop to an address or number: that holds for each entry of it."""
    contacts = list(kept.contacts.all())
    for said in [one for one in contacts if one.stopped_at is not None]:
        for one in contacts:
            same = (said.email and one.email.casefold() == said.email.casefold()) or (
                said.phone and one.phone == said.phone
            )
            if one.stopped_at is None and same:
                Contact.objects.filter(pk=one.pk).update(stopped_at=said.stopped_at, may_be_mailed=False)


def _fill(kept: Patient, gone: Patient) -> None:
    """What only the second one's entry says. Two different allergies are two allergies."""
    kept.pronouns = kept.pronouns or gone.pronouns
    for name in ("allergies", "needs"):
        mine, others = getattr(kept, name), getattr(gone, name)
        both = mine if others in mine else f"{mine}; {others}" if mine else others
        if len(both) > 200:
            kept.desk_notes = f"{kept.desk_notes}\n{others}".strip()
        else:
            setattr(kept, name, both)
    if gone.desk_notes and gone.desk_notes not in kept.desk_notes:
        kept.desk_notes = f"{kept.desk_notes}\n{gone.desk_notes}".strip()
    kept.save()


def _check_doses(kept: Patient, now: datetime) -> None:
    """Bookings of both keep intervals and caps together, or neither moves. A dose that was given is reality: what it
    comes too near to is a clash on the worklist."""
    broken = list(doses.planned(now, patient=kept.pk))
    if broken:
        starts = Appointment.objects.filter(pk__in=broken[0].ids["appointments"]).order_by("start")
        first, *_more, last = [row.start.astimezone(row.center.zone) for row in starts.select_related("center")]
        sentence = gettext_noop(
            "Together their visits would come too near: {first} and {second}. Move one of them first."
        )
        raise Refused([_no(sentence, first=first, second=last)])
