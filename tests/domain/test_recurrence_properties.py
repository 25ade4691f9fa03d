"""What holds for every zone, every cadence and every moment. Draws are the same in each run."""

from calendar import monthrange
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from scheduler.domain import localtime
from scheduler.domain.intervals import Interval, merged, subtract
from scheduler.domain.recurrence import (
    Cadence,
    Gap,
    Spread,
    distance,
    due_times,
    earliest_after,
    gap_kept,
    latest_before,
    project,
    window,
)

draws = settings(derandomize=True, deadline=None, database=None, max_examples=60)

MINUTE = timedelta(minutes=1)
EPOCH = datetime(2012, 1, 1, tzinfo=UTC)  # since then no place has skipped a date

# Clocks that change by an hour, half an hour, two hours, at night, at midnight, before it, and in Ramadan.
CHANGING = [
    ZoneInfo(name)
    for name in (
        "America/New_York",
        "Europe/Madrid",
        "Australia/Lord_Howe",
        "America/Santiago",
        "Africa/Cairo",
        "America/Havana",
        "Asia/Beirut",
        "America/Nuuk",
        "Antarctica/Troll",
        "Africa/Casablanca",
    )
]


def changes(zone: ZoneInfo) -> list[datetime]:
    """The first full hours of 2026 and 2027 after a change of the zone's clock."""
    days = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=n) for n in range(731)]
    hours = [
        day + timedelta(hours=n)
        for day, next_day in pairwise(days)
        if day.astimezone(zone).utcoffset() != next_day.astimezone(zone).utcoffset()
        for n in range(25)
    ]
    offsets = [hour.astimezone(zone).utcoffset() for hour in hours]
    return [hour for hour, (before, after) in zip(hours[1:], pairwise(offsets), strict=True) if before != after]


# Any minute of forty years in any zone hardly ever meets a clock change, so half of the draws lie near one.
anywhere = st.tuples(st.integers(0, 40 * 366 * 1440).map(lambda minute: EPOCH + minute * MINUTE), st.timezones())
near_a_change = st.builds(
    lambda change, minutes: (change[0] + minutes * MINUTE, change[1]),
    st.sampled_from([(moment, zone) for zone in CHANGING for moment in changes(zone)]),
    st.one_of(st.integers(-200, 200), st.integers(-4320, 200)),
)
places = st.one_of(anywhere, near_a_change)
elapsed = st.builds(Cadence, st.just("elapsed"), st.integers(1, 72), st.just("hours"))
one_at_a_time = st.builds(
    Cadence, st.just("calendar"), st.integers(1, 13), st.sampled_from(["months", "weeks", "days"])
)
# No clock change of our time is longer than three hours, so none can swap two doses of a day.
within_days = (
    st.lists(st.integers(180, 600), min_size=1, max_size=3)
    .filter(lambda apart: sum(apart) <= 1260)
    .map(lambda apart: tuple(sum(apart[:n]) for n in range(len(apart) + 1)))
)
several_a_day = st.builds(Cadence, st.just("calendar"), st.integers(1, 3), st.just("days"), within_days)
cadences = st.one_of(elapsed, one_at_a_time, several_a_day)
spreads = st.one_of(
    st.builds(Spread, st.just("days"), st.integers(0, 10), st.integers(0, 10)),
    st.builds(Spread, st.just("minutes"), st.integers(0, 600), st.integers(0, 600)),
)
gaps = st.one_of(
    st.builds(Gap, st.just("days"), st.integers(0, 100)),
    st.builds(Gap, st.just("minutes"), st.integers(0, 3000)),
)


def intervals(minutes: list[tuple[int, int]]) -> list[Interval]:
    return [Interval(EPOCH + start * MINUTE, EPOCH + (start + length) * MINUTE) for start, length in minutes]


def minutes_of(some: list[Interval]) -> set[int]:
    return {
        minute
        for interval in some
        for minute in range((interval.start - EPOCH) // MINUTE, (interval.end - EPOCH) // MINUTE)
    }


ranges = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)), max_size=8).map(intervals)


@draws
@given(ranges, ranges)
def test_merging_and_subtracting_are_those_of_sets_of_minutes(whole, holes):
    assert minutes_of(merged(whole)) == minutes_of(whole)
    assert minutes_of(subtract(whole, holes)) == minutes_of(whole) - minutes_of(holes)
    for result in (merged(whole), subtract(whole, holes)):
        assert all(one.end < next_.start for one, next_ in pairwise(result))


