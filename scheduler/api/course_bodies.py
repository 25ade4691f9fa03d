"""What is asked for when a course is previewed, started or changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from scheduler.api import finding
from scheduler.api.bodies import AttestationBody, AuthorizationBody, Body, OrderBody, Overridable, PlacementBody
from scheduler.api.fields import Amount, Choice, Clock, Count, Flag, Id, IdOrCode, Moment, Text
from scheduler.models import Center
from scheduler.queries.course_request import MOST_DOSES, PARTS, CourseRequest


class Wishes(Body):
    """What can be changed later, too."""

    preferred_time = Clock(required=False, allow_null=True)
    preferred_part = Choice(choices=PARTS, required=False)
    preferred_weekdays = serializers.ListField(child=Count(), required=False, max_length=7, help_text="0 is Monday.")
    preferred_chair = Id(required=False, allow_null=True)
    order = OrderBody(required=False)
    authorization = AuthorizationBody(required=False)
    attestation = AttestationBody(required=False)
    indication = Text(max_length=120, required=False, allow_blank=True)


class CourseBody(Wishes):
    """`doses` or `days`; neither means the protocol's own number."""

    patient = Id()
    protocol = IdOrCode(help_text="An id, or a code: then its newest published version.")
    unit = IdOrCode()
    start = Moment()
    doses = Count(required=False)
    days = Count(required=False)
    open_ended = Flag(required=False, default=False)
    dose_mg = Amount(required=False, allow_null=True)


class NewCourseBody(CourseBody, Overridable):
    placements = serializers.ListField(
        child=PlacementBody(),
        required=False,
        max_length=MOST_DOSES,
        help_text="From a preview: all of these are booked, or nothing is written.",
    )


class ChangedCourseBody(Wishes):
    """`protocol` amends the course to a newer version of its protocol, and needs a `reason`."""

    protocol = IdOrCode(required=False)
    reason = Text(max_length=200, required=False)


# The body's names, and those of models.Course.
_WISHES = {
    "preferred_time": "preferred_minute",
    "preferred_part": "preferred_part",
    "preferred_weekdays": "preferred_weekdays",
    "indication": "indication",
}
_PAPERS = {
    "order": {
        "reference": "order_reference",
        "prescriber": "prescriber",
        "from": "order_from",
        "until": "order_until",
    },
    "authorization": {
        "reference": "authorization_reference",
        "from": "authorization_from",
        "until": "authorization_until",
        "visits": "authorization_visits",
    },
    "attestation": {"prescriber": "attested_by", "at": "attested_at", "reference": "attestation_reference"},
}


def details(body: Mapping[str, Any], center: Center) -> dict[str, Any]:
    """The wishes, order, authorisation and attestation that the body names, as models.Course calls them. Raises
    NotHere for a chair that is not in the center."""
    found = {name: body[asked] for asked, name in _WISHES.items() if asked in body}
    for part, names in _PAPERS.items():
        found |= {names[asked]: value for asked, value in body.get(part, {}).items()}
    if "preferred_chair" in body:
        pk = body["preferred_chair"]
        found["preferred_chair"] = finding.chair(center, pk, "preferred_chair") if pk is not None else None
    return found


def request_of(body: Mapping[str, Any], center: Center) -> CourseRequest:
    """Raises NotHere for what is not in the center."""
    return CourseRequest(
        patient=finding.patient(center, body["patient"]),
        protocol=finding.protocol(center, body["protocol"]),
        unit=finding.unit(center, body["unit"]),
        start=body["start"],
        doses=body.get("doses"),
        days=body.get("days"),
        is_open_ended=body["open_ended"],
        dose_mg=body.get("dose_mg"),
        **details(body, center),
    )
