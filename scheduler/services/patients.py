"""Patients: registered, corrected, and how to reach them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction

from scheduler.domain import names
from scheduler.domain.errors import Malformed, Refusal, Refused, gettext_noop
from scheduler.domain.permissions import Actor
from scheduler.models import Center, Patient, Registration
from scheduler.services import findable, record
from scheduler.services.contacts import ContactFacts as ContactFacts
from scheduler.services.contacts import replace_all
from scheduler.services.fingerprints import check_unchanged, fingerprint

OLDEST_YEARS = 120
MOST_SIGNS = {"first_name": 200, "last_name": 200, "pronouns": 40, "language": 10, "allergies": 200, "needs": 200}
EDITABLE = frozenset(
    {"first_name", "last_name", "birth_date", "pronouns", "language", "allergies", "needs", "desk_notes"}
)


def create_patient(
    *,
    actor: Actor,
    center: Center,
    first_name: str,
    last_name: str,
    birth_date: date,
    mrn: str,
    contacts: Sequence[ContactFacts] = (),
    now: datetime,
    **more: str,
) -> Patient:
    """Register a new patient at a center; `more` may hold pronouns, language, allergies, needs, desk_notes.

    The first contact is the one that mail goes to. Raises Malformed, and Refused where the MRN is taken.
    """
    unknown = set(more) - EDITABLE
    if unknown:
        raise TypeError(f"a patient has no {', '.join(sorted(unknown))}")
    patient = Patient(
        first_name=first_name.strip(), last_name=last_name.strip(), birth_date=birth_date, created_at=now, **more
    )
    _check(patient, now=now, center=center)
    mrn = mrn.strip()
    if not mrn:
        raise Malformed("mrn", gettext_noop("The MRN is missing."))
    _check_length("mrn", mrn, 40)
    patient.search_text = names.search_text(patient.first_name, patient.last_name)
    try:
        with transaction.atomic():
            patient.save()
            Registration.objects.create(center=center, patient=patient, mrn=mrn)
            replace_all(actor=actor, patient=patient, center=center, contacts=contacts, now=now)
            findable.add(patient=patient, center=center, mrn=mrn, phones=[facts.phone for facts in contacts])
            record.event(actor=actor, verb="registered", subject=patient, now=now)
    except IntegrityError as taken:
        if not Registration.objects.filter(center=center, mrn=mrn).exists():
            raise
        raise Refused([_mrn_taken(mrn)]) from taken
    return patient


def patient_fingerprint(patient: Patient) -> str:
    """With her contacts: what an edit of her is held against."""
    return fingerprint(patient, patient.contacts.all())


def update_patient(
    *,
    actor: Actor,
    patient: Patient,
    center: Center,
    changes: Mapping[str, Any],
    contacts: Sequence[ContactFacts] | None = None,
    as_read: str | None = None,
    now: datetime,
) -> Patient:
    """Change what `changes` names, and nothing else; `contacts`, where given, are then all of hers. Raises Malformed,
    and Stale where `as_read` (her fingerprint) is not what is there."""
    unknown = set(changes) - EDITABLE
    if unknown:
        raise Malformed(sorted(unknown)[0], gettext_noop("This can’t be changed here."))
    with transaction.atomic():
        # Read again inside the lock: two edits of different fields both stay.
        row = Patient.objects.select_for_update(no_key=True).get(pk=patient.pk)
        check_unchanged(as_read, patient_fingerprint(row))
        for name, value in changes.items():
            setattr(row, name, value.strip() if isinstance(value, str) else value)
        _check(row, now=now, center=center)
        row.search_text = names.search_text(row.first_name, row.last_name)
        row.save()
        if contacts is not None:
            replace_all(actor=actor, patient=row, center=center, contacts=contacts, now=now)
        findable.refresh([row.pk])
        changed = sorted(changes) + (["contacts"] if contacts is not None else [])
        # Names of fields only: what stood in them is personal and must stay erasable.
        record.event(actor=actor, verb="corrected", subject=row, after={"fields": changed}, now=now)
    return row


def _check(patient: Patient, *, now: datetime, center: Center) -> None:
    if not names.is_seen(patient.last_name):
        raise Malformed("last_name", gettext_noop("The last name is missing."))
    today = now.astimezone(center.zone).date()
    if patient.birth_date > today:
        raise Malformed("birth_date", gettext_noop("The birth date {date} is in the future."), date=patient.birth_date)
    if today.year - patient.birth_date.year > OLDEST_YEARS:
        raise Malformed("birth_date", gettext_noop("The birth date {date} is too long ago."), date=patient.birth_date)
    for name in MOST_SIGNS:
        _check_length(name, getattr(patient, name), MOST_SIGNS[name])


def _check_length(field: str, value: str, most: int) -> None:
    if len(value) > most:
        raise Malformed(field, gettext_noop("This is longer than {most} signs."), most=most)
    if any(ord(sign) < 32 for sign in value):
        raise Malformed(field, gettext_noop("There are signs in it that can’t be shown."))


def _mrn_taken(mrn: str) -> Refusal:
    return Refusal(
        "mrn_is_unique", gettext_noop("Another patient of this center has the MRN {mrn} already."), {"mrn": mrn}
    )
