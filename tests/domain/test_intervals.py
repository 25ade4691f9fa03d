from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from scheduler.domain.intervals import Interval, as_utc, merged, subtract
from tests.domain.clocks import MADRID, NEW_YORK

MIDNIGHT = datetime(2026, 6, 1, tzinfo=UTC)


def between(start: int, end: int) -> Interval:
    """Minutes after midnight."""
    return Interval(MIDNIGHT + timedelta(minutes=start), MIDNIGHT + timedelta(minutes=end))


class TestInterval:
    @pytest.mark.parametrize("end", [0, -1])
    def test_it_takes_time(self, end):
        with pytest.raises(ValueError, match="ends after its start"):
            between(0, end)

    @pytest.mark.parametrize(
        ("start", "end"),
        [
            (MIDNIGHT.replace(tzinfo=None), MIDNIGHT + timedelta(hours=1)),
            (MIDNIGHT, (MIDNIGHT + timedelta(hours=1)).replace(tzinfo=None)),
        ],
    )
    def test_both_ends_carry_a_zone(self, start, end):
        with pytest.raises(ValueError, match="no time zone"):
            Interval(start, end)

    def test_both_ends_are_kept_in_utc(self):
        interval = Interval(datetime(2026, 6, 1, 9, tzinfo=NEW_YORK), datetime(2026, 6, 1, 16, tzinfo=MADRID))
        assert (interval.start.tzinfo, interval.end.tzinfo) == (UTC, UTC)
        assert interval.minutes == 60

    def test_equal_time_is_equal_in_whatever_zone_it_was_written(self):
        there = Interval(datetime(2026, 5, 31, 20, tzinfo=NEW_YORK), datetime(2026, 5, 31, 21, tzinfo=NEW_YORK))
        assert there == between(0, 60)
        assert hash(there) == hash(between(0, 60))

    def test_minutes_are_real_across_a_clock_change(self):
        spring = Interval(datetime(2027, 3, 14, 1, tzinfo=NEW_YORK), datetime(2027, 3, 14, 9, tzinfo=NEW_YORK))
        autumn = Interval(datetime(2026, 11, 1, 1, tzinfo=NEW_YORK), datetime(2026, 11, 1, 9, tzinfo=NEW_YORK))
        assert (spring.minutes, autumn.minutes) == (7 * 60, 9 * 60)

    def test_the_second_hour_of_autumn_is_an_interval_though_its_clock_goes_backwards(self):
        first = datetime(2026, 11, 1, 1, 45, tzinfo=NEW_YORK)
        second = datetime(2026, 11, 1, 1, 15, fold=1, tzinfo=NEW_YORK)
        assert Interval(first, second).minutes == 30

    def test_seconds_left_over_are_no_minute(self):
        assert Interval(MIDNIGHT, MIDNIGHT + timedelta(seconds=119)).minutes == 1

    def test_they_sort_by_start_and_then_by_end(self):
        assert sorted([between(5, 9), between(0, 9), between(0, 3)]) == [
            between(0, 3),
            between(0, 9),
            between(5, 9),
        ]

    @pytest.mark.parametrize(
        ("other", "shares"),
        [
            ((0, 10), None),  # back to back
            ((30, 40), None),
            ((0, 5), None),
            ((0, 11), (10, 11)),
            ((29, 40), (29, 30)),
            ((12, 20), (12, 20)),
            ((0, 99), (10, 30)),
            ((10, 30), (10, 30)),
        ],
    )
    def test_overlap_and_intersection_are_half_open(self, other, shares):
        one, two = between(10, 30), between(*other)
        assert one.overlaps(two) is two.overlaps(one) is (shares is not None)
        assert one.intersection(two) == two.intersection(one) == (between(*shares) if shares else None)

    @pytest.mark.parametrize(
        ("other", "covered"),
        [((10, 30), True), ((10, 20), True), ((20, 30), True), ((9, 30), False), ((10, 31), False)],
    )
    def test_it_covers_what_lies_within_its_ends(self, other, covered):
        assert between(10, 30).covers(between(*other)) is covered

    def test_it_contains_its_start_and_not_its_end(self):
        interval = between(10, 30)
        assert interval.contains(interval.start)
        assert interval.contains(interval.end - timedelta(microseconds=1))
        assert not interval.contains(interval.end)
        assert not interval.contains(interval.start - timedelta(microseconds=1))

    def test_a_moment_of_any_zone_may_be_asked_for_but_no_naive_one(self):
        assert between(10, 30).contains(datetime(2026, 5, 31, 20, 10, tzinfo=NEW_YORK))
        with pytest.raises(ValueError, match="no time zone"):
            between(10, 30).contains(datetime.fromisoformat("2026-06-01T00:10"))


class TestMerged:
    def test_overlapping_and_touching_ones_are_joined_and_sorted(self):
        scattered = [between(40, 50), between(0, 10), between(10, 20), between(45, 60), between(15, 17)]
        assert merged(scattered) == [between(0, 20), between(40, 60)]

    def test_one_inside_another_does_not_shorten_it(self):
        assert merged([between(0, 60), between(10, 20), between(30, 40)]) == [between(0, 60)]

    def test_nothing_is_nothing(self):
        assert merged([]) == []


class TestSubtract:
    @pytest.mark.parametrize(
        ("holes", "left"),
        [
            ([], [(10, 60)]),
            ([(0, 10), (60, 70)], [(10, 60)]),  # back to back
            ([(10, 60)], []),
            ([(0, 99)], []),
            ([(20, 30)], [(10, 20), (30, 60)]),
            ([(0, 20), (50, 99)], [(20, 50)]),
            ([(40, 50), (20, 30), (25, 42)], [(10, 20), (50, 60)]),
        ],
    )
    def test_what_the_holes_leave(self, holes, left):
        assert subtract([between(10, 60)], [between(*hole) for hole in holes]) == [between(*rest) for rest in left]

    def test_one_hole_may_reach_over_several(self):
        assert subtract([between(40, 60), between(0, 30), between(70, 80)], [between(20, 75)]) == [
            between(0, 20),
            between(75, 80),
        ]

    def test_several_holes_in_each_of_several(self):
        holes = [between(5, 6), between(8, 9), between(25, 26), between(28, 31)]
        assert subtract([between(0, 10), between(20, 30)], holes) == [
            between(0, 5),
            between(6, 8),
            between(9, 10),
            between(20, 25),
            between(26, 28),
        ]


def test_a_moment_in_utc_stays_what_it_is():
    assert as_utc(MIDNIGHT) is MIDNIGHT
    assert as_utc(datetime(2026, 6, 1, tzinfo=ZoneInfo("UTC"))).tzinfo is UTC
