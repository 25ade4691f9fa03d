"""Rules about the visit itself: its window, the order, the authorisation. All soft."""

from __future__ import annotations

from scheduler.domain import localtime
from scheduler.domain.errors import Refusal, gettext_noop
from scheduler.domain.rules.situation import Proposal, Situation


def window_is_kept(proposal: Proposal, situation: Situation) -> Refusal | None:
    """A dose is given near the time it is due."""
    window = proposal.need.window
    if window is None or window.contains(proposal.start):
        return None
    return Refusal(
        "window_is_kept",
        gettext_noop("This visit is due on {due}. Its window is from {from} until {until}."),
        {
            "due": proposal.local(proposal.need.due or window.start),
            "from": proposal.local(window.start),
            "until": proposal.local(localtime.add_elapsed(window.end, -1)),  # the last minute inside
        },
        is_hard=False,
    )


def order_is_valid(proposal: Proposal, situation: Situation) -> Refusal | None:
    """The prescriber's order covers the local day of the visit."""
    order, day = proposal.need.order, localtime.local_date(proposal.start, proposal.zone)
    if order.order_until is not None and day > order.order_until:
        return Refusal(
            "order_is_valid",
            gettext_noop("The order ends on {until}, before this visit."),
            {"until": order.order_until},
            is_hard=False,
        )
    if order.order_from is not None and day < order.order_from:
        return Refusal(
            "order_is_valid",
            gettext_noop("The order begins on {from}, after this visit."),
            {"from": order.order_from},
            is_hard=False,
        )
    return None


def authorization_is_valid(proposal: Proposal, situation: Situation) -> Refusal | None:
    """The payer's authorisation covers the local day, and the number of the visit."""
    order, day = proposal.need.order, localtime.local_date(proposal.start, proposal.zone)
    if order.authorization_until is not None and day > order.authorization_until:
        return Refusal(
            "authorization_is_valid",
            gettext_noop("The authorisation ends on {until}, before this visit."),
            {"until": order.authorization_until},
            is_hard=False,
        )
    if order.authorization_from is not None and day < order.authorization_from:
        return Refusal(
            "authorization_is_valid",
            gettext_noop("The authorisation begins on {from}, after this visit."),
            {"from": order.authorization_from},
            is_hard=False,
        )
    ordinal, visits = proposal.need.ordinal, order.authorization_visits
    if visits is not None and ordinal is not None and ordinal > visits:
        return Refusal(
            "authorization_is_valid",
            gettext_noop("{visits} visits are authorised, and this is visit {ordinal}."),
            {"visits": visits, "ordinal": ordinal},
            is_hard=False,
        )
    return None
