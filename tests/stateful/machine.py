"""The machine's frame: what one step is, and what must be true after each.

A step asks one service for one thing. The oracle says beforehand what must happen; afterwards the whole database is
read again, and held against what the oracle expected and against the promises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db import transaction
from hypothesis import currently_in_test_context, event
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize

from scheduler.domain.errors import Forbidden, Malformed, NotFound, Refused, Stale
from scheduler.models import Appointment, Chair, Patient, Protocol, Visit
from tests.stateful import by_api, promises, rows
from tests.stateful.picture import MINUTE, Booking, Picture, dates
from tests.stateful.rules import asked, broken
from tests.stateful.world import Therapy, World

Row = TypeVar("Row")
DAY = timedelta(days=1)
NUMBERS = st.integers(0, 60)
# Minutes of the local day: around opening and closing, around the clock changes, and some in between.
CLOCKS = (30, 90, 120, 150, 480, 490, 500, 540, 545, 600, 615, 660, 720, 780, 845, 900, 960, 1005, 1050, 1410)
MOMENTS = st.one_of(
    st.tuples(st.just("clock"), st.integers(0, 3), st.sampled_from(CLOCKS)),
    st.tuples(st.sampled_from(("before", "after")), NUMBERS, st.sampled_from((-1, 0, 0, 1))),
    st.tuples(st.sampled_from(("gap-before", "gap-after")), NUMBERS, st.sampled_from((-1, 0, 0, 1))),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service said: its result, or the error with the names of the rules that spoke."""

    result: Any = None
    error: Exception | None = None

    @property
    def is_yes(self) -> bool:
        return self.error is None

    @property
    def says_why(self) -> bool:
        """A refusal has at least one reason, each of them a sentence."""
        if not isinstance(self.error, Refused):
            return True
        return bool(self.error.refusals) and all(refusal.say() for refusal in self.error.refusals)

    @property
    def codes(self) -> set[str]:
        return {refusal.code for refusal in self.error.refusals} if isinstance(self.error, Refused) else set()


