"""What a nurse can tap next on the floor: the step that follows, and the others that are possible now."""

from __future__ import annotations

from django.utils.translation import gettext as _

from scheduler.models import Appointment
from scheduler.web.door import Desk
from scheduler.web.visit import Button, buttons

OTHERS = ("confirm", "no-show", "cancel", "reopen")


def steps(desk: Desk, appointment: Appointment) -> list[Button]:
    """The next step first. From arrival to discharge an ordinary visit takes seven taps at most."""
    others = [each for each in buttons(desk, appointment) if each.action in OTHERS]
    if not (desk.may("attend") and desk.may("treat")):
        return buttons(desk, appointment)
    return [*_next(appointment), *others]


def _next(appointment: Appointment) -> list[Button]:
    status, phase = appointment.status, appointment.phase
    if status == "booked":
        return [_primary("arrive", _("Arrived"))]
    if status == "arrived":
        return [_primary("check-in", _("Check in"))]
    if status == "fulfilled":
        return [_primary("phase", _("Chair cleaned"), "chair-cleaning")] if phase == "discharged" else []
    if status != "checked-in":
        return []
    if appointment.actual_start is None:
        return _before_treatment(phase)
    if phase == "infusing" and appointment.observation_minutes + appointment.extra_observation_minutes:
        return [_primary("phase", _("Infusion over, observe"), "observing")]
    if phase == "observing":
        return [_primary("complete", _("Discharge")), Button("phase", _("Infuse again"), value="infusing")]
    return [_primary("complete", _("Discharge"))]


def _before_treatment(phase: str) -> list[Button]:
    begin = _primary("start", _("Start treatment"))
    if phase == "pre-medication":
        return [begin]
    if phase == "in-chair":
        return [begin, Button("phase", _("Pre-medication"), value="pre-medication")]
    return [_primary("phase", _("In chair"), "in-chair"), Button("start", _("Start treatment"))]


def _primary(action: str, label: str, value: str = "") -> Button:
    return Button(action, label, value=value, is_primary=True)


def reasons_not_given() -> list[tuple[str, str]]:
    """Why a dose was not given, or only a part of it: one tap each."""
    return [
        ("vomited", _("Vomited")),
        ("line", _("IV line failed")),
        ("reaction", _("Reaction")),
        ("pressure", _("Blood pressure")),
        ("stopped", _("Patient asked to stop")),
        ("ordered", _("Prescriber stopped it")),
    ]
