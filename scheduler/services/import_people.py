"""Rows that become patients and chairs. Whoever is there already stays as she is: an import corrects nobody."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Max

from scheduler.domain import names
from scheduler.domain.errors import Malformed, Refused, gettext_noop
from scheduler.domain.import_rows import ChairRow, PatientRow
from scheduler.domain.permissions import Actor
from scheduler.models import Chair, Event, Import, ImportRow, Registration, Unit
from scheduler.queries import duplicates
from scheduler.services.fingerprints import fingerprint
from scheduler.services.import_outcome import Outcome, State, known, problem, problems, wrong
from scheduler.services.patients import ContactFacts, create_patient
from scheduler.services.places import add_chair

Pairs = Sequence[tuple[ImportRow, PatientRow]]


def write_patients(
    *, actor: Actor, source: Import, rows: Pairs, takes_doubtful: bool, now: datetime
) -> dict[int, Outcome]:
    """By row id. Call it in a transaction; each row is a savepoint in it."""
    there = {
        each.mrn: each
        for each in Registration.objects.filter(
            center=source.center, mrn__in=[row.mrn for _row, row in rows]
        ).select_related("patient")
    }
    alike = duplicates.of_many(source.center, [row.birth_date for _row, row in rows])
    found: dict[int, Outcome] = {}
    for kept, row in rows:
        registration = there.get(row.mrn)
        if registration is not None:
            found[kept.pk] = _known(registration, row)
            continue
        same = duplicates.similar(alike, row.first_name, row.last_name, row.birth_date)
        doubts = [_doubt(each) for each in same]
        if doubts and not takes_doubtful:
            found[kept.pk] = Outcome(State.DOUBTFUL, doubts)
            continue
        found[kept.pk] = _register(actor, source, row, doubts, now)
    made = [one.patient for one in found.values() if one.state == State.IMPORTED and one.patient is not None]
    marks = dict(
        Event.objects.filter(patient_id__in=made).order_by().values_list("patient_id").annotate(last=Max("pk"))
    )
    for pk, one in found.items():
        if one.patient in marks and one.state == State.IMPORTED:
            found[pk] = Outcome(one.state, one.problems, patient=one.patient, mark=str(marks[one.patient]))
    return found


def _known(there: Registration, row: PatientRow) -> Outcome:
    patient = there.patient
    if patient.birth_date != row.birth_date:
        sentence = gettext_noop("MRN {mrn} is somebody else here, born {born}. Check the MRN.")
        return wrong(sentence, about="mrn", patient=patient.pk, mrn=row.mrn, born=patient.birth_date)
    if not names.share_a_word(patient.search_text, names.search_text(row.first_name, row.last_name)):
        sentence = gettext_noop("MRN {mrn} is {name} here. Check the MRN.")
        return wrong(sentence, about="mrn", patient=patient.pk, mrn=row.mrn, name=patient.listed_name)
    return known(gettext_noop("She is here already and stays as she is."), patient=patient.pk)


def _doubt(same: duplicates.Alike) -> dict[str, object]:
    sentence = gettext_noop("Looks like {name}, MRN {mrn}, born on the same day.")
    return problem(sentence, name=same.patient.listed_name, mrn=same.mrn)


def _register(actor: Actor, source: Import, row: PatientRow, doubts: list[dict[str, object]], now: datetime) -> Outcome:
    contacts = [ContactFacts(phone=row.phone, email=row.email)] if row.phone or row.email else []
    try:
        with transaction.atomic():
            patient = create_patient(
                actor=actor,
                center=source.center,
                first_name=row.first_name,
                last_name=row.last_name,
                birth_date=row.birth_date,
                mrn=row.mrn,
                contacts=contacts,
                now=now,
                **row.more,
            )
    except (Malformed, Refused) as no:
        return Outcome(State.WRONG, problems(no))
    return Outcome(State.IMPORTED, doubts, patient=patient.pk)


def write_chairs(
    *, actor: Actor, source: Import, rows: Sequence[tuple[ImportRow, ChairRow]], now: datetime
) -> dict[int, Outcome]:
    units = list(Unit.objects.filter(center=source.center))
    there = {(chair.unit_id, chair.name.casefold()) for chair in Chair.objects.filter(unit__in=units)}
    found: dict[int, Outcome] = {}
    for kept, row in rows:
        unit = source.unit if not row.unit else unit_named(units, row.unit)
        if unit is None:
            found[kept.pk] = no_unit(row.unit)
        elif (unit.pk, row.chair.casefold()) in there:
            found[kept.pk] = known(gettext_noop("{unit} has {chair} already."), unit=unit.name, chair=row.chair)
        else:
            found[kept.pk] = _add(actor, unit, row, len(there), now)
            there.add((unit.pk, row.chair.casefold()))
    return found


def _add(actor: Actor, unit: Unit, row: ChairRow, position: int, now: datetime) -> Outcome:
    try:
        with transaction.atomic():
            chair = add_chair(actor=actor, unit=unit, name=row.chair, kind=row.kind, position=position + 1, now=now)
    except (Malformed, Refused) as no:
        return Outcome(State.WRONG, problems(no))
    return Outcome(State.IMPORTED, chair=chair.pk, mark=fingerprint(Chair.objects.get(pk=chair.pk)))


def unit_named(units: Sequence[Unit], said: str) -> Unit | None:
    plain = names.plain(said)
    return next((unit for unit in units if plain in (names.plain(unit.name), names.plain(unit.code))), None)


def no_unit(said: str) -> Outcome:
    if not said:
        return wrong(gettext_noop("Nothing says which unit. Choose one for the whole file."), about="unit")
    return wrong(gettext_noop("There is no unit “{unit}” here."), about="unit", unit=said)
