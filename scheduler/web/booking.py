"""Book by form: who, what, when; places are suggested, a no says why and what works."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from scheduler.domain import localtime
from scheduler.domain.errors import Forbidden, Malformed, NotFound, Refused
from scheduler.domain.placement import Wishes
from scheduler.models import Appointment, Chair, Patient, Protocol, Unit, Visit
from scheduler.queries import people
from scheduler.queries.slots import slots
from scheduler.services import booking, record
from scheduler.web import holding, last, proposed, words
from scheduler.web.actions import visit_url
from scheduler.web.dates import read_date, read_minute, read_moment
from scheduler.web.door import Desk, door, page
from scheduler.web.places import Place, Refusals, places, pressed, read_override, read_slot, refusals, slot_value

DAYS_SEARCHED = 14
OFFERED = 8
FIELDS_WITH_A_PLACE = ("patient", "what", "minutes")


@dataclass
class Wanted:
    """What the form says so far. `chair` and `at` come from a click on the board."""

    patient: Patient | None = None
    visit: Visit | None = None
    protocol: Protocol | None = None
    minutes: int | None = None
    unit: Unit | None = None
    day: date | None = None
    minute: int | None = None
    chair: Chair | None = None
    at: datetime | None = None
    query: str = ""
    hold: Appointment | None = None
    hold_refused: str = ""

    @property
    def is_known(self) -> bool:
        return self.visit is not None or self.protocol is not None or self.minutes is not None

    def treatment(self) -> dict[str, Any]:
        if self.visit is not None:
            return {"visit": self.visit}
        return {"protocol": self.protocol} if self.protocol is not None else {"minutes": self.minutes}


@dataclass
class Answer:
    """What the page shows below the form."""

    found: list[Patient] = field(default_factory=list)
    is_searched: bool = False
    slots: tuple[Place, ...] = ()
    refusals: Refusals | None = None
    wrong: dict[str, str] = field(default_factory=dict)

    @property
    def elsewhere(self) -> list[str]:
        """What is wrong with something that has no field of its own."""
        return [sentence for name, sentence in self.wrong.items() if name not in FIELDS_WITH_A_PLACE]


@door("book", posts=True)
def book(desk: Desk) -> HttpResponse:
    data = desk.request.POST if desk.request.method == "POST" else desk.request.GET
    wanted = read(desk, data)
    answer = Answer()
    do = data.get("do", "")
    if desk.request.method == "POST" and do == "release":
        return _leave(desk, wanted)
    if desk.request.method == "POST" and not pressed(data):
        _hold(desk, wanted, data)
    if wanted.patient is not None and not wanted.is_known:
        wanted.visit, wanted.protocol = proposed.what(desk, wanted.patient, at=wanted.at or desk.now)
        if wanted.visit is not None:
            wanted.unit = None  # the board's, while nobody knew what is booked; a visit has its course's
    if desk.request.method == "POST" and not pressed(data):
        _fit_hold(desk, wanted, answer)
    if value := pressed(data):
        done = _book(desk, wanted, value, answer)
        if done is not None:
            return done
    elif do == "find":
        answer.found = people.search(center=desk.center, query=wanted.query)
        answer.is_searched = True
        record.access(actor=desk.actor, patient=None, what="patient-search", now=desk.now)
    elif do == "search" or (wanted.patient is not None and wanted.is_known and wanted.at is None):
        _search(desk, wanted, answer)
    return _show(desk, wanted, answer, status=409 if answer.refusals or answer.wrong else 200)


def read(desk: Desk, data: QueryDict) -> Wanted:
    """Another center's patient, visit, protocol or chair raises NotFound."""
    wanted = Wanted(query=data.get("q", "").strip())
    patient = read_id(data.get("patient"))
    if patient is not None:
        wanted.patient = people.patient(center=desk.center, pk=patient)
    what = data.get("what") or (f"visit:{data['visit']}" if data.get("visit") else "")
    kind, _sign, number = what.partition(":")
    if kind == "visit" and read_id(number) is not None:
        wanted.visit = _visit(desk, int(number))
        wanted.patient = wanted.patient or people.patient(center=desk.center, pk=wanted.visit.course.patient_id)
    elif kind == "protocol" and read_id(number) is not None:
        wanted.protocol = next((each for each in proposed.offered(desk) if each.pk == int(number)), None)
    elif kind == "minutes":
        wanted.minutes = read_id(data.get("minutes"))
    wanted.unit = next((each for each in desk.units if each.code == data.get("unit")), None)
    wanted.day = read_date(data.get("day"))
    wanted.minute = read_minute(data.get("time"))
    wanted.at = read_moment(data.get("at"))
    chair = read_id(data.get("chair"))
    if chair is not None:
        wanted.chair = Chair.objects.filter(pk=chair, unit__center=desk.center).select_related("unit__center").first()
    wanted.hold = holding.read(desk, read_id(data.get("hold")))
    if wanted.at is not None:
        wanted.day = wanted.day or wanted.at.astimezone(desk.center.zone).date()
    return wanted


