"""New places for bookings that lose theirs: planned together, the most urgent first, never two in one place.

Reads only, and takes no locks. The ground is the units as they would be after the change that is asked about;
services/closing.py checks every place again under its locks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from scheduler.domain import localtime
from scheduler.domain.errors import Refusal, gettext_noop
from scheduler.domain.intervals import Interval
from scheduler.domain.placement import Reason, Wishes
from scheduler.domain.rules import ChairFacts, DoseFact, Need, PatientFacts, Taken, UnitFacts
from scheduler.domain.staffing import Care
from scheduler.domain.watched import WatchedTime
from scheduler.models import Appointment, Unit
from scheduler.queries import needs
from scheduler.queries.facts import patient_facts
from scheduler.queries.nearby import DAYS_AROUND, nearest
from scheduler.queries.search import Ground, Slot, as_slot, candidates

OTHER_UNIT = 0.5  # what another unit costs, in days as placement counts: nearly the same time there beats tomorrow
SHIFT_STEP, MOST_SHIFT = 15, 60  # minutes by which a whole stay is shifted, and how far
_KEPT_REASONS = frozenset({"keeps_load_level"})
_NOBODY = PatientFacts()


@dataclass(frozen=True, slots=True)
class Step:
    """One booking at its new place."""

    appointment: Appointment
    slot: Slot


@dataclass(frozen=True, slots=True)
class Rehomed:
    """A booking, or the doses of one stay, with the new place: `steps` is empty where there is none inside the
    window. Then `why` says what stands against it and `nearest` are the nearest places outside."""

    appointments: tuple[Appointment, ...]
    steps: tuple[Step, ...] = ()
    reasons: tuple[Reason, ...] = ()
    why: tuple[Refusal, ...] = ()
    nearest: tuple[Slot, ...] = ()

    @property
    def first(self) -> Appointment:
        return self.appointments[0]


class Rehoming:
    """The units as they would be, and what was decided so far on top of them."""

    def __init__(
        self,
        units: Sequence[Unit],
        read: Callable[[Unit, Interval], UnitFacts],
        times: Iterable[datetime],
        now: datetime,
    ) -> None:
        """`times` are those of the bookings to be moved; `read` gives a unit as it would be over a span."""
        known = list(times)
        around = timedelta(days=DAYS_AROUND + 1)
        span = Interval(_hour(min(known) - around), _hour(max(known) + around))
        self._now = now
        self._units = {unit.pk: read(unit, span) for unit in units}

    def place(self, rows: Sequence[Appointment]) -> Rehomed:
        """Find a place for one booking or the doses of one stay, and keep it for them in what is planned next."""
        said = _stays_as_it_is(rows)
        if said is not None:
            return Rehomed(tuple(rows), why=(said,))
        if _keeps_chair(rows[0]):
            return self._stay(rows)
        row = rows[0]
        found = self.find(row)
        if found is None:
            return self._by_hand(row)
        self.take(Step(row, found))
        return Rehomed((row,), (Step(row, found),), _reasons(row, found, self._zone(row)))

    def find(self, row: Appointment) -> Slot | None:
        """The best place inside the booking's window (without one: on its day), its own unit before others."""
        need = needs.for_appointment(row)
        span = self._inside(row, need)
        best: tuple[float, Slot] | None = None
        for unit in self._in_order(row):
            where = self._ground(unit, row, need)
            cut = span.intersection(where.unit.span) if span is not None else None
            if cut is None:
                continue
            found = candidates(
                where,
                need,
                cut,
                wishes=Wishes(last_chair=row.chair_id),
                due=row.start,
                limit=1,
                to_the_minute=need.gap is not None and need.gap.counts_in == "minutes",
            )
            if found:
                cost = found[0].score + (OTHER_UNIT if unit != row.unit_id else 0)
                if best is None or cost < best[0]:
                    best = cost, as_slot(where, need, found[0])
        return best[1] if best is not None else None

    def take(self, step: Step) -> None:
        """The new place is taken from here on, and the nurses watch her there. Her old chair stays taken: who takes
        only some of the proposals shall find the others' places as they were."""
        row, slot = step.appointment, step.slot
        need = needs.for_appointment(row)
        proposal = Ground(self._units[slot.unit], patient=_NOBODY).proposal(need, slot.chair, slot.start)
        care = Care(proposal.care, slot.start, need.acuity)
        for pk in {row.unit_id, slot.unit} & self._units.keys():
            unit = self._units[pk]
            cares = WatchedTime.of(unit.cares).changed(without=row.pk, by=(row.pk, care) if pk == slot.unit else None)
            self._units[pk] = replace(unit, cares=cares)
        unit = self._units[slot.unit]
        taken = Taken(proposal.own_chair_time, None, need.course if need.keeps_chair else None)
        self._units[slot.unit] = replace(unit, taken=unit.taken.with_more(slot.chair.id, taken))  # type: ignore[attr-defined]  # facts reads it so

    def unit(self, pk: int) -> UnitFacts:
        return self._units[pk]

    def _inside(self, row: Appointment, need: Need) -> Interval | None:
        around = timedelta(days=DAYS_AROUND)
        window = need.window or localtime.day(localtime.local_date(row.start, self._zone(row)), self._zone(row))
        wide = Interval(row.start - around, row.start + around).intersection(window)
        ahead = Interval(self._now, row.start + around) if row.start + around > self._now else None
        return wide.intersection(ahead) if wide is not None and ahead is not None else None

    def _in_order(self, row: Appointment) -> list[int]:
        return sorted(self._units, key=lambda pk: pk != row.unit_id)

    def _ground(self, unit: int, row: Appointment, need: Need, ignoring: Iterable[int] = ()) -> Ground:
        facts = self._units[unit]
        patient = patient_facts(patient_id=row.patient_id, need=need, span=facts.span, now=self._now)
        return Ground(unit=facts, patient=patient, ignoring=frozenset([row.pk, *ignoring]))

    def _zone(self, row: Appointment) -> ZoneInfo:
        return (
            next(iter(self._units.values())).zone if row.unit_id not in self._units else self._units[row.unit_id].zone
        )

    def _by_hand(self, row: Appointment) -> Rehomed:
        need = needs.for_appointment(row)
        where = self._ground(row.unit_id, row, need)
        near = nearest(where, need, max(row.start, self._now), chair=row.chair_id, now=self._now)
        chair = where.unit.chairs.get(row.chair_id, _facts(row))
        why = tuple(where.refusals(need, chair, row.start)) or (_no_room(need.window is not None),)
        return Rehomed((row,), why=why, nearest=tuple(near))

    def _stay(self, rows: Sequence[Appointment]) -> Rehomed:
        """All doses in one other chair at their times, else all of them shifted by as much."""
        first = rows[0]
        said: tuple[Refusal, ...] = ()
        for minutes in _outward():
            for unit in self._in_order(first):
                for chair in self._units[unit].chairs.values():
                    refused = self._doses_refused(rows, unit, chair, timedelta(minutes=minutes))
                    if not refused:
                        return self._moved_stay(rows, unit, chair, timedelta(minutes=minutes))
                    if not said and unit == first.unit_id and chair.id != first.chair_id and chair.is_bed:
                        said = tuple(refused)
        return Rehomed(tuple(rows), why=said or (_no_room(has_window=True),))

    def _doses_refused(
        self, rows: Sequence[Appointment], unit: int, chair: ChairFacts, shift: timedelta
    ) -> list[Refusal]:
        wanted = [needs.for_appointment(row) for row in rows]
        facts = self._units[unit]
        doses = [
            Ground(facts, _NOBODY).proposal(need, chair, row.start + shift)
            for need, row in zip(wanted, rows, strict=True)
        ]
        stay = Interval(min(one.own_chair_time.start for one in doses), max(one.own_chair_time.end for one in doses))
        if doses[0].start < self._now or not facts.span.covers(stay):
            return [_no_room(has_window=True)]
        known = [row.pk for row in rows]
        for index, (need, row) in enumerate(zip(wanted, rows, strict=True)):
            where = self._ground(unit, row, need, known)
            for other, before in zip(wanted[:index], doses[:index], strict=True):
                where = where.with_dose(DoseFact(before.start, other.mg, "booked", center=facts.center))
            refused = where.refusals(need, chair, row.start + shift, stay=stay)
            if refused:
                return refused
        return []

    def _moved_stay(self, rows: Sequence[Appointment], unit: int, chair: ChairFacts, shift: timedelta) -> Rehomed:
        facts = self._units[unit]
        steps = tuple(
            Step(row, Slot(unit, facts.name, chair, row.start + shift, row.end + shift, 0.0, ())) for row in rows
        )
        for step in steps:
            self.take(step)
        between = Taken(Interval(steps[0].slot.start, steps[-1].slot.end), None, needs.for_appointment(rows[0]).course)
        facts = self._units[unit]
        self._units[unit] = replace(facts, taken=facts.taken.with_more(chair.id, between))  # type: ignore[attr-defined]
        return Rehomed(tuple(rows), steps, _reasons(rows[0], steps[0].slot, facts.zone))


