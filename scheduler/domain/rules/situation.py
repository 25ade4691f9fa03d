"""What is asked for (a Proposal) and what it is held against (a Situation), as plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Literal
from zoneinfo import ZoneInfo

from scheduler.domain import localtime
from scheduler.domain.intervals import Interval
from scheduler.domain.protocols import Lengths, RollingCap
from scheduler.domain.recurrence import Gap
from scheduler.domain.staffing import Care, Quarter


@dataclass(frozen=True, slots=True)
class ChairFacts:
    id: int
    name: str
    kind: str
    is_active: bool = True

    @property
    def is_bed(self) -> bool:
        return self.kind in ("bed", "room")


@dataclass(frozen=True, slots=True)
class Taken:
    """Time that somebody already has. `stay` is the course whose stay it is, if it is one; `course` that of the
    appointment, if it has one."""

    interval: Interval
    appointment: int | None = None
    stay: int | None = None
    center: int | None = None
    course: int | None = None


@dataclass(frozen=True, slots=True)
class Closed:
    """A closure of the unit, or of one chair."""

    interval: Interval
    reason: str
    chair: int | None = None


@dataclass(frozen=True, slots=True)
class DoseFact:
    """A dose that counts: given here, given elsewhere, or booked. `at` is its (planned) start in UTC."""

    at: datetime
    mg: Decimal
    kind: Literal["given", "elsewhere", "booked"]
    appointment: int | None = None
    center: int | None = None


@dataclass(frozen=True, slots=True)
class UnitFacts:
    """A unit over some time. `open` is when it takes people, holidays and extra openings counted in; closures of
    single chairs are in `closed` only. `cares` are the treatments that nurses watch, by appointment."""

    id: int
    name: str
    center: int
    zone: ZoneInfo
    span: Interval
    open: tuple[Interval, ...]
    closed: tuple[Closed, ...]
    chairs: Mapping[int, ChairFacts]
    taken: Mapping[int, Sequence[Taken]]
    capacity: Mapping[datetime, Quarter]
    cares: Sequence[tuple[int, Care]]


@dataclass(frozen=True, slots=True)
class PatientFacts:
    """One patient's other time and doses of one substance, over all centers and courses."""

    taken: Sequence[Taken] = ()
    doses: Sequence[DoseFact] = ()


@dataclass(frozen=True, slots=True)
class Order:
    """What the prescriber ordered and the payer authorised: local dates, inclusive at both ends."""

    order_from: date | None = None
    order_until: date | None = None
    authorization_from: date | None = None
    authorization_until: date | None = None
    authorization_visits: int | None = None
    is_attested: bool = False


@dataclass(frozen=True, slots=True)
class Need:
    """What a treatment needs, wherever and whenever it is placed."""

    lengths: Lengths
    acuity: int = 1
    needs_bed: bool = False
    substance: str = ""
    mg: Decimal = Decimal(0)
    gap: Gap | None = None
    caps: tuple[RollingCap, ...] = ()
    ordinal: int | None = None
    course: int | None = None
    keeps_chair: bool = False
    due: datetime | None = None
    window: Interval | None = None
    order: Order = field(default_factory=Order)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A treatment `need` in a chair from `start` (UTC). `stay` is the whole time its chair is kept, if it is."""

    need: Need
    chair: ChairFacts
    start: datetime
    zone: ZoneInfo
    center: int
    appointment: int | None = None
    stay: Interval | None = None

    @property
    def end(self) -> datetime:
        return localtime.add_elapsed(self.start, self.need.lengths.treatment)

    @property
    def own_chair_time(self) -> Interval:
        """`[start - prep, end + observation + turnover)`."""
        return Interval(
            localtime.add_elapsed(self.start, -self.need.lengths.prep),
            localtime.add_elapsed(self.start, self.need.lengths.after_start),
        )

    @property
    def chair_time(self) -> Interval:
        return self.stay or self.own_chair_time

    @property
    def care(self) -> Interval:
        """`[start - prep, end + observation)`: the patient's time, and how long a nurse watches her."""
        return Interval(
            localtime.add_elapsed(self.start, -self.need.lengths.prep),
            localtime.add_elapsed(self.start, self.need.lengths.care_after_start),
        )

    def local(self, moment: datetime) -> datetime:
        return moment.astimezone(self.zone)


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything a rule may look at. `ignoring` are appointments that are about to change themselves."""

    unit: UnitFacts
    patient: PatientFacts = PatientFacts()
    ignoring: frozenset[int] = frozenset()
    starts_per_nurse: int = 1

    def counts(self, appointment: int | None) -> bool:
        return appointment is None or appointment not in self.ignoring
