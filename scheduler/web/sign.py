"""Signing in and out, and choosing among one's centers."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import authenticate, get_user_model, login, logout
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from scheduler.models import Center, SignIn
from scheduler.services import account_events, accounts, second_factor, sessions
from scheduler.web import addresses, glyphs, kept, limits
from scheduler.web.door import CENTER_IN_SESSION, Desk, door

DEMO_CENTER = "demo"
PASSWORD_BACKEND = "django.contrib.auth.backends.ModelBackend"
PENDING = "pending"  # in the session: whose password was right, while her code is still to come
PENDING_FOR = timedelta(minutes=5)
NOTICE = "notice"  # in the session: one sentence for the sign-in page


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Name and password. A page that covers itself when its session ends asks for JSON, and names its person (`as`)."""
    now = timezone.now()
    if request.user.is_authenticated:
        return _go_on(request, request.user)
    if request.method == "GET":
        return _ask(request)
    form = AuthenticationForm(request, data=request.POST)
    if not form.is_valid():
        return _refused(request, form, now)
    user = form.get_user()
    if request.POST.get("as", str(user.pk)) != str(user.pk):
        return _say(request, _("This page is somebody else’s."))
    if second_factor.has(user):
        request.session.cycle_key()
        request.session[PENDING] = [user.pk, now.timestamp(), user.get_session_auth_hash()]
        return JsonResponse({"next": "code"}) if _wants_json(request) else _ask_code(request)
    return _finish(request, user, has_factor=False, now=now)


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "POST"])
def code(request: HttpRequest) -> HttpResponse:
    """The second step: a code of the app, or a recovery code."""
    now = timezone.now()
    user = _pending(request, now)
    if user is None:
        say = _("That took too long. Start again with your password.")
        return _say(request, say) if _wants_json(request) else _ask(request, say=say)
    if request.method == "GET":
        return _ask_code(request)
    verdict = second_factor.verify(user=user, code=request.POST.get("otp", ""), now=now)
    if verdict.ok:
        return _finish(request, user, has_factor=True, now=now)
    say = say_wait(verdict.wait) if verdict.wait else say_wrong_code()
    return _say(request, say) if _wants_json(request) else _ask_code(request, say=say)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    standing = limits.standing_of(request)
    if standing is not None:
        sessions.end(sign_in=standing.sign_in, why=SignIn.Why.OUT, now=timezone.now())
    logout(request)
    return redirect("sign-in")


@door(None, posts=True, gets=False)
def choose_center(desk: Desk) -> HttpResponse:
    """The session keeps the choice; a center she is no member of is ignored."""
    wanted = desk.request.POST.get("center", "")
    if any(str(membership.center_id) == wanted for membership in desk.memberships):
        desk.request.session[CENTER_IN_SESSION] = int(wanted)
    return redirect("home")


def keep_and_ask(request: HttpRequest) -> HttpResponse:
    """The sign-in page for a form that came after its session had ended; the form travels in it."""
    was = limits.was(request)
    assert was is not None  # the middleware asked
    response = _ask(request, kept_form=kept.pack(request, user=was.user), target="/")
    if request.headers.get("HX-Request"):
        response["HX-Retarget"], response["HX-Reswap"], response["HX-Push-Url"] = "body", "innerHTML", "false"
    return response


def resume(request: HttpRequest, form: kept.Kept) -> HttpResponse:
    """Sends the form again: by itself where scripts run, else with one press."""
    response = render(request, "scheduler/resume.html", {"form": form, "g": glyphs.ALL})
    response["Cache-Control"] = "no-store"
    return response


def proven(request: HttpRequest, user: User, password: str) -> bool:
    """Whether that is the password of who is signed in. Wrong ones count as tries to sign in."""
    found = authenticate(request, username=user.get_username(), password=password)
    return found is not None and found.pk == user.pk


def safe_next(request: HttpRequest, wanted: str | None) -> str:
    """Where to go next: an address of this site, or the first page."""
    if wanted and url_has_allowed_host_and_scheme(wanted, {request.get_host()}, request.is_secure()):
        return wanted
    return "/"


def say_wrong_code() -> str:
    return _("That code does not match, or was used before. The app shows a new one every 30 seconds.")


def say_wait(seconds: int) -> str:
    return ngettext(
        "Too many tries. The next one is in %(seconds)s second.",
        "Too many tries. The next one is in %(seconds)s seconds.",
        seconds,
    ) % {"seconds": seconds}