class Frame(RuleBasedStateMachine):
    """`worlds` is set by the test: one for each scene, already in the database."""

    worlds: list[World] = []
    by_api_every = 3  # calls
    proves_every = 4  # changes; check_schedule asks as much as all the rest of a step

    def __init__(self) -> None:
        super().__init__()
        self.transaction = transaction.atomic()
        self.transaction.__enter__()
        self.asked = 0
        self.changes = self.rested = 0  # changes so far, and how many there were when time last passed
        self.last: dict[int, tuple[str, Booking]] = {}  # by booking: what happened to it last, and how it was before

    @initialize(scene=st.integers(0, 3))
    def begin(self, scene: int) -> None:
        self.world = replace(self.worlds[scene], places=deepcopy(self.worlds[scene].places))
        self.now = self.world.now
        self.database = rows.read()
        self.picture = rows.picture(self.database)

    def teardown(self) -> None:
        try:
            if self.changes:
                promises.proof(self.now)
        finally:
            self.roll_back()

    def roll_back(self) -> None:
        transaction.set_rollback(True)
        self.transaction.__exit__(None, None, None)

    def attempt(self, service: Callable[..., Any], **values: Any) -> Answer:
        """Call the service, now and then through the API. A refusal changes nothing, says why, and its alternatives
        pass every rule. Anything that is not one of the refusals is a failure of the machine's test, Busy too: nobody
        else is there."""
        self.asked += 1
        is_by_api = self.asked % self.by_api_every == 0 and service in by_api.CALLS
        try:
            if is_by_api:
                return Answer(result=by_api.ask(self.world.keys, service, now=self.now, **values))
            return Answer(result=service(now=self.now, **values))
        except (Refused, Malformed, Stale, Forbidden, NotFound) as error:
            answer = Answer(error=error)
        assert answer.says_why
        changed = rows.changed(self.database, rows.read())
        changed = {table: keys for table, keys in changed.items() if table not in by_api.NOT_COUNTED}
        assert not changed, f"{service.__name__} was refused ({answer.error!r}), and yet changed {changed}"
        count(f"{service.__name__}: {type(answer.error).__name__}")
        return answer

    def judge(self, answer: Answer, expected: set[str], one: Booking | None = None) -> bool:
        """Whether the service said yes; it says so exactly if the oracle knows no rule that is broken, and otherwise
        names the same rules."""
        if not expected:
            assert answer.is_yes, f"refused for {answer.codes or answer.error!r}, and the oracle knows no reason"
            return True
        assert not answer.is_yes, f"accepted, though it breaks {expected}"
        assert answer.codes == expected, f"refused for {answer.codes or answer.error!r}, the oracle says {expected}"
        if one is not None:
            self.check_alternatives(answer, one)
        return False

    def check_alternatives(self, answer: Answer, one: Booking) -> None:
        picture = self.picture.without_lapsed(self.now)
        for slot in getattr(answer.error, "alternatives", ()):
            other = self.placed(one, slot.chair.id, slot.start)
            found = broken(self.world, picture, asked(self.world, picture, other), ignoring=frozenset({one.pk}))
            assert found <= {"window_is_kept"}, f"the alternative {slot.start} on {slot.chair.id} breaks {found}"

    def became(self, expected: Picture, verb: str) -> None:
        """The service said yes: the database shows what the oracle expects, and nothing else."""
        count(f"{verb}: yes")
        database = rows.read()
        seen = rows.picture(database).without_lapsed(self.now)
        wanted = expected.without_lapsed(self.now).with_courses_over()
        _same(seen.bookings, wanted.bookings)
        states = {pk: visit.state for pk, visit in wanted.visits.items()}
        if verb == "resume":  # what became due meanwhile is there, without a place
            states = dict.fromkeys(seen.visits, "unplaced") | states
        _same({pk: visit.state for pk, visit in seen.visits.items()}, states)
        _same(seen.courses, wanted.courses)
        assert _nameless(seen) == _nameless(wanted)
        self.take(database)

    def take(self, database: rows.Database) -> None:
        """The new state becomes the present one, once what a change must leave behind is there."""
        promises.change_is_on_record(self.world, self.database, database)
        before, self.picture = self.picture, rows.picture(database)
        for pk in sorted(database["Event"].keys() - self.database["Event"].keys()):
            told = database["Event"][pk]
            if told["subject"] == "appointment":
                booking = told["subject_id"]
                self.last[booking] = (told["verb"], before.bookings.get(booking, self.picture.bookings[booking]))
        self.database = database
        self.now_true()

    def now_true(self) -> None:
        promises.check(self.world, self.database, self.picture, self.now)
        self.changes += 1
        if self.changes % self.proves_every == 0:
            promises.proof(self.now)

    # What the steps choose from.

    def pick(self, found: Iterable[Row], number: int) -> Row:
        known = sorted(found, key=lambda row: getattr(row, "pk", row))
        return known[number % len(known)]

    def row(self, pk: int) -> Appointment:
        return Appointment.objects.get(pk=pk)

    def chair(self, pk: int) -> Chair:
        return Chair.objects.select_related("unit__center").get(pk=pk)

    def visit_row(self, pk: int) -> Visit:
        return Visit.objects.select_related("course__protocol", "course__center", "course__patient").get(pk=pk)

    def patient_row(self, pk: int) -> Patient:
        return next(patient for patient in self.world.patients if patient.pk == pk)

    def protocol_row(self, pk: int | None) -> Protocol | None:
        return next((row for row in self.world.protocols.values() if row.pk == pk), None)

    def chairs_like(self, chair: int) -> list[int]:
        """The chairs of the same center."""
        center = self.world.place_of(chair).center
        return [pk for pk in self.world.chairs if self.world.place_of(pk).center == center]

    def moment(self, how: tuple[str, int, int], chair: int, row: Booking) -> datetime:
        """A start for `row` on that chair: at a time of the local day, back to back with another booking, or at the
        edge of the interval to another dose of the patient."""
        kind, number, delta = how
        zone = self.world.place_of(chair).zone
        there = [other for other in self.picture.live() if other.chair == chair and other.pk != row.pk]
        if kind in ("before", "after") and there:
            other = self.pick(there, number)
            if kind == "after":
                return other.chair_until + (row.prep + delta) * MINUTE
            return other.chair_from - (row.chair_until - row.start) + delta * MINUTE
        hers = [other for other in self.picture.live() if other.patient == row.patient and other.pk != row.pk]
        if kind.startswith("gap") and hers and row.protocol is not None:
            therapy = self.world.therapies[row.protocol]
            unit = DAY if therapy.counts_in == "days" else MINUTE
            far = (therapy.gap * unit + delta * unit) * (1 if kind == "gap-after" else -1)
            wall = self.pick(hers, number).start.astimezone(zone)
            return (wall + far if unit == DAY else wall.astimezone(self.now.tzinfo) + far).astimezone(self.now.tzinfo)
        day = self.now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0) + (number % 4) * DAY
        minute = delta if kind == "clock" else CLOCKS[number % len(CLOCKS)]
        return day.replace(hour=minute // 60, minute=minute % 60).astimezone(self.now.tzinfo)

    def placed(self, row: Booking, chair: int, start: datetime) -> Booking:
        unit = self.world.chairs[chair].unit_id
        return replace(row, chair=chair, unit=unit, start=start, end=start + (row.end - row.start))

    def fresh(self, therapy: Therapy, *, first: bool = True, **values: Any) -> Booking:
        """A booking that does not stand anywhere yet."""
        is_first = first and therapy.first_prep is not None
        return Booking(
            **{"pk": -1, "unit": 0, "chair": 0, "patient": None, "protocol": None, "visit": None, "stay": None}
            | {"start": self.now, "end": self.now + therapy.minutes * MINUTE, "status": "booked"}
            | {"observation": therapy.observation, "turnover": therapy.turnover}
            | {"prep": therapy.first_prep if is_first else therapy.prep}
            | {"acuity": (is_first and therapy.first_acuity) or therapy.acuity}
            | values
        )

    def gone(self, row: Booking, status: str) -> Picture:
        """The booking is off, and its visit waits for a place again, unless its course was given up."""
        off = replace(row, status=status, expires=None, began=None, confirmed=False)
        picture = self.picture.with_booking(off)
        is_hers = row.visit is not None and picture.visits[row.visit].state in ("booked", "done")
        if row.visit is None or not is_hers:
            return picture
        is_over = picture.courses[picture.visits[row.visit].course].status == "discontinued"
        return picture.with_visit(row.visit, "waived" if is_over else "unplaced")

    def may_come_back(self, row: Booking) -> bool:
        """Whether a booking that is off can stand again: somebody comes, and her visit still waits for a place."""
        if row.visit is None:
            return row.patient is not None
        picture = self.picture.without_lapsed(self.now)
        visit = picture.visits[row.visit]
        return visit.state == "unplaced" and picture.courses[visit.course].status == "active"

    def chairs_of(self, unit: int) -> list[int]:
        return [pk for pk, chair in self.world.chairs.items() if chair.unit_id == unit]

    def is_over(self, start: datetime, chair: int) -> bool:
        """Whether that local day has passed."""
        zone = self.world.place_of(chair).zone
        return start.astimezone(zone).date() < self.now.astimezone(zone).date()


def count(what: str) -> None:
    """For Hypothesis's statistics; a play outside of it (scripts.py) has none."""
    if currently_in_test_context():
        event(what)


def _same(seen: Mapping[int, Any], wanted: Mapping[int, Any]) -> None:
    different = {pk: (seen.get(pk), wanted.get(pk)) for pk in {**seen, **wanted} if seen.get(pk) != wanted.get(pk)}
    assert not different, f"by key, what is there and what was expected: {different}"


def _nameless(picture: Picture) -> list[Any]:
    """Doses without their keys, which the oracle can't know."""
    doses = (replace(dose, pk=0) for dose in picture.doses.values())
    return sorted(doses, key=lambda dose: (dose.at, dose.patient, dose.booking or 0, dose.visit or 0))


def span(row: Booking) -> tuple[datetime, datetime]:
    return row.chair_from, row.chair_until


__all__ = ["DAY", "MOMENTS", "NUMBERS", "Answer", "Frame", "dates", "span"]
