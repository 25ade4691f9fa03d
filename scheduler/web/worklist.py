"""The worklist: what needs a person, most urgent first, with the next step and what would work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from scheduler.domain import localtime
from scheduler.domain.errors import Malformed, NotFound, Refused, gettext_noop
from scheduler.models import Appointment, Visit
from scheduler.queries import worklist as query
from scheduler.queries.search import Slot
from scheduler.queries.slots import slots
from scheduler.queries.worklist import WorklistItem
from scheduler.queries.worklist import attendance as attendance_query
from scheduler.services import attendance, booking, calls, record
from scheduler.services import worklist as marks
from scheduler.web import counts, watched, words, worklist_view
from scheduler.web.dates import read_date
from scheduler.web.door import Desk, door, page
from scheduler.web.glyphs import glyph
from scheduler.web.places import places

MORNING = 8 * 60
WAYS = 3
# What can be done about a visit on the list itself, as on the board.
STEPS: dict[str, Callable[..., Appointment]] = {
    "arrive": attendance.arrive,
    "no-show": attendance.no_show,
    "confirm": booking.confirm,
}


@door("view-schedule")
def worklist(desk: Desk) -> HttpResponse:
    return show(desk)


@door("view-schedule", posts=True, gets=False)
def mark(desk: Desk) -> HttpResponse:
    """Claim, release, snooze or wake one item, or say that a call was made; back to the same view."""
    post = desk.request.POST
    item, do = post.get("item", ""), post.get("do", "")
    common: dict[str, Any] = {"actor": desk.actor, "center": desk.center, "item": item, "now": desk.now}
    try:
        if do == "claim":
            marks.claim(**common)
        elif do == "release":
            marks.release(**common)
        elif do == "called":
            calls.mark_called(**common)
        elif do in STEPS:
            _take(desk, do, post.get("appointment", ""))
        elif do == "wake":
            marks.wake(**common)
        elif do == "snooze":
            marks.snooze(**common, until=_until(desk, post.get("until")), reason=post.get("reason", ""))
        else:
            raise Malformed("do", gettext_noop("There is no such step."))
    except Malformed as wrong:
        return show(desk, trouble=wrong.say(_), opened=item, status=400)
    except Refused as refused:
        return show(desk, trouble=" ".join(each.say(_) for each in refused.refusals), opened=item, status=409)
    counts.forget(desk.center)
    return redirect(f"{reverse('worklist')}{_back(post.get('back', ''), claimed=item if do == 'claim' else '')}")


def _back(view: str, *, claimed: str) -> str:
    """The query of the view that was left. Who claims something does it next: it stands open there."""
    query_ = QueryDict(view.removeprefix("?"), mutable=True)
    if claimed:
        query_["item"] = claimed
        if query_.get("whose") == "free":
            del query_["whose"]
    return f"?{query_.urlencode()}" if query_ else ""


def _take(desk: Desk, do: str, pk: str) -> None:
    """The next step of one visit, without leaving the list."""
    desk.need("attend")
    row = Appointment.objects.filter(center=desk.center, pk=int(pk) if pk.isascii() and pk.isdigit() else 0).first()
    if row is None:
        raise NotFound
    STEPS[do](actor=desk.actor, appointment=row, now=desk.now)


def _until(desk: Desk, text: str | None) -> datetime:
    """The morning of the chosen day; tomorrow's without one."""
    day = read_date(text) or desk.today + timedelta(days=1)
    return localtime.at(day, MORNING, desk.center.zone)


