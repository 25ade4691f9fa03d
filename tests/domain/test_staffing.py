"""The nurses' load per quarter hour, against a naive oracle that looks at each minute and each person."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.domain.availability import Horizon, positions
from scheduler.domain.intervals import Interval
from scheduler.domain.localtime import quarter_hours
from scheduler.domain.staffing import (
    QUARTER,
    Care,
    Load,
    Overload,
    PatternFacts,
    Quarter,
    ShiftFacts,
    capacity,
    load,
    overloads,
    quarter_of,
)
from scheduler.domain.watched import blocked_masks

ORIGIN = datetime(2026, 11, 30, 13, 0, tzinfo=UTC)
NEW_YORK = ZoneInfo("America/New_York")
HOURS = 4
QUARTERS = [ORIGIN + QUARTER * step for step in range(4 * HOURS)]
NOBODY = Quarter(0, 0, 0)


def at(minute: float) -> datetime:
    return ORIGIN + timedelta(minutes=minute)


def between(start: float, end: float) -> Interval:
    return Interval(at(start), at(end))


def local(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=NEW_YORK).astimezone(UTC)


ranges = st.tuples(st.integers(-60, 280), st.integers(1, 200)).map(lambda r: between(r[0], r[0] + r[1]))
nurses = st.builds(
    ShiftFacts,
    interval=ranges,
    patients=st.integers(0, 5),
    acuity=st.integers(0, 9),
    breaks=st.lists(ranges, max_size=3).map(tuple),
)
patterns_ = st.builds(
    PatternFacts,
    interval=ranges,
    nurses=st.integers(0, 4),
    patients=st.integers(0, 9),
    acuity=st.integers(0, 20),
)
cares_ = st.builds(Care, interval=ranges, start=st.integers(-60, 280).map(at), acuity=st.integers(1, 4))


class TestQuarterOf:
    def test_a_moment_belongs_to_the_quarter_it_lies_in(self) -> None:
        assert quarter_of(at(14.99)) == at(0)
        assert quarter_of(at(15)) == at(15)
        assert quarter_of(at(20).astimezone(NEW_YORK)).tzinfo is UTC


class TestCapacity:
    def test_nurses_on_the_floor_add_up(self) -> None:
        shifts = [ShiftFacts(between(0, 240), 3, 6), ShiftFacts(between(120, 240), 2, 5)]
        found = capacity(QUARTERS, shifts, [])
        assert found[at(105)] == Quarter(1, 3, 6)
        assert found[at(120)] == Quarter(2, 5, 11)

    def test_a_nurse_counts_only_in_quarters_she_is_there_for_all_of(self) -> None:
        found = capacity(QUARTERS, [ShiftFacts(between(5, 50), 3, 6)], [])
        assert [quarter for quarter, can in found.items() if can.nurses] == [at(15), at(30)]

    def test_a_break_takes_her_out_of_every_quarter_it_touches(self) -> None:
        found = capacity(QUARTERS, [ShiftFacts(between(0, 120), 3, 6, (between(40, 50),))], [])
        assert [quarter for quarter, can in found.items() if can == NOBODY][:2] == [at(30), at(45)]

    def test_breaks_that_overlap_count_once(self) -> None:
        found = capacity(QUARTERS, [ShiftFacts(between(0, 120), 3, 6, (between(30, 60), between(45, 75)))], [])
        assert found[at(45)] == NOBODY
        assert found[at(75)] == Quarter(1, 3, 6)

    def test_a_pattern_gives_totals_of_the_unit(self) -> None:
        found = capacity(QUARTERS, [], [PatternFacts(between(60, 120), 3, 9, 18)])
        assert found[at(60)] == Quarter(3, 9, 18)
        assert found[at(120)] == NOBODY

    def test_a_night_shift_counts_on_both_sides_of_midnight(self) -> None:
        night = Interval(local(2026, 12, 1, 22), local(2026, 12, 2, 6))
        axis = quarter_hours(Interval(local(2026, 12, 1), local(2026, 12, 3)))
        found = capacity(axis, [ShiftFacts(night, 3, 6)], [])
        assert sum(can.nurses for can in found.values()) == 8 * 4
        assert found[local(2026, 12, 2)].nurses == 1

    @pytest.mark.parametrize(("month", "day", "hours"), [(3, 14, 7), (11, 1, 9)])
    def test_a_night_shift_works_its_real_hours(self, month: int, day: int, hours: int) -> None:
        year = 2027 if month == 3 else 2026
        shift = Interval(local(year, month, day), local(year, month, day, 8))
        axis = quarter_hours(Interval(local(year, month, day), local(year, month, day + 1)))
        found = capacity(axis, [ShiftFacts(shift, 3, 6)], [])
        assert sum(can.nurses for can in found.values()) == hours * 4

    def test_quarters_with_a_gap_are_refused(self) -> None:
        with pytest.raises(ValueError):
            capacity([at(0), at(30)], [], [])

    def test_no_quarters_no_capacity(self) -> None:
        assert capacity([], [ShiftFacts(between(0, 60), 3, 6)], []) == {}

    @given(st.lists(nurses, max_size=4), st.lists(patterns_, max_size=2))
    def test_the_same_as_asking_each_nurse_each_minute(
        self, shifts: list[ShiftFacts], patterns: list[PatternFacts]
    ) -> None:
        def is_in(interval: Interval, moment: datetime) -> bool:
            return interval.start <= moment < interval.end

        for quarter, can in capacity(QUARTERS, shifts, patterns).items():
            minutes = [quarter + timedelta(minutes=step) for step in range(15)]
            there = [
                shift
                for shift in shifts
                if all(is_in(shift.interval, m) and not any(is_in(b, m) for b in shift.breaks) for m in minutes)
            ]
            laid = [pattern for pattern in patterns if all(is_in(pattern.interval, m) for m in minutes)]
            assert can == Quarter(
                len(there) + sum(pattern.nurses for pattern in laid),
                sum(shift.patients for shift in there) + sum(pattern.patients for pattern in laid),
                sum(shift.acuity for shift in there) + sum(pattern.acuity for pattern in laid),
            )


class TestLoad:
    def test_a_patient_is_watched_from_prep_to_the_end_of_observation(self) -> None:
        found = load(QUARTERS, [Care(between(0, 60), at(30), 2)])
        assert found[at(0)] == Load(0, 1, 2)
        assert found[at(30)] == Load(1, 1, 2)
        assert found[at(60)] == Load(0, 0, 0)

    def test_a_patient_counts_in_every_quarter_touched(self) -> None:
        found = load(QUARTERS, [Care(between(14, 46), at(20), 1)])
        assert [quarter for quarter, have in found.items() if have.patients] == [
            at(0),
            at(15),
            at(30),
            at(45),
        ]

    def test_care_outside_the_quarters_is_left_out(self) -> None:
        found = load(QUARTERS, [Care(between(-60, 0), at(-30), 1), Care(between(240, 300), at(240), 1)])
        assert set(found.values()) == {Load(0, 0, 0)}

    def test_care_over_midnight_counts_on_both_days(self) -> None:
        dose = Care(Interval(local(2027, 3, 14, 0, 25), local(2027, 3, 14, 3, 30)), local(2027, 3, 14, 1), 3)
        found = load(quarter_hours(Interval(local(2027, 3, 14), local(2027, 3, 15))), [dose])
        # 00:15 to 03:30 on the wall clock, of which the hour from 02:00 does not exist.
        assert sum(have.patients for have in found.values()) == 9

    def test_no_quarters_no_load(self) -> None:
        assert load([], [Care(between(0, 60), at(30), 2)]) == {}

    @given(st.lists(cares_, max_size=8))
    def test_the_same_as_asking_each_patient_each_minute(self, cares: list[Care]) -> None:
        for quarter, have in load(QUARTERS, cares).items():
            minutes = [quarter + timedelta(minutes=step) for step in range(15)]
            here = [c for c in cares if any(c.interval.start <= m < c.interval.end for m in minutes)]
            starting = [c for c in cares if c.start in minutes]
            assert have == Load(len(starting), len(here), sum(c.acuity for c in here))


class TestOverloads:
    can = {at(0): Quarter(2, 4, 8)}

    def test_a_full_house_is_no_overload(self) -> None:
        assert overloads(self.can, {at(0): Load(2, 4, 8)}) == []

    def test_each_kind_is_told_with_what_is_there_and_what_can_be(self) -> None:
        assert overloads(self.can, {at(0): Load(3, 5, 9)}) == [
            Overload(at(0), "patients", 5, 4),
            Overload(at(0), "acuity", 9, 8),
            Overload(at(0), "starts", 3, 2),
        ]

    def test_a_quarter_without_capacity_has_nobody(self) -> None:
        assert overloads({}, {at(0): Load(0, 1, 1)})[0] == (at(0), "patients", 1, 0)

    def test_an_empty_quarter_without_nurses_is_fine(self) -> None:
        assert overloads({}, {at(0): Load(0, 0, 0)}) == []

    def test_a_site_may_let_a_nurse_start_two(self) -> None:
        assert overloads(self.can, {at(0): Load(4, 4, 8)}, starts_per_nurse=2) == []

    def test_told_in_order_of_time(self) -> None:
        found = overloads({}, {at(30): Load(0, 1, 0), at(0): Load(0, 1, 0)})
        assert [one.quarter for one in found] == [at(0), at(30)]


class TestBlockedMasks:
    def test_a_full_quarter_takes_no_more_and_the_next_does(self) -> None:
        horizon = Horizon(ORIGIN, 30)
        can = {at(0): Quarter(1, 2, 4), at(15): Quarter(1, 2, 4)}
        unwatched, no_start = blocked_masks(horizon, can, {at(0): Load(1, 2, 2)}, 1)
        assert list(positions(unwatched)) == list(range(15))
        assert list(positions(no_start)) == list(range(15))

    def test_acuity_blocks_the_heavy_patient_only(self) -> None:
        horizon = Horizon(ORIGIN, 15)
        can, have = {at(0): Quarter(3, 9, 8)}, {at(0): Load(0, 3, 6)}
        assert blocked_masks(horizon, can, have, 2)[0] == 0
        assert blocked_masks(horizon, can, have, 3)[0] == (1 << 15) - 1

    def test_minutes_that_nobody_staffs_are_blocked(self) -> None:
        everything = (1 << 60) - 1
        assert blocked_masks(Horizon(ORIGIN, 60), {}, {}, 1) == (everything, everything)

    def test_a_horizon_may_start_and_end_within_a_quarter(self) -> None:
        can = {at(0): Quarter(1, 1, 4), at(15): Quarter(1, 1, 4)}
        unwatched, _ = blocked_masks(Horizon(at(5), 20), can, {at(15): Load(1, 1, 1)}, 1)
        assert list(positions(unwatched)) == list(range(10, 20))

    @given(
        st.lists(nurses, max_size=4),
        st.lists(cares_, max_size=6),
        st.integers(-40, 60),
        st.integers(1, 200),
        st.integers(1, 4),
    )
    def test_one_more_patient_is_blocked_exactly_where_she_would_overload(
        self, shifts: list[ShiftFacts], cares: list[Care], shift: int, minutes: int, acuity: int
    ) -> None:
        """What the search hides is what the rule would refuse, and nothing else."""
        horizon = Horizon(at(shift), minutes)
        can = capacity(QUARTERS, shifts, [])
        unwatched, no_start = blocked_masks(horizon, can, load(QUARTERS, cares), acuity)
        for minute in range(minutes):
            moment = horizon.moment(minute)
            more = Care(Interval(moment, moment + timedelta(minutes=1)), moment, acuity)
            here = quarter_of(moment)
            found = overloads(can, load(quarter_hours(more.interval), [*cares, more]))
            broken = {one.what for one in found if one.quarter == here}
            assert bool(unwatched >> minute & 1) == bool(broken & {"patients", "acuity"})
            assert bool(no_start >> minute & 1) == ("starts" in broken)
