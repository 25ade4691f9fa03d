"""Pause, amend and discontinue a course: what would go, move or stay is shown first, then accepted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _

from scheduler.domain.errors import Malformed, gettext_noop
from scheduler.models import Course
from scheduler.services import course_details, record, redosing, rehearsal
from scheduler.services.rehearsal import Change, Outcome, Standing
from scheduler.web import course_form, words
from scheduler.web.door import Desk, page


@dataclass(frozen=True, slots=True)
class Line:
    number: int
    before: str
    after: str
    css: str
    what: str


def change(desk: Desk, course: Course, reason: str) -> Callable[[], object]:
    """What the form "Change" asks for. Raises Malformed where nothing is asked for, or it makes no sense."""
    post = desk.request.POST
    form = course_form.read_form(desk, post)
    values = course_form.details_of(desk, form)
    doses, dose_mg = _doses(form.values, course)
    details = {name: value for name, value in values.items() if getattr(course, name) != value}
    redosed = (doses, dose_mg) != (course.doses, course.dose_mg)
    if not details and not redosed:
        raise Malformed("change", gettext_noop("Nothing is different from what stands there."))

    def run() -> None:
        if redosed:
            redosing.change_doses(
                actor=desk.actor, course=course, doses=doses, dose_mg=dose_mg, reason=reason, now=desk.now
            )
        if details:
            course_details.change(actor=desk.actor, course=course, changes=details, now=desk.now)

    return run


def form_of(course: Course) -> dict[str, Any]:
    """The fields of "Change" as they stand."""
    minute = course.preferred_minute
    texts = {
        "preferred_time": f"{minute // 60:02d}:{minute % 60:02d}" if minute is not None else "",
        "dose_mg": f"{course.dose_mg.normalize():f}" if course.dose_mg is not None else "",
    }
    dates = ("order_from", "order_until", "authorization_from", "authorization_until")
    texts |= {name: value.isoformat() if (value := getattr(course, name)) else "" for name in dates}
    plain = ("preferred_part", "doses", "prescriber", "order_reference", "authorization_reference")
    texts |= {name: str(getattr(course, name) or "") for name in plain}
    visits = course.authorization_visits
    texts["authorization_visits"] = "" if visits is None else str(visits)
    texts["preferred_chair"] = str(course.preferred_chair_id or "")
    return texts


def ask(desk: Desk, course: Course, action: str, outcome: Outcome, *, trouble: list[str] | None = None) -> HttpResponse:
    record.access(actor=desk.actor, patient=course.patient, what="course-change", now=desk.now)
    lines = [_line(desk, one, outcome.status) for one in outcome.changes]
    heads = {
        "pause": _("Pause this course?"),
        "discontinue": _("Discontinue this course for good?"),
        "amend": _("Amend this course to the newer version?"),
        "change": _("Change this course?"),
    }
    labels = {
        "pause": _("Pause the course"),
        "discontinue": _("Discontinue the course"),
        "amend": _("Amend"),
        "change": _("Change it"),
    }
    hidden = [
        (name, value)
        for name, values in desk.request.POST.lists()
        if name not in ("csrfmiddlewaretoken", "picture")
        for value in values
        if value
    ]
    context = {
        "title": heads[action],
        "place": "patients",
        "course": course,
        "patient": course.patient,
        "action": action,
        "heading": heads[action],
        "label": labels[action],
        "is_grave": action == "discontinue",
        "lines": lines,
        "hidden": hidden,
        "picture": outcome.picture,
        "reason": desk.request.POST.get("reason", ""),
        "trouble": trouble or [],
    }
    return page(desk, "scheduler/course_change.html", context, status=409 if trouble else 200)


def outcome_of(desk: Desk, course: Course, step: Callable[[], object]) -> Outcome:
    return rehearsal.rehearse(course=course, step=step, now=desk.now)


def _doses(values: Mapping[str, str], course: Course) -> tuple[int | None, Decimal | None]:
    """An empty number of doses is open-ended only where the course is so now, or the box is ticked."""
    doses = course_form.number(values, "doses")
    if doses is None and not values["is_open_ended"]:
        doses = course.doses
    return doses, course_form.dose_mg_of(values)


def _line(desk: Desk, one: Change, status: str) -> Line:
    css, what = "is-plan", _("stays")
    if one.proposed is not None:
        slot = one.proposed.slot
        css = "is-ask"
        what = (
            _("no longer fits; proposed: %(place)s")
            % {"place": f"{_moment(desk, slot.start)}, {words.low(slot.chair.name)}"}
            if slot is not None
            else _("no longer fits; no place found")
        )
    elif one.before is None:
        css, what = "is-ask", _("is added")
    elif one.after is None:
        css, what = "is-late", _("goes")
    elif one.before.start is not None and one.after.start is None:
        css, what = ("is-ask", _("waits")) if status == "on-hold" else ("is-late", _("goes, and is cancelled"))
    elif one.before.state != one.after.state:
        css, what = "is-late", _("goes")
    elif one.before.has_begun:
        what = _("stays: it has begun")
    elif one.before.due != one.after.due:
        what = _("stays; due %(due)s instead") % {"due": _moment(desk, one.after.due)}
    return Line(one.ordinal, _said(desk, one.before), _said(desk, one.after), css, what)


def _said(desk: Desk, standing: Standing | None) -> str:
    if standing is None:
        return "–"
    if standing.start is not None:
        return f"{_moment(desk, standing.start)}, {words.low(standing.chair)}"
    states = {"unplaced": _("no place yet"), "waived": _("waived"), "done": _("given"), "booked": _("booked")}
    return _("%(state)s, due %(due)s") % {"state": states[standing.state], "due": _moment(desk, standing.due)}


def _moment(desk: Desk, moment: Any) -> str:
    return words.moment(moment.astimezone(desk.center.zone), desk.today)
