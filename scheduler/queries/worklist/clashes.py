"""Where reality broke a plan: actual times are never refused, so what they break stands here."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import F, Max, Q
from django.utils.translation import gettext as _

from scheduler.domain import lifecycle
from scheduler.domain.recurrence import Gap, earliest_after, gap_kept
from scheduler.models import Appointment, Center, Dose
from scheduler.queries.overruns import of as find_overruns
from scheduler.queries.worklist.item import Action, Urgency, WorklistItem, say_moment

DOSES_LOOKED_BACK = timedelta(days=200)
NEXT_LOOKED_AHEAD = timedelta(days=200)


def too_soon(center: Center, now: datetime) -> Iterator[WorklistItem]:
    """A dose was given later than planned (or elsewhere), so the next booked one comes within the interval."""
    following: dict[tuple[int | None, str], Appointment] = {}
    for appointment in (
        Appointment.objects.filter(
            center=center,
            status__in=lifecycle.OPEN,
            actual_start__isnull=True,
            patient__isnull=False,
            protocol__min_interval__gt=0,
            start__gt=now - timedelta(days=1),
            start__lt=now + NEXT_LOOKED_AHEAD,
        )
        .exclude(Q(protocol__substance="") | Q(status="pending"))
        .select_related("patient", "protocol", "visit", "chair")
        .order_by("start", "pk")
    ):
        assert appointment.protocol is not None  # filtered
        following.setdefault((appointment.patient_id, appointment.protocol.substance), appointment)
    if not following:
        return
    latest = _latest_doses([patient for patient, _substance in following], now)
    for key, appointment in following.items():
        given = latest.get(key)
        protocol, patient = appointment.protocol, appointment.patient
        assert protocol is not None
        assert patient is not None
        if given is None or given >= appointment.start:
            continue
        gap = Gap(counts_in=protocol.spec().gap.counts_in, at_least=protocol.min_interval)
        if gap_kept(gap, given, appointment.start, center.zone):
            continue
        earliest = earliest_after(gap, given, center.zone).astimezone(center.zone)
        facts = {
            "name": patient.full_name,
            "given": say_moment(given.astimezone(center.zone)),
            "booked": say_moment(appointment.start.astimezone(center.zone)),
            "earliest": say_moment(earliest),
        }
        yield _clash(
            f"clash-interval:{appointment.pk}",
            appointment,
            _("%(name)s: the next dose is now too early") % facts,
            _("The dose before began %(given)s. The next is booked for %(booked)s; not before %(earliest)s.") % facts,
            now,
        )


def overruns(center: Center, now: datetime) -> Iterator[WorklistItem]:
    """A visit that began late, or lasts too long, reaches into the next one in its chair."""
    running = list(
        Appointment.objects.filter(center=center, status__in=["arrived", "checked-in"])
        .exclude(phase__in=["discharged", "chair-cleaning"])
        .filter(start__gt=now - timedelta(days=1), start__lt=now + timedelta(hours=12))
        .select_related("patient", "chair", "visit")
    )
    for overrun in find_overruns(running, now):
        appointment = overrun.appointment
        facts = {
            "name": appointment.patient.full_name if appointment.patient is not None else "",
            "chair": appointment.chair.name,
            "until": f"{overrun.until.astimezone(center.zone):%H:%M}",
            "next": f"{overrun.begins.astimezone(center.zone):%H:%M}",
        }
        yield _clash(
            overrun_key(appointment),
            appointment,
            _("%(name)s will be over time in %(chair)s") % facts,
            _("About until %(until)s with cleaning; the next visit needs the chair from %(next)s.") % facts,
            now,
            when=overrun.begins,
        )


def overrun_key(appointment: Appointment) -> str:
    """Of the item about what runs over its time: the floor may leave it to the desk."""
    return f"clash-overrun:{appointment.pk}"


def window_key(appointment: Appointment) -> str:
    """Of the item about the booking that no longer lies in its window, likewise."""
    return f"clash-window:{appointment.pk}"


def outside_window(center: Center, now: datetime) -> Iterator[WorklistItem]:
    """The due time moved with a dose before, and the booking no longer lies in its window."""
    for appointment in (
        Appointment.objects.filter(
            Q(start__lt=F("visit__window_start")) | Q(start__gte=F("visit__window_end")),
            center=center,
            status="booked",
            start__gt=now,
            override__isnull=True,  # somebody put it there on purpose
        )
        .select_related("patient", "visit", "chair")
        .order_by("start", "pk")
    ):
        visit, patient = appointment.visit, appointment.patient
        assert visit is not None
        assert patient is not None
        facts = {
            "name": patient.full_name,
            "number": visit.ordinal,
            "booked": say_moment(appointment.start.astimezone(center.zone)),
            "due": say_moment(visit.due.astimezone(center.zone)),
        }
        yield _clash(
            window_key(appointment),
            appointment,
            _("%(name)s: visit %(number)s no longer fits its due time") % facts,
            _("Now due %(due)s, booked for %(booked)s.") % facts,
            now,
        )


def _latest_doses(patients: list[int | None], now: datetime) -> dict[tuple[int | None, str], datetime]:
    """By patient and substance, when the last dose began: recorded ones, and those that are running."""
    recorded = (
        Dose.objects.filter(patient__in=patients, given_at__gt=now - DOSES_LOOKED_BACK)
        .exclude(status=Dose.Status.NOT_GIVEN)
        .values_list("patient_id", "substance")
        .annotate(last=Max("given_at"))
        .order_by()
    )
    latest: dict[tuple[int | None, str], datetime] = {
        (patient, substance): last for patient, substance, last in recorded
    }
    running = Appointment.objects.filter(
        patient__in=patients, status__in=lifecycle.OPEN, actual_start__isnull=False, protocol__isnull=False
    ).values_list("patient_id", "protocol__substance", "actual_start")
    for patient, substance, began in running:
        if began is not None:
            latest[(patient, substance)] = max(began, latest.get((patient, substance), began))
    return latest


def _clash(
    key: str, appointment: Appointment, title: str, detail: str, now: datetime, when: datetime | None = None
) -> WorklistItem:
    when = when or appointment.start
    urgency: Urgency = "now" if when <= now + timedelta(hours=12) else "today"
    course = appointment.visit.course_id if appointment.visit is not None else None
    target = Action(_("See the course"), "course", (course,)) if course is not None else None
    return WorklistItem(
        key=key,
        kind="clash",
        urgency=urgency,
        title=title,
        detail=detail,
        when=when,
        action=target or Action(_("See the visit"), "patient", (appointment.patient_id,)),
        patient_id=appointment.patient_id,
        listed_name=appointment.patient.listed_name if appointment.patient is not None else "",
        course_id=course,
        visit_id=appointment.visit_id,
        appointment_id=appointment.pk,
        unit_id=appointment.unit_id,
    )
