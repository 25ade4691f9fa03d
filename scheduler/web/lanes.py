"""The rows of the board: a chair each, with visits as blocks, stays as bars, what is closed and what is free."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from scheduler.domain.intervals import Interval, subtract
from scheduler.models import Appointment
from scheduler.queries.day import ChairDay, Day, Stay, shown_time
from scheduler.web import words
from scheduler.web.glyphs import glyph
from scheduler.web.grid import HOUR, Grid
from scheduler.web.states import State, state_of

CHAIR_GLYPHS = {"recliner": "chair", "bed": "bed", "room": "room"}
SHORTEST_FREE = timedelta(minutes=15)
MOVABLE = ("pending", "booked", "arrived", "checked-in")
SEGMENTS = ("seg-prep", "seg-run", "seg-obs", "seg-turn")


@dataclass(frozen=True, slots=True)
class Block:
    """A visit on its row. `hit` is how many slots the patient's part takes; `segments` are (class, slots); `start` is
    when treatment is planned to begin, in minutes after the first shown one."""

    pk: int
    at: int
    slots: int
    hit: int
    segments: tuple[tuple[str, int], ...]
    state: State
    glyph: SafeString
    name: str
    given: str
    when: str
    long: str
    short: str
    said: str
    start: int
    version: int
    is_picked: bool = False
    is_movable: bool = False


@dataclass(frozen=True, slots=True)
class Bar:
    """A stay: one bar, its doses on it."""

    at: int
    slots: int
    css: str
    name: str
    text: str
    course: int
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Shut:
    at: int
    slots: int
    text: str


@dataclass(frozen=True, slots=True)
class Free:
    at: int
    slots: int
    url: str
    say: str


@dataclass(frozen=True, slots=True)
class Lane:
    chair: int
    name: str
    glyph: SafeString
    blocks: tuple[Block, ...]
    bars: tuple[Bar, ...]
    shut: tuple[Shut, ...]
    free: tuple[Free, ...]
    css: str = ""


def lanes(day: Day, grid: Grid, *, now: datetime, picked: int | None, may_book: bool) -> list[Lane]:
    tall = len(day.chairs) <= 8
    unit_shut = subtract([grid.span], day.open)
    return [
        _lane(row, day, grid, unit_shut, now=now, picked=picked, may_book=may_book, tall=tall, first=index == 0)
        for index, row in enumerate(day.chairs)
    ]


def _lane(
    row: ChairDay,
    day: Day,
    grid: Grid,
    unit_shut: list[Interval],
    *,
    now: datetime,
    picked: int | None,
    may_book: bool,
    tall: bool,
    first: bool,
) -> Lane:
    staying = {stay.course.pk for stay in row.stays}
    own = [each for each in row.appointments if _course(each) not in staying]
    blocks = [_block(each, grid, now, picked) for each in own]
    bars = [_bar(stay, row, grid, now, picked) for stay in row.stays]
    return Lane(
        chair=row.chair.pk,
        name=row.chair.name,
        glyph=glyph(CHAIR_GLYPHS[row.chair.kind]),
        blocks=tuple(block for block in blocks if block is not None),
        bars=tuple(bar for bar in bars if bar is not None),
        shut=tuple(_shut(row, day, grid, unit_shut, first)),
        free=tuple(_free(row, day, grid, now)) if may_book and row.chair.is_active else (),
        css=("is-stay" if row.stays else "is-single") if tall or row.stays else "",
    )


def _course(appointment: Appointment) -> int | None:
    return appointment.visit.course_id if appointment.visit is not None else None


def _block(
    appointment: Appointment, grid: Grid, now: datetime, picked: int | None, *, on_a_stay: bool = False
) -> Block | None:
    parts = parts_of(appointment)
    edges = [grid.at(parts[0].start), *(grid.at(part.end) for part in parts)]
    if edges[-1] <= edges[0]:
        if grid.cut(Interval(parts[0].start, parts[-1].end)) is None:
            return None
        edges = [min(edges[0], grid.slots - 1)] * 2 + [min(edges[0], grid.slots - 1) + 1] * 3
    lengths = [later - earlier for earlier, later in itertools.pairwise(edges)]
    state = state_of(appointment, now, grid.zone)
    start = (appointment.actual_start or appointment.start).astimezone(grid.zone)
    name, given = _name(appointment, state)
    long, short = treatment(appointment)
    when = words.clock(start)
    what = state.word or long
    if on_a_stay:
        name, given, when = _dose_name(appointment), "", ""
        what = state.word or (_("given %(time)s") if state.is_over else "%(time)s") % {"time": words.clock(start)}
    elif appointment.status == "pending":
        what = _("by %(name)s") % {"name": appointment.held_by} if appointment.held_by else _("held")
        when, short = "", what
    return Block(
        pk=appointment.pk,
        at=edges[0],
        slots=max(edges[-1] - edges[0], 1),
        hit=max(sum(lengths[:3]), 1),
        segments=tuple((css, slots) for css, slots in zip(SEGMENTS, lengths, strict=True) if slots > 0),
        state=state,
        glyph=glyph(state.glyph),
        name=name,
        given=given,
        when=when,
        long=what,
        short=what if on_a_stay else short,
        said=_("%(start)s to %(end)s, %(what)s, %(state)s")
        % {
            "start": words.clock(start),
            "end": words.clock(parts[1].end.astimezone(grid.zone)),
            "what": long,
            "state": state.name,
        },
        start=int((appointment.start - grid.span.start).total_seconds()) // 60,
        version=appointment.version,
        is_picked=appointment.pk == picked,
        is_movable=appointment.status in MOVABLE
        and appointment.actual_start is None
        and appointment.patient_id is not None,
    )


class Part(NamedTuple):
    """A stretch of a visit; it may take no time, which an Interval can't."""

    start: datetime
    end: datetime


