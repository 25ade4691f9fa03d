"""The form that closes a place or notes an absence: its fields as typed, and what they ask for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeVar

from django.db.models import Model, QuerySet
from django.http import QueryDict

from scheduler.domain import localtime
from scheduler.domain.errors import Malformed, NotFound, gettext_noop
from scheduler.models import Chair, Nurse, Unit
from scheduler.queries.absence import Absence
from scheduler.services.closing import Accepted
from scheduler.services.setup import ClosureFacts
from scheduler.web.dates import read_date, read_minute, read_moment
from scheduler.web.door import Desk

Row = TypeVar("Row", bound=Model)
FIELDS = ("place", "from_date", "from_time", "until_date", "until_time", "reason", "nurse", "since")


@dataclass(frozen=True, slots=True)
class Form:
    """`values` by field name, as typed. `place` is chair:ID, unit:CODE or center."""

    values: dict[str, str]

    @property
    def hidden(self) -> list[tuple[str, str]]:
        """What the preview carries along, so that saving asks for the same."""
        return [(name, value) for name, value in self.values.items() if value]

    @property
    def is_absence(self) -> bool:
        return bool(self.values["nurse"])

    @property
    def is_chair(self) -> bool:
        return self.values["place"].startswith("chair:")


def read_form(data: QueryDict) -> Form:
    return Form({name: data.get(name, "").strip() for name in FIELDS})


def prefilled(desk: Desk, data: QueryDict) -> Form:
    """As the board's links ask for it: `chair` or `unit`, and `day`; without a time the rest of today, or all day."""
    values = dict.fromkeys(FIELDS, "")
    day = read_date(data.get("day")) or desk.today
    chair, unit = data.get("chair", ""), data.get("unit", "")
    values["place"] = f"chair:{chair}" if chair else f"unit:{unit}" if unit else ""
    values["from_date"] = values["until_date"] = day.isoformat()
    if chair and day == desk.today:
        values["from_time"] = f"{_quarter(desk):%H:%M}"
    return Form(values)


def closure_of(desk: Desk, form: Form) -> ClosureFacts:
    """Raises Malformed with the field, and NotFound for another center's place. Who closes no units gets the page that
    says so."""
    values = form.values
    kind, _colon, which = values["place"].partition(":")
    chair: Chair | None = None
    unit: Unit | None = None
    if kind == "chair":
        chair = _own(Chair.objects.filter(unit__center=desk.center).select_related("unit__center"), which)
    elif kind == "unit":
        desk.need("edit-setup")
        unit = desk.unit(which)
    elif kind == "center":
        desk.need("edit-setup")
    else:
        raise Malformed("place", gettext_noop("Choose what is closed."))
    start, end = _moments(desk, values)
    return ClosureFacts(start=start, end=end, reason=values["reason"][:120], unit=unit, chair=chair)


def absence_of(desk: Desk, form: Form) -> Absence:
    """From `since`, which the preview carries along, else from now on the minute. Raises Malformed and NotFound."""
    nurse = _own(Nurse.objects.filter(center=desk.center).select_related("center"), form.values["nurse"])
    since = read_moment(form.values["since"]) or desk.now.replace(second=0, microsecond=0)
    if not desk.now - timedelta(hours=24) < since <= desk.now:
        raise Malformed("nurse", gettext_noop("That was some time ago. Choose who is away once more."))
    return Absence(nurse, since)


def value_of(steps: tuple[tuple[int, int, int, datetime], ...]) -> str:
    """The value of one checkbox: booking, version, chair and start of each step."""
    return "|".join(
        f"{pk}.{version}.{chair}@{start.isoformat(timespec='minutes')}" for pk, version, chair, start in steps
    )


def accepted_of(values: list[str]) -> list[Accepted]:
    """Raises Malformed for what the preview did not send."""
    found = []
    for part in (part for value in values for part in value.split("|")):
        numbers, _at, start = part.partition("@")
        known, moment = numbers.split("."), read_moment(start)
        if moment is None or len(known) != 3 or not all(one.isascii() and one.isdigit() for one in known):
            raise Malformed("accept", gettext_noop("Choose from the places that are shown."))
        found.append(Accepted(int(known[0]), int(known[1]), int(known[2]), moment))
    return found


def _own(rows: QuerySet[Row], text: str) -> Row:
    found = rows.filter(pk=int(text)).first() if text.isascii() and text.isdigit() else None
    if found is None:
        raise NotFound
    return found


def _moments(desk: Desk, values: dict[str, str]) -> tuple[datetime, datetime]:
    """No time is all of the day: from its first minute, to its last."""
    first, last = read_date(values["from_date"]), read_date(values["until_date"] or values["from_date"])
    if first is None:
        raise Malformed("start", gettext_noop("Say from which day."))
    if last is None:
        raise Malformed("end", gettext_noop("Say to which day."))
    start = _moment(desk, "start", first, values["from_time"])
    end = _moment(desk, "end", last, values["until_time"])
    return start or _day(desk, first)[0], end or _day(desk, last)[1]


def _moment(desk: Desk, field: str, day: date, text: str) -> datetime | None:
    minute = read_minute(text)
    if text and minute is None:
        raise Malformed(field, gettext_noop("A time looks like 10:00."))
    return localtime.at(day, minute, desk.center.zone) if minute is not None else None


def _day(desk: Desk, day: date) -> tuple[datetime, datetime]:
    whole = localtime.day(day, desk.center.zone)
    return whole.start, whole.end


def _quarter(desk: Desk) -> datetime:
    local = desk.now.astimezone(desk.center.zone)
    return local.replace(minute=local.minute - local.minute % 15)
