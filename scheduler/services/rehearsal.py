"""What a change of a course would do, found by doing it and taking it back; and doing it if it still does the same.

The change runs in a transaction of its own, as it would be saved: what the preview says cannot differ from what then
happens. Nothing of it is seen by anybody else, and no message leaves, since messages are rows of that transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from django.db import transaction

from scheduler.domain.errors import Stale
from scheduler.models import Course, Visit
from scheduler.services import following
from scheduler.services.following import live_of_course
from scheduler.services.locking import retrying
from scheduler.services.turns import turn


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a visit stands: booked from `start` (UTC) in `chair`, or without a place. `state` as on the visit."""

    state: str
    due: datetime
    start: datetime | None = None
    chair: str = ""
    has_begun: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """One visit before and after; None where it is not there. `proposed` is where its booking would better go."""

    ordinal: int
    before: Standing | None
    after: Standing | None
    proposed: following.Proposal | None = None

    @property
    def is_same(self) -> bool:
        return self.before == self.after and self.proposed is None


@dataclass(frozen=True, slots=True)
class Outcome:
    """`picture` names what was found: see carry_out."""

    status: str
    changes: tuple[Change, ...]
    picture: str


def rehearse(*, course: Course, step: Callable[[], object], now: datetime) -> Outcome:
    """What `step` would change. Raises what it raises; writes nothing."""

    @retrying
    def run() -> Outcome:
        with turn(), transaction.atomic():
            found = _outcome(course, step, now)
            transaction.set_rollback(True)
        return found

    return run()


def carry_out(*, course: Course, step: Callable[[], object], picture: str, now: datetime) -> None:
    """Do it, if it does what was shown; else nothing is written and Stale is raised."""

    @retrying
    def run() -> None:
        with turn(), transaction.atomic():
            if _outcome(course, step, now).picture != picture:
                raise Stale

    run()


def _outcome(course: Course, step: Callable[[], object], now: datetime) -> Outcome:
    before = _standing(course)
    step()
    after = _standing(course)
    current = Course.objects.select_related("protocol", "center", "unit__center", "patient").get(pk=course.pk)
    open_ones = following.proposals(current, now=now) if current.status == "active" else []
    proposed = {one.draft.ordinal: one for one in open_ones}
    changes = tuple(
        Change(ordinal, before.get(ordinal), after.get(ordinal), proposed.get(ordinal))
        for ordinal in sorted(before.keys() | after.keys())
    )
    seen = [(one.ordinal, one.before, one.after, one.proposed is not None) for one in changes]
    return Outcome(current.status, changes, sha256(repr((current.status, seen)).encode()).hexdigest()[:24])


def _standing(course: Course) -> dict[int, Standing]:
    live = {row.visit_id: row for row in live_of_course(course.pk)}
    found = {}
    for visit in Visit.objects.filter(course=course):
        row = live.get(visit.pk)
        found[visit.ordinal] = (
            Standing(visit.state, visit.due, row.start, row.chair.name, row.actual_start is not None)
            if row is not None
            else Standing(visit.state, visit.due)
        )
    return found
