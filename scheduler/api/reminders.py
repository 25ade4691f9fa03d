"""The ledger: what was or will be told to whom about which appointment time. Addresses and words are not in it."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from scheduler.api import finding, shapes
from scheduler.api.bodies import Query
from scheduler.api.fields import Choice, Id, Moment
from scheduler.api.resource import Resource
from scheduler.models import LedgerEntry
from scheduler.services import record


class ReminderQuery(Query):
    appointment = Id(required=False)
    course = Id(required=False)
    patient = Id(required=False)
    state = Choice(choices=LedgerEntry.State.values, required=False)


class ReminderOut(serializers.ModelSerializer):
    """`due` is when it leaves, `done_at` when it did; `appointment_start` is the time it tells about."""

    patient = Id(source="patient_id")
    appointment = Id(source="appointment_id", allow_null=True)
    course = Id(source="course_id", allow_null=True)
    appointment_start = Moment(allow_null=True)
    due = Moment()
    done_at = Moment(allow_null=True)

    class Meta:
        model = LedgerEntry
        fields = [
            "id",
            "kind",
            "channel",
            "state",
            "patient",
            "appointment",
            "course",
            "appointment_start",
            "offset_days",
            "due",
            "done_at",
            "attempts",
        ]


class Reminders(Resource):
    needs = {"GET": "view-schedule"}

    @extend_schema(
        operation_id="reminders_list",
        parameters=[ReminderQuery, *shapes.PAGING],
        responses={200: shapes.page_of(ReminderOut, "Reminder")} | shapes.problems(400, 404),
    )
    def get(self, request: Request) -> Response:
        """By when they are due."""
        asked = self.query(ReminderQuery)
        rows = LedgerEntry.objects.filter(center=self.center).order_by("due", "pk")
        finders = {"appointment": finding.appointment, "course": finding.course, "patient": finding.patient}
        for name, find in finders.items():
            if name in asked:
                rows = rows.filter(**{name: find(self.center, asked[name])})
        if "state" in asked:
            rows = rows.filter(state=asked["state"])
        record.access(actor=self.actor, patient=asked.get("patient"), what="reminders", now=self.now)
        return self.page(rows, ReminderOut)
