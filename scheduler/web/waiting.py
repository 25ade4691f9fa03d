"""The waiting list: who wants to come earlier, what they were offered, and how the desk steps in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from scheduler.domain import localtime
from scheduler.domain.errors import Malformed, NotFound, Refused, Stale, gettext_noop
from scheduler.models import Appointment, Offer, Patient, WaitlistEntry
from scheduler.services import offers, record, waitlist
from scheduler.web import watched, words
from scheduler.web.dates import read_date
from scheduler.web.door import Desk, door, page
from scheduler.web.sorting import Column, arrange


@dataclass(frozen=True, slots=True)
class Line:
    entry: WaitlistEntry
    patient: Patient
    has: str
    wants: str
    since: str
    offer: Offer | None
    offer_said: str
    asked: int


@door("book")
def waiting(desk: Desk) -> HttpResponse:
    """Everybody who waits; with `?appointment=` also the form that puts this booking on the list."""
    return show(desk)


@door("book", posts=True, gets=False)
def act(desk: Desk) -> HttpResponse:
    """Put somebody on the list or off it, set who comes first, withdraw an offer, or answer one for her."""
    post = desk.request.POST
    common: dict[str, Any] = {"actor": desk.actor, "center": desk.center, "now": desk.now}
    do, pk = post.get("do", ""), _number(post.get("id"))
    try:
        if do == "add":
            _add(desk)
        elif do == "remove":
            waitlist.remove(pk=pk, **common)
        elif do == "priority":
            waitlist.prioritise(pk=pk, priority=_number(post.get("priority")), **common)
        elif do == "withdraw":
            offers.withdraw(pk=pk, **common)
        elif do in ("accept", "decline"):
            answer = offers.accept if do == "accept" else offers.decline
            answer(actor=desk.actor, offer=offers.find(desk.center, pk), now=desk.now)
        else:
            raise Malformed("do", gettext_noop("There is no such step."))
    except Malformed as wrong:
        return show(desk, trouble=wrong.say(_), status=400)
    except Refused as refused:
        return show(desk, trouble=" ".join(refusal.say(_) for refusal in refused.refusals), status=409)
    except Stale:
        return show(desk, trouble=_("This offer is over. Here is how it stands now."), status=409)
    return redirect(reverse("waitlist"))


def show(desk: Desk, *, trouble: str = "", status: int = 200) -> HttpResponse:
    watching = watched.of_center(desk) if status == 200 else {}
    entries = list(
        WaitlistEntry.objects.filter(center=desk.center, closed_at__isnull=True)
        .select_related("patient", "appointment__chair", "appointment__unit")
        .prefetch_related("offers__chair")
        .order_by("-priority", "created_at", "pk")
    )
    record.access(actor=desk.actor, patient=None, what="waitlist", now=desk.now)
    table = arrange(desk, entries, _columns(), path=reverse("waitlist")).mapped(lambda entry: _line(desk, entry))
    lines = table.rows
    asked = sum(line.offer is not None for line in lines)
    context = {
        "title": _("Waiting list"),
        "place": "waitlist",
        "lines": lines,
        "heads": table.heads,
        "sentence": ngettext("%(count)s patient waits", "%(count)s patients wait", len(lines)) % {"count": len(lines)}
        + ", "
        + ngettext("%(count)s offer is open.", "%(count)s offers are open.", asked) % {"count": asked},
        "rules": _rules(desk),
        "new": _asked_for(desk),
        "priorities": WaitlistEntry.Priority.choices,
        "weekdays": list(zip(range(7), words.weekday_names(), strict=True)),
        "trouble": trouble,
    }
    return page(desk, "scheduler/waitlist.html", context | watching, status=status)


def _columns() -> list[Column[WaitlistEntry]]:
    return [
        Column("patient", _("Patient"), lambda entry: entry.patient.listed_name),
        Column("has", _("Has"), lambda entry: entry.appointment.start if entry.appointment else None),
        Column("wants", _("Can come")),
        Column("urgency", _("Urgency"), lambda entry: entry.priority, falls=True),
        Column("since", _("Waits since"), lambda entry: entry.created_at),
        Column("offer", _("Offer")),
    ]


def _add(desk: Desk) -> None:
    post = desk.request.POST
    appointment = _appointment(desk, _number(post.get("appointment")))
    zone = desk.center.zone
    first, last = read_date(post.get("from")), read_date(post.get("until"))
    waitlist.add(
        actor=desk.actor,
        appointment=appointment,
        earliest=localtime.day(first, zone).start if first is not None else None,
        latest=localtime.day(last, zone).end if last is not None else None,
        priority=_number(post.get("priority", "0")),
        weekdays=[day for day in range(7) if post.get(f"day{day}")],
        part=post.get("part", ""),
        now=desk.now,
    )


def _appointment(desk: Desk, pk: int) -> Appointment:
    """Raises NotFound for another center's."""
    found = Appointment.objects.filter(center=desk.center, pk=pk).select_related("patient", "unit", "chair").first()
    if found is None:
        raise NotFound
    return found


def _asked_for(desk: Desk) -> dict[str, Any] | None:
    text = desk.request.GET.get("appointment")
    if not text:
        return None
    appointment = _appointment(desk, _number(text))
    return {"appointment": appointment, "has": _moment(desk, appointment.start), "patient": appointment.patient}


def _line(desk: Desk, entry: WaitlistEntry) -> Line:
    assert entry.appointment is not None  # the list is of bookings
    offers_made = list(entry.offers.all())
    offer = next((each for each in offers_made if each.state == Offer.State.OPEN), None)
    said = ""
    if offer is not None:
        said = _("%(start)s, %(chair)s; until %(until)s") % {
            "start": _moment(desk, offer.start),
            "chair": offer.chair.name,
            "until": words.clock(offer.expires_at.astimezone(desk.center.zone)),
        }
    return Line(
        entry=entry,
        patient=entry.patient,
        has=_moment(desk, entry.appointment.start),
        wants=_wants(desk, entry),
        since=words.ago(entry.created_at.astimezone(desk.center.zone), desk.now.astimezone(desk.center.zone)),
        offer=offer,
        offer_said=said,
        asked=len(offers_made),
    )


def _wants(desk: Desk, entry: WaitlistEntry) -> str:
    zone = desk.center.zone
    parts = [
        _("%(first)s to %(last)s")
        % {
            "first": words.near_day(entry.earliest.astimezone(zone).date(), desk.today),
            "last": words.near_day(entry.latest.astimezone(zone).date(), desk.today),
        }
    ]
    if entry.weekdays:
        names = words.weekday_names()
        parts.append(", ".join(names[day] for day in entry.weekdays))
    if entry.part:
        parts.append(str(WaitlistEntry.Part(entry.part).label))
    return "; ".join(parts)


def _rules(desk: Desk) -> str:
    center = desk.center
    return _(
        "Offers go to the most urgent, then to those who wait longest: %(at_once)s at once for one place, for "
        "%(minutes)s minutes, not within %(notice)s hours, at most %(a_week)s a week to one person, never at night."
    ) % {
        "at_once": center.offers_at_once,
        "minutes": center.offer_minutes,
        "notice": center.offer_notice_hours,
        "a_week": center.offers_a_week,
    }


def _moment(desk: Desk, value: datetime) -> str:
    return words.moment(value.astimezone(desk.center.zone), desk.today)


def _number(text: str | None) -> int:
    """-1, which nothing has, for what is no number."""
    return int(text) if text is not None and text.isdecimal() and len(text) < 19 else -1
