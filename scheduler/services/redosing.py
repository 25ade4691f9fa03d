"""Another dose, or another number of doses, for a course that runs: a new order, not a new course."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from scheduler.domain.errors import Malformed, gettext_noop
from scheduler.domain.permissions import Actor
from scheduler.models import Appointment, Course, Visit
from scheduler.queries import needs
from scheduler.queries.course_request import CourseRequest, check_reason
from scheduler.services import record
from scheduler.services.attendance import complete_course_if_over
from scheduler.services.courses import extend
from scheduler.services.following import live_of_course, redate
from scheduler.services.locking import retrying
from scheduler.services.settle import Wanted, settle
from scheduler.services.stopping import bookings, cancel_bookings, course_now


def change_doses(
    *, actor: Actor, course: Course, doses: int | None, dose_mg: Decimal | None, reason: str, now: datetime
) -> Course:
    """`doses` None is open-ended, `dose_mg` None the protocol's. Visits beyond the new number are waived with the
    reason, their bookings cancelled; new ones are generated. Bookings that stay are held against the hard rules
    again, since a cap counts milligrams: Refused says which does not fit. Raises Malformed too."""
    check_reason(reason)
    request = CourseRequest(
        patient=course.patient,
        protocol=course.protocol,
        unit=course.unit,
        start=course.start,
        doses=doses,
        is_open_ended=doses is None,
        dose_mg=dose_mg,
    )
    wanted = request.number_of_doses()
    request.check_details(center=course.center)

    @retrying
    def run() -> Course:
        not_begun = live_of_course(course.pk).filter(status__in=["pending", "booked"], actual_start__isnull=True)
        with bookings(not_begun, course, now) as rows:
            current = course_now(course, {"draft", "active", "on-hold"}, "be amended")
            before = {"doses": current.doses, "dose_mg": current.dose_mg}
            if wanted is not None:
                _check_not_given(current, wanted)
            current.doses, current.dose_mg = wanted, dose_mg
            current.version += 1
            current.save(update_fields=["doses", "dose_mg", "version"])
            extra = [row for row in rows if wanted is not None and _ordinal(row) > wanted]
            cancel_bookings(actor, extra, reason, now)
            if wanted is not None:
                Visit.objects.filter(course=current, state="unplaced", ordinal__gt=wanted).update(
                    state="waived", reason=reason[:200], refusals=[]
                )
            if before["dose_mg"] != dose_mg:
                _hold_against_the_rules(actor, [row for row in rows if row not in extra], now)
            if before["doses"] is not None:
                # What an earlier change had left out is due again.
                back = Visit.objects.filter(course=current, state="waived", ordinal__gt=before["doses"])
                if wanted is not None:
                    back = back.filter(ordinal__lte=wanted)
                back.update(state="unplaced", reason="", refusals=[], tried_at=None)
            redate(current, now=now)
            record.event(
                actor=actor,
                verb="amend",
                subject=current,
                now=now,
                before=before,
                after={"doses": wanted, "dose_mg": dose_mg},
                reason=reason,
            )
            complete_course_if_over(current, actor=actor, now=now)
        return current

    changed = run()
    extend(actor=actor, course=changed, now=now)
    return changed


def _ordinal(row: Appointment) -> int:
    assert row.visit is not None  # a course's booking
    return row.visit.ordinal


def _check_not_given(course: Course, doses: int) -> None:
    """Those given or being given stay part of the course."""
    begun = live_of_course(course.pk).exclude(actual_start__isnull=True).values_list("visit__ordinal", flat=True)
    done = Visit.objects.filter(course=course, state="done").values_list("ordinal", flat=True)
    last = max([*begun, *done], default=0)
    if doses < last:
        raise Malformed("doses", gettext_noop("{count} doses are given or under way already."), count=last)


def _hold_against_the_rules(actor: Actor, rows: list[Appointment], now: datetime) -> None:
    fresh = list(live_of_course(rows[0].visit.course_id).filter(pk__in=[row.pk for row in rows])) if rows else []  # type: ignore[union-attr]
    wanted = [
        Wanted(
            need=needs.for_appointment(row),
            chair=row.chair,
            start=row.start,
            patient=row.patient,
            visit=row.visit,
            protocol=row.protocol,
            appointment=row,
            hold_expires_at=row.hold_expires_at,
        )
        for row in fresh
    ]
    if wanted:
        settle(actor=actor, wanted=wanted, override=None, now=now, hard_only=True)