def parts_of(appointment: Appointment) -> list[Part]:
    """Preparation, treatment, observation and cleaning as they are or were."""
    whole = shown_time(appointment)
    start = whole.start + timedelta(minutes=appointment.prep_minutes)
    until = max(whole.end - timedelta(minutes=appointment.turnover_minutes), start)
    end = max(until - timedelta(minutes=appointment.observation_minutes), start)
    return [Part(whole.start, start), Part(start, end), Part(end, until), Part(until, whole.end)]


def _name(appointment: Appointment, state: State) -> tuple[str, str]:
    patient = appointment.patient
    if patient is None:
        return state.name, ""
    return patient.last_name, patient.first_name


def treatment(appointment: Appointment) -> tuple[str, str]:
    """Long and short: "Eptinezumab 3 of 4" and "EPT"; "DHE 2 of 9" and "DHE 2/9"; "45 min" without a protocol."""
    protocol, visit = appointment.protocol, appointment.visit
    if protocol is None:
        text = words.length(appointment.end - appointment.start)
        return text, text
    if visit is None:
        return protocol.short_name, protocol.abbreviation
    doses = visit.course.doses
    long = f"{protocol.short_name} {words.dose_of(visit.ordinal, doses)}".strip()
    short = protocol.abbreviation
    if protocol.cadence_kind == "elapsed" and doses:
        short = f"{protocol.abbreviation} {visit.ordinal}/{doses}"
    return long, short


def _dose_name(appointment: Appointment) -> str:
    """Whose it is stands on the bar: "DHE 4 of 9"."""
    if appointment.protocol is None or appointment.visit is None:
        return treatment(appointment)[0]
    visit = appointment.visit
    return f"{appointment.protocol.abbreviation} {words.dose_of(visit.ordinal, visit.course.doses)}"


