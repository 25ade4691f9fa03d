"""One's own account: password, second factor, and where one is signed in."""

from __future__ import annotations

from django.contrib.auth import update_session_auth_hash
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from scheduler.models import SignIn
from scheduler.services import accounts, second_factor, sessions
from scheduler.web import limits, sign, words
from scheduler.web.door import Desk, door, page


@door(None)
def account(desk: Desk) -> HttpResponse:
    user = desk.request.user
    assert user.is_authenticated  # the door let nobody else in
    here = _here(desk)
    zone = desk.center.zone
    now = desk.now.astimezone(zone)
    rows = [
        {
            "pk": each.pk,
            "device": device(each),
            "address": each.address or "",
            "since": words.moment(each.since.astimezone(zone), desk.today),
            "seen": words.ago(each.last_seen_at.astimezone(zone), now),
            "is_here": here is not None and each.pk == here.pk,
        }
        for each in sessions.listing(user=user, now=desk.now)
    ]
    context = {
        "title": _("Your account"),
        "has_factor": second_factor.has(user),
        "needs_factor": second_factor.is_required(user),
        "codes_left": second_factor.codes_left(user),
        "sign_ins": sorted(rows, key=lambda row: not row["is_here"]),
    }
    return page(desk, "scheduler/account.html", context)


@door(None, posts=True, gets=False)
def end_session(desk: Desk, pk: int) -> HttpResponse:
    """End one of her own; somebody else's is 404."""
    row = sessions.find(pk=pk, user_id=int(desk.request.user.pk or 0))
    if row is None:
        raise Http404
    sessions.end(sign_in=row, why=SignIn.Why.ELSEWHERE, now=desk.now)
    return redirect("account")


@door(None, posts=True, gets=False)
def end_others(desk: Desk) -> HttpResponse:
    user = desk.request.user
    assert user.is_authenticated
    sessions.end_others(user=user, but=_here(desk), why=SignIn.Why.ELSEWHERE, now=desk.now)
    return redirect("account")


@sensitive_post_parameters()
@door(None, posts=True)
def password(desk: Desk) -> HttpResponse:
    """A new password, for who knows the old one."""
    request = desk.request
    user = request.user
    assert user.is_authenticated
    context: dict[str, object] = {"title": _("New password"), "wrong": {}}
    if request.method == "GET":
        return page(desk, "scheduler/password.html", context)
    new = request.POST.get("new_password", "")
    if not sign.proven(request, user, request.POST.get("old_password", "")):
        is_locked = getattr(request, "axes_locked_out", False)
        said = _("Too many tries. Wait for a quarter of an hour.") if is_locked else _("That is not your password.")
        context["wrong"] = {"old": said}
    elif new != request.POST.get("new_password_again", ""):
        context["wrong"] = {"again": _("The two are not the same.")}
    else:
        try:
            accounts.change_password(user=user, password=new, keep=_here(desk), now=desk.now)
        except ValidationError as refused:
            context["wrong"] = {"new": " ".join(refused.messages)}
        else:
            update_session_auth_hash(request, user)
            return redirect("account")
    return page(desk, "scheduler/password.html", context, status=403)


@never_cache
@require_http_methods(["GET", "POST"])
def session(request: HttpRequest) -> HttpResponse:
    """For the page's own clock: seconds until the session ends, and whether being there would not help. A POST says
    that somebody is there."""
    standing, now = limits.standing_of(request), timezone.now()
    if standing is None:
        return JsonResponse({"left": 0, "is_final": True})
    if request.method == "POST":
        sessions.touch(sign_in=standing.sign_in, now=now)
    return JsonResponse({"left": limits.seconds_left(request, now), "is_final": sessions.ends_at(standing)[1]})


def device(row: SignIn) -> str:
    """Firefox on Windows; what isn't known is said so."""
    if row.browser and row.system:
        return _("%(browser)s on %(system)s") % {"browser": row.browser, "system": row.system}
    return row.browser or row.system or _("A browser")


def _here(desk: Desk) -> SignIn | None:
    standing = limits.standing_of(desk.request)
    return standing.sign_in if standing else None
