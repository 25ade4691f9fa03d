"""Who was noted away and could still come back: her shifts as they were, from the event that took them. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.dateparse import parse_datetime

from scheduler.models import Event, Nurse, Shift

NOTED, BACK = "note-absence", "end-absence"
REACH = timedelta(hours=48)  # a shift lasts at most a day, and a manager may note tomorrow's


@dataclass(frozen=True, slots=True)
class Pause:
    """A break `[start, end)` (UTC) and the id of the nurse who covers it."""

    start: datetime
    end: datetime
    covered_by: int | None


@dataclass(frozen=True, slots=True)
class Taken:
    """A shift `[start, end)` (UTC) as it was before it was ended at `since` or removed."""

    pk: int
    unit: int
    start: datetime
    end: datetime
    patients: int
    acuity: int
    breaks: tuple[Pause, ...]


@dataclass(frozen=True, slots=True)
class Away:
    """`noted` is the id of the event that took her off; `moved` how many visits went to another place with it."""

    noted: int
    nurse: Nurse
    since: datetime
    reason: str
    moved: int
    shifts: tuple[Taken, ...]


def remembered(shift: Shift) -> dict[str, Any]:
    """The shift as the event of an absence keeps it: ids and times only."""
    return {
        "shift": shift.pk,
        "unit": shift.unit_id,
        "start": shift.starts_at,
        "end": shift.ends_at,
        "patients": shift.patients,
        "acuity": shift.acuity,
        "breaks": [[pause.starts_at, pause.ends_at, pause.covered_by_id] for pause in shift.breaks.all()],
    }


def away(center: int, now: datetime) -> list[Away]:
    """Absences of the center that nobody has taken back, with shifts that would not be over yet; the latest first."""
    events = list(
        Event.objects.filter(center_id=center, subject="nurse", verb__in=(NOTED, BACK), at__gt=now - REACH).order_by(
            "-pk"
        )
    )
    over = {event.after["noted"] for event in events if event.verb == BACK}
    noted = [event for event in events if event.verb == NOTED and event.pk not in over]
    nurses = Nurse.objects.select_related("center").filter(is_active=True).in_bulk({one.subject_id for one in noted})
    found = []
    for event in noted:
        shifts = tuple(shift for each in event.after.get("were", ()) if (shift := _taken(each)).end > now)
        if shifts and event.subject_id in nurses:
            found.append(
                Away(
                    event.pk, nurses[event.subject_id], _moment(event.after["since"]), event.reason,
                    len(event.after.get("moved", ())), shifts,
                )
            )  # fmt: skip
    return found


def _taken(kept: dict[str, Any]) -> Taken:
    pauses = tuple(Pause(_moment(start), _moment(end), nurse) for start, end, nurse in kept["breaks"])
    return Taken(
        kept["shift"],
        kept["unit"],
        _moment(kept["start"]),
        _moment(kept["end"]),
        kept["patients"],
        kept["acuity"],
        pauses,
    )


def _moment(text: str) -> datetime:
    moment = parse_datetime(text)
    assert moment is not None  # written by the encoder of events
    return moment
