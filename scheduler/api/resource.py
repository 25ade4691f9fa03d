"""What all calls have in common: who may, one reading of the clock, strict parsing, bounded pages, nothing cached."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from rest_framework.pagination import PageNumberPagination
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from scheduler.api.authentication import IsMember, KeyAuthentication, MemberSession, actor_of, membership_of
from scheduler.api.bodies import Body, Query
from scheduler.api.errors import handle
from scheduler.api.parsers import JsonParser, LengthNeeded
from scheduler.api.rate import PerCaller
from scheduler.api.schema import Described
from scheduler.domain import permissions
from scheduler.domain.errors import Forbidden, Malformed, Stale
from scheduler.models import Appointment, Center, Course

PAGE_SIZE = 50
BIGGEST_PAGE = 200


class Resource(APIView):
    """`needs` says for each method which action of domain/permissions.py the caller must be allowed; of several any is
    enough to be heard, and the service decides."""

    authentication_classes = [KeyAuthentication, MemberSession]
    permission_classes = [IsMember]
    throttle_classes = [PerCaller]
    parser_classes = [JsonParser]
    renderer_classes = [JSONRenderer]
    metadata_class = None
    schema = Described()
    needs: Mapping[str, str | tuple[str, ...]] = {}

    now: datetime

    def get_exception_handler(self) -> Callable[..., Response]:
        return handle

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self.now = timezone.now()
        self.actor = actor_of(request)
        if "chunked" in request.headers.get("Transfer-Encoding", "").lower() and not request.headers.get(
            "Content-Length"
        ):
            raise LengthNeeded
        action = self.needs.get("GET" if request.method == "HEAD" else str(request.method))
        if action is not None:
            self.need(*((action,) if isinstance(action, str) else action))

    def need(self, *actions: str) -> None:
        if any(self.actor.may(action) for action in actions):
            return
        if any(permissions.may(self.actor.role, action) for action in actions):
            raise Forbidden(gettext_noop("This key has not the scope for that."))
        raise Forbidden(gettext_noop("This role does not do that."))

    @property
    def center(self) -> Center:
        return membership_of(self.request).center

    @property
    def zoned(self) -> dict[str, Any]:
        """The context in which moments are written: the center's zone."""
        return {"zone": self.center.zone}

    def body(self, shape: type[Body]) -> dict[str, Any]:
        """The body's values. Raises ValidationError (400) for a wrong shape and for names it doesn't know."""
        parsed = shape(data=self.request.data)
        parsed.is_valid(raise_exception=True)
        return parsed.validated_data

    def query(self, shape: type[Query]) -> dict[str, Any]:
        given = self.request.query_params
        for name in given:
            if len(given.getlist(name)) > 1:
                raise Malformed(name, gettext_noop("This is given more than once."))
        parsed = shape(data={name: given[name] for name in given if name not in Pages.names})
        parsed.is_valid(raise_exception=True)
        return parsed.validated_data

    def page(self, rows: QuerySet[Any] | list[Any], shape: type[BaseSerializer]) -> Response:
        """One page of `rows`, which have an order that is the same each time."""
        pages = Pages()
        found = pages.paginate_queryset(rows, self.request, view=self)
        return pages.get_paginated_response(shape(found, many=True, context=self.zoned).data)

    def answer(self, row: Any, shape: type[BaseSerializer], status: int = 200) -> Response:
        return Response(shape(row, context=self.zoned).data, status=status)

    def created(self, row: Any, shape: type[BaseSerializer]) -> Response:
        response = self.answer(row, shape, status=201)
        response["Location"] = self.location(row.pk)
        return response

    def location(self, pk: int) -> str:
        """Where a thing that was POSTed to this address is read."""
        return f"{self.request.path}{pk}/"

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Cache-Control"] = "no-store"
        return response


class Pages(PageNumberPagination):
    """`?page=2&page_size=100`. What can't be read is refused: a typo would silently show another page."""

    invalid_page_message: Any = _("There is no such page.")
    page_size = PAGE_SIZE
    page_size_query_param = "page_size"
    names = ("page", "page_size")

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any] | None:
        for name, most in (("page", 10**9), ("page_size", BIGGEST_PAGE)):
            text = request.query_params.get(name, "1")
            if not (text.isascii() and text.isdigit() and len(text) < 11 and 1 <= int(text) <= most):
                raise Malformed(name, gettext_noop("This is a number from 1 to {most}."), most=most)
        return super().paginate_queryset(queryset, request, view)


def etag(row: Appointment | Course) -> str:
    return f'"{row.version}"'


def version_asked(request: Request, row: Appointment | Course) -> int | None:
    """The version that `If-Match` names, for the service to hold against the row inside its lock; None without
    the header or for `*`. Raises Stale where none of its tags is the row's: a weak tag never is (RFC 9110, 13.1.1).
    """
    asked = request.headers.get("If-Match")
    if asked is None or asked.strip() == "*":
        return None
    if etag(row) not in [tag.strip() for tag in asked.split(",")]:
        raise Stale
    return row.version


def tagged(response: Response, tag: str) -> Response:
    """For things without a version of their own: the tag is a fingerprint of what they hold."""
    response["ETag"] = f'"{tag}"'
    return response


def as_asked(request: Request, tag: str) -> str | None:
    """The fingerprint that `If-Match` names, for the service to hold against the row inside its lock; as
    `version_asked` does for versions."""
    asked = request.headers.get("If-Match")
    if asked is None or asked.strip() == "*":
        return None
    if f'"{tag}"' not in [each.strip() for each in asked.split(",")]:
        raise Stale
    return tag
