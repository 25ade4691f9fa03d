"""Each live appointment takes exactly its time, was promised at the time it has, and is on record."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, QuerySet

from scheduler.domain import lifecycle, localtime
from scheduler.models import Appointment, Event, Occupancy
from scheduler.queries.integrity.problem import Problem


def occupancies(now: datetime) -> Iterator[Problem]:
    """A live appointment has the occupancy that its times ask for; another one has none."""
    left = Occupancy.objects.filter(appointment__isnull=False).exclude(appointment__status__in=lifecycle.LIVE)
    for pk, appointment_id in left.order_by("pk").values_list("pk", "appointment_id"):
        yield Problem("only_live_appointments_occupy", {"appointment": appointment_id, "occupancy": pk})
    for appointment in _live().select_related("occupancy", "visit__course__protocol"):
        occupancy: Occupancy | None = getattr(appointment, "occupancy", None)
        if occupancy is None:
            yield Problem("live_appointment_occupies", {"appointment": appointment.pk})
        elif _taken(occupancy) != _wanted(appointment):
            yield Problem("occupancy_matches_appointment", {"appointment": appointment.pk, "occupancy": occupancy.pk})


def stays(now: datetime) -> Iterator[Problem]:
    """A stay holds one chair from the first preparation to the last cleaning of its live doses."""
    needed: dict[int, list[Appointment]] = {}
    for appointment in _live().filter(visit__course__protocol__keeps_chair=True).select_related("visit"):
        assert appointment.visit is not None  # filtered
        needed.setdefault(appointment.visit.course_id, []).append(appointment)
    kept = {occupancy.stay_id: occupancy for occupancy in Occupancy.objects.filter(stay__isnull=False)}
    for course in sorted({*needed, *(stay for stay in kept if stay is not None)}):
        doses, occupancy = needed.get(course, []), kept.get(course)
        if occupancy is None:
            yield Problem("stay_is_kept", {"course": course})
        elif not doses:
            yield Problem("stay_has_doses", {"course": course, "occupancy": occupancy.pk})
        elif (occupancy.chair_from, occupancy.chair_until) != (
            min(_chair_from(dose) for dose in doses),
            max(_chair_until(dose) for dose in doses),
        ) or {dose.chair_id for dose in doses} != {occupancy.chair_id}:
            yield Problem("stay_covers_its_doses", {"course": course, "occupancy": occupancy.pk})


def promises(now: datetime) -> Iterator[Problem]:
    """The wall clock and zone that were promised are the moment that is booked."""
    rows = Appointment.objects.filter(status__in=lifecycle.LIVE).values_list(
        "pk", "start", "promised_wall", "promised_zone"
    )
    for pk, start, wall, zone in rows.iterator():
        try:
            told = f"{start.astimezone(localtime.zone(zone)):%Y-%m-%dT%H:%M}"
        except localtime.UnknownZone:
            told = ""
        if told != wall:
            yield Problem("promise_is_kept", {"appointment": pk})


def without_event(now: datetime) -> Iterator[Problem]:
    """Every appointment got there by something that is on record."""
    events = Event.objects.filter(subject="appointment", subject_id=OuterRef("pk"))
    for pk in Appointment.objects.filter(~Exists(events)).values_list("pk", flat=True):
        yield Problem("appointment_is_on_record", {"appointment": pk})


def _live() -> QuerySet[Appointment]:
    return Appointment.objects.filter(status__in=lifecycle.LIVE).order_by("pk")


def _chair_from(appointment: Appointment) -> datetime:
    return appointment.start - timedelta(minutes=appointment.prep_minutes)


def _chair_until(appointment: Appointment) -> datetime:
    return appointment.end + timedelta(minutes=appointment.observation_minutes + appointment.turnover_minutes)


def _wanted(appointment: Appointment) -> tuple[object, ...]:
    """Chair, from, until; patient, from, until. A dose of a stay leaves the chair to the stay."""
    keeps_chair = appointment.visit is not None and appointment.visit.course.protocol.keeps_chair
    chair = (
        (None, None, None)
        if keeps_chair
        else (appointment.chair_id, _chair_from(appointment), _chair_until(appointment))
    )
    observed_until = appointment.end + timedelta(minutes=appointment.observation_minutes)
    patient = (
        (None, None, None)
        if appointment.patient_id is None
        else (appointment.patient_id, _chair_from(appointment), observed_until)
    )
    return (*chair, *patient)


def _taken(occupancy: Occupancy) -> tuple[object, ...]:
    return (
        occupancy.chair_id,
        occupancy.chair_from,
        occupancy.chair_until,
        occupancy.patient_id,
        occupancy.patient_from,
        occupancy.patient_until,
    )
