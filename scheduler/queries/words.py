"""How days, times and doses are written on whatever leaves the floors below the doors: pages and papers alike (GUIDE,
"Words"). All moments are given in the center's zone."""

from __future__ import annotations

from datetime import date, datetime

from django.utils import formats
from django.utils.translation import gettext as _

from scheduler.models import Appointment


def day(value: date, today: date | None = None) -> str:
    """Tue 24 Nov; with the year where it is not this one (or `today` is not given)."""
    with_year = today is None or value.year != today.year
    return formats.date_format(value, "D j M Y" if with_year else "D j M")


def long_day(value: date) -> str:
    """Tuesday 24 November 2026."""
    return formats.date_format(value, "l j F Y")


def clock(moment: datetime) -> str:
    """13:40, on the 24-hour clock; the second 01:00 of an autumn night is told apart."""
    again = moment.fold and moment.replace(fold=0).utcoffset() != moment.utcoffset()
    text = f"{moment:%H:%M}"
    return _("%(time)s again") % {"time": text} if again else text


def moment(value: datetime, today: date | None = None) -> str:
    """Tue 24 Nov, 13:40."""
    return f"{day(value.date(), today)}, {clock(value)}"


def dose_of(ordinal: int | None, doses: int | None) -> str:
    """3 of 4; the first of an open-ended course is "first", later ones "no. 5". A single visit has no number."""
    if ordinal is None or doses == 1:
        return ""
    if doses:
        return _("%(number)s of %(all)s") % {"number": ordinal, "all": doses}
    return _("first") if ordinal == 1 else _("no. %(number)s") % {"number": ordinal}


def date_only(value: date, today: date) -> str:
    """22 May; with the year where it is not this one."""
    return formats.date_format(value, "j M" if value.year == today.year else "j M Y")


def dose_words(appointment: Appointment) -> str:
    """DHE 4 of 9; Eptinezumab quarterly, first."""
    name = appointment.protocol.short_name if appointment.protocol is not None else _("Visit")
    if appointment.visit is None or appointment.visit.course.doses == 1:
        return name
    dose = dose_of(appointment.visit.ordinal, appointment.visit.course.doses)
    return f"{name}, {dose}" if appointment.visit.ordinal == 1 else f"{name} {dose}"