@draws
@given(places)
def test_a_wall_time_leads_back_to_its_moment_or_to_the_first_of_two(place):
    moment, zone = place
    wall = localtime.to_wall(moment, zone)
    back = localtime.to_utc(wall, zone)
    if localtime.kind_of_wall(wall, zone) == "plain":
        assert back == moment
    else:
        assert back <= moment
        assert localtime.to_wall(back, zone) == wall


@draws
@given(places)
def test_every_moment_lies_in_the_day_of_its_date_and_days_follow_without_a_hole(place):
    moment, zone = place
    date = localtime.local_date(moment, zone)
    day, next_day = (localtime.day(date + timedelta(days=n), zone) for n in (0, 1))
    assert day.contains(moment)
    assert day.end == next_day.start
    assert localtime.local_date(day.start, zone) == date
    assert localtime.dates_touched(day, zone) == [date]
    assert localtime.dates_touched(Interval(moment, moment + MINUTE), zone) == [date]


@draws
@given(places, st.integers(0, 1440))
def test_a_minute_of_a_day_is_what_the_wall_shows_unless_it_falls_in_a_gap(place, minute):
    moment, zone = place
    date = localtime.local_date(moment, zone)
    wall = datetime.combine(date, datetime.min.time()) + minute * MINUTE
    if localtime.kind_of_wall(wall, zone) != "gap":
        assert localtime.to_wall(localtime.at(date, minute, zone), zone) == wall


@draws
@given(places, st.integers(1, 400))
def test_quarter_hours_cover_the_interval_and_no_whole_quarter_more(place, minutes):
    moment, _ = place
    interval = Interval(moment, moment + minutes * MINUTE)
    quarters = localtime.quarter_hours(interval)
    assert all(quarter.minute % 15 == 0 for quarter in quarters)
    covering = merged(Interval(quarter, quarter + 15 * MINUTE) for quarter in quarters)
    assert len(covering) == 1
    assert covering[0].covers(interval)
    assert covering[0].minutes < minutes + 30


@draws
@given(elapsed, places, st.integers(0, 60))
def test_elapsed_doses_are_exactly_n_hours_apart_in_every_zone(cadence, place, steps):
    anchor, zone = place
    one, next_ = (project(cadence, anchor, n, zone) for n in (steps, steps + 1))
    assert next_ - one == timedelta(hours=cadence.every)


@draws
@given(one_at_a_time, places, st.integers(1, 60))
def test_calendar_doses_keep_the_wall_clock_and_the_anchor_day(cadence, place, steps):
    anchor, zone = place
    wall = localtime.to_wall(anchor, zone)
    count = cadence.every * steps
    if cadence.unit == "months":
        year, month = divmod(wall.year * 12 + wall.month - 1 + count, 12)
        day = min(wall.day, monthrange(year, month + 1)[1])
        meant = wall.replace(year=year, month=month + 1, day=day)
    else:
        meant = wall + timedelta(days=count * (7 if cadence.unit == "weeks" else 1))
    shown = localtime.to_wall(project(cadence, anchor, steps, zone), zone)
    if localtime.kind_of_wall(meant, zone) == "gap":
        assert meant < shown <= meant + timedelta(hours=3)
    else:
        assert shown == meant


@draws
@given(cadences, places, st.integers(1, 60))
def test_no_dose_is_due_before_the_one_before_it(cadence, place, steps):
    anchor, zone = place
    assert project(cadence, anchor, steps - 1, zone) <= project(cadence, anchor, steps, zone)


@draws
@given(cadences, places, spreads)
def test_with_nothing_given_due_times_are_the_projection(cadence, place, tolerance):
    start, zone = place
    due = due_times(cadence, start=start, zone=zone, ordinals=range(1, 9), happened={}, tolerance=tolerance)
    assert due == {n: project(cadence, start, n - 1, zone) for n in range(1, 9)}


@draws
@given(cadences, places, spreads, st.data())
def test_doses_inside_the_tolerance_move_nothing(cadence, place, tolerance, data):
    start, zone = place
    if cadence.unit == "months" and localtime.to_wall(start, zone).day > 28:
        start -= timedelta(days=4)  # a clipped day is remembered only until a dose is given
    due = {n: project(cadence, start, n - 1, zone) for n in range(1, 9)}
    happened = {}
    for ordinal in data.draw(st.sets(st.integers(1, 8))):
        allowed = window(tolerance, due[ordinal], zone)
        happened[ordinal] = allowed.start + data.draw(st.integers(0, allowed.minutes - 1)) * MINUTE
    again = due_times(cadence, start=start, zone=zone, ordinals=range(1, 9), happened=happened, tolerance=tolerance)
    assert again == due


