"""What happens on the day and is recorded: never refused for what it breaks, only for what cannot follow."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from scheduler.domain.errors import Malformed
from scheduler.services import attendance, undo
from tests.stateful import rows
from tests.stateful.machine import NUMBERS, Answer, Frame
from tests.stateful.picture import LIVE, MINUTE, Booking, Dose, Picture
from tests.stateful.rules import HARD, asked, broken

UNDOABLE = frozenset({"arrive", "check-in", "start", "complete", "confirm", "no-show", "cancel", "move"})
AGO = st.sampled_from((0, 0, 3, 20, 95, 8 * 60, 30 * 60))
OUTCOMES = st.sampled_from(("given", "given", "partial", "not-given"))
PRESENT = ("booked", "arrived", "checked-in")


class DaySteps(Frame):
    def present(self, which: int) -> Booking:
        """Mostly one that can be attended to."""
        here = [row for row in self.picture.bookings.values() if row.status in PRESENT]
        return self.pick(here if here and which % 6 else self.picture.bookings.values(), which)

    @precondition(lambda self: self.picture.bookings)
    @rule(which=NUMBERS, how=st.sampled_from(("arrive", "check-in")))
    def come(self, which, how) -> None:
        row = self.present(which)
        service, sources, status = {
            "arrive": (attendance.arrive, ("booked",), "arrived"),
            "check-in": (attendance.check_in, ("booked", "arrived"), "checked-in"),
        }[how]
        answer = self.attempt(service, actor=self.world.manager, appointment=self.row(row.pk))
        if self.judge(answer, set() if row.status in sources else {"transition_is_allowed"}):
            self.became(self.picture.with_booking(replace(row, status=status)), how)

    @precondition(lambda self: self.picture.bookings)
    @rule(which=NUMBERS, ago=AGO)
    def start(self, which, ago) -> None:
        row = self.present(which)
        began = self.now - ago * MINUTE
        answer = self.attempt(
            attendance.start, actor=self.world.manager, appointment=self.row(row.pk), actual_start=began
        )
        if self.judge(answer, set() if row.status in PRESENT else {"transition_is_allowed"}):
            self.became(self.picture.with_booking(replace(row, status="checked-in", began=began)), "start")

    @precondition(lambda self: self.picture.bookings)
    @rule(which=NUMBERS, ago=st.one_of(st.none(), AGO), outcome=OUTCOMES)
    def complete(self, which, ago, outcome) -> None:
        """Perhaps late: what began yesterday is written down today."""
        row = self.present(which)
        began = self.now - ago * MINUTE if ago is not None else None
        answer = self.attempt(
            attendance.complete, actor=self.world.manager, appointment=self.row(row.pk), outcome=outcome,
            actual_start=began, reason="" if outcome == "given" else "She felt sick.",
        )  # fmt: skip
        if not self.judge(answer, set() if row.status in PRESENT else {"transition_is_allowed"}):
            return
        began = began or row.began or min(row.start, self.now)
        if outcome == "not-given":
            picture = self.gone(row, "cancelled")
        else:
            picture = self.picture.with_booking(replace(row, status="fulfilled", began=began))
            picture = picture.with_visit(row.visit, "done")
        self.became(self.with_dose(picture, row, began, counts=outcome != "not-given"), "complete")

    def with_dose(self, picture: Picture, row: Booking, began, *, counts: bool) -> Picture:
        if row.protocol is None or row.patient is None:
            return picture
        protocol = self.protocol_row(row.protocol)
        dose = Dose(
            pk=-row.pk,
            patient=row.patient,
            substance=protocol.substance or protocol.code,
            mg=asked(self.world, picture, row).mg,
            at=began,
            counts=counts,
            booking=row.pk,
            visit=row.visit,
        )
        return replace(self.without_dose(picture, row.pk), doses={**self.without_dose(picture, row.pk).doses, -1: dose})

    def without_dose(self, picture: Picture, booking: int) -> Picture:
        return replace(picture, doses={pk: dose for pk, dose in picture.doses.items() if dose.booking != booking})

    @precondition(lambda self: self.picture.bookings)
    @rule(which=NUMBERS)
    def no_show(self, which) -> None:
        row = self.present(which)
        answer = self.attempt(attendance.no_show, actor=self.world.manager, appointment=self.row(row.pk))
        if self.judge(answer, set() if row.status == "booked" else {"transition_is_allowed"}):
            self.became(self.gone(row, "noshow"), "no-show")

    @rule(who=NUMBERS, ago=AGO, mg=st.sampled_from(("0.5", "1")), of_visit=st.booleans(), which=NUMBERS)
    def dose_elsewhere(self, who, ago, mg, of_visit, which) -> None:
        """At home, or at another site: of a visit without a place, or on top of everything."""
        visit = None
        patient, substance = self.pick(self.world.patients, who), "dihydroergotamine"
        if of_visit and self.picture.visits:
            seen = self.pick(self.picture.visits.values(), which)
            visit, course = self.visit_row(seen.pk), self.picture.courses[seen.course]
            patient = self.patient_row(course.patient)
            substance = self.world.therapies[course.protocol].substance or "other"
        at = self.now - ago * MINUTE
        answer = self.attempt(
            attendance.record_dose_elsewhere, actor=self.world.manager, center=self.world.centers[0], patient=patient,
            substance=substance, mg=Decimal(mg), given_at=at, visit=visit,
        )  # fmt: skip
        if visit is not None and self.picture.visits[visit.pk].state != "unplaced":
            assert isinstance(answer.error, Malformed) or answer.codes == {"transition_is_allowed"}
            return
        assert answer.is_yes
        dose = Dose(-1, patient.pk, substance, Decimal(mg), at, True, None, visit and visit.pk)
        picture = replace(self.picture, doses={**self.picture.doses, -1: dose})
        self.became(picture.with_visit(visit and visit.pk, "done"), "dose-elsewhere")

    @precondition(lambda self: self.last)
    @rule(which=NUMBERS)
    def undo(self, which) -> None:
        """The last change of a booking is taken back; where that needs a place, the hard rules decide."""
        row = self.picture.bookings[self.pick(self.last, which)]
        verb, before = self.last[row.pk]
        together = self.moved_with(row.pk)
        answer = self.attempt(undo.undo, actor=self.world.manager, appointment=self.row(row.pk))
        if together:
            self.all_came_back(answer, together)
            return
        is_lapsed = self.picture.without_lapsed(self.now).bookings[row.pk].status != row.status
        needs_place = row.status not in LIVE
        is_gone = needs_place and (before.status == "pending" or not self.may_come_back(row))
        if verb not in UNDOABLE or is_lapsed or is_gone:
            assert answer.codes == {"transition_is_allowed"}, f"{verb} of {row} was undone: {answer.error!r}"
            return
        moved = (before.chair, before.start) != (row.chair, row.start)
        expected: set[str] = set()
        if needs_place or moved:
            picture = self.picture.without_lapsed(self.now)
            one = asked(self.world, picture, replace(before, confirmed=row.confirmed))
            expected = broken(self.world, picture, one, ignoring=frozenset({row.pk})) & HARD
        if not self.judge(answer, expected):
            return
        picture = self.picture.with_booking(before)
        if verb == "complete":
            picture = self.without_dose(picture, row.pk)
        if row.visit is not None:
            picture = picture.with_visit(row.visit, "booked")
            course = picture.visits[row.visit].course
            if picture.courses[course].status == "completed":
                picture = picture.with_course(course, "active")
        self.became(picture, "undo")

    def moved_with(self, pk: int) -> list[int]:
        """All bookings that the last change of this one moved, its own among them; none where it moved alone."""
        told = max(self.events_of(pk))
        return list(self.database["Event"][told]["after"].get("together", ()))

    def events_of(self, pk: int) -> list[int]:
        events = self.database["Event"].items()
        return [key for key, event in events if (event["subject"], event["subject_id"]) == ("appointment", pk)]

    def all_came_back(self, answer: Answer, together: list[int]) -> None:
        """Each of them is where it was before they moved; where one of them was changed since, none is."""
        if not answer.is_yes:
            assert answer.codes
            return
        assert all(self.moved_with(pk) == together for pk in together), "one was changed since, and yet undone"
        database = rows.read()
        seen, before = rows.picture(database), {pk: self.last[pk][1] for pk in together}
        for pk in together:
            assert (seen.bookings[pk].chair, seen.bookings[pk].start) == (before[pk].chair, before[pk].start)
        self.take(database)

    @precondition(lambda self: self.changes != self.rested)
    @rule(minutes=st.sampled_from((1, 4, 6, 30, 61, 180)))
    def time_passes(self, minutes) -> None:
        self.now += timedelta(minutes=minutes)
        self.now_true()
        self.rested = self.changes
