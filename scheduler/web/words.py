"""How times, lengths and names are written for staff (GUIDE, "Words"). All moments are given in the center's zone."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from scheduler.queries.words import clock as clock
from scheduler.queries.words import date_only as date_only
from scheduler.queries.words import day as day
from scheduler.queries.words import dose_of as dose_of
from scheduler.queries.words import long_day as long_day
from scheduler.queries.words import moment as moment


def short_day(value: date, now: datetime) -> str:
    """Sat, for a day within six days of now; else Tue 3 Nov."""
    if abs((value - now.date()).days) < 6:
        return formats.date_format(value, "D")
    return formats.date_format(value, "D j M")


def short_label(value: date) -> str:
    """Tue 24."""
    return formats.date_format(value, "D j")


def month_name(value: date) -> str:
    """November 2026."""
    return formats.date_format(value, "F Y")


def length(value: timedelta) -> str:
    """22 min, 2 h, 2 h 07."""
    minutes = max(int(value.total_seconds() // 60), 0)
    if minutes < 60:
        return _("%(minutes)s min") % {"minutes": minutes}
    hours, rest = divmod(minutes, 60)
    if not rest:
        return _("%(hours)s h") % {"hours": hours}
    return _("%(hours)s h %(minutes)02d") % {"hours": hours, "minutes": rest}


def ago(value: datetime, now: datetime) -> str:
    """Today 10:41, Sun 18:02, 29 Aug: as near as it helps. Both in the center's zone."""
    days = (now.date() - value.date()).days
    if days == 0:
        return _("Today %(time)s") % {"time": clock(value)}
    if 0 < days < 7:
        return f"{formats.date_format(value, 'D')} {clock(value)}"
    return formats.date_format(value, "j M" if value.year == now.year else "j M Y")


def age(birth_date: date, today: date) -> int:
    return today.year - birth_date.year - ((today.month, today.day) < (birth_date.month, birth_date.day))


def born(birth_date: date, today: date) -> str:
    """14 Mar 1981 (45)."""
    return f"{formats.date_format(birth_date, 'j M Y')} ({age(birth_date, today)})"


def days(count: int) -> str:
    return ngettext("%(count)s day", "%(count)s days", count) % {"count": count}


def person(user: Any) -> str:
    return str(user.get_full_name() or user.get_username())


def initials(name: str) -> str:
    parts = [part for part in name.replace("@", " ").replace(".", " ").split() if part[:1].isalnum()]
    return "".join(part[0].upper() for part in (parts[:1] + parts[-1:] if len(parts) > 1 else parts))


def low(name: str) -> str:
    """ "Chair 7" within a sentence: chair 7."""
    return name[:1].lower() + name[1:]


def role(code: str) -> str:
    return {
        "front-desk": _("Front desk"),
        "nurse": _("Nurse"),
        "manager": _("Manager"),
        "auditor": _("Auditor"),
        "integration": _("Integration"),
        "wall": _("Wall screen"),
    }.get(code, code)


def scope(code: str) -> str:
    """What a key's scope opens, in a few words."""
    return {
        "read-schedule": _("see the schedule"),
        "read-patients": _("see patients"),
        "read-clinical": _("see clinical detail"),
        "book": _("book and change"),
        "set-up": _("change the set-up"),
        "export": _("export"),
    }.get(code, code)


def near_day(value: date, today: date) -> str:
    """Tue 24 Nov; 24 Feb 2027 in another year, where the weekday helps nobody."""
    return day(value, today) if value.year == today.year else date_only(value, today)


def weekday_names() -> list[str]:
    """Mon to Sun."""
    return [formats.date_format(date(2024, 1, 1 + number), "D") for number in range(7)]
