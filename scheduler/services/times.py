"""Times of a visit's steps entered or corrected afterwards, from a nurse's memory or from the paper of a bad day.

What really happened is never refused (promise 4): a time that has passed can be entered for every visit, also for one
that was noted as missed. What follows from it is dated again as if it had been entered so at first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from django.db import transaction

from scheduler.domain import lifecycle, steps
from scheduler.domain.errors import Malformed, Refused, gettext_noop
from scheduler.domain.permissions import Actor
from scheduler.models import Appointment, Dose, Visit
from scheduler.queries.course_request import check_moment, check_reason
from scheduler.services import record
from scheduler.services.attendance import CLOCK_SKEW, complete_course_if_over, give_dose
from scheduler.services.changes import days_of, difference, fetch, fresh, snapshot
from scheduler.services.following import redate
from scheduler.services.locking import locked, retrying
from scheduler.services.moving import moved_to
from scheduler.services.settle import settle
from scheduler.services.writing import days, still_open


def enter(
    *, actor: Actor, appointment: Appointment, times: Mapping[str, datetime], reason: str, now: datetime
) -> Appointment:
    """Write the times (aware) of steps by their code (domain/steps.py), before and after on record with the reason.

    A visit that had not come so far goes on to the last step entered; discharged means given. Raises Malformed for no
    reason, an unknown step, a time to come, or an infusion that ends before it begins; never Refused.
    """
    check_reason(reason, gettext_noop("Say why this time is entered now."))
    given = {_field(code): _moment(code, moment, now) for code, moment in times.items()}
    if not given:
        raise Malformed("time", gettext_noop("Give the time of a step."))

    @retrying
    def run() -> Appointment:
        row = fetch(appointment.pk)
        if row.patient_id is None:
            raise Malformed("appointment", gettext_noop("This was held for nobody yet."))
        again = days([moved_to(row, row.chair, row.start)]) if _was_taken_down(row) else set()
        with locked(patients=[row.patient_id], days=days_of(row) | again, now=now):
            row = fresh(row, None)
            before = snapshot(row)
            for field, moment in given.items():
                setattr(row, field, moment)
            _check_order(row)
            _go_on(row, steps.furthest(times), actor, now)
            was, became = difference(before, snapshot(row))
            if became:
                row.version += 1
                row.save()
                _follow(row, was, actor, now)
                record.event(
                    actor=actor, verb="correct", subject=row, now=now, before=was, after=became, reason=reason.strip()
                )
            return row

    return run()


def _field(code: str) -> str:
    step = steps.BY_CODE.get(code)
    if step is None:
        raise Malformed("step", gettext_noop("There is no step “{step}”."), step=code)
    return step.field


def _moment(code: str, moment: datetime, now: datetime) -> datetime:
    check_moment(code, moment)
    if moment > now + CLOCK_SKEW:
        raise Malformed("time", gettext_noop("This time has not come yet."))
    return moment.replace(second=0, microsecond=0).astimezone(UTC)


def _check_order(row: Appointment) -> None:
    if row.actual_start is not None and row.actual_end is not None and row.actual_end < row.actual_start:
        raise Malformed("time", gettext_noop("It cannot end before it began."))


def _go_on(row: Appointment, step: steps.Step, actor: Actor, now: datetime) -> None:
    """To the last step entered, where the visit had not come so far."""
    if _was_taken_down(row) and not _has_place_again(row, actor, now):
        if row.actual_start is not None:
            row.outcome = Appointment.Outcome.GIVEN  # on record all the same; her place has gone to somebody else
        return
    if row.status not in lifecycle.LIVE or not steps.is_further(step, status=row.status, phase=row.phase):
        return
    row.status, row.phase, row.phase_at = step.status, step.phase, getattr(row, step.field)
    _fill(row, step)


def _was_taken_down(row: Appointment) -> bool:
    """Noted as missed or cancelled before anything was given. What was found not to be given stays so."""
    return row.status in ("noshow", "cancelled") and not row.outcome


def _fill(row: Appointment, step: steps.Step) -> None:
    """What must have been before: she was there, and what was given began and ended."""
    moment = getattr(row, step.field)
    row.arrived_at = row.arrived_at or row.in_chair_at or row.actual_start or moment
    if step.status != "arrived":
        row.checked_in_at = row.checked_in_at or row.in_chair_at or row.actual_start or moment
    if step.status == "fulfilled" or step.phase == "observing":
        ended = row.actual_end or row.observed_at or row.discharged_at or moment
        row.actual_start = row.actual_start or min(row.start, ended)
        row.actual_end = max(ended, row.actual_start)
    if step.status == "fulfilled":
        row.outcome = row.outcome or Appointment.Outcome.GIVEN


def _has_place_again(row: Appointment, actor: Actor, now: datetime) -> bool:
    """Taken down, and yet she was there: her place is hers again, unless somebody else has it or her visit has gone on
    without it. She is told nothing: she was there."""
    wanted = moved_to(row, row.chair, row.start)
    try:
        with transaction.atomic():
            still_open(replace(wanted, appointment=None), now)
            settle(actor=actor, wanted=[wanted], override=None, now=now, hard_only=True)
    except Refused:
        return False
    row.phase = row.reason = ""
    return True


def _follow(row: Appointment, was: Mapping[str, object], actor: Actor, now: datetime) -> None:
    """The dose as the booking has it now, the visit done with it, and later due times."""
    if row.status == "fulfilled" or (row.status not in lifecycle.LIVE and "outcome" in was):
        _given(row, actor, now)
    elif row.actual_start is not None:
        Dose.objects.filter(appointment=row).update(given_at=row.actual_start)
    if row.visit is not None and {"actual_start", "status", "outcome"} & was.keys():
        redate(row.visit.course, now=now)
        complete_course_if_over(row.visit.course, actor=actor, now=now)


def _given(row: Appointment, actor: Actor, now: datetime) -> None:
    give_dose(row, actor, now)
    if row.visit_id is None:
        return
    is_its_own = row.status == "fulfilled"
    waiting = Visit.objects.filter(pk=row.visit_id, state__in=["unplaced", *(["booked"] if is_its_own else [])])
    if not waiting.update(state="done") and not is_its_own:
        Dose.objects.filter(appointment=row).update(visit=None)  # that visit is another booking's by now
