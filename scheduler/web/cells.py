"""A cell of the board: where a booking would fit on its day, and "why not here?"."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpResponse, JsonResponse, QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _

from scheduler.domain import localtime
from scheduler.domain.errors import Malformed, gettext_noop
from scheduler.domain.rules import Need
from scheduler.models import Appointment, Chair, Protocol
from scheduler.queries import fitting, needs
from scheduler.services import record
from scheduler.web import words
from scheduler.web.actions import appointment_of
from scheduler.web.booking import read_id
from scheduler.web.dates import read_moment
from scheduler.web.door import Desk, door, page
from scheduler.web.lanes import treatment
from scheduler.web.places import Place, places
from scheduler.web.proposed import offered

USUAL_MINUTES = 30
LONGEST_MINUTES = 12 * 60


@door("view-schedule", posts=True, gets=False)
def fits(desk: Desk, *, unit: str, date: date) -> HttpResponse:
    """Asked when a booking is picked up: the minutes since 1970 (UTC) at which it could start, by chair."""
    where = desk.unit(unit)
    appointment = appointment_of(desk, read_id(desk.request.POST.get("appointment")) or 0)
    record.access(actor=desk.actor, patient=appointment.patient, what="move", now=desk.now)
    found = fitting.starts(
        unit=where,
        need=needs.for_appointment(appointment),
        patient_id=appointment.patient_id,
        day=localtime.day(date, desk.center.zone),
        now=desk.now,
        ignoring=[appointment.pk],
    )
    minutes = {chair: [int(start.timestamp()) // 60 for start in starts] for chair, starts in found.items()}
    return JsonResponse({"chairs": minutes})


@dataclass(frozen=True, slots=True)
class Asked:
    """One cell, and what should go there: a booking that stands elsewhere, a protocol, or plain minutes."""

    chair: Chair
    at: datetime
    appointment: Appointment | None = None
    protocol: Protocol | None = None
    minutes: int = USUAL_MINUTES

    @property
    def need(self) -> Need:
        if self.appointment is not None:
            return needs.for_appointment(self.appointment)
        return needs.for_protocol(self.protocol) if self.protocol is not None else needs.for_minutes(self.minutes)


@door("view-schedule", posts=True)
def why(desk: Desk) -> HttpResponse:
    """The page is addressed by chair and time alone; what is asked about is posted."""
    asked = _asked(desk, desk.request.POST if desk.request.method == "POST" else desk.request.GET)
    wrong, said = "", None
    try:
        _check(asked)
        said = fitting.why_not(
            chair=asked.chair,
            start=asked.at,
            need=asked.need,
            patient_id=asked.appointment.patient_id if asked.appointment is not None else None,
            now=desk.now,
            ignoring=[asked.appointment.pk] if asked.appointment is not None else (),
        )
    except Malformed as malformed:
        wrong = malformed.say(_)
    if asked.appointment is not None:
        record.access(actor=desk.actor, patient=asked.appointment.patient, what="why-not", now=desk.now)
    local = asked.at.astimezone(desk.center.zone)
    is_over = asked.at < desk.now
    ways = places(said.alternatives, desk) if said is not None else ()
    context = {
        "title": _("Why not here?"),
        "place": "board",
        "asked": asked,
        "at": local.isoformat(timespec="minutes"),
        "here": f"{words.moment(local, desk.today)}, {words.low(asked.chair.name)}",
        "board": reverse("board", kwargs={"unit": asked.chair.unit.code, "date": local.date()}),
        "protocols": offered(desk),
        "what": treatment(asked.appointment)[0] if asked.appointment is not None else "",
        "wrong": wrong,
        "is_over": is_over,
        "is_free": said is not None and not said.refusals and not is_over,
        "refusals": [(each.say(_), each.is_hard) for each in said.refusals] if said is not None else [],
        "places": ways,
    }
    context["links"] = [(each, _link(desk, each, asked)) for each in ways]
    return page(desk, "scheduler/why.html", context)


def _asked(desk: Desk, data: QueryDict) -> Asked:
    chair = (
        Chair.objects.filter(pk=read_id(data.get("chair")) or 0, unit__center=desk.center)
        .select_related("unit__center")
        .first()
    )
    at = read_moment(data.get("at"))
    if chair is None or at is None or not 1900 < at.year < 2200:
        raise Http404
    kind, _sign, number = data.get("what", "").partition(":")
    appointment = protocol = None
    if kind == "appointment":
        appointment = appointment_of(desk, read_id(number) or 0)
    elif kind == "protocol":
        protocol = next((each for each in offered(desk) if each.pk == read_id(number)), None)
    minutes = read_id(data.get("minutes"))
    return Asked(chair, at, appointment, protocol, USUAL_MINUTES if minutes is None else minutes)


def _check(asked: Asked) -> None:
    if not 1 <= asked.minutes <= LONGEST_MINUTES:
        raise Malformed("minutes", gettext_noop("A treatment lasts from 1 minute to 12 hours."))


def _link(desk: Desk, place: Place, asked: Asked) -> str:
    """Where an alternative leads for who may book: the booking form with the place in it, or the move of a visit."""
    if not desk.may("book"):
        return ""
    if asked.appointment is not None:
        return reverse("move", kwargs={"pk": asked.appointment.pk})
    chair, _at, at = place.value.partition("@")
    query: dict[str, Any] = {"chair": chair, "at": at}
    if asked.protocol is not None:
        query["what"] = f"protocol:{asked.protocol.pk}"
    return f"{reverse('book')}?{urlencode(query)}"
