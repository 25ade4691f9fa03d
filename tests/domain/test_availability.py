"""Bitmaps of free time, each function against a naive oracle that looks at one minute after the other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.domain.availability import (
    Horizon,
    every,
    first,
    free,
    mask,
    mask_of_minutes,
    minute_after,
    minute_of,
    nearest,
    positions,
    room,
)
from scheduler.domain.intervals import Interval

ORIGIN = datetime(2026, 11, 30, 5, 7, tzinfo=UTC)
HORIZON = Horizon(ORIGIN, 200)
NEW_YORK = ZoneInfo("America/New_York")


def at(minute: float) -> datetime:
    return ORIGIN + timedelta(minutes=minute)


def between(start: float, end: float) -> Interval:
    return Interval(at(start), at(end))


def rows(*pairs: tuple[float, float]) -> list[tuple[int, int]]:
    return [(minute_of(at(start)), minute_after(at(end))) for start, end in pairs]


def bits(*minutes: int) -> int:
    return sum(1 << minute for minute in minutes)


def local(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=NEW_YORK).astimezone(UTC)


ranges = st.tuples(st.integers(-50, 250), st.integers(1, 120)).map(lambda r: (r[0], r[0] + r[1]))
masks = st.integers(0, (1 << HORIZON.minutes) - 1)
# Random bits leave no room for an hour; runs of free minutes do.
rooms = st.lists(ranges, max_size=6).map(lambda found: mask(HORIZON, [between(*r) for r in found]))


class TestHorizon:
    def test_index_and_moment_undo_each_other(self) -> None:
        assert HORIZON.index(at(17)) == 17
        assert HORIZON.moment(17) == at(17)

    def test_a_moment_within_a_minute_has_the_minutes_index(self) -> None:
        assert HORIZON.index(at(17.9)) == 17
        assert HORIZON.index(at(-0.1)) == -1

    def test_a_moment_in_another_zone_is_the_same_minute(self) -> None:
        assert HORIZON.index(at(17).astimezone(NEW_YORK)) == 17

    def test_an_interval_is_clipped_to_the_horizon(self) -> None:
        assert HORIZON.clip(between(-5, 10)) == (0, 10)
        assert HORIZON.clip(between(190, 500)) == (190, 200)
        assert HORIZON.clip(between(20, 30)) == (20, 30)

    def test_an_interval_that_only_meets_the_edge_is_outside(self) -> None:
        assert HORIZON.clip(between(-5, 0)) is None
        assert HORIZON.clip(between(200, 210)) is None

    def test_a_minute_touched_is_a_minute_taken(self) -> None:
        assert HORIZON.clip(between(10.5, 19.1)) == (10, 20)

    def test_of_an_interval_holds_all_of_it(self) -> None:
        assert Horizon.of(between(0.5, 10.5)) == Horizon(ORIGIN, 11)

    @pytest.mark.parametrize(("hours", "day"), [(23, 14), (24, 15)])
    def test_a_local_day_has_its_real_minutes(self, hours: int, day: int) -> None:
        midnights = Interval(local(2027, 3, day), local(2027, 3, day + 1))
        assert Horizon.of(midnights).minutes == hours * 60

    def test_an_autumn_day_has_25_hours(self) -> None:
        assert Horizon.of(Interval(local(2026, 11, 1), local(2026, 11, 2))).minutes == 25 * 60

    @pytest.mark.parametrize(
        ("origin", "minutes"),
        [
            (ORIGIN.replace(tzinfo=None), 10),
            (ORIGIN.astimezone(NEW_YORK), 10),
            (ORIGIN.replace(second=1), 10),
            (ORIGIN, 0),
        ],
    )
    def test_what_is_no_horizon_is_refused(self, origin: datetime, minutes: int) -> None:
        with pytest.raises(ValueError):
            Horizon(origin, minutes)


class TestMask:
    def test_ranges_may_overlap_touch_and_come_in_any_order(self) -> None:
        assert mask(HORIZON, [between(8, 10), between(1, 3), between(2, 5), between(5, 6)]) == bits(1, 2, 3, 4, 5, 8, 9)

    def test_nothing_is_an_empty_mask(self) -> None:
        assert mask(HORIZON, []) == 0

    def test_a_closure_beyond_both_ends_takes_all(self) -> None:
        assert mask(HORIZON, [between(-100, 1000)]) == (1 << 200) - 1

    @given(st.lists(ranges))
    def test_the_same_minutes_as_counting_them(self, found: list[tuple[int, int]]) -> None:
        taken = {minute for start, end in found for minute in range(start, end) if 0 <= minute < 200}
        assert mask(HORIZON, [between(*pair) for pair in found]) == bits(*taken)


class TestMaskOfMinutes:
    def test_rows_back_to_back_share_no_minute(self) -> None:
        assert mask_of_minutes(HORIZON, rows((5, 7), (3, 5))) == bits(3, 4, 5, 6)

    def test_a_row_over_midnight_is_cut_at_the_horizon_of_a_day(self) -> None:
        day = Horizon(local(2026, 11, 30), 24 * 60)
        found = [
            (local(2026, 11, 29, 23), local(2026, 11, 30, 1)),
            (local(2026, 11, 30, 23, 30), local(2026, 12, 1, 2)),
        ]
        assert mask_of_minutes(day, [(minute_of(start), minute_of(end)) for start, end in found]) == bits(
            *range(60), *range(23 * 60 + 30, 24 * 60)
        )

    @given(st.lists(ranges))
    def test_the_same_as_mask_even_where_rows_overlap(self, found: list[tuple[int, int]]) -> None:
        assert mask_of_minutes(HORIZON, rows(*found)) == mask(HORIZON, [between(*pair) for pair in found])

    @given(st.lists(st.tuples(st.floats(-20, 220), st.floats(0.01, 90)), max_size=5))
    def test_the_same_as_mask_with_seconds(self, found: list[tuple[float, float]]) -> None:
        pairs = [(start, start + length) for start, length in found]
        assert mask_of_minutes(HORIZON, rows(*pairs)) == mask(HORIZON, [between(*pair) for pair in pairs])


class TestFree:
    def test_free_is_open_and_not_busy(self) -> None:
        assert free(bits(1, 2, 3), bits(3, 4)) == bits(1, 2)


class TestRoom:
    def test_a_visit_fits_exactly_between_two_others(self) -> None:
        assert room(bits(*range(30, 60)), 0, 30) == bits(30)
        assert room(bits(*range(30, 60)), 0, 31) == 0

    def test_prep_comes_before_the_start(self) -> None:
        assert room(bits(*range(10, 70)), 20, 40) == bits(30)

    def test_nothing_starts_before_the_horizon_has_room_for_prep(self) -> None:
        assert first(room((1 << 200) - 1, 35, 90)) == 35

    def test_what_lies_beyond_the_horizon_is_not_free(self) -> None:
        assert room((1 << 200) - 1, 0, 60).bit_length() - 1 == 140

    def test_a_closed_minute_splits_the_room(self) -> None:
        whole = (1 << 200) - 1
        assert room(whole & ~bits(100), 0, 60) == bits(*range(0, 41), *range(101, 141))

    def test_a_visit_runs_through_the_spring_gap_in_real_minutes(self) -> None:
        """On 14 March 2027 the hour from 02:00 does not exist: 01:30 with 60 minutes ends at 03:30."""
        night = Horizon(local(2027, 3, 14), 23 * 60)
        hours = mask(night, [Interval(local(2027, 3, 14, 1, 30), local(2027, 3, 14, 3, 30))])
        assert [night.moment(s) for s in positions(room(hours, 0, 60))] == [local(2027, 3, 14, 1, 30)]

    @pytest.mark.parametrize(("before", "after"), [(-1, 10), (0, 0), (10, 0)])
    def test_a_visit_of_no_length_is_refused(self, before: int, after: int) -> None:
        with pytest.raises(ValueError):
            room(1, before, after)

    @given(rooms, st.integers(0, 60), st.integers(1, 120))
    def test_the_same_starts_as_trying_each(self, minutes: int, before: int, after: int) -> None:
        is_free = [bool(minutes >> minute & 1) for minute in range(200)]
        fits = [
            start
            for start in range(200)
            if start >= before and start + after <= 200 and all(is_free[start - before : start + after])
        ]
        assert room(minutes, before, after) == bits(*fits)


class TestEvery:
    def test_the_grid_follows_the_clock_not_the_horizon(self) -> None:
        assert [HORIZON.moment(place).minute for place in positions(every(HORIZON, 15))][:3] == [15, 30, 45]

    def test_a_horizon_on_the_grid_starts_with_it(self) -> None:
        assert first(every(Horizon(ORIGIN.replace(minute=0), 90), 30)) == 0

    def test_the_grid_is_round_across_the_clock_change(self) -> None:
        night = Horizon(local(2026, 11, 1), 25 * 60)
        clocks = {night.moment(place).astimezone(NEW_YORK).minute for place in positions(every(night, 30))}
        assert clocks == {0, 30}

    def test_a_step_of_nothing_is_refused(self) -> None:
        with pytest.raises(ValueError):
            every(HORIZON, 0)

    @given(st.integers(-5000, 5000), st.integers(1, 300), st.integers(1, 100))
    def test_the_same_minutes_as_dividing_each(self, shift: int, minutes: int, step: int) -> None:
        horizon = Horizon(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=shift), minutes)
        assert every(horizon, step) == bits(*(m for m in range(minutes) if (shift + m) % step == 0))


class TestPositions:
    @given(masks)
    def test_all_set_bits_ascending(self, minutes: int) -> None:
        assert list(positions(minutes)) == [place for place in range(200) if minutes >> place & 1]


class TestFirst:
    def test_the_lowest_bit(self) -> None:
        assert first(bits(7, 70, 190)) == 7

    def test_none_in_an_empty_mask(self) -> None:
        assert first(0) is None


class TestNearest:
    def test_outward_and_of_two_as_near_the_later_first(self) -> None:
        assert list(nearest(bits(1, 8, 10, 12, 30), 10)) == [10, 12, 8, 1, 30]

    def test_the_index_may_lie_outside_the_mask(self) -> None:
        assert list(nearest(bits(3, 5), -4)) == [3, 5]
        assert list(nearest(bits(3, 5), 1000)) == [5, 3]
        assert list(nearest(0, 3)) == []

    def test_a_range_comes_first_then_outward_from_it(self) -> None:
        assert list(nearest(bits(1, 10, 15, 20, 22, 60), 10, 20)) == [10, 15, 20, 22, 1, 60]

    @given(masks, st.integers(-50, 250), st.integers(0, 80))
    def test_the_same_order_as_sorting_by_distance(self, minutes: int, index: int, length: int) -> None:
        last = index + length

        def distance(place: int) -> tuple[int, int]:
            if index <= place <= last:
                return (0, place)
            return (index - place, 1) if place < index else (place - last, 0)

        assert list(nearest(minutes, index, last)) == sorted(positions(minutes), key=distance)
