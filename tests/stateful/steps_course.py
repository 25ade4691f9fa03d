"""Courses: started (with places or without), placed by the job, moved with what follows, paused, resumed, amended,
discontinued; visits waived. What a batch writes is read back and held against every rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from scheduler.domain.errors import Malformed
from scheduler.models import Course
from scheduler.queries.course_request import CourseRequest
from scheduler.queries.plan import preview
from scheduler.services import booking, courses
from scheduler.services.courses import Placement
from tests.stateful import rows
from tests.stateful.machine import CLOCKS, MOMENTS, NUMBERS, Answer
from tests.stateful.picture import Picture
from tests.stateful.rules import SOFT, asked, broken
from tests.stateful.steps_booking import OVERRIDES, BookingSteps, override

KINDS = st.sampled_from(("quarterly", "weekly", "dhe", "dhe", "rescue"))
# A course's row as the machine needs it for services.
RELATED = ("protocol", "center", "unit__center", "patient")


class CourseSteps(BookingSteps):
    @rule(kind=KINDS, who=NUMBERS, day=st.integers(0, 2), clock=st.sampled_from(CLOCKS), by_day=st.booleans(),
          strong=st.booleans(), attested=st.booleans(), authorized=st.sampled_from((None, None, 3)),
          placed=st.sampled_from(("no", "as proposed", "all at once")), open_ended=st.booleans())  # fmt: skip
    def create(self, kind, who, day, clock, by_day, strong, attested, authorized, placed, open_ended) -> None:
        units = list(self.world.units.values())
        unit = units[0] if by_day else units[1]
        zone = self.world.places[unit.pk].zone
        local = self.now.astimezone(zone).replace(hour=clock // 60, minute=clock % 60, second=0) + timedelta(days=day)
        attestation = {"attested_by": "Dr. Lee", "attested_at": self.now, "attestation_reference": "A-1"}
        request = CourseRequest(
            patient=self.pick(self.world.patients, who),
            protocol=self.world.protocols[kind],
            unit=unit,
            start=local.astimezone(self.now.tzinfo),
            doses=3 if kind == "dhe" else None,
            is_open_ended=open_ended and kind == "quarterly",
            dose_mg=Decimal(1) if kind == "dhe" and strong else None,
            authorization_until=local.date() + timedelta(days=authorized) if authorized else None,
            **(attestation if attested else {}),
        )
        center = self.world.centers[0]
        placements = None
        if placed != "no":
            plan = preview(center=center, request=request, now=self.now)
            found = [(visit.ordinal, visit.slot) for visit in plan.visits if visit.slot is not None]
            placements = [Placement(ordinal, slot.chair.id, slot.start) for ordinal, slot in found]
            if placed == "all at once":  # each at its due time in one chair, whatever speaks against it
                chair = self.pick(self.chairs_of(unit.pk), who)
                placements = [Placement(v.ordinal, chair, v.draft.due) for v in plan.visits]
        answer = self.attempt(
            courses.create, actor=self.world.manager, center=center, request=request, placements=placements
        )
        if placed != "all at once":
            assert answer.is_yes, f"the places that were just proposed are refused: {answer.error!r}"
        if answer.is_yes:
            self.wrote("create", new_courses={answer.result.pk})
        else:
            assert answer.codes

    def wrote(self, verb: str, *, new_courses: frozenset[int] | set[int] = frozenset(), of_course: int | None = None,
              aside: frozenset[str] = frozenset(), only_booked: bool = True) -> None:  # fmt: skip
        """A batch: what it wrote stands among everything else without breaking a rule, and the rest is as before."""
        database = rows.read()
        seen = rows.picture(database).without_lapsed(self.now)
        was = self.picture.without_lapsed(self.now)
        assert seen.courses.keys() - was.courses.keys() == set(new_courses)
        assert {pk: c for pk, c in seen.courses.items() if pk not in new_courses} == dict(was.courses)
        assert dict(seen.doses) == dict(was.doses)
        for pk, row in seen.bookings.items():
            old = was.bookings.get(pk)
            if old == row:
                continue
            assert row.status in ("booked", "pending") or (old is not None and old.status == row.status)
            assert row.visit is not None, f"{row} is nobody's visit"
            course = seen.visits[row.visit].course
            assert of_course in (None, course), f"{row} is of another course"
            assert only_booked is (old is None), f"{old} became {row}"
            found = broken(self.world, seen, asked(self.world, seen, row), ignoring=frozenset({pk})) - aside
            assert not found, f"{verb} wrote {row}, which breaks {found}"
        for pk, visit in was.visits.items():
            now = seen.visits[pk].state
            assert now == visit.state or (visit.state, now) == ("unplaced", "booked"), f"{visit} became {now}"
        self.take(database)

    @precondition(lambda self: any(row.visit is not None for row in self.picture.live()))
    @rule(which=NUMBERS, chair=NUMBERS, how=MOMENTS, aside=OVERRIDES, later=st.sampled_from((None, None, 1, 9, 15)))
    def move_with_what_follows(self, which, chair, how, aside, later) -> None:
        row = self.pick((row for row in self.picture.live() if row.visit is not None), which)
        where = self.pick(self.chairs_like(row.chair), chair)
        start = self.moment(how, where, row) if later is None else row.start + timedelta(days=later)
        course = self.picture.visits[row.visit].course
        answer = self.attempt(
            booking.move, actor=self.world.manager, appointment=self.row(row.pk), chair=self.chair(where), start=start,
            override=override(aside), accept_following=True,
        )  # fmt: skip
        if answer.is_yes:
            assert self.picture.without_lapsed(self.now).bookings[row.pk].status != "cancelled"
            self.wrote("move", of_course=course, aside=aside & SOFT, only_booked=False)
            assert (self.picture.bookings[row.pk].chair, self.picture.bookings[row.pk].start) == (where, start)
        else:
            assert isinstance(answer.error, Malformed) or answer.codes - aside

    def course_step(self, which: int, service: str, sources: tuple[str, ...], **values) -> tuple[Answer, int]:
        seen = self.pick(self.picture.courses.values(), which)
        row = Course.objects.select_related(*RELATED).get(pk=seen.pk)
        answer = self.attempt(getattr(courses, service), actor=self.world.manager, course=row, **values)
        self.judge(answer, set() if seen.status in sources else {"transition_is_allowed"})
        return answer, seen.pk

    def taken_down(self, course: int) -> Picture:
        """Its bookings that have not begun are off."""
        picture, self_picture = self.picture, self.picture
        for row in picture.of_course(course):
            if row.status in ("pending", "booked") and row.began is None:
                self.picture = picture
                picture = self.gone(row, "cancelled")
        self.picture = self_picture
        return picture

    @precondition(lambda self: self.picture.courses)
    @rule(which=NUMBERS)
    def pause(self, which) -> None:
        answer, course = self.course_step(which, "pause", ("active",), reason="She travels.")
        if answer.is_yes:
            self.became(self.taken_down(course).with_course(course, "on-hold"), "pause")

    @precondition(lambda self: self.picture.courses)
    @rule(which=NUMBERS)
    def resume(self, which) -> None:
        answer, course = self.course_step(which, "resume", ("on-hold", "draft"))
        if answer.is_yes:
            self.became(self.picture.with_course(course, "active"), "resume")

    @precondition(lambda self: self.picture.courses)
    @rule(which=NUMBERS)
    def discontinue(self, which) -> None:
        sources = ("draft", "active", "on-hold")
        answer, course = self.course_step(which, "discontinue", sources, reason="It didn't help.")
        if answer.is_yes:
            picture = self.taken_down(course).without_lapsed(self.now)
            for visit in picture.visits_of(course):
                if visit.state == "unplaced":
                    picture = picture.with_visit(visit.pk, "waived")
            self.became(picture.with_course(course, "discontinued"), "discontinue")

    @precondition(lambda self: self.picture.courses)
    @rule(which=NUMBERS)
    def amend(self, which) -> None:
        """Quarterly has a second version: longer visits, a narrower window."""
        newer = self.world.protocols["quarterly-2"]
        seen = self.pick(self.picture.courses.values(), which)
        row = Course.objects.select_related(*RELATED).get(pk=seen.pk)
        answer = self.attempt(
            courses.amend, actor=self.world.manager, course=row, protocol=newer, reason="The label has changed."
        )
        if self.world.therapies[seen.protocol].code != "quarterly" or seen.protocol == newer.pk:
            assert isinstance(answer.error, Malformed)
        elif self.judge(answer, set() if seen.status in ("draft", "active", "on-hold") else {"transition_is_allowed"}):
            amended = {**self.picture.courses, seen.pk: replace(seen, protocol=newer.pk)}
            self.became(replace(self.picture, courses=amended), "amend")

    @precondition(lambda self: self.picture.visits)
    @rule(which=NUMBERS)
    def waive(self, which) -> None:
        visit = self.pick(self.picture.visits.values(), which)
        answer = self.attempt(
            courses.waive, actor=self.world.manager, visit=self.visit_row(visit.pk), reason="Not needed."
        )
        row = self.picture.of_visit(visit.pk)
        has_begun = row is not None and row.began is not None
        is_over = visit.state not in ("unplaced", "booked")
        if not self.judge(answer, {"transition_is_allowed"} if is_over or has_begun else set()):
            return
        picture = self.gone(row, "cancelled") if row is not None else self.picture
        self.became(picture.with_visit(visit.pk, "waived"), "waive")
