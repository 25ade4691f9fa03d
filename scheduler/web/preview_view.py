"""A course that is not written yet, as its preview shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from scheduler.models import Chair, Course
from scheduler.queries.plan import CourseAlternative, CoursePlan
from scheduler.queries.planned import VisitPlan
from scheduler.services.courses import Placement
from scheduler.web import dose_line, months, words
from scheduler.web.door import Desk
from scheduler.web.patient_view import wishes_of
from scheduler.web.places import Place, place

MOST_ALTERNATIVES = 3


@dataclass(frozen=True, slots=True)
class Row:
    """One visit of the preview. `value` is its place as the hidden field carries it, empty where it has none."""

    number: int
    css: str
    when: str
    where: str
    tag: str = ""
    lead: tuple[str, ...] = ()
    why: tuple[str, ...] = ()
    options: tuple[Place, ...] = ()
    value: str = ""
    start: datetime | None = None
    is_chosen: bool = False


def view(desk: Desk, plan: CoursePlan, chosen: Mapping[int, Placement], chairs: Mapping[int, Chair]) -> dict[str, Any]:
    """`chosen` are places that were picked by hand instead of the proposed ones."""
    rows = [_row(desk, visit, chosen.get(visit.ordinal), chairs) for visit in plan.visits]
    course = plan.course
    open_rows = [row for row in rows if not row.value]
    is_short = course.protocol.cadence_kind == "elapsed"
    unit_word = ngettext("dose", "doses", len(rows)) if is_short else ngettext("visit", "visits", len(rows))
    return {
        "heading": f"{course.patient.full_name}: {course.protocol.name}",
        "lead": _lead(desk, course, rows, unit_word),
        "rows": rows,
        "fits": not open_rows,
        "book_label": _("Book %(count)s %(what)s") % {"count": len(rows), "what": unit_word},
        "left": _left(open_rows, plan),
        "may_start_anyway": bool(open_rows) and len(open_rows) < len(rows) and not course.protocol.keeps_chair,
        "refused": _refused(course, open_rows, plan),
        "months": months.months(desk, plan, rows) if not is_short else [],
        "line": dose_line.line(desk, plan, rows) if is_short else None,
        "window": _window(course),
        "rules": _rules(plan) if open_rows else [],
        "ways": [_way(desk, way) for way in plan.alternatives],
        "order": order_of(desk, course),
        "wishes": wishes_of(course),
        "reminders": sorted(desk.center.reminder_days, reverse=True),
        "has_mail": course.patient.contacts.exclude(email="").filter(may_be_mailed=True).exists(),
    }


def _row(desk: Desk, visit: VisitPlan, picked: Placement | None, chairs: Mapping[int, Chair]) -> Row:
    zone, today = desk.center.zone, desk.today
    due = visit.draft.due.astimezone(zone)
    options = tuple(
        with_ordinal(place(slot, zone, today), visit.ordinal) for slot in visit.alternatives[:MOST_ALTERNATIVES]
    )
    if picked is not None and picked.chair_id in chairs:
        start = picked.start.astimezone(zone)
        return Row(
            number=visit.ordinal,
            css="is-plan",
            when=words.moment(start, today),
            where=chairs[picked.chair_id].name,
            tag=_off_due(start.date(), due.date()),
            lead=(_("Chosen by you."),),
            value=_value(visit.ordinal, picked.chair_id, start),
            start=start,
            is_chosen=True,
        )
    if visit.slot is None:
        return Row(
            number=visit.ordinal,
            css="is-ask",
            when=words.moment(due, today),
            where=_("no place yet"),
            lead=tuple(refusal.say(_) for refusal in visit.refusals),
            options=options,
        )
    start, end = visit.slot.start.astimezone(zone), visit.slot.end.astimezone(zone)
    lead = tuple(refusal.say(_) for refusal in visit.shifted)
    why = tuple(reason.say(_) for reason in visit.slot.reasons)
    if not lead and not why and visit.slot.start == visit.draft.due:
        lead = (_("At its due time."),)
    return Row(
        number=visit.ordinal,
        css="is-plan",
        when=words.moment(start, today),
        where=_("%(chair)s, to %(end)s") % {"chair": visit.slot.chair.name, "end": words.clock(end)},
        tag=_off_due(start.date(), due.date()),
        lead=lead,
        why=why,
        value=_value(visit.ordinal, visit.slot.chair.id, start),
        start=start,
    )


def with_ordinal(offer: Place, ordinal: int) -> Place:
    return Place(f"{ordinal}@{offer.value}", offer.day, offer.time, offer.chair, offer.why)


def _value(ordinal: int, chair: int, start: datetime) -> str:
    return f"{ordinal}@{chair}@{start.isoformat(timespec='minutes')}"


def _off_due(booked: date, due: date) -> str:
    off = (booked - due).days
    if off == 0:
        return ""
    if off > 0:
        return _("%(days)s after due") % {"days": words.days(off)}
    return _("%(days)s before due") % {"days": words.days(-off)}


def _lead(desk: Desk, course: Course, rows: list[Row], unit_word: str) -> str:
    start = words.moment(course.start.astimezone(desk.center.zone), desk.today)
    sentence = _(
        "%(count)s %(what)s in %(unit)s from %(start)s. Nothing is booked until you say so; then all, or none."
    )
    return sentence % {
        "count": len(rows),
        "what": unit_word,
        "unit": course.unit.name,
        "start": start,
    }


def _left(open_rows: list[Row], plan: CoursePlan) -> str:
    if not open_rows:
        return ""
    if plan.course.protocol.keeps_chair:
        return _("It is all doses or none: choose what would work, or change something.")
    numbers = ", ".join(str(row.number) for row in open_rows)
    return ngettext(
        "Visit %(numbers)s needs your decision first.", "Visits %(numbers)s need your decision first.", len(open_rows)
    ) % {"numbers": numbers}


def _refused(course: Course, open_rows: list[Row], plan: CoursePlan) -> dict[str, Any] | None:
    """A stay is all or nothing: what refuses it is said at the top."""
    if not open_rows or not course.protocol.keeps_chair:
        return None
    sentences = list(dict.fromkeys(refusal.say(_) for visit in plan.visits for refusal in visit.refusals))
    return {
        "title": _("This course does not fit %(unit)s") % {"unit": course.unit.name},
        "sentences": sentences[:4],
        "more": max(len(sentences) - 4, 0),
    }


def _rules(plan: CoursePlan) -> list[tuple[str, list[str]]]:
    """What each rule said, with the visits it said it about."""
    found: dict[str, list[str]] = {}
    for visit in plan.visits:
        for refusal in visit.refusals:
            said = found.setdefault(refusal.code, [])
            said.append(f"{visit.ordinal}: {refusal.say(_)}")
    return [(rule_name(code), said) for code, said in found.items()]


def rule_name(code: str) -> str:
    names = {
        "chair_is_free": _("Chair is free"),
        "patient_is_free": _("Patient is free"),
        "unit_is_open": _("Unit is open"),
        "chair_is_suitable": _("Chair is suitable"),
        "interval_is_kept": _("Interval is kept"),
        "rolling_cap_is_kept": _("Rolling cap is kept"),
        "window_is_kept": _("Window is kept"),
        "nurses_can_cover": _("Nurses can cover"),
        "nurse_can_start": _("A nurse can start"),
        "order_is_valid": _("Order is valid"),
        "authorization_is_valid": _("Authorisation is valid"),
    }
    return names.get(code, code.replace("_", " "))


def _way(desk: Desk, way: CourseAlternative) -> dict[str, str]:
    zone = desk.center.zone
    local = way.start.astimezone(zone)
    heads = {
        "unit": way.unit.name,
        "start": _("%(unit)s, another start") % {"unit": way.unit.name},
        "protocol": _("Another protocol"),
    }
    chair = f", {words.low(way.chair.name)}" if way.chair is not None else ""
    return {
        "head": heads[way.kind],
        "title": words.moment(local, desk.today) + chair,
        "why": way.say(_) if hasattr(way, "say") else _(way.sentence).format(**_spoken(way, desk)),
        "value": f"{way.unit.code}|{way.protocol.pk}|{local.isoformat(timespec='minutes')}",
    }


def _spoken(way: CourseAlternative, desk: Desk) -> dict[str, Any]:
    return {
        name: words.moment(value.astimezone(desk.center.zone), desk.today) if isinstance(value, datetime) else value
        for name, value in way.facts.items()
    }


def _window(course: Course) -> str:
    spec = course.protocol.spec()
    if spec.window.counts_in != "days":
        return ""
    return _("window, %(before)s days before to %(after)s after") % {
        "before": spec.window.before,
        "after": spec.window.after,
    }


def order_of(desk: Desk, course: Course) -> list[tuple[str, str]]:
    today = desk.today
    found = []
    if course.prescriber or course.order_reference:
        found.append((_("Prescriber"), ", ".join(filter(None, [course.prescriber, course.order_reference]))))
    if course.order_until:
        found.append((_("Order"), _("valid to %(day)s") % {"day": words.day(course.order_until, today)}))
    if course.authorization_visits or course.authorization_until:
        visits = _("%(count)s visits") % {"count": course.authorization_visits} if course.authorization_visits else ""
        last = course.authorization_until
        until = _("to %(day)s") % {"day": words.day(last, today)} if last else ""
        found.append((_("Authorised"), ", ".join(filter(None, [visits, until]))))
    if course.attested_by:
        found.append((_("Attested"), f"{course.attested_by}, {course.attestation_reference}"))
    if course.indication:
        found.append((_("Indication"), course.indication))
    return found
