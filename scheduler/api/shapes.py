"""What answers look like: serializers that only render, and are the OpenAPI schema's source."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, inline_serializer
from rest_framework import serializers

from scheduler.api.fields import Id, Moment
from scheduler.models import Appointment
from scheduler.queries.search import Slot


def moment(value: datetime, zone: ZoneInfo) -> str:
    """ISO 8601 with the zone's offset, to the minute."""
    return value.astimezone(zone).isoformat(timespec="minutes")


def slot(found: Slot, zone: ZoneInfo) -> dict[str, Any]:
    """A place that passes every rule, as `SlotOut` describes it."""
    return {
        "unit": found.unit,
        "chair": found.chair.id,
        "chair_name": found.chair.name,
        "start": moment(found.start, zone),
        "end": moment(found.end, zone),
        "score": round(found.score, 3),
        "reasons": [reason.say(_) for reason in found.reasons],
    }


class SlotOut(serializers.Serializer):
    unit = Id()
    chair = Id()
    chair_name = serializers.CharField()
    start = Moment()
    end = Moment()
    score = serializers.FloatField(help_text="Lower is better.")
    reasons = serializers.ListField(child=serializers.CharField())


class RefusalOut(serializers.Serializer):
    code = serializers.CharField(help_text="The rule's own name, such as chair_is_free.")
    detail = serializers.CharField()
    facts = serializers.DictField()
    hard = serializers.BooleanField(help_text="A hard rule is never set aside.")


class WrongFieldOut(serializers.Serializer):
    field = serializers.CharField()
    detail = serializers.CharField()


class ProblemOut(serializers.Serializer):
    """RFC 9457. `field` names what is wrong in a body or query (400, 404); `proposals` come with a refused move."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField()
    detail = serializers.CharField()
    field = serializers.CharField(required=False)
    refusals = RefusalOut(many=True)
    alternatives = SlotOut(many=True)
    errors = WrongFieldOut(many=True, required=False)  # type: ignore[assignment]  # a field, not what is wrong with it
    proposals = serializers.ListField(child=serializers.DictField(), required=False)


class AppointmentOut(serializers.ModelSerializer):
    """A booking. `[start, end)` is treatment; the chair is taken `prep_minutes` before and for observation and
    turnover after."""

    unit = Id(source="unit_id")
    chair = Id(source="chair_id")
    patient = Id(source="patient_id", allow_null=True)
    protocol = Id(source="protocol_id", allow_null=True)
    visit = Id(source="visit_id", allow_null=True)
    start = Moment()
    end = Moment()
    hold_expires_at = Moment(allow_null=True)
    confirmed_at = Moment(allow_null=True)
    arrived_at = Moment(allow_null=True)
    checked_in_at = Moment(allow_null=True)
    actual_start = Moment(allow_null=True)
    actual_end = Moment(allow_null=True)
    phase_at = Moment(allow_null=True)
    override = serializers.JSONField(allow_null=True)

    class Meta:
        model = Appointment
        fields = [
            "id",
            "status",
            "phase",
            "unit",
            "chair",
            "patient",
            "protocol",
            "visit",
            "start",
            "end",
            "prep_minutes",
            "observation_minutes",
            "turnover_minutes",
            "hold_expires_at",
            "confirmed_at",
            "arrived_at",
            "checked_in_at",
            "phase_at",
            "actual_start",
            "actual_end",
            "outcome",
            "reason",
            "override",
            "version",
        ]
        read_only_fields = fields

    def to_representation(self, instance: Appointment) -> dict[str, Any]:
        """What the fields above say, written out: to build them anew for each answer took longer than the check of
        every rule. A test holds the two against each other."""
        zone: ZoneInfo = self.context["zone"]
        return {name: _plain(getattr(instance, at), zone) for name, at in _APPOINTMENT.items()}


_APPOINTMENT = {
    name: f"{name}_id" if name in ("unit", "chair", "patient", "protocol", "visit") else name
    for name in AppointmentOut.Meta.fields
}


def _plain(value: Any, zone: ZoneInfo) -> Any:
    return moment(value, zone) if isinstance(value, datetime) else value


class VisitOut(serializers.Serializer):
    """A dose that is due; its treatment may start in `[window_start, window_end)`. `appointment` is the booking that
    stands for it, `refusals` say why it has none."""

    id = Id()
    ordinal = serializers.IntegerField()
    due = Moment()
    window_start = Moment()
    window_end = Moment()
    state = serializers.CharField()
    reason = serializers.CharField()
    appointment = Id(allow_null=True)
    chair = Id(allow_null=True)
    start = Moment(allow_null=True)
    end = Moment(allow_null=True)
    refusals = RefusalOut(many=True)


class RangeOut(serializers.Serializer):
    start = Moment()
    end = Moment()


# Beside a list's own parameters; resource.Pages reads them.
PAGING = [
    OpenApiParameter("page", int, description="From 1."),
    OpenApiParameter("page_size", int, description="At most 200; 50 where it is left out."),
]

IF_MATCH = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, description="The ETag last read; 412 where it has changed since."
)


def page_of(shape: type[serializers.BaseSerializer], name: str) -> serializers.Serializer:
    """The schema of one page of a list."""
    return inline_serializer(
        name=f"{name}Page",
        fields={
            "count": serializers.IntegerField(),
            "next": serializers.URLField(allow_null=True),
            "previous": serializers.URLField(allow_null=True),
            "results": shape(many=True),
        },
    )


def problems(*statuses: int) -> dict[tuple[int, str], OpenApiResponse]:
    """What can go wrong with this call; schema.py adds what can with all of them."""
    return {(status, "application/problem+json"): OpenApiResponse(ProblemOut) for status in statuses}
