"""One unit on one day, and what needs a person: the two readings that staff work from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from scheduler.api import finding, shapes
from scheduler.api.bodies import Query
from scheduler.api.fields import CalendarDay, Choice, Id, IdOrCode, Moment
from scheduler.api.resource import Resource
from scheduler.api.setup import BreakOut, ClosureOut
from scheduler.models import Shift
from scheduler.queries import day, worklist
from scheduler.services import record


class DayQuery(Query):
    date = CalendarDay(required=False, help_text="The center's today, where it is left out.")
    unit = IdOrCode()


class StayOut(serializers.Serializer):
    """A course that keeps its chair over `[start, end)`, which may begin before the day and end after it."""

    course = Id(source="course.pk")
    patient = Id(source="course.patient_id")
    start = Moment(source="interval.start")
    end = Moment(source="interval.end")


class ChairDayOut(serializers.Serializer):
    id = Id(source="chair.pk")
    name = serializers.CharField(source="chair.name")
    kind = serializers.CharField(source="chair.kind")
    is_active = serializers.BooleanField(source="chair.is_active")
    closures = ClosureOut(many=True)
    stays = StayOut(many=True)
    appointments = shapes.AppointmentOut(many=True)


class DayShiftOut(serializers.Serializer):
    id = Id()
    start = Moment(source="starts_at")
    end = Moment(source="ends_at")
    patients = serializers.IntegerField()
    acuity = serializers.IntegerField()
    breaks = BreakOut(many=True)


class NurseDayOut(serializers.Serializer):
    id = Id()
    name = serializers.CharField()
    shifts = DayShiftOut(many=True)


class QuarterOut(serializers.Serializer):
    """From `start`, fifteen minutes: what the nurses have to do, and what they can."""

    start = Moment()
    patients = serializers.IntegerField(source="load.patients")
    acuity = serializers.IntegerField(source="load.acuity")
    starts = serializers.IntegerField(source="load.starts")
    nurses = serializers.IntegerField(source="can.nurses")
    can_patients = serializers.IntegerField(source="can.patients")
    can_acuity = serializers.IntegerField(source="can.acuity")

    def to_representation(self, instance: day.QuarterHour) -> dict[str, Any]:
        """What the fields above say, written out, for there are a hundred of them. A test holds the two together."""
        load, can = instance.load, instance.can
        return {
            "start": shapes.moment(instance.start, self.context["zone"]),
            "patients": load.patients,
            "acuity": load.acuity,
            "starts": load.starts,
            "nurses": can.nurses,
            "can_patients": can.patients,
            "can_acuity": can.acuity,
        }


class DayOut(serializers.Serializer):
    """`open` is when the unit takes people on this local day, closures taken off."""

    date = serializers.DateField()
    unit = Id(source="unit.pk")
    unit_name = serializers.CharField(source="unit.name")
    time_zone = serializers.CharField(source="unit.center.time_zone")
    version = serializers.IntegerField()
    open = shapes.RangeOut(many=True)
    closures = ClosureOut(many=True)
    chairs = ChairDayOut(many=True)
    load = QuarterOut(many=True, source="quarters")


class WholeDayOut(DayOut):
    nurses = NurseDayOut(many=True)


class Schedule(Resource):
    needs = {"GET": "view-schedule"}

    @extend_schema(parameters=[DayQuery], responses={200: WholeDayOut} | shapes.problems(400, 404))
    def get(self, request: Request) -> Response:
        """The whole day of a unit. The ETag changes with every change of the day."""
        asked = self.query(DayQuery)
        unit = finding.unit(self.center, asked["unit"])
        date = asked.get("date") or self.now.astimezone(self.center.zone).date()
        found = day.schedule(unit=unit, date=date, now=self.now, is_drawn=False)
        record.access(actor=self.actor, patient=None, what="schedule", now=self.now)
        body = dict(DayOut(found, context=self.zoned).data)
        body["nurses"] = self._nurses(day.shifts(unit=unit, date=date))
        return Response(body, headers={"ETag": f'"{found.version}"'})

    def _nurses(self, shifts: Sequence[Shift]) -> list[dict[str, Any]]:
        by_nurse: dict[int, dict[str, Any]] = {}
        for shift in shifts:
            nurse = by_nurse.setdefault(shift.nurse_id, {"id": shift.nurse_id, "name": shift.nurse.name, "shifts": []})
            nurse["shifts"].append(DayShiftOut(shift, context=self.zoned).data)
        return list(by_nurse.values())


class WorklistQuery(Query):
    kind = Choice(choices=worklist.KINDS, required=False)


class WorklistItemOut(serializers.Serializer):
    """`key` stays the same for as long as the cause lasts."""

    key = serializers.CharField()
    kind = serializers.CharField()
    urgency = serializers.ChoiceField(choices=worklist.URGENCIES)
    title = serializers.CharField()
    detail = serializers.CharField()
    when = Moment()
    patient = Id(source="patient_id", allow_null=True)
    course = Id(source="course_id", allow_null=True)
    visit = Id(source="visit_id", allow_null=True)
    appointment = Id(source="appointment_id", allow_null=True)
    unit = Id(source="unit_id", allow_null=True)
    refusals = shapes.RefusalOut(many=True)
    claimed = serializers.SerializerMethodField()
    snoozed_until = Moment(allow_null=True)

    def get_claimed(self, item: worklist.WorklistItem) -> bool:
        return item.claimed_by is not None


class Worklist(Resource):
    needs = {"GET": "view-schedule"}

    @extend_schema(
        parameters=[WorklistQuery, *shapes.PAGING],
        responses={200: shapes.page_of(WorklistItemOut, "WorklistItem")} | shapes.problems(400),
    )
    def get(self, request: Request) -> Response:
        """What needs a person, most urgent first. Its sentences name patients."""
        self.need("view-patients")
        asked = self.query(WorklistQuery)
        found = worklist.items(center=self.center, now=self.now)
        if "kind" in asked:
            found = [item for item in found if item.kind == asked["kind"]]
        record.access(actor=self.actor, patient=None, what="worklist", now=self.now)
        return self.page(found, WorklistItemOut)
