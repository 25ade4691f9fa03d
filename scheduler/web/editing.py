"""Another place for one visit of a course's preview: one of the rules' own, or a time that is checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from scheduler.domain import localtime
from scheduler.models import Chair
from scheduler.queries import plan_edit
from scheduler.queries.plan import CoursePlan
from scheduler.queries.plan_edit import Places
from scheduler.services.courses import Placement
from scheduler.web import words
from scheduler.web.dates import read_date, read_minute
from scheduler.web.door import Desk
from scheduler.web.places import Place, place
from scheduler.web.preview_view import with_ordinal


@dataclass(frozen=True, slots=True)
class Edit:
    """The visit that is open, with what is offered and, for a time of one's own, what speaks against it."""

    number: int
    options: tuple[Place, ...]
    day: str
    time: str
    chair: int | None
    asked: str = ""
    said: tuple[str, ...] = ()


def edit(desk: Desk, plan: CoursePlan, placed: Mapping[int, Placement], chosen: dict[int, Placement]) -> Edit | None:
    """`alter` opens a visit; `check` takes the time typed for it into `chosen`, if no rule speaks against it."""
    post = desk.request.POST
    text = post.get("check") or post.get("alter") or ""
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 5 else 0
    if number not in {visit.ordinal for visit in plan.visits}:
        return None
    places: Places = {ordinal: (one.chair_id, one.start) for ordinal, one in placed.items()}
    return _checked(desk, plan, number, places, chosen) if post.get("check") else _opened(desk, plan, number, places)


def _opened(desk: Desk, plan: CoursePlan, number: int, places: Places) -> Edit:
    chair, start = places.get(number, (None, plan_edit.draft_of(plan, number).due))
    local = start.astimezone(desk.center.zone)
    found = plan_edit.offers(plan, number, places, now=desk.now)
    return Edit(
        number=number,
        options=tuple(with_ordinal(place(slot, desk.center.zone, desk.today), number) for slot in found),
        day=local.date().isoformat(),
        time=f"{local:%H:%M}",
        chair=chair,
    )


def _checked(desk: Desk, plan: CoursePlan, number: int, places: Places, chosen: dict[int, Placement]) -> Edit | None:
    post, zone = desk.request.POST, desk.center.zone
    day, minute, which = read_date(post.get("own_date")), read_minute(post.get("own_time")), post.get("own_chair", "")
    chairs = Chair.objects.filter(unit=plan.course.unit).select_related("unit__center")
    chair = chairs.filter(pk=int(which)).first() if which.isascii() and which.isdigit() else None
    kept: dict[str, Any] = {
        "day": post.get("own_date", ""),
        "time": post.get("own_time", ""),
        "chair": chair.pk if chair else None,
    }
    if day is None or minute is None or chair is None:
        return Edit(
            number, (), asked=_("Not checked yet"), said=(_("Say on which day, at what time and where."),), **kept
        )
    start = localtime.at(day, minute, zone)
    local = start.astimezone(zone)
    asked = f"{words.moment(local, desk.today)}, {words.low(chair.name)}"
    if start < desk.now or start > desk.now + plan_edit.FARTHEST:
        return Edit(number, (), asked=asked, said=(_("That time is over, or too far ahead."),), **kept)
    said, near = plan_edit.refusals(plan, number, places, chair=chair, start=start, now=desk.now)
    if not said:
        chosen[number] = Placement(number, chair.pk, start)
        return None
    return Edit(
        number=number,
        options=tuple(with_ordinal(place(slot, zone, desk.today), number) for slot in near),
        asked=asked,
        said=tuple(dict.fromkeys(refusal.say(_) for refusal in said)),
        **kept,
    )
