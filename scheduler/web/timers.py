"""Minutes since and minutes left on the floor's cards. The page renders them; floor.js goes on counting between two
answers of the service, and right after the tablet has slept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from scheduler.models import Appointment
from scheduler.queries.overruns import observed_until
from scheduler.web import words
from scheduler.web.states import expected_at


@dataclass(frozen=True, slots=True)
class Timer:
    """`figure` and what it counts (`under`). `runs` is down, up or nothing; `at` is the moment it counts to or from, in
    seconds since 1970; `after` is what stands under it once a count down has passed its moment."""

    figure: str
    under: str
    runs: str = ""
    at: int = 0
    after: str = ""
    is_over: bool = False


def timer_of(appointment: Appointment, now: datetime, zone: ZoneInfo) -> Timer:
    """Down to what comes or runs out, up from what waits or is over its time."""
    if appointment.status == "booked":
        at = words.clock(expected_at(appointment).astimezone(zone))
        return _down(expected_at(appointment), now, _("to go"), _("late, since %(time)s") % {"time": at})
    if appointment.status in ("fulfilled", "noshow"):
        ended = appointment.discharged_at or appointment.actual_end or appointment.end
        return Timer(words.clock(ended.astimezone(zone)), _("ended"))
    if appointment.phase in ("infusing", "observing"):
        until = observed_until(appointment)
        if appointment.phase == "infusing":
            until = (appointment.actual_start or appointment.start) + (appointment.end - appointment.start)
        at = words.clock(until.astimezone(zone))
        return _down(until, now, _("left"), _("over, since %(time)s") % {"time": at})
    since = appointment.phase_at or appointment.arrived_at or now
    under = _("since %(time)s") % {"time": words.clock(since.astimezone(zone))}
    return Timer(words.length(now - since), under, "up", int(since.timestamp()))


def _down(until: datetime, now: datetime, under: str, after: str) -> Timer:
    if now < until:
        return Timer(words.length(until - now), under, "down", int(until.timestamp()), after)
    return Timer(f"+{words.length(now - until)}", after, "down", int(until.timestamp()), after, is_over=True)
