"""The work of imports, in bounded steps over rows: sort them into batches, try each batch, import it, undo it.

Trying is importing in a transaction that is rolled back, so the dry run says what the import will say, except for what
rows of different batches do to each other. A batch is a transaction and takes the locks of its own unit's day only.
Killed at any point, the next tick goes on with the first batch that isn't done: a row's state is written in the
transaction that made what it names. Two workers at once: the first to claim the import has it until `claimed_until`.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from datetime import datetime, timedelta
from time import monotonic

from django.db import transaction
from django.db.models import Q

from scheduler.domain import import_fields
from scheduler.domain.errors import Busy, gettext_noop
from scheduler.domain.import_rows import AppointmentRow, ChairRow, PatientRow, Row, parse
from scheduler.domain.permissions import Actor
from scheduler.models import Import, ImportBatch, ImportRow
from scheduler.services import failures, import_bookings, import_people, imports, record
from scheduler.services.import_outcome import FIELDS, Outcome, State, known, problem, problems
from scheduler.services.import_undo import undo_batch
from scheduler.services.locking import locked, retrying

log = logging.getLogger(__name__)

TICK_SECONDS = 20.0
CLAIMED_FOR = timedelta(seconds=90)
PART = 50  # patients or chairs in a batch: one transaction, in which SQLite lets nobody else write
ROWS_AT_ONCE = 500
_COLUMN_OF = {field.name: field.attname for field in ImportRow._meta.concrete_fields}
_WRITTEN = [_COLUMN_OF[name] for name in FIELDS]
_COUNTED = (State.IMPORTED, State.WRONG, State.KEPT)
WORKING = (Import.Status.CHECKING, Import.Status.IMPORTING, Import.Status.UNDOING)


class _Rehearsed(Exception):
    """Ends a rehearsal: all that was written goes, and what became of each row is known."""

    def __init__(self, outcomes: dict[int, Outcome]) -> None:
        super().__init__()
        self.outcomes = outcomes


def work(*, now: datetime) -> dict[str, int]:
    """One tick: imports that wait, oldest first, for some twenty seconds. Returns how many batches were worked on."""
    counts: Counter[str] = Counter(forgotten=imports.forget_old(now=now))
    began = monotonic()
    for source in Import.objects.filter(status__in=WORKING).select_related("center", "unit").order_by("pk"):
        if not _claim(source, now):
            continue
        try:
            while monotonic() - began < TICK_SECONDS and step(source, now=now):
                counts["batches"] += 1
        except Busy:
            counts["busy"] += 1  # the next tick tries again
        finally:
            Import.objects.filter(pk=source.pk).update(claimed_until=None)
    return dict(counts)


def step(source: Import, *, now: datetime) -> bool:
    """Do the next thing for this import; False once there is nothing left to do."""
    source.refresh_from_db()
    if source.status == Import.Status.CHECKING:
        return _check_next(source, now)
    if source.status == Import.Status.IMPORTING:
        return _next(source, ImportBatch.State.WAITING, now, lambda batch: _import(source, batch, now))
    if source.status == Import.Status.UNDOING:
        return _next(
            source,
            ImportBatch.State.IMPORTED,
            now,
            lambda batch: undo_batch(actor=actor_of(source), batch=batch, now=now),
        )
    return False


def actor_of(source: Import) -> Actor:
    """Who started it: what the job does is on record as hers."""
    return Actor(who=source.created_by, role=source.role, center_id=source.center_id)


def _claim(source: Import, now: datetime) -> bool:
    free = Import.objects.filter(Q(claimed_until__isnull=True) | Q(claimed_until__lte=now), pk=source.pk)
    return bool(free.filter(status__in=WORKING).update(claimed_until=now + CLAIMED_FOR))


def _check_next(source: Import, now: datetime) -> bool:
    if source.rows.filter(state=State.NEW, batch=None).exists():
        sort(source)
        return True
    waiting = source.rows.filter(state=State.NEW).order_by("batch__number").first()
    if waiting is None or waiting.batch is None:
        _finish(source, Import.Status.CHECKED, now)
        return False
    _guarded(source, waiting.batch, lambda batch: _rehearse(source, batch, now))
    return True


def _next(source: Import, state: str, now: datetime, do: Callable[[ImportBatch], object]) -> bool:
    batch = source.batches.filter(state=state).select_related("unit", "source").order_by("number").first()
    if batch is None:
        _finish(source, Import.Status.IMPORTED, now)
        return False
    _guarded(source, batch, do)
    return True


def _finish(source: Import, status: str, now: datetime) -> None:
    with transaction.atomic():
        row = Import.objects.select_for_update(of=("self",)).get(pk=source.pk)
        if row.status not in WORKING:
            return
        row.status = status
        row.save(update_fields=["status"])
        counts = {str(state): row.rows.filter(state=state).count() for state in _COUNTED}
        record.event(
            actor=actor_of(row), verb="import-finished", subject=row, now=now, after={"status": status, **counts}
        )


def _guarded(source: Import, batch: ImportBatch, do: Callable[[ImportBatch], object]) -> None:
    """A batch that can't be worked on for a reason nobody thought of must not stop the others for ever."""
    try:
        do(batch)
    except Busy:
        raise
    except Exception as trouble:  # noqa: BLE001 - the other batches are worked on all the same
        log.error("import %s batch %s: %s", source.pk, batch.number, failures.describe(trouble))
        said = [problem(gettext_noop("Something went wrong here. The operator finds it in the log."))]
        with transaction.atomic():
            pending = batch.rows.filter(state__in=(State.NEW, State.READY, State.DOUBTFUL))
            pending.update(state=State.WRONG, problems=said)
            if source.status == Import.Status.UNDOING:
                batch.rows.filter(state=State.IMPORTED).update(state=State.KEPT, problems=said)
            state = {"importing": "imported", "undoing": "undone"}.get(source.status, batch.state)
            ImportBatch.objects.filter(pk=batch.pk).update(state=state)


