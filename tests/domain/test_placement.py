"""The policy of placement, each weight as a sentence."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from scheduler.domain.availability import Horizon
from scheduler.domain.placement import (
    FULL_LOAD,
    MINUTE_LATER,
    MINUTE_OFF,
    MOST_FOR_TIME,
    MOST_LOAD_SHARE,
    OTHER_CHAIR,
    OTHER_CHAIR_THAN_LAST_TIME,
    OTHER_KIND_OF_CHAIR,
    OTHER_WEEKDAY,
    OUT_OF_THE_WEEK,
    WEEK,
    Wishes,
)
from tests.domain.placing import ANY, NEW_YORK, at, best, clock, codes, days, local, ranked

WEDNESDAY, THURSDAY, FRIDAY = 2, 3, 4
TIES = OTHER_CHAIR + OTHER_CHAIR_THAN_LAST_TIME + OTHER_KIND_OF_CHAIR + FULL_LOAD * MOST_LOAD_SHARE


class TestDays:
    """February and March 2027 in New York: the 28th is a Sunday."""

    horizon = days((2027, 2, 15), (2027, 3, 31))
    due = local(2027, 2, 28, 10)

    def days_at_ten(self, *found: tuple[int, int]) -> list[datetime]:
        return [local(2027, month, day, 10) for month, day in found]

    def test_the_due_day_is_best(self) -> None:
        assert best(self.horizon, self.days_at_ten((2, 27), (2, 28), (3, 1)), self.due) == "Sun 28 Feb 10:00"

    def test_a_closed_sunday_rolls_forward_to_monday(self) -> None:
        assert best(self.horizon, self.days_at_ten((2, 26), (3, 1), (3, 2)), self.due) == "Mon 01 Mar 10:00"

    def test_a_closed_saturday_rolls_forward_to_monday(self) -> None:
        saturday = local(2027, 2, 27, 10)
        assert best(self.horizon, self.days_at_ten((2, 26), (3, 1)), saturday) == "Mon 01 Mar 10:00"

    def test_a_holiday_after_the_weekend_rolls_forward_once_more(self) -> None:
        """Due Sunday 30 May 2027, Monday the 31st is Memorial Day."""
        horizon = days((2027, 5, 20), (2027, 6, 10))
        moments = [local(2027, 5, 28, 10), local(2027, 6, 1, 10), local(2027, 6, 2, 10)]
        assert best(horizon, moments, local(2027, 5, 30, 10)) == "Tue 01 Jun 10:00"

    def test_a_whole_week_later_beats_the_day_before_whatever_is_wished(self) -> None:
        later_and_wrong = local(2027, 3, 7, 20)
        wishes = Wishes(time_of_day=600, weekdays=frozenset({5}))
        assert best(self.horizon, [local(2027, 2, 27, 10), later_and_wrong], self.due, wishes) == "Sun 07 Mar 20:00"

    def test_all_wishes_together_weigh_less_than_leaving_the_week(self) -> None:
        assert WEEK + MOST_FOR_TIME + OTHER_WEEKDAY + TIES < OUT_OF_THE_WEEK + 1

    def test_beyond_the_week_the_day_before_is_better(self) -> None:
        assert best(self.horizon, self.days_at_ten((2, 27), (3, 9)), self.due) == "Sat 27 Feb 10:00"

    def test_each_day_nearer_is_better(self) -> None:
        found = ranked(
            self.horizon, {1: at(self.horizon, *self.days_at_ten((3, 3), (3, 2), (2, 26), (2, 25)))}, self.due
        )
        assert [clock(one)[:6] for one in found] == ["Tue 02", "Wed 03", "Fri 26", "Thu 25"]


class TestTimes:
    horizon = days((2027, 6, 1), (2027, 6, 30))
    due = local(2027, 6, 8, 10)

    def test_a_course_keeps_its_hour(self) -> None:
        moments = [local(2027, 6, 8, 8), local(2027, 6, 8, 10), local(2027, 6, 8, 11)]
        assert best(self.horizon, moments, self.due) == "Tue 08 Jun 10:00"

    def test_half_an_hour_off_beats_the_next_day_on_time(self) -> None:
        assert best(self.horizon, [local(2027, 6, 8, 10, 30), local(2027, 6, 9, 10)], self.due) == "Tue 08 Jun 10:30"

    def test_three_hours_off_loses_against_the_next_day_on_time(self) -> None:
        assert best(self.horizon, [local(2027, 6, 8, 13), local(2027, 6, 9, 10)], self.due) == "Wed 09 Jun 10:00"

    def test_a_wished_time_goes_before_the_due_time(self) -> None:
        moments = [local(2027, 6, 8, 10), local(2027, 6, 8, 14)]
        assert best(self.horizon, moments, self.due, Wishes(time_of_day=14 * 60)) == "Tue 08 Jun 14:00"

    def test_tomorrow_morning_beats_this_afternoon_for_mornings(self) -> None:
        moments = [local(2027, 6, 8, 12), local(2027, 6, 9, 9)]
        assert best(self.horizon, moments, self.due, Wishes(part_of_day="morning")) == "Wed 09 Jun 09:00"

    def test_the_last_minute_of_the_morning_is_morning(self) -> None:
        found = ranked(
            self.horizon,
            {1: at(self.horizon, local(2027, 6, 8, 11, 59), local(2027, 6, 8, 12))},
            self.due,
            Wishes(part_of_day="morning"),
        )
        assert [("preferred_part_of_day" in codes(one)) for one in found] == [True, False]

    def test_a_wished_weekday_is_worth_about_two_days(self) -> None:
        wishes = Wishes(weekdays=frozenset({THURSDAY, FRIDAY}))
        a_day_later = [local(2027, 6, 9, 10), local(2027, 6, 10, 10)]
        assert best(self.horizon, a_day_later, self.due, wishes) == "Thu 10 Jun 10:00"
        three_days_later = [local(2027, 6, 8, 10), local(2027, 6, 11, 10)]
        assert best(self.horizon, three_days_later, self.due, wishes) == "Tue 08 Jun 10:00"

    @pytest.mark.parametrize("day", [date(2027, 3, 14), date(2026, 11, 1)])
    def test_the_hour_is_kept_on_the_wall_clock_when_the_clocks_change(self, day: date) -> None:
        due = local(day.year, day.month, day.day, 10)
        horizon = Horizon(due - timedelta(days=2), 4 * 24 * 60)
        found = ranked(horizon, {1: (1 << horizon.minutes) - 1}, due, limit=1)
        assert f"{found[0].start.astimezone(NEW_YORK):%H:%M}" == "10:00"
        assert codes(found[0])[:2] == ["on_due_day", "preferred_time"]
        assert found[0].day == day

    def test_a_start_after_midnight_is_on_the_next_day(self) -> None:
        horizon = days((2027, 6, 7), (2027, 6, 9))
        found = ranked(horizon, {1: at(horizon, local(2027, 6, 9, 0, 15))}, local(2027, 6, 8, 23, 45))
        assert found[0].day == date(2027, 6, 9)
        assert codes(found[0])[0] == "days_after_due"


class TestChairsAndLoad:
    horizon = days((2027, 6, 8))
    due = local(2027, 6, 8, 10)
    ten = at(horizon, due)

    def chair(self, wishes: Wishes, **more: Any) -> int:
        return ranked(self.horizon, {3: self.ten, 1: self.ten, 2: self.ten}, self.due, wishes, **more)[0].chair

    def test_the_lowest_chair_where_all_is_equal(self) -> None:
        assert self.chair(ANY) == 1

    def test_the_chair_of_last_time_breaks_the_tie(self) -> None:
        assert self.chair(Wishes(last_chair=2)) == 2

    def test_the_chair_asked_for_goes_before_that_of_last_time(self) -> None:
        assert self.chair(Wishes(chair=3, last_chair=2)) == 3

    def test_the_kind_asked_for_breaks_the_tie(self) -> None:
        kinds = {1: "recliner", 2: "bed", 3: "recliner"}
        assert self.chair(Wishes(kinds=frozenset({"bed"})), chair_kinds=kinds) == 2

    def test_chairs_and_load_together_weigh_less_than_a_minute(self) -> None:
        assert min(MINUTE_OFF, MINUTE_LATER) > TIES

    def test_no_chair_is_worth_a_minute_of_the_hour_asked_for(self) -> None:
        a_minute_later = at(self.horizon, self.due + timedelta(minutes=1))
        found = ranked(self.horizon, {1: self.ten, 2: a_minute_later}, self.due, Wishes(chair=2))
        assert [one.chair for one in found] == [1, 2]

    def test_no_chair_is_worth_a_minute_of_waiting(self) -> None:
        a_minute_later = at(self.horizon, self.due + timedelta(minutes=1))
        found = ranked(self.horizon, {1: self.ten, 2: a_minute_later}, None, Wishes(chair=2, last_chair=2))
        assert [one.chair for one in found] == [1, 2]

    def test_of_two_starts_as_good_the_one_with_less_load(self) -> None:
        early, late = local(2027, 6, 8, 8), local(2027, 6, 8, 9)
        starts = {1: at(self.horizon, early, late)}
        for_mornings = Wishes(part_of_day="morning")
        found = ranked(self.horizon, starts, self.due, for_mornings, load_share={early: 0.9, late: 0.4})
        assert [one.start for one in found] == [late, early]
        assert [("keeps_load_level" in codes(one)) for one in found] == [True, False]

    def test_the_load_may_be_a_function_of_the_start(self) -> None:
        early, late = local(2027, 6, 8, 8), local(2027, 6, 8, 9)
        starts = {1: at(self.horizon, early, late)}
        found = ranked(
            self.horizon,
            starts,
            self.due,
            Wishes(part_of_day="morning"),
            load_share=lambda m: float(m == early),
        )
        assert found[0].start == late

    def test_the_load_of_a_start_within_a_quarter_hour_is_that_quarters(self) -> None:
        start = local(2027, 6, 8, 10, 7)
        found = ranked(self.horizon, {1: at(self.horizon, start)}, self.due, load_share={self.due: 0.25})
        assert found[0].reasons[-1].facts == {"percent": 25}

    def test_the_chair_of_last_time_goes_before_the_level_load(self) -> None:
        early, late = local(2027, 6, 8, 8), local(2027, 6, 8, 9)
        starts = {1: at(self.horizon, late), 2: at(self.horizon, early)}
        wishes = Wishes(part_of_day="morning", last_chair=2)
        found = ranked(self.horizon, starts, self.due, wishes, load_share={early: 1.0, late: 0.0})
        assert found[0].start == early


class TestFreeSearch:
    horizon = Horizon(local(2027, 6, 8, 13, 5), 3 * 24 * 60)
    whole = (1 << horizon.minutes) - 1

    def test_earliest_first(self) -> None:
        found = ranked(self.horizon, {2: self.whole, 1: self.whole & ~1}, None, limit=3)
        assert [(one.chair, one.start) for one in found] == [
            (2, self.horizon.moment(0)),
            (1, self.horizon.moment(1)),
            (1, self.horizon.moment(2)),
        ]
        assert [("earliest" in codes(one)) for one in found] == [True, False, False]

    def test_a_wished_time_is_found_on_the_first_day_that_has_it(self) -> None:
        found = ranked(self.horizon, {1: self.whole}, None, Wishes(time_of_day=9 * 60), limit=1)
        assert clock(found[0]) == "Wed 09 Jun 09:00"

    def test_a_wished_part_of_the_day_starts_with_its_first_free_minute(self) -> None:
        found = ranked(self.horizon, {1: self.whole}, None, Wishes(part_of_day="evening"), limit=2)
        assert [clock(one) for one in found] == ["Tue 08 Jun 17:00", "Tue 08 Jun 17:01"]

    def test_a_wished_weekday(self) -> None:
        found = ranked(self.horizon, {1: self.whole}, None, Wishes(weekdays=frozenset({WEDNESDAY})), limit=1)
        assert clock(found[0]) == "Wed 09 Jun 00:00"


class TestToTheMinute:
    """An elapsed cadence knows no days: nearest to the due time, also across midnight."""

    due = local(2027, 3, 14, 0, 10)
    horizon = Horizon(due - timedelta(minutes=60), 121)

    def test_before_midnight_counts_by_its_minutes(self) -> None:
        starts = {1: at(self.horizon, self.due - timedelta(minutes=20), self.due + timedelta(minutes=30))}
        found = ranked(self.horizon, starts, self.due, to_the_minute=True)
        assert [clock(one) for one in found] == ["Sat 13 Mar 23:50", "Sun 14 Mar 00:40"]
        assert [one.day for one in found] == [date(2027, 3, 13), date(2027, 3, 14)]
        assert found[0].reasons[0].facts == {"minutes": 20, "time": "00:10", "is_later": False}

    def test_of_two_as_near_the_later(self) -> None:
        starts = {1: at(self.horizon, self.due - timedelta(minutes=20), self.due + timedelta(minutes=20))}
        assert ranked(self.horizon, starts, self.due, to_the_minute=True)[0].start > self.due

    def test_on_its_due_time(self) -> None:
        found = ranked(self.horizon, {1: at(self.horizon, self.due)}, self.due, to_the_minute=True)
        assert codes(found[0])[0] == "on_due_time"

    def test_needs_a_due_time(self) -> None:
        with pytest.raises(ValueError):
            ranked(self.horizon, {1: 1}, None, to_the_minute=True)
