"""Every request's session is held against its limits before any page runs; a form that comes too late isn't lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from scheduler.services import origin
from scheduler.web import addresses, factor, limits, sign

# What somebody may do who has yet to set up the second factor that her role needs.
_OPEN_WITHOUT_FACTOR = {"second-factor", "confirm", "sign-out", "session"}


class Origin:
    """What a request writes to the record says where it came from."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with origin.of(addresses.of(request)):
            return self.get_response(request)


class SessionLimits:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.SESSION_COOKIE_NAME in request.COOKIES:
            limits.hold(request, timezone.now())
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        """Runs after the CSRF check, so only a form of this site's own pages is ever given back."""
        if not _needs_sign_in(request, view) or settings.SESSION_COOKIE_NAME not in request.COOKIES:
            return None
        if request.user.is_authenticated:
            standing = limits.standing_of(request)
            match = request.resolver_match
            if standing is None or not standing.lacks_factor or (match and match.url_name in _OPEN_WITHOUT_FACTOR):
                return None
            return factor.ask_to_set_up(request, standing)
        if limits.was(request) is None:
            return None
        if request.method == "POST":
            return sign.keep_and_ask(request)
        if request.headers.get("HX-Request"):
            # htmx would put the sign-in page into a corner of the old one.
            return HttpResponse(headers={"HX-Redirect": reverse("sign-in")})
        return None


def _needs_sign_in(request: HttpRequest, view: Callable[..., Any]) -> bool:
    """A staff page (door.py marks them) or one of the admin's."""
    return getattr(view, "needs_sign_in", False) or request.path_info.startswith(reverse("admin:index"))