def by_urgency(groups: Iterable[Sequence[Appointment]], now: datetime) -> list[Sequence[Appointment]]:
    """Who has least room goes first: those without a window (they are meant for that day), then by how long the
    window still lasts, then by start."""

    def room(rows: Sequence[Appointment]) -> tuple[bool, timedelta, datetime, int]:
        visit = rows[0].visit
        left = visit.window_end - now if visit is not None else timedelta()
        return not _keeps_chair(rows[0]), left, rows[0].start, rows[0].pk

    return sorted(groups, key=room)


def _keeps_chair(row: Appointment) -> bool:
    return row.visit is not None and row.visit.course.protocol.keeps_chair


def _stays_as_it_is(rows: Sequence[Appointment]) -> Refusal | None:
    """What has begun is not moved by a plan."""
    if any(row.actual_start is not None or row.phase or row.status == "fulfilled" for row in rows):
        if _keeps_chair(rows[0]):
            return Refusal("transition_is_allowed", gettext_noop("This stay has begun, so its doses stay where it is."))
        return Refusal("transition_is_allowed", gettext_noop("This visit has begun: she is there."))
    if rows[0].status == "pending":
        return Refusal("transition_is_allowed", gettext_noop("Somebody is booking this place just now."))
    return None


def _no_room(has_window: bool) -> Refusal:
    sentence = (
        gettext_noop("No place inside the window.") if has_window else gettext_noop("No other place on that day.")
    )
    return Refusal("window_is_kept", sentence, is_hard=False)


