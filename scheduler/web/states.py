"""How a visit's state looks: a glyph, a word and a colour (GUIDE, "States"). The loudest wins: late, then undecided,
then phase, then status."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from scheduler.domain.lifecycle import LATE_AFTER
from scheduler.models import Appointment
from scheduler.web import words


@dataclass(frozen=True, slots=True)
class State:
    """`word` stands on the block instead of the protocol's name where it is not empty; `name` always says the state.

    `css` is one of the state classes of app.css, with more classes behind it where the shape differs.
    """

    css: str
    glyph: str
    name: str
    word: str = ""

    @property
    def is_late(self) -> bool:
        return self.css.startswith("is-late")

    @property
    def is_over(self) -> bool:
        return self.css.startswith("is-done")

    @property
    def is_here(self) -> bool:
        return self.css in ("is-here", "is-treat", "is-observe") or self.name.endswith(_("over"))


def state_of(appointment: Appointment, now: datetime, zone: ZoneInfo) -> State:
    """`now` aware; times in words are in `zone`."""
    status = appointment.status
    if status == "pending":
        return _held(appointment, now)
    if status == "noshow":
        return State("is-done is-gone", "away", _("Did not come"))
    if status in ("cancelled", "entered-in-error"):
        name = _("Cancelled") if status == "cancelled" else _("Entered in error")
        return State("is-done is-gone", "x", name)
    if status == "booked":
        return _expected(appointment, now)
    return _in_the_house(appointment, now, zone)


def _held(appointment: Appointment, now: datetime) -> State:
    seconds = max(int((appointment.hold_expires_at - now).total_seconds()), 0) if appointment.hold_expires_at else 0
    left = f"{seconds // 60}:{seconds % 60:02}"
    return State("is-ask is-hold", "hold", _("Held %(left)s") % {"left": left})


def expected_at(appointment: Appointment) -> datetime:
    """When she should be at the door: preparation takes her time too. Between the doses of a stay she is here."""
    if appointment.protocol is not None and appointment.protocol.keeps_chair and _follows(appointment):
        return appointment.start
    return appointment.expected_at


def _follows(appointment: Appointment) -> bool:
    return appointment.visit is not None and appointment.visit.ordinal > 1


def _expected(appointment: Appointment, now: datetime) -> State:
    late = now - expected_at(appointment)
    if late >= LATE_AFTER and appointment.actual_start is None:
        say = _("%(time)s late") % {"time": words.length(late)}
        return State("is-late", "late", say, word=say)
    if appointment.confirmed_at is not None:
        return State("is-plan", "ok", _("Confirmed"))
    return State("is-plan", "open", _("Booked"))


def _in_the_house(appointment: Appointment, now: datetime, zone: ZoneInfo) -> State:
    phase = appointment.phase
    if phase == "chair-cleaning":
        return State("is-done", "clean", _("Chair cleaning"), word=_("Chair cleaning"))
    if phase == "observing":
        return _observing(appointment, now, zone)
    if appointment.status == "fulfilled" or phase == "discharged":
        return State("is-done", "done", _outcome(appointment))
    if phase == "infusing":
        return _infusing(appointment, now)
    if phase in ("in-chair", "pre-medication"):
        name = _("In chair") if phase == "in-chair" else _("Pre-medication")
        return State("is-treat", "half", name, word=name)
    if appointment.status == "checked-in":
        return State("is-here", "checked", _("Checked in"), word=_("Checked in"))
    since = appointment.arrived_at or now
    say = _("Waiting %(time)s") % {"time": words.length(now - since)}
    return State("is-here", "here", say, word=say)


def _outcome(appointment: Appointment) -> str:
    if appointment.outcome == "partial":
        return _("Partly given")
    if appointment.outcome == "not-given":
        return _("Not given")
    return _("Given")


def _infusing(appointment: Appointment, now: datetime) -> State:
    begun = appointment.actual_start or appointment.start
    left = begun + (appointment.end - appointment.start) - now
    if left < timedelta(0):
        say = _("%(time)s over") % {"time": words.length(-left)}
        return State("is-late", "late", _("Infusing, %(say)s") % {"say": say}, word=say)
    say = _("%(time)s left") % {"time": words.length(left)}
    return State("is-treat", "drop", _("Infusing, %(say)s") % {"say": say}, word=say)


def _observing(appointment: Appointment, now: datetime, zone: ZoneInfo) -> State:
    ended = appointment.actual_end or appointment.end
    out = ended + timedelta(minutes=appointment.observation_minutes + appointment.extra_observation_minutes)
    say = _("out %(time)s") % {"time": words.clock(out.astimezone(zone))}
    if now - out >= LATE_AFTER:
        over = _("%(time)s over") % {"time": words.length(now - out)}
        return State("is-late", "late", _("Observing, %(say)s") % {"say": over}, word=over)
    return State("is-observe", "eye", _("Observing, %(say)s") % {"say": say}, word=say)
