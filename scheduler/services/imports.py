"""Imports of a center's own spreadsheets, as a manager steps through them; the work itself is in import_work.py.

A file's rows are kept here for as long as they are needed: a row that was imported is emptied at once, the others when
the import is closed, and at the latest a week after the file came.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import transaction

from scheduler.domain import import_fields
from scheduler.domain.errors import Forbidden, Malformed, NotFound, Refusal, Refused, gettext_noop
from scheduler.domain.permissions import Actor
from scheduler.models import Center, Import, ImportBatch, ImportRow, Patient, Unit
from scheduler.services import record
from scheduler.services.import_files import Table

KEEP = timedelta(days=7)
ROWS_AT_ONCE = 1_000
Status = Import.Status


def create(*, actor: Actor, center: Center, kind: str, table: Table, now: datetime) -> Import:
    """Keep the file's rows, with the columns guessed from its headings. Raises Forbidden, and Malformed for `kind`."""
    _check_may(actor)
    if kind not in import_fields.KINDS:
        raise Malformed("kind", gettext_noop("Say what is in the file."))
    with transaction.atomic():
        source = Import.objects.create(
            center=center,
            kind=kind,
            headings=table.headings,
            columns=import_fields.guess(kind, table.headings),
            takes_doubtful=kind == import_fields.APPOINTMENTS,
            created_at=now,
            created_by=actor.who,
            role=actor.role,
            forget_at=now + KEEP,
        )
        ImportRow.objects.bulk_create(
            (ImportRow(source=source, number=number, raw=cells) for number, cells in table.rows),
            batch_size=ROWS_AT_ONCE,
        )
        _recorded(actor, "import-upload", source, now, rows=len(table.rows))
    return source


def check(
    *,
    actor: Actor,
    source: Import,
    columns: Mapping[str, int],
    date_style: str,
    unit: Unit | None,
    now: datetime,
) -> None:
    """Have every row tried without writing anything. Raises Malformed where the columns or the style make no sense,
    and Refused where it was imported already."""
    _check_may(actor)
    import_fields.check_columns(source.kind, columns, len(source.headings))
    if source.kind != import_fields.CHAIRS and date_style not in import_fields.DATE_STYLES:
        raise Malformed("date_style", gettext_noop("Choose how the dates are written."))
    with _changing(source, Status.MAPPING, Status.CHECKED) as row:
        row.rows.update(batch=None, state=ImportRow.State.NEW, problems=[], patient=None)
        row.batches.all().delete()
        row.columns, row.date_style, row.unit, row.status = dict(columns), date_style, unit, Status.CHECKING
        _recorded(actor, "import-check", row, now, columns=dict(columns), date_style=date_style)


def start(*, actor: Actor, source: Import, takes_doubtful: bool, now: datetime) -> None:
    """Import what can be. The one who starts it is who did it, for the record."""
    _check_may(actor)
    with _changing(source, Status.CHECKED) as row:
        row.status, row.takes_doubtful = Status.IMPORTING, takes_doubtful
        row.created_by, row.role = actor.who, actor.role
        _recorded(actor, "import-start", row, now, doubtful=takes_doubtful)


def undo_all(*, actor: Actor, source: Import, now: datetime) -> None:
    """Take back what nobody has touched since, batch by batch; what was is kept, and said."""
    _check_may(actor)
    with _changing(source, Status.IMPORTED) as row:
        row.status, row.created_by, row.role = Status.UNDOING, actor.who, actor.role
        _recorded(actor, "import-undo", row, now)


def close(*, actor: Actor, source: Import, now: datetime) -> None:
    """It is done with: what stands in its rows goes for good. What was imported stays, and can't be undone here."""
    _check_may(actor)
    with _changing(source, Status.MAPPING, Status.CHECKED, Status.IMPORTED) as row:
        row.status = Status.CLOSED
        _empty(row)
        _recorded(actor, "import-close", row, now)


def forget_old(*, now: datetime) -> int:
    """Empty the rows of imports that are a week old, whatever became of them; returns how many imports."""
    count = 0
    for source in Import.objects.filter(forget_at__lte=now).exclude(status=Status.CLOSED):
        with transaction.atomic():
            row = Import.objects.select_for_update().get(pk=source.pk)
            row.status = Status.CLOSED
            row.save(update_fields=["status"])
            _empty(row)
            _recorded(Actor.job("import-rows"), "import-close", row, now)
        count += 1
    return count


def forget_patient(patient: Patient) -> None:
    """What stands in rows about her. Rows that nobody has matched with her yet go with their import."""
    ImportRow.objects.filter(patient=patient).update(raw=[], problems=[])


def find(*, center: Center, pk: int) -> Import:
    """Raises NotFound for another center's too."""
    found = Import.objects.select_related("unit", "center").filter(center=center, pk=pk).first()
    if found is None:
        raise NotFound
    return found


def find_batch(*, source: Import, number: int) -> ImportBatch:
    """Raises Refused where there is none: the columns were changed since, or the import has gone on."""
    found = ImportBatch.objects.select_related("unit", "source__center").filter(source=source, number=number).first()
    if found is None:
        raise Refused([Refusal("transition_is_allowed", gettext_noop("This import has gone on meanwhile."))])
    return found


@contextmanager
def _changing(source: Import, *statuses: str) -> Iterator[Import]:
    """The import's row, locked, in one of these statuses; saved at the end. Raises Refused in another status: somebody
    else was quicker, or a button was pressed twice."""
    with transaction.atomic():
        row = Import.objects.select_for_update(of=("self",)).select_related("center").get(pk=source.pk)
        if row.status not in statuses:
            raise Refused([Refusal("transition_is_allowed", gettext_noop("This import has gone on meanwhile."))])
        yield row
        row.claimed_until = None
        row.save()


def _empty(source: Import) -> None:
    source.rows.update(raw=[], problems=[])


def _check_may(actor: Actor) -> None:
    if not actor.may("import-data"):
        raise Forbidden(gettext_noop("This role does not do that."))


def _recorded(actor: Actor, verb: str, source: Import, now: datetime, **after: object) -> None:
    record.event(actor=actor, verb=verb, subject=source, now=now, after={"kind": source.kind, **after})
