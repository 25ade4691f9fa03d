"""Today's and tomorrow's day sheets of every unit as files in SHEETS_DIR, for a desk computer to copy: what is left
when network, service and database are gone (docs/day-sheets.md).

Each is one HTML file that needs nothing else, is replaced whole or not at all, and goes once its day is over.
"""

from __future__ import annotations

import logging
import os
import re
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path

from django.conf import settings
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from scheduler.domain.permissions import Actor
from scheduler.models import Unit
from scheduler.services import failures, record, sheet_page

log = logging.getLogger(__name__)

DAYS = 2  # today and tomorrow
STYLE = Path(__file__).resolve().parent.parent / "static" / "scheduler" / "sheet.css"
NAME = re.compile(r"(?P<unit>[-\w]+)-(?P<date>\d{4}-\d{2}-\d{2})\.html")
PART = ".part"  # what a crash left half written
PART_KEPT = 3600  # s


def write(*, now: datetime) -> dict[str, int]:
    """Write all of them and remove those of days that are over. A file that can't be written is logged by its unit's id
    and counted as `failed`; the one from before stays, and says from when it is."""
    counts: Counter[str] = Counter()
    units = list(Unit.objects.select_related("center"))
    today = {_stem(unit): now.astimezone(unit.center.zone).date() for unit in units}
    for unit in units:
        for ahead in range(DAYS):
            try:
                _write_one(unit, today[_stem(unit)] + timedelta(days=ahead), now)
            except Exception as problem:  # noqa: BLE001 - the other units get their sheets all the same
                counts["failed"] += 1
                log.error("day sheet of unit %s: %s", unit.pk, failures.describe(problem))
            else:
                counts["written"] += 1
    counts["removed"] += _clear(Path(settings.SHEETS_DIR), today)
    return counts


def _stem(unit: Unit) -> str:
    return f"{unit.center.code}-{unit.code}"


def _write_one(unit: Unit, day: date, now: datetime) -> None:
    actor = replace(Actor.job("write-sheets"), center_id=unit.center_id)
    context = sheet_page.context(unit=unit, day=day, now=now, by=_("the service"), clinical=True)
    text = render_to_string("scheduler/sheet_file.html", context | {"style": _style()})
    _put(Path(settings.SHEETS_DIR), f"{_stem(unit)}-{day.isoformat()}.html", text)
    record.access(actor=actor, patient=None, what="day-sheet-file", now=now)


@cache
def _style() -> SafeString:
    """Our own file, with nothing of anybody's in it."""
    return mark_safe(STYLE.read_text())


def _put(folder: Path, name: str, text: str) -> None:
    """Whole or not at all: whoever copies the folder meanwhile gets the one from before. For the service's user
    alone."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(prefix=".", suffix=PART, dir=folder)  # mode 0600
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, folder / name)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise


def _clear(folder: Path, today: dict[str, date]) -> int:
    """Remove sheets of days that are over, so that no names pile up. Of a unit that is gone: over everywhere."""
    if not today or not folder.is_dir():
        return 0
    first, removed = min(today.values()), 0
    for path in sorted(_listed(folder)):
        found = NAME.fullmatch(path.name)
        if found is None or date.fromisoformat(found["date"]) >= today.get(found["unit"], first):
            continue
        try:
            path.unlink(missing_ok=True)
            removed += 1
        except OSError as problem:
            log.error("an old day sheet can't be removed: %s", failures.describe(problem))
    return removed


def _listed(folder: Path) -> Iterable[Path]:
    """The files of the folder, without what a crash half wrote: that goes once nobody can be writing it any more."""
    files = [path for path in folder.iterdir() if path.is_file()]
    newest = max((path.stat().st_mtime for path in files), default=0.0)
    for path in files:
        if path.suffix == PART and newest - path.stat().st_mtime > PART_KEPT:
            path.unlink(missing_ok=True)
    return [path for path in files if path.suffix != PART]
