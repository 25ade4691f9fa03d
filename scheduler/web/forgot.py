"""A forgotten password: asking for a link, and choosing a new one with it. Nobody learns here who exists."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from scheduler.services import account_mail, accounts
from scheduler.web import addresses, glyphs, limits, sign

LINK = "reset"  # in the session: the link that was followed, so that it leaves the address bar


@never_cache
@require_http_methods(["GET", "POST"])
def forgot(request: HttpRequest) -> HttpResponse:
    """The same answer, after the same work, for everybody; the job finds out who it is (services/account_mail.py)."""
    if request.method == "POST":
        account_mail.ask_reset(
            typed=request.POST.get("who", ""), address=addresses.for_lock(request), now=timezone.now()
        )
        return redirect("forgot-sent")
    return render(request, "scheduler/forgot.html", {"g": glyphs.ALL})


@never_cache
@require_safe
def sent(request: HttpRequest) -> HttpResponse:
    return render(request, "scheduler/forgot.html", {"g": glyphs.ALL, "is_sent": True})


@never_cache
@require_safe
def reset(request: HttpRequest, who: str, token: str) -> HttpResponse:
    """The link itself: the token moves into the session at once, so that no address, history or referrer keeps it."""
    request.session[LINK] = [who, token]
    return redirect("reset-choose")


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "POST"])
def choose(request: HttpRequest) -> HttpResponse:
    who, token = request.session.get(LINK) or ("", "")
    user = accounts.user_of_link(who=who, token=token)
    if user is None:
        return render(request, "scheduler/reset.html", {"g": glyphs.ALL, "is_dead": True}, status=404)
    wrong: dict[str, str] = {}
    if request.method == "POST":
        new = request.POST.get("new_password", "")
        if new != request.POST.get("new_password_again", ""):
            wrong = {"again": _("The two are not the same.")}
        else:
            try:
                accounts.reset_password(
                    user=user, password=new, address=addresses.for_lock(request), now=timezone.now()
                )
            except ValidationError as refused:
                wrong = {"new": " ".join(refused.messages)}
            else:
                return _done(request)
    context = {"g": glyphs.ALL, "username": user.get_username(), "wrong": wrong}
    return render(request, "scheduler/reset.html", context, status=403 if wrong else 200)


def _done(request: HttpRequest) -> HttpResponse:
    """Whoever was signed in here isn't any more; with the new password, and the second factor, she signs in."""
    del request.session[LINK]
    if limits.standing_of(request) is not None:
        request.session.flush()
    request.session[sign.NOTICE] = _("Your new password is set. Sign in with it.")
    return redirect("sign-in")
