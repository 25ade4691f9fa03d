"""Signing in again before what can't be taken back lightly: exports, the second factor, sessions, people's roles.

    if ask := confirm.needed(desk):
        return ask

A form that was sent meanwhile travels through the question, as it does through the sign-in page.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from scheduler.services import account_events, second_factor, sessions
from scheduler.web import kept, limits, sign
from scheduler.web.door import Desk, door, page


def needed(desk: Desk) -> HttpResponse | None:
    """The question, unless she has proved within the last ten minutes who she is."""
    standing = limits.standing_of(desk.request)
    if standing is not None and sessions.is_fresh(standing.sign_in, now=desk.now):
        return None
    request = desk.request
    if request.method == "POST":
        return _ask(desk, kept_form=kept.pack(request, user=int(request.user.pk or 0)), target="/")
    return _ask(desk, target=request.get_full_path())


@door(None, posts=True, gets=False)
def confirm(desk: Desk) -> HttpResponse:
    """Her password, and a code where she has a second factor."""
    request = desk.request
    standing = limits.standing_of(request)
    user = request.user
    if standing is None or not user.is_authenticated:
        return redirect("sign-in")
    if not sign.proven(request, user, request.POST.get("password", "")):
        account_events.note(user=user, verb="confirm-refused", now=desk.now)
        if getattr(request, "axes_locked_out", False):
            return _ask(desk, say=_("Too many tries. Wait for a quarter of an hour."), status=429)
        return _ask(desk, say=_("That password does not match."), status=403)
    if second_factor.has(user):
        verdict = second_factor.verify(user=user, code=request.POST.get("otp", ""), now=timezone.now())
        if not verdict.ok:
            say = sign.say_wait(verdict.wait) if verdict.wait else sign.say_wrong_code()
            return _ask(desk, say=say, status=403)
    sessions.confirm(sign_in=standing.sign_in, now=desk.now)
    account_events.note(user=user, verb="confirmed", after={"sign_in": standing.sign_in.pk}, now=desk.now)
    form = kept.unpack(request.POST.get("kept", ""))
    if form is not None and form.user == user.pk:
        return sign.resume(request, form)
    return redirect(sign.safe_next(request, request.POST.get("next")))


def _ask(
    desk: Desk, *, kept_form: str | None = None, target: str | None = None, say: str = "", status: int = 200
) -> HttpResponse:
    request: HttpRequest = desk.request
    context = {
        "title": _("Sign in again"),
        "say": say,
        "kept": request.POST.get("kept", "") if kept_form is None else kept_form,
        "next": target or sign.safe_next(request, request.POST.get("next")),
        "asks_code": request.user.is_authenticated and second_factor.has(request.user),
    }
    return page(desk, "scheduler/confirm.html", context, status=status)
