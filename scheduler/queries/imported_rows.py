"""What the pages of an import show: how many rows stand where, the rows of one state, the batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Count, Q

from scheduler.models import Import, ImportBatch, ImportRow

State = ImportRow.State
ROWS_SHOWN = 50
BATCHES_SHOWN = 60


def counts(source: Import) -> dict[str, int]:
    """By state, every state named, and `all`."""
    found = dict(source.rows.order_by().values_list("state").annotate(count=Count("pk")))
    return {state: found.get(state, 0) for state in State.values} | {"all": sum(found.values())}


def progress(source: Import, by_state: dict[str, int]) -> tuple[int, int]:
    """How many rows are done with, of how many, in what the import is doing now."""
    if source.status == Import.Status.CHECKING:
        return by_state["all"] - by_state[State.NEW], by_state["all"]
    done = ImportBatch.State.IMPORTED if source.status == Import.Status.IMPORTING else ImportBatch.State.UNDONE
    of_batches = source.rows.filter(batch__isnull=False)
    return of_batches.filter(batch__state=done).count(), of_batches.count()


def rows(source: Import, state: str, page: int) -> Sequence[ImportRow]:
    """One page (from 1) of the rows in a state, by their number in the file."""
    first = (page - 1) * ROWS_SHOWN
    return list(source.rows.filter(state=state).order_by("number")[first : first + ROWS_SHOWN])


def batches(source: Import) -> list[Any]:
    """The first of them, each with `made` and `kept`: how many rows it still stands for, and how many undo has left."""
    made = Count("rows", filter=Q(rows__state=State.IMPORTED))
    kept = Count("rows", filter=Q(rows__state=State.KEPT))
    return list(
        source.batches.exclude(state=ImportBatch.State.WAITING)
        .select_related("unit")
        .annotate(made=made, kept=kept)
        .filter(Q(made__gt=0) | Q(kept__gt=0))
        .order_by("number")[:BATCHES_SHOWN]
    )
