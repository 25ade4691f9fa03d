"""The OpenAPI schema, its page under the strict Content-Security-Policy, and the answer for addresses there are not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.exceptions import NotFound
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.permissions import AllowAny
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from scheduler.api.errors import handle


class Schema(SpectacularAPIView):
    """OpenAPI 3. It says nothing about anybody, so anybody may read it."""

    authentication_classes = []
    permission_classes = [AllowAny]

    def get_exception_handler(self) -> Callable[..., Response]:
        return handle


class Docs(SpectacularSwaggerSplitView):
    """The schema as a page; its script and styles come from here, apart from the page."""

    authentication_classes = []
    permission_classes = [AllowAny]
    template_name = "scheduler/api_docs.html"
    url_name = "api-schema"

    def get_exception_handler(self) -> Callable[..., Response]:
        return handle


class AnyJson(BaseContentNegotiation):
    def select_parser(self, request: Request, parsers: Any) -> Any:
        return None

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


@extend_schema(exclude=True)
class NoSuchAddress(APIView):
    """404 for everybody: an address that doesn't exist tells nothing."""

    authentication_classes = []
    permission_classes = [AllowAny]
    renderer_classes = [JSONRenderer]
    content_negotiation_class = AnyJson

    def get_exception_handler(self) -> Callable[..., Response]:
        return handle

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if not request.path.endswith("/"):
            raise NotFound(_("There is no such address. Addresses of the API end with a slash."))
        raise NotFound(_("There is no such address."))
