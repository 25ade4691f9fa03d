"""All patients of the center as a file for a spreadsheet program; for managers, who sign in again before."""

from __future__ import annotations

import csv
import io

from django.http import HttpResponse
from django.utils.translation import gettext as _

from scheduler.domain import spreadsheet
from scheduler.queries import exported
from scheduler.services import exports
from scheduler.web import confirm
from scheduler.web.door import Desk, door

BYTE_ORDER_MARK = "\ufeff"  # without it, Excel takes UTF-8 for something else


@door("export-patients", posts=True, gets=False)
def patients(desk: Desk) -> HttpResponse:
    """A POST, so that no link and no prefetch leads here."""
    if ask := confirm.needed(desk):
        return ask
    found = list(exported.rows(desk.center, desk.now))
    exports.note(actor=desk.actor, center=desk.center, patients=found, form="csv", now=desk.now)
    text = io.StringIO(newline="")
    text.write(BYTE_ORDER_MARK)
    sheet = csv.writer(text)
    sheet.writerow([_(name) for name in exported.COLUMNS])
    for cells in exported.cells(found, desk.center):
        sheet.writerow([spreadsheet.harmless(cell) for cell in cells])
    response = HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="patients-{desk.today.isoformat()}.csv"'
    return response
