"""The public holidays of the United States, on the days on which they are observed."""

from __future__ import annotations

from datetime import date, timedelta

from dateutil.relativedelta import FR, MO, SA, SU, TH, relativedelta

# 5 U.S.C. 6103; each is applied to 1 January of the year.
RULES: dict[str, relativedelta] = {
    "New Year’s Day": relativedelta(month=1, day=1),
    "Martin Luther King Jr. Day": relativedelta(month=1, day=1, weekday=MO(3)),
    "Washington’s Birthday": relativedelta(month=2, day=1, weekday=MO(3)),
    "Memorial Day": relativedelta(month=5, day=31, weekday=MO(-1)),
    "Juneteenth": relativedelta(month=6, day=19),
    "Independence Day": relativedelta(month=7, day=4),
    "Labor Day": relativedelta(month=9, day=1, weekday=MO(1)),
    "Columbus Day": relativedelta(month=10, day=1, weekday=MO(2)),
    "Veterans Day": relativedelta(month=11, day=11),
    "Thanksgiving Day": relativedelta(month=11, day=1, weekday=TH(4)),
    "Christmas Day": relativedelta(month=12, day=25),
}


def holidays(first_year: int, last_year: int) -> dict[date, str]:
    """Observed day -> name, over whole calendar years, both included.

    On a Saturday a holiday is observed on the Friday before, on a Sunday on the Monday after; so New Year's Day
    can lie in the year before its own.
    """
    observed = {
        _observed(date(year, 1, 1) + rule): name
        for year in range(first_year, last_year + 2)
        for name, rule in RULES.items()
    }
    return {day: name for day, name in sorted(observed.items()) if first_year <= day.year <= last_year}


def _observed(day: date) -> date:
    if day.weekday() == SA.weekday:
        return day + relativedelta(weekday=FR(-1))
    if day.weekday() == SU.weekday:
        return day + timedelta(days=1)
    return day