def _bar(stay: Stay, row: ChairDay, grid: Grid, now: datetime, picked: int | None) -> Bar | None:
    cut = grid.cut(stay.interval)
    if cut is None:
        return None
    doses = [each for each in row.appointments if _course(each) == stay.course.pk]
    blocks = [_block(each, grid, now, picked, on_a_stay=True) for each in doses]
    css = []
    if stay.interval.start < grid.span.start:
        css.append("from-before")
    if stay.interval.end > grid.span.end:
        css.append("goes-on")
    start, end = (moment.astimezone(grid.zone) for moment in (stay.interval.start, stay.interval.end))
    here = now.astimezone(grid.zone)
    text = _("one stay, %(chair)s, since %(start)s, until %(end)s") % {
        "chair": row.chair.name[:1].lower() + row.chair.name[1:],
        "start": f"{words.short_day(start.date(), here)} {words.clock(start)}",
        "end": f"{words.short_day(end.date(), here)} {words.clock(end)}",
    }
    following = min((each.start for each in doses if each.start > now and each.actual_start is None), default=None)
    if following is not None and stay.interval.contains(now):
        text += "\u2002·\u2002" + _("next dose in %(time)s") % {"time": words.length(following - now)}
    return Bar(
        at=cut[0],
        slots=cut[1],
        css=" ".join(css),
        name=stay.course.patient.full_name,
        text=text,
        course=stay.course.pk,
        blocks=tuple(block for block in blocks if block is not None),
    )


def _shut(row: ChairDay, day: Day, grid: Grid, unit_shut: list[Interval], first: bool) -> Iterator[Shut]:
    for span in unit_shut:
        cut = grid.cut(span)
        if cut is not None:
            why = [each.reason for each in day.closures if each.starts_at < span.end and each.ends_at > span.start]
            text = _("Closed: %(reason)s") % {"reason": why[0]} if why else _("Closed")
            yield Shut(*cut, text if first else "")
    for closure in row.closures:
        cut = grid.cut(Interval(closure.starts_at, closure.ends_at))
        if cut is not None:
            yield Shut(*cut, _closure_text(closure.reason, closure.starts_at, closure.ends_at, grid))


def _closure_text(reason: str, starts: datetime, ends: datetime, grid: Grid) -> str:
    if starts <= grid.span.start and ends > grid.span.end:
        until = words.day(ends.astimezone(grid.zone).date(), grid.span.start.astimezone(grid.zone).date())
        return _("Out of service until %(day)s: %(reason)s") % {"day": until, "reason": reason}
    if starts > grid.span.start and ends >= grid.span.end:
        time = words.clock(starts.astimezone(grid.zone))
        return _("Closed from %(time)s: %(reason)s") % {"time": time, "reason": reason}
    return reason


def _free(row: ChairDay, day: Day, grid: Grid, now: datetime) -> Iterator[Free]:
    """The free time of an open chair in pieces of an hour at most, none of it past."""
    taken = [shown_time(each) for each in row.appointments if each.status != "noshow"]
    taken += [stay.interval for stay in row.stays]
    taken += [Interval(closure.starts_at, closure.ends_at) for closure in row.closures]
    if now > grid.span.start:
        taken.append(Interval(grid.span.start, now))
    inside = [cut for part in day.open if (cut := part.intersection(grid.span)) is not None]
    for gap in subtract(inside, taken):
        start = gap.start
        while start < gap.end:
            end = min(start.replace(minute=0, second=0, microsecond=0) + HOUR, gap.end)
            slots = grid.cut(Interval(start, end)) if end - start >= SHORTEST_FREE else None
            if slots is not None:
                local = start.astimezone(grid.zone).replace(second=0, microsecond=0)
                query = urlencode({"chair": row.chair.pk, "at": local.isoformat(timespec="minutes")})
                say = _("Book %(chair)s, %(time)s") % {"chair": row.chair.name, "time": words.clock(local)}
                yield Free(*slots, f"{reverse('book')}?{query}", say)
            start = end
