"""Public holidays, on the days on which they are observed."""

from __future__ import annotations

from datetime import date

from scheduler.management.demo.holidays import holidays


def test_a_year_has_its_eleven_holidays() -> None:
    assert holidays(2027, 2027) == {
        date(2027, 1, 1): "New Year’s Day",
        date(2027, 1, 18): "Martin Luther King Jr. Day",
        date(2027, 2, 15): "Washington’s Birthday",
        date(2027, 5, 31): "Memorial Day",
        date(2027, 6, 18): "Juneteenth",
        date(2027, 7, 5): "Independence Day",
        date(2027, 9, 6): "Labor Day",
        date(2027, 10, 11): "Columbus Day",
        date(2027, 11, 11): "Veterans Day",
        date(2027, 11, 25): "Thanksgiving Day",
        date(2027, 12, 24): "Christmas Day",
        date(2027, 12, 31): "New Year’s Day",
    }


def test_a_holiday_on_a_saturday_is_observed_on_friday_and_on_a_sunday_on_monday() -> None:
    days = holidays(2026, 2027)
    assert days[date(2026, 7, 3)] == "Independence Day"
    assert days[date(2027, 7, 5)] == "Independence Day"


def test_new_years_day_on_a_saturday_is_observed_in_the_old_year() -> None:
    assert holidays(2027, 2027)[date(2027, 12, 31)] == "New Year’s Day"
    assert "New Year’s Day" not in holidays(2028, 2028).values()