def show(desk: Desk, *, trouble: str = "", opened: str = "", status: int = 200) -> HttpResponse:
    watching = watched.of_center(desk) if status == 200 else {}
    get = desk.request.GET
    kind, whose, unit = get.get("kind", ""), get.get("whose", ""), get.get("unit", "")
    snoozed = kind == "snoozed"
    open_items = query.items(center=desk.center, now=desk.now)
    put_off = query.items(center=desk.center, now=desk.now, snoozed=True)
    everything = put_off if snoozed else open_items
    chosen_unit = next((each for each in desk.units if each.code == unit), None)
    shown = [
        item
        for item in everything
        if (snoozed or not kind or item.kind == kind)
        and (chosen_unit is None or item.unit_id == chosen_unit.pk)
        and _is_whose(item, whose, desk)
    ]
    opened = opened or get.get("item", "")
    order = next((each for each in worklist_view.orders() if each.key == get.get("sort")), None)
    record.access(actor=desk.actor, patient=None, what="worklist", now=desk.now)
    context = {
        "title": _("Worklist"),
        "place": "worklist",
        "sentence": worklist_view.sentence(open_items),
        "groups": [
            {"name": name, "label": label, "lines": [_line(desk, item, opened) for item in group]}
            for name, label, group in worklist_view.groups(shown, order)
            if group
        ],
        "orders": [
            (worklist_view.ordered_url(desk, key), label, key == (order.key if order else ""))
            for key, label in worklist_view.order_names()
        ],
        "kinds": worklist_view.kinds(open_items),
        "kind": kind,
        "whose": whose,
        "unit": unit,
        "all_count": len(open_items),
        "mine_count": sum(_is_whose(item, "mine", desk) for item in open_items),
        "free_count": sum(_is_whose(item, "free", desk) for item in open_items),
        "snoozed_count": len(put_off),
        "units": [(each, sum(item.unit_id == each.pk for item in open_items)) for each in desk.units],
        "back": f"?{desk.request.GET.urlencode()}" if desk.request.GET else "",
        "trouble": trouble,
        "tomorrow": (desk.today + timedelta(days=1)).isoformat(),
    }
    return page(desk, "scheduler/worklist.html", context | watching, status=status)


def _is_whose(item: WorklistItem, whose: str, desk: Desk) -> bool:
    if whose == "mine":
        return item.claimed_by is not None and item.claimed_by.pk == desk.request.user.pk
    if whose == "free":
        return item.claimed_by is None
    return True


def _line(desk: Desk, item: WorklistItem, opened: str) -> dict[str, Any]:
    css, icon = worklist_view.LOOKS.get(item.kind, ("is-plan", "flag"))
    is_open = item.key == opened
    claimer = item.claimed_by
    names = {"patient": "patient", "course": "course", "board": "board", "move": "move"}
    ways = places(_ways(desk, item), desk) if is_open and item.kind == "unplaced" and desk.may("book") else ()
    unconfirmed = _unconfirmed(desk, item) if is_open and item.kind == "unconfirmed" else ()
    return {
        "item": item,
        "css": css,
        "glyph": glyph(icon),
        "when": worklist_view.when(desk, item),
        "url": reverse(names[item.action.to], args=item.action.args),
        "is_open": is_open,
        "claimer": words.initials(words.person(claimer)) if claimer is not None else "",
        "claimer_name": words.person(claimer) if claimer is not None else "",
        "is_mine": claimer is not None and claimer.pk == desk.request.user.pk,
        "why": [each.get("detail", "") for each in item.refusals],
        "ways": ways,
        "more_url": _opened_url(desk, item),
        "unconfirmed": unconfirmed,
        # What has the focus where the line stands open: what is done about it.
        "starts_with": "way" if ways else "step" if _has_step(desk, item, unconfirmed) else "link",
    }


def _has_step(desk: Desk, item: WorklistItem, unconfirmed: Sequence[Any]) -> bool:
    return desk.may("attend") and (item.kind == "late" or bool(unconfirmed))


def _unconfirmed(desk: Desk, item: WorklistItem) -> list[dict[str, Any]]:
    """Whom to ask, in the order in which they come."""
    zone = desk.center.zone
    rows = attendance_query.unconfirmed_of(desk.center, desk.now)
    return [
        {
            "pk": row.pk,
            "patient": row.patient_id,
            "name": row.patient.full_name if row.patient is not None else "",
            "time": words.clock(row.start.astimezone(zone)),
            "phone": next((each.phone for each in row.patient.contacts.all() if each.phone), "")
            if row.patient is not None
            else "",
        }
        for row in rows
        if row.unit_id == item.unit_id
    ]


def _opened_url(desk: Desk, item: WorklistItem) -> str:
    query_ = desk.request.GET.copy()
    query_["item"] = item.key
    return f"?{query_.urlencode()}"


def _ways(desk: Desk, item: WorklistItem) -> list[Slot]:
    """Where an unplaced visit could go, looked for when its line is opened."""
    if item.visit_id is None:
        return []
    visit = (
        Visit.objects.filter(pk=item.visit_id, course__center=desk.center)
        .select_related("course__protocol", "course__patient", "course__center", "course__unit__center")
        .first()
    )
    if visit is None:
        return []
    start = max(desk.now, visit.window_start)
    try:
        found = slots(
            center=desk.center,
            from_=start,
            to=max(visit.window_end, start + timedelta(days=7)),
            now=desk.now,
            unit=visit.course.unit,
            visit=visit,
            limit=WAYS,
        )
    except Malformed:
        return []  # a window of more days than a search covers has its own page
    return list(found.slots or found.alternatives)[:WAYS]
