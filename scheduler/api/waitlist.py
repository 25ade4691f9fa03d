"""Who wants an earlier slot for a booking that stands."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from scheduler.api import finding, shapes
from scheduler.api.bodies import Body, Query
from scheduler.api.fields import Choice, Id, Moment, Whole
from scheduler.api.replay import replayable
from scheduler.api.resource import Resource
from scheduler.models import WaitlistEntry
from scheduler.services import record, waitlist


class WaitlistBody(Body):
    appointment = Id(help_text="The booking she would rather have earlier.")
    earliest = Moment(required=False, help_text="From when she can come: now, where it is left out.")
    latest = Moment(required=False, help_text="Until when: the booking's start, where it is left out.")
    priority = Whole(required=False, default=0, min_value=0, max_value=2, help_text="2 is the most urgent.")
    weekdays = serializers.ListField(
        child=Whole(min_value=0, max_value=6), required=False, max_length=7, help_text="0 is Monday; all, if left out."
    )
    part = Choice(choices=("morning", "afternoon"), required=False, help_text="All day, where it is left out.")


class WaitlistQuery(Query):
    patient = Id(required=False)


class WaitlistOut(serializers.ModelSerializer):
    patient = Id(source="patient_id")
    visit = Id(source="visit_id", allow_null=True)
    appointment = Id(source="appointment_id", allow_null=True)
    earliest = Moment()
    latest = Moment()
    weekdays = serializers.ListField(child=serializers.IntegerField())
    part = serializers.CharField()
    offered_at = Moment(allow_null=True)
    offered_start = Moment(allow_null=True)
    created_at = Moment()

    class Meta:
        model = WaitlistEntry
        fields = [
            "id",
            "patient",
            "visit",
            "appointment",
            "earliest",
            "latest",
            "priority",
            "weekdays",
            "part",
            "offered_at",
            "offered_start",
            "created_at",
        ]


class Waitlist(Resource):
    needs = {"GET": "view-schedule", "POST": "book"}

    @extend_schema(
        operation_id="waitlist_list",
        parameters=[WaitlistQuery, *shapes.PAGING],
        responses={200: shapes.page_of(WaitlistOut, "WaitlistEntry")} | shapes.problems(400, 404),
    )
    def get(self, request: Request) -> Response:
        """Those who still wait, most urgent first, then longest."""
        asked = self.query(WaitlistQuery)
        rows = WaitlistEntry.objects.filter(center=self.center, closed_at__isnull=True).order_by(
            "-priority", "created_at", "pk"
        )
        if "patient" in asked:
            rows = rows.filter(patient=finding.patient(self.center, asked["patient"]))
        record.access(actor=self.actor, patient=asked.get("patient"), what="waitlist", now=self.now)
        return self.page(rows, WaitlistOut)

    @extend_schema(
        operation_id="waitlist_add",
        request=WaitlistBody,
        responses={201: WaitlistOut} | shapes.problems(400, 404, 409),
    )
    @replayable
    def post(self, request: Request) -> Response:
        """Put a booking on the list: she is asked, by mail or by a call, when an earlier place becomes free."""
        body = self.body(WaitlistBody)
        entry = waitlist.add(
            actor=self.actor,
            appointment=finding.appointment(self.center, body["appointment"]),
            earliest=body.get("earliest"),
            latest=body.get("latest"),
            priority=body["priority"],
            weekdays=body.get("weekdays", ()),
            part=body.get("part", ""),
            now=self.now,
        )
        return self.answer(entry, WaitlistOut, status=201)
