"""Import a center's own spreadsheets: choose a file, say which column is what, look at the dry run, import, undo."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from scheduler.domain import import_fields
from scheduler.domain.errors import Malformed, Refused
from scheduler.models import Import
from scheduler.queries import imported_rows
from scheduler.services import import_files, import_undo, record
from scheduler.services import imports as service
from scheduler.web import import_view
from scheduler.web.door import Desk, door, page
from scheduler.web.sorting import arrange

LISTED = 20


@door("import-data", posts=True)
def imports(desk: Desk) -> HttpResponse:
    """Those of the last weeks, and the form for one more."""
    wrong: dict[str, str] = {}
    if desk.request.method == "POST":
        try:
            made = service.create(
                actor=desk.actor,
                center=desk.center,
                kind=desk.request.POST.get("kind", ""),
                table=import_files.read(_file(desk)),
                now=desk.now,
            )
            return redirect("import", pk=made.pk)
        except Malformed as malformed:
            wrong[malformed.field] = malformed.say(_)
    context = {
        "title": _("Import"),
        "place": "imports",
        "wrong": wrong,
        "kind": desk.request.POST.get("kind", import_fields.PATIENTS),
        "kinds": import_view.kinds(),
        "table": arrange(
            desk, Import.objects.filter(center=desk.center)[:LISTED], import_view.columns(), usual="-when"
        ).mapped(lambda each: import_view.line(desk, each)),
        "most_rows": f"{import_files.MOST_ROWS:,}",
        "most_mb": import_files.MOST_BYTES >> 20,
    }
    return page(desk, "scheduler/imports.html", context, status=400 if wrong else 200)


def _file(desk: Desk) -> bytes:
    chosen = desk.request.FILES.get("file")
    if chosen is None:
        raise Malformed("file", _("Choose a file."))
    return chosen.read()


@door("import-data")
def one(desk: Desk, *, pk: int) -> HttpResponse:
    """Where the import stands. Asked by htmx only for the bar that grows, until there is more to see than that."""
    source = service.find(center=desk.center, pk=pk)
    if desk.request.headers.get("HX-Request"):
        bar = import_view.bar(source, imported_rows.counts(source))
        response = page(desk, "scheduler/_import_bar.html", {"source": source, "bar": bar})
        if bar is None:
            response["HX-Refresh"] = "true"
        return response
    return _page(desk, source, {})


@door("import-data", posts=True, gets=False)
def act(desk: Desk, *, pk: int, action: str) -> HttpResponse:
    source = service.find(center=desk.center, pk=pk)
    post = desk.request.POST
    try:
        if action == "check":
            _check(desk, source)
        elif action == "start":
            doubtful = bool(post.get("doubtful"))
            service.start(actor=desk.actor, source=source, takes_doubtful=doubtful, now=desk.now)
        elif action == "undo":
            number = post.get("batch", "")
            batch = service.find_batch(source=source, number=int(number) if number.isdecimal() else 0)
            import_undo.undo_batch(actor=desk.actor, batch=batch, now=desk.now)
        elif action == "undo-all":
            service.undo_all(actor=desk.actor, source=source, now=desk.now)
        elif action == "close":
            service.close(actor=desk.actor, source=source, now=desk.now)
        else:
            raise Http404
    except Malformed as malformed:
        return _page(desk, source, {malformed.field: malformed.say(_)}, status=400)
    except Refused as refused:
        source.refresh_from_db()
        return _page(desk, source, {"": refused.refusals[0].say(_)}, status=409)
    return redirect(reverse("import", args=[pk]))


def _check(desk: Desk, source: Import) -> None:
    post = desk.request.POST
    columns = {
        field: int(chosen)
        for field in import_fields.FIELDS[source.kind]
        if (chosen := post.get(f"column-{field}", "")).isdecimal()
    }
    service.check(
        actor=desk.actor,
        source=source,
        columns=columns,
        date_style=post.get("date_style", ""),
        unit=next((unit for unit in desk.units if unit.code == post.get("unit")), None),
        now=desk.now,
    )


def _page(desk: Desk, source: Import, wrong: dict[str, str], *, status: int = 200) -> HttpResponse:
    record.access(actor=desk.actor, patient=None, what="import", now=desk.now)
    context: dict[str, Any] = {
        "title": import_view.name(desk, source),
        "place": "imports",
        "wrong": wrong,
        **import_view.view(desk, source, wrong),
    }
    return page(desk, "scheduler/import.html", context, status=status)
