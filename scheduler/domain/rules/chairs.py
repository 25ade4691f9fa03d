"""Rules about the place: its chair, its suitability, the unit's hours. All hard."""

from __future__ import annotations

from datetime import datetime

from scheduler.domain import localtime
from scheduler.domain.errors import Refusal, gettext_noop
from scheduler.domain.intervals import Interval, subtract
from scheduler.domain.rules.situation import Proposal, Situation


def chair_is_free(proposal: Proposal, situation: Situation) -> Refusal | None:
    """Two people cannot sit in one chair; prep before, observation and cleaning after belong to a visit."""
    clashing = [
        taken
        for taken in situation.unit.taken.get(proposal.chair.id, ())
        if taken.interval.overlaps(proposal.chair_time)
        and situation.counts(taken.appointment)
        and not (taken.stay is not None and taken.stay == proposal.need.course)
    ]
    if not clashing:
        return None
    first = min(clashing, key=lambda taken: taken.interval.start)
    return Refusal(
        "chair_is_free",
        gettext_noop("{chair} is kept for another patient's stay until {until}.")
        if first.stay is not None
        else gettext_noop("{chair} is taken from {from} until {until} by another visit and its cleaning."),
        {
            "chair": proposal.chair.name,
            "from": proposal.local(first.interval.start),
            "until": proposal.local(first.interval.end),
        },
    )


def chair_is_suitable(proposal: Proposal, situation: Situation) -> Refusal | None:
    """A chair out of service takes nobody, and who must lie down needs a bed."""
    chair = proposal.chair
    if not chair.is_active:
        return Refusal("chair_is_suitable", gettext_noop("{chair} is out of service."), {"chair": chair.name})
    if proposal.need.needs_bed and not chair.is_bed:
        return Refusal(
            "chair_is_suitable",
            gettext_noop("This treatment needs a bed, and {chair} is a recliner."),
            {"chair": chair.name, "kind": chair.kind},
        )
    return None


def unit_is_open(proposal: Proposal, situation: Situation) -> Refusal | None:
    """Prep, treatment, observation and cleaning all lie within opening hours, outside every closure."""
    unit = situation.unit
    closed = _first_closed(proposal, situation, proposal.own_chair_time) or _first_closed(
        proposal, situation, proposal.chair_time
    )
    if closed is None:
        return None
    closure = next(
        (
            closure
            for closure in unit.closed
            if closure.chair in (None, proposal.chair.id) and closure.interval.overlaps(closed)
        ),
        None,
    )
    if closure is not None:
        return Refusal(
            "unit_is_open",
            gettext_noop("{place} is closed from {from} until {until}: {reason}."),
            {
                "place": unit.name if closure.chair is None else proposal.chair.name,
                "from": proposal.local(closure.interval.start),
                "until": proposal.local(closure.interval.end),
                "reason": closure.reason,
            },
        )
    return _outside_hours(proposal, situation, closed)


def _first_closed(proposal: Proposal, situation: Situation, wanted: Interval) -> Interval | None:
    holes = [closure.interval for closure in situation.unit.closed if closure.chair == proposal.chair.id]
    gaps = subtract([wanted], subtract(situation.unit.open, holes))
    return gaps[0] if gaps else None


def _outside_hours(proposal: Proposal, situation: Situation, closed: Interval) -> Refusal:
    unit, wanted = situation.unit, proposal.own_chair_time
    around = [opening for opening in unit.open if opening.contains(proposal.start)]
    if proposal.stay is not None and any(opening.covers(wanted) for opening in around):
        return Refusal(
            "unit_is_open",
            gettext_noop("The stay lasts from {from} until {until}; {unit} is closed at {closed}."),
            {
                "from": proposal.local(proposal.stay.start),
                "until": proposal.local(proposal.stay.end),
                "closed": proposal.local(closed.start),
                "unit": unit.name,
            },
        )
    is_cleaning = proposal.care.end <= closed.start  # she has left by then
    leaves = proposal.local(wanted.end if is_cleaning else proposal.care.end)
    if around and closed.start == around[0].end and around[0].covers(Interval(wanted.start, closed.start)):
        return Refusal(
            "unit_is_open",
            gettext_noop("From {start} the chair would be ready again at {end}; {unit} closes at {closes}.")
            if is_cleaning
            else gettext_noop("From {start} it would end at {end}; {unit} closes at {closes}."),
            {
                "start": proposal.local(proposal.start),
                "end": f"{leaves:%H:%M}",
                "closes": f"{proposal.local(closed.start):%H:%M}",
                "unit": unit.name,
            },
        )
    if around:
        return Refusal(
            "unit_is_open",
            gettext_noop("Preparation would begin at {begins}; {unit} opens at {opens}."),
            {
                "begins": proposal.local(wanted.start),
                "opens": f"{proposal.local(around[0].start):%H:%M}",
                "unit": unit.name,
            },
        )
    hours = _hours_that_day(proposal, situation)
    return Refusal(
        "unit_is_open",
        gettext_noop("{unit} is closed at {start}; that day it is open {hours}.")
        if hours
        else gettext_noop("{unit} is closed all day on {day}."),
        {
            "unit": unit.name,
            "start": proposal.local(proposal.start),
            "day": proposal.local(proposal.start).date(),
            "hours": hours,
        },
    )


def _hours_that_day(proposal: Proposal, situation: Situation) -> str:
    today = localtime.local_date(proposal.start, proposal.zone)
    return ", ".join(
        f"{proposal.local(opening.start):%H:%M}-{_closing(proposal, opening.end)}"
        for opening in situation.unit.open
        if localtime.local_date(opening.start, proposal.zone) == today
    )


def _closing(proposal: Proposal, moment: datetime) -> str:
    clock = f"{proposal.local(moment):%H:%M}"
    return "24:00" if clock == "00:00" else clock
