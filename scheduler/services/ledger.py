"""What is to be told to whom about which appointment time: rows written in the booking's own transaction.

Nothing is sent here (services/sending.py drains the table), so a booking never waits for a mail server.

- A booking gets one confirmation now and reminders at the center's days before, at its decent local hour.
- Visits of one course that are booked together get one overview instead of a confirmation each.
- The doses of a stay get the overview, and reminders for the first dose only: nobody is reminded at 3 am.
- Without an address that may be mailed, each message is a call to make, due at the same moment.
- A reminder is keyed by the appointment's time, so a moved appointment gets reminders for its new time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Literal

from django.db import transaction
from django.db.models import Q

from scheduler.domain import lifecycle
from scheduler.models import Appointment, Center, Course, LedgerEntry, Offer
from scheduler.queries.reminder_times import reminder_times
from scheduler.services import ways
from scheduler.services.recipients import Recipient, recipients_of

Kind = Literal["booked", "moved", "cancelled"]

# Visits of a course are booked one after the other within seconds: the overview waits for all of them.
OVERVIEW_SETTLES = timedelta(seconds=15)

# A claimed message may be on its way: whoever gets it knows of the appointment.
_TOLD = (LedgerEntry.State.SENT, LedgerEntry.State.CLAIMED)


def plan_for(*appointments: Appointment, kind: Kind, now: datetime) -> None:
    """Write what follows from booking, moving or cancelling these appointments, in the state they now have.

    Call it inside the transaction of the change. `moved` is for a new start, which the appointment already
    has; another chair at the same time is no news. Give the appointments of one course together where they
    change together: they then share one overview. A hold, and one without a patient, is told to nobody.
    """
    known = [
        appointment
        for appointment in appointments
        if appointment.patient_id is not None and appointment.status != Appointment.Status.PENDING
    ]
    if not known:
        return
    told = who_know(known) if kind != "booked" else set()
    # Nothing was ever written about what has just been made, and its reminders are not about a stay's other doses.
    is_new = kind == "booked" and all(one.version == 1 and not _is_of_a_stay(one) for one in known)
    if not is_new:
        supersede(*known, now=now)
    recipients = recipients_of({appointment.patient_id for appointment in known})
    rows: list[LedgerEntry] = []
    for course, group in _by_course(known):
        if course is not None and _is_one_message(course, group, kind):
            plan_overview(course, now=now, recipient=recipients[course.patient_id])
        else:
            rows += [
                row
                for appointment in group
                if (row := _message(appointment, kind, appointment.pk in told, recipients, now)) is not None
            ]
        rows += _reminders(course, group, recipients, now)
    _insert(rows if is_new else ways.wanted(rows, now=now))


def plan_reminders(appointment: Appointment, *, now: datetime) -> None:
    """Of a booking that was made elsewhere, long ago: she knows of it, so only its reminders are to come."""
    rows = _reminders(None, [appointment], recipients_of([appointment.patient_id]), now)
    _insert(ways.wanted(rows, now=now))


def plan_offer(offer: Offer, *, kind: str, now: datetime) -> None:
    """Tell her of an earlier place, or kindly that it is gone: by mail, or by a call where she gets none."""
    appointment = offer.appointment
    recipients = recipients_of([appointment.patient_id])
    told = LedgerEntry.objects.filter(appointment=appointment, kind=kind)
    if kind == LedgerEntry.Kind.OFFER:
        told.filter(state=LedgerEntry.State.DUE).update(state=LedgerEntry.State.SUPERSEDED, done_at=now)
    elif not LedgerEntry.objects.filter(offer=offer, kind=LedgerEntry.Kind.OFFER, state__in=_TOLD).exists():
        LedgerEntry.objects.filter(offer=offer, state=LedgerEntry.State.DUE).update(
            state=LedgerEntry.State.SUPERSEDED, done_at=now
        )
        return  # she never heard of it
    row = _entry(appointment, kind, recipients, due=now, sequence=told.count() + 1)
    row.offer = offer
    row.save()


def supersede(*appointments: Appointment, now: datetime) -> int:
    """Unsent messages about these appointments are no longer true, nor the reminders of their stays: another dose may
    be the first now. Returns how many. One in flight is left to its sender, which looks at the world again."""
    stays = {a.visit.course_id for a in appointments if a.visit is not None and _is_of_a_stay(a)}
    return (
        LedgerEntry.objects.filter(
            Q(appointment__in=[appointment.pk for appointment in appointments])
            | Q(course__in=stays, kind=LedgerEntry.Kind.REMINDER),
            state=LedgerEntry.State.DUE,
        )
        .order_by()
        .update(state=LedgerEntry.State.SUPERSEDED, done_at=now)
    )


def _is_of_a_stay(appointment: Appointment) -> bool:
    return appointment.visit is not None and appointment.visit.course.protocol.keeps_chair


def plan_without(appointment: Appointment, *, now: datetime) -> None:
    """It did not take place: nothing about it is true any more, and the reminders of a stay are about the dose that
    comes first without it. Nobody is told. The appointment is saved as it now is."""
    supersede(appointment, now=now)
    course = appointment.visit.course if appointment.visit is not None else None
    if course is not None and course.protocol.keeps_chair:
        rows = _reminders(course, [appointment], recipients_of([course.patient_id]), now)
        _insert(ways.wanted(rows, now=now))


def plan_overview(course: Course, *, now: datetime, recipient: Recipient | None = None) -> None:
    """One message with all visits of the course as they stand when it is sent, a few seconds from now."""
    due = now + OVERVIEW_SETTLES
    earlier = LedgerEntry.objects.filter(course=course, appointment__isnull=True, kind=LedgerEntry.Kind.OVERVIEW)
    # The update, not a read, decides: it waits for, or holds off, a sender that is about to claim the row.
    if earlier.filter(state=LedgerEntry.State.DUE).update(due=due):
        return
    recipient = recipient or recipients_of([course.patient_id])[course.patient_id]
    LedgerEntry.objects.bulk_create(
        [
            LedgerEntry(
                center_id=course.center_id,
                patient_id=course.patient_id,
                contact=recipient.contact,
                course=course,
                kind=LedgerEntry.Kind.OVERVIEW,
                channel=recipient.channel,
                sequence=earlier.count(),
                due=due,
            )
        ],
        ignore_conflicts=True,
    )


def replan(center: Center, *, now: datetime) -> None:
    """After the center changed when it reminds: all unsent reminders of its bookings as they are now wanted."""
    booked = list(
        Appointment.objects.filter(center=center, status=Appointment.Status.BOOKED, start__gt=now).select_related(
            "center", "visit__course__protocol"
        )
    )
    with transaction.atomic():
        LedgerEntry.objects.filter(
            appointment__in=booked, kind=LedgerEntry.Kind.REMINDER, state=LedgerEntry.State.DUE
        ).delete()
        recipients = recipients_of({appointment.patient_id for appointment in booked})
        rows = [row for course, group in _by_course(booked) for row in _reminders(course, group, recipients, now)]
        _insert(ways.wanted(rows, now=now))


def who_know(appointments: Sequence[Appointment]) -> set[int]:
    """Ids of those appointments about which anything was ever sent (or said, for calls that were made)."""
    courses = {
        appointment.pk: appointment.visit.course_id for appointment in appointments if appointment.visit is not None
    }
    rows = LedgerEntry.objects.filter(
        Q(appointment__in=[appointment.pk for appointment in appointments])
        | Q(course__in=set(courses.values()), appointment__isnull=True),
        state__in=_TOLD,
    )
    known: set[int] = set()
    overviews: dict[int | None, list[datetime | None]] = {}
    for row in rows:
        if row.appointment_id is None:
            overviews.setdefault(row.course_id, []).append(row.done_at)
        else:
            known.add(row.appointment_id)
    for appointment in appointments:
        told = overviews.get(courses.get(appointment.pk), ())
        # None is a message still on its way. An overview tells of what was booked before it left.
        if any(done_at is None or done_at >= appointment.created_at for done_at in told):
            known.add(appointment.pk)
    return known


def _by_course(appointments: Iterable[Appointment]) -> list[tuple[Course | None, list[Appointment]]]:
    groups: dict[int | None, tuple[Course | None, list[Appointment]]] = {}
    for appointment in appointments:
        course = appointment.visit.course if appointment.visit is not None else None
        groups.setdefault(course.pk if course else None, (course, []))[1].append(appointment)
    return list(groups.values())


def _is_one_message(course: Course, group: Sequence[Appointment], kind: Kind) -> bool:
    """Stays, and several visits at once, are told together; so is the first booking of a longer course."""
    if course.protocol.keeps_chair or len(group) > 1:
        return True
    if kind != "booked" or course.doses == 1:
        return False
    return not LedgerEntry.objects.filter(
        course=course, appointment__isnull=True, kind=LedgerEntry.Kind.OVERVIEW, state__in=_TOLD
    ).exists()


def _message(
    appointment: Appointment,
    kind: Kind,
    is_known: bool,
    recipients: dict[int | None, Recipient],
    now: datetime,
) -> LedgerEntry | None:
    """The confirmation, or the news that it moved or is off. Who never heard of it is told the new time as a
    new booking, and nothing at all of a cancellation."""
    if kind == "cancelled" and not is_known:
        return None
    if kind == "moved" and not is_known:
        kind = "booked"
    return _entry(appointment, kind, recipients, due=now, sequence=appointment.version)


def _reminders(
    course: Course | None,
    group: Sequence[Appointment],
    recipients: dict[int | None, Recipient],
    now: datetime,
) -> list[LedgerEntry]:
    if course is not None and course.protocol.keeps_chair:
        first = (
            Appointment.objects.filter(visit__course=course, status__in=lifecycle.LIVE)
            .select_related("center", "visit")
            .order_by("start", "pk")
            .first()
        )
        group = [first] if first is not None else []
    return [
        _entry(appointment, LedgerEntry.Kind.REMINDER, recipients, due=due, offset_days=days)
        for appointment in group
        if appointment.status == Appointment.Status.BOOKED
        for days, due in reminder_times(appointment.center, appointment.start).items()
        if due > now
    ]


def _entry(
    appointment: Appointment,
    kind: str,
    recipients: dict[int | None, Recipient],
    *,
    due: datetime,
    sequence: int = 0,
    offset_days: int = 0,
) -> LedgerEntry:
    assert appointment.patient_id is not None  # plan_for leaves the others out
    recipient = recipients[appointment.patient_id]
    return LedgerEntry(
        center_id=appointment.center_id,
        patient_id=appointment.patient_id,
        contact=recipient.contact,
        appointment=appointment,
        course_id=appointment.visit.course_id if appointment.visit is not None else None,
        kind=kind,
        channel=recipient.channel,
        appointment_start=appointment.start,
        offset_days=offset_days,
        sequence=sequence,
        due=due,
    )


def _insert(rows: Sequence[LedgerEntry]) -> None:
    """What is there already stays as it is."""
    LedgerEntry.objects.bulk_create(rows, ignore_conflicts=True)
