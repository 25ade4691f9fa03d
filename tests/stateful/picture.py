"""The oracle's picture of the schedule: plain values. Nothing here knows Django or the service."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
LIVE = ("pending", "booked", "arrived", "checked-in", "fulfilled")
OPEN = ("pending", "booked", "arrived", "checked-in")
GONE = ("cancelled", "noshow", "entered-in-error")


@dataclass(frozen=True, slots=True)
class Booking:
    """`[start, end)` of treatment, UTC. `stay` is the course whose chair is kept, if it is a dose of a stay."""

    pk: int
    unit: int
    chair: int
    patient: int | None
    protocol: int | None
    visit: int | None
    stay: int | None
    start: datetime
    end: datetime
    prep: int
    observation: int
    turnover: int
    acuity: int
    status: str
    expires: datetime | None = None
    began: datetime | None = None
    confirmed: bool = False
    aside: frozenset[str] = frozenset()  # soft rules that somebody set aside for it

    @property
    def chair_from(self) -> datetime:
        return self.start - self.prep * MINUTE

    @property
    def care_until(self) -> datetime:
        return self.end + self.observation * MINUTE

    @property
    def chair_until(self) -> datetime:
        return self.care_until + self.turnover * MINUTE


@dataclass(frozen=True, slots=True)
class Visit:
    pk: int
    course: int
    ordinal: int
    state: str
    due: datetime
    first: datetime  # its window, `[first, until)`
    until: datetime


@dataclass(frozen=True, slots=True)
class Course:
    pk: int
    unit: int
    patient: int
    protocol: int
    status: str
    start: datetime
    doses: int | None
    mg: Decimal | None
    attested: bool
    authorized_until: date | None


@dataclass(frozen=True, slots=True)
class Dose:
    pk: int
    patient: int
    substance: str
    mg: Decimal
    at: datetime
    counts: bool
    booking: int | None
    visit: int | None


@dataclass(frozen=True, slots=True)
class Picture:
    """One moment of the schedule. Copies share what they don't change."""

    bookings: Mapping[int, Booking] = field(default_factory=dict)
    visits: Mapping[int, Visit] = field(default_factory=dict)
    courses: Mapping[int, Course] = field(default_factory=dict)
    doses: Mapping[int, Dose] = field(default_factory=dict)

    def live(self, ignoring: frozenset[int] = frozenset()) -> Iterator[Booking]:
        return (row for row in self.bookings.values() if row.status in LIVE and row.pk not in ignoring)

    def of_visit(self, visit: int) -> Booking | None:
        return next((row for row in self.live() if row.visit == visit), None)

    def of_course(self, course: int) -> list[Booking]:
        """Its live bookings, in order of their visits."""
        rows = [row for row in self.live() if row.visit is not None and self.visits[row.visit].course == course]
        return sorted(rows, key=lambda row: self.visits[row.visit].ordinal if row.visit is not None else 0)

    def visits_of(self, course: int) -> list[Visit]:
        found = [visit for visit in self.visits.values() if visit.course == course]
        return sorted(found, key=lambda visit: visit.ordinal)

    def stays(self, ignoring: frozenset[int] = frozenset()) -> dict[int, tuple[int, datetime, datetime]]:
        """By course: chair, from, until of the stays, from the first preparation to the last cleaning."""
        found: dict[int, tuple[int, datetime, datetime]] = {}
        for row in self.live(ignoring):
            if row.stay is None:
                continue
            _, first, last = found.get(row.stay, (row.chair, row.chair_from, row.chair_until))
            found[row.stay] = (row.chair, min(first, row.chair_from), max(last, row.chair_until))
        return found

    def with_booking(self, row: Booking) -> Picture:
        return replace(self, bookings={**self.bookings, row.pk: row})

    def with_visit(self, pk: int | None, state: str) -> Picture:
        if pk is None:
            return self
        return replace(self, visits={**self.visits, pk: replace(self.visits[pk], state=state)})

    def with_course(self, pk: int, status: str) -> Picture:
        return replace(self, courses={**self.courses, pk: replace(self.courses[pk], status=status)})

    def without_lapsed(self, now: datetime) -> Picture:
        """Holds that ran out are nothing any more, whether somebody has swept them up or not."""
        picture = self
        for row in self.bookings.values():
            if row.status == "pending" and row.expires is not None and row.expires <= now:
                picture = picture.with_booking(replace(row, status="cancelled", expires=None))
                if row.visit is not None and picture.visits[row.visit].state == "booked":
                    picture = picture.with_visit(row.visit, "unplaced")
        return picture

    def with_courses_over(self) -> Picture:
        """An active course is completed once all of its doses are done or waived."""
        picture = self
        for course in self.courses.values():
            states = [visit.state for visit in self.visits_of(course.pk)]
            over = sum(state in ("done", "waived") for state in states)
            if course.status == "active" and course.doses is not None and over >= course.doses:
                picture = picture.with_course(course.pk, "completed")
        return picture


def overlap(first: datetime, until: datetime, other_first: datetime, other_until: datetime) -> bool:
    """Half-open: who leaves at ten and who comes at ten share no minute."""
    return not (until <= other_first or other_until <= first)


def dates(first: datetime, until: datetime, zone: ZoneInfo) -> set[date]:
    """The local dates that `[first, until)` touches."""
    found, moment = set(), first
    while moment < until:
        found.add(moment.astimezone(zone).date())
        moment += timedelta(hours=6)
    found.add((until - timedelta(microseconds=1)).astimezone(zone).date())
    return found
