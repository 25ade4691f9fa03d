"""What every page has in common: who is asking, for which center, what she may do, and how a no is answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from scheduler.domain import permissions
from scheduler.domain.errors import Busy, Forbidden, NotFound
from scheduler.models import Center, Membership, Unit
from scheduler.services import record
from scheduler.web import counts, glyphs, last, limits, shortcuts, words

CENTER_IN_SESSION = limits.CENTER
STREAM = "text/event-stream"


@dataclass
class Desk:
    """One signed-in person at one center, for the length of a request. `now` is the door's one clock reading."""

    request: HttpRequest
    memberships: list[Membership]
    membership: Membership
    now: datetime

    @property
    def center(self) -> Center:
        return self.membership.center

    @property
    def role(self) -> str:
        return self.membership.role

    @cached_property
    def actor(self) -> permissions.Actor:
        user = self.request.user
        return permissions.Actor(
            who=f"user:{user.pk}", role=self.role, center_id=self.center.pk, label=words.person(user)
        )

    @cached_property
    def units(self) -> list[Unit]:
        units = list(Unit.objects.filter(center=self.center))
        for unit in units:
            unit.center = self.center  # already read with the membership
        return units

    def unit(self, code: str) -> Unit:
        """The center's unit with that code; 404 for another center's."""
        for unit in self.units:
            if unit.code == code:
                return unit
        raise Http404

    def may(self, action: str) -> bool:
        return permissions.may(self.role, action)

    def need(self, action: str) -> None:
        if not self.may(action):
            record.denial(actor=self.actor, center=self.center, action=action, now=self.now)
            raise PermissionDenied

    def note_denial(self, problem: Exception) -> None:
        """To be called with what a service refused: where her role may not, that is on record, as with `need`."""
        if isinstance(problem, Forbidden):
            what = self.request.resolver_match
            action = f"{self.request.method} {what.url_name if what else ''}"
            record.denial(actor=self.actor, center=self.center, action=action, now=self.now)

    @property
    def today(self) -> Any:
        return self.now.astimezone(self.center.zone).date()


View = Callable[..., HttpResponse]


def door(action: str | None, *, posts: bool = False, gets: bool = True) -> Callable[[View], View]:
    """A page for staff who may do `action` (None: any member). `posts` and `gets` are the methods it answers.

    Nobody signed in: to the sign-in page. No center, or not allowed: 403. Another center's things: 404.
    """

    def wrap(view: View) -> View:
        @wraps(view)
        def inner(request: HttpRequest, **kwargs: Any) -> HttpResponse:
            if not request.user.is_authenticated:
                if request.headers.get("Accept") == STREAM:
                    return HttpResponse(status=403)  # a stream has nobody who could sign in; its page asks by itself
                return redirect_to_login(request.get_full_path(), login_url=reverse("sign-in"))
            allowed = [*(["GET", "HEAD"] if gets else []), *(["POST"] if posts else [])]
            if request.method not in allowed:
                return _not_allowed(allowed)
            desk = desk_of(request)
            if _has_nul(request):
                raise BadRequest("NUL")
            if action is not None:
                desk.need(action)
            try:
                response = view(desk, **kwargs)
            except NotFound as missing:
                raise Http404 from missing
            except Busy:
                response = page(desk, "scheduler/busy.html", {"title": _("Not saved yet")}, status=503)
                response["Retry-After"] = "2"
            # Every page here may name a patient; a shared desk's browser must keep none of them.
            response["Cache-Control"] = "no-store"
            return response

        inner.needs_sign_in = True  # type: ignore[attr-defined]  # for middleware.py
        return inner

    return wrap


def _has_nul(request: HttpRequest) -> bool:
    """PostgreSQL's texts can't hold one, and no keyboard types it: nobody at a desk is refused anything."""
    sent = (request.GET, request.POST) if request.method == "POST" else (request.GET,)
    return any("\0" in value for values in sent for _name, each in values.lists() for value in each)


def _not_allowed(allowed: list[str]) -> HttpResponse:
    response = HttpResponse(status=405)
    response["Allow"] = ", ".join(allowed)
    return response


def desk_of(request: HttpRequest) -> Desk:
    """Raises PermissionDenied for somebody without a membership."""
    memberships = limits.memberships_of(request)
    if not memberships:
        raise PermissionDenied
    chosen = request.session.get(CENTER_IN_SESSION)
    membership = next((each for each in memberships if each.center_id == chosen), memberships[0])
    return Desk(request=request, memberships=memberships, membership=membership, now=timezone.now())


def page(desk: Desk, template: str, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    """Render with what the frame around every page needs."""
    frame = {
        "desk": desk,
        "center": desk.center,
        "g": glyphs.ALL,
        "initials": words.initials(desk.actor.label),
        "person": desk.actor.label,
        "role_name": words.role(desk.role),
        "has_outbox": is_demo_mail() and desk.request.user.is_staff,
        "can": Allowed(desk),
        "waiting": counts.waiting(desk.center, desk.now) if desk.may("view-schedule") else None,
        "shortcuts": shortcuts.GROUPS,
        "session_left": limits.seconds_left(desk.request, desk.now),
        "toast": None if "toast" in context else last.toast(desk.request.session, desk.center, desk.now),
    }
    return render(desk.request, template, frame | context, status=status)


def is_demo_mail() -> bool:
    """Mail stays on this machine, so that it can be looked at."""
    return not settings.EMAIL_URL


class Allowed:
    """`can.book` in a template asks permissions.may(role, "book"); `can.edit_courses` asks "edit-courses"."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def __getitem__(self, name: str) -> bool:
        return self._desk.may(name.replace("_", "-"))
