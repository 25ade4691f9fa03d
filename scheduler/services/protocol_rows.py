"""One protocol of a library file, read strictly: an unknown field or a crooked value is said, never dropped.

The fields are those of models.Protocol; `center` is a center's code, or absent for all centers. Lengths are
minutes; `counts_in` is the unit of window, tolerance and minimum interval.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from scheduler.domain.errors import Malformed, gettext_noop
from scheduler.models import Center, Protocol

FIELDS = tuple(
    field.name for field in Protocol._meta.concrete_fields if field.name not in ("id", "center", "published_at")
)
REQUIRED = ("code", "name", "short_name", "abbreviation", "cadence_kind", "visit_minutes", "counts_in")
CADENCE_UNITS = {"once": ("days",), "calendar": ("days", "weeks", "months"), "elapsed": ("hours",)}
MINUTES_A_DAY = 24 * 60


def read(row: Any, number: int) -> Protocol:
    """An unsaved Protocol with what the row says. Raises Malformed with `number (code): field`."""
    if not isinstance(row, Mapping):
        raise Malformed(str(number), gettext_noop("a protocol is an object with fields."))
    where = f"{number} ({row.get('code', '?')})"
    for name in row:
        if name != "center" and name not in FIELDS:
            raise _wrong(where, name, gettext_noop("there is no such field."))
    for name in REQUIRED:
        if name not in row:
            raise _wrong(where, name, gettext_noop("it is needed."))
    values = {name: _value(where, name, row[name]) for name in FIELDS if name in row}
    protocol = Protocol(center=_center(where, row.get("center")), **values)
    check(protocol, where)
    return protocol


def check(protocol: Protocol, where: str) -> None:
    """Raise Malformed unless the protocol can be scheduled by: shapes, cadence, first lengths, sources."""
    _check_columns(protocol, where)
    units = CADENCE_UNITS[protocol.cadence_kind]
    if protocol.cadence_unit not in units:
        raise _wrong(where, "cadence_unit", gettext_noop("it is one of {allowed}."), allowed=", ".join(units))
    for name, is_right, sentence in _SHAPES:
        if not is_right(getattr(protocol, name)):
            raise _wrong(where, name, sentence)
    if protocol.default_doses and protocol.doses and protocol.default_doses not in protocol.doses:
        raise _wrong(where, "default_doses", gettext_noop("it is not among the doses."))
    if protocol.doses and not set(protocol.days.values()) <= set(protocol.doses):
        raise _wrong(where, "days", gettext_noop("each number of days leads to one of the doses."))
    if protocol.caps and not protocol.substance:
        raise _wrong(where, "substance", gettext_noop("caps count doses of a substance, so it is needed."))


def _check_columns(protocol: Protocol, where: str) -> None:
    try:
        protocol.clean_fields(exclude=["center"])
    except ValidationError as invalid:
        name, messages = next(iter(invalid.message_dict.items()))
        raise _wrong(where, name, "{reason}", reason=messages[0]) from invalid
    for constraint in Protocol._meta.constraints:
        if isinstance(constraint, models.CheckConstraint):
            try:
                constraint.validate(Protocol, protocol)
            except ValidationError as invalid:
                raise _wrong(where, _column_of(constraint), "{reason}", reason=invalid.messages[0]) from invalid


def _column_of(constraint: models.CheckConstraint) -> str:
    """The column that a condition speaks of first: `acuity` of acuity__gte=1."""
    assert isinstance(constraint.condition, models.Q)  # as all of Protocol's are
    lookup, _value = constraint.condition.deconstruct()[1][0]
    return str(lookup).partition("__")[0]


def _center(where: str, code: Any) -> Center | None:
    if code is None:
        return None
    center = Center.objects.filter(code=code).first() if isinstance(code, str) else None
    if center is None:
        raise _wrong(where, "center", gettext_noop("no center has this code."))
    return center


def _value(where: str, name: str, value: Any) -> Any:
    field = Protocol._meta.get_field(name)
    if value is None and not field.null:
        raise _wrong(where, name, gettext_noop("it cannot be empty."))
    if value is None or isinstance(field, models.JSONField):
        return value
    if isinstance(field, models.DecimalField):
        return _decimal(where, name, value)
    wanted: type = bool if isinstance(field, models.BooleanField) else str
    if isinstance(field, models.IntegerField):
        wanted = int
    if type(value) is not wanted:  # bool is an int to isinstance
        words = {bool: "true or false", int: "a whole number", str: "text"}
        raise _wrong(where, name, gettext_noop("it is {wanted}."), wanted=words[wanted])
    return value


def _decimal(where: str, name: str, value: Any) -> Decimal:
    # Text in the file, so that 0.1 mg stays 0.1 mg.
    try:
        amount = Decimal(value if isinstance(value, str) else str(value))
    except InvalidOperation:
        amount = Decimal(0)
    if isinstance(value, bool) or not amount.is_finite() or amount <= 0:
        raise _wrong(where, name, gettext_noop("it is an amount above 0."))
    return amount


def _wrong(where: str, name: str, sentence: str, **facts: Any) -> Malformed:
    return Malformed(f"{where}: {name}", sentence, **facts)


def _is_count(value: Any) -> bool:
    return type(value) is int and value > 0


def _are_doses(doses: Any) -> bool:
    return isinstance(doses, list) and all(map(_is_count, doses)) and doses == sorted(set(doses))


def _are_days(days: Any) -> bool:
    return isinstance(days, dict) and all(
        day.isdecimal() and int(day) > 0 and _is_count(doses) for day, doses in days.items()
    )


def _are_minutes_of_a_day(minutes: Any) -> bool:
    return (
        isinstance(minutes, list)
        and all(type(minute) is int and 0 <= minute < MINUTES_A_DAY for minute in minutes)
        and minutes == sorted(set(minutes))
        and (not minutes or minutes[0] == 0)
    )


def _are_caps(caps: Any) -> bool:
    return isinstance(caps, list) and all(
        isinstance(cap, dict)
        and set(cap) == {"counts", "limit", "within_minutes", "attestable", "source"}
        and cap["counts"] in ("doses", "mg")
        and type(cap["limit"]) in (int, float)
        and cap["limit"] > 0
        and _is_count(cap["within_minutes"])
        and type(cap["attestable"]) is bool
        and bool(cap["source"])
        for cap in caps
    )


def _are_components(components: Any) -> bool:
    return isinstance(components, list) and all(
        isinstance(component, dict)
        and set(component) - {"parallel"} == {"name", "dose", "minutes", "source"}
        and bool(component["name"])
        and type(component["minutes"]) is int
        and component["minutes"] >= 0
        and type(component.get("parallel", False)) is bool
        for component in components
    )


def _are_questions(checklist: Any) -> bool:
    return (
        isinstance(checklist, list)
        and all(
            isinstance(item, dict)
            and set(item) == {"code", "question", "needs_prescriber_if", "source"}
            and all(isinstance(text, str) and text for text in item.values())
            and item["needs_prescriber_if"] in ("yes", "no")
            for item in checklist
        )
        and len({item["code"] for item in checklist}) == len(checklist)
    )


def _are_sources(sources: Any) -> bool:
    return isinstance(sources, dict) and all(
        name in FIELDS and isinstance(source, str) and bool(source) for name, source in sources.items()
    )


_SHAPES: tuple[tuple[str, Callable[[Any], bool], str], ...] = (
    ("doses", _are_doses, gettext_noop("it is a rising list of whole numbers from 1.")),
    ("days", _are_days, gettext_noop("it leads from a number of days to a number of doses.")),
    ("cadence_within_day", _are_minutes_of_a_day, gettext_noop("it is a rising list of minutes from 0 on.")),
    (
        "caps",
        _are_caps,
        gettext_noop("each has counts (doses or mg), limit, within_minutes, attestable, source."),
    ),
    ("components", _are_components, gettext_noop("each has name, dose, minutes, source, perhaps parallel.")),
    (
        "checklist",
        _are_questions,
        gettext_noop("each has its own code, a question, needs_prescriber_if (yes or no) and a source."),
    ),
    ("sources", _are_sources, gettext_noop("it leads from a field to where its figure is from.")),
)
