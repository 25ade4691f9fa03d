"""Due times after late, early, partial, missed and waived doses, and doses given elsewhere."""

from datetime import datetime

import pytest

from scheduler.domain.recurrence import Cadence, Spread, due_times
from tests.domain.clocks import NEW_YORK, at, clocks, dates

QUARTERLY = Cadence("calendar", 3, "months")
DAILY = Cadence("calendar", 1, "days")
EVERY_12_WEEKS = Cadence("calendar", 12, "weeks")
EVERY_8_HOURS = Cadence("elapsed", 8, "hours")
TWICE_A_DAY = Cadence("calendar", 1, "days", within_day=(0, 420))
ONCE = Cadence("once")
PLUS_MINUS_60 = Spread("minutes", 60, 60)
FIVE_SEVEN_DAYS = Spread("days", 5, 7)


def due(
    cadence: Cadence,
    start: str,
    doses: int,
    happened: dict[int, str],
    tolerance: Spread,
) -> list[datetime]:
    times = due_times(
        cadence,
        start=at(start),
        zone=NEW_YORK,
        ordinals=range(1, doses + 1),
        happened={ordinal: at(moment) for ordinal, moment in happened.items()},
        tolerance=tolerance,
    )
    assert list(times) == list(range(1, doses + 1))
    return list(times.values())


class TestReanchoringACalendarCadence:
    """Eptinezumab, quarterly from Monday 30 November 2026, 10:00, tolerance -5/+7 days."""

    @pytest.mark.parametrize(
        ("happened", "expected"),
        [
            # Nothing yet, or missed, or waived: the projection clips from the anchor day.
            ({}, "2026-11-30, 2027-02-28, 2027-05-30, 2027-08-30"),
            # The first one given, on time and within tolerance: nothing moves.
            ({1: "2026-11-30T10:07-05:00"}, "2026-11-30, 2027-02-28, 2027-05-30, 2027-08-30"),
            ({1: "2026-12-07T15:00-05:00"}, "2026-11-30, 2027-02-28, 2027-05-30, 2027-08-30"),
            ({1: "2026-11-25T08:00-05:00"}, "2026-11-30, 2027-02-28, 2027-05-30, 2027-08-30"),
            # 28 February given ends the memory of the 30th.
            (
                {1: "2026-11-30T10:00-05:00", 2: "2027-02-28T10:00-05:00"},
                "2026-11-30, 2027-02-28, 2027-05-28, 2027-08-28",
            ),
            (
                {1: "2026-11-30T10:00-05:00", 2: "2027-03-01T10:00-05:00"},
                "2026-11-30, 2027-02-28, 2027-05-28, 2027-08-28",
            ),
            # Late: due 30 November, given 14 December.
            ({1: "2026-12-14T10:00-05:00"}, "2026-11-30, 2027-03-14, 2027-06-14, 2027-09-14"),
            ({1: "2026-12-08T10:00-05:00"}, "2026-11-30, 2027-03-08, 2027-06-08, 2027-09-08"),
            # Moved to 15 March: the next one is proposed for 15 June.
            ({2: "2027-03-15T10:00-04:00"}, "2026-11-30, 2027-02-28, 2027-06-15, 2027-09-15"),
            # Early, outside the tolerance.
            ({2: "2027-02-22T10:00-05:00"}, "2026-11-30, 2027-02-28, 2027-05-22, 2027-08-22"),
            ({1: "2026-11-24T10:00-05:00"}, "2026-11-30, 2027-02-24, 2027-05-24, 2027-08-24"),
            # The second one missed or waived, the first late: it goes on from the first.
            (
                {1: "2026-12-14T10:00-05:00", 3: "2027-06-14T10:00-04:00"},
                "2026-11-30, 2027-03-14, 2027-06-14, 2027-09-14",
            ),
            # Twice late.
            (
                {1: "2026-12-14T10:00-05:00", 2: "2027-03-31T10:00-04:00"},
                "2026-11-30, 2027-03-14, 2027-06-30, 2027-09-30",
            ),
            # A dose elsewhere counts like one here.
            ({2: "2027-03-20T19:45-04:00"}, "2026-11-30, 2027-02-28, 2027-06-20, 2027-09-20"),
        ],
        ids=[
            "missed-or-waived",
            "on-time",
            "last-day-of-tolerance",
            "first-day-of-tolerance",
            "clipped-then-given",
            "clipped-then-given-a-day-late",
            "late",
            "first-day-outside-tolerance",
            "moved",
            "early",
            "early-first-dose",
            "late-then-one-missed",
            "late-twice",
            "elsewhere",
        ],
    )
    def test_the_date_moves_only_outside_the_tolerance_and_the_clock_never(self, happened, expected):
        times = due(QUARTERLY, "2026-11-30T10:00-05:00", 4, happened, FIVE_SEVEN_DAYS)
        assert dates(times, NEW_YORK) == [f"{date} 10:00" for date in expected.split(", ")]

    def test_the_date_of_a_dose_is_the_one_on_the_wall(self):
        times = due(QUARTERLY, "2026-11-30T20:00-05:00", 2, {1: "2026-12-14T20:30-05:00"}, FIVE_SEVEN_DAYS)
        assert dates(times, NEW_YORK)[1] == "2027-03-14 20:00"

    def test_weeks_are_moved_the_same_way(self):
        times = due(EVERY_12_WEEKS, "2026-11-30T10:00-05:00", 3, {1: "2026-12-14T10:00-05:00"}, FIVE_SEVEN_DAYS)
        assert dates(times, NEW_YORK)[1:] == ["2027-03-08 10:00", "2027-05-31 10:00"]

    def test_where_the_tolerance_counts_in_minutes_the_clock_moves_too(self):
        times = due(DAILY, "2026-06-01T09:00-04:00", 4, {2: "2026-06-02T11:10-04:00"}, PLUS_MINUS_60)
        assert dates(times, NEW_YORK) == [
            "2026-06-01 09:00",
            "2026-06-02 09:00",
            "2026-06-03 11:10",
            "2026-06-04 11:10",
        ]

    def test_a_dose_that_a_gap_moved_and_that_was_given_then_does_not_move_the_next(self):
        times = due(DAILY, "2027-03-13T02:30-05:00", 3, {2: "2027-03-14T03:30-04:00"}, PLUS_MINUS_60)
        assert dates(times, NEW_YORK) == ["2027-03-13 02:30", "2027-03-14 03:30", "2027-03-15 02:30"]


