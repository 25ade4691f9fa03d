"""The page of who watches whom in words, columns and a picture of each nurse's load."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from zoneinfo import ZoneInfo

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from scheduler.domain import watching
from scheduler.domain.quarters import QUARTER
from scheduler.domain.watching import Quarter, Watcher
from scheduler.models import Appointment, Assignment, Nurse, Shift
from scheduler.queries.assignments import SharedDay, care_time
from scheduler.queries.words import dose_words
from scheduler.web import words
from scheduler.web.glyphs import glyph
from scheduler.web.states import State, state_of

HEIGHT = 40.0
TALLEST = 34.0


@dataclass(frozen=True, slots=True)
class Card:
    appointment: Appointment
    time: str
    until: str
    what: str
    state: State
    glyph: SafeString
    is_by_hand: bool
    is_left: bool
    is_over: bool


@dataclass(frozen=True, slots=True)
class Bar:
    x: str
    y: str
    height: str
    css: str


@dataclass(frozen=True, slots=True)
class Picture:
    """Ready to draw in a box as many units wide as there are quarter hours; `label` says it in words."""

    quarters: int
    bars: tuple[Bar, ...]
    limit: str
    label: str


@dataclass(frozen=True, slots=True)
class Column:
    nurse: Nurse
    hours: str
    pauses: tuple[str, ...]
    count: str
    cards: tuple[Card, ...]
    picture: Picture | None
    over: str

    @property
    def is_here(self) -> bool:
        return bool(self.hours)


@dataclass(frozen=True, slots=True)
class Change:
    appointment: Appointment
    time: str
    before: str
    after: str
    field: str


@dataclass(frozen=True, slots=True)
class Preview:
    """`counts` such as Mara 9, Ines 8; `changes` take a patient from somebody, `added` had nobody."""

    counts: str
    changes: tuple[Change, ...]
    added: tuple[Change, ...]
    nobody: tuple[Change, ...]

    @property
    def is_empty(self) -> bool:
        return not (self.changes or self.added)


def columns(day: SharedDay, now: datetime) -> list[Column]:
    """One for each nurse who is there or watches somebody, by name."""
    loads = day.loads()
    by_nurse = {watcher.nurse: watcher for watcher in day.watchers}
    left = {row.pk for row in day.left_alone()}
    found = []
    for nurse in day.nurses:
        own = [row for row in day.appointments if _nurse_of(day, row) == nurse.pk]
        watcher, shifts = by_nurse.get(nurse.pk), day.shifts.get(nurse.pk, ())
        quarters = _shown(day, loads.get(nurse.pk, []))
        found.append(
            Column(
                nurse=nurse,
                hours=", ".join(_span(shift.starts_at, shift.ends_at, _zone(day)) for shift in shifts),
                pauses=tuple(_pause(day, shift, by_nurse) for shift in shifts if shift.breaks.all()),
                count=_count(own),
                cards=tuple(_card(day, row, now, is_left=row.pk in left) for row in own),
                picture=_picture(nurse, watcher, quarters, now) if watcher is not None else None,
                over=_overs(watcher, quarters, _zone(day)) if watcher is not None else "",
            )
        )
    return found


def unassigned(day: SharedDay, now: datetime) -> list[Card]:
    """What is over and was nobody's is nobody's any more."""
    cards = [_card(day, row, now) for row in day.appointments if row.pk not in day.assigned]
    return [card for card in cards if not card.is_over]


def preview(day: SharedDay, *, is_anew: bool) -> Preview:
    found = day.suggestion(is_anew=is_anew)
    names = {nurse.pk: nurse.name for nurse in day.nurses}
    before = {task.key: task.nurse for task in day.tasks}
    rows = {row.pk: row for row in day.appointments}
    lines = [
        Change(
            appointment=rows[key],
            time=words.clock(rows[key].start.astimezone(_zone(day))),
            before=names.get(before[key] or 0, ""),
            after=names.get(nurse or 0, ""),
            field=f"{key}:{nurse or 0}:{before[key] or 0}",
        )
        for key, nurse in found.nurses.items()
        if nurse != before[key] or nurse is None
    ]
    total = Counter(nurse for nurse in found.nurses.values() if nurse is not None)
    counts = ", ".join(
        ngettext("%(name)s %(count)s patient", "%(name)s %(count)s patients", total[nurse.pk])
        % {"name": nurse.name, "count": total[nurse.pk]}
        for nurse in day.nurses
        if nurse.pk in day.shifts
    )
    return Preview(
        counts=counts,
        changes=tuple(line for line in lines if line.before and line.after),
        added=tuple(line for line in lines if line.after and not line.before),
        nobody=tuple(line for line in lines if not line.after),
    )


def left_words(day: SharedDay, left: Sequence[Appointment]) -> list[str]:
    """Mara is not there: 4 patients need another nurse."""
    count = Counter(day.assigned[row.pk].nurse.name for row in left)
    return [
        ngettext(
            "%(name)s is not there: %(count)s patient needs another nurse.",
            "%(name)s is not there: %(count)s patients need another nurse.",
            number,
        )
        % {"name": name, "count": number}
        for name, number in sorted(count.items())
    ]


def _zone(day: SharedDay) -> ZoneInfo:
    return day.unit.center.zone


def _nurse_of(day: SharedDay, row: Appointment) -> int | None:
    held = day.assigned.get(row.pk)
    return held.nurse_id if held is not None else None


def _span(start: datetime, end: datetime, zone: ZoneInfo) -> str:
    return f"{words.clock(start.astimezone(zone))}–{words.clock(end.astimezone(zone))}"


def _pause(day: SharedDay, shift: Shift, there: dict[int, Watcher]) -> str:
    """12:00 to 12:30, Ines covers. Who covers must be there herself."""
    said = []
    for pause in shift.breaks.all():
        span = _span(pause.starts_at, pause.ends_at, _zone(day))
        cover = pause.covered_by
        if cover is not None and cover.pk in there:
            said.append(_("%(span)s, %(name)s covers") % {"span": span, "name": cover.name})
        else:
            said.append(_("%(span)s, nobody covers") % {"span": span})
    return "; ".join(said)


def _count(rows: Sequence[Appointment]) -> str:
    patients = ngettext("%(count)s patient", "%(count)s patients", len(rows)) % {"count": len(rows)}
    return _("%(patients)s, acuity %(acuity)s") % {"patients": patients, "acuity": sum(row.acuity for row in rows)}


def _card(day: SharedDay, row: Appointment, now: datetime, *, is_left: bool = False) -> Card:
    state, held = state_of(row, now, _zone(day)), day.assigned.get(row.pk)
    return Card(
        appointment=row,
        time=words.clock((row.actual_start or row.start).astimezone(_zone(day))),
        until=words.clock(care_time(row).end.astimezone(_zone(day))),
        what=dose_words(row),
        state=state,
        glyph=glyph(state.glyph),
        is_by_hand=held is not None and held.how == Assignment.How.BY_HAND,
        is_left=is_left,
        is_over=state.is_over,
    )


def _shown(day: SharedDay, quarters: Sequence[Quarter]) -> list[Quarter]:
    """The hours in which anybody is there or watched, the same for every nurse."""
    spans = [shift for watcher in day.watchers for shift in watcher.shifts] + [task.interval for task in day.tasks]
    if not spans:
        return []
    first = max(min(span.start for span in spans), day.interval.start)
    last = min(max(span.end for span in spans), day.interval.end)
    return [each for each in quarters if first - QUARTER < each.start < last]


def _picture(nurse: Nurse, watcher: Watcher, quarters: Sequence[Quarter], now: datetime) -> Picture:
    scale = TALLEST / max([1, watcher.acuity, *(each.acuity for each in quarters)])
    bars = []
    for index, each in enumerate(quarters):
        if each.is_away:
            bars.append(Bar(str(index), "0", f"{HEIGHT:.0f}", "load-away"))
        if each.acuity:
            height = max(each.acuity * scale, 1.0)
            css = "load-bar" + (" is-over" if watching.over(watcher, each) else "")
            css += " is-past" if each.start + QUARTER <= now and "is-over" not in css else ""
            bars.append(Bar(f"{index + 0.08:.2f}", f"{HEIGHT - height:.1f}", f"{height:.1f}", css))
    most = max((each.patients for each in quarters), default=0)
    points = max((each.acuity for each in quarters), default=0)
    label = _("%(name)s: at most %(most)s of %(patients)s patients at once, %(points)s of %(acuity)s points.") % {
        "name": nurse.name, "most": most, "patients": watcher.patients, "points": points, "acuity": watcher.acuity,
    }  # fmt: skip
    return Picture(len(quarters), tuple(bars), f"{HEIGHT - watcher.acuity * scale:.1f}", label)


def _overs(watcher: Watcher, quarters: Iterable[Quarter], zone: ZoneInfo) -> str:
    """Above her limits 10:00–10:45, 14:00–14:15."""
    found = []
    for is_over, group in groupby(quarters, key=lambda each: watching.over(watcher, each) > 0):
        if is_over:
            rows = list(group)
            found.append(_span(rows[0].start, rows[-1].start + QUARTER, zone))
    return _("Above her limits %(spans)s") % {"spans": ", ".join(found)} if found else ""
