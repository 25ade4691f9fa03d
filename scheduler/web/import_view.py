"""What the pages of an import show, put into words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from scheduler.domain import import_fields
from scheduler.domain.errors import fill
from scheduler.models import Import, ImportBatch, ImportRow
from scheduler.queries import imported_rows
from scheduler.services.import_work import WORKING
from scheduler.web import words
from scheduler.web.door import Desk
from scheduler.web.glyphs import glyph
from scheduler.web.sorting import Column

State = ImportRow.State
SAMPLES = 3


def kinds() -> list[tuple[str, str, str]]:
    return [
        ("patients", _("Patients"), _("with MRN, name and birth date")),
        ("chairs", _("Chairs"), _("with their unit")),
        ("appointments", _("Appointments"), _("past ones and those to come; import the patients first")),
    ]


def name(desk: Desk, source: Import) -> str:
    what = {code: said for code, said, _hint in kinds()}[source.kind]
    when = words.moment(source.created_at.astimezone(desk.center.zone), desk.today)
    return _("%(what)s, %(when)s") % {"what": what, "when": when}


def columns() -> list[Column[Import]]:
    """Of the list of imports."""
    what = {code: said for code, said, _hint in kinds()}
    return [
        Column("what", _("What"), lambda each: what[each.kind]),
        Column("when", _("When"), lambda each: each.created_at, falls=True),
        Column("state", _("State"), lambda each: each.get_status_display()),
    ]


def line(desk: Desk, source: Import) -> dict[str, Any]:
    what, _comma, when = name(desk, source).partition(", ")
    return {
        "source": source,
        "what": what,
        "when": when,
        "name": name(desk, source),
        "status": source.get_status_display(),
        **_chip(source),
    }


def _chip(source: Import) -> dict[str, str]:
    css, icon = {
        "mapping": ("is-ask", "pause"),
        "checking": ("is-treat", "clock"),
        "checked": ("is-ask", "pause"),
        "importing": ("is-treat", "clock"),
        "imported": ("is-plan", "ok"),
        "undoing": ("is-treat", "clock"),
        "closed": ("is-done", "done"),
    }[source.status]
    return {"css": css, "glyph": glyph(icon)}


def bar(source: Import, counts: Mapping[str, int]) -> dict[str, Any] | None:
    """How far the work is; None while there is none."""
    if source.status not in WORKING:
        return None
    done, whole = imported_rows.progress(source, dict(counts))
    says = {
        "checking": _("Looking at the rows. Nothing is imported yet."),
        "importing": _("Importing. You can leave this page, it goes on."),
        "undoing": _("Taking it back. You can leave this page, it goes on."),
    }[source.status]
    return {
        "done": done,
        "all": max(whole, 1),
        "says": says,
        "counted": _("%(done)s of %(all)s rows") % {"done": f"{done:,}", "all": f"{whole:,}"},
    }


def view(desk: Desk, source: Import, wrong: Mapping[str, str]) -> dict[str, Any]:
    counts = imported_rows.counts(source)
    page = desk.request.GET.get("page", "")
    at = max(int(page) if page.isdecimal() and len(page) < 6 else 1, 1)
    shown = _shown(desk, source, counts)
    rows = imported_rows.rows(source, shown, at) if shown else []
    return {
        "source": source,
        "line": line(desk, source),
        "bar": bar(source, counts),
        "counts": counts,
        "summary": _summary(source, counts),
        "states": _states(source, counts, shown),
        "shown": shown,
        "rows": [_row(source, row) for row in rows],
        "page": at,
        "pages": -(-counts.get(shown, 0) // imported_rows.ROWS_SHOWN) if shown else 1,
        "form": _form(desk, source, wrong) if source.status in ("mapping", "checked") else None,
        "batches": [_batch(desk, each) for each in imported_rows.batches(source)]
        if source.status == "imported"
        else [],
        "more_batches": max(source.batches.count() - imported_rows.BATCHES_SHOWN, 0),
        "can_start": counts[State.READY] + counts[State.DOUBTFUL] > 0,
        "trouble": wrong.get("", ""),
    }


def _summary(source: Import, counts: Mapping[str, int]) -> str:
    if source.status == "mapping":
        return ngettext("%(count)s row", "%(count)s rows", counts["all"]) % {"count": f"{counts['all']:,}"}
    ready = counts[State.READY]
    if source.status == "checked":
        return ngettext("%(count)s row can be imported.", "%(count)s rows can be imported.", ready) % {
            "count": f"{ready:,}"
        }
    made = counts[State.IMPORTED]
    return ngettext("%(count)s row is imported.", "%(count)s rows are imported.", made) % {"count": f"{made:,}"}


def _states(source: Import, counts: Mapping[str, int], shown: str) -> list[dict[str, Any]]:
    """Only those that there are."""
    doubtful = _("too much for the nurses") if source.kind == import_fields.APPOINTMENTS else _("perhaps known")
    says = {
        State.WRONG: (_("not possible"), "is-late", "late"),
        State.DOUBTFUL: (doubtful, "is-ask", "pause"),
        State.KEPT: (_("kept when undone"), "is-ask", "pause"),
        State.KNOWN: (_("there already"), "is-done", "done"),
        State.READY: (_("ready"), "is-plan", "ok"),
    }
    return [
        {
            "state": str(state), "says": say, "css": css, "glyph": glyph(icon), "count": f"{counts[state]:,}",
            "is_shown": state == shown,
        }
        for state, (say, css, icon) in says.items()
        if counts[state]
    ]  # fmt: skip


def _shown(desk: Desk, source: Import, counts: Mapping[str, int]) -> str:
    """The state whose rows are listed: what was asked for, else what is worst."""
    if source.status not in ("checked", "imported"):
        return ""
    order = [State.WRONG, State.DOUBTFUL, State.KEPT, State.KNOWN, State.READY]
    asked = desk.request.GET.get("show", "")
    if asked in order and counts[asked]:
        return asked
    return next((str(state) for state in order if counts[state]), "")


def _row(source: Import, row: ImportRow) -> dict[str, Any]:
    chosen = [source.columns[field] for field in import_fields.FIELDS[source.kind] if field in source.columns]
    cells = [row.raw[column] for column in chosen if column < len(row.raw) and row.raw[column]]
    return {"number": row.number, "cells": cells, "problems": [say(each) for each in row.problems]}


def say(problem: Mapping[str, Any]) -> str:
    """A row's problem in the reader's language."""
    label = import_fields.LABELS.get(problem.get("field", ""), "")
    return fill(_(problem["sentence"]), {"field": _(label) if label else "", **problem["facts"]})


def _form(desk: Desk, source: Import, wrong: Mapping[str, str]) -> dict[str, Any]:
    """The columns as chosen, or as just sent where something was wrong with them."""
    post = desk.request.POST if wrong else None
    first = list(source.rows.order_by("number")[:SAMPLES])
    headings = [
        heading.strip() or _("column %(number)s") % {"number": n} for n, heading in enumerate(source.headings, 1)
    ]
    options = [
        (
            str(column),
            heading,
            ", ".join(row.raw[column] for row in first if column < len(row.raw) and row.raw[column])[:60],
        )
        for column, heading in enumerate(headings)
    ]
    chosen = {field: str(column) for field, column in source.columns.items()}
    if post is not None:
        chosen = {field: post.get(f"column-{field}", "") for field in import_fields.FIELDS[source.kind]}
    needed = {field for either in import_fields.NEEDED[source.kind] for field in either if len(either) == 1}
    return {
        "options": options,
        "fields": [
            {
                "name": field, "label": _(import_fields.LABELS[field]), "chosen": chosen.get(field, ""),
                "is_needed": field in needed, "wrong": wrong.get(field, ""),
            }
            for field in import_fields.FIELDS[source.kind]
        ],
        "styles": [
            ("iso", "2026-11-24", _("year first")),
            ("us", "11/24/2026", _("month first")),
            ("day-first", "24.11.2026, 24/11/2026", _("day first")),
        ],
        "style": post.get("date_style", "") if post is not None else source.date_style,
        "wrong_style": wrong.get("date_style", ""),
        "has_dates": source.kind != import_fields.CHAIRS,
        "has_units": source.kind != import_fields.PATIENTS,
        "unit": (post.get("unit", "") if post is not None else source.unit.code if source.unit else ""),
    }  # fmt: skip


def _batch(desk: Desk, batch: ImportBatch) -> dict[str, Any]:
    what = _("Part %(number)s") % {"number": batch.number}
    if batch.day is not None and batch.unit is not None:
        what = f"{words.day(batch.day, desk.today)}, {batch.unit.name}"
    made, kept = batch.made, batch.kept  # type: ignore[attr-defined]  # annotated
    return {"number": batch.number, "what": what, "made": made, "kept": kept, "can_undo": bool(made)}