@draws
@given(cadences, places, spreads, st.dictionaries(st.integers(1, 4), st.integers(-9000, 9000), min_size=1))
def test_whatever_happened_before_doses_given_when_due_move_nothing(cadence, place, tolerance, off):
    start, zone = place
    happened = {n: project(cadence, start, n - 1, zone) + minutes * MINUTE for n, minutes in off.items()}
    due = due_times(cadence, start=start, zone=zone, ordinals=range(1, 9), happened=happened, tolerance=tolerance)
    assume(cadence.unit != "months" or all(localtime.to_wall(moment, zone).day <= 28 for moment in due.values()))
    happened |= {n: due[n] for n in range(5, 9)}
    again = due_times(cadence, start=start, zone=zone, ordinals=range(1, 9), happened=happened, tolerance=tolerance)
    assert again == due


@draws
@given(elapsed, places, st.integers(1, 6), st.integers(61, 3000))
def test_a_late_elapsed_dose_moves_those_after_it_by_as_much_and_none_before(cadence, place, ordinal, late):
    start, zone = place
    tolerance = Spread("minutes", 60, 60)
    plan, moved = (
        due_times(
            cadence,
            start=start,
            zone=zone,
            ordinals=range(1, 9),
            happened=happened,
            tolerance=tolerance,
        )
        for happened in ({}, {ordinal: project(cadence, start, ordinal - 1, zone) + late * MINUTE})
    )
    for n in range(1, 9):
        assert moved[n] - plan[n] == (late * MINUTE if n > ordinal else timedelta(0))


def _due(cadence, start, zone, ordinal, happened, tolerance):
    return due_times(cadence, start=start, zone=zone, ordinals=[ordinal], happened=happened, tolerance=tolerance)[
        ordinal
    ]


@draws
@given(several_a_day, places, st.dictionaries(st.integers(1, 8), st.integers(-3000, 3000)))
def test_several_doses_a_day_never_crowd_and_are_never_brought_forward(cadence, place, off):
    start, zone = place
    happened: dict[int, datetime] = {}
    plan = {n: localtime.to_wall(project(cadence, start, n - 1, zone), zone) for n in range(1, 9)}
    tolerance = Spread("minutes", 0, 0)
    doses, closest = (
        len(cadence.within_day),
        min(b - a for a, b in pairwise((*cadence.within_day, cadence.every * 1440))),
    )
    shown: dict[int, datetime] = {}
    slack = timedelta(hours=3)  # of a clock change
    for ordinal in range(1, 9):
        due = _due(cadence, start, zone, ordinal, happened, tolerance)
        wall = localtime.to_wall(due, zone)
        assert wall >= plan[ordinal] - slack
        if ordinal > 1:
            assert wall >= shown[ordinal - 1] + closest * MINUTE - slack
        if ordinal > doses:
            assert wall >= shown[ordinal - doses] + timedelta(days=cadence.every) - slack
        happened[ordinal] = due + off.get(ordinal, 0) * MINUTE
        shown[ordinal] = localtime.to_wall(happened[ordinal], zone)


@draws
@given(spreads, places)
def test_a_dose_on_time_is_inside_its_window_and_its_bounds_are_exact(spread, place):
    due, zone = place
    around = window(spread, due, zone)
    assert around.contains(due)
    last = around.end - MINUTE
    before = distance(spread.counts_in, around.start, due, zone)
    after = distance(spread.counts_in, due, last, zone)
    assert (before, after) == (spread.before, spread.after)
    assert distance(spread.counts_in, around.start - MINUTE, due, zone) > spread.before
    assert distance(spread.counts_in, due, around.end, zone) > spread.after


@draws
@given(gaps, places)
def test_both_bounds_of_a_gap_agree_with_whether_it_is_kept(gap, place):
    dose, zone = place
    earliest = earliest_after(gap, dose, zone)
    assert gap_kept(gap, dose, earliest, zone)
    assert not gap_kept(gap, dose, earliest - MINUTE, zone)
    bound = latest_before(gap, dose, zone)
    assert gap_kept(gap, bound - MINUTE, dose, zone)
    assert not gap_kept(gap, bound, dose, zone)
