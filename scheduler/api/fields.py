"""What a value of a body or a query looks like. Strict: a wrong type is a mistake of the caller, never guessed at."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?P<seconds>:\d\d(\.\d{1,6})?)?(?P<offset>Z|[+-]\d\d:\d\d)?", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
_YEARS = range(2000, 2100)  # far from the ends of the calendar, where an offset would overflow it
BIGGEST_ID = 2**63 - 1

_MISSING: dict[str, Any] = {"required": _("This is missing."), "null": _("This can’t be null.")}


# Not "format": "date-time", for RFC 3339 would want the seconds.
@extend_schema_field(
    {
        "type": "string",
        "pattern": r"^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]"
        r"(:00(\.0{1,6})?)?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$",
        "example": "2027-03-13T09:00-05:00",
    }
)
class Moment(serializers.Field):
    """ISO 8601 with an offset, on a whole minute. Inside aware UTC, outside in the zone of the context's center."""

    default_error_messages = _MISSING | {
        "shape": _("A time is written as 2027-03-13T09:00-05:00."),
        "naive": _("A time needs its offset, such as 2027-03-13T09:00-05:00."),
        "seconds": _("Times are on whole minutes."),
        "none": _("There is no such time."),
        "far": _("This time is too far away."),
    }

    def to_internal_value(self, data: Any) -> datetime:
        found = _MOMENT.fullmatch(data) if isinstance(data, str) else None
        if found is None:
            self.fail("shape")
        if found["offset"] is None:
            self.fail("naive")
        try:
            moment = datetime.fromisoformat(data)
        except ValueError:
            self.fail("none")
        if moment.second or moment.microsecond:
            self.fail("seconds")
        if moment.year not in _YEARS:
            self.fail("far")
        return moment.astimezone(UTC)

    def to_representation(self, value: datetime) -> str:
        return value.astimezone(self.context["zone"]).isoformat(timespec="minutes")


@extend_schema_field({"type": "string", "format": "date"})
class Day(serializers.Field):
    """A local date, 2027-03-13."""

    default_error_messages = _MISSING | {
        "shape": _("A date is written as 2027-03-13."),
        "none": _("There is no such date."),
    }

    def to_internal_value(self, data: Any) -> date:
        if not isinstance(data, str) or not _DAY.fullmatch(data):
            self.fail("shape")
        try:
            return date.fromisoformat(data)
        except ValueError:
            self.fail("none")

    def to_representation(self, value: date) -> str:
        return value.isoformat()


class CalendarDay(Day):
    """A date of the schedule, near enough to have a local midnight in any zone."""

    def to_internal_value(self, data: Any) -> date:
        day = super().to_internal_value(data)
        if day.year not in _YEARS:
            self.fail("none")
        return day


class Clock(serializers.Field):
    """A wall-clock time of the center, "10:00"; inside the minute of the day, 600."""

    default_error_messages = _MISSING | {"shape": _("A time of the day is written as 10:00.")}

    def to_internal_value(self, data: Any) -> int:
        found = _CLOCK.fullmatch(data) if isinstance(data, str) else None
        if found is None:
            self.fail("shape")
        return int(found[1]) * 60 + int(found[2])

    def to_representation(self, value: int) -> str:
        return f"{value // 60:02}:{value % 60:02}"


class ClosingClock(Clock):
    """As `Clock`, and "24:00" for the midnight at a day's end, 1440."""

    def to_internal_value(self, data: Any) -> int:
        return 24 * 60 if data == "24:00" else super().to_internal_value(data)


class Text(serializers.CharField):
    """A text and nothing else: 7 is not "7"."""

    default_error_messages = _MISSING | {
        "invalid": _("This is a text."),
        "blank": _("This is empty."),
        "max_length": _("This is longer than {max_length} signs."),
    }

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Whole(serializers.IntegerField):
    """A whole number and nothing else: "7" and 7.0 are not 7."""

    default_error_messages = _MISSING | {
        "invalid": _("This is a whole number."),
        "min_value": _("This is at least {min_value}."),
        "max_value": _("This is at most {max_value}."),
    }

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("invalid")
        return data


class Count(Whole):
    """How many; services say what is too few or too many, this only keeps numbers within the database's reach."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"min_value": -32_768, "max_value": 32_767, **kwargs})


class Amount(serializers.DecimalField):
    """A number with at most three decimals; also as a text, so that no binary fraction creeps in."""

    default_error_messages = _MISSING | {"invalid": _("This is a number.")}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_digits": 8, "decimal_places": 3, "coerce_to_string": False, **kwargs})

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, bool):
            self.fail("invalid")
        return super().to_internal_value(data)

    def to_representation(self, value: Any) -> Any:
        return float(value)


class Flag(serializers.BooleanField):
    """True or false and nothing else."""

    default_error_messages = _MISSING | {"invalid": _("This is true or false.")}

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid")
        return data


class Choice(serializers.ChoiceField):
    default_error_messages = _MISSING | {"invalid_choice": _("This is one of: {known}.")}

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str) or data not in self.choices:
            self.fail("invalid_choice", known=", ".join(str(choice) for choice in self.choices))
        return data


class Id(serializers.Field):
    """An opaque id, as it was given out; as a text too, for clients that keep ids as texts."""

    default_error_messages = _MISSING | {"invalid": _("This is no id.")}

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, str) and data.isascii() and data.isdigit() and len(data) < 20:
            data = int(data)
        if not isinstance(data, int) or isinstance(data, bool) or not 0 <= data <= BIGGEST_ID:
            self.fail("invalid")
        return data

    def to_representation(self, value: int) -> int:
        return value


@extend_schema_field(
    {
        "oneOf": [
            {"type": "integer", "format": "int64", "minimum": 0},
            {"type": "string", "pattern": "^[-A-Za-z0-9_]{1,60}$"},
        ]
    }
)
class IdOrCode(Id):
    """An id, or the thing's code. A text of digits is an id."""

    default_error_messages = {"invalid": _("This is an id or a code.")}

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, str) and re.fullmatch(r"[-\w]{1,60}", data, re.ASCII) and not data.isdigit():
            return data
        return super().to_internal_value(data)


@extend_schema_field(
    {
        "oneOf": [
            {"type": "boolean"},
            {"type": "integer", "format": "int64", "minimum": 0},
            {"type": "string", "pattern": "^[0-9]{1,18}$"},
        ]
    }
)
class HoldField(Id):
    """true: only keep the place. An id: turn that hold into the booking."""

    default_error_messages = {"invalid": _("This is true, or the id of a hold.")}

    def to_internal_value(self, data: Any) -> Any:
        return data if isinstance(data, bool) else super().to_internal_value(data)
