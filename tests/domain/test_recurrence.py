from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from scheduler.domain.recurrence import (
    Cadence,
    Gap,
    Spread,
    distance,
    earliest_after,
    gap_kept,
    latest_before,
    project,
    window,
)
from tests.domain.clocks import APIA, LORD_HOWE, MADRID, NEW_YORK, SANTIAGO, at, clocks, dates

QUARTERLY = Cadence("calendar", 3, "months")
MONTHLY = Cadence("calendar", 1, "months")
DAILY = Cadence("calendar", 1, "days")
EVERY_12_WEEKS = Cadence("calendar", 12, "weeks")
EVERY_8_HOURS = Cadence("elapsed", 8, "hours")
TWICE_A_DAY = Cadence("calendar", 1, "days", within_day=(0, 420))
ONCE = Cadence("once")

# DESIGN section 6: eptinezumab and DHE.
PLUS_MINUS_60 = Spread("minutes", 60, 60)
FIVE_SEVEN_DAYS = Spread("days", 5, 7)
DAY_84 = Gap("days", 84)
SEVEN_HOURS = Gap("minutes", 7 * 60)


def projected(cadence: Cadence, start: str, doses: int, zone: ZoneInfo = NEW_YORK) -> list[datetime]:
    return [project(cadence, at(start), steps, zone) for steps in range(doses)]


class TestCadence:
    @pytest.mark.parametrize(
        "nonsense",
        [
            {"kind": "sometimes"},
            {"kind": "calendar", "unit": "years"},
            {"kind": "calendar", "unit": "hours"},
            {"kind": "elapsed", "unit": "months"},
            {"kind": "elapsed"},
            {"kind": "calendar", "every": 0},
            {"kind": "elapsed", "unit": "hours", "every": -8},
            {"kind": "calendar", "unit": "days", "within_day": ()},
            {"kind": "calendar", "unit": "days", "within_day": (60, 420)},
            {"kind": "calendar", "unit": "days", "within_day": (0, 420, 420)},
            {"kind": "calendar", "unit": "days", "within_day": (0, 420, 240)},
            {"kind": "calendar", "unit": "days", "within_day": (0, 1440)},
            {"kind": "calendar", "unit": "months", "within_day": (0, 420)},
            {"kind": "elapsed", "unit": "days", "within_day": (0, 420)},
            {"kind": "once", "within_day": (0, 420)},
        ],
    )
    def test_nonsense_is_refused(self, nonsense):
        with pytest.raises(ValueError):
            Cadence(**nonsense)

    @pytest.mark.parametrize(
        "nonsense",
        [
            lambda: Spread("weeks", 1, 1),
            lambda: Spread("days", -1, 1),
            lambda: Spread("minutes", 1, -1),
            lambda: Gap("hours", 7),
            lambda: Gap("minutes", -1),
            lambda: distance("hours", at("2026-06-01T09:00Z"), at("2026-06-01T10:00Z"), NEW_YORK),
        ],
    )
    def test_days_and_minutes_are_all_there_is_and_never_negative(self, nonsense):
        with pytest.raises(ValueError):
            nonsense()


