"""`Idempotency-Key`: a retry of a writing call gets the answer of the first, byte for byte, and writes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from django.http import HttpResponse
from django.utils.translation import gettext_noop
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from scheduler.domain.errors import Malformed
from scheduler.services import idempotency
from scheduler.services.idempotency import Answer

HEADER = "Idempotency-Key"
LONGEST_KEY = 255
KEPT_HEADERS = ("ETag", "Location")

Call = TypeVar("Call", bound=Callable[..., Any])


def replayable(call: Call) -> Call:
    """For a method of a Resource that writes through one service. With the header, all of it is one transaction:
    the answer's bytes are made and kept inside, so there is never a booking without its answer."""

    @wraps(call)
    def run(self: Any, request: Request, *args: Any, **kwargs: Any) -> Any:
        key = _key(request)
        if key is None:
            return call(self, request, *args, **kwargs)
        answer = idempotency.once(
            principal=self.actor.who,
            key=key,
            digest=_digest(request, self.center.pk),
            now=self.now,
            answer=lambda: _rendered(call(self, request, *args, **kwargs)),
        )
        return HttpResponse(answer.body, status=answer.status, headers=answer.headers, content_type="application/json")

    run.is_replayable = True  # type: ignore[attr-defined]  # the schema says so
    return run  # type: ignore[return-value]


def _key(request: Request) -> str | None:
    """Raises Malformed for a key that can't be one. Header values reach us as latin-1."""
    given = request.headers.get(HEADER)
    if given is None:
        return None
    key = given.strip()
    if not (0 < len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()):
        raise Malformed(HEADER, gettext_noop("A key is 1 to {most} printable ASCII signs."), most=LONGEST_KEY)
    return key


def _digest(request: Request, center: int) -> str:
    """Over what the body says, not over its blanks: a retry may write the same body anew."""
    said = json.dumps(request.data, sort_keys=True, separators=(",", ":")).encode()
    # If-Match stays out: who retries after a lost answer may have read the new ETag meanwhile.
    return idempotency.digest_of(str(request.method).encode(), request.path.encode(), str(center).encode(), said)


def _rendered(response: Response) -> Answer:
    return Answer(
        status=response.status_code,
        body=JSONRenderer().render(response.data),
        headers={name: response[name] for name in KEPT_HEADERS if response.has_header(name)},
    )
