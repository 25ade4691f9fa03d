from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from scheduler.domain import localtime
from scheduler.domain.intervals import Interval
from tests.domain.clocks import (
    APIA,
    CAIRO,
    HAVANA,
    KATHMANDU,
    LORD_HOWE,
    MADRID,
    NEW_YORK,
    SANTIAGO,
    at,
)


class TestZone:
    @pytest.mark.parametrize(
        "name", ["America/New_York", "UTC", "Asia/Kathmandu", "America/Argentina/Ushuaia", "Etc/GMT+5"]
    )
    def test_any_iana_zone_is_known(self, name):
        assert localtime.zone(name) == ZoneInfo(name)

    @pytest.mark.parametrize(
        "name",
        [
            "",
            " ",
            ".",
            "Atlantis/Capital",
            "america/new_york",
            "America/New_York ",
            "America",
            "America/../UTC",
            "../zoneinfo/UTC",
            "/etc/passwd",
            "/usr/share/zoneinfo/UTC",
            "localtime",
            "posixrules",
            "Factory",
            "posix/UTC",
            "right/UTC",
            "tzdata.zi",
            "zone.tab",
            "UTC\x00",
            "UTC\n",
            "EST5EDT4",
            "+05:00",
            "🕐",
            "x" * 10_000,
            None,
            5,
            ["UTC"],
        ],
    )
    def test_what_is_no_zone_is_refused_by_name(self, name):
        with pytest.raises(localtime.UnknownZone) as refusal:
            localtime.zone(name)
        assert refusal.value.name == name
        assert isinstance(refusal.value, ValueError)


class TestWallTimes:
    @pytest.mark.parametrize(
        ("zone", "wall", "kind", "moment"),
        [
            (NEW_YORK, "2027-03-14T01:59", "plain", "2027-03-14T01:59-05:00"),
            (NEW_YORK, "2027-03-14T02:00", "gap", "2027-03-14T03:00-04:00"),
            (NEW_YORK, "2027-03-14T02:30", "gap", "2027-03-14T03:30-04:00"),
            (NEW_YORK, "2027-03-14T03:00", "plain", "2027-03-14T03:00-04:00"),
            (NEW_YORK, "2026-11-01T00:59", "plain", "2026-11-01T00:59-04:00"),
            (NEW_YORK, "2026-11-01T01:00", "fold", "2026-11-01T01:00-04:00"),
            (NEW_YORK, "2026-11-01T01:59", "fold", "2026-11-01T01:59-04:00"),
            (NEW_YORK, "2026-11-01T02:00", "plain", "2026-11-01T02:00-05:00"),
            (MADRID, "2026-03-29T02:30", "gap", "2026-03-29T03:30+02:00"),
            (MADRID, "2026-10-25T02:30", "fold", "2026-10-25T02:30+02:00"),
            (LORD_HOWE, "2026-10-04T02:15", "gap", "2026-10-04T02:45+11:00"),  # half an hour
            (LORD_HOWE, "2026-10-04T02:30", "plain", "2026-10-04T02:30+11:00"),
            (LORD_HOWE, "2026-04-05T01:45", "fold", "2026-04-05T01:45+11:00"),
            (KATHMANDU, "2026-06-01T09:00", "plain", "2026-06-01T03:15+00:00"),
            (SANTIAGO, "2026-09-06T00:00", "gap", "2026-09-06T01:00-03:00"),
            (SANTIAGO, "2026-04-04T23:30", "fold", "2026-04-04T23:30-03:00"),
            (APIA, "2011-12-30T10:00", "gap", "2011-12-31T10:00+14:00"),  # the day that wasn't
            (CAIRO, "2026-04-24T00:30", "gap", "2026-04-24T01:30+03:00"),
            (CAIRO, "2026-10-29T23:30", "fold", "2026-10-29T23:30+03:00"),
            (HAVANA, "2026-11-01T00:00", "fold", "2026-11-01T00:00-04:00"),
        ],
    )
    def test_a_gap_is_read_with_the_offset_before_it_and_a_fold_is_its_first_occurrence(self, zone, wall, kind, moment):
        naive = datetime.fromisoformat(wall)
        assert localtime.kind_of_wall(naive, zone) == kind
        assert localtime.to_utc(naive, zone) == at(moment)
        assert localtime.to_utc(naive, zone).tzinfo is UTC

    def test_the_fold_mark_of_a_wall_time_is_not_looked_at(self):
        marked = datetime.fromisoformat("2026-11-01T01:30").replace(fold=1)
        assert localtime.to_utc(marked, NEW_YORK) == at("2026-11-01T01:30-04:00")
        assert localtime.kind_of_wall(marked, NEW_YORK) == "fold"

    def test_both_occurrences_look_alike_on_the_wall(self):
        for moment in ("2026-11-01T01:30-04:00", "2026-11-01T01:30-05:00"):
            wall = localtime.to_wall(at(moment), NEW_YORK)
            assert wall == datetime.fromisoformat("2026-11-01T01:30")
            assert (wall.tzinfo, wall.fold) == (None, 0)

    def test_a_moment_is_no_wall_time_and_a_wall_time_no_moment(self):
        with pytest.raises(ValueError, match="not a wall time"):
            localtime.to_utc(at("2026-06-01T09:00Z"), NEW_YORK)
        with pytest.raises(ValueError, match="not a wall time"):
            localtime.kind_of_wall(at("2026-06-01T09:00Z"), NEW_YORK)
        with pytest.raises(ValueError, match="no time zone"):
            localtime.to_wall(datetime.fromisoformat("2026-06-01T09:00"), NEW_YORK)
        with pytest.raises(ValueError, match="no time zone"):
            localtime.local_date(datetime.fromisoformat("2026-06-01T09:00"), NEW_YORK)
        with pytest.raises(ValueError, match="no time zone"):
            localtime.add_elapsed(datetime.fromisoformat("2026-06-01T09:00"), 60)

    @pytest.mark.parametrize(
        ("zone", "there"),
        [(NEW_YORK, date(2026, 6, 1)), (MADRID, date(2026, 6, 2)), (KATHMANDU, date(2026, 6, 2))],
    )
    def test_the_date_is_the_one_on_the_wall(self, zone, there):
        assert localtime.local_date(at("2026-06-02T00:30Z"), zone) == there


