"""Mine or everybody's: whose visits the floor shows. The choice is remembered in the session, not in the address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scheduler.models import Appointment, Break, Nurse
from scheduler.queries.assignments import nurses_of
from scheduler.web.door import Desk

KEY = "whose"


@dataclass(frozen=True, slots=True)
class Whose:
    """`me` is the nurse who is signed in, None for anybody else; `names` has each visit's nurse by appointment id."""

    me: Nurse | None
    is_mine: bool
    names: dict[int, str]
    visits: list[Appointment]


def whose(desk: Desk, visits: Sequence[Appointment]) -> Whose:
    """?whose=mine or ?whose=everybody chooses, for this session. Mine are also the patients of a colleague whose break
    I cover now."""
    me = Nurse.objects.filter(center=desk.center, user=desk.request.user.pk, is_active=True).first()
    wanted = desk.request.GET.get("whose", "")
    if wanted in ("mine", "everybody"):
        desk.request.session[KEY] = wanted
    held = nurses_of(each.pk for each in visits)
    is_mine = me is not None and desk.request.session.get(KEY) == "mine"
    found = list(visits)
    if me is not None and is_mine:
        watched = {me.pk, *_covered(desk, me)}
        found = [each for each in visits if each.pk in held and held[each.pk].pk in watched]
    return Whose(me=me, is_mine=is_mine, names={pk: nurse.name for pk, nurse in held.items()}, visits=found)


def _covered(desk: Desk, me: Nurse) -> list[int]:
    """The nurses who are on a break now that she covers."""
    rows = Break.objects.filter(covered_by=me, starts_at__lte=desk.now, ends_at__gt=desk.now)
    return list(rows.values_list("shift__nurse_id", flat=True))
