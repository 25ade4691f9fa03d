"""The open visit beside the board: when and where, what, what happened, and the next step."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from scheduler.models import Appointment, Course, Registration
from scheduler.queries import flags
from scheduler.queries.day import shown_time
from scheduler.services import record
from scheduler.web import history, words
from scheduler.web.door import Desk
from scheduler.web.flag_words import reaction_words
from scheduler.web.glyphs import glyph
from scheduler.web.lanes import parts_of, treatment
from scheduler.web.states import state_of

REASONS_TO_CANCEL = ("patient", "ill", "prescriber", "drug", "nurses", "chair", "other")
WIDTH = 290


@dataclass(frozen=True, slots=True)
class Button:
    """One step: what it asks the service for, and what the visit's page calls it."""

    action: str
    label: str
    key: str = ""
    value: str = ""
    is_primary: bool = False
    asks: str = ""
    is_move: bool = False
    is_swap: bool = False
    is_wait: bool = False


def panel(desk: Desk, appointment: Appointment, *, trouble: Any = None) -> dict[str, Any]:
    """`ask` is the question that is open, from the address: cancel, no-show or complete."""
    zone = desk.center.zone
    patient = appointment.patient
    today = desk.today
    state = state_of(appointment, desk.now, zone)
    found: dict[str, Any] = {
        "appointment": appointment,
        "patient": patient,
        "state": state,
        "glyph": glyph(state.glyph),
        "start": words.clock(appointment.start.astimezone(zone)),
        "end": words.clock(appointment.end.astimezone(zone)),
        "day": words.day(appointment.start.astimezone(zone).date(), today),
        "where": _where(appointment, zone),
        "parts": _parts(appointment, zone),
        "what": treatment(appointment)[0],
        "facts": _facts(desk, appointment),
        "order": _order(appointment.visit.course, today) if appointment.visit is not None else [],
        "course": appointment.visit.course if appointment.visit is not None else None,
        "log": history.of_appointment(appointment, desk.now.astimezone(zone)),
        "buttons": buttons(desk, appointment),
        "ask": trouble.ask if trouble is not None else desk.request.GET.get("ask", ""),
        "reasons": reasons_to_cancel(),
        "trouble": trouble,
    }
    if patient is not None and desk.may("view-patients"):
        record.access(actor=desk.actor, patient=patient, what="visit", now=desk.now)
        mrn = Registration.objects.filter(patient=patient, center=desk.center).values_list("mrn", flat=True).first()
        found["person"] = _("%(born)s, MRN %(mrn)s") % {"born": words.born(patient.birth_date, today), "mrn": mrn or ""}
    return found


def reasons_to_cancel() -> list[tuple[str, str]]:
    said = {
        "patient": _("Patient asked"),
        "ill": _("Patient is ill"),
        "prescriber": _("Prescriber asked"),
        "drug": _("Drug is not here"),
        "nurses": _("Nurse short"),
        "chair": _("Chair out of service"),
        "other": _("Another reason"),
    }
    return [(code, said[code]) for code in REASONS_TO_CANCEL]


def _where(appointment: Appointment, zone: Any) -> str:
    arrive = appointment.start - timedelta(minutes=appointment.prep_minutes)
    out = appointment.end + timedelta(minutes=appointment.observation_minutes)
    return _("%(chair)s, %(unit)s. Arrive %(arrive)s, out by %(out)s.") % {
        "chair": appointment.chair.name,
        "unit": appointment.unit.name,
        "arrive": words.clock(arrive.astimezone(zone)),
        "out": words.clock(out.astimezone(zone)),
    }


@dataclass(frozen=True, slots=True)
class Stretch:
    css: str
    x: str
    width: str
    label: str


def _parts(appointment: Appointment, zone: Any) -> dict[str, Any]:
    """The visit as four stretches in a box of WIDTH by 24, and the same in words."""
    whole = shown_time(appointment)
    scale = (WIDTH - 1) / max((whole.end - whole.start).total_seconds(), 60)
    names = (_("preparation"), _("treatment"), _("observation"), _("cleaning"))
    stretches, said, last_label = [], [], -100.0
    for css, name, part in zip(("l-open", "l-treat", "l-window", "l-done"), names, parts_of(appointment), strict=True):
        if part.end <= part.start:
            continue
        x = 0.5 + (part.start - whole.start).total_seconds() * scale
        time = words.clock(part.start.astimezone(zone))
        label = time if x - last_label > 36 and x < WIDTH - 70 else ""
        last_label = x if label else last_label
        stretches.append(Stretch(css, f"{x:.1f}", f"{(part.end - part.start).total_seconds() * scale:.1f}", label))
        said.append(f"{time} {name}")
    return {
        "stretches": stretches,
        "end": words.clock(whole.end.astimezone(zone)),
        "say": ", ".join(said),
    }


