"""Notes for the next shift, about a patient or about the unit, and who has read them.

A note about a patient is clinical detail: who may not see that neither writes nor reads it. Functions are keyword-only
and take `now`. They raise Forbidden, NotFound for another center's patient, Malformed and Busy.
"""

from __future__ import annotations

from datetime import datetime

from scheduler.domain import localtime
from scheduler.domain.errors import Forbidden, Malformed, NotFound, gettext_noop
from scheduler.domain.permissions import Actor
from scheduler.models import HandoverNote, HandoverRead, Patient, Registration, Unit
from scheduler.services import record
from scheduler.services.locking import locked, retrying

LONGEST = 500


def write(*, actor: Actor, unit: Unit, text: str, patient: Patient | None = None, now: datetime) -> HandoverNote:
    """The open pages of the unit's day hear of it."""
    _check_may(actor, is_clinical=patient is not None)
    text = text.strip()
    if not text or len(text) > LONGEST:
        raise Malformed("text", gettext_noop("A note has 1 to {most} signs."), most=LONGEST)
    if patient is not None and not Registration.objects.filter(patient=patient, center=unit.center_id).exists():
        raise NotFound
    day = localtime.local_date(now, unit.center.zone)

    @retrying
    def run() -> HandoverNote:
        with locked(patients=[patient.pk if patient is not None else None], days=[(unit.pk, day)], now=now):
            row = HandoverNote.objects.create(
                unit=unit, date=day, patient=patient, text=text, author_id=_person(actor), at=now
            )
            record.event(actor=actor, verb="hand-over", subject=row, now=now, after={"unit": unit.pk, "date": day})
        return row

    return run()


def read(*, actor: Actor, note: HandoverNote, now: datetime) -> HandoverRead:
    """She has read it; when first is kept. Safe to repeat."""
    _check_may(actor, is_clinical=note.patient_id is not None)
    day = localtime.local_date(now, note.unit.center.zone)

    @retrying
    def run() -> HandoverRead:
        with locked(patients=[], days=[(note.unit_id, day)], now=now):
            row, is_new = HandoverRead.objects.get_or_create(note=note, reader_id=_person(actor), defaults={"at": now})
            if is_new:
                record.event(actor=actor, verb="read-handover", subject=note, now=now)
        return row

    return run()


def _person(actor: Actor) -> int:
    """Notes are written and read by people; no key may do either (permissions.PEOPLE_ONLY)."""
    return int(actor.who.partition(":")[2])


def _check_may(actor: Actor, *, is_clinical: bool) -> None:
    if not actor.may("hand-over") or (is_clinical and not actor.may("view-clinical")):
        raise Forbidden(gettext_noop("This role does not do that."))