def read_id(text: str | None) -> int | None:
    """An id as a form or an address sends it; None for anything else."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 16 else None


def _hold(desk: Desk, wanted: Wanted, data: QueryDict) -> None:
    """With the first step of the form the clicked place is kept; once a hold ran out, with the next one."""
    if wanted.hold is None and wanted.chair is not None and wanted.at is not None:
        minutes = read_id(data.get("minutes"))
        wanted.hold, wanted.hold_refused = holding.take(desk, chair=wanted.chair, at=wanted.at, minutes=minutes)


def _fit_hold(desk: Desk, wanted: Wanted, answer: Answer) -> None:
    """Once it is known what is booked, that is how long the place is kept; where there is less room, why and what
    would work."""
    if wanted.hold is None or not wanted.is_known or wanted.at != wanted.hold.start:
        return
    try:
        wanted.hold = holding.fit(desk, wanted.hold, wanted.treatment())
    except Refused as refused:
        local = wanted.hold.start.astimezone(desk.center.zone)
        title = _("Not as long as this takes at %(time)s") % {"time": words.clock(local)}
        answer.refusals = refusals(desk, refused.refusals, refused.alternatives, title=title)


def _leave(desk: Desk, wanted: Wanted) -> HttpResponse:
    if wanted.hold is not None:
        holding.give_back(desk, wanted.hold)
    if wanted.chair is None or wanted.day is None:
        return redirect("home")
    return redirect("board", unit=wanted.chair.unit.code, date=wanted.day)


def _visit(desk: Desk, pk: int) -> Visit:
    found = (
        Visit.objects.filter(course__center=desk.center, pk=pk)
        .select_related("course__protocol", "course__patient", "course__center", "course__unit__center")
        .first()
    )
    if found is None:
        raise NotFound
    return found


def _search(desk: Desk, wanted: Wanted, answer: Answer) -> None:
    if not _is_complete(wanted, answer):
        return
    try:
        start, end = _range(desk, wanted)
        found = slots(
            center=desk.center,
            from_=start,
            to=end,
            now=desk.now,
            unit=wanted.unit or (wanted.visit.course.unit if wanted.visit is not None else None),
            patient=wanted.patient,
            wishes=Wishes(time_of_day=wanted.minute) if wanted.minute is not None else None,
            limit=OFFERED,
            ignoring=[wanted.hold.pk] if wanted.hold is not None else (),
            **wanted.treatment(),
        )
    except Malformed as wrong:
        answer.wrong[wrong.field] = wrong.say(_)
        return
    answer.slots = places(found.slots, desk)
    if not found.slots:
        title = _("No place in these %(days)s days") % {"days": max((end - start).days, 1)}
        answer.refusals = refusals(desk, found.refusals, found.alternatives, title=title)


def _is_complete(wanted: Wanted, answer: Answer) -> bool:
    if wanted.patient is None:
        answer.wrong["patient"] = _("Choose the patient first.")
    if not wanted.is_known:
        answer.wrong["what"] = _("Say what is booked: a due visit, a protocol, or how many minutes.")
    return not answer.wrong


def _range(desk: Desk, wanted: Wanted) -> tuple[datetime, datetime]:
    """From the chosen day (or where the visit's window begins) for two weeks, or to the end of the window."""
    zone, visit = desk.center.zone, wanted.visit
    day = wanted.day
    if day is None:
        day = max(desk.today, visit.window_start.astimezone(zone).date()) if visit is not None else desk.today
    start = max(localtime.day(day, zone).start, desk.now)
    end = localtime.day(day + timedelta(days=DAYS_SEARCHED), zone).end
    if visit is not None and visit.window_end > start:
        end = min(max(end, visit.window_end), start + timedelta(days=90))
    return start, end


def _book(desk: Desk, wanted: Wanted, value: str, answer: Answer) -> HttpResponse | None:
    """Book the chosen place; None where that was refused, with the reasons in `answer`."""
    if not _is_complete(wanted, answer) or desk.request.method != "POST":
        return None
    chosen = read_slot(desk, value)
    if chosen is None:
        raise NotFound
    chair, start = chosen
    wanted.chair, wanted.at = chair, start
    try:
        made = booking.book(
            actor=desk.actor,
            chair=chair,
            start=start,
            patient=wanted.patient,
            hold=wanted.hold,
            override=read_override(desk),
            now=desk.now,
            **wanted.treatment(),
        )
    except Refused as refused:
        local = start.astimezone(desk.center.zone)
        facts = {"time": words.clock(local), "day": words.day(local.date(), desk.today)}
        title = _("Not at %(time)s on %(day)s") % facts
        answer.refusals = refusals(desk, refused.refusals, refused.alternatives, title=title, slot=value)
        return None
    except Malformed as wrong:
        answer.wrong[wrong.field] = wrong.say(_)
        return None
    except Forbidden as no:
        desk.note_denial(no)
        answer.wrong["override"] = no.say(_)
        return None
    last.remember(desk.request.session, verb="book", appointment=made, now=desk.now)
    return redirect(visit_url(desk, made))


def _show(desk: Desk, wanted: Wanted, answer: Answer, *, status: int) -> HttpResponse:
    today, zone = desk.today, desk.center.zone
    if wanted.patient is not None:
        record.access(actor=desk.actor, patient=wanted.patient, what="booking", now=desk.now)
    here = None
    if wanted.chair is not None and wanted.at is not None:
        local = wanted.at.astimezone(zone)
        here = {
            "value": slot_value(wanted.chair.pk, local),
            "say": f"{words.moment(local, today)}, {words.low(wanted.chair.name)}",
            "chair": wanted.chair.pk,
            "at": local.isoformat(timespec="minutes"),
        }
    context = {
        "title": _("Book a visit"),
        "place": "board",
        "wanted": wanted,
        "answer": answer,
        "born": words.born(wanted.patient.birth_date, today) if wanted.patient is not None else "",
        "mrn": people.mrn_of(wanted.patient) if wanted.patient is not None else "",
        "found": [
            {"patient": each, "born": words.born(each.birth_date, today), "mrn": people.mrn_of(each)}
            for each in answer.found
        ],
        "due": proposed.due(desk, wanted.patient) if wanted.patient is not None else [],
        "protocols": proposed.offered(desk),
        "day": (wanted.day or today).isoformat() if wanted.day or wanted.visit is None else "",
        "time": f"{wanted.minute // 60:02}:{wanted.minute % 60:02}" if wanted.minute is not None else "",
        "here": here,
        "hold": holding.shown(desk, wanted.hold, wanted.hold_refused, desk.request.POST),
    }
    return page(desk, "scheduler/book.html", context, status=status)
