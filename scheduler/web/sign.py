"""Signing in and out, and choosing among one's centers."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth import login, logout
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from scheduler.models import Center
from scheduler.web import glyphs
from scheduler.web.door import CENTER_IN_SESSION, Desk, door

DEMO_CENTER = "demo"


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    target = safe_next(request, request.POST.get("next") or request.GET.get("next"))
    if request.user.is_authenticated:
        return redirect(target)
    form = AuthenticationForm(request, data=request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        login(request, form.get_user())
        return redirect(target)
    centers = list(Center.objects.values_list("code", "name")[:2])
    context = {
        "form": form,
        "failed": request.method == "POST",
        "next": target,
        "place": centers[0][1] if len(centers) == 1 else "",
        # Only where mail stays on this machine: a real site never shows who may try to sign in.
        "is_demo": not settings.EMAIL_URL and any(code == DEMO_CENTER for code, _ in centers),
        "g": glyphs.ALL,
    }
    return render(request, "scheduler/sign_in.html", context, status=403 if request.method == "POST" else 200)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return redirect("sign-in")


@door(None, posts=True, gets=False)
def choose_center(desk: Desk) -> HttpResponse:
    """The session keeps the choice; a center she is no member of is ignored."""
    wanted = desk.request.POST.get("center", "")
    if any(str(membership.center_id) == wanted for membership in desk.memberships):
        desk.request.session[CENTER_IN_SESSION] = int(wanted)
    return redirect("home")


def safe_next(request: HttpRequest, wanted: str | None) -> str:
    """Where to go next: an address of this site, or the first page."""
    if wanted and url_has_allowed_host_and_scheme(wanted, {request.get_host()}, request.is_secure()):
        return wanted
    return "/"
