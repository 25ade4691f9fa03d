"""The OpenAPI schema's common part, in one place: what can go wrong with every call, and the headers it takes."""

from __future__ import annotations

from typing import Any, Literal

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiResponse

from scheduler.api.replay import HEADER, LONGEST_KEY
from scheduler.api.shapes import ProblemOut

PROBLEM = "application/problem+json"
RETRY_AFTER = {
    "Retry-After": {"schema": {"type": "integer"}, "description": "Seconds.", "required": True},
}
# No key, no right, what only other formats than JSON would do for, too many calls, a database that is too busy.
ALWAYS = (401, 403, 406, 429, 503)
OF_A_BODY = (400, 411, 413, 415)
OF_A_KEY = (400, 409, 422)
WHEN_TO_COME_BACK = {"429", "503"}


class Described(AutoSchema):
    """What `extend_schema` says of one call, and what holds for all of them."""

    def _get_response_bodies(self, direction: Literal["request", "response"] = "response") -> dict[str, Any]:
        bodies = super()._get_response_bodies(direction)
        statuses = {*ALWAYS, *(OF_A_BODY if self.method in ("POST", "PATCH") else ())}
        statuses |= set(OF_A_KEY) if self._is_replayable else set()
        for status in map(str, sorted(statuses)):
            if status not in bodies:
                problem = OpenApiResponse(ProblemOut)
                bodies[status] = self._get_response_for_code(problem, status, [PROBLEM], direction)
        for status in WHEN_TO_COME_BACK & bodies.keys():
            bodies[status]["headers"] = RETRY_AFTER
        return dict(sorted(bodies.items()))

    def _get_parameters(self) -> list[dict[str, Any]]:
        parameters = super()._get_parameters()
        if self._is_replayable:
            parameters.append(
                {
                    "in": "header",
                    "name": HEADER,
                    "description": "The same key gives the first answer again, byte for byte, for seven days.",
                    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": "^[!-~]+$"},
                }
            )
        return parameters

    @property
    def _is_replayable(self) -> bool:
        return getattr(getattr(self.view, self.method.lower(), None), "is_replayable", False)


class _ClockSchema(OpenApiSerializerFieldExtension):
    """A day that ends at midnight ends at 24:00, which nobody asks for."""

    target_class = "scheduler.api.fields.Clock"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        midnight = "|24:00" if direction == "response" else ""
        return {"type": "string", "pattern": f"^(([01][0-9]|2[0-3]):[0-5][0-9]{midnight})$", "example": "10:00"}


class _ClosingClockSchema(OpenApiSerializerFieldExtension):
    target_class = "scheduler.api.fields.ClosingClock"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        return {"type": "string", "pattern": "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$", "example": "18:00"}


class _TextSchema(OpenApiSerializerFieldExtension):
    """Blanks alone are no text."""

    target_class = "scheduler.api.fields.Text"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        text: dict[str, Any] = auto_schema._map_serializer_field(self.target, direction, bypass_extensions=True)
        return text if self.target.allow_blank else text | {"minLength": 1, "pattern": r"\S"}


class _IdSchema(OpenApiSerializerFieldExtension):
    """Given out as numbers; taken as texts, too."""

    target_class = "scheduler.api.fields.Id"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        number = {"type": "integer", "format": "int64", "minimum": 0}
        if direction == "response":
            return number
        return {"oneOf": [number, {"type": "string", "pattern": "^[0-9]{1,18}$"}]}
