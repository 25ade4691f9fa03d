"""Courses: preview, start, read, change, pause, resume, discontinue; and waiving one visit."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from scheduler.api import course_shapes, finding, shapes
from scheduler.api.bodies import OptionalReason, Reason, override_of
from scheduler.api.course_bodies import ChangedCourseBody, CourseBody, NewCourseBody, details, request_of
from scheduler.api.replay import replayable
from scheduler.api.resource import Resource, etag, version_asked
from scheduler.domain.errors import Malformed, Refused
from scheduler.models import Course
from scheduler.queries.course_request import CourseRequest
from scheduler.queries.plan import preview
from scheduler.services import course_details, courses, record, versions
from scheduler.services.courses import Placement


class Preview(Resource):
    needs = {"POST": "edit-courses"}

    @extend_schema(request=CourseBody, responses={200: course_shapes.PreviewOut} | shapes.problems(400, 404))
    def post(self, request: Request) -> Response:
        """The visits a course would have, each with its place and why there, or why none. Writes nothing."""
        asked = request_of(self.body(CourseBody), self.center)
        found = preview(center=self.center, request=asked, now=self.now)
        record.access(actor=self.actor, patient=asked.patient, what="course-preview", now=self.now)
        return Response(course_shapes.plan(found, self.center.zone))


class Courses(Resource):
    needs = {"POST": "edit-courses"}

    @extend_schema(
        request=NewCourseBody, responses={201: course_shapes.CourseOut} | shapes.problems(400, 404, 409, 503)
    )
    @replayable
    def post(self, request: Request) -> Response:
        """Start a course. Its visits get their places within seconds, or at once from `placements`: all or none."""
        body = self.body(NewCourseBody)
        asked = request_of(body, self.center)
        try:
            made = courses.create(
                actor=self.actor,
                center=self.center,
                request=asked,
                placements=[
                    Placement(
                        place["ordinal"], finding.chair(self.center, place["chair"], "placements").pk, place["start"]
                    )
                    for place in body.get("placements", [])
                ],
                override=override_of(body),
                now=self.now,
            )
        except Refused as refused:
            raise self._with_places(refused, asked) from None
        response = _read(self, made.pk, status=201)
        response["Location"] = self.location(made.pk)
        return response

    def _with_places(self, refused: Refused, asked: CourseRequest) -> Refused:
        """Beside each visit that was refused where the preview puts it now."""
        visits = preview(center=self.center, request=asked, now=self.now).visits
        ordinals = {refusal.facts.get("ordinal", 1) for refusal in refused.refusals}
        found = [visit.slot for visit in visits if visit.ordinal in ordinals and visit.slot is not None]
        return Refused(refused.refusals, alternatives=refused.alternatives or found)


class OneCourse(Resource):
    needs = {"GET": "view-patients", "PATCH": "edit-courses"}

    @extend_schema(responses={200: course_shapes.CourseOut} | shapes.problems(404))
    def get(self, request: Request, pk: int) -> Response:
        """A course with its visits."""
        found = finding.from_url(finding.course, self.center, pk)
        record.access(actor=self.actor, patient=found.patient_id, what="course", now=self.now)
        return _answer(self, found)

    @extend_schema(
        request=ChangedCourseBody,
        parameters=[shapes.IF_MATCH],
        responses={200: course_shapes.CourseOut} | shapes.problems(400, 404, 409, 412),
    )
    def patch(self, request: Request, pk: int) -> Response:
        """Change wishes, order, authorisation or attestation; or, with `protocol` alone, amend to its newer version."""
        found = finding.from_url(finding.course, self.center, pk)
        body = self.body(ChangedCourseBody)
        versions.unchanged(
            course=found, version=version_asked(request, found), change=self._change(found, body), now=self.now
        )
        return _read(self, pk)

    def _change(self, found: Course, body: dict[str, Any]) -> Callable[[], Course]:
        common: dict[str, Any] = {"actor": self.actor, "course": found, "now": self.now}
        if "protocol" not in body:
            return partial(course_details.change, changes=details(body, self.center), **common)
        if set(body) - {"protocol", "reason"}:
            raise Malformed("protocol", gettext_noop("Amend the protocol by itself, with a reason."))
        protocol = finding.protocol(self.center, body["protocol"])
        return partial(courses.amend, protocol=protocol, reason=body.get("reason", ""), **common)


class _End(Resource):
    """Pause, resume, discontinue: the answer says what happens to booked visits."""

    needs = {"POST": "edit-courses"}

    def change(self, service: Callable[..., Course], pk: int, reason: str, effect: str) -> Response:
        found = finding.from_url(finding.course, self.center, pk)
        before = course_shapes.live_bookings(found)
        versions.unchanged(
            course=found,
            version=version_asked(self.request, found),
            change=partial(service, actor=self.actor, course=found, reason=reason, now=self.now),
            now=self.now,
        )
        zone = self.center.zone
        now_there = finding.course(self.center, pk)
        after = course_shapes.live_bookings(now_there)
        gone = [row for visit, row in before.items() if visit not in after]
        count = ngettext("%(count)s booking was cancelled.", "%(count)s bookings were cancelled.", len(gone))
        said = f"{count % {'count': len(gone)}} {effect}" if gone else effect
        more = {"cancelled": course_shapes.cancelled(gone, zone), "effect": said}
        return _answer(self, now_there, more)


class Pause(_End):
    @extend_schema(
        request=Reason,
        parameters=[shapes.IF_MATCH],
        responses={200: course_shapes.EndedCourseOut} | shapes.problems(400, 404, 409, 412),
    )
    @replayable
    def post(self, request: Request, pk: int) -> Response:
        """Put on hold: bookings that have not begun are cancelled."""
        reason = self.body(Reason)["reason"]
        return self.change(courses.pause, pk, reason, _("Its visits wait until the course is resumed."))


class Resume(_End):
    @extend_schema(
        request=OptionalReason,
        parameters=[shapes.IF_MATCH],
        responses={200: course_shapes.EndedCourseOut} | shapes.problems(400, 404, 409, 412),
    )
    @replayable
    def post(self, request: Request, pk: int) -> Response:
        """Active again."""
        reason = self.body(OptionalReason)["reason"]
        return self.change(courses.resume, pk, reason, _("Its visits get places again within seconds."))


class Discontinue(_End):
    @extend_schema(
        request=Reason,
        parameters=[shapes.IF_MATCH],
        responses={200: course_shapes.EndedCourseOut} | shapes.problems(400, 404, 409, 412),
    )
    @replayable
    def post(self, request: Request, pk: int) -> Response:
        """End it for good: bookings that have not begun are cancelled, visits not done are waived."""
        reason = self.body(Reason)["reason"]
        return self.change(courses.discontinue, pk, reason, _("Visits that are not done are waived."))


class Waive(Resource):
    needs = {"POST": "edit-courses"}

    @extend_schema(request=Reason, responses={200: shapes.VisitOut} | shapes.problems(400, 404, 409))
    @replayable
    def post(self, request: Request, pk: int) -> Response:
        """This dose will not be given. Its booking is cancelled; nothing else moves."""
        found = finding.from_url(finding.visit, self.center, pk)
        waived = courses.waive(actor=self.actor, visit=found, reason=self.body(Reason)["reason"], now=self.now)
        return Response(course_shapes.visit(waived, self.center.zone))


def _read(resource: Resource, pk: int, status: int = 200) -> Response:
    return _answer(resource, finding.course(resource.center, pk), status=status)


def _answer(resource: Resource, row: Course, more: dict[str, Any] | None = None, status: int = 200) -> Response:
    body = course_shapes.course(row, resource.center.zone) | (more or {})
    return Response(body, status=status, headers={"ETag": etag(row)})