# --- sorting -------------------------------------------------------------------------------------------------------


def sort(source: Import) -> None:
    """Read every row, say what is wrong with it, and put the others into batches: a unit's day, or some dozens."""
    places = import_bookings.Places.of(source)
    seen: dict[tuple[str, ...], int] = {}
    groups: dict[Hashable, list[int]] = {}
    failed: list[ImportRow] = []
    for kept in _new_rows(source):
        row, wrong = parse(source.kind, kept.raw, source.columns, source.date_style)
        outcome: Outcome | None = None
        group: Hashable = None
        if row is None:
            outcome = Outcome(State.WRONG, problems(wrong))
        elif row.key in seen:
            outcome = known(gettext_noop("The same as row {number}."), number=seen[row.key])
        else:
            seen[row.key] = kept.number
            group, outcome = _group(source, places, row, len(seen))
        if outcome is not None:
            outcome.apply(kept)
            failed.append(kept)
            if len(failed) == ROWS_AT_ONCE and not _save_sorted(source, failed):
                return  # the columns were changed meanwhile
        else:
            groups.setdefault(group, []).append(kept.pk)
    if not _save_sorted(source, failed):
        return
    with transaction.atomic():
        if not _is_checking(source):
            return
        source.batches.all().delete()
        batches = ImportBatch.objects.bulk_create(
            _batch(source, number, group) for number, group in enumerate(sorted(groups, key=_order), start=1)
        )
        for batch, group in zip(batches, sorted(groups, key=_order), strict=True):
            ImportRow.objects.filter(pk__in=groups[group]).update(batch=batch)


def _new_rows(source: Import) -> Iterator[ImportRow]:
    """Some hundred at a time, while others of them are written."""
    last = -1
    while found := list(source.rows.filter(state=State.NEW, number__gt=last).order_by("number")[:ROWS_AT_ONCE]):
        yield from found
        last = found[-1].number


def _save_sorted(source: Import, failed: list[ImportRow]) -> bool:
    """Some hundred at a time: a whole file with the wrong style of dates is neither one transaction nor all in memory.
    False where the columns were changed meanwhile."""
    with transaction.atomic():
        if not _is_checking(source):
            return False
        _save(failed)
    failed.clear()
    return True


def _is_checking(source: Import) -> bool:
    return Import.objects.select_for_update().filter(pk=source.pk, status=Import.Status.CHECKING).exists()


def _group(source: Import, places: import_bookings.Places, row: Row, position: int) -> tuple[Hashable, Outcome | None]:
    if not isinstance(row, AppointmentRow):
        return (position - 1) // PART, None
    chair = places.chair(source, row)
    if isinstance(chair, Outcome):
        return None, chair
    return (row.wall.date(), chair.unit_id), None


def _order(group: Hashable) -> tuple[object, ...]:
    return group if isinstance(group, tuple) else (group,)


def _batch(source: Import, number: int, group: Hashable) -> ImportBatch:
    day, unit = group if isinstance(group, tuple) else (None, None)
    return ImportBatch(source=source, number=number, day=day, unit_id=unit)


