"""Courses as answers: what is planned, what stands."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from rest_framework import serializers

from scheduler.api import shapes
from scheduler.api.bodies import AttestationBody, AuthorizationBody, OrderBody
from scheduler.api.fields import Amount, Clock, Id, Moment
from scheduler.domain import lifecycle
from scheduler.domain.errors import fill
from scheduler.models import Appointment, Course, Visit
from scheduler.queries.plan import CourseAlternative, CoursePlan
from scheduler.queries.planned import VisitPlan


class PlacementOut(serializers.Serializer):
    chair = Id()
    chair_name = serializers.CharField()
    start = Moment()
    end = Moment()


class PlannedVisitOut(serializers.Serializer):
    ordinal = serializers.IntegerField()
    due = Moment()
    window_start = Moment()
    window_end = Moment()
    placement = PlacementOut(allow_null=True)
    reasons = serializers.ListField(child=serializers.CharField())
    refusals = shapes.RefusalOut(many=True)
    alternatives = shapes.SlotOut(many=True)


class CourseAlternativeOut(serializers.Serializer):
    """Another unit, start or protocol with which the whole course would fit."""

    kind = serializers.ChoiceField(choices=["unit", "start", "protocol"])
    unit = Id()
    unit_name = serializers.CharField()
    protocol = Id()
    protocol_code = serializers.CharField()
    start = Moment()
    chair = Id(allow_null=True)
    chair_name = serializers.CharField()
    detail = serializers.CharField()


class PreviewOut(serializers.Serializer):
    fits = serializers.BooleanField(help_text="Every visit has a place.")
    visits = PlannedVisitOut(many=True)
    refusals = shapes.RefusalOut(many=True)
    alternatives = CourseAlternativeOut(many=True)


def plan(found: CoursePlan, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "fits": found.fits,
        "visits": [_planned(visit, zone) for visit in found.visits],
        "refusals": [refusal.as_json(_) for refusal in found.refusals],
        "alternatives": [_alternative(each, zone) for each in found.alternatives],
    }


def _planned(visit: VisitPlan, zone: ZoneInfo) -> dict[str, Any]:
    where, draft = visit.slot, visit.draft
    placement = None
    if where is not None:
        placement = {
            "chair": where.chair.id,
            "chair_name": where.chair.name,
            "start": shapes.moment(where.start, zone),
            "end": shapes.moment(where.end, zone),
        }
    return {
        "ordinal": visit.ordinal,
        "due": shapes.moment(draft.due, zone),
        "window_start": shapes.moment(draft.window.start, zone),
        "window_end": shapes.moment(draft.window.end, zone),
        "placement": placement,
        "reasons": visit.reasons(_),
        "refusals": [refusal.as_json(_) for refusal in visit.refusals],
        "alternatives": [shapes.slot(each, zone) for each in visit.alternatives],
    }


def _alternative(found: CourseAlternative, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "kind": found.kind,
        "unit": found.unit.pk,
        "unit_name": found.unit.name,
        "protocol": found.protocol.pk,
        "protocol_code": found.protocol.code,
        "start": shapes.moment(found.start, zone),
        "chair": found.chair.id if found.chair is not None else None,
        "chair_name": found.chair.name if found.chair is not None else "",
        "detail": fill(_(found.sentence), found.facts),
    }


class CancelledOut(serializers.Serializer):
    visit = Id()
    appointment = Id()
    start = Moment()


class CourseOut(serializers.Serializer):
    """`placement` is pending until a place has been looked for each visit; what has none then says why."""

    id = Id()
    status = serializers.CharField()
    status_reason = serializers.CharField()
    patient = Id()
    protocol = Id()
    protocol_code = serializers.CharField()
    protocol_version = serializers.IntegerField()
    unit = Id()
    start = Moment()
    doses = serializers.IntegerField(allow_null=True, help_text="null: open-ended")
    dose_mg = Amount(allow_null=True)
    indication = serializers.CharField()
    preferred_time = Clock(allow_null=True)
    preferred_part = serializers.CharField()
    preferred_weekdays = serializers.ListField(child=serializers.IntegerField())
    preferred_chair = Id(allow_null=True)
    order = OrderBody()
    authorization = AuthorizationBody()
    attestation = AttestationBody(allow_null=True)
    placement = serializers.ChoiceField(choices=["pending", "done"])
    version = serializers.IntegerField()
    visits = shapes.VisitOut(many=True)


class EndedCourseOut(CourseOut):
    cancelled = CancelledOut(many=True, help_text="The bookings that this cancelled.")
    effect = serializers.CharField(help_text="What happened to the booked visits, in a sentence.")


def course(row: Course, zone: ZoneInfo) -> dict[str, Any]:
    """The course with its visits and their bookings, in two queries."""
    visits = list(Visit.objects.filter(course=row).order_by("ordinal"))
    booked = live_bookings(row)
    waiting = any(visit.state == "unplaced" and visit.tried_at is None and not visit.reason for visit in visits)
    return {
        "id": row.pk,
        "status": row.status,
        "status_reason": row.status_reason,
        "patient": row.patient_id,
        "protocol": row.protocol_id,
        "protocol_code": row.protocol.code,
        "protocol_version": row.protocol.version,
        "unit": row.unit_id,
        "start": shapes.moment(row.start, zone),
        "doses": row.doses,
        "dose_mg": float(row.dose_mg) if row.dose_mg is not None else None,
        "indication": row.indication,
        "preferred_time": _clock(row.preferred_minute),
        "preferred_part": row.preferred_part,
        "preferred_weekdays": row.preferred_weekdays,
        "preferred_chair": row.preferred_chair_id,
        "order": {
            "reference": row.order_reference,
            "prescriber": row.prescriber,
            "from": row.order_from,
            "until": row.order_until,
        },
        "authorization": {
            "reference": row.authorization_reference,
            "from": row.authorization_from,
            "until": row.authorization_until,
            "visits": row.authorization_visits,
        },
        "attestation": _attestation(row, zone),
        "placement": "pending" if waiting and row.status == "active" else "done",
        "version": row.version,
        "visits": [_visit(visit, booked.get(visit.pk), zone) for visit in visits],
    }


def live_bookings(row: Course) -> dict[int, Appointment]:
    """By visit, the booking that stands for it."""
    live = Appointment.objects.filter(visit__course=row, status__in=lifecycle.LIVE)
    return {each.visit_id: each for each in live if each.visit_id is not None}


def visit(row: Visit, zone: ZoneInfo) -> dict[str, Any]:
    booking = Appointment.objects.filter(visit=row, status__in=lifecycle.LIVE).first()
    return _visit(row, booking, zone)


def _visit(row: Visit, booking: Appointment | None, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "id": row.pk,
        "ordinal": row.ordinal,
        "due": shapes.moment(row.due, zone),
        "window_start": shapes.moment(row.window_start, zone),
        "window_end": shapes.moment(row.window_end, zone),
        "state": row.state,
        "reason": row.reason,
        "appointment": booking.pk if booking is not None else None,
        "chair": booking.chair_id if booking is not None else None,
        "start": shapes.moment(booking.start, zone) if booking is not None else None,
        "end": shapes.moment(booking.end, zone) if booking is not None else None,
        "refusals": row.refusals,
    }


def cancelled(rows: Iterable[Appointment], zone: ZoneInfo) -> list[dict[str, Any]]:
    return [{"visit": row.visit_id, "appointment": row.pk, "start": shapes.moment(row.start, zone)} for row in rows]


def _attestation(row: Course, zone: ZoneInfo) -> dict[str, Any] | None:
    if not row.is_attested:
        return None
    at: datetime = row.attested_at  # type: ignore[assignment]  # is_attested says so
    return {"prescriber": row.attested_by, "at": shapes.moment(at, zone), "reference": row.attestation_reference}


def _clock(minute: int | None) -> str | None:
    return Clock().to_representation(minute) if minute is not None else None