def say_locked(until: datetime, now: datetime) -> str:
    minutes = max(1, -(-int((until - now).total_seconds()) // 60))
    return ngettext(
        "Too many tries for this name from here. Try again in %(minutes)s minute, or choose a new password.",
        "Too many tries for this name from here. Try again in %(minutes)s minutes, or choose a new password.",
        minutes,
    ) % {"minutes": minutes}


def _finish(request: HttpRequest, user: User, *, has_factor: bool, now: datetime) -> HttpResponse:
    was, token = limits.was(request), request.META.get("CSRF_COOKIE")
    is_same = was is not None and was.user == user.pk
    login(request, user, backend=PASSWORD_BACKEND)
    for name in (PENDING, NOTICE):
        request.session.pop(name, None)
    limits.forget(request)
    if is_same and was is not None:
        # The forms she has open in this browser go on working: it is the same person at the same pages.
        if token:
            request.META.update(CSRF_COOKIE=token, CSRF_COOKIE_NEEDS_UPDATE=True)
        if was.center is not None:
            request.session[CENTER_IN_SESSION] = was.center
    request.session.clear_expired()
    row = sessions.begin(
        user=user,
        address=addresses.of(request),
        user_agent=request.headers.get("User-Agent", ""),
        second_factor=has_factor,
        confirmed=True,
        now=now,
    )
    request.session[limits.SIGN_IN] = row.pk
    if sessions.is_wall(user, sessions.memberships_of(user)):
        request.session.set_expiry(sessions.WALL_LASTS)  # a screen that lost its power comes back without a password
    account_events.note(user=user, verb="signed-in", after={"sign_in": row.pk, "second_factor": has_factor}, now=now)
    return _go_on(request, user)


def _go_on(request: HttpRequest, user: Any) -> HttpResponse:
    """To what she came for: her kept form, if it is hers, or the page she asked for."""
    if _wants_json(request):
        return JsonResponse({"done": True})
    form = kept.unpack(request.POST.get("kept", ""))
    if form is not None and form.user == user.pk:
        return resume(request, form)
    return redirect(safe_next(request, request.POST.get("next") or request.GET.get("next")))


def _pending(request: HttpRequest, now: datetime) -> User | None:
    pk, at, digest = request.session.get(PENDING) or (None, 0, "")
    if pk is None or now.timestamp() - at > PENDING_FOR.total_seconds():
        return None
    user = get_user_model().objects.filter(pk=pk, is_active=True).first()
    return user if user is not None and user.get_session_auth_hash() == digest else None


def _refused(request: HttpRequest, form: AuthenticationForm, now: datetime) -> HttpResponse:
    typed = form.cleaned_data.get("username") if form.is_bound else None
    if not typed or "password" not in form.cleaned_data:
        return _ask(request, say=_("Name and password, both."), status=403)
    is_locked = getattr(request, "axes_locked_out", False)
    was_locked = is_locked and getattr(request, "axes_failures_since_start", None) is None
    accounts.note_refused(username=typed, was_locked=was_locked, locks=is_locked and not was_locked, now=now)
    left, until = accounts.tries(username=typed, address=addresses.for_lock(request), now=now)
    if until is not None:
        say = say_locked(until, now)
    else:
        tries = ngettext("%(left)s try left.", "%(left)s tries left.", left) % {"left": left}
        say = f"{_('That name and password do not match.')} {tries}"
    if _wants_json(request):
        return _say(request, say)
    response = _ask(request, say=say, status=429 if until else 403)
    if until is not None:
        response["Retry-After"] = str(max(1, int((until - now).total_seconds())))
    return response


def _ask(
    request: HttpRequest, *, say: str = "", kept_form: str = "", target: str | None = None, status: int = 200
) -> HttpResponse:
    was = limits.was(request)
    centers = list(Center.objects.values_list("code", "name")[:2])
    context = {
        "say": say,
        "why": was.why if was else "",
        "notice": request.session.pop(NOTICE, "") if settings.SESSION_COOKIE_NAME in request.COOKIES else "",
        "username": request.POST.get("username", "") if say else was.name if was else "",
        "next": target or safe_next(request, request.POST.get("next") or request.GET.get("next")),
        "kept": kept_form or request.POST.get("kept", ""),
        "place": centers[0][1] if len(centers) == 1 else "",
        # Only where mail stays on this machine: a real site never shows who may try to sign in.
        "is_demo": not settings.EMAIL_URL and any(each == DEMO_CENTER for each, _name in centers),
        "g": glyphs.ALL,
    }
    return render(request, "scheduler/sign_in.html", context, status=status)


def _ask_code(request: HttpRequest, *, say: str = "") -> HttpResponse:
    context = {
        "say": say,
        "next": safe_next(request, request.POST.get("next")),
        "kept": request.POST.get("kept", ""),
        "g": glyphs.ALL,
    }
    return render(request, "scheduler/sign_in_code.html", context, status=403 if say else 200)


def _wants_json(request: HttpRequest) -> bool:
    return request.headers.get("Accept") == "application/json"


def _say(request: HttpRequest, say: str) -> HttpResponse:
    """A no for the cover of a page; for a browser without scripts the sign-in page."""
    return JsonResponse({"say": say}) if _wants_json(request) else _ask(request, say=say, status=403)
