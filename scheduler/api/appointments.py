"""Appointments: hold or book, list, read. What happens to one afterwards is in appointment_actions.py."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_noop
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from scheduler.api import finding, shapes
from scheduler.api.bodies import Overridable, Query, override_of
from scheduler.api.errors import NotHere
from scheduler.api.fields import CalendarDay, Choice, Count, HoldField, Id, IdOrCode, Moment
from scheduler.api.replay import replayable
from scheduler.api.resource import Resource, etag
from scheduler.api.shapes import AppointmentOut
from scheduler.domain import lifecycle, localtime
from scheduler.domain.errors import Malformed
from scheduler.models import Appointment
from scheduler.queries import named
from scheduler.services import booking, record


class BookingBody(Overridable):
    """A `visit` of a course, a `protocol`, or plain `minutes`; `start` is when treatment starts. With the id of a
    hold whatever is left out is as it was held."""

    patient = Id(required=False)
    chair = Id(required=False)
    start = Moment(required=False)
    protocol = IdOrCode(required=False)
    minutes = Count(required=False)
    visit = Id(required=False)
    hold = HoldField(required=False, default=False)


@extend_schema_field({"type": "string", "example": "booked,arrived"})
class Statuses(serializers.Field):
    """One status, or several between commas."""

    def to_internal_value(self, data: Any) -> list[str]:
        one = Choice(choices=lifecycle.STATUSES)
        return [one.to_internal_value(part) for part in data.split(",")]

    def to_representation(self, value: list[str]) -> str:
        return ",".join(value)


class AppointmentQuery(Query):
    date = CalendarDay(required=False, help_text="Those that touch this local day.")
    unit = IdOrCode(required=False)
    chair = Id(required=False)
    patient = Id(required=False)
    status = Statuses(required=False)


class Appointments(Resource):
    needs = {"GET": "view-schedule", "POST": "book"}

    @extend_schema(
        operation_id="appointments_list",
        parameters=[AppointmentQuery, *shapes.PAGING],
        responses={200: shapes.page_of(AppointmentOut, "Appointment")} | shapes.problems(400, 404),
    )
    def get(self, request: Request) -> Response:
        """By start; also those that are cancelled or did not come, unless `status` says otherwise."""
        asked, center = self.query(AppointmentQuery), self.center
        rows = Appointment.objects.filter(center=center).order_by("start", "pk")
        if "date" in asked:
            day = localtime.day(asked["date"], center.zone)
            rows = rows.filter(start__lt=day.end, end__gt=day.start)
        if "unit" in asked:
            rows = rows.filter(unit=finding.unit(center, asked["unit"]))
        if "chair" in asked:
            rows = rows.filter(chair=finding.chair(center, asked["chair"]))
        patient = finding.patient(center, asked["patient"]) if "patient" in asked else None
        if patient is not None:
            rows = rows.filter(patient=patient)
        if "status" in asked:
            rows = rows.filter(status__in=asked["status"])
        record.access(actor=self.actor, patient=patient, what="appointments", now=self.now)
        return self.page(rows, AppointmentOut)

    @extend_schema(
        operation_id="appointments_book",
        request=BookingBody,
        responses={201: AppointmentOut} | shapes.problems(400, 404, 409, 503),
    )
    @replayable
    def post(self, request: Request) -> Response:
        """Book; or with `hold: true` only keep the place for five minutes; or turn a hold into the booking."""
        body = self.body(BookingBody)
        if body["hold"] is True:
            if "override" in body:
                raise Malformed(
                    "override", gettext_noop("A hold keeps a place; rules are set aside when it is booked.")
                )
            made = booking.hold(actor=self.actor, now=self.now, **self._what(body, None))
        else:
            hold = finding.appointment(self.center, body["hold"], "hold") if body["hold"] is not False else None
            made = booking.book(
                actor=self.actor, hold=hold, override=override_of(body), now=self.now, **self._what(body, hold)
            )
        response = self.created(made, AppointmentOut)
        response["ETag"] = etag(made)
        return response

    def _what(self, body: dict[str, Any], hold: Appointment | None) -> dict[str, Any]:
        """Place and treatment, what is left out taken from the hold."""
        rows = self._named(body)
        what: dict[str, Any] = {name: row for name, row in rows.items() if name != "protocol"}
        if "start" in body:
            what["start"] = body["start"]
        what |= self._treatment(body, rows, hold)
        if hold is not None:
            held = {"patient": hold.patient, "chair": hold.chair, "visit": hold.visit, "start": hold.start}
            what = held | what
        for name in ("chair", "start"):
            if name not in what:
                raise Malformed(name, gettext_noop("This is missing."))
        return what

    def _named(self, body: dict[str, Any]) -> dict[str, Any]:
        """The rows that the body names. Raises NotHere for the first that this center hasn't."""
        center = self.center
        asked = {name: body[name] for name in ("patient", "chair", "protocol") if isinstance(body.get(name), int)}
        known = named.find(center, **asked)
        found: dict[str, Any] = {}
        for name in ("patient", "chair", "visit", "protocol"):
            if name in asked:
                found[name] = getattr(known, name)
                if found[name] is None:
                    raise NotHere(name)
            elif name == "visit" and name in body:
                found[name] = finding.visit(center, body[name])
            elif name == "protocol" and name in body:
                found[name] = finding.protocol(center, body[name])
        return found

    def _treatment(self, body: dict[str, Any], rows: dict[str, Any], hold: Appointment | None) -> dict[str, Any]:
        """`protocol` or `minutes`. One that contradicts another is refused: nobody knows which was meant."""
        protocol, visit = rows.get("protocol"), rows.get("visit")
        minutes = body.get("minutes")
        finding.check_one_length(protocol, minutes, visit)
        if hold is not None and protocol is None and minutes is None and visit is None:
            if hold.protocol is not None:
                return {"protocol": hold.protocol}
            return {"minutes": int((hold.end - hold.start).total_seconds() // 60)}
        return {"protocol": protocol, "minutes": minutes}


class OneAppointment(Resource):
    needs = {"GET": "view-schedule"}

    @extend_schema(operation_id="appointments_read", responses={200: AppointmentOut} | shapes.problems(404))
    def get(self, request: Request, pk: int) -> Response:
        """One booking. Its ETag goes into `If-Match` of what changes it."""
        found = finding.from_url(finding.appointment, self.center, pk)
        record.access(actor=self.actor, patient=found.patient_id, what="appointment", now=self.now)
        response = self.answer(found, AppointmentOut)
        response["ETag"] = etag(found)
        return response
