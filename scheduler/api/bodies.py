"""Bodies and queries: their shape only. What they mean is checked where it is decided, in the services."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from scheduler.api.fields import CalendarDay, Count, Id, Moment, Text
from scheduler.services.settle import Override

UNKNOWN = _("There is no such field.")


class Body(serializers.Serializer):
    """An object with these fields and no others: a typo must not be ignored."""

    default_error_messages = {"invalid": _("This is an object with names and values.")}

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            unknown = sorted(set(data) - set(self.fields))
            if unknown:
                # As ASCII: a name may hold signs that no answer could carry back.
                names = [name.encode("ascii", "backslashreplace").decode()[:60] for name in unknown]
                raise serializers.ValidationError({name: [UNKNOWN] for name in names})
        return super().to_internal_value(data)


class Query(Body):
    """The parameters behind `?`: ids, dates and statuses only. Each is there once or not at all."""


class Nothing(Body):
    """An empty body."""


class Reason(Body):
    reason = Text(max_length=200, help_text="Why; it goes on record.")


class OptionalReason(Body):
    reason = Text(max_length=200, required=False, default="", allow_blank=True)


class OverrideBody(Body):
    codes = serializers.ListField(child=Text(max_length=40), allow_empty=False, max_length=10)
    reason = Text(max_length=200)


class Overridable(Body):
    override = OverrideBody(required=False, help_text="Soft rules to set aside, and why.")


class PlacementBody(Body):
    ordinal = Count(min_value=1)
    chair = Id()
    start = Moment()


class OrderBody(Body):
    reference = Text(max_length=60, required=False, allow_blank=True)
    prescriber = Text(max_length=120, required=False, allow_blank=True)

    def get_fields(self) -> dict[str, serializers.Field]:
        return super().get_fields() | _range()


class AuthorizationBody(Body):
    reference = Text(max_length=60, required=False, allow_blank=True)
    visits = Count(min_value=1, required=False, allow_null=True)

    def get_fields(self) -> dict[str, serializers.Field]:
        return super().get_fields() | _range()


class AttestationBody(Body):
    """A prescriber's word for what a label's cap forbids: who, when, which order."""

    prescriber = Text(max_length=120)
    at = Moment()
    reference = Text(max_length=60)


def _range() -> dict[str, serializers.Field]:
    """`from` is a word of Python, so it can't be declared as an attribute. Both days are local and inclusive."""
    return {"from": CalendarDay(required=False, allow_null=True), "until": CalendarDay(required=False, allow_null=True)}


def override_of(body: dict[str, Any]) -> Override | None:
    asked = body.get("override")
    return Override(codes=frozenset(asked["codes"]), reason=asked["reason"]) if asked else None
