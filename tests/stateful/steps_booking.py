"""Hold, book, move, cancel, reopen, confirm: with every rule predicted by the oracle."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from scheduler.domain.errors import Forbidden, Malformed, Stale
from scheduler.services import booking
from scheduler.services.settle import Override
from tests.stateful.machine import MOMENTS, NUMBERS, Answer, Frame
from tests.stateful.picture import GONE, MINUTE, OPEN, Booking
from tests.stateful.rules import HARD, SOFT, asked, broken
from tests.stateful.world import plain

OVERRIDES = st.sampled_from((frozenset(), frozenset(), frozenset({"window_is_kept"}), SOFT))
LENGTHS = st.sampled_from((15, 30, 60, 125))


def override(codes: frozenset[str]) -> Override | None:
    return Override(codes, "The oracle asked.") if codes else None


class BookingSteps(Frame):
    def broken_by(self, row: Booking, *, hard_only: bool = False, aside: frozenset[str] = frozenset()) -> set[str]:
        picture = self.picture.without_lapsed(self.now)
        found = broken(self.world, picture, asked(self.world, picture, row), ignoring=frozenset({row.pk}))
        return found & HARD if hard_only else found - aside

    def booked(self, answer: Answer, row: Booking, verb: str, aside: frozenset[str]) -> None:
        row = replace(row, pk=answer.result.pk, aside=aside & self.broken_by(row))
        self.became(self.picture.with_booking(row).with_visit(row.visit, "booked"), verb)

    @rule(
        chair=NUMBERS, who=NUMBERS, what=NUMBERS, minutes=LENGTHS, how=MOMENTS, aside=OVERRIDES, is_hold=st.booleans()
    )
    def book_or_hold(self, chair, who, what, minutes, how, aside, is_hold) -> None:
        """A protocol's visit outside any course, or plain minutes; a hold perhaps for nobody yet."""
        where = self.pick(self.world.chairs, chair)
        patient = [*self.world.patients, None][who % (4 if is_hold else 3)]
        protocol = [*self.world.protocols.values(), None][what % (len(self.world.protocols) + 1)]
        therapy = self.world.therapies[protocol.pk] if protocol is not None else plain(minutes)
        row = self.fresh(therapy, patient=patient and patient.pk, protocol=protocol and protocol.pk, status="booked")
        row = self.placed(row, where, self.moment(how, where, row))
        place = {"chair": self.chair(where), "start": row.start, "patient": patient, "protocol": protocol}
        place |= {"minutes": minutes} if protocol is None else {}
        if is_hold:
            row = replace(row, status="pending", expires=self.now + 5 * MINUTE)
            answer = self.attempt(booking.hold, actor=self.world.manager, **place)
        else:
            answer = self.attempt(booking.book, actor=self.world.manager, override=override(aside), **place)
        if self.is_over(row.start, where):
            assert isinstance(answer.error, Malformed)
        elif self.judge(answer, self.broken_by(row, hard_only=is_hold, aside=aside), row):
            self.booked(answer, row, "hold" if is_hold else "book", frozenset() if is_hold else aside)

    @precondition(lambda self: self.picture.visits)
    @rule(which=NUMBERS, chair=NUMBERS, how=MOMENTS, late=st.sampled_from((None, 0, 0, -60, 60, 61)), aside=OVERRIDES,
          is_hold=st.booleans(), is_desk=st.booleans())  # fmt: skip
    def book_visit(self, which, chair, how, late, aside, is_hold, is_desk) -> None:
        picture = self.picture.without_lapsed(self.now)
        unplaced = [visit for visit in picture.visits.values() if visit.state == "unplaced"]
        visit = self.pick(unplaced if unplaced and which % 8 else picture.visits.values(), which)
        course = picture.courses[visit.course]
        where = self.pick(self.chairs_like(self.chairs_of(course.unit)[0]), chair)
        therapy = self.world.therapies[course.protocol]
        row = self.fresh(
            therapy, first=visit.ordinal == 1, patient=course.patient, protocol=course.protocol, visit=visit.pk,
            stay=course.pk if therapy.keeps_chair else None,
        )  # fmt: skip
        start = self.moment(how, where, row) if late is None else visit.due + late * MINUTE
        row = self.placed(row, where, start)
        place = {"chair": self.chair(where), "start": start, "visit": self.visit_row(visit.pk)}
        if is_hold:
            row = replace(row, status="pending", expires=self.now + 5 * MINUTE)
            answer = self.attempt(booking.hold, actor=self.world.manager, **place)
        else:
            actor = self.world.desk if is_desk else self.world.manager
            answer = self.attempt(booking.book, actor=actor, override=override(aside), **place)
        if isinstance(answer.error, Forbidden):
            assert is_desk
            assert aside - {"window_is_kept"} or (start - visit.due).days >= 20
        elif self.is_over(start, where):
            assert isinstance(answer.error, Malformed)
        elif course.status != "active" or visit.state != "unplaced":
            assert answer.codes == {"transition_is_allowed"}, f"{visit} of {course}: {answer.error!r}"
        elif self.judge(answer, self.broken_by(row, hard_only=is_hold, aside=aside), row):
            self.booked(answer, row, "hold" if is_hold else "book", frozenset() if is_hold else aside)

    @precondition(lambda self: any(row.status == "pending" for row in self.picture.bookings.values()))
    @rule(which=NUMBERS, chair=NUMBERS, who=NUMBERS, how=MOMENTS, stays=st.booleans(), aside=OVERRIDES)
    def book_held(self, which, chair, who, how, stays, aside) -> None:
        """A hold becomes a booking, where it is or elsewhere."""
        held = self.pick((row for row in self.picture.bookings.values() if row.status == "pending"), which)
        where = held.chair if stays else self.pick(self.chairs_like(held.chair), chair)
        patient = held.patient or self.pick(self.world.patients, who).pk
        row = replace(held, patient=patient, status="booked", expires=None)
        row = self.placed(row, where, held.start if stays else self.moment(how, where, row))
        of_what = {}
        if held.visit is None:
            of_what = {"patient": self.patient_row(patient), "protocol": self.protocol_row(held.protocol)}
            of_what |= {"minutes": int((held.end - held.start) / MINUTE)} if held.protocol is None else {}
        answer = self.attempt(
            booking.book, actor=self.world.manager, hold=self.row(held.pk), chair=self.chair(where), start=row.start,
            override=override(aside), **of_what,
        )  # fmt: skip
        course = self.picture.courses[self.picture.visits[held.visit].course] if held.visit is not None else None
        if self.is_over(row.start, where):
            assert isinstance(answer.error, Malformed)
        elif (held.expires or self.now) <= self.now or (course is not None and course.status != "active"):
            assert answer.codes == {"transition_is_allowed"}, f"the hold of {held.expires} was booked: {answer.error!r}"
        elif self.judge(answer, self.broken_by(row, aside=aside), row):
            self.booked(answer, row, "book", aside)

    @precondition(lambda self: self.picture.bookings)
    @rule(
        which=NUMBERS, chair=NUMBERS, how=MOMENTS, aside=OVERRIDES, keeps=st.sampled_from(("chair", "time", "neither"))
    )
    def move(self, which, chair, how, aside, keeps) -> None:
        row = self.pick(self.picture.bookings.values(), which)
        where = row.chair if keeps == "chair" else self.pick(self.chairs_like(row.chair), chair)
        self.change_place(row, where, row.start if keeps == "time" else self.moment(how, where, row), aside)

    @precondition(lambda self: sum(row.status in OPEN for row in self.picture.bookings.values()) > 1)
    @rule(which=NUMBERS, other=NUMBERS, chair=NUMBERS, how=MOMENTS, aside=OVERRIDES)
    def swap(self, which, other, chair, how, aside) -> None:
        """Two bookings change places by way of a third, as far as the rules let them."""
        there = [row for row in self.picture.bookings.values() if row.status in OPEN]
        one = self.pick(there, which)
        alike = [row for row in there if row.pk != one.pk and row.chair in self.chairs_like(one.chair)]
        if not alike:
            return
        two, third = self.pick(alike, other), self.pick(self.chairs_like(one.chair), chair)
        if self.change_place(one, third, self.moment(how, third, one), aside):
            two = self.picture.bookings[two.pk]
            if self.change_place(two, one.chair, one.start, aside):
                self.change_place(self.picture.bookings[one.pk], two.chair, two.start, aside)

    def change_place(self, row: Booking, where: int, start: datetime, aside: frozenset[str]) -> bool:
        """Whether it moved."""
        if row.stay is not None and where != row.chair:
            return False  # a whole stay changes its chair: steps_course.py
        moved = self.placed(row, where, start)
        answer = self.attempt(
            booking.move, actor=self.world.manager, appointment=self.row(row.pk), chair=self.chair(where), start=start,
            override=override(aside),
        )  # fmt: skip
        now = self.picture.without_lapsed(self.now).bookings[row.pk]
        if self.is_over(start, where):
            assert isinstance(answer.error, Malformed)
        elif now.status not in OPEN or (now.began is not None and start != row.start):
            assert answer.codes == {"transition_is_allowed"}
        elif self.judge(answer, self.broken_by(moved, aside=aside), moved):
            confirmed = row.confirmed and start == row.start
            moved = replace(moved, confirmed=confirmed, aside=aside & self.broken_by(moved))
            self.became(self.picture.with_booking(moved), "move")
            return True
        return False

    @precondition(lambda self: self.picture.bookings)
    @rule(which=NUMBERS)
    def cancel(self, which) -> None:
        row = self.pick(self.picture.bookings.values(), which)
        answer = self.attempt(
            booking.cancel, actor=self.world.manager, appointment=self.row(row.pk), reason="She is ill."
        )
        now = self.picture.without_lapsed(self.now).bookings[row.pk]
        if self.judge(answer, set() if now.status in OPEN else {"transition_is_allowed"}):
            self.became(self.gone(row, "cancelled"), "cancel")

    @precondition(lambda self: any(row.status in GONE for row in self.picture.bookings.values()))
    @rule(which=NUMBERS, aside=OVERRIDES)
    def reopen(self, which, aside) -> None:
        row = self.pick((row for row in self.picture.bookings.values() if row.status in GONE), which)
        answer = self.attempt(
            booking.reopen, actor=self.world.manager, appointment=self.row(row.pk), override=override(aside)
        )
        back = replace(row, status="booked")
        if not self.may_come_back(row):
            assert not answer.is_yes
        elif self.judge(answer, self.broken_by(back, aside=aside), back):
            confirmed = answer.result.confirmed_at is not None
            self.booked(answer, replace(back, confirmed=confirmed), "reopen", aside)

    @precondition(lambda self: self.picture.bookings)
    @rule(which=NUMBERS)
    def confirm(self, which) -> None:
        row = self.pick(self.picture.bookings.values(), which)
        answer = self.attempt(booking.confirm, actor=self.world.manager, appointment=self.row(row.pk))
        if self.judge(answer, set() if row.status == "booked" else {"transition_is_allowed"}):
            self.became(self.picture.with_booking(replace(row, confirmed=True)), "confirm")

    @precondition(lambda self: self.picture.bookings)
    @rule(which=NUMBERS)
    def cancel_what_has_changed_since(self, which) -> None:
        row = self.row(self.pick(self.picture.bookings.values(), which).pk)
        answer = self.attempt(
            booking.cancel, actor=self.world.manager, appointment=row, reason="Too late.", version=row.version + 1
        )
        assert isinstance(answer.error, Stale), f"cancelled by who had read another version: {answer.error!r}"
