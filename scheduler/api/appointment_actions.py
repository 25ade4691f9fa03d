"""What happens to a booking: each call is one service. `If-Match` with the ETag guards against an older reading."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_noop
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from scheduler.api import finding, shapes
from scheduler.api.bodies import Body, Nothing, OptionalReason, Overridable, Reason, override_of
from scheduler.api.fields import Choice, Flag, Id, Moment, Text
from scheduler.api.replay import replayable
from scheduler.api.resource import Resource, etag, version_asked
from scheduler.api.shapes import AppointmentOut
from scheduler.domain import lifecycle
from scheduler.domain.errors import Malformed
from scheduler.models import Appointment
from scheduler.services import attendance, booking, undo

OUTCOMES = ("given", "partial", "not-given")


class MoveBody(Overridable):
    """`chair`, `start`, or both."""

    chair = Id(required=False)
    start = Moment(required=False)
    accept_following = Flag(
        required=False, default=False, help_text="Move the later visits as the `proposals` of the 409 say, too."
    )


class SwapBody(Overridable):
    """`appointment`: the booking that changes places with this one."""

    appointment = Id()


class StartBody(Body):
    actual_start = Moment(required=False, help_text="Now, where it is left out.")


class CompleteBody(Body):
    actual_start = Moment(required=False)
    actual_end = Moment(required=False)
    outcome = Choice(choices=OUTCOMES, required=False, default="given")
    reason = Text(max_length=200, required=False, default="", allow_blank=True)


class PhaseBody(Body):
    phase = Choice(choices=lifecycle.PHASES)


class Action(Resource):
    """POST to `/appointments/{id}/NAME/`. `role_action` is what the role must be allowed to do."""

    shape: type[Body] = Nothing
    role_action = "book"

    def act(self, appointment: Appointment, body: dict[str, Any], common: dict[str, Any]) -> Appointment:
        raise NotImplementedError

    def may(self, appointment: Appointment) -> str:
        return self.role_action

    def post(self, request: Request, pk: int) -> Response:
        self.need(self.role_action)
        appointment = finding.from_url(finding.appointment, self.center, pk)
        self.need(self.may(appointment))
        body = self.body(self.shape)
        common = {
            "actor": self.actor,
            "appointment": appointment,
            "version": version_asked(request, appointment),
            "now": self.now,
        }
        self.act(appointment, body, common)
        changed = finding.appointment(self.center, pk)
        response = self.answer(changed, AppointmentOut)
        response["ETag"] = etag(changed)
        return response


class Move(Action):
    """To another chair, another start, or both. Where later visits of the course would no longer fit, the 409 has
    `proposals` for them."""

    shape = MoveBody

    def act(self, appointment: Appointment, body: dict[str, Any], common: dict[str, Any]) -> Appointment:
        if "chair" not in body and "start" not in body:
            raise Malformed("start", gettext_noop("Say which chair or which start it moves to."))
        chair = finding.chair(self.center, body["chair"]) if "chair" in body else None
        return booking.move(
            chair=chair,
            start=body.get("start"),
            accept_following=body["accept_following"],
            override=override_of(body),
            **common,
        )


class Swap(Action):
    """Change places with another booking, both or neither: each gets the other's chair and start and keeps its own
    length."""

    shape = SwapBody

    def act(self, appointment: Appointment, body: dict[str, Any], common: dict[str, Any]) -> Appointment:
        other = finding.appointment(self.center, body["appointment"])
        return booking.swap(other=other, override=override_of(body), **common)


class Cancel(Action):
    """Free the place; a visit of a course goes back to unplaced."""

    shape = Reason

    def act(self, appointment: Appointment, body: dict[str, Any], common: dict[str, Any]) -> Appointment:
        return booking.cancel(reason=body["reason"], **common)


class Reopen(Action):
    """Book a cancelled or missed one again at its old place."""

    shape = Overridable

    def act(self, appointment: Appointment, body: dict[str, Any], common: dict[str, Any]) -> Appointment:
        return booking.reopen(override=override_of(body), **common)


class Confirm(Action):
    """The patient said that she comes."""

    def act(self, appointment: Appointment, body: dict[str, Any], common: dict[str, Any]) -> Appointment:
        return booking.confirm(**common)


class Arrive(Action):
    """She is here."""

    role_action = "attend"

    def act(self, appointment: Appointment, body: dict[str, Any], common: dict[str, Any]) -> Appointment:
        return attendance.arrive(**common)


class CheckIn(Action):
    """Her papers are done."""

    role_action = "attend"

    def act(self, appointment: Appointment, body: dict[str, Any], common: dict[str, Any]) -> Appointment:
        return attendance.check_in(**common)


class NoShow(Action):
    """She did not come; the place is free again."""

    role_action, shape = "attend", OptionalReason

    def act(self, appointment: Appointment, body: dict[str, Any], common: dict[str, Any]) -> Appointment:
        return attendance.no_show(reason=body["reason"], **common)


class Start(Action):
    """Treatment has begun."""

    role_action, shape = "treat", StartBody

    def act(self, appointment: Appointment, body: dict[str, Any], common: dict[str, Any]) -> Appointment:
        return attendance.start(actual_start=body.get("actual_start"), **common)


class Phase(Action):
    """The nurses' finer steps."""

    role_action, shape = "treat", PhaseBody

    def act(self, appointment: Appointment, body: dict[str, Any], common: dict[str, Any]) -> Appointment:
        return attendance.set_phase(phase=body["phase"], **common)


class Complete(Action):
    """The visit is over. What was not given, or only partly, needs a reason."""

    role_action, shape = "treat", CompleteBody

    def act(self, appointment: Appointment, body: dict[str, Any], common: dict[str, Any]) -> Appointment:
        return attendance.complete(**body, **common)


class Undo(Action):
    """Take the last change back. Needs what that change needed."""

    def may(self, appointment: Appointment) -> str:
        change = undo.last_change(appointment)
        return ACTIONS.get(change.verb, Action).role_action if change is not None else self.role_action

    def act(self, appointment: Appointment, body: dict[str, Any], common: dict[str, Any]) -> Appointment:
        return undo.undo(**common)


ACTIONS: dict[str, type[Action]] = {
    "move": Move,
    "swap": Swap,
    "cancel": Cancel,
    "reopen": Reopen,
    "confirm": Confirm,
    "arrive": Arrive,
    "check-in": CheckIn,
    "start": Start,
    "complete": Complete,
    "no-show": NoShow,
    "phase": Phase,
    "undo": Undo,
}

for _name, _view in ACTIONS.items():
    _description = extend_schema(
        operation_id=f"appointments_{_name.replace('-', '_')}",
        description=_view.__doc__,
        request=_view.shape,
        parameters=[shapes.IF_MATCH],
        responses={200: AppointmentOut} | shapes.problems(400, 404, 409, 412, 503),
    )
    _view.post = _description(  # type: ignore[method-assign]
        replayable(lambda self, request, pk: Action.post(self, request, pk))
    )
