"""The world turns: closures, extra openings, nurses who are sick, days that pass, and the jobs in between."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from scheduler.models import Shift, Unit, UnitDay
from scheduler.queries import integrity
from scheduler.services.jobs import JOBS
from scheduler.services.setup import ClosureFacts, add_closure
from scheduler.services.staffing import remove_shift
from tests.stateful import rows
from tests.stateful.machine import CLOCKS, NUMBERS
from tests.stateful.picture import MINUTE
from tests.stateful.steps_course import CourseSteps
from tests.stateful.world import Staff


class WorldSteps(CourseSteps):
    def local(self, unit: int, day: int, minute: int):
        zone = self.world.places[unit].zone
        date = self.now.astimezone(zone).date() + timedelta(days=day)
        at = self.now.astimezone(zone).replace(
            year=date.year, month=date.month, day=date.day, hour=minute // 60, minute=minute % 60, second=0
        )
        return at.astimezone(self.now.tzinfo), date

    def reread(self) -> None:
        """The set-up changed; what is booked stays as it is."""
        self.database = rows.read()
        self.now_true()

    @precondition(lambda self: sum(len(place.closed) + len(place.extra) for place in self.world.places.values()) < 5)
    @rule(unit=NUMBERS, chair=st.one_of(st.none(), NUMBERS), day=st.integers(0, 3), clock=st.sampled_from(CLOCKS),
          minutes=st.sampled_from((15, 60, 300, 1500)), whole_center=st.booleans(), is_extra=st.booleans())  # fmt: skip
    def close_or_open(self, unit, chair, day, clock, minutes, whole_center, is_extra) -> None:
        """What is booked there stays: it becomes a clash on the worklist."""
        row = self.pick(self.world.units.values(), unit)
        start, _ = self.local(row.pk, day, clock)
        start -= timedelta(minutes=start.minute % 15)
        values = {"start": start, "end": start + minutes * MINUTE, "reason": "Holiday"}
        place = self.world.places[row.pk]
        if is_extra:
            self.closed(row, ClosureFacts(unit=row, is_open=True, **values))
            place.extra.append((start, start + minutes * MINUTE))
        elif chair is not None:
            which = self.pick(self.chairs_of(row.pk), chair)
            self.closed(row, ClosureFacts(unit=row, chair=self.chair(which), **values))
            place.closed.append((start, start + minutes * MINUTE, which))
        else:
            self.closed(row, ClosureFacts(unit=None if whole_center else row, **values))
            for other in self.world.places.values():
                if other is place or (whole_center and other.center == place.center):
                    other.closed.append((start, start + minutes * MINUTE, None))
        self.reread()

    def closed(self, unit: Unit, facts: ClosureFacts) -> None:
        answer = self.attempt(add_closure, actor=self.world.manager, center=unit.center, facts=facts)
        assert answer.is_yes, f"{facts} was refused: {answer.error!r}"

    @precondition(lambda self: sum(len(place.published) for place in self.world.places.values()) < 3)
    @rule(unit=NUMBERS, day=st.integers(0, 3), opens=st.sampled_from((0, 480, 540)), hours=st.sampled_from((4, 8, 12)),
          nurses=st.integers(0, 2))  # fmt: skip
    def publish(self, unit, day, opens, hours, nurses) -> None:
        """That day's shifts are published, with fewer nurses than the pattern hoped for."""
        row = self.pick([u for u in self.world.units.values() if u.center_id == self.world.centers[0].pk], unit)
        start, date = self.local(row.pk, day, opens)
        place = self.world.places[row.pk]
        UnitDay.objects.update_or_create(unit=row, date=date, defaults={"shifts_published": True})
        place.published.add(date)
        for nurse in self.world.nurses[:nurses]:
            if any(staff.start == start for p in self.world.places.values() for staff in p.shifts.values()):
                break  # a nurse starts one shift at a time
            shift = Shift.objects.create(
                nurse=nurse, unit=row, starts_at=start, ends_at=start + timedelta(hours=hours), patients=2, acuity=5
            )
            place.shifts[shift.pk] = Staff(start, start + timedelta(hours=hours), 1, 2, 5)
        self.reread()

    @precondition(lambda self: any(place.shifts for place in self.world.places.values()))
    @rule(which=NUMBERS)
    def nurse_is_sick(self, which) -> None:
        shift = self.pick((pk for place in self.world.places.values() for pk in place.shifts), which)
        answer = self.attempt(remove_shift, actor=self.world.manager, shift=Shift.objects.get(pk=shift))
        assert answer.is_yes, f"the sick nurse's shift stays: {answer.error!r}"
        for place in self.world.places.values():
            place.shifts.pop(shift, None)
        self.reread()

    @precondition(lambda self: any(visit.state == "unplaced" for visit in self.picture.visits.values()))
    @rule()
    def place_visits(self) -> None:
        counts = JOBS["place-visits"](self.now)
        assert not counts.get("failed"), counts
        self.wrote("place-visits")
        assert "unplaced_visit_says_why" not in self.problems()

    @precondition(lambda self: any(row.status == "pending" for row in self.picture.bookings.values()))
    @rule()
    def expire_holds(self) -> None:
        JOBS["expire-holds"](self.now)
        self.became(self.picture.without_lapsed(self.now), "expire-holds")
        assert all(row.status != "pending" or row.expires > self.now for row in self.picture.bookings.values())

    @precondition(lambda self: any(row.status == "booked" for row in self.picture.bookings.values()))
    @rule()
    def mark_no_shows(self) -> None:
        """Who has not come an hour after the start; not between the doses of a stay that she came to."""
        counts = JOBS["mark-no-shows"](self.now)
        assert not counts.get("failed"), counts
        picture, mine = self.picture, self.picture
        came = {row.stay for row in mine.live() if row.status in ("arrived", "checked-in", "fulfilled")} - {None}
        for row in mine.bookings.values():
            if row.status == "booked" and row.start + timedelta(minutes=60) <= self.now and row.stay not in came:
                self.picture = picture
                picture = self.gone(row, "noshow")
        self.picture = mine
        self.became(picture, "mark-no-shows")

    @precondition(lambda self: self.picture.bookings and self.now < self.world.now + timedelta(days=60))
    @rule(days=st.sampled_from((1, 1, 2, 20)))
    def days_pass(self, days) -> None:
        """With the jobs that run meanwhile."""
        self.now += timedelta(days=days)
        self.expire_holds()
        self.mark_no_shows()
        self.extend()

    @precondition(lambda self: self.picture.courses)
    @rule()
    def extend(self) -> None:
        counts = JOBS["extend-courses"](self.now)
        assert not counts.get("failed"), counts
        database = rows.read()
        seen, was = rows.picture(database), self.picture
        assert (seen.bookings, seen.courses, seen.doses) == (was.bookings, was.courses, was.doses)
        assert {pk: seen.visits[pk] for pk in was.visits} == dict(was.visits)
        assert all(seen.visits[pk].state == "unplaced" for pk in seen.visits.keys() - was.visits.keys())
        self.take(database)
        assert "due_visits_are_generated" not in self.problems()

    def problems(self) -> set[str]:
        return {problem.rule for problem in integrity.check(now=self.now)}
