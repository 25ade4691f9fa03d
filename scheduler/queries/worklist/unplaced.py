"""Visits that are due and have no place, with the reasons that stand with them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from scheduler.models import Center, Visit
from scheduler.queries.worklist.item import Action, Urgency, WorklistItem, say_moment

# The job places a new course's visits within seconds; until then they are nobody's work.
BEING_PLACED = timedelta(minutes=2)
SOON = timedelta(days=7)


def unplaced(center: Center, now: datetime) -> Iterator[WorklistItem]:
    """One item for each visit, and one for all waiting doses of a stay: they are placed together."""
    visits = (
        Visit.objects.filter(state=Visit.State.UNPLACED, course__center=center, course__status="active")
        .exclude(Q(tried_at__isnull=True, reason="", course__created_at__gt=now - BEING_PLACED))
        .select_related("course__patient", "course__protocol")
        .order_by("due", "ordinal")
    )
    groups: dict[tuple[str, int], list[Visit]] = {}
    for visit in visits:
        stay = visit.course.protocol.keeps_chair
        key = ("stay", visit.course_id) if stay else ("visit", visit.pk)
        groups.setdefault(key, []).append(visit)
    for group in groups.values():
        yield _item(group, center, now)


def _item(group: list[Visit], center: Center, now: datetime) -> WorklistItem:
    visit = group[0]
    course = visit.course
    due = visit.due.astimezone(center.zone)
    facts = {
        "name": course.patient.full_name,
        "protocol": course.protocol.short_name,
        "number": visit.ordinal,
        "due": say_moment(due),
        "count": len(group),
    }
    if visit.window_end <= now:
        title = _("%(name)s: visit %(number)s is overdue") % facts
    elif len(group) > 1:
        title = (
            ngettext("%(name)s: %(count)s dose has no place", "%(name)s: %(count)s doses have no place", len(group))
            % facts
        )
    else:
        title = _("%(name)s: visit %(number)s has no place") % facts
    return WorklistItem(
        key=f"unplaced:{visit.pk}",
        kind="unplaced",
        urgency=_urgency(visit, now),
        title=title,
        detail=f"{_('%(protocol)s, due %(due)s.') % facts} {_why(visit)}",
        when=visit.due,
        action=Action(_("Find a place"), "course", (course.pk,)),
        patient_id=course.patient_id,
        listed_name=course.patient.listed_name,
        course_id=course.pk,
        visit_id=visit.pk,
        unit_id=course.unit_id,
        refusals=tuple(visit.refusals),
    )


def _why(visit: Visit) -> str:
    if visit.refusals:
        return " ".join(dict.fromkeys(str(refusal.get("detail", "")) for refusal in visit.refusals))
    if visit.reason:
        return _("Taken down: %(reason)s") % {"reason": visit.reason}
    return _("A place is still being looked for.")


def _urgency(visit: Visit, now: datetime) -> Urgency:
    """Now, once the window is open or nearly over; today, if it is due within a week."""
    if visit.window_start <= now or visit.due <= now + timedelta(days=1):
        return "now"
    return "today" if visit.due <= now + SOON else "later"
