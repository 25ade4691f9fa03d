"""Small situations for the rules: one chair, one patient, one Monday, as plain values."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from scheduler.domain.intervals import Interval
from scheduler.domain.protocols import Lengths, RollingCap
from scheduler.domain.recurrence import Gap
from scheduler.domain.rules import ChairFacts, DoseFact, Need, PatientFacts, Proposal, Situation, Taken, UnitFacts
from scheduler.domain.staffing import Care, Quarter

NEW_YORK = ZoneInfo("America/New_York")
HERE, ELSEWHERE = 1, 2  # centers
CHAIR = ChairFacts(id=1, name="Chair 1", kind="recliner")
BED = ChairFacts(id=2, name="Bed 2", kind="bed")


def ny(text: str) -> datetime:
    """ny("2026-11-30 10:00") on New York's clock (the first of two)."""
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).astimezone(ZoneInfo("UTC"))


def between(start: str, end: str) -> Interval:
    return Interval(ny(start), ny(end))


def clock(hhmm: str) -> datetime:
    """A time on Monday 30 November 2026."""
    return ny(f"2026-11-30 {hhmm}")


def on_monday(start: str, end: str) -> Interval:
    return Interval(clock(start), clock(end))


OPEN = on_monday("08:00", "18:00")


def need(**values: Any) -> Need:
    """60 minutes of treatment without anything around it."""
    lengths = values.pop("lengths", (0, 60, 0, 0))
    return Need(lengths=Lengths(*lengths), **values)


def dhe(**values: Any) -> Need:
    """DHE as DESIGN section 6 has it: at least 7 h apart, 3 within 23 h, and the label's caps in mg."""
    return need(
        **{
            "lengths": (35, 60, 30, 0),
            "substance": "dihydroergotamine",
            "mg": Decimal("0.5"),
            "gap": Gap("minutes", 7 * 60),
            "caps": (
                RollingCap("doses", Decimal(3), 23 * 60, attestable=False, source="policy"),
                RollingCap("mg", Decimal(2), 24 * 60, attestable=True, source="label"),
                RollingCap("mg", Decimal(6), 7 * 24 * 60, attestable=True, source="label"),
            ),
            **values,
        }
    )


def dose(at: datetime, mg: str = "0.5", kind: str = "given", **values: Any) -> DoseFact:
    return DoseFact(at=at, mg=Decimal(mg), kind=kind, **{"center": HERE, **values})  # type: ignore[arg-type]


def taken(interval: Interval, **values: Any) -> Taken:
    return Taken(interval, **{"appointment": 77, "center": HERE, **values})


def staffed(interval: Interval, nurses: int = 2, patients: int = 8, acuity: int = 16) -> dict[datetime, Quarter]:
    found, quarter = {}, interval.start
    while quarter < interval.end:
        found[quarter] = Quarter(nurses, patients, acuity)
        quarter += timedelta(minutes=15)
    return found


def care(start: datetime, minutes: int = 60, acuity: int = 1, appointment: int = 88) -> tuple[int, Care]:
    return appointment, Care(Interval(start, start + timedelta(minutes=minutes)), start, acuity)


def situation(*, patient: PatientFacts | None = None, ignoring=(), starts_per_nurse: int = 1, **unit: Any) -> Situation:
    """The day suite, open 08-18, staffed, empty; `unit` replaces facts of it."""
    facts = UnitFacts(
        id=1,
        name="Day suite",
        center=HERE,
        zone=NEW_YORK,
        span=Interval(clock("00:00"), clock("00:00") + timedelta(days=2)),
        open=(OPEN,),
        closed=(),
        chairs={CHAIR.id: CHAIR, BED.id: BED},
        taken={},
        capacity=staffed(OPEN),
        cares=(),
    )
    return Situation(
        unit=replace(facts, **unit),
        patient=patient or PatientFacts(),
        ignoring=frozenset(ignoring),
        starts_per_nurse=starts_per_nurse,
    )


def proposal(at: datetime, wanted: Need | None = None, chair: ChairFacts = CHAIR, **values: Any) -> Proposal:
    return Proposal(need=wanted or need(), chair=chair, start=at, zone=NEW_YORK, center=HERE, **values)
