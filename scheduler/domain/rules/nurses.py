"""Rules about the nurses: who watches the patient, and whose hands start the treatment. All soft."""

from __future__ import annotations

from scheduler.domain import localtime
from scheduler.domain.errors import Refusal, gettext_noop
from scheduler.domain.rules.situation import Proposal, Situation
from scheduler.domain.staffing import Care, Quarter, load

NOBODY = Quarter(nurses=0, patients=0, acuity=0)


def nurses_can_cover(proposal: Proposal, situation: Situation) -> Refusal | None:
    """In every quarter hour from preparation to the end of observation the nurses on the floor, breaks counted
    out, can watch one more patient of this acuity."""
    quarters = localtime.quarter_hours(proposal.care)
    loads = load(quarters, _cares(situation))
    for quarter in quarters:
        until = localtime.add_elapsed(quarter, 15)
        if not any(opening.start < until and quarter < opening.end for opening in situation.unit.open):
            continue  # nobody is there because it is closed: unit_is_open says so
        can, have = situation.unit.capacity.get(quarter, NOBODY), loads[quarter]
        facts = {
            "unit": situation.unit.name,
            "from": proposal.local(quarter),
            "until": f"{proposal.local(until):%H:%M}",
            "nurses": can.nurses,
            "patients": have.patients + 1,
            "patients_limit": can.patients,
            "acuity": have.acuity + proposal.need.acuity,
            "acuity_limit": can.acuity,
        }
        if can.nurses == 0:
            sentence = gettext_noop("No nurse is in {unit} from {from} to {until}.")
        elif have.patients + 1 > can.patients:
            sentence = gettext_noop(
                "From {from} to {until} this would be patient {patients}; the nurses can watch {patients_limit}."
            )
        elif have.acuity + proposal.need.acuity > can.acuity:
            sentence = gettext_noop(
                "From {from} to {until} this would make {acuity} points of acuity; the nurses can watch {acuity_limit}."
            )
        else:
            continue
        return Refusal("nurses_can_cover", sentence, facts, is_hard=False)
    return None


def nurse_can_start(proposal: Proposal, situation: Situation) -> Refusal | None:
    """A start needs a nurse's hands: one start per nurse in a quarter hour."""
    quarter = proposal.start.replace(minute=proposal.start.minute // 15 * 15, second=0, microsecond=0)
    can = situation.unit.capacity.get(quarter, NOBODY)
    starts = load([quarter], _cares(situation))[quarter].starts
    if starts + 1 <= can.nurses * situation.starts_per_nurse or can.nurses == 0:
        return None  # no nurse at all is nurses_can_cover's to say
    return Refusal(
        "nurse_can_start",
        gettext_noop("At {from} {starts} treatments start already, and {nurses} nurses are on the floor."),
        {"from": proposal.local(quarter), "starts": starts, "nurses": can.nurses},
        is_hard=False,
    )


def _cares(situation: Situation) -> list[Care]:
    return [care for appointment, care in situation.unit.cares if situation.counts(appointment)]