class TestElapsedCadence:
    """The doses of clinical_facts section 5, "q8h" and "DST", and of issue 2."""

    def test_every_8_hours_for_3_days(self):
        doses = projected(EVERY_8_HOURS, "2026-06-01T09:00-04:00", 9)
        assert clocks(doses, NEW_YORK) == [
            "Mon 01 Jun 09:00 EDT",
            "Mon 01 Jun 17:00 EDT",
            "Tue 02 Jun 01:00 EDT",
            "Tue 02 Jun 09:00 EDT",
            "Tue 02 Jun 17:00 EDT",
            "Wed 03 Jun 01:00 EDT",
            "Wed 03 Jun 09:00 EDT",
            "Wed 03 Jun 17:00 EDT",
            "Thu 04 Jun 01:00 EDT",
        ]
        assert [distance("minutes", doses[0], doses[n - 1], NEW_YORK) // 60 for n in (3, 6, 9)] == [16, 40, 64]

    @pytest.mark.parametrize(
        ("start", "expected"),
        [
            (
                "2026-03-07T09:00-05:00",
                "Sat 07 09:00 EST, Sat 07 17:00 EST, Sun 08 01:00 EST, Sun 08 10:00 EDT, Sun 08 18:00 EDT, "
                "Mon 09 02:00 EDT, Mon 09 10:00 EDT, Mon 09 18:00 EDT, Tue 10 02:00 EDT",
            ),
            (
                "2027-03-13T09:00-05:00",
                "Sat 13 09:00 EST, Sat 13 17:00 EST, Sun 14 01:00 EST, Sun 14 10:00 EDT, Sun 14 18:00 EDT, "
                "Mon 15 02:00 EDT, Mon 15 10:00 EDT, Mon 15 18:00 EDT, Tue 16 02:00 EDT",
            ),
            (
                "2026-10-31T09:00-04:00",
                "Sat 31 09:00 EDT, Sat 31 17:00 EDT, Sun 01 01:00 EDT, Sun 01 08:00 EST, Sun 01 16:00 EST, "
                "Mon 02 00:00 EST, Mon 02 08:00 EST, Mon 02 16:00 EST, Tue 03 00:00 EST",
            ),
            (
                "2027-11-06T09:00-04:00",
                "Sat 06 09:00 EDT, Sat 06 17:00 EDT, Sun 07 01:00 EDT, Sun 07 08:00 EST, Sun 07 16:00 EST, "
                "Mon 08 00:00 EST, Mon 08 08:00 EST, Mon 08 16:00 EST, Tue 09 00:00 EST",
            ),
        ],
        ids=["spring-2026", "spring-2027", "autumn-2026", "autumn-2027"],
    )
    def test_every_8_hours_across_a_clock_change(self, start, expected):
        doses = projected(EVERY_8_HOURS, start, 9)
        assert [f"{dose.astimezone(NEW_YORK):%a %d %H:%M %Z}" for dose in doses] == expected.split(", ")

    def test_a_start_at_half_past_ten_meets_the_hour_that_does_not_exist(self):
        third = projected(EVERY_8_HOURS, "2026-03-07T10:30-05:00", 3)[-1]
        assert third == at("2026-03-08T03:30-04:00")

    def test_half_an_hour_of_lord_howe(self):
        doses = projected(EVERY_8_HOURS, "2026-10-03T09:00+10:30", 4, LORD_HOWE)
        assert clocks(doses, LORD_HOWE)[-1] == "Sun 04 Oct 09:30 +11"

    @pytest.mark.parametrize(("unit", "hours"), [("hours", 2), ("days", 48), ("weeks", 336)])
    def test_an_elapsed_day_is_24_hours_and_a_week_168(self, unit, hours):
        start = at("2027-03-13T09:00-05:00")
        assert (project(Cadence("elapsed", 2, unit), start, 1, NEW_YORK) - start).total_seconds() == hours * 3600


class TestCalendarCadence:
    @pytest.mark.parametrize(
        ("cadence", "start", "expected"),
        [
            (QUARTERLY, "2026-11-30T10:00-05:00", "2026-11-30, 2027-02-28, 2027-05-30, 2027-08-30, 2027-11-30"),
            (QUARTERLY, "2027-11-30T10:00-05:00", "2027-11-30, 2028-02-29, 2028-05-30, 2028-08-30"),
            (QUARTERLY, "2026-01-31T10:00-05:00", "2026-01-31, 2026-04-30, 2026-07-31, 2026-10-31"),
            (QUARTERLY, "2028-02-29T10:00-05:00", "2028-02-29, 2028-05-29, 2028-08-29, 2028-11-29, 2029-02-28"),
            (MONTHLY, "2028-01-31T10:00-05:00", "2028-01-31, 2028-02-29, 2028-03-31, 2028-04-30"),
            (MONTHLY, "2027-01-29T10:00-05:00", "2027-01-29, 2027-02-28, 2027-03-29"),
            (EVERY_12_WEEKS, "2026-11-30T10:00-05:00", "2026-11-30, 2027-02-22, 2027-05-17"),
            (DAILY, "2028-02-28T10:00-05:00", "2028-02-28, 2028-02-29, 2028-03-01"),
        ],
    )
    def test_dates_clip_from_the_anchor_day_and_never_drift(self, cadence, start, expected):
        wanted = [f"{date} 10:00" for date in expected.split(", ")]
        assert dates(projected(cadence, start, len(wanted)), NEW_YORK) == wanted

    def test_four_treatments_a_year_in_months_and_five_in_weeks(self):
        """clinical_facts section 0, point 2."""
        end_of_year = at("2027-11-30T10:00-05:00")
        for cadence, doses in ((QUARTERLY, 4), (EVERY_12_WEEKS, 5)):
            due = projected(cadence, "2026-11-30T10:00-05:00", 9)
            assert sum(dose < end_of_year for dose in due) == doses

    def test_the_wall_clock_is_kept_across_spring(self):
        """clinical_facts section 5: 15 January 10:00 to 15 April 10:00 is 89 days and 23 hours."""
        first, second = projected(QUARTERLY, "2026-01-15T10:00-05:00", 2)
        assert second == at("2026-04-15T10:00-04:00")
        assert distance("minutes", first, second, NEW_YORK) == (89 * 24 + 23) * 60

    def test_a_gap_moves_one_dose_and_not_those_after_it(self):
        doses = projected(DAILY, "2027-03-13T02:30-05:00", 3)
        assert clocks(doses, NEW_YORK) == [
            "Sat 13 Mar 02:30 EST",
            "Sun 14 Mar 03:30 EDT",
            "Mon 15 Mar 02:30 EDT",
        ]

    def test_an_ambiguous_time_is_its_first_occurrence(self):
        doses = projected(DAILY, "2026-10-31T01:30-04:00", 3)
        assert clocks(doses, NEW_YORK)[1:] == ["Sun 01 Nov 01:30 EDT", "Mon 02 Nov 01:30 EST"]

    def test_an_anchor_in_the_second_ambiguous_hour_stays_there(self):
        anchor = at("2026-11-01T01:30-05:00")
        assert project(DAILY, anchor, 0, NEW_YORK) == anchor

    def test_midnight_that_does_not_exist(self):
        doses = projected(DAILY, "2026-09-05T00:00-04:00", 3, SANTIAGO)
        assert clocks(doses, SANTIAGO) == ["Sat 05 Sep 00:00 -04", "Sun 06 Sep 01:00 -03", "Mon 07 Sep 00:00 -03"]

    def test_a_day_that_does_not_exist(self):
        doses = projected(DAILY, "2011-12-29T10:00-10:00", 3, APIA)
        assert dates(doses, APIA) == ["2011-12-29 10:00", "2011-12-31 10:00", "2011-12-31 10:00"]

    def test_several_doses_a_day(self):
        doses = projected(TWICE_A_DAY, "2027-03-13T09:00-05:00", 5)
        assert clocks(doses, NEW_YORK) == [
            "Sat 13 Mar 09:00 EST",
            "Sat 13 Mar 16:00 EST",
            "Sun 14 Mar 09:00 EDT",
            "Sun 14 Mar 16:00 EDT",
            "Mon 15 Mar 09:00 EDT",
        ]

    def test_several_doses_every_other_day(self):
        doses = projected(Cadence("calendar", 2, "days", (0, 300, 600)), "2026-06-01T08:00-04:00", 5)
        assert clocks(doses, NEW_YORK)[2:] == [
            "Mon 01 Jun 18:00 EDT",
            "Wed 03 Jun 08:00 EDT",
            "Wed 03 Jun 13:00 EDT",
        ]


class TestProject:
    def test_a_single_dose_has_no_next_one(self):
        start = at("2026-06-01T09:00-04:00")
        assert project(ONCE, start, 0, NEW_YORK) == start
        with pytest.raises(ValueError, match="no next one"):
            project(ONCE, start, 1, NEW_YORK)

    def test_it_goes_forward_only(self):
        with pytest.raises(ValueError, match="forward"):
            project(DAILY, at("2026-06-01T09:00-04:00"), -1, NEW_YORK)

    @pytest.mark.parametrize("cadence", [ONCE, DAILY, EVERY_8_HOURS])
    def test_the_anchor_is_a_moment(self, cadence):
        with pytest.raises(ValueError, match="no time zone"):
            project(cadence, datetime.fromisoformat("2026-06-01T09:00"), 0, NEW_YORK)

    @pytest.mark.parametrize("cadence", [DAILY, EVERY_8_HOURS, TWICE_A_DAY])
    def test_the_anchor_may_be_written_in_any_zone(self, cadence):
        in_madrid = at("2027-03-13T09:00-05:00").astimezone(MADRID)
        for steps in range(4):
            assert project(cadence, in_madrid, steps, NEW_YORK) == project(
                cadence, at("2027-03-13T09:00-05:00"), steps, NEW_YORK
            )


class TestWindow:
    @pytest.mark.parametrize(
        ("spread", "due", "start", "end"),
        [
            (
                FIVE_SEVEN_DAYS,
                "2026-11-30T10:00-05:00",
                "2026-11-25T00:00-05:00",
                "2026-12-08T00:00-05:00",
            ),
            (Spread("days", 0, 0), "2027-03-14T10:00-04:00", "2027-03-14T00:00-05:00", "2027-03-15T00:00-04:00"),
            (FIVE_SEVEN_DAYS, "2027-03-10T23:30-05:00", "2027-03-05T00:00-05:00", "2027-03-18T00:00-04:00"),
            (PLUS_MINUS_60, "2026-06-01T09:00-04:00", "2026-06-01T08:00-04:00", "2026-06-01T10:01-04:00"),
            (PLUS_MINUS_60, "2027-03-14T03:30-04:00", "2027-03-14T01:30-05:00", "2027-03-14T04:31-04:00"),
            (Spread("minutes", 0, 0), "2026-06-01T09:00-04:00", "2026-06-01T09:00-04:00", "2026-06-01T09:01-04:00"),
            (
                PLUS_MINUS_60,  # counted from an actual start: 10:01 is more than an hour after 09:00:37
                "2026-06-01T09:00:37-04:00",
                "2026-06-01T08:00:37-04:00",
                "2026-06-01T10:01-04:00",
            ),
        ],
    )
    def test_whole_local_days_or_real_minutes(self, spread, due, start, end):
        around = window(spread, at(due), NEW_YORK)
        assert (around.start, around.end) == (at(start), at(end))

    def test_exactly_an_hour_late_is_inside_and_a_minute_more_is_not(self):
        around = window(PLUS_MINUS_60, at("2026-06-01T09:00-04:00"), NEW_YORK)
        assert around.contains(at("2026-06-01T08:00-04:00"))
        assert around.contains(at("2026-06-01T10:00-04:00"))
        assert not around.contains(at("2026-06-01T07:59-04:00"))
        assert not around.contains(at("2026-06-01T10:01-04:00"))

    def test_days_are_those_of_the_zone(self):
        due = at("2026-09-06T10:00-03:00")
        assert window(Spread("days", 0, 1), due, SANTIAGO).start == at("2026-09-06T01:00-03:00")
        assert window(Spread("days", 0, 1), due, MADRID).start == at("2026-09-06T00:00+02:00")


class TestGap:
    @pytest.mark.parametrize(
        ("dose", "earliest"),
        [
            ("2026-11-30T10:00-05:00", "2027-02-22T00:00-05:00"),
            ("2027-11-30T10:00-05:00", "2028-02-22T00:00-05:00"),
            ("2026-01-31T10:00-05:00", "2026-04-25T00:00-04:00"),
        ],
    )
    def test_day_84_after_a_dose(self, dose, earliest):
        """The table "Eptinezumab dates" of clinical_facts section 5."""
        assert earliest_after(DAY_84, at(dose), NEW_YORK) == at(earliest)

    def test_seven_hours_are_real_hours(self):
        dose = at("2027-03-14T01:00-05:00")
        assert earliest_after(SEVEN_HOURS, dose, NEW_YORK) == at("2027-03-14T09:00-04:00")

    @pytest.mark.parametrize(
        ("gap", "later", "bound"),
        [
            (DAY_84, "2027-02-22T10:00-05:00", "2026-12-01T00:00-05:00"),
            (SEVEN_HOURS, "2026-06-01T16:00-04:00", "2026-06-01T09:01-04:00"),
            (SEVEN_HOURS, "2027-03-14T09:00-04:00", "2027-03-14T01:01-05:00"),
            (SEVEN_HOURS, "2026-06-01T16:00:30-04:00", "2026-06-01T09:01-04:00"),
        ],
    )
    def test_a_later_dose_bounds_the_one_before_it_exclusively(self, gap, later, bound):
        assert latest_before(gap, at(later), NEW_YORK) == at(bound)

    @pytest.mark.parametrize(
        ("gap", "earlier", "later", "kept"),
        [
            (SEVEN_HOURS, "2026-06-01T09:00-04:00", "2026-06-01T16:00-04:00", True),  # equality is allowed
            (SEVEN_HOURS, "2026-06-01T09:00-04:00", "2026-06-01T15:59-04:00", False),
            (SEVEN_HOURS, "2026-06-01T09:00:30-04:00", "2026-06-01T16:00-04:00", False),
            (SEVEN_HOURS, "2027-03-14T01:30-05:00", "2027-03-14T09:00-04:00", False),  # 6 h 30 of real time
            (SEVEN_HOURS, "2026-11-01T01:30-04:00", "2026-11-01T07:30-05:00", True),
            (DAY_84, "2026-11-30T23:00-05:00", "2027-02-22T00:30-05:00", True),  # dates, not hours
            (DAY_84, "2026-11-30T00:30-05:00", "2027-02-21T23:00-05:00", False),
            (DAY_84, "2027-03-15T10:00-04:00", "2027-06-01T10:00-04:00", False),
            (Gap("minutes", 0), "2026-06-01T09:00-04:00", "2026-06-01T09:00-04:00", True),
        ],
    )
    def test_whether_it_is_kept(self, gap, earlier, later, kept):
        assert gap_kept(gap, at(earlier), at(later), NEW_YORK) is kept

    @pytest.mark.parametrize(
        ("counts_in", "earlier", "later", "apart"),
        [
            ("days", "2027-03-15T10:00-04:00", "2027-06-01T10:00-04:00", 78),  # issue 2, "moved to 15 March"
            ("days", "2026-06-01T23:59-04:00", "2026-06-02T00:00-04:00", 1),
            ("days", "2026-06-02T00:00-04:00", "2026-06-01T23:59-04:00", -1),
            ("minutes", "2027-03-14T01:00-05:00", "2027-03-14T09:00-04:00", 420),
            ("minutes", "2026-11-01T01:00-04:00", "2026-11-01T09:00-05:00", 540),
            ("minutes", "2026-06-01T09:00-04:00", "2026-06-01T09:01:59-04:00", 1),
        ],
    )
    def test_how_far_apart(self, counts_in, earlier, later, apart):
        assert distance(counts_in, at(earlier), at(later), NEW_YORK) == apart