class TestElapsedTime:
    def test_eight_hours_are_eight_hours_in_spring_and_autumn(self):
        before_spring = datetime(2027, 3, 14, 1, tzinfo=NEW_YORK)
        before_autumn = datetime(2026, 11, 1, 1, tzinfo=NEW_YORK)
        assert localtime.add_elapsed(before_spring, 480) == at("2027-03-14T10:00-04:00")
        assert localtime.add_elapsed(before_autumn, 480) == at("2026-11-01T08:00-05:00")

    def test_the_result_is_in_utc_and_may_lie_before(self):
        moment = localtime.add_elapsed(datetime(2026, 6, 1, 9, tzinfo=NEW_YORK), -35)
        assert (moment, moment.tzinfo) == (at("2026-06-01T08:25-04:00"), UTC)


class TestDay:
    @pytest.mark.parametrize(
        ("zone", "on", "start", "minutes"),
        [
            (NEW_YORK, date(2026, 6, 1), "2026-06-01T00:00-04:00", 24 * 60),
            (NEW_YORK, date(2027, 3, 14), "2027-03-14T00:00-05:00", 23 * 60),
            (NEW_YORK, date(2026, 11, 1), "2026-11-01T00:00-04:00", 25 * 60),
            (NEW_YORK, date(2028, 2, 29), "2028-02-29T00:00-05:00", 24 * 60),
            (MADRID, date(2026, 3, 29), "2026-03-29T00:00+01:00", 23 * 60),
            (MADRID, date(2026, 10, 25), "2026-10-25T00:00+02:00", 25 * 60),
            (LORD_HOWE, date(2026, 10, 4), "2026-10-04T00:00+10:30", 23 * 60 + 30),
            (LORD_HOWE, date(2026, 4, 5), "2026-04-05T00:00+11:00", 24 * 60 + 30),
            (KATHMANDU, date(2026, 6, 1), "2026-05-31T18:15+00:00", 24 * 60),
            (SANTIAGO, date(2026, 9, 6), "2026-09-06T01:00-03:00", 23 * 60),  # no midnight
            (SANTIAGO, date(2026, 4, 4), "2026-04-04T00:00-03:00", 25 * 60),  # 23:00 twice
            (CAIRO, date(2026, 4, 24), "2026-04-24T01:00+03:00", 23 * 60),
            (CAIRO, date(2026, 10, 29), "2026-10-29T00:00+03:00", 25 * 60),
            (ZoneInfo("Asia/Beirut"), date(2026, 3, 29), "2026-03-29T01:00+03:00", 23 * 60),
            (HAVANA, date(2026, 11, 1), "2026-11-01T00:00-04:00", 25 * 60),  # midnight twice
            (APIA, date(2011, 12, 29), "2011-12-29T00:00-10:00", 24 * 60),
            (APIA, date(2011, 12, 31), "2011-12-31T00:00+14:00", 24 * 60),
        ],
    )
    def test_a_day_goes_from_its_midnight_to_the_next(self, zone, on, start, minutes):
        day = localtime.day(on, zone)
        assert (day.start, day.minutes) == (at(start), minutes)

    @pytest.mark.parametrize("zone", [NEW_YORK, LORD_HOWE, SANTIAGO, CAIRO, HAVANA])
    def test_the_days_of_a_year_leave_no_hole_and_share_no_time(self, zone):
        days = [localtime.day(date(2026, 1, 1) + timedelta(days=n), zone) for n in range(366)]
        assert all(one.end == next_.start for one, next_ in pairwise(days))

    def test_a_day_that_the_place_skipped_is_no_day(self):
        with pytest.raises(ValueError, match="ends after its start"):
            localtime.day(date(2011, 12, 30), APIA)
        assert localtime.day(date(2011, 12, 29), APIA).end == localtime.day(date(2011, 12, 31), APIA).start


