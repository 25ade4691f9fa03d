"""Managers write closures and shifts, and publish a day's shifts. Reading them is in setup.py."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from scheduler.api import finding, shapes
from scheduler.api.bodies import Body
from scheduler.api.fields import CalendarDay, Choice, Count, Flag, Id, IdOrCode, Moment, Text
from scheduler.api.replay import replayable
from scheduler.api.resource import Resource, as_asked, tagged
from scheduler.api.setup import ClosureOut, Closures, ShiftOut, Shifts, list_of, one_of
from scheduler.models import Closure, Shift
from scheduler.queries import closures as closed
from scheduler.queries import day
from scheduler.services import setup, staffing
from scheduler.services.setup import ClosureFacts
from scheduler.services.staffing import BreakFacts, ShiftFacts

EDIT = "edit-setup"
OUTAGE = "note-outage"  # a chair out of service, a nurse absent today: services/setup.py and staffing.py tell


class ChangedClosureBody(Body):
    kind = Choice(choices=Closure.Kind.choices, required=False)
    unit = IdOrCode(required=False, allow_null=True)
    chair = Id(required=False, allow_null=True)
    start = Moment(required=False)
    end = Moment(required=False)
    reason = Text(max_length=120, required=False)


class ClosureBody(ChangedClosureBody):
    """Of a `chair`, a `unit`, or, without both, of the whole center. Kind "open" is a unit's extra opening."""

    kind = Choice(choices=Closure.Kind.choices, required=False, default="closed")
    start = Moment()
    end = Moment()
    reason = Text(max_length=120)


class WrittenClosureOut(ClosureOut):
    affected = shapes.AppointmentOut(many=True, help_text="Bookings that lie in it; each is on the worklist, too.")

    class Meta(ClosureOut.Meta):
        fields = [*ClosureOut.Meta.fields, "affected"]


class BreakBody(Body):
    start = Moment()
    end = Moment()
    covered_by = Id(required=False, allow_null=True, help_text="The nurse who watches her patients meanwhile.")


class ChangedShiftBody(Body):
    nurse = Id(required=False)
    unit = IdOrCode(required=False)
    start = Moment(required=False)
    end = Moment(required=False)
    patients = Count(min_value=0, required=False)
    acuity = Count(min_value=0, required=False)
    breaks = serializers.ListField(
        child=BreakBody(), required=False, max_length=12, help_text="Where given, these replace all of them."
    )


class ShiftBody(ChangedShiftBody):
    nurse = Id()
    unit = IdOrCode()
    start = Moment()
    end = Moment()


class PublishBody(Body):
    unit = IdOrCode()
    date = CalendarDay()
    published = Flag(required=False, default=True, help_text="false: the weekday's pattern counts again.")


class PublishedOut(serializers.Serializer):
    """The unit's local day; `version` is what the schedule's ETag says."""

    unit = Id(source="unit_id")
    date = serializers.DateField()
    published = serializers.BooleanField(source="shifts_published")
    version = serializers.IntegerField()
    shifts = ShiftOut(many=True)


class ClosureList(list_of(Closures, "closures")):  # type: ignore[misc]  # a class made from its description
    needs = Closures.needs | {"POST": (EDIT, OUTAGE)}

    @extend_schema(
        operation_id="closures_add",
        request=ClosureBody,
        responses={201: WrittenClosureOut} | shapes.problems(400, 404, 409),
    )
    @replayable
    def post(self, request: Request) -> Response:
        """Close, or open out of hours. Bookings that lie there stay, and are `affected`."""
        facts = _closure_facts(self, self.body(ClosureBody), None)
        made = setup.add_closure(actor=self.actor, center=self.center, facts=facts, now=self.now)
        response = _written(self, made, status=201)
        response["Location"] = self.location(made.pk)
        return response


class OneClosure(one_of(Closures, "closures")):  # type: ignore[misc]
    needs = Closures.needs | {"PATCH": (EDIT, OUTAGE), "DELETE": (EDIT, OUTAGE)}

    @extend_schema(
        operation_id="closures_change",
        parameters=[shapes.IF_MATCH],
        request=ChangedClosureBody,
        responses={200: WrittenClosureOut} | shapes.problems(400, 404, 409, 412),
    )
    def patch(self, request: Request, pk: int) -> Response:
        """Change what the body names."""
        row = self.found(pk)
        facts = _closure_facts(self, self.body(ChangedClosureBody), row)
        as_asked(request, self.tag(row))  # the service refuses what has changed since this reading
        changed = setup.change_closure(actor=self.actor, closure=row, facts=facts, now=self.now)
        return tagged(_written(self, changed), self.tag(changed))

    @extend_schema(
        operation_id="closures_remove",
        parameters=[shapes.IF_MATCH],
        request=None,
        responses={204: None} | shapes.problems(404, 409, 412),
    )
    def delete(self, request: Request, pk: int) -> Response:
        """Open again; or end an extra opening, which is refused while bookings lie in it."""
        row = self.found(pk)
        as_asked(request, self.tag(row))
        setup.remove_closure(actor=self.actor, closure=row, now=self.now)
        return Response(status=204)