def _reasons(row: Appointment, slot: Slot, zone: ZoneInfo) -> tuple[Reason, ...]:
    kept = [reason for reason in slot.reasons if reason.code in _KEPT_REASONS]
    if slot.unit != row.unit_id:
        kept.insert(0, Reason("other_unit", gettext_noop("In {unit}."), {"unit": slot.unit_name}))
    elif slot.chair.id == row.chair_id:
        kept.insert(0, Reason("same_chair", gettext_noop("Same chair.")))
    return (_how_far(row.start, slot.start, zone), *kept)


def _how_far(was: datetime, becomes: datetime, zone: ZoneInfo) -> Reason:
    before, after = was.astimezone(zone), becomes.astimezone(zone)
    off = (after.date() - before.date()).days
    minutes = int((becomes - was).total_seconds() // 60)
    if off == 0 and minutes == 0:
        return Reason("same_time", gettext_noop("At the same time."))
    if off == 0:
        sentence = gettext_noop("{minutes} min later.") if minutes > 0 else gettext_noop("{minutes} min earlier.")
        return Reason("minutes_off", sentence, {"minutes": abs(minutes)})
    sentences = {
        (True, True): gettext_noop("{days} d later, same time."),
        (True, False): gettext_noop("{days} d later."),
        (False, True): gettext_noop("{days} d earlier, same time."),
        (False, False): gettext_noop("{days} d earlier."),
    }
    return Reason("days_off", sentences[off > 0, after.time() == before.time()], {"days": abs(off)})


def _outward() -> list[int]:
    """0, 15, -15, 30 ... minutes."""
    steps = range(SHIFT_STEP, MOST_SHIFT + 1, SHIFT_STEP)
    return [0, *(minutes * sign for minutes in steps for sign in (1, -1))]


def _facts(row: Appointment) -> ChairFacts:
    return ChairFacts(id=row.chair_id, name=row.chair.name, kind=row.chair.kind, is_active=row.chair.is_active)


def _hour(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
