"""Taking a batch of an import back: what nobody has touched since goes, the rest is kept and said."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import ProtectedError

from scheduler.domain.errors import Forbidden, Refusal, Refused, gettext_noop
from scheduler.domain.permissions import Actor
from scheduler.models import (
    Chair,
    Contact,
    Dose,
    Event,
    ImportBatch,
    ImportRow,
    Occupancy,
    Patient,
    Registration,
    SearchKey,
)
from scheduler.services import ledger, record
from scheduler.services.changes import days_of, difference, fetch, snapshot
from scheduler.services.fingerprints import fingerprint
from scheduler.services.import_outcome import problem
from scheduler.services.locking import locked, retrying

State = ImportRow.State
_CHANGED = gettext_noop("It has been moved or changed since, so it was kept.")
_USED = gettext_noop("Something hangs on it by now, so it was kept.")


def undo_batch(*, actor: Actor, batch: ImportBatch, now: datetime) -> dict[str, int]:
    """Returns how many rows went and how many were kept. Raises Forbidden, Busy, and Refused where the batch is not
    imported, or the import is closed."""
    if not actor.may("import-data"):
        raise Forbidden(gettext_noop("This role does not do that."))

    @retrying
    def run() -> dict[str, int]:
        made = list(batch.rows.filter(state=State.IMPORTED).exclude(appointment=None).order_by("pk"))
        rows = [fetch(each.appointment_id) for each in made if each.appointment_id is not None]
        days = {key for row in rows for key in days_of(row)}
        with locked(patients=[row.patient_id for row in rows], days=days, now=now):
            current = ImportBatch.objects.select_for_update(of=("self",)).select_related("source").get(pk=batch.pk)
            if current.state != ImportBatch.State.IMPORTED or current.source.status not in ("imported", "undoing"):
                sentence = gettext_noop("This part is not imported, or was undone meanwhile.")
                raise Refused([Refusal("transition_is_allowed", sentence)])
            counts = {"undone": 0, "kept": 0}
            for row in current.rows.filter(state=State.IMPORTED).order_by("-number"):
                why = _undo(actor, row, now)
                row.state, row.problems = (State.KEPT, [problem(why)]) if why else (State.UNDONE, [])
                row.save()
                counts[row.state] += 1
            current.state = ImportBatch.State.UNDONE
            current.save(update_fields=["state"])
            record.event(
                actor=actor,
                verb="undo-import",
                subject=current.source,
                now=now,
                after={"batch": batch.number, **counts},
            )
        return counts

    return run()


def _undo(actor: Actor, row: ImportRow, now: datetime) -> str:
    """Why it is kept, empty where it is gone."""
    if row.appointment_id is not None:
        return _undo_appointment(actor, row, now)
    if row.chair_id is not None:
        return _undo_chair(actor, row, row.chair_id, now)
    return _undo_patient(actor, row, now)


def _undo_appointment(actor: Actor, row: ImportRow, now: datetime) -> str:
    """It was entered in error: the row stays, its time, dose and messages go."""
    appointment = fetch(row.appointment_id)  # type: ignore[arg-type]  # asked for before
    if str(appointment.version) != row.mark.split(" ")[0]:
        return _CHANGED
    if appointment.waitlist.exists():
        return _USED
    before = snapshot(appointment)
    Occupancy.objects.filter(appointment=appointment).delete()
    Dose.objects.filter(appointment=appointment).delete()
    ledger.supersede(appointment, now=now)
    appointment.status, appointment.phase = "entered-in-error", ""
    appointment.actual_start = appointment.actual_end = None
    appointment.outcome = ""
    appointment.version += 1
    appointment.save()
    was, became = difference(before, snapshot(appointment))
    record.event(actor=actor, verb="undo-import", subject=appointment, now=now, before=was, after=became)
    return ""


def _undo_patient(actor: Actor, row: ImportRow, now: datetime) -> str:
    if row.patient_id is None:
        return ""
    patient = Patient.objects.select_for_update().get(pk=row.patient_id)
    last = Event.objects.filter(patient_id=patient.pk).order_by("-pk").values_list("pk", flat=True).first()
    if str(last) != row.mark:
        return _CHANGED
    if _hangs_on(patient, besides=(Registration, Contact, SearchKey, ImportRow)):
        return _USED
    registration = Registration.objects.filter(patient=patient).first()
    record.event(
        actor=actor, verb="undo-import", subject=patient, now=now,
        after={"registration": registration.pk if registration is not None else None},
    )  # fmt: skip
    patient.delete()
    row.patient = None
    return ""


def _undo_chair(actor: Actor, row: ImportRow, pk: int, now: datetime) -> str:
    chair = Chair.objects.select_for_update(of=("self",)).select_related("unit").get(pk=pk)
    if fingerprint(chair) != row.mark:
        return _CHANGED
    if _hangs_on(chair, besides=(ImportRow,)):
        return _USED
    record.event(actor=actor, verb="undo-import", subject=chair, now=now)
    row.chair = None
    row.save(update_fields=["chair"])
    try:
        with transaction.atomic():
            chair.delete()
    except ProtectedError:
        row.chair = chair
        return _USED
    return ""


def _hangs_on(thing: Patient | Chair, *, besides: Sequence[type]) -> bool:
    """Whether any row refers to it, in whatever table."""
    return any(
        relation.related_model._base_manager.filter(**{relation.field.name: thing.pk}).exists()
        for relation in thing._meta.related_objects
        if relation.related_model not in besides and relation.field.concrete and not relation.field.many_to_many
    )
