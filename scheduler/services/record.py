"""Everything is on record: events in the change's own transaction, accesses apart from it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import Model

from scheduler.domain.permissions import Actor
from scheduler.models import Access, Center, Event, Patient
from scheduler.services import origin


def event(
    *,
    actor: Actor,
    verb: str,
    subject: Model,
    now: datetime,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    reason: str = "",
) -> Event:
    """Record one change. `before` and `after` hold ids, times, statuses: nothing that erasing would have to find."""
    patient = subject.pk if isinstance(subject, Patient) else getattr(subject, "patient_id", None)
    center = subject.pk if isinstance(subject, Center) else getattr(subject, "center_id", None) or actor.center_id
    if subject._meta.model_name == "visit":
        course = subject.course  # type: ignore[attr-defined]
        patient, center = course.patient_id, course.center_id
    return Event.objects.create(
        at=now,
        actor=actor.who,
        role=actor.role,
        address=origin.address(),
        center_id=center,
        patient_id=patient,
        subject=str(subject._meta.model_name)[:20],
        subject_id=subject.pk,
        verb=verb,
        before=dict(before or {}),
        after=dict(after or {}),
        reason=reason,
    )


def access(*, actor: Actor, patient: Patient | int | None, what: str, now: datetime) -> None:
    """Record that somebody read a patient's data, or (patient None) a list with many patients in it."""
    Access.objects.create(
        at=now,
        actor=actor.who,
        role=actor.role,
        address=origin.address(),
        center_id=actor.center_id,
        patient_id=patient.pk if isinstance(patient, Patient) else patient,
        what=what,
    )


def denial(*, actor: Actor, center: Center, action: str, now: datetime) -> None:
    """Record that somebody asked for what her role may not do. `action` is the permission table's word."""
    event(actor=actor, verb="denied", subject=center, after={"action": action}, now=now)