class TestReanchoringAnElapsedCadence:
    """DHE every 8 hours from Monday 1 June 2026, 09:00, tolerance +-60 minutes."""

    @pytest.mark.parametrize(
        ("happened", "expected"),
        [
            ({}, "1 09:00, 1 17:00, 2 01:00, 2 09:00"),
            ({1: "2026-06-01T09:40-04:00"}, "1 09:00, 1 17:00, 2 01:00, 2 09:00"),
            ({1: "2026-06-01T10:00-04:00"}, "1 09:00, 1 17:00, 2 01:00, 2 09:00"),
            ({1: "2026-06-01T08:00-04:00"}, "1 09:00, 1 17:00, 2 01:00, 2 09:00"),
            # Begun 10:20 instead of 09:00: the next is due 18:20.
            ({1: "2026-06-01T10:20-04:00"}, "1 09:00, 1 18:20, 2 02:20, 2 10:20"),
            ({1: "2026-06-01T10:01-04:00"}, "1 09:00, 1 18:01, 2 02:01, 2 10:01"),
            ({1: "2026-06-01T07:59-04:00"}, "1 09:00, 1 15:59, 1 23:59, 2 07:59"),
            # Late, then on the new time.
            ({1: "2026-06-01T10:20-04:00", 2: "2026-06-01T18:00-04:00"}, "1 09:00, 1 18:20, 2 02:20, 2 10:20"),
            # Late twice.
            ({1: "2026-06-01T10:20-04:00", 2: "2026-06-01T20:00-04:00"}, "1 09:00, 1 18:20, 2 04:00, 2 12:00"),
            # The second missed or waived: the third counts from the first.
            ({1: "2026-06-01T10:20-04:00", 3: "2026-06-02T02:20-04:00"}, "1 09:00, 1 18:20, 2 02:20, 2 10:20"),
            # A part of the second, or one at home.
            ({2: "2026-06-01T19:05-04:00"}, "1 09:00, 1 17:00, 2 03:05, 2 11:05"),
        ],
        ids=[
            "missed-or-waived",
            "within-tolerance",
            "exactly-60-late",
            "exactly-60-early",
            "late",
            "61-late",
            "61-early",
            "late-then-on-the-new-time",
            "late-twice",
            "late-then-one-missed",
            "partial-or-elsewhere",
        ],
    )
    def test_due_times_count_from_the_dose_once_it_is_outside_the_tolerance(self, happened, expected):
        times = due(EVERY_8_HOURS, "2026-06-01T09:00-04:00", 4, happened, PLUS_MINUS_60)
        assert [f"{moment.day} {moment:%H:%M}" for moment in (t.astimezone(NEW_YORK) for t in times)] == (
            expected.split(", ")
        )

    def test_a_late_dose_before_the_clock_change_is_followed_by_eight_real_hours(self):
        times = due(
            EVERY_8_HOURS, "2027-03-13T09:00-05:00", 4, {3: "2027-03-14T01:45-05:00"}, Spread("minutes", 30, 30)
        )
        assert times[3] == at("2027-03-14T10:45-04:00")

    def test_days_of_tolerance_leave_real_time_real(self):
        weekly = Cadence("elapsed", 1, "weeks")
        times = due(weekly, "2026-06-01T09:00-04:00", 2, {1: "2026-06-04T13:30-04:00"}, Spread("days", 1, 1))
        assert dates(times, NEW_YORK)[1] == "2026-06-11 13:30"


