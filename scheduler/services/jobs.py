"""The background jobs by name: bounded sweeps over rows that are due, safe to repeat and safe twice at once.

`manage.py run_job` and the beat's tasks (scheduler/tasks.py) both run what stands in JOBS. Each job takes `now` and
returns counts. One bad row is logged by its id, counted as `failed`, and never stops the rest.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from time import monotonic

from django.db import connection
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from scheduler.domain.errors import Refused
from scheduler.domain.permissions import Actor
from scheduler.models import Appointment, Course, Visit
from scheduler.queries import freed, horizon, integrity
from scheduler.queries.drafts import GENERATED
from scheduler.services import (
    account_mail,
    attendance,
    booking,
    courses,
    failures,
    idempotency,
    import_work,
    offers,
    placing,
    seal,
    sending,
    sheet_files,
    texting,
)

log = logging.getLogger(__name__)

TICK_SECONDS = 20.0
VISITS_A_TICK = 50
COURSES_A_TICK = 200
NO_SHOWS_A_TICK = 200
# A refused visit is tried again after this long, or once something was freed in its center.
TRY_AGAIN_AFTER = timedelta(minutes=10)
TRY_FREED_AFTER = timedelta(seconds=20)

Counts = dict[str, int]


def place_visits(now: datetime) -> Counts:
    """Find places for visits without one: never tried first, then those refused longest ago.

    A visit that somebody took down (cancelled, not come, not given: it has a reason) is for a person to decide, on
    the worklist: booking it again by itself would undo what was just done.
    """
    counts: Counter[str] = Counter()
    began = monotonic()
    waiting = _to_place(now).order_by(F("tried_at").asc(nulls_first=True), "due", "pk")
    for pk in list(waiting.values_list("pk", flat=True)[:VISITS_A_TICK]):
        if monotonic() - began > TICK_SECONDS:
            break
        visit = (
            _to_place(now)
            .filter(pk=pk)
            .select_related("course__center", "course__patient", "course__protocol", "course__unit__center")
            .first()
        )
        if visit is None:  # placed, or refused, together with another dose of its stay
            continue
        try:
            booked = placing.place_visit(actor=Actor.job("place-visits"), visit=visit, now=now)
        except Exception as problem:  # noqa: BLE001 - the next patient's visit gets its place all the same
            _failed(counts, "visit", pk, problem)
            Visit.objects.filter(pk=pk).update(tried_at=now)
            continue
        counts["placed"] += len(booked)
        counts["refused"] += not booked
    return _said(counts)


def extend_courses(now: datetime) -> Counts:
    """Generate the visits of active courses that have come within the horizon."""
    counts: Counter[str] = Counter()
    began = monotonic()
    for course in horizon.unfinished(until=now + GENERATED, most=COURSES_A_TICK):
        if monotonic() - began > TICK_SECONDS:
            break
        try:
            counts["visits"] += courses.extend(actor=Actor.job("extend-courses"), course=course, now=now)
        except Exception as problem:  # noqa: BLE001 - the other courses are extended all the same
            _failed(counts, "course", course.pk, problem)
    return _said(counts)


def send_reminders(now: datetime) -> Counts:
    """Send the mail about accounts, and drain the ledger: its mails, then its texts."""
    told = Counter(sending.send_due(now=now)) + Counter(texting.send_due(now=now))
    return account_mail.send_due(now=now) | _said(told)


def expire_holds(now: datetime) -> Counts:
    """Release holds that ran out."""
    return _said(Counter(released=booking.expire_holds(now=now)))


def mark_no_shows(now: datetime) -> Counts:
    """Mark bookings whose patient has not come within the center's minutes after the start. Not the later doses of
    a stay that she came to: between doses she is in her bed. Reversible."""
    counts: Counter[str] = Counter()
    came = Appointment.objects.filter(
        visit__course=OuterRef("visit__course"), status__in=["arrived", "checked-in", "fulfilled"]
    )
    late = (
        Appointment.objects.filter(status="booked", start__lt=now)
        .exclude(Exists(came), visit__course__protocol__keeps_chair=True)
        .select_related(
            "center", "unit__center", "patient", "protocol", "visit__course__protocol", "visit__course__center"
        )
        .order_by("start", "pk")
    )
    for appointment in late[:NO_SHOWS_A_TICK]:
        if appointment.start + timedelta(minutes=appointment.center.no_show_after_minutes) > now:
            continue
        try:
            attendance.no_show(actor=Actor.job("mark-no-shows"), appointment=appointment, now=now)
        except Refused:  # she came in this very second
            counts["skipped"] += 1
        except Exception as problem:  # noqa: BLE001 - the other bookings are looked at all the same
            _failed(counts, "appointment", appointment.pk, problem)
        else:
            counts["marked"] += 1
    return _said(counts)


def offer_slots(now: datetime) -> Counts:
    """Offer freed places to patients who wait for an earlier one."""
    return _said(offers.offer_freed(now=now))


def seal_audit(now: datetime) -> Counts:
    """Seal what was recorded since the last time. The log keeps the head, for whoever keeps the log elsewhere:
    `verify_record --head` wants it."""
    sealed = _said(Counter(seal.seal_new(now=now)))
    if sealed:
        log.info("record sealed: %s", seal.head())
    return sealed


def purge_keys(now: datetime) -> Counts:
    """Forget the answers to idempotency keys older than seven days."""
    return _said(Counter(purged=idempotency.purge(now=now)))


def write_sheets(now: datetime) -> Counts:
    """Put today's and tomorrow's day sheets into the folder that a desk computer copies."""
    return _said(sheet_files.write(now=now))


def import_rows(now: datetime) -> Counts:
    """Check, import and undo what managers brought along from elsewhere, and forget what is a week old."""
    return _said(import_work.work(now=now))


def check_schedule(now: datetime) -> Counts:
    """Prove the promises over the whole database; what is broken is logged by rule and ids."""
    broken = integrity.check(now=now)
    for problem in broken:
        log.error("check_schedule: %s %s", problem.rule, problem.ids)
    return {"problems": len(broken)}


JOBS: Mapping[str, Callable[[datetime], Counts]] = {
    "place-visits": place_visits,
    "extend-courses": extend_courses,
    "send-reminders": send_reminders,
    "expire-holds": expire_holds,
    "mark-no-shows": mark_no_shows,
    "offer-slots": offer_slots,
    "seal-audit": seal_audit,
    "purge-keys": purge_keys,
    "write-sheets": write_sheets,
    "import-rows": import_rows,
    "check-schedule": check_schedule,
}


def _to_place(now: datetime) -> QuerySet[Visit]:
    again = Q(tried_at__isnull=True) | Q(tried_at__lte=now - TRY_AGAIN_AFTER)
    for center, at in freed.since(now - TRY_AGAIN_AFTER).items():
        again |= Q(course__center=center, tried_at__lt=at, tried_at__lte=now - TRY_FREED_AFTER)
    return Visit.objects.filter(again, state=Visit.State.UNPLACED, reason="", course__status=Course.Status.ACTIVE)


def _failed(counts: Counter[str], what: str, pk: int, problem: Exception) -> None:
    counts["failed"] += 1
    log.error("%s %s: %s", what, pk, failures.describe(problem))
    if connection.in_atomic_block and connection.needs_rollback:
        raise problem  # only inside a caller's transaction: nothing after this could be written


def _said(counts: Mapping[str, int]) -> Counts:
    return {name: int(count) for name, count in sorted(counts.items()) if count}
