"""What a patient's page shows, read and put into words."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from scheduler.models import Appointment, Course, LedgerEntry, Patient, Visit, Weekday
from scheduler.queries import people
from scheduler.web import timeline, words
from scheduler.web.door import Desk
from scheduler.web.glyphs import glyph
from scheduler.web.lanes import treatment
from scheduler.web.states import state_of

PAST_SHOWN, MESSAGES_SHOWN, UNPLACED_SHOWN = 12, 10, 6


def view(desk: Desk, patient: Patient) -> dict[str, Any]:
    rows = list(
        Appointment.objects.filter(center=desk.center, patient=patient)
        .exclude(status="entered-in-error")
        .exclude(status="pending", hold_expires_at__lte=desk.now)
        .select_related("unit", "chair", "protocol", "visit__course")
        .order_by("start")
    )
    coming = [row for row in rows if row.status in ("pending", "booked", "arrived", "checked-in")]
    past = [row for row in rows if row not in coming][::-1]
    courses = list(
        Course.objects.filter(center=desk.center, patient=patient)
        .select_related("protocol", "unit", "preferred_chair", "center")
        .prefetch_related("visits")
    )
    unplaced = [
        (course, visit)
        for course in courses
        if course.status == "active"
        for visit in course.visits.all()
        if visit.state == Visit.State.UNPLACED
    ]
    unplaced.sort(key=lambda pair: pair[1].due)
    by_visit: dict[int | None, Appointment] = {
        row.visit_id: row for row in rows if row.visit_id and row.status not in ("cancelled", "noshow")
    }
    return {
        "subtitle": _subtitle(desk, patient),
        "coming": [_coming(desk, row) for row in coming],
        "unplaced": [_unplaced(desk, course, visit) for course, visit in unplaced[:UNPLACED_SHOWN]],
        "more_unplaced": max(len(unplaced) - UNPLACED_SHOWN, 0),
        "past": [_past(desk, row) for row in past[:PAST_SHOWN]],
        "past_count": len(past),
        "courses": [course_card(desk, course, by_visit) for course in courses],
        "wishes": _wishes(courses),
        "messages": _messages(desk, patient),
    }


def _subtitle(desk: Desk, patient: Patient) -> str:
    parts = [words.born(patient.birth_date, desk.today), _("MRN %(mrn)s") % {"mrn": people.mrn_of(patient)}]
    return ", ".join([*parts, *filter(None, [patient.pronouns])])


def _coming(desk: Desk, row: Appointment) -> dict[str, Any]:
    zone = desk.center.zone
    local = row.start.astimezone(zone)
    state = state_of(row, desk.now, zone)
    arrive = (row.start - timedelta(minutes=row.prep_minutes)).astimezone(zone)
    out = (row.end + timedelta(minutes=row.observation_minutes)).astimezone(zone)
    return {
        "row": row,
        "date": local.date(),
        "when": words.moment(local, desk.today),
        "span": _("arrive %(arrive)s, out by %(out)s") % {"arrive": words.clock(arrive), "out": words.clock(out)},
        "where": f"{row.unit.name}, {words.low(row.chair.name)}",
        "what": treatment(row)[0],
        "css": state.css,
        "glyph": glyph(state.glyph),
        "state": _("Not confirmed") if state.glyph == "open" else state.name,
        "is_open": row.actual_start is None,
    }


def _unplaced(desk: Desk, course: Course, visit: Visit) -> dict[str, Any]:
    zone = desk.center.zone
    due = visit.due.astimezone(zone)
    first, last = visit.window_start.astimezone(zone), visit.window_end.astimezone(zone)
    return {
        "visit": visit,
        "when": words.day(due.date(), desk.today),
        "window": _("window %(first)s to %(last)s")
        % {"first": words.date_only(first.date(), last.date()), "last": words.date_only(last.date(), desk.today)},
        "what": f"{course.protocol.short_name} {words.dose_of(visit.ordinal, course.doses)}",
        "why": [each.get("detail", "") for each in visit.refusals][:2],
    }


def _past(desk: Desk, row: Appointment) -> dict[str, Any]:
    zone = desk.center.zone
    state = state_of(row, desk.now, zone)
    actual = ""
    if row.actual_start is not None and row.actual_end is not None:
        actual = _("%(start)s to %(end)s") % {
            "start": words.clock(row.actual_start.astimezone(zone)),
            "end": words.clock(row.actual_end.astimezone(zone)),
        }
    return {
        "when": words.moment(row.start.astimezone(zone), desk.today),
        "what": treatment(row)[0],
        "actual": actual,
        "css": state.css,
        "glyph": glyph(state.glyph),
        "state": state.name,
        "note": row.reason,
        "is_struck": row.status == "cancelled",
    }


def course_card(desk: Desk, course: Course, by_visit: dict[int | None, Appointment]) -> dict[str, Any]:
    """Head and timeline of a course; the patient's page and the course's own share it."""
    order = [course.prescriber, _("order %(ref)s") % {"ref": course.order_reference} if course.order_reference else ""]
    if course.order_until:
        order.append(_("to %(day)s") % {"day": words.date_only(course.order_until, desk.today)})
    authorised = ""
    if course.authorization_until or course.authorization_visits:
        last = course.authorization_until
        count = course.authorization_visits
        visits = ngettext("%(count)s visit", "%(count)s visits", count or 0) % {"count": count} if count else ""
        until = _("to %(day)s") % {"day": words.date_only(last, desk.today)} if last else ""
        authorised = _("Authorised: %(what)s") % {"what": ", ".join(filter(None, [visits, until]))}
    state = {
        "active": ("is-plan", "ok"),
        "on-hold": ("is-ask", "pause"),
        "draft": ("is-ask", "pause"),
        "completed": ("is-done", "done"),
        "discontinued": ("is-done", "x"),
    }[course.status]
    return {
        "course": course,
        "name": course.protocol.name,
        "css": state[0],
        "glyph": glyph(state[1]),
        "status": course.get_status_display().capitalize(),
        "order": ", ".join(filter(None, order)),
        "authorised": authorised,
        "line": timeline.line(desk, course, by_visit),
    }


def _wishes(courses: list[Course]) -> list[tuple[str, str]]:
    """From her newest course that still runs."""
    course = next((each for each in courses if each.status in ("active", "on-hold", "draft")), None)
    if course is None:
        return []
    return wishes_of(course)


def wishes_of(course: Course) -> list[tuple[str, str]]:
    found = []
    days = [str(Weekday(number).label) for number in course.preferred_weekdays]
    part = {"morning": _("mornings"), "afternoon": _("afternoons"), "evening": _("evenings")}.get(
        course.preferred_part, ""
    )
    minute = course.preferred_minute
    at = f"{minute // 60:02}:{minute % 60:02}" if minute is not None else part
    when = ", ".join(filter(None, [_(" or ").join(days), at]))
    if when:
        found.append((_("Day, time"), when))
    if course.preferred_chair is not None:
        found.append((_("Chair"), course.preferred_chair.name))
    return found


def _messages(desk: Desk, patient: Patient) -> list[dict[str, Any]]:
    rows = (
        LedgerEntry.objects.filter(center=desk.center, patient=patient)
        .exclude(Q(state="superseded"))
        .order_by("-due", "-pk")[:MESSAGES_SHOWN]
    )
    zone = desk.center.zone
    here = desk.now.astimezone(zone)
    found = []
    for row in rows:
        due = (row.done_at or row.due).astimezone(zone)
        kind = row.get_kind_display().capitalize()
        if row.kind == "reminder":
            kind = ngettext("Reminder, %(days)s day", "Reminder, %(days)s days", row.offset_days) % {
                "days": row.offset_days
            }
        icon = {"call": "phone", "text": "talk"}.get(row.channel, "mail")
        if row.channel != "call" and row.state != "sent":
            icon = "clock"
        if row.state in ("failed", "missed"):
            icon = "late"
        found.append(
            {
                "when": words.day(due.date(), here.date()),
                "glyph": glyph(icon),
                "say": _("%(kind)s: %(state)s %(time)s")
                % {"kind": kind, "state": row.get_state_display(), "time": words.clock(due)},
                "is_quiet": row.state != "sent",
            }
        )
    return found
