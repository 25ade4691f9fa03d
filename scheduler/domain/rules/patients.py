"""Rules about the patient: her time and what she has been given. All hard.

They look at the doses and bookings before and after, over all her courses and centers.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from scheduler.domain.errors import Refusal, gettext_noop
from scheduler.domain.intervals import Interval
from scheduler.domain.protocols import RollingCap
from scheduler.domain.recurrence import distance, earliest_after, gap_kept
from scheduler.domain.rules.situation import DoseFact, Proposal, Situation, Taken

# All that a center may learn of a patient's business in another one (DESIGN section 1, "patient").
ELSEWHERE = gettext_noop("Another appointment at that time.")

_KINDS = {
    "given": "The dose given on",
    "elsewhere": "The dose taken at home or elsewhere on",
    "booked": "The dose booked for",
}


def patient_is_free(proposal: Proposal, situation: Situation) -> Refusal | None:
    """Nobody can be in two places; between the doses of a stay she is in her bed."""
    for taken in sorted(situation.patient.taken, key=lambda taken: taken.interval.start):
        own_stay = taken.stay is not None and taken.stay == proposal.need.course
        if own_stay or not situation.counts(taken.appointment) or not taken.interval.overlaps(_hers(proposal, taken)):
            continue
        if taken.center != proposal.center:
            return Refusal("patient_is_free", ELSEWHERE)
        return Refusal(
            "patient_is_free",
            gettext_noop("The patient has a stay from {from} until {until}.")
            if taken.stay is not None
            else gettext_noop("The patient has another visit from {from} until {until}."),
            {"from": proposal.local(taken.interval.start), "until": proposal.local(taken.interval.end)},
        )
    return None


def _hers(proposal: Proposal, taken: Taken) -> Interval:
    """The patient's time that the proposal asks for: all of its stay, except among the doses of that stay."""
    if proposal.stay is None or (taken.course is not None and taken.course == proposal.need.course):
        return proposal.care
    return proposal.stay


def interval_is_kept(proposal: Proposal, situation: Situation) -> Refusal | None:
    """Between two doses of one substance lies at least the protocol's minimum interval; equality is allowed."""
    gap = proposal.need.gap
    if gap is None or not gap.at_least or not proposal.need.substance:
        return None
    near = [
        dose
        for dose in _others(situation)
        if not gap_kept(gap, min(dose.at, proposal.start), max(dose.at, proposal.start), proposal.zone)
    ]
    if not near:
        return None
    nearest = min(near, key=lambda dose: abs(dose.at - proposal.start))
    if _is_foreign(nearest, proposal):
        return Refusal("interval_is_kept", ELSEWHERE)
    first, second = min(nearest.at, proposal.start), max(nearest.at, proposal.start)
    facts = {
        "which": _KINDS[nearest.kind],
        "dose": proposal.local(nearest.at),
        "apart": _apart(gap.counts_in, distance(gap.counts_in, first, second, proposal.zone)),
        "at_least": _apart(gap.counts_in, gap.at_least),
    }
    if nearest.at > proposal.start:
        return Refusal(
            "interval_is_kept",
            gettext_noop("{which} {dose} is only {apart} after this one. At least {at_least} must lie between doses."),
            facts,
        )
    earliest = max(earliest_after(gap, dose.at, proposal.zone) for dose in near if dose.at <= proposal.start)
    return Refusal(
        "interval_is_kept",
        gettext_noop(
            "{which} {dose} is only {apart} before this one. At least {at_least} must lie between doses, "
            "so not before {earliest}."
        ),
        facts | {"earliest": proposal.local(earliest)},
    )


def rolling_cap_is_kept(proposal: Proposal, situation: Situation) -> Refusal | None:
    """No window of a cap's length holds more doses, or more mg, than the cap. What a label's cap forbids and a
    prescriber orders all the same needs the attestation on the course."""
    if not proposal.need.substance:
        return None
    for cap in proposal.need.caps:
        if cap.attestable and proposal.need.order.is_attested:
            continue
        refusal = _over(cap, proposal, situation)
        if refusal is not None:
            return refusal
    return None


def _over(cap: RollingCap, proposal: Proposal, situation: Situation) -> Refusal | None:
    length = timedelta(minutes=cap.within_minutes)
    this = DoseFact(at=proposal.start, mg=proposal.need.mg, kind="booked")
    doses = sorted([*_others(situation), this], key=lambda dose: dose.at)
    for opening in doses:
        if not opening.at <= this.at < opening.at + length:
            continue
        inside = [dose for dose in doses if opening.at <= dose.at < opening.at + length]
        total = _total(cap, inside)
        if total <= cap.limit:
            continue
        others = [dose for dose in inside if dose is not this]
        if any(_is_foreign(dose, proposal) for dose in others):
            return Refusal("rolling_cap_is_kept", ELSEWHERE)
        return _cap_refusal(cap, proposal, total, others, opening.at + length)
    return None


def _cap_refusal(
    cap: RollingCap, proposal: Proposal, total: Decimal, others: Sequence[DoseFact], free_again: datetime
) -> Refusal:
    facts = {
        "within": _apart("minutes", cap.within_minutes),
        "total": f"{total.normalize():f}",
        "limit": f"{cap.limit.normalize():f}",
        "doses": ", ".join(f"{proposal.local(dose.at):%a %d %b %H:%M}" for dose in others),
        "dose_kinds": [dose.kind for dose in others],
        "free_again": proposal.local(free_again),
        "needs_attestation": cap.attestable,
    }
    if cap.counts == "doses":
        sentence = gettext_noop(
            "This would be dose {total} within {within}; at most {limit} are allowed. It clashes with: {doses}."
        )
    elif not others and not cap.attestable:
        sentence = gettext_noop("One dose of {total} mg is over the limit of {limit} mg within {within}.")
    elif not others:
        sentence = gettext_noop(
            "One dose of {total} mg is over the label's {limit} mg within {within}. "
            "With the prescriber's attestation on the course it can be booked."
        )
    elif cap.attestable:
        sentence = gettext_noop(
            "{total} mg within {within} is over the label's {limit} mg, counting: {doses}. "
            "With the prescriber's attestation on the course it can be booked."
        )
    else:
        sentence = gettext_noop("{total} mg within {within} is over the limit of {limit} mg, counting: {doses}.")
    return Refusal("rolling_cap_is_kept", sentence, facts)


def _total(cap: RollingCap, doses: Sequence[DoseFact]) -> Decimal:
    return Decimal(len(doses)) if cap.counts == "doses" else sum((dose.mg for dose in doses), Decimal(0))


def _others(situation: Situation) -> list[DoseFact]:
    return [dose for dose in situation.patient.doses if situation.counts(dose.appointment)]


def _is_foreign(dose: DoseFact, proposal: Proposal) -> bool:
    return dose.center is not None and dose.center != proposal.center


def _apart(counts_in: str, amount: int) -> str:
    if counts_in == "days":
        return f"{amount} days"
    hours, minutes = divmod(amount, 60)
    if hours >= 48 and not minutes and not hours % 24:
        return f"{hours // 24} days"
    return f"{hours} h {minutes:02}" if minutes else f"{hours} hours"
