"""Everything that goes wrong, as `application/problem+json` (RFC 9457): the one translation of errors into answers."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from math import ceil
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.response import Response

from scheduler.api import shapes
from scheduler.api.authentication import actor_of, membership_of
from scheduler.domain.errors import Busy, Forbidden, Malformed, NotFound, Refused, Stale, Unavailable
from scheduler.models import Membership
from scheduler.services import failures, record
from scheduler.services.idempotency import KeyReused, StillInFlight
from scheduler.services.locking import went_away

log = logging.getLogger(__name__)

PROBLEM = "application/problem+json"
RETRY_AFTER_SECONDS = 2
RETRY_IN_FLIGHT_SECONDS = 1


class NotHere(NotFound):
    """What a body or a query names is not in this center; `field` says which of the names it is."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


def problem(status: int, code: str, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any) -> Response:
    """`code` is for programs, `detail` for people. `refusals` and `alternatives` are always there."""
    body = {
        "type": "about:blank",  # so that `title` is the status in words; what happened exactly is in `code`
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        "refusals": [],
        "alternatives": [],
        **more,
    }
    return Response(body, status=status, content_type=PROBLEM, headers=dict(headers or {}))


def handle(error: Exception, context: Mapping[str, Any]) -> Response:
    """The framework calls this for whatever a view raises. Unknown failures tell the caller nothing."""
    if isinstance(error, (exceptions.APIException, Http404, PermissionDenied)):
        return _of_framework(error)
    request = context["request"]
    if isinstance(error, Refused):
        return _refused(error, membership_of(request))
    if isinstance(error, Malformed):
        return problem(400, "malformed", error.say(_), field=error.field)
    if isinstance(error, Forbidden):
        _note_denial(request, context["view"])
        return problem(403, "forbidden", error.say(_))
    if isinstance(error, NotHere):
        return problem(404, "not_found", _("There is no such thing in this center."), field=error.field)
    if isinstance(error, NotFound):
        return problem(404, "not_found", _("There is no such thing in this center."))
    if isinstance(error, Stale):
        return problem(412, "stale", _("This has changed since you read it. Read it again."))
    if isinstance(error, KeyReused):
        return problem(422, "idempotency_key_reused", _("This Idempotency-Key was used for another request."))
    if isinstance(error, StillInFlight):
        return problem(
            409,
            "idempotency_key_in_flight",
            _("The first request with this Idempotency-Key is still being answered. Ask again."),
            headers={"Retry-After": str(RETRY_IN_FLIGHT_SECONDS)},
        )
    if isinstance(error, (OperationalError, Unavailable)):
        log.error("%s %s: %s", request.method, type(context["view"]).__name__, failures.describe(error))
    if isinstance(error, Unavailable) or went_away(error):
        return problem(
            503,
            "unavailable",
            _(
                "The database did not answer. If this call writes, look whether it did before you send it again; "
                "with the same Idempotency-Key it is done once."
            ),
            headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
        )
    if isinstance(error, (Busy, OperationalError)):
        return problem(
            503,
            "busy",
            _("Nothing was written: others are changing the same day. Try again."),
            headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
        )
    # Class and place only: a message or a traceback's values may name a patient.
    log.error("%s %s: %s", request.method, type(context["view"]).__name__, failures.describe(error))
    return problem(500, "internal", _("Something failed here. It is logged; nothing of it is shown."))


def _note_denial(request: Any, view: Any) -> None:
    """What was tried had no effect, so this is written by itself, after the call's own transaction has ended."""
    membership = membership_of(request)
    record.denial(
        actor=actor_of(request),
        center=membership.center,
        action=f"{request.method} {type(view).__name__}",
        now=timezone.now(),
    )


def _refused(error: Refused, membership: Membership) -> Response:
    zone = membership.center.zone
    more: dict[str, Any] = {
        "refusals": [refusal.as_json(_) for refusal in error.refusals],
        "alternatives": [shapes.slot(each, zone) for each in error.alternatives],
    }
    if error.proposals:
        more["proposals"] = [_proposal(each, zone) for each in error.proposals]
    detail = " ".join(refusal["detail"] for refusal in more["refusals"])
    return problem(409, error.refusals[0].code, detail, **more)


def _proposal(proposal: Any, zone: ZoneInfo) -> dict[str, Any]:
    """A later booking that would no longer fit: where it stands, why it can't stay, where it would go."""
    row = proposal.appointment
    return {
        "visit": proposal.visit.pk,
        "ordinal": proposal.visit.ordinal,
        "appointment": row.pk,
        "before": {
            "chair": row.chair_id,
            "chair_name": row.chair.name,
            "start": shapes.moment(row.start, zone),
            "end": shapes.moment(row.end, zone),
        },
        "after": shapes.slot(proposal.slot, zone) if proposal.slot is not None else None,
        "reasons": [refusal.say(_) for refusal in proposal.why],
        "refusals": [refusal.as_json(_) for refusal in proposal.refusals],
    }


_CODES = {
    400: "malformed",
    401: "not_authenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    411: "length_required",
    413: "too_large",
    415: "unsupported_media_type",
    429: "throttled",
}


def _of_framework(error: Exception) -> Response:
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif not isinstance(error, exceptions.APIException):
        error = exceptions.PermissionDenied()
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if seconds := getattr(error, "wait", None):
        headers["Retry-After"] = str(ceil(seconds))
    if isinstance(error, exceptions.NotAuthenticated):
        error = exceptions.NotAuthenticated(_("Send a key, or sign in."))
    status = error.status_code
    code = _CODES.get(status, str(error.default_code))
    if isinstance(error, exceptions.ValidationError):
        wrong = list(_wrong_fields(error.detail))
        first = wrong[0]
        return problem(400, code, first["detail"], headers=headers, field=first["field"], errors=wrong)
    return problem(status, code, str(error.detail), headers=headers)


def _wrong_fields(detail: Any, path: str = "") -> Iterator[dict[str, str]]:
    """Flat: `{"field": "placements.2.start", "detail": "…"}` for each thing that is wrong."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            here = path if name == "non_field_errors" else f"{path}.{name}".lstrip(".")
            yield from _wrong_fields(inner, here)
    elif isinstance(detail, Sequence) and not isinstance(detail, str):
        for number, inner in enumerate(detail):
            is_sentence = isinstance(inner, str)
            yield from _wrong_fields(inner, path if is_sentence else f"{path}.{number}".lstrip("."))
    else:
        yield {"field": path, "detail": str(detail)}