def _save(rows: Sequence[ImportRow]) -> None:
    """One statement for all that became of them alike, as of most in a dry run."""
    alike: dict[str, tuple[dict[str, object], list[ImportRow]]] = {}
    for row in rows:
        values = {name: getattr(row, name) for name in _WRITTEN if name != "raw" or not row.raw}
        alike.setdefault(repr(values), (values, []))[1].append(row)
    for values, same in alike.values():
        if len(same) > 1:
            ImportRow.objects.filter(pk__in=[row.pk for row in same]).update(**values)
    single = [same[0] for _values, same in alike.values() if len(same) == 1]
    ImportRow.objects.bulk_update(single, FIELDS, batch_size=ROWS_AT_ONCE // 5)


# --- trying and importing ------------------------------------------------------------------------------------------


def _rehearse(source: Import, batch: ImportBatch, now: datetime) -> None:
    try:
        _write(source, batch, now, rehearse=True)
    except _Rehearsed as done:
        outcomes = done.outcomes
    with transaction.atomic():
        rows = list(batch.rows.select_for_update().filter(state=State.NEW, pk__in=outcomes))
        for row in rows:
            _as_tried(outcomes[row.pk]).apply(row)
        _save(rows)
        # What the batch lost since: nothing is left to try.
        batch.rows.filter(state=State.NEW).update(state=State.WRONG)


def _as_tried(outcome: Outcome) -> Outcome:
    """What it made is gone again."""
    state = outcome.state
    if state == State.IMPORTED:
        state = State.DOUBTFUL if outcome.problems else State.READY
    patient = outcome.patient if outcome.state != State.IMPORTED or outcome.appointment is not None else None
    return Outcome(state, outcome.problems, patient=patient)


def _import(source: Import, batch: ImportBatch, now: datetime) -> None:
    _write(source, batch, now, rehearse=False)


def _write(source: Import, batch: ImportBatch, now: datetime, *, rehearse: bool) -> None:
    """Raises _Rehearsed where that is all; Busy where the locks are not to be had."""
    if source.kind == import_fields.APPOINTMENTS:
        _write_bookings(source, batch, now, rehearse=rehearse)
        return
    with transaction.atomic():
        kept = _rows(source, batch, rehearse)
        if not kept:
            _done(batch, {}, rehearse)
            return
        outcomes = _people_or_chairs(source, kept, now, rehearse)
        _done(batch, outcomes, rehearse)


def _people_or_chairs(
    source: Import, kept: Sequence[tuple[ImportRow, Row]], now: datetime, rehearse: bool
) -> dict[int, Outcome]:
    actor = actor_of(source)
    if source.kind == import_fields.PATIENTS:
        people = [(row, one) for row, one in kept if isinstance(one, PatientRow)]
        return import_people.write_patients(
            actor=actor, source=source, rows=people, takes_doubtful=rehearse or source.takes_doubtful, now=now
        )
    chairs = [(row, one) for row, one in kept if isinstance(one, ChairRow)]
    return import_people.write_chairs(actor=actor, source=source, rows=chairs, now=now)


@retrying
def _write_bookings(source: Import, batch: ImportBatch, now: datetime, *, rehearse: bool) -> None:
    places = import_bookings.Places.of(source)
    bookings, outcomes = _resolved(source, batch, places, now, rehearse)
    patients = [one.patient.pk for one in bookings]
    with locked(patients=patients, days=import_bookings.days(bookings, now), now=now):
        waiting = {row.pk for row, _one in _rows(source, batch, rehearse)}
        for one in bookings:
            if one.kept.pk in waiting:
                outcomes[one.kept.pk] = import_bookings.write(
                    actor=actor_of(source), one=one, takes_doubtful=rehearse or source.takes_doubtful, now=now
                )
        _done(batch, {pk: outcome for pk, outcome in outcomes.items() if pk in waiting}, rehearse)


def _resolved(
    source: Import, batch: ImportBatch, places: import_bookings.Places, now: datetime, rehearse: bool
) -> tuple[list[import_bookings.Booking], dict[int, Outcome]]:
    rows = [(row, one) for row, one in _rows(source, batch, rehearse) if isinstance(one, AppointmentRow)]
    return import_bookings.resolve(source, places, sorted(rows, key=lambda pair: pair[1].wall), now)


def _rows(source: Import, batch: ImportBatch, rehearse: bool) -> list[tuple[ImportRow, Row]]:
    """Those of the batch that wait, read again. Inside a transaction they are locked: a batch is done once."""
    rows = batch.rows.order_by("number")
    if transaction.get_connection().in_atomic_block:
        rows = rows.select_for_update()
    states = [State.NEW] if rehearse else [State.READY, State.DOUBTFUL]
    if not rehearse and not source.takes_doubtful:
        states = [State.READY]
    found = []
    for row in rows.filter(state__in=states):
        parsed, _wrong = parse(source.kind, row.raw, source.columns, source.date_style)
        if parsed is not None:  # what was forgotten meanwhile can't be read any more
            found.append((row, parsed))
    return found


def _done(batch: ImportBatch, outcomes: dict[int, Outcome], rehearse: bool) -> None:
    if rehearse:
        raise _Rehearsed(outcomes)
    rows = list(batch.rows.filter(pk__in=outcomes))
    for row in rows:
        outcomes[row.pk].apply(row)
    _save(rows)
    ImportBatch.objects.filter(pk=batch.pk).update(state=ImportBatch.State.IMPORTED)
