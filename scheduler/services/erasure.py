"""A patient is erased on request: who she was is gone, what was done stays as numbers, and the record stays whole.

The record's rows hold ids, times and reasons and are never touched: after this, an id leads nowhere. A reason is free
text, which is why the pages ask for no names in it. Answers kept for idempotency keys go within seven days, backups
with their own age (docs/decisions/0012-erasing-leaves-the-record.md).
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.db import transaction

from scheduler.domain import lifecycle
from scheduler.domain.errors import Forbidden, Malformed, Refusal, Refused, gettext_noop
from scheduler.domain.permissions import Actor
from scheduler.models import (
    Appointment,
    Center,
    Course,
    Dose,
    HandoverNote,
    LedgerEntry,
    Patient,
    PrescriberDecision,
    Reaction,
    Registration,
    Visit,
    WaitlistEntry,
    WorklistMark,
)
from scheduler.services import findable, imports, record

NOBODYS_BIRTH_DATE = date(1900, 1, 1)
NOBODYS_NAME = "erased"  # where the database wants one
LONGEST_REASON = 200


def erase(*, actor: Actor, center: Center, patient: Patient, reason: str, now: datetime) -> None:
    """Raises Forbidden for who may not, Malformed without a reason, and Refused while something of hers is to come or
    another center knows her, too."""
    if not actor.may("erase-patients"):
        raise Forbidden(gettext_noop("This role does not do that."))
    if not reason.strip() or len(reason) > LONGEST_REASON:
        raise Malformed("reason", gettext_noop("Say in a few words why, without her name."))
    with transaction.atomic():
        row = Patient.objects.select_for_update().get(pk=patient.pk)
        _check(row, center, now)
        for one in [row, *row.merged_from.all()]:
            _forget(one)
        findable.refresh([row.pk])
        _forget_marks(row, center)
        record.event(actor=actor, verb="erase", subject=row, reason=reason.strip(), now=now)


def _check(patient: Patient, center: Center, now: datetime) -> None:
    coming = Appointment.objects.filter(patient=patient, status__in=lifecycle.OPEN)
    if coming.exists():
        raise _not_yet(gettext_noop("She still has a visit to come. Cancel it first."))
    if Course.objects.filter(patient=patient, status__in=("active", "on-hold")).exists():
        raise _not_yet(gettext_noop("She still has a course that runs. Discontinue it first."))
    if Registration.objects.filter(patient=patient).exclude(center=center).exists():
        raise _not_yet(gettext_noop("Another center knows her, too. Ask the operator."))


def _not_yet(sentence: str) -> Refused:
    return Refused([Refusal("patient_can_be_erased", sentence)])


def _forget(patient: Patient) -> None:
    """Every field that a person wrote about her."""
    patient.first_name, patient.last_name = "", f"Erased {patient.pk}"
    patient.birth_date = NOBODYS_BIRTH_DATE
    patient.pronouns = patient.allergies = patient.needs = patient.desk_notes = patient.search_text = ""
    patient.language = "en"
    patient.save()
    patient.contacts.all().delete()
    imports.forget_patient(patient)
    Registration.objects.filter(patient=patient).update(mrn=f"erased-{patient.pk}")
    WaitlistEntry.objects.filter(patient=patient).delete()
    HandoverNote.objects.filter(patient=patient).delete()
    emptied: list[tuple[Any, tuple[str, ...]]] = [
        (Appointment.objects.filter(patient=patient), ("reason",)),
        (Visit.objects.filter(course__patient=patient), ("reason",)),
        (Dose.objects.filter(patient=patient), ("reason",)),
        (Reaction.objects.filter(appointment__patient=patient), ("note",)),
        (LedgerEntry.objects.filter(patient=patient), ("error",)),
        (
            Course.objects.filter(patient=patient),
            (
                "status_reason", "indication", "prescriber", "order_reference", "authorization_reference",
                "attestation_reference",
            ),
        ),
    ]  # fmt: skip
    for rows, fields in emptied:
        rows.update(**dict.fromkeys(fields, ""))
    PrescriberDecision.objects.filter(appointment__patient=patient).update(
        prescriber=NOBODYS_NAME, order_reference=NOBODYS_NAME
    )
    for row in Appointment.objects.filter(patient=patient, override__isnull=False):
        Appointment.objects.filter(pk=row.pk).update(override={**(row.override or {}), "reason": ""})


def _forget_marks(patient: Patient, center: Center) -> None:
    """What was written when things of hers on the worklist were put off. An item is of a visit, of a call, or of a
    booking, by its number (queries/worklist)."""
    booked = set(Appointment.objects.filter(patient=patient).values_list("pk", flat=True))
    numbers = {
        "unplaced": set(Visit.objects.filter(course__patient=patient).values_list("pk", flat=True)),
        "call": set(LedgerEntry.objects.filter(patient=patient).values_list("pk", flat=True)),
    }
    for mark in WorklistMark.objects.filter(center=center):
        kind, _sign, number = mark.item.partition(":")
        if number.isdigit() and int(number) in numbers.get(kind, booked):
            mark.delete()
