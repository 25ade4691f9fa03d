"""The course form: its fields as they were typed, and the request they make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.http import QueryDict

from scheduler.domain import localtime
from scheduler.domain.errors import Malformed, gettext_noop
from scheduler.models import Chair, Patient
from scheduler.queries.course_request import CourseRequest
from scheduler.web.dates import read_date, read_minute, read_moment
from scheduler.web.door import Desk
from scheduler.web.proposed import offered

FIELDS = [
    "protocol",
    "unit",
    "start_date",
    "start_time",
    "doses",
    "days",
    "is_open_ended",
    "preferred_time",
    "preferred_part",
    "preferred_chair",
    "indication",
    "dose_mg",
    "prescriber",
    "order_reference",
    "order_from",
    "order_until",
    "authorization_reference",
    "authorization_from",
    "authorization_until",
    "authorization_visits",
    "attested_by",
    "attestation_reference",
    "attested_on",
]
NOON = 12 * 60


@dataclass(frozen=True, slots=True)
class Form:
    """`values` by field name, as typed; `weekdays` are the ticked ones, "0" for Monday."""

    values: Mapping[str, str]
    weekdays: tuple[str, ...]

    @property
    def hidden(self) -> list[tuple[str, str]]:
        """What the preview carries along, so that booking asks for the same."""
        pairs = [(name, value) for name, value in self.values.items() if value]
        return [*pairs, *(("preferred_weekdays", number) for number in self.weekdays)]


def read_form(desk: Desk, post: QueryDict) -> Form:
    """`use` is the button of a way that would work: unit, protocol and start in one value."""
    values = {name: post.get(name, "").strip() for name in FIELDS}
    if use := post.get("use"):
        unit, _bar, rest = use.partition("|")
        protocol, _bar, start = rest.partition("|")
        moment = read_moment(start)
        values["unit"], values["protocol"] = unit, protocol
        if moment is not None:
            local = moment.astimezone(desk.center.zone)
            values["start_date"], values["start_time"] = local.date().isoformat(), f"{local:%H:%M}"
        values["preferred_chair"] = ""
    return Form(values, tuple(day for day in post.getlist("preferred_weekdays") if day in "0123456" and len(day) == 1))


def request_of(desk: Desk, patient: Patient, form: Form) -> CourseRequest:
    """Raises Malformed with the field that is missing or makes no sense."""
    values = form.values
    protocol = next((each for each in offered(desk) if str(each.pk) == values["protocol"]), None)
    if protocol is None:
        raise Malformed("protocol", gettext_noop("Choose a protocol."))
    unit = next((each for each in desk.units if each.code == values["unit"]), None)
    if unit is None:
        raise Malformed("unit", gettext_noop("Choose a unit."))
    attested = bool(values["attested_by"] or values["attestation_reference"])
    return CourseRequest(
        patient=patient,
        protocol=protocol,
        unit=unit,
        start=_start(desk, values),
        doses=number(values, "doses"),
        days=number(values, "days"),
        is_open_ended=bool(values["is_open_ended"]),
        preferred_minute=_time(values, "preferred_time"),
        preferred_part=values["preferred_part"],
        preferred_weekdays=tuple(int(day) for day in form.weekdays),
        preferred_chair=_chair(desk, values["preferred_chair"]),
        indication=values["indication"][:120],
        dose_mg=dose_mg_of(values),
        prescriber=values["prescriber"][:120],
        order_reference=values["order_reference"][:60],
        order_from=_date(values, "order_from"),
        order_until=_date(values, "order_until"),
        authorization_reference=values["authorization_reference"][:60],
        authorization_from=_date(values, "authorization_from"),
        authorization_until=_date(values, "authorization_until"),
        authorization_visits=number(values, "authorization_visits"),
        attested_by=values["attested_by"][:120],
        attested_at=_attested(desk, values) if attested else None,
        attestation_reference=values["attestation_reference"][:60],
    )


def details_of(desk: Desk, form: Form) -> dict[str, Any]:
    """Wishes, order and authorisation by their columns: what changes without changing what is due."""
    values = form.values
    return {
        "preferred_minute": _time(values, "preferred_time"),
        "preferred_part": values["preferred_part"],
        "preferred_weekdays": [int(day) for day in form.weekdays],
        "preferred_chair": _chair(desk, values["preferred_chair"]),
        "prescriber": values["prescriber"][:120],
        "order_reference": values["order_reference"][:60],
        "order_from": _date(values, "order_from"),
        "order_until": _date(values, "order_until"),
        "authorization_reference": values["authorization_reference"][:60],
        "authorization_from": _date(values, "authorization_from"),
        "authorization_until": _date(values, "authorization_until"),
        "authorization_visits": number(values, "authorization_visits"),
    }


def _start(desk: Desk, values: Mapping[str, str]) -> datetime:
    day, minute = read_date(values["start_date"]), read_minute(values["start_time"])
    if day is None:
        raise Malformed("start", gettext_noop("Say on which day the course starts."))
    if minute is None:
        raise Malformed("start", gettext_noop("Say at what time the first treatment starts."))
    return localtime.at(day, minute, desk.center.zone)


def number(values: Mapping[str, str], name: str) -> int | None:
    """None where it is empty. Raises Malformed."""
    text = values[name]
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 6):
        raise Malformed(name, gettext_noop("This is a whole number, such as 4."))
    return int(text)


def dose_mg_of(values: Mapping[str, str]) -> Decimal | None:
    """None where it is empty: the protocol's. Raises Malformed."""
    if not values["dose_mg"]:
        return None
    try:
        found = Decimal(values["dose_mg"].replace(",", "."))
    except InvalidOperation:
        raise Malformed("dose_mg", gettext_noop("The dose is a number of mg, such as 0.5.")) from None
    if not found.is_finite() or found >= 100_000:
        raise Malformed("dose_mg", gettext_noop("The dose is a number of mg, such as 0.5."))
    return found


def _time(values: Mapping[str, str], name: str) -> int | None:
    minute = read_minute(values[name])
    if values[name] and minute is None:
        raise Malformed(name, gettext_noop("A time looks like 10:00."))
    return minute


def _date(values: Mapping[str, str], name: str) -> date | None:
    found = read_date(values[name])
    if values[name] and found is None:
        raise Malformed(name, gettext_noop("There is no such date."))
    return found


def _attested(desk: Desk, values: Mapping[str, str]) -> datetime:
    """The form asks for the day; noon stands for it, or now on the day itself."""
    day = _date(values, "attested_on")
    if day is None or day == desk.today:
        return desk.now.replace(second=0, microsecond=0)
    return localtime.at(day, NOON, desk.center.zone)


def _chair(desk: Desk, text: str) -> Chair | None:
    if not (text.isascii() and text.isdigit()):
        return None
    return Chair.objects.filter(pk=int(text), unit__center=desk.center).select_related("unit").first()
