"""The search for the best starts against scoring every start, and the choice of alternatives that differ."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.domain import localtime
from scheduler.domain.availability import Horizon, every, mask, positions, room
from scheduler.domain.intervals import Interval
from scheduler.domain.placement import Candidate, Wishes, spread_out
from tests.domain.placing import NEW_YORK, at, clock, days, local, ranked

HOUR = timedelta(hours=1)


def share(moment: datetime) -> float:
    return moment.hour / 12


def cost(
    start: datetime,
    chair: int,
    origin: datetime,
    due: datetime | None,
    wishes: Wishes,
    to_the_minute: bool,
) -> float:
    """The policy once more, for one start, straight from its words."""
    ties = 0.00003 * min(share(start), 2)
    ties += 0.00032 * (wishes.chair not in (None, chair)) + 0.00016 * (wishes.last_chair not in (None, chair))
    if to_the_minute and due is not None:
        return ties + abs((start - due) / HOUR) / 2
    day = localtime.local_date(start, NEW_YORK)
    off = (day - localtime.local_date(due or origin, NEW_YORK)).days
    days_ = abs(off) + 20 * (due is not None and not 0 <= off <= 7)
    weekday = 2 * bool(wishes.weekdays and day.weekday() not in wishes.weekdays)
    waiting = (start - localtime.at(day, 0, NEW_YORK)) / HOUR / 24 if due is None else 0.0
    asked = wishes.time_of_day
    if asked is None and wishes.part_of_day is None and due is not None:
        wall = localtime.to_wall(due, NEW_YORK)
        asked = wall.hour * 60 + wall.minute
    hours, outside = 0.0, 0.0
    if asked is not None:
        hours = abs((start - localtime.at(day, asked, NEW_YORK)) / HOUR)
    elif wishes.part_of_day is not None:
        first, last = {"morning": (360, 719), "afternoon": (720, 1019), "evening": (1020, 1319)}[wishes.part_of_day]
        early = (localtime.at(day, first, NEW_YORK) - start) / HOUR
        late = (start - localtime.at(day, last, NEW_YORK)) / HOUR
        hours = max(early, late, 0.0)
        outside = 1.25 * (hours > 0)
    return days_ + weekday + waiting + min(outside + hours / 2, 4) + ties


class TestRank:
    horizon = days((2027, 6, 1), (2027, 6, 14))
    due = local(2027, 6, 8, 10)

    def test_one_proposal_for_each_start(self) -> None:
        ten = at(self.horizon, self.due)
        assert len(ranked(self.horizon, {1: ten, 2: ten}, self.due)) == 1

    def test_every_chair_where_asked(self) -> None:
        ten = at(self.horizon, self.due)
        found = ranked(self.horizon, {1: ten, 2: ten}, self.due, per_chair=True)
        assert [one.chair for one in found] == [1, 2]

    def test_nothing_free_nothing_proposed(self) -> None:
        assert ranked(self.horizon, {1: 0}, self.due) == []
        assert ranked(self.horizon, {}, self.due) == []
        assert ranked(self.horizon, {1: 1}, self.due, limit=0) == []

    def test_a_due_day_outside_the_horizon_is_counted_from(self) -> None:
        starts = {1: at(self.horizon, local(2027, 6, 2, 10), local(2027, 6, 1, 10))}
        assert clock(ranked(self.horizon, starts, local(2027, 5, 30, 10))[0]) == "Tue 01 Jun 10:00"

    @given(st.data())
    def test_the_same_as_scoring_every_start(self, data: st.DataObject) -> None:
        first_day = data.draw(st.sampled_from([(2027, 3, 8), (2026, 10, 27), (2027, 6, 1)]))
        origin = local(*first_day) + timedelta(minutes=data.draw(st.integers(0, 1440)))
        horizon = Horizon(origin, 12 * 24 * 60)
        runs = st.lists(st.tuples(st.integers(0, 11 * 1440), st.integers(30, 900)), min_size=1, max_size=4)
        starts = {chair: self.starts(horizon, data.draw(runs)) for chair in (3, 1, 2)}
        due = data.draw(st.none() | st.integers(-1440, 13 * 1440).map(horizon.moment))
        wishes = Wishes(
            time_of_day=data.draw(st.none() | st.integers(0, 1439)),
            part_of_day=data.draw(st.sampled_from([None, "morning", "afternoon", "evening"])),
            weekdays=data.draw(st.frozensets(st.integers(0, 6), max_size=2)),
            chair=data.draw(st.sampled_from([None, 1, 2])),
            last_chair=data.draw(st.sampled_from([None, 2, 3])),
        )
        to_the_minute = due is not None and data.draw(st.booleans())
        limit = data.draw(st.integers(1, 20))
        per_chair = data.draw(st.booleans())

        found = ranked(
            horizon,
            starts,
            due,
            wishes,
            limit=limit,
            per_chair=per_chair,
            to_the_minute=to_the_minute,
            load_share=share,
        )

        costs: dict[tuple[datetime, int], float] = {}
        for chair, bits in starts.items():
            for place in positions(bits):
                start = horizon.moment(place)
                costs[start, chair if per_chair else 0] = min(
                    cost(start, chair, origin, due, wishes, to_the_minute),
                    costs.get((start, chair if per_chair else 0), 1e9),
                )
        assert [one.score for one in found] == pytest.approx(sorted(costs.values())[:limit])
        for one in found:
            assert one.score == pytest.approx(cost(one.start, one.chair, origin, due, wishes, to_the_minute))
            assert starts[one.chair] >> horizon.index(one.start) & 1
        assert len({(one.start, one.chair if per_chair else 0) for one in found}) == len(found)

    def starts(self, horizon: Horizon, runs: list[tuple[int, int]]) -> int:
        open_ = [Interval(horizon.moment(begin), horizon.moment(begin + length)) for begin, length in runs]
        return room(mask(horizon, open_), 0, 30) & every(horizon, 30)


class TestSpreadOut:
    horizon = days((2027, 6, 1), (2027, 6, 14))
    due = local(2027, 6, 8, 10)

    def many(self, *chairs: int) -> list[Candidate]:
        hours = [Interval(local(2027, 6, day, 9), local(2027, 6, day, 16)) for day in (8, 9, 10)]
        starts = room(mask(self.horizon, hours), 0, 30) & every(self.horizon, 15)
        return ranked(self.horizon, dict.fromkeys(chairs, starts), self.due, limit=200, per_chair=True)

    def test_the_best_another_day_and_another_time(self) -> None:
        found = spread_out(self.many(1))
        assert [clock(one) for one in found] == ["Tue 08 Jun 10:00", "Tue 08 Jun 11:00", "Wed 09 Jun 10:00"]

    def test_another_chair_at_the_same_time_comes_fourth(self) -> None:
        found = spread_out(self.many(1, 2), n=4)
        assert {(clock(one), one.chair) for one in found} == {
            ("Tue 08 Jun 10:00", 1),
            ("Tue 08 Jun 10:00", 2),
            ("Tue 08 Jun 11:00", 1),
            ("Wed 09 Jun 10:00", 1),
        }

    def test_filled_up_by_score_where_nothing_differs(self) -> None:
        close = ranked(self.horizon, {1: at(self.horizon, self.due, self.due + timedelta(minutes=5))}, self.due)
        assert spread_out(close) == close

    def test_no_more_than_there_are(self) -> None:
        assert spread_out([]) == []
        assert spread_out(self.many(1), n=0) == []
        assert len(spread_out(self.many(1), n=2)) == 2
        assert len(spread_out(self.many(1), n=500)) == len(self.many(1))

    def test_best_first(self) -> None:
        scores = [one.score for one in spread_out(self.many(1, 2), n=7)]
        assert scores == sorted(scores)