class TestReanchoringSeveralDosesADay:
    """DHE twice a day from Monday 1 June 2026: 09:00 and 16:00, tolerance +-60 minutes."""

    @pytest.mark.parametrize(
        ("happened", "expected"),
        [
            ({}, "1 09:00, 1 16:00, 2 09:00, 2 16:00, 3 09:00, 3 16:00"),
            (
                {1: "2026-06-01T09:50-04:00", 2: "2026-06-01T16:55-04:00"},
                "1 09:00, 1 16:00, 2 09:00, 2 16:00, 3 09:00, 3 16:00",
            ),
            # Late first dose: the second keeps 7 hours, and never three within 24 hours.
            ({1: "2026-06-01T10:20-04:00"}, "1 09:00, 1 17:20, 2 10:20, 2 17:20, 3 10:20, 3 17:20"),
            # Late second dose: next morning stays, its second does not come within 24 hours of it.
            ({2: "2026-06-01T17:10-04:00"}, "1 09:00, 1 16:00, 2 09:00, 2 17:10, 3 09:00, 3 17:10"),
            # Early ones bring nothing forward.
            ({1: "2026-06-01T07:30-04:00"}, "1 09:00, 1 16:00, 2 09:00, 2 16:00, 3 09:00, 3 16:00"),
            ({2: "2026-06-01T14:00-04:00"}, "1 09:00, 1 16:00, 2 09:00, 2 16:00, 3 09:00, 3 16:00"),
            # So late that it took the place of the next one.
            ({2: "2026-06-02T09:00-04:00"}, "1 09:00, 1 16:00, 2 16:00, 3 09:00, 3 16:00, 4 09:00"),
            # A whole day late: the course goes on a day later.
            ({3: "2026-06-03T09:00-04:00"}, "1 09:00, 1 16:00, 2 09:00, 3 16:00, 4 09:00, 4 16:00"),
            # Missed or waived second dose after a late first.
            (
                {1: "2026-06-01T10:20-04:00", 3: "2026-06-02T10:20-04:00"},
                "1 09:00, 1 17:20, 2 10:20, 2 17:20, 3 10:20, 3 17:20",
            ),
        ],
        ids=[
            "missed-or-waived",
            "within-tolerance",
            "late-first",
            "late-second",
            "early-first",
            "early-second",
            "second-next-morning",
            "a-day-late",
            "late-then-one-missed",
        ],
    )
    def test_each_keeps_its_place_in_the_day_and_moves_only_later(self, happened, expected):
        times = due(TWICE_A_DAY, "2026-06-01T09:00-04:00", 6, happened, PLUS_MINUS_60)
        assert [f"{moment.day} {moment:%H:%M}" for moment in (t.astimezone(NEW_YORK) for t in times)] == (
            expected.split(", ")
        )

    def test_a_night_shorter_than_the_day_between_two_doses_pushes_nothing(self):
        times = due(Cadence("calendar", 1, "days", (0, 420, 1080)), "2026-06-01T08:00-04:00", 6, {}, PLUS_MINUS_60)
        assert [clock[-9:-4] for clock in clocks(times, NEW_YORK)] == ["08:00", "15:00", "02:00"] * 2

    def test_a_night_with_a_clock_change_pushes_nothing(self):
        four_a_day = Cadence("calendar", 1, "days", (0, 360, 720, 1080))
        times = due(four_a_day, "2027-03-13T09:00-05:00", 6, {}, PLUS_MINUS_60)
        assert clocks(times, NEW_YORK)[2:] == [
            "Sat 13 Mar 21:00 EST",
            "Sun 14 Mar 03:00 EDT",
            "Sun 14 Mar 09:00 EDT",
            "Sun 14 Mar 15:00 EDT",
        ]


