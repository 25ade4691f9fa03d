"""A course with its visits: where each stands, why one has no place, and what can be done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from scheduler.domain.errors import Malformed, Refused, Stale
from scheduler.models import Appointment, Chair, Course, Event, Protocol, Visit, Weekday
from scheduler.queries.course_request import check_reason
from scheduler.services import accepting, courses, following, record, rehearsal
from scheduler.web import course_change, history, words
from scheduler.web.door import Desk, door, page
from scheduler.web.glyphs import glyph
from scheduler.web.patient_view import course_card, wishes_of
from scheduler.web.preview_view import order_of
from scheduler.web.states import state_of

EVENTS_SHOWN = 12


def course_of(desk: Desk, pk: int) -> Course:
    """404 for another center's."""
    found = (
        Course.objects.filter(center=desk.center, pk=pk)
        .select_related("protocol", "unit__center", "patient", "center", "preferred_chair")
        .prefetch_related("visits")
        .first()
    )
    if found is None:
        raise Http404
    return found


@door("view-patients")
def course(desk: Desk, *, pk: int) -> HttpResponse:
    return _show(desk, course_of(desk, pk))


@door("edit-courses", posts=True, gets=False)
def act(desk: Desk, *, pk: int, action: str) -> HttpResponse:
    """pause, discontinue, amend and change, each with a reason, shown first; resume and accept at once."""
    found = course_of(desk, pk)
    reason = desk.request.POST.get("reason", "").strip()[:200]
    common: dict[str, Any] = {"actor": desk.actor, "course": found, "reason": reason, "now": desk.now}
    at_once: dict[str, Callable[[], object]] = {
        "resume": lambda: courses.resume(**common),
        "accept": lambda: accepting.accept(actor=desk.actor, course=found, now=desk.now),
    }
    asked_first: dict[str, Callable[[], Callable[[], object]]] = {
        "pause": lambda: lambda: courses.pause(**common),
        "discontinue": lambda: lambda: courses.discontinue(**common),
        "amend": lambda: lambda: courses.amend(**common, protocol=_newest(found)),
        "change": lambda: course_change.change(desk, found, reason),
    }
    if action in at_once:
        return _try(desk, found, at_once[action])
    if action not in asked_first:
        raise Http404
    return _ask_first(desk, found, action, asked_first[action])


def _ask_first(desk: Desk, found: Course, action: str, read: Callable[[], Callable[[], object]]) -> HttpResponse:
    """Shown before and after; done once `picture` says that this was seen, and only if it is still so."""
    picture = desk.request.POST.get("picture")
    try:
        check_reason(desk.request.POST.get("reason", "")[:200])
        step = read()
        if picture is None:
            return course_change.ask(desk, found, action, course_change.outcome_of(desk, found, step))
        try:
            rehearsal.carry_out(course=found, step=step, picture=picture, now=desk.now)
        except Stale:
            changed = _("Something has changed since this was shown. Nothing was saved; this is how it stands now.")
            outcome = course_change.outcome_of(desk, found, step)
            return course_change.ask(desk, found, action, outcome, trouble=[changed])
    except Malformed as wrong:
        return _show(desk, found, trouble=[wrong.say(_)], status=400)
    except Refused as refused:
        return _show(desk, found, trouble=[each.say(_) for each in refused.refusals], status=409)
    return redirect("course", pk=found.pk)


@door("edit-courses", posts=True, gets=False)
def waive(desk: Desk, *, pk: int) -> HttpResponse:
    visit = (
        Visit.objects.filter(course__center=desk.center, pk=pk)
        .select_related("course__patient", "course__center", "course__protocol")
        .first()
    )
    if visit is None:
        raise Http404
    reason = desk.request.POST.get("reason", "").strip()[:200]
    found = course_of(desk, visit.course_id)
    return _try(desk, found, lambda: courses.waive(actor=desk.actor, visit=visit, reason=reason, now=desk.now))


def _try(desk: Desk, found: Course, step: Any) -> HttpResponse:
    try:
        step()
    except Malformed as wrong:
        return _show(desk, found, trouble=[wrong.say(_)], status=400)
    except Refused as refused:
        return _show(desk, found, trouble=[each.say(_) for each in refused.refusals], status=409)
    return redirect("course", pk=found.pk)


def _newest(found: Course) -> Protocol:
    newest = newer_protocol(found)
    return newest if newest is not None else found.protocol


