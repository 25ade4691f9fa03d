"""Managers write the rest of the set-up: the center, its units, chairs, nurses and protocols. Closures and shifts are
in setup_changes.py, reading is in setup.py."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from django.db import models
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from scheduler.api import finding, setup, shapes
from scheduler.api.bodies import Body
from scheduler.api.fields import Amount, Choice, Clock, ClosingClock, Count, Flag, IdOrCode, Text, Whole
from scheduler.api.replay import replayable
from scheduler.api.resource import as_asked, tagged
from scheduler.api.setup import list_of, one_of
from scheduler.models import Nurse, Protocol
from scheduler.models.places import ChairKind
from scheduler.services import nurses, places, protocol_rows, protocols

EDIT = "edit-setup"
MOST_RANGES = 28  # four a day


class HoursBody(Body):
    """Wall-clock `[opens, closes)` of a weekday, 0 is Monday; "24:00" is midnight at its end."""

    weekday = Whole(min_value=0, max_value=6)
    opens = Clock()
    closes = ClosingClock()


class PatternBody(HoursBody):
    nurses = Whole(min_value=0, max_value=100)
    patients = Whole(min_value=0, max_value=1_000)
    acuity = Whole(min_value=0, max_value=10_000)


class CenterBody(Body):
    name = Text(max_length=120, required=False)
    mail_name = Text(max_length=120, required=False, help_text="In mails: it must not hint at the treatment.")
    phone = Text(max_length=40, required=False)
    address = Text(max_length=200, required=False, allow_blank=True)
    reminder_days = serializers.ListField(child=Whole(min_value=1, max_value=30), required=False, max_length=5)
    reminder_at = Clock(required=False, source="reminder_minute", help_text="Between 07:00 and 21:00.")
    quiet_from = Clock(required=False, help_text="From then on nothing leaves; reminders leave before.")
    quiet_until = Clock(required=False, help_text="The same as `quiet_from`: at any time.")
    country = Text(max_length=2, required=False, help_text="US, say: how phone numbers without + are read.")
    no_show_after_minutes = Whole(min_value=1, max_value=1_440, required=False)


class ChangedUnitBody(Body):
    name = Text(max_length=80, required=False)
    position = Whole(min_value=0, max_value=1_000, required=False)
    opening_hours = serializers.ListField(
        child=HoursBody(), required=False, max_length=MOST_RANGES, help_text="Where given, these replace all of them."
    )
    staffing = serializers.ListField(
        child=PatternBody(), required=False, max_length=MOST_RANGES, help_text="Where given, these replace all of them."
    )


class UnitBody(ChangedUnitBody):
    code = Text(max_length=40)
    name = Text(max_length=80)


class ChangedChairBody(Body):
    name = Text(max_length=40, required=False)
    kind = Choice(choices=ChairKind.choices, required=False)
    position = Whole(min_value=0, max_value=1_000, required=False)
    is_active = Flag(required=False, help_text="For good; for some days there are closures.")


class ChairBody(Body):
    unit = IdOrCode()
    name = Text(max_length=40)
    kind = Choice(choices=ChairKind.choices, required=False, default="recliner")
    position = Whole(min_value=0, max_value=1_000, required=False, default=0)


class NurseBody(Body):
    name = Text(max_length=80)


class ChangedNurseBody(Body):
    name = Text(max_length=80, required=False)
    is_active = Flag(required=False)


class ProtocolBody(Body):
    """One version, for this center alone. Lengths are minutes; window, tolerance and minimum interval are in
    `counts_in`; `sources` says where each figure is from. Published at once, and never changed."""

    def get_fields(self) -> dict[str, serializers.Field]:
        return {name: _protocol_field(name) for name in protocol_rows.FIELDS}


def _protocol_field(name: str) -> serializers.Field:
    column = Protocol._meta.get_field(name)
    assert isinstance(column, models.Field)
    common: dict[str, Any] = {"required": name in protocol_rows.REQUIRED}
    if isinstance(column, models.JSONField):
        if name in ("doses", "cadence_within_day"):
            return serializers.ListField(child=Count(), max_length=100, **common)
        if column.default is list:
            return serializers.ListField(child=serializers.DictField(), max_length=100, **common)
        return serializers.DictField(child=Count() if name == "days" else Text(max_length=400), **common)
    if isinstance(column, models.BooleanField):
        return Flag(**common)
    common["allow_null"] = column.null
    if isinstance(column, models.DecimalField):
        return Amount(**common)
    if isinstance(column, models.IntegerField):
        return Whole(min_value=0, max_value=2**31 - 1, **common)
    return Text(max_length=column.max_length, allow_blank=column.blank, **common)


class OneCenter(one_of(setup.Centers, "centers")):  # type: ignore[misc]  # a class made from its description
    needs = setup.Centers.needs | {"PATCH": EDIT}

    @extend_schema(
        operation_id="centers_change",
        parameters=[shapes.IF_MATCH],
        request=CenterBody,
        responses={200: setup.CenterOut} | shapes.problems(400, 404, 412),
    )
    def patch(self, request: Request, pk: int) -> Response:
        """Change what the body names. Unsent reminders follow."""
        row = self.found(pk)
        body = self.body(CenterBody)
        as_read = as_asked(request, self.tag(row))
        row = places.change_center(actor=self.actor, center=row, changes=body, as_read=as_read, now=self.now)
        return tagged(self.answer(row, setup.CenterOut), self.tag(row))


class UnitList(list_of(setup.Units, "units")):  # type: ignore[misc]
    needs = setup.Units.needs | {"POST": EDIT}

    @extend_schema(
        operation_id="units_add", request=UnitBody, responses={201: setup.UnitOut} | shapes.problems(400, 409)
    )
    @replayable
    def post(self, request: Request) -> Response:
        """A new unit, with its hours and what its nurses can do on each weekday."""
        body = _with_hours(self.body(UnitBody))
        row = places.add_unit(actor=self.actor, center=self.center, now=self.now, **body)
        return tagged(self.created(self.found(row.pk), setup.UnitOut), self.tag(self.found(row.pk)))


class OneUnit(one_of(setup.Units, "units")):  # type: ignore[misc]
    needs = setup.Units.needs | {"PATCH": EDIT}

    @extend_schema(
        operation_id="units_change",
        parameters=[shapes.IF_MATCH],
        request=ChangedUnitBody,
        responses={200: setup.UnitOut} | shapes.problems(400, 404, 409, 412),
    )
    def patch(self, request: Request, pk: int) -> Response:
        """Change what the body names. Hours that would leave bookings outside are refused, and name them."""
        row = self.found(pk)
        body = _with_hours(self.body(ChangedUnitBody))
        as_read = as_asked(request, self.tag(row))
        hours = {name: body.pop(name, None) for name in ("opening_hours", "staffing")}
        places.change_unit(actor=self.actor, unit=row, changes=body, as_read=as_read, now=self.now, **hours)
        row = self.found(pk)
        return tagged(self.answer(row, setup.UnitOut), self.tag(row))


class ChairList(list_of(setup.Chairs, "chairs")):  # type: ignore[misc]
    needs = setup.Chairs.needs | {"POST": EDIT}

    @extend_schema(
        operation_id="chairs_add", request=ChairBody, responses={201: setup.ChairOut} | shapes.problems(400, 404, 409)
    )
    @replayable
    def post(self, request: Request) -> Response:
        """A new chair, bed or room; it can be booked at once."""
        body = self.body(ChairBody)
        unit = finding.unit(self.center, body.pop("unit"))
        row = places.add_chair(actor=self.actor, unit=unit, now=self.now, **body)
        return tagged(self.created(row, setup.ChairOut), self.tag(row))


class OneChair(one_of(setup.Chairs, "chairs")):  # type: ignore[misc]
    needs = setup.Chairs.needs | {"PATCH": EDIT}

    @extend_schema(
        operation_id="chairs_change",
        parameters=[shapes.IF_MATCH],
        request=ChangedChairBody,
        responses={200: setup.ChairOut} | shapes.problems(400, 404, 409, 412),
    )
    def patch(self, request: Request, pk: int) -> Response:
        """Change what the body names. Refused while bookings are kept there that could then not be."""
        row = self.found(pk)
        body = self.body(ChangedChairBody)
        as_read = as_asked(request, self.tag(row))
        row = places.change_chair(actor=self.actor, chair=row, changes=body, as_read=as_read, now=self.now)
        return tagged(self.answer(row, setup.ChairOut), self.tag(row))


class NurseList(list_of(setup.Nurses, "nurses")):  # type: ignore[misc]
    needs = setup.Nurses.needs | {"POST": EDIT}

    @extend_schema(operation_id="nurses_add", request=NurseBody, responses={201: setup.NurseOut} | shapes.problems(400))
    @replayable
    def post(self, request: Request) -> Response:
        """A nurse who can be given shifts."""
        row: Nurse = nurses.add_nurse(actor=self.actor, center=self.center, now=self.now, **self.body(NurseBody))
        return tagged(self.created(row, setup.NurseOut), self.tag(row))


class OneNurse(one_of(setup.Nurses, "nurses")):  # type: ignore[misc]
    needs = setup.Nurses.needs | {"PATCH": EDIT}

    @extend_schema(
        operation_id="nurses_change",
        parameters=[shapes.IF_MATCH],
        request=ChangedNurseBody,
        responses={200: setup.NurseOut} | shapes.problems(400, 404, 409, 412),
    )
    def patch(self, request: Request, pk: int) -> Response:
        """Change what the body names. Who has shifts to come still works here (409)."""
        row = self.found(pk)
        body = self.body(ChangedNurseBody)
        as_read = as_asked(request, self.tag(row))
        row = nurses.change_nurse(actor=self.actor, nurse=row, changes=body, as_read=as_read, now=self.now)
        return tagged(self.answer(row, setup.NurseOut), self.tag(row))


class ProtocolList(list_of(setup.Protocols, "protocols")):  # type: ignore[misc]
    needs = setup.Protocols.needs | {"POST": EDIT}

    @extend_schema(
        operation_id="protocols_add",
        request=ProtocolBody,
        responses={201: setup.ProtocolOut} | shapes.problems(400, 409),
    )
    @replayable
    def post(self, request: Request) -> Response:
        """Publish a version for this center. Running courses stay on theirs until somebody amends them."""
        row = protocols.add(actor=self.actor, center=self.center, row=self.body(ProtocolBody), now=self.now)
        return self.created(row, setup.ProtocolOut)


def _with_hours(body: dict[str, Any]) -> dict[str, Any]:
    """The ranges as the service's own values."""
    for name, shape in (("opening_hours", places.HoursFacts), ("staffing", places.PatternFacts)):
        if name in body:
            known = {field.name for field in fields(shape)}
            body[name] = [shape(**{key: each[key] for key in known}) for each in body[name]]
    return body