class TestDueTimes:
    def test_only_the_asked_ordinals_are_answered_in_order(self):
        times = due_times(
            QUARTERLY,
            start=at("2026-11-30T10:00-05:00"),
            zone=NEW_YORK,
            ordinals=iter([5, 3, 3]),
            happened={
                2: at("2027-03-15T10:00-04:00"),
                4: at("2027-10-15T10:00-04:00"),  # not asked for, but the fifth counts from it
                9: at("2030-01-01T10:00-05:00"),
            },
            tolerance=FIVE_SEVEN_DAYS,
        )
        assert list(times) == [3, 5]
        assert dates(times.values(), NEW_YORK) == ["2027-06-15 10:00", "2028-01-15 10:00"]

    @pytest.mark.parametrize("cadence", [QUARTERLY, EVERY_8_HOURS, TWICE_A_DAY, ONCE])
    def test_no_ordinals_no_due_times(self, cadence):
        assert due(cadence, "2026-06-01T09:00-04:00", 0, {}, PLUS_MINUS_60) == []

    @pytest.mark.parametrize("cadence", [QUARTERLY, EVERY_8_HOURS, TWICE_A_DAY, ONCE])
    def test_the_first_is_due_at_the_start_exactly_even_in_the_second_ambiguous_hour(self, cadence):
        start = "2026-11-01T01:30:20-05:00"
        assert due(cadence, start, 1, {1: "2026-11-02T09:00-05:00"}, PLUS_MINUS_60) == [at(start)]

    @pytest.mark.parametrize("cadence", [EVERY_8_HOURS, TWICE_A_DAY])
    def test_doses_are_counted_from_one(self, cadence):
        for ordinals, happened in (([0, 1], {}), ([1], {0: at("2026-06-01T09:00-04:00")})):
            with pytest.raises(ValueError, match="counted from 1"):
                due_times(
                    cadence,
                    start=at("2026-06-01T09:00-04:00"),
                    zone=NEW_YORK,
                    ordinals=ordinals,
                    happened=happened,
                    tolerance=PLUS_MINUS_60,
                )

    def test_a_single_dose_has_no_second(self):
        with pytest.raises(ValueError, match="no next one"):
            due(ONCE, "2026-06-01T09:00-04:00", 2, {}, PLUS_MINUS_60)

    @pytest.mark.parametrize("cadence", [QUARTERLY, EVERY_8_HOURS, TWICE_A_DAY])
    def test_what_happened_is_a_moment(self, cadence):
        with pytest.raises(ValueError, match="no time zone"):
            due_times(
                cadence,
                start=at("2026-06-01T09:00-04:00"),
                zone=NEW_YORK,
                ordinals=[2],
                happened={1: datetime.fromisoformat("2026-06-01T09:00")},
                tolerance=PLUS_MINUS_60,
            )
