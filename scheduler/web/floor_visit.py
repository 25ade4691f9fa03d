"""One visit large on the nurses' floor: who, what, how far, and what is to decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from scheduler.models import Appointment, Course, Dose, Reaction, Registration
from scheduler.queries import flags, overruns, unsettled
from scheduler.queries.checklist import Checklist
from scheduler.queries.overruns import Overrun
from scheduler.queries.words import dose_words
from scheduler.web import words
from scheduler.web.door import Desk
from scheduler.web.flag_words import reaction_words
from scheduler.web.floor_extra import overrun, own_reactions, proposal, times
from scheduler.web.floor_steps import reasons_not_given, steps
from scheduler.web.glyphs import glyph
from scheduler.web.states import state_of


@dataclass(frozen=True, slots=True)
class Around:
    """What a day's visits have to do with others, read once for all of them, by appointment id: courses whose later
    bookings no longer fit, chairs that somebody else needs, reactions at the visit before."""

    unsettled: set[int]
    overruns: dict[int, Overrun]
    flags: dict[int, Reaction]
    is_clinical: bool

    @classmethod
    def of(cls, visits: Sequence[Appointment], desk: Desk) -> Around:
        return cls(
            unsettled=unsettled.courses(visits, desk.center.zone),
            overruns={each.appointment.pk: each for each in overruns.of(visits, desk.now)},
            flags=flags.reactions_before(visits),
            is_clinical=desk.may("view-clinical"),
        )

    def note(self, appointment: Appointment) -> str:
        """In the list: the loudest thing that is to decide or to know."""
        if appointment.pk in self.overruns:
            return _("next person waits for this chair")
        if (
            appointment.visit is not None
            and appointment.visit.course_id in self.unsettled
            and (appointment.actual_start is not None)
        ):
            return _("later doses to decide")
        if appointment.pk not in self.flags:
            return ""
        return _("reaction last time") if self.is_clinical else _("see nurse")


def card(desk: Desk, appointment: Appointment, asked: Checklist | None, around: Around, trouble: Any) -> dict[str, Any]:
    """The whole card. `trouble` is what a rule said about it, with the ways that would work."""
    zone, patient = desk.center.zone, appointment.patient
    assert patient is not None  # holds are not on the floor
    state = state_of(appointment, desk.now, zone)
    mrn = Registration.objects.filter(patient=patient, center=desk.center).values_list("mrn", flat=True).first()
    next_steps = steps(desk, appointment)
    course = appointment.visit.course if appointment.visit is not None else None
    primary = next((each for each in next_steps if each.is_primary), None)
    found: dict[str, Any] = {
        "appointment": appointment,
        "patient": patient,
        "person": f"{words.born(patient.birth_date, desk.today)}, MRN {mrn or ''}, {appointment.chair.name}",
        "state": state,
        "glyph": glyph(state.glyph),
        "dose": dose_words(appointment),
        "components": _components(desk, appointment),
        "steps": _steps(appointment, zone),
        "primary": primary,
        "others": [each for each in next_steps if each is not primary],
        "trouble": trouble,
        "driver": appointment.protocol is not None and appointment.protocol.needs_driver,
        "checklist": asked if asked is not None and asked.questions else None,
        "last_dose": _last_dose(desk, appointment),
        "next_due": _next_due(desk, course, appointment) if course is not None else "",
        "flag": reaction_words(desk, around.flags.get(appointment.pk)),
        "reactions": own_reactions(desk, appointment),
        "kinds": Reaction.Kind.choices[:-1] if desk.may("view-clinical") and desk.may("treat") else [],
        "proposal": proposal(desk, course) if course is not None and course.pk in around.unsettled else None,
        "overrun": overrun(desk, around.overruns.get(appointment.pk)),
        "times": times(desk, appointment) if desk.may("treat") else [],
        "reasons": reasons_not_given(),
        "outcomes": _outcomes(appointment) if desk.may("treat") else [],
        "missing": _missing(asked) if asked is not None and appointment.actual_start is None else "",
    }
    return found


def _missing(asked: Checklist) -> str:
    """What the main action still lacks."""
    parts = []
    if asked.unanswered:
        parts.append(_("%(count)s answers") % {"count": asked.unanswered})
    if asked.held:
        parts.append(_("a decision") if asked.held == 1 else _("%(count)s decisions") % {"count": asked.held})
    return _("%(what)s left") % {"what": _(" and ").join(parts)} if parts else ""


def _next_due(desk: Desk, course: Course, appointment: Appointment) -> str:
    """When the next dose of the course is due, as what happened has it."""
    assert appointment.visit is not None  # it has a course
    due = (
        course.visits.filter(ordinal__gt=appointment.visit.ordinal, state__in=["unplaced", "booked"])
        .order_by("ordinal")
        .values_list("due", flat=True)
        .first()
    )
    return words.moment(due.astimezone(desk.center.zone), desk.today) if due is not None else ""


def _outcomes(appointment: Appointment) -> list[tuple[str, str]]:
    """Not given, or only partly: as long as it is not over."""
    if appointment.status != "checked-in":
        return []
    found = [("not-given", _("Not given"))]
    return [("partial", _("Partly given")), *found] if appointment.actual_start is not None else found


def _components(desk: Desk, appointment: Appointment) -> list[tuple[str, str]]:
    """In order with minutes; clinical detail is for those who may see it."""
    if appointment.protocol is None or not desk.may("view-clinical"):
        return []
    return [
        (f"{each.name} {each.dose}".strip(), f"{each.minutes} min") for each in appointment.protocol.spec().components
    ]


def _last_dose(desk: Desk, appointment: Appointment) -> str:
    """When the substance was given last, and not before when it may be given again."""
    protocol = appointment.protocol
    if protocol is None or not protocol.substance or not desk.may("view-clinical"):
        return ""
    given = (
        Dose.objects.filter(patient=appointment.patient_id, substance=protocol.substance, given_at__lte=desk.now)
        .exclude(appointment=appointment)
        .exclude(status=Dose.Status.NOT_GIVEN)
        .order_by("-given_at")
        .values_list("given_at", flat=True)
        .first()
    )
    return words.moment(given.astimezone(desk.center.zone), desk.today) if given is not None else ""


def _steps(appointment: Appointment, zone: Any) -> list[dict[str, Any]]:
    """Arrived to out, with the times of those that are over and how long the present one has lasted."""
    order = ["arrived", "checked", "in-chair", "pre-medication", "infusing", "observing", "out"]
    names = {
        "arrived": _("Arrived"),
        "checked": _("Checklist"),
        "in-chair": _("In chair"),
        "pre-medication": _("Pre-med"),
        "infusing": _("Infusing"),
        "observing": _("Observing"),
        "out": _("Out"),
    }
    times = {
        "arrived": appointment.arrived_at,
        "checked": appointment.checked_in_at,
        "in-chair": appointment.in_chair_at,
        "pre-medication": appointment.premedication_at,
        "infusing": appointment.actual_start,
        "observing": appointment.actual_end,
        "out": (appointment.discharged_at or appointment.actual_end) if appointment.status == "fulfilled" else None,
    }
    at = _present(appointment)
    present = order.index(at) if at else -1
    found = []
    for number, step in enumerate(order):
        moment = times.get(step)
        label = words.clock(moment.astimezone(zone)) if moment is not None and number <= present else ""
        found.append({"name": names[step], "time": label, "is_past": number < present, "is_present": number == present})
    return found


def _present(appointment: Appointment) -> str:
    if appointment.status == "fulfilled":
        return "out"
    if appointment.phase in ("in-chair", "pre-medication", "infusing", "observing"):
        return appointment.phase
    if appointment.status == "checked-in":
        return "checked"
    return "arrived" if appointment.status == "arrived" else ""
