"""The pages behind the links in mails: what a patient sees on her phone, and her answer.

GET and HEAD never change anything: mail scanners open links, some of them in a browser with JavaScript. A page says
when, where and whom to call, and has a button; the POST acts, once. No cookie is needed or set: the address itself is
the secret, so there is nothing a foreign page could borrow.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from time import monotonic
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from scheduler.domain.errors import Busy, NotFound, Refused, Stale
from scheduler.models import Center, LedgerEntry, Link, Offer
from scheduler.queries import own_times
from scheduler.queries.search import Slot
from scheduler.services import catalogues, links, mail, record
from scheduler.services.changes import fetch
from scheduler.services.links import Standing
from scheduler.services.meter import Meter
from scheduler.web import glyphs

Purpose = Link.Purpose
_CHOOSING = (Purpose.ANOTHER_TIME, Purpose.ANSWER)
_LANGUAGES = (("en", "Write to me in English"), ("es", "Escríbanme en español"))  # each in its own
A_MINUTE = 60  # pages for one address of the network; a household behind one router needs a few

meter = Meter()


@csrf_exempt  # see above: no cookie speaks for anybody here
def answer(request: HttpRequest, token: str) -> HttpResponse:
    """One address for all purposes; what the button does follows from the token."""
    wait = meter.wait(str(request.META.get("REMOTE_ADDR")), per_minute=A_MINUTE, at=monotonic())
    if settings.API_RATE and wait:
        response = _page(request, "busy", {}, status=429)
        response["Retry-After"] = str(int(wait) + 1)
        return response
    if request.method not in ("GET", "HEAD", "POST"):
        response = _page(request, "unknown", {}, status=405)
        response["Allow"] = "GET, HEAD, POST"
        return response
    now = timezone.now()
    try:
        link = links.find(token)
    except NotFound:
        return _page(request, "unknown", {}, status=404)
    with translation.override(catalogues.spoken(link.contact.language, link.entry.patient.language)):
        if request.method == "POST":
            return _acted(request, token, link, now)
        record.access(actor=links.actor_of(link), patient=link.entry.patient_id, what="own-visit", now=now)
        return _shown(request, link, now)


def _acted(request: HttpRequest, token: str, link: Link, now: datetime) -> HttpResponse:
    try:
        _act(request, link, now)
    except Stale:
        pass  # the page says that the visit has changed
    except Refused as refused:
        said = refused.refusals[0]
        link = links.find(token)
        words = said.say(_) if said.code == "chair_is_free" and link.purpose in _CHOOSING else ""
        return _shown(request, link, now, said=words, status=409)
    except Busy:
        return _page(request, "busy", {}, status=503)
    # A reload shows the answer and sends nothing again. One-click unsubscribing (RFC 8058) wants a plain 200.
    if request.POST.get("List-Unsubscribe") == "One-Click":
        return HttpResponse(status=200)
    return redirect(request.path)


def _act(request: HttpRequest, link: Link, now: datetime) -> None:
    do = request.POST.get("do", "")
    is_text = link.entry.channel == LedgerEntry.Channel.TEXT
    if "language" in request.POST:
        links.speak(link=link, language=request.POST["language"], now=now)
        return
    if is_text and do == "stop":
        links.stop(link=link, now=now)
        return
    acts: dict[str, Callable[..., None]] = {
        Purpose.CONFIRM: links.confirm,
        Purpose.CANCEL: links.cancel,
        Purpose.STOP: links.stop,
    }
    if link.purpose == Purpose.OFFER:
        links.answer_offer(link=link, takes_it=request.POST.get("answer") != "no", now=now)
        return
    what = link.purpose
    if link.purpose == Purpose.ANSWER:
        what = Purpose.ANOTHER_TIME if "place" in request.POST else do
        if what not in (Purpose.CONFIRM, Purpose.CANCEL, Purpose.ANOTHER_TIME):
            return  # it has several buttons, and none was pressed
    if what in acts:
        acts[what](link=link, now=now)
        return
    place = _chosen(request.POST.get("place", ""))
    if place is None:
        links.ask(link=link, now=now)
    else:
        links.choose(link=link, chair=place[0], start=place[1], now=now)


def _chosen(text: str) -> tuple[int, datetime] | None:
    """`CHAIR@TIME` of one of the buttons; None for anything else, which asks for a call."""
    chair, _at, start = text.partition("@")
    try:
        return int(chair), datetime.fromisoformat(start)
    except ValueError:
        return None


def _shown(request: HttpRequest, link: Link, now: datetime, *, said: str = "", status: int = 200) -> HttpResponse:
    standing = links.standing(link, now)
    context: dict[str, Any] = {
        "purpose": link.purpose,
        "standing": standing.value,
        "said": said,
        "first_name": link.entry.patient.first_name,
        "is_text": link.entry.channel == LedgerEntry.Channel.TEXT,
        "has_stopped": not link.contact.may_be_mailed,
        "languages": [each for each in _LANGUAGES if each[0] != translation.get_language()],
        "did": link.purpose,
        **_center(link.entry.center),
    }
    if link.appointment is not None:
        row = fetch(link.appointment.pk)
        context["visit"] = mail.when(row, link.entry.center, told_at=now)
        context["is_booked"] = row.status == "booked" and row.start > now
        context["was_moved"] = row.start != link.appointment_start
        context["is_confirmed"] = row.confirmed_at is not None
        if link.purpose == Purpose.ANSWER:
            context["did"] = Purpose.CANCEL if row.status == "cancelled" else Purpose.ANOTHER_TIME
        if link.offer is not None:
            context["offered"] = mail.when_at(link.offer.start, row.prep_minutes, link.entry.center, told_at=now)
            context["took_it"] = link.offer.state == Offer.State.ACCEPTED
            context["until"] = mail.clock(link.offer.expires_at.astimezone(link.entry.center.zone))
        if link.purpose in _CHOOSING and standing is Standing.OPEN:
            context["places"] = [_place(slot, link.entry.center, now) for slot in own_times.offered(row, now=now)]
    return _page(request, "answer", context, status=status)


def _place(slot: Slot, center: Center, now: datetime) -> dict[str, str]:
    local = slot.start.astimezone(center.zone)
    return {
        "value": f"{slot.chair.id}@{slot.start.isoformat()}",
        "day": mail.day_of(local.date(), with_year=local.year != now.astimezone(center.zone).year),
        "time": mail.clock(local),
    }


def _center(center: Center) -> dict[str, str]:
    return {
        "center_name": center.mail_name,
        "address": center.address,
        "phone": center.phone,
        "phone_link": mail.phone_link(center.phone),
    }


def _page(request: HttpRequest, name: str, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    """Never kept by a cache or shown to another site; `kind` picks the words in the one template."""
    response = render(request, "scheduler/answer.html", {"kind": name, "g": glyphs.ALL, **context}, status=status)
    response["Cache-Control"] = "no-store"
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response