def _facts(desk: Desk, appointment: Appointment) -> list[tuple[str, SafeString | str]]:
    """Clinical detail only for those who treat."""
    facts: list[tuple[str, SafeString | str]] = []
    protocol = appointment.protocol
    if appointment.actual_start is not None:
        began = words.clock(appointment.actual_start.astimezone(desk.center.zone))
        facts.append((_("Started"), began))
    if appointment.actual_end is not None:
        facts.append((_("Ended"), words.clock(appointment.actual_end.astimezone(desk.center.zone))))
    if protocol is not None and desk.may("view-clinical"):
        for component in protocol.spec().components:
            said = f"{component.name} {component.dose}, {component.minutes} min"
            facts.append((_("Component"), said))
    before = flags.reactions_before([appointment]).get(appointment.pk)
    if before is not None:
        facts.append((_("Attention"), reaction_words(desk, before)))
    if protocol is not None and protocol.needs_driver:
        facts.append((_("Needs"), _("a driver home")))
    if appointment.patient is not None and appointment.patient.needs:
        facts.append((_("Wishes"), appointment.patient.needs))
    if appointment.reason:
        facts.append((_("Reason"), appointment.reason))
    if appointment.override:
        facts.append((_("Overridden"), str(appointment.override.get("reason", ""))))
    return facts


def _order(course: Course, today: Any) -> list[tuple[str, str]]:
    facts = []
    if course.prescriber or course.order_until:
        until = _("to %(day)s") % {"day": words.day(course.order_until, today)} if course.order_until else ""
        facts.append((_("Order"), ", ".join(filter(None, [course.prescriber, course.order_reference, until]))))
    if course.authorization_until or course.authorization_visits:
        parts = []
        if course.authorization_visits:
            parts.append(_("%(count)s visits") % {"count": course.authorization_visits})
        if course.authorization_until:
            parts.append(_("to %(day)s") % {"day": words.day(course.authorization_until, today)})
        facts.append((_("Authorised"), ", ".join(parts)))
    return facts


def buttons(desk: Desk, appointment: Appointment) -> list[Button]:
    """The next step first, then what else this person may do with the visit now."""
    return [*_steps(desk, appointment), *_others(desk, appointment)]


def _steps(desk: Desk, appointment: Appointment) -> list[Button]:
    status, phase = appointment.status, appointment.phase
    treats = desk.may("treat")
    if status == "booked" and desk.may("attend"):
        return [Button("arrive", _("Arrived"), key="A", is_primary=True)]
    if status == "arrived" and desk.may("attend"):
        return [Button("check-in", _("Check in"), key="I", is_primary=True)]
    if status != "checked-in" or not treats:
        return []
    if appointment.actual_start is None:
        return [Button("start", _("Start treatment"), key="S", is_primary=True)]
    if phase == "infusing" and appointment.observation_minutes:
        return [
            Button("phase", _("Infusion over, observe"), key="O", value="observing", is_primary=True),
            Button("complete", _("Ended early…"), asks="complete"),
        ]
    return [
        Button("complete", _("Complete"), key="C", is_primary=True),
        Button("complete", _("Not as ordered…"), asks="complete"),
    ]


def _others(desk: Desk, appointment: Appointment) -> list[Button]:
    found = []
    status = appointment.status
    is_open = status in ("pending", "booked", "arrived", "checked-in") and appointment.actual_start is None
    if is_open and desk.may("book") and appointment.patient is not None:
        found.append(Button("move", _("Move…"), key="M", is_move=True))
        # Where "S" starts the treatment, that goes first.
        starts = status == "checked-in" and desk.may("treat")
        found.append(Button("swap", _("Swap with…"), key="" if starts else "S", is_swap=True))
    if status == "booked" and desk.may("attend"):
        if appointment.confirmed_at is None:
            found.append(Button("confirm", _("Confirmed")))
        if appointment.start < desk.now:
            found.append(Button("no-show", _("Did not come")))
    if status == "booked" and appointment.start > desk.now and desk.may("book") and not _waits(appointment):
        found.append(Button("wait", _("Wants to come earlier…"), is_wait=True))
    if is_open and desk.may("book"):
        found.append(Button("cancel", _("Cancel…"), asks="cancel"))
    if status in ("cancelled", "noshow") and desk.may("book"):
        found.append(Button("reopen", _("Book again"), is_primary=True))
    return found


def _waits(appointment: Appointment) -> bool:
    """Already, or there is nobody who could."""
    return appointment.patient_id is None or appointment.waitlist.filter(closed_at__isnull=True).exists()