class ShiftList(list_of(Shifts, "shifts")):  # type: ignore[misc]
    needs = Shifts.needs | {"POST": EDIT}

    @extend_schema(
        operation_id="shifts_add", request=ShiftBody, responses={201: ShiftOut} | shapes.problems(400, 404, 409)
    )
    @replayable
    def post(self, request: Request) -> Response:
        """Counts once its day is published."""
        facts = _shift_facts(self, self.body(ShiftBody), None)
        return self.created(staffing.add_shift(actor=self.actor, facts=facts, now=self.now), ShiftOut)


class OneShift(one_of(Shifts, "shifts")):  # type: ignore[misc]
    needs = Shifts.needs | {"PATCH": (EDIT, OUTAGE), "DELETE": (EDIT, OUTAGE)}

    @extend_schema(
        operation_id="shifts_change",
        parameters=[shapes.IF_MATCH],
        request=ChangedShiftBody,
        responses={200: ShiftOut} | shapes.problems(400, 404, 409, 412),
    )
    def patch(self, request: Request, pk: int) -> Response:
        """Change what the body names."""
        row = self.found(pk)
        facts = _shift_facts(self, self.body(ChangedShiftBody), row)
        as_asked(request, self.tag(row))
        changed = staffing.change_shift(actor=self.actor, shift=row, facts=facts, now=self.now)
        return tagged(self.answer(changed, ShiftOut), self.tag(changed))

    @extend_schema(
        operation_id="shifts_remove",
        parameters=[shapes.IF_MATCH],
        request=None,
        responses={204: None} | shapes.problems(404, 409, 412),
    )
    def delete(self, request: Request, pk: int) -> Response:
        """She doesn't come. What the others then can't carry is on the worklist."""
        row = self.found(pk)
        as_asked(request, self.tag(row))
        staffing.remove_shift(actor=self.actor, shift=row, now=self.now)
        return Response(status=204)


class PublishShifts(Resource):
    needs = {"POST": EDIT}

    @extend_schema(
        operation_id="shifts_publish",
        request=PublishBody,
        responses={200: PublishedOut} | shapes.problems(400, 404),
    )
    @replayable
    def post(self, request: Request) -> Response:
        """From now on this day's shifts count, and no longer the weekday's pattern. Overloads are on the worklist."""
        body = self.body(PublishBody)
        unit = finding.unit(self.center, body["unit"])
        row = staffing.publish_shifts(
            actor=self.actor, unit=unit, day=body["date"], is_published=body["published"], now=self.now
        )
        row.shifts = day.shifts(unit=unit, date=row.date)  # type: ignore[attr-defined]  # what the shape shows
        return self.answer(row, PublishedOut)


def _written(resource: Resource, row: Closure, status: int = 200) -> Response:
    hits = closed.hits(resource.center, [row], resource.now) if row.kind == Closure.Kind.CLOSED else []
    row.affected = [hit.appointment for hit in hits]  # type: ignore[attr-defined]  # what the shape shows
    return resource.answer(row, WrittenClosureOut, status=status)


def _closure_facts(resource: Resource, body: dict[str, Any], row: Closure | None) -> ClosureFacts:
    """What the body leaves out is as in `row`; another unit without a chair is meant for the whole unit."""
    center = resource.center
    unit, chair = (row.unit, row.chair) if row is not None else (None, None)
    if "unit" in body:
        unit, chair = (finding.unit(center, body["unit"]) if body["unit"] is not None else None), None
    if "chair" in body:
        chair = finding.chair(center, body["chair"]) if body["chair"] is not None else None
    kept: dict[str, Any] = (
        {"start": row.starts_at, "end": row.ends_at, "reason": row.reason, "kind": row.kind} if row else {}
    )
    said = kept | body
    return ClosureFacts(
        start=said["start"],
        end=said["end"],
        reason=said["reason"],
        unit=unit,
        chair=chair,
        is_open=said["kind"] == Closure.Kind.OPEN,
    )


def _shift_facts(resource: Resource, body: dict[str, Any], row: Shift | None) -> ShiftFacts:
    center = resource.center
    said: dict[str, Any] = {}
    if row is not None:
        said = {"nurse": row.nurse, "unit": row.unit, "start": row.starts_at, "end": row.ends_at}
        said |= {"patients": row.patients, "acuity": row.acuity}
        said["breaks"] = [BreakFacts(each.starts_at, each.ends_at, each.covered_by) for each in row.breaks.all()]
    said |= {name: body[name] for name in ("start", "end", "patients", "acuity") if name in body}
    if "nurse" in body:
        said["nurse"] = finding.nurse(center, body["nurse"])
    if "unit" in body:
        said["unit"] = finding.unit(center, body["unit"])
    if "breaks" in body:
        said["breaks"] = [
            BreakFacts(
                each["start"],
                each["end"],
                finding.nurse(center, each["covered_by"], "breaks") if each.get("covered_by") is not None else None,
            )
            for each in body["breaks"]
        ]
    return ShiftFacts(**said)
