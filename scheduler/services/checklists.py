"""The nurses' checklist before a treatment: what was answered, and what the prescriber decided about it.

The system never decides treatment: an answer that needs the prescriber only holds the visit until a nurse records what
the prescriber said. What then really happens is never refused (promise 4).
"""

from __future__ import annotations

from datetime import datetime

from scheduler.domain.errors import Forbidden, Malformed, Refusal, Refused, gettext_noop
from scheduler.domain.permissions import Actor
from scheduler.models import Appointment, ChecklistAnswer, PrescriberDecision
from scheduler.services import record
from scheduler.services.changes import days_of, fetch, fresh
from scheduler.services.locking import locked, retrying


def answer(*, actor: Actor, appointment: Appointment, code: str, says: str, now: datetime) -> ChecklistAnswer:
    """Record an answer, or another than before. Raises Forbidden for who doesn't see clinical detail, Malformed for
    a question that the protocol doesn't ask, Refused once the visit is over."""
    _check_may(actor)
    if says not in ChecklistAnswer.Says.values:
        raise Malformed("says", gettext_noop("The answer is yes or no."))

    @retrying
    def run() -> ChecklistAnswer:
        row = fetch(appointment.pk)
        with locked(patients=[row.patient_id], days=days_of(row), now=now):
            row = _open(fresh(row, None))
            _question(row, code)
            before = ChecklistAnswer.objects.filter(appointment=row, code=code).first()
            found, _made = ChecklistAnswer.objects.update_or_create(
                appointment=row, code=code, defaults={"says": says, "actor": actor.who, "at": now}
            )
            if before is not None and before.says != says:
                # The decision was about the other answer.
                PrescriberDecision.objects.filter(appointment=row, code=code).delete()
            record.event(
                actor=actor,
                verb="answer",
                subject=row,
                now=now,
                before={"question": code, "says": before.says if before is not None else None},
                after={"question": code, "says": says},
            )
        return found

    return run()


def answer_rest(*, actor: Actor, appointment: Appointment, now: datetime) -> list[ChecklistAnswer]:
    """Everything was asked and nothing is of concern: each question without an answer gets the one that needs no
    prescriber, one by one on record. Raises as `answer`."""
    _check_may(actor)

    @retrying
    def run() -> list[ChecklistAnswer]:
        row = fetch(appointment.pk)
        with locked(patients=[row.patient_id], days=days_of(row), now=now):
            row = _open(fresh(row, None))
            answered = set(ChecklistAnswer.objects.filter(appointment=row).values_list("code", flat=True))
            given = []
            for question in row.protocol.checklist if row.protocol is not None else []:
                if question["code"] in answered:
                    continue
                says = "no" if question["needs_prescriber_if"] == "yes" else "yes"
                given.append(
                    ChecklistAnswer.objects.create(
                        appointment=row, code=question["code"], says=says, actor=actor.who, at=now
                    )
                )
                said = {"question": question["code"], "says": says}
                record.event(
                    actor=actor,
                    verb="answer",
                    subject=row,
                    now=now,
                    before={"question": question["code"], "says": None},
                    after=said,
                )
        return given

    return run()


def decide(
    *,
    actor: Actor,
    appointment: Appointment,
    code: str,
    decision: str,
    prescriber: str,
    order_reference: str,
    decided_at: datetime,
    now: datetime,
) -> PrescriberDecision:
    """Record what the prescriber said about an answer: who, when (aware), which order. Raises as `answer`."""
    _check_may(actor)
    if decision not in PrescriberDecision.Decision.values:
        raise Malformed("decision", gettext_noop("The decision is to go on, or not to treat."))
    for field, text, most in (("prescriber", prescriber, 120), ("order_reference", order_reference, 60)):
        if not text.strip() or len(text) > most:
            raise Malformed(field, gettext_noop("Say who decided, and by which order."))
    if decided_at > now:
        raise Malformed("decided_at", gettext_noop("This time has not come yet."))

    @retrying
    def run() -> PrescriberDecision:
        row = fetch(appointment.pk)
        with locked(patients=[row.patient_id], days=days_of(row), now=now):
            row = _open(fresh(row, None))
            _question(row, code)
            found, _made = PrescriberDecision.objects.update_or_create(
                appointment=row,
                code=code,
                defaults={
                    "decision": decision,
                    "prescriber": prescriber.strip(),
                    "order_reference": order_reference.strip(),
                    "decided_at": decided_at,
                    "actor": actor.who,
                    "at": now,
                },
            )
            record.event(
                actor=actor,
                verb="prescriber-decision",
                subject=row,
                now=now,
                after={"question": code, "decision": decision},  # an order's number leads to her: erasable
            )
        return found

    return run()


def _check_may(actor: Actor) -> None:
    if not (actor.may("view-clinical") and actor.may("treat")):
        raise Forbidden(gettext_noop("This role does not do that."))


def _open(row: Appointment) -> Appointment:
    if row.status not in ("booked", "arrived", "checked-in"):
        raise Refused(
            [Refusal("transition_is_allowed", gettext_noop("This visit is over, so its checklist stays as it is."))]
        )
    return row


def _question(row: Appointment, code: str) -> None:
    known = row.protocol.checklist if row.protocol is not None else []
    if not any(question["code"] == code for question in known):
        raise Malformed("code", gettext_noop("This protocol does not ask that."))
