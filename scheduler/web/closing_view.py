"""What a closing or an absence would do, as its preview shows it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from scheduler.domain import localtime
from scheduler.domain.staffing import Overload
from scheduler.models import Appointment, Closure
from scheduler.queries.absence import Absence, AbsencePlan
from scheduler.queries.away import Away
from scheduler.queries.closing import ClosingPlan
from scheduler.queries.rehoming import Rehomed
from scheduler.queries.search import Slot
from scheduler.web import words
from scheduler.web.closing_form import value_of
from scheduler.web.door import Desk
from scheduler.web.lanes import treatment


@dataclass(frozen=True, slots=True)
class Line:
    """`value` is what its checkbox sends; empty where a person has to find the place."""

    pk: int
    patient: int | None
    name: str
    what: str
    was: str
    becomes: str = ""
    why: tuple[str, ...] = ()
    nearest: tuple[str, ...] = ()
    value: str = ""


@dataclass(frozen=True, slots=True)
class Over:
    when: str
    what: str


def closure(desk: Desk, draft: Closure, plan: ClosingPlan) -> dict[str, Any]:
    lines = [_line(desk, one) for one in plan.rehomed]
    left = [_unplanned(desk, row) for row in plan.unplanned]
    shown = _shown(lines + left, plan.picture)
    count = len(shown["moving"]) + len(shown["by_hand"])
    affected = ngettext("%(count)s visit is affected.", "%(count)s visits are affected.", count) % {"count": count}
    return shown | {
        "heading": _("Close %(place)s?") % {"place": place_name(desk, draft)},
        "lead": f"{span(desk, draft.starts_at, draft.ends_at)}. {draft.reason}. "
        + (affected if count else _("Nobody is booked then.")),
        "overs": [],
        "lefts": [],
        "notes": [],
    }


def absence(desk: Desk, away: Absence, plan: AbsencePlan) -> dict[str, Any]:
    lines = [_line(desk, one) for one in (*plan.rehomed, *plan.by_hand)]
    shown = _shown(lines, plan.picture)
    since = away.since.astimezone(desk.center.zone)
    notes = [
        _("The shifts of today are not published in %(unit)s: the weekday’s pattern counts there, so the load stays.")
        % {"unit": unit.name}
        for unit in plan.unpublished
    ]
    if not plan.shifts:
        notes.append(_("No shift is left today."))
    if not plan.over:
        lead = _("The others can carry what is booked.")
    elif not plan.left:
        lead = _("What is booked is too much for the others, until these visits move.")
    else:
        lead = _("What is booked is too much for the others, and not all of it can move.")
    return shown | {
        "heading": _("Without %(nurse)s from %(time)s?") % {"nurse": away.nurse.name, "time": words.clock(since)},
        "lead": lead,
        "overs": overs(desk, plan.over),
        "lefts": overs(desk, plan.left) if plan.rehomed else [],
        "notes": notes,
    }


def overs(desk: Desk, found: Sequence[Overload]) -> list[Over]:
    """Quarter hours that follow one another are one line for each thing that is too much: its worst is said."""
    names = {"patients": _("patients"), "acuity": _("points"), "starts": _("starts in a quarter hour")}
    runs: list[list[Overload]] = []
    for one in sorted(found, key=lambda each: (each.what, each.quarter)):
        last = runs[-1][-1] if runs else None
        if last is not None and last.what == one.what and localtime.add_elapsed(last.quarter, 15) == one.quarter:
            runs[-1].append(one)
        else:
            runs.append([one])
    zone = desk.center.zone
    lines = []
    for run in sorted(runs, key=lambda each: each[0].quarter):
        worst = max(run, key=lambda each: each.have - each.can)
        begin, until = run[0].quarter, localtime.add_elapsed(run[-1].quarter, 15)
        facts = {"have": worst.have, "can": worst.can, "what": names[worst.what]}
        lines.append(
            Over(
                when=f"{words.clock(begin.astimezone(zone))}–{words.clock(until.astimezone(zone))}",
                what=_("%(what)s: up to %(have)s, nurses for %(can)s") % facts,
            )
        )
    return lines


def place_name(desk: Desk, row: Closure) -> str:
    if row.chair is not None:
        return f"{row.unit.name}, {words.low(row.chair.name)}" if row.unit is not None else row.chair.name
    return row.unit.name if row.unit is not None else desk.center.name


def span(desk: Desk, start: datetime, end: datetime) -> str:
    """Tue 24 Nov, 10:00 to 13:00; whole days without times."""
    zone, today = desk.center.zone, desk.today
    first, last = start.astimezone(zone), end.astimezone(zone)
    final = localtime.local_date(localtime.add_elapsed(end, -1), zone)
    if first == localtime.day(first.date(), zone).start and end == localtime.day(final, zone).end:
        whole = words.day(first.date(), today)
        return whole if final == first.date() else f"{whole} – {words.day(final, today)}"
    until = words.clock(last) if first.date() == last.date() else words.moment(last, today)
    return _("%(start)s to %(end)s") % {"start": words.moment(first, today), "end": until}


def _shown(lines: Iterable[Line], picture: str) -> dict[str, Any]:
    known = list(lines)
    return {
        "moving": [line for line in known if line.value],
        "by_hand": [line for line in known if not line.value],
        "picture": picture,
    }


def _line(desk: Desk, one: Rehomed) -> Line:
    row = one.first
    if not one.steps:
        return Line(
            **_who(desk, row, len(one.appointments)),
            why=tuple(dict.fromkeys(refusal.say(_) for refusal in one.why)),
            nearest=tuple(_place(desk, slot) for slot in one.nearest),
        )
    first = one.steps[0].slot
    return Line(
        **_who(desk, row, len(one.appointments)),
        becomes=_place(desk, first),
        why=tuple(reason.say(_) for reason in one.reasons),
        value=value_of(
            tuple(
                (step.appointment.pk, step.appointment.version, step.slot.chair.id, step.slot.start)
                for step in one.steps
            )
        ),
    )


def _unplanned(desk: Desk, row: Appointment) -> Line:
    return Line(**_who(desk, row, 1), why=(_("Too many at once: this one stands on the worklist afterwards."),))


def _who(desk: Desk, row: Appointment, count: int) -> dict[str, Any]:
    local = row.start.astimezone(desk.center.zone)
    what = treatment(row)[0]
    if count > 1:
        doses = ngettext("%(count)s dose", "%(count)s doses", count) % {"count": count}
        what = f"{row.protocol.short_name if row.protocol is not None else what}, {doses}"
    return {
        "pk": row.pk,
        "patient": row.patient_id,
        "name": row.patient.full_name if row.patient is not None else _("A hold"),
        "what": what,
        "was": f"{words.moment(local, desk.today)}, {words.low(row.chair.name)}",
    }


def _place(desk: Desk, slot: Slot) -> str:
    local = slot.start.astimezone(desk.center.zone)
    return f"{words.moment(local, desk.today)}, {words.low(slot.chair.name)}"


def gone(desk: Desk, one: Away) -> dict[str, Any]:
    """A nurse who was noted away, with the button that brings her back."""
    zone = desk.center.zone
    back = max(shift.end for shift in one.shifts).astimezone(zone)
    return {
        "noted": one.noted,
        "name": one.nurse.name,
        "when": _("since %(since)s, planned until %(end)s")
        % {"since": words.moment(one.since.astimezone(zone), desk.today), "end": words.clock(back)},
        "reason": one.reason,
    }