def newer_protocol(found: Course) -> Protocol | None:
    return (
        Protocol.objects.filter(
            code=found.protocol.code,
            center=found.protocol.center,
            published_at__isnull=False,
            version__gt=found.protocol.version,
        )
        .order_by("-version")
        .first()
    )


def _show(desk: Desk, found: Course, *, trouble: list[str] | None = None, status: int = 200) -> HttpResponse:
    record.access(actor=desk.actor, patient=found.patient, what="course", now=desk.now)
    rows = list(
        Appointment.objects.filter(visit__course=found)
        .exclude(status="entered-in-error")
        .select_related("unit", "chair", "protocol", "visit__course")
        .order_by("start")
    )
    live = {row.visit_id: row for row in rows if row.status not in ("cancelled", "noshow")}
    newer = newer_protocol(found) if found.status in ("active", "on-hold") else None
    context = {
        "title": found.protocol.name,
        "place": "patients",
        "course": found,
        "patient": found.patient,
        "card": course_card(desk, found, live),
        "visits": [_visit(desk, found, visit, live) for visit in found.visits.all()],
        "proposals": _proposals(desk, found) if found.status == "active" else [],
        "order": order_of(desk, found),
        "wishes": wishes_of(found),
        "log": _log(desk, found),
        "newer": newer,
        "now_stands": course_change.form_of(found),
        "weekdays": [(number, label, number in found.preferred_weekdays) for number, label in Weekday.choices],
        "chairs": Chair.objects.filter(unit__center=desk.center, is_active=True).select_related("unit"),
        "trouble": trouble,
        "subtitle": _("%(unit)s, from %(start)s")
        % {"unit": found.unit.name, "start": words.moment(found.start.astimezone(desk.center.zone), desk.today)},
    }
    return page(desk, "scheduler/course.html", context, status=status)


def _visit(desk: Desk, found: Course, visit: Visit, live: dict[int | None, Appointment]) -> dict[str, Any]:
    zone = desk.center.zone
    due = visit.due.astimezone(zone)
    row = live.get(visit.pk)
    shown: dict[str, Any] = {
        "visit": visit,
        "number": visit.ordinal,
        "row": row,
        "due": words.moment(due, desk.today),
        "why": [each.get("detail", "") for each in visit.refusals],
        "reason": visit.reason,
        "may_waive": visit.state in ("unplaced", "booked") and (row is None or row.actual_start is None),
    }
    if row is not None:
        state = state_of(row, desk.now, zone)
        local = (row.actual_start or row.start).astimezone(zone)
        return shown | {
            "css": state.css,
            "glyph": glyph(state.glyph),
            "state": state.name,
            "when": words.moment(local, desk.today),
            "date": row.start.astimezone(zone).date(),
            "where": f"{row.unit.name}, {words.low(row.chair.name)}",
            "is_off_due": local.date() != due.date(),
            "may_move": row.status in ("booked", "arrived", "checked-in") and row.actual_start is None,
        }
    states = {
        "unplaced": ("is-ask", "pause", _("No place yet")),
        "waived": ("is-done", "x", _("Waived")),
        "done": ("is-done", "done", _("Given elsewhere")),
        "booked": ("is-plan", "open", _("Booked")),
    }
    css, icon, name = states[visit.state]
    if found.status == "on-hold" and visit.state == "unplaced":
        css, icon, name = "is-ask", "pause", _("Waits until the course goes on")
    return shown | {"css": css, "glyph": glyph(icon), "state": name, "when": words.moment(due, desk.today)}


def _proposals(desk: Desk, found: Course) -> list[dict[str, Any]]:
    zone = desk.center.zone
    return [
        {
            "number": each.draft.ordinal,
            "appointment": each.appointment,
            "before": words.moment(each.appointment.start.astimezone(zone), desk.today),
            "after": words.moment(each.slot.start.astimezone(zone), desk.today) if each.slot else "",
            "chair": words.low(each.slot.chair.name) if each.slot else "",
            "why": " ".join(refusal.say(_) for refusal in each.why or each.refusals),
        }
        for each in following.proposals(found, now=desk.now)
    ]


def _log(desk: Desk, found: Course) -> list[history.Line]:
    events = Event.objects.filter(subject="course", subject_id=found.pk).order_by("-pk")[:EVENTS_SHOWN]
    return history.lines(events, desk.now.astimezone(desk.center.zone))
