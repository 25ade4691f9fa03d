"""The oracle's own reading of the rules (DESIGN section 2), by brute force over minutes and quarter hours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from tests.stateful.picture import MINUTE, OPEN, Booking, Picture, overlap
from tests.stateful.world import Place, Therapy, World

QUARTER = timedelta(minutes=15)
HARD = frozenset(
    {
        "chair_is_free",
        "patient_is_free",
        "unit_is_open",
        "chair_is_suitable",
        "interval_is_kept",
        "rolling_cap_is_kept",
    }
)
SOFT = frozenset({"window_is_kept", "nurses_can_cover", "nurse_can_start", "order_is_valid", "authorization_is_valid"})


@dataclass(frozen=True, slots=True)
class Asked:
    """A booking as it would stand, and the therapy whose rules it must keep."""

    booking: Booking
    therapy: Therapy
    mg: Decimal
    window: tuple[datetime, datetime] | None = None


def asked(world: World, picture: Picture, row: Booking) -> Asked:
    """With what the picture knows of its visit, course and protocol."""
    visit = picture.visits[row.visit] if row.visit is not None else None
    course = picture.courses[visit.course] if visit is not None else None
    protocol = course.protocol if course is not None else row.protocol
    therapy = world.therapies[protocol] if protocol is not None else Therapy("", 1)
    mg = course.mg if course is not None and course.mg is not None else therapy.mg
    return Asked(row, therapy, mg, (visit.first, visit.until) if visit is not None else None)


def broken(world: World, picture: Picture, one: Asked, *, ignoring: frozenset[int] = frozenset()) -> set[str]:
    """Names of the rules that this booking breaks among the other live ones; `ignoring` are about to leave."""
    others = [row for row in picture.live(ignoring) if row.pk != one.booking.pk]
    stays = picture.stays(ignoring | {one.booking.pk})
    found = set()
    if not _chair_is_free(one, others, stays):
        found.add("chair_is_free")
    if not _patient_is_free(one, others, stays):
        found.add("patient_is_free")
    if not _is_open(world, one, stays):
        found.add("unit_is_open")
    if not _is_suitable(world, one, stays):
        found.add("chair_is_suitable")
    if one.therapy.substance:
        doses = _doses(world, picture, one, others, ignoring)
        if not _interval_is_kept(world, one, doses):
            found.add("interval_is_kept")
        if not _caps_are_kept(picture, one, doses):
            found.add("rolling_cap_is_kept")
    return found | _soft(world, picture, one, others)


Stays = dict[int, tuple[int, datetime, datetime]]


def _span(one: Asked, stays: Stays) -> tuple[datetime, datetime]:
    """The time its chair is kept: for a dose of a stay, the whole stay as it then is."""
    row = one.booking
    first, until = row.chair_from, row.chair_until
    if row.stay is not None and row.stay in stays:
        first, until = min(first, stays[row.stay][1]), max(until, stays[row.stay][2])
    return first, until


def _chair_is_free(one: Asked, others: list[Booking], stays: Stays) -> bool:
    first, until = _span(one, stays)
    taken = [(row.chair, row.chair_from, row.chair_until) for row in others if row.stay is None]
    taken += [stay for course, stay in stays.items() if course != one.booking.stay]
    return not any(chair == one.booking.chair and overlap(first, until, f, u) for chair, f, u in taken)


def _patient_is_free(one: Asked, others: list[Booking], stays: Stays) -> bool:
    me = one.booking
    if me.patient is None:
        return True
    hers = [row for row in others if row.patient == me.patient]
    if any(overlap(me.chair_from, me.care_until, row.chair_from, row.care_until) for row in hers):
        return False
    # During a stay she is nowhere else, whichever of the two was there first.
    own_first, own_until = _span(one, stays)
    for row in hers:
        if row.stay is not None and row.stay != me.stay:
            _, first, until = stays[row.stay]
            if overlap(me.chair_from, me.care_until, first, until):
                return False
        is_other = me.stay is not None and row.stay != me.stay
        if is_other and overlap(own_first, own_until, row.chair_from, row.care_until):
            return False
    return True


def is_open(place: Place, moment: datetime, chair: int | None) -> bool:
    """Whether the unit takes people in this minute, and that chair (None: the unit as a whole)."""
    if any(first <= moment < until for first, until, which in place.closed if which == chair and which is not None):
        return False
    if any(first <= moment < until for first, until in place.extra):
        return True
    if any(first <= moment < until for first, until, which in place.closed if which is None):
        return False
    local = moment.astimezone(place.zone)
    opens, closes = place.hours.get(local.weekday(), (0, 0))
    return opens <= local.hour * 60 + local.minute < closes


def _is_open(world: World, one: Asked, stays: Stays) -> bool:
    place = world.place_of(one.booking.chair)
    moment, until = _span(one, stays)
    while moment < until:
        if not is_open(place, moment, one.booking.chair):
            return False
        moment += MINUTE
    return True


def _is_suitable(world: World, one: Asked, stays: Stays) -> bool:
    row = one.booking
    if one.therapy.needs_bed and row.chair not in world.beds:
        return False
    return row.stay is None or row.stay not in stays or stays[row.stay][0] == row.chair


Doses = list[tuple[datetime, Decimal]]


def _doses(world: World, picture: Picture, one: Asked, others: list[Booking], ignoring: frozenset[int]) -> Doses:
    """Her other doses of the substance: given, and booked or running. Nobody has none."""
    if one.booking.patient is None:
        return []
    found = [
        (dose.at, dose.mg)
        for dose in picture.doses.values()
        if dose.counts
        and dose.patient == one.booking.patient
        and dose.substance == one.therapy.substance
        and (dose.booking is None or dose.booking not in ignoring | {one.booking.pk})
    ]
    for row in others:
        if row.patient != one.booking.patient or row.status not in OPEN or row.protocol is None:
            continue
        if world.therapies[row.protocol].substance == one.therapy.substance:
            found.append((row.began or row.start, asked(world, picture, row).mg))
    return found


def _interval_is_kept(world: World, one: Asked, doses: Doses) -> bool:
    zone = world.place_of(one.booking.chair).zone
    here = one.booking.start
    for at, _ in doses:
        if one.therapy.counts_in == "days":
            apart = abs((at.astimezone(zone).date() - here.astimezone(zone).date()).days)
        else:
            apart = int(abs(at - here) / MINUTE)
        if apart < one.therapy.gap:
            return False
    return True


def _caps_are_kept(picture: Picture, one: Asked, doses: Doses) -> bool:
    row = one.booking
    course = picture.courses[picture.visits[row.visit].course] if row.visit is not None else None
    every = sorted([*doses, (row.start, one.mg)])
    for cap in one.therapy.caps:
        if cap.attestable and course is not None and course.attested:
            continue
        length = timedelta(minutes=cap.minutes)
        for opening, _ in every:
            inside = [mg for at, mg in every if opening <= at < opening + length]
            total = Decimal(len(inside)) if cap.counts == "doses" else sum(inside, Decimal(0))
            if total > cap.limit and opening <= row.start < opening + length:
                return False
    return True


def _soft(world: World, picture: Picture, one: Asked, others: list[Booking]) -> set[str]:
    row, found = one.booking, set()
    if one.window is not None and not one.window[0] <= row.start < one.window[1]:
        found.add("window_is_kept")
    if row.visit is not None:
        until = picture.courses[picture.visits[row.visit].course].authorized_until
        if until is not None and row.start.astimezone(world.place_of(row.chair).zone).date() > until:
            found.add("authorization_is_valid")
    return found | _nurses(world.place_of(row.chair), row, [other for other in others if other.unit == row.unit])


def _nurses(place: Place, row: Booking, others: list[Booking]) -> set[str]:
    found, quarter = set(), _quarter(row.chair_from)
    while quarter < row.care_until:
        _, patients, acuity = nurses_at(place, quarter)
        there = [o for o in others if overlap(quarter, quarter + QUARTER, o.chair_from, o.care_until)]
        is_too_much = len(there) + 1 > patients or sum(o.acuity for o in there) + row.acuity > acuity
        if is_too_much and is_open(place, quarter, None):
            found.add("nurses_can_cover")
        quarter += QUARTER
    hands = nurses_at(place, _quarter(row.start))[0]
    if hands and sum(_quarter(o.start) == _quarter(row.start) for o in others) + 1 > hands:
        found.add("nurse_can_start")
    return found


def nurses_at(place: Place, quarter: datetime) -> tuple[int, int, int]:
    """Nurses, patients and acuity that can be watched in a whole quarter hour: the published shifts of its day, or
    the pattern of its weekday."""
    local = quarter.astimezone(place.zone)
    if local.date() not in place.published:
        opens, closes = place.hours.get(local.weekday(), (0, 0))
        return place.pattern if opens <= local.hour * 60 + local.minute < closes else (0, 0, 0)
    there = [staff for staff in place.shifts.values() if staff.start <= quarter and quarter + QUARTER <= staff.end]
    return sum(s.nurses for s in there), sum(s.patients for s in there), sum(s.acuity for s in there)


def _quarter(moment: datetime) -> datetime:
    return moment.replace(minute=moment.minute // 15 * 15, second=0, microsecond=0)


def overlaps(picture: Picture) -> list[tuple[str, int, int]]:
    """Promise 1 by the picture's own rows: pairs of bookings (or stays) that share a chair or a patient."""
    chairs = [(row.chair, row.chair_from, row.chair_until, row.pk) for row in picture.live() if row.stay is None]
    chairs += [(chair, first, until, -course) for course, (chair, first, until) in picture.stays().items()]
    people = [(r.patient, r.chair_from, r.care_until, r.pk) for r in picture.live() if r.patient is not None]
    found = []
    for what, rows in (("chair", chairs), ("patient", people)):
        # Sorted by whose and from: who is next to somebody that lasts longer is found on the way.
        for one, other in pairwise(sorted(rows)):
            if one[0] == other[0] and overlap(one[1], one[2], other[1], other[2]):
                found.append((what, one[3], other[3]))
    return found
