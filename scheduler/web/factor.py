"""One's second factor: setting the app up, recovery codes, taking it away."""

from __future__ import annotations

from typing import Any

import segno
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from scheduler.domain.errors import Forbidden
from scheduler.models import SignIn
from scheduler.services import second_factor, sessions
from scheduler.web import confirm, kept, limits, sign
from scheduler.web.door import Desk, desk_of, door, page

KEY = "factor-key"  # in the session: the secret of the app that is being set up


@door(None, posts=True)
def factor(desk: Desk) -> HttpResponse:
    """Shows what there is; POSTs say what to `do`: set-up, codes or remove."""
    request, user = desk.request, _user(desk)
    if request.method == "GET":
        if request.GET.get("new") is None and second_factor.has(user):
            return _state(desk, user)
        return confirm.needed(desk) or _set_up_page(desk)
    if ask := confirm.needed(desk):
        return ask
    do = request.POST.get("do")
    if do == "set-up":
        return _set_up(desk, user)
    if do == "codes" and second_factor.has(user):
        return _codes(desk, second_factor.new_codes(user=user, now=desk.now))
    if do == "remove":
        try:
            second_factor.remove(user=user, now=desk.now)
        except Forbidden as refused:
            desk.note_denial(refused)
            return _state(desk, user, say=refused.say(_), status=403)
    return redirect("account")


def ask_to_set_up(request: HttpRequest, standing: sessions.Standing) -> HttpResponse:
    """For somebody whose role needs a second factor that this session was begun without. A form she sent is kept."""
    user = standing.sign_in.user
    if second_factor.has(user):
        was = limits.Was(user.pk, user.get_username(), request.session.get(limits.CENTER), SignIn.Why.FACTOR)
        sessions.end(sign_in=standing.sign_in, why=SignIn.Why.FACTOR, now=standing.sign_in.last_seen_at)
        limits.leave(request, was=was)
        if request.method == "POST":
            return sign.keep_and_ask(request)
        return redirect(f"{reverse('sign-in')}?{urlencode({'next': request.get_full_path()})}")
    if request.method == "POST":
        desk = desk_of(request)
        return _set_up_page(desk, kept_form=kept.pack(request, user=user.pk))
    return redirect(f"{reverse('second-factor')}?{urlencode({'next': request.get_full_path()})}")


def _set_up(desk: Desk, user: User) -> HttpResponse:
    request = desk.request
    key = request.session.get(KEY)
    codes = second_factor.set_up(user=user, key=key, code=request.POST.get("otp", ""), now=desk.now) if key else None
    if codes is None:
        say = _("That code does not match. The app shows a new one every 30 seconds; its clock has to be right.")
        return _set_up_page(desk, say=say)
    del request.session[KEY]
    standing = limits.standing_of(request)
    if standing is not None:
        sessions.confirm(sign_in=standing.sign_in, second_factor=True, now=desk.now)
        sessions.end_others(user=user, but=standing.sign_in, why=SignIn.Why.FACTOR, now=desk.now)
    return _codes(desk, codes)


def _set_up_page(desk: Desk, *, say: str = "", kept_form: str | None = None) -> HttpResponse:
    request, user = desk.request, _user(desk)
    if not say or KEY not in request.session:
        request.session[KEY] = second_factor.new_key()
    key = request.session[KEY]
    address = second_factor.address(user=user, key=key)
    context = {
        "title": _("Second factor"),
        "say": say,
        "is_required": second_factor.is_required(user),
        "picture": _picture(address),
        "address": address,
        "key": second_factor.typed_key(key),
        "kept": request.POST.get("kept", "") if kept_form is None else kept_form,
        "next": sign.safe_next(request, request.POST.get("next") or request.GET.get("next")),
    }
    return page(desk, "scheduler/factor_set_up.html", context, status=403 if say else 200)


def _codes(desk: Desk, codes: list[str]) -> HttpResponse:
    request = desk.request
    form = kept.unpack(request.POST.get("kept", ""))
    context: dict[str, Any] = {
        "title": _("Recovery codes"),
        "codes": codes,
        "form": form if form is not None and form.user == request.user.pk else None,
        "next": sign.safe_next(request, request.POST.get("next")),
    }
    return page(desk, "scheduler/factor_codes.html", context)


def _state(desk: Desk, user: User, *, say: str = "", status: int = 200) -> HttpResponse:
    context = {
        "title": _("Second factor"),
        "say": say,
        "left": second_factor.codes_left(user),
        "is_required": second_factor.is_required(user),
    }
    return page(desk, "scheduler/factor.html", context, status=status)


def _picture(address: str) -> SafeString:
    """The QR code, drawn here: the secret goes to no other service."""
    drawn = segno.make(address, error="m", micro=False)
    return mark_safe(
        drawn.svg_inline(dark="#000", light="#fff", border=4, svgclass="qr", lineclass=None, omitsize=True)
    )


def _user(desk: Desk) -> User:
    user = desk.request.user
    assert user.is_authenticated  # the door let nobody else in
    return user
