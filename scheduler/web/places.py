"""Places offered on a page: a button each, and what a refusal says with the ways out of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.http import QueryDict
from django.utils.translation import gettext as _

from scheduler.domain import permissions
from scheduler.domain.errors import Refusal
from scheduler.models import Chair
from scheduler.queries.search import Slot
from scheduler.services.settle import Override
from scheduler.web import words
from scheduler.web.dates import read_moment
from scheduler.web.door import Desk

MOST_REASONS = 3


@dataclass(frozen=True, slots=True)
class Place:
    """`value` is what its button sends: `chair@start`."""

    value: str
    day: str
    time: str
    chair: str
    why: str

    @property
    def label(self) -> str:
        return f"{self.day}, {self.time}, {self.chair}"


@dataclass(frozen=True, slots=True)
class Refusals:
    """Why not, and what now. `overridable` are the soft rules that this person may set aside, if these alone refuse."""

    title: str
    sentences: tuple[str, ...]
    places: tuple[Place, ...] = ()
    overridable: tuple[str, ...] = ()
    slot: str = ""


def slot_value(chair: int, start: datetime) -> str:
    return f"{chair}@{start.isoformat(timespec='minutes')}"


def pressed(data: QueryDict) -> str:
    """The place whose button was pressed: to take it, to take it against soft rules, or with what follows."""
    return data.get("slot") or data.get("override_slot") or data.get("accept_slot") or ""


def read_slot(desk: Desk, value: str) -> tuple[Chair, datetime] | None:
    """The chair (of this center) and the moment of `chair@start`; None where it is no such thing."""
    chair, _at, start = value.partition("@")
    moment = read_moment(start)
    if moment is None or not (chair.isascii() and chair.isdigit()):
        return None
    found = Chair.objects.filter(pk=int(chair), unit__center=desk.center).select_related("unit__center").first()
    return (found, moment) if found is not None else None


def place(slot: Slot, zone: ZoneInfo, today: date, *, with_unit: bool = False) -> Place:
    local = slot.start.astimezone(zone)
    reasons = [reason.say(_) for reason in slot.reasons][:MOST_REASONS]
    if with_unit:
        reasons.insert(0, f"{slot.unit_name}.")
    return Place(
        value=slot_value(slot.chair.id, local),
        day=words.day(local.date(), today),
        time=words.clock(local),
        chair=words.low(slot.chair.name),
        why=" ".join(reasons),
    )


def places(slots: Iterable[Slot], desk: Desk) -> tuple[Place, ...]:
    many = len(desk.units) > 1
    return tuple(place(slot, desk.center.zone, desk.today, with_unit=many) for slot in slots)


def refusals(
    desk: Desk, said: Sequence[Refusal], alternatives: Iterable[Slot] = (), *, title: str, slot: str = ""
) -> Refusals:
    return Refusals(
        title=title,
        sentences=tuple(dict.fromkeys(refusal.say(_) for refusal in said)),
        places=places(alternatives, desk),
        overridable=overridable(desk, said) if slot else (),
        slot=slot,
    )


def overridable(desk: Desk, said: Sequence[Refusal]) -> tuple[str, ...]:
    """The codes to set aside; nothing where a hard rule spoke or the role may not."""
    codes = {refusal.code for refusal in said}
    if not codes or any(refusal.is_hard for refusal in said) or not desk.may("override"):
        return ()
    if desk.role == permissions.FRONT_DESK and codes - permissions.DESK_OVERRIDES:
        return ()
    return tuple(sorted(codes))


def read_override(desk: Desk) -> Override | None:
    """What "Book anyway, and say why" sends."""
    post = desk.request.POST
    codes = frozenset(filter(None, post.getlist("override")))
    if "override_slot" not in post or not codes:
        return None
    return Override(codes=codes, reason=post.get("why", "").strip())
