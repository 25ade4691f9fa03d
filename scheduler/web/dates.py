"""Dates in addresses and in forms."""

from __future__ import annotations

from datetime import date, datetime

from django.utils.dateparse import parse_datetime

from scheduler.domain.errors import gettext_noop

NO_BIRTH_DATE = gettext_noop("There is no such date. Day first, then month, then the whole year: 31 3 1980.")


class DateConverter:
    """2026-11-24 in a path; anything that is no date is no such page."""

    regex = r"\d{4}-\d{2}-\d{2}"

    def to_python(self, value: str) -> date:
        return date.fromisoformat(value)

    def to_url(self, value: date) -> str:
        return value.isoformat()


def read_date(text: str | None) -> date | None:
    """What a date field sends; None where it is empty or no date."""
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None


def read_minute(text: str | None) -> int | None:
    """The minute of the day that a time field sends, such as 10:00; None where it is empty or no time."""
    parts = (text or "").split(":")
    if len(parts) not in (2, 3) or not all(part.isascii() and part.isdigit() for part in parts):
        return None
    hour, minute = int(parts[0]), int(parts[1])
    return hour * 60 + minute if hour < 24 and minute < 60 else None


def read_moment(text: str | None) -> datetime | None:
    """An aware moment such as 2026-11-24T13:00-05:00; None for anything else."""
    try:
        moment = parse_datetime(text or "")
    except ValueError:
        return None
    return moment if moment is not None and moment.utcoffset() is not None else None
