"""Looking for free places, best first. A POST: it may name a patient."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from scheduler.api import finding, shapes
from scheduler.api.bodies import Body
from scheduler.api.fields import Count, Id, IdOrCode, Moment
from scheduler.api.resource import Resource
from scheduler.queries.slots import slots


class SlotSearchBody(Body):
    """`protocol`, or `minutes`, or the `visit` that needs a place. Starts lie in `[from, to)`, at most 100 days."""

    protocol = IdOrCode(required=False)
    minutes = Count(required=False)
    unit = IdOrCode(required=False)
    patient = Id(required=False)
    visit = Id(required=False)
    to = Moment()
    limit = Count(required=False, default=10)

    def get_fields(self) -> dict[str, serializers.Field]:
        return super().get_fields() | {"from": Moment()}


class SlotSearchOut(serializers.Serializer):
    slots = shapes.SlotOut(many=True)
    refusals = shapes.RefusalOut(many=True, help_text="Why there are none.")
    alternatives = shapes.SlotOut(many=True, help_text="The nearest ones, where there are none.")


class Slots(Resource):
    needs = {"POST": "book"}

    @extend_schema(request=SlotSearchBody, responses={200: SlotSearchOut} | shapes.problems(400, 404))
    def post(self, request: Request) -> Response:
        """Places that pass every rule, best first; where there are none, why, and the nearest ones."""
        body = self.body(SlotSearchBody)
        named = self._named(body)
        finding.check_one_length(named.get("protocol"), body.get("minutes"), named.get("visit"))
        found = slots(
            center=self.center,
            from_=body["from"],
            to=body["to"],
            minutes=body.get("minutes"),
            limit=body["limit"],
            now=self.now,
            **named,
        )
        zone = self.center.zone
        return Response(
            {
                "slots": [shapes.slot(each, zone) for each in found.slots],
                "refusals": [refusal.as_json(_) for refusal in found.refusals],
                "alternatives": [shapes.slot(each, zone) for each in found.alternatives],
            }
        )

    def _named(self, body: dict[str, Any]) -> dict[str, Any]:
        finders = {
            "protocol": finding.protocol,
            "unit": finding.unit,
            "patient": finding.patient,
            "visit": finding.visit,
        }
        return {name: find(self.center, body[name]) for name, find in finders.items() if name in body}