class TestAt:
    @pytest.mark.parametrize(
        ("zone", "on", "minute", "moment"),
        [
            (NEW_YORK, date(2026, 6, 1), 0, "2026-06-01T00:00-04:00"),
            (NEW_YORK, date(2026, 6, 1), 1440, "2026-06-02T00:00-04:00"),
            (NEW_YORK, date(2027, 3, 14), 600, "2027-03-14T10:00-04:00"),  # the clock, not 10 real hours
            (NEW_YORK, date(2027, 3, 14), 150, "2027-03-14T03:30-04:00"),
            (NEW_YORK, date(2026, 11, 1), 90, "2026-11-01T01:30-04:00"),
            (NEW_YORK, date(2026, 11, 1), 600, "2026-11-01T10:00-05:00"),
            (SANTIAGO, date(2026, 9, 6), 0, "2026-09-06T01:00-03:00"),
            (SANTIAGO, date(2026, 9, 5), 1440, "2026-09-06T01:00-03:00"),
            (KATHMANDU, date(2026, 6, 1), 540, "2026-06-01T03:15+00:00"),
        ],
    )
    def test_it_is_the_minute_on_the_wall(self, zone, on, minute, moment):
        assert localtime.at(on, minute, zone) == at(moment)

    @pytest.mark.parametrize("minute", [-1, 1441])
    def test_a_day_has_no_other_minutes(self, minute):
        with pytest.raises(ValueError, match="0 to 1440"):
            localtime.at(date(2026, 6, 1), minute, NEW_YORK)


class TestDatesTouched:
    @pytest.mark.parametrize(
        ("zone", "start", "end", "touched"),
        [
            (NEW_YORK, "2026-06-01T09:00-04:00", "2026-06-01T10:00-04:00", ["2026-06-01"]),
            (NEW_YORK, "2026-06-01T23:00-04:00", "2026-06-02T00:00-04:00", ["2026-06-01"]),
            (NEW_YORK, "2026-06-01T23:00-04:00", "2026-06-02T00:01-04:00", ["2026-06-01", "2026-06-02"]),
            (NEW_YORK, "2026-06-02T00:00-04:00", "2026-06-02T00:01-04:00", ["2026-06-02"]),
            (NEW_YORK, "2026-06-02T00:00Z", "2026-06-02T01:00Z", ["2026-06-01"]),
            (SANTIAGO, "2026-09-05T23:00-04:00", "2026-09-06T01:00-03:00", ["2026-09-05"]),
            (SANTIAGO, "2026-04-04T23:30-03:00", "2026-04-04T23:45-04:00", ["2026-04-04"]),
            (APIA, "2011-12-29T12:00-10:00", "2011-12-31T12:00+14:00", ["2011-12-29", "2011-12-31"]),
        ],
    )
    def test_each_local_date_with_some_of_its_time(self, zone, start, end, touched):
        interval = Interval(at(start), at(end))
        assert [on.isoformat() for on in localtime.dates_touched(interval, zone)] == touched

    def test_three_days_of_doses_touch_four_dates(self):
        """clinical_facts section 5: from 1 June 09:00 the ninth dose starts on 4 June at 01:00."""
        stay = Interval(at("2026-06-01T08:00-04:00"), at("2026-06-04T02:30-04:00"))
        assert localtime.dates_touched(stay, NEW_YORK) == [date(2026, 6, day) for day in (1, 2, 3, 4)]

    def test_a_fold_that_goes_back_to_the_day_before_touches_both(self):
        """St. John's set its clocks back at 00:01 until 2011."""
        back = Interval(at("2008-11-02T00:00:30-02:30"), at("2008-11-01T23:30-03:30"))
        assert localtime.dates_touched(back, ZoneInfo("America/St_Johns")) == [
            date(2008, 11, 1),
            date(2008, 11, 2),
        ]


class TestQuarterHours:
    @pytest.mark.parametrize(
        ("start", "end", "first", "count"),
        [
            ("2026-06-01T09:00-04:00", "2026-06-01T10:00-04:00", "2026-06-01T09:00-04:00", 4),
            ("2026-06-01T09:14-04:00", "2026-06-01T09:16-04:00", "2026-06-01T09:00-04:00", 2),
            ("2026-06-01T09:15-04:00", "2026-06-01T09:16-04:00", "2026-06-01T09:15-04:00", 1),
            ("2026-06-01T09:59:59-04:00", "2026-06-01T10:00-04:00", "2026-06-01T09:45-04:00", 1),
            ("2027-03-14T01:30-05:00", "2027-03-14T03:30-04:00", "2027-03-14T01:30-05:00", 4),
            ("2026-11-01T01:30-04:00", "2026-11-01T02:00-05:00", "2026-11-01T01:30-04:00", 6),
        ],
    )
    def test_every_real_quarter_that_it_touches(self, start, end, first, count):
        quarters = localtime.quarter_hours(Interval(at(start), at(end)))
        assert quarters == [at(first) + timedelta(minutes=15) * n for n in range(count)]
