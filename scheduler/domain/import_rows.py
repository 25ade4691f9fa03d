"""One row of a center's spreadsheet as a plain value. `parse` says everything that is wrong with it at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, TypeVar

from scheduler.domain import import_cells as cells
from scheduler.domain import names
from scheduler.domain.errors import Malformed, gettext_noop
from scheduler.domain.import_fields import CHAIRS, PATIENTS

MOST_SIGNS = {
    "mrn": 40, "last_name": 200, "first_name": 200, "phone": 40, "email": 254, "language": 10, "pronouns": 40,
    "allergies": 200, "needs": 200, "chair": 40,
}  # fmt: skip
_MORE = ("language", "pronouns", "allergies", "needs", "desk_notes")
_LANGUAGES = {"english": "en", "spanish": "es", "espanol": "es", "ingles": "en"}
_STATUSES: Mapping[str, tuple[str, ...]] = {
    "": ("", "booked", "scheduled", "confirmed", "planned", "open", "new"),
    "fulfilled": ("done", "completed", "complete", "fulfilled", "attended", "seen", "given", "arrived", "checked out"),
    "cancelled": ("cancelled", "canceled", "cancelado", "cancelada"),
    "noshow": ("no show", "noshow", "did not come", "missed", "dna", "did not attend", "not come"),
}
_KINDS: Mapping[str, tuple[str, ...]] = {
    "recliner": ("", "recliner", "chair", "infusion chair"),
    "bed": ("bed", "stretcher"),
    "room": ("room", "private room"),
}


@dataclass(frozen=True, slots=True)
class PatientRow:
    mrn: str
    last_name: str
    first_name: str
    birth_date: date
    phone: str = ""
    email: str = ""
    more: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, ...]:
        return (self.mrn.casefold(),)


@dataclass(frozen=True, slots=True)
class ChairRow:
    """`kind` is recliner, bed or room; `unit` empty: the one chosen for the file."""

    chair: str
    unit: str = ""
    kind: str = "recliner"

    @property
    def key(self) -> tuple[str, ...]:
        return (names.plain(self.unit), self.chair.casefold())


@dataclass(frozen=True, slots=True)
class AppointmentRow:
    """`wall` is the local start, naive; `minutes` None: as long as the protocol says. `status` empty: booked, or done
    where it is past. The patient is known by her MRN, or by name and birth date."""

    mrn: str
    last_name: str
    first_name: str
    birth_date: date | None
    wall: datetime
    minutes: int | None
    unit: str
    chair: str
    protocol: str
    status: str

    @property
    def key(self) -> tuple[str, ...]:
        who = self.mrn.casefold() or f"{names.search_text(self.first_name, self.last_name)} {self.birth_date}"
        return (who, self.wall.isoformat())


Row = PatientRow | ChairRow | AppointmentRow
Value = TypeVar("Value")


def parse(kind: str, raw: Sequence[str], columns: Mapping[str, int], style: str) -> tuple[Row | None, list[Malformed]]:
    """The row, or (None and) what is wrong with it. `columns` gives the column of each field, from 0."""
    reader = _Reader(raw, columns, style)
    row: Row
    if kind == PATIENTS:
        row = _patient(reader)
    elif kind == CHAIRS:
        row = _chair(reader)
    else:
        row = _appointment(reader)
    return (None if reader.wrong else row), reader.wrong


class _Reader:
    """Reads cells by field and collects what is wrong instead of stopping at the first."""

    def __init__(self, raw: Sequence[str], columns: Mapping[str, int], style: str) -> None:
        self._raw, self._columns, self.style = raw, columns, style
        self.wrong: list[Malformed] = []

    def text(self, name: str) -> str:
        column = self._columns.get(name)
        value = cells.tidy(self._raw[column]) if column is not None and column < len(self._raw) else ""
        most = MOST_SIGNS.get(name)
        if most is not None and len(value) > most:
            self.say(name, gettext_noop("{field}: this is longer than {most} signs."), most=most)
            return value[:most]
        if any(ord(sign) < 32 or ord(sign) == 127 for sign in value):
            self.say(name, gettext_noop("{field}: there are signs in it that can’t be shown."))
        return value

    def has(self, name: str) -> bool:
        return name in self._columns

    def say(self, name: str, sentence: str, **facts: Any) -> None:
        self.wrong.append(Malformed(name, sentence, **facts))

    def read(self, name: str, how: Callable[[str], Value], *, is_needed: bool = False) -> Value | None:
        value = self.text(name)
        if not value:
            if is_needed:
                self.say(name, gettext_noop("{field} is empty."))
            return None
        try:
            return how(value)
        except Malformed as wrong:
            self.wrong.append(wrong)
            return None

    def date(self, name: str, *, is_needed: bool = False) -> date | None:
        return self.read(name, lambda value: cells.read_date(name, value, self.style)[0], is_needed=is_needed)

    def word(self, name: str, known: Mapping[str, tuple[str, ...]]) -> str:
        value = names.plain(self.text(name))
        for meaning, ways in known.items():
            if value in ways:
                return meaning
        self.say(name, gettext_noop("{field}: “{value}” is not known here."), value=value[:40])
        return ""

    def names(self) -> tuple[str, str]:
        """Last and first, from two columns or from one."""
        last, first = self.text("last_name"), self.text("first_name")
        if not last:
            return cells.split_name(self.text("full_name"))
        return cells.split_name(last) if not first and "," in last else (last, first)


def _patient(row: _Reader) -> PatientRow:
    last, first = row.names()
    if not last:
        row.say("last_name", gettext_noop("{field} is empty."))
    for name, value in (("last_name", last), ("first_name", first)):
        if len(value) > MOST_SIGNS[name]:
            row.say(name, gettext_noop("{field}: this is longer than {most} signs."), most=MOST_SIGNS[name])
    mrn = row.read("mrn", str, is_needed=True) or ""
    more = {name: value for name in _MORE if (value := row.text(name))}
    if "language" in more:
        more["language"] = _LANGUAGES.get(names.plain(more["language"]), more["language"].casefold())
    born = row.date("birth_date", is_needed=True) or date.min
    return PatientRow(mrn, last, first, born, row.text("phone"), row.text("email"), more)


def _chair(row: _Reader) -> ChairRow:
    return ChairRow(row.read("chair", str, is_needed=True) or "", row.text("unit"), row.word("chair_kind", _KINDS))


def _appointment(row: _Reader) -> AppointmentRow:
    last, first = row.names()
    mrn, born = row.text("mrn"), row.date("birth_date")
    if not mrn and not (last and born):
        row.say("mrn", gettext_noop("Nobody can say who this is: the MRN is empty, or the name or birth date."))
    wall = _wall(row)
    return AppointmentRow(
        mrn=mrn,
        last_name=last,
        first_name=first,
        birth_date=born,
        wall=wall,
        minutes=_minutes(row, wall),
        unit=row.text("unit"),
        chair=row.read("chair", str, is_needed=True) or "",
        protocol=row.text("protocol"),
        status=row.word("status", _STATUSES),
    )


def _wall(row: _Reader) -> datetime:
    """Date and time from two columns, or both from the first."""
    found = row.read("date", lambda value: cells.read_date("date", value, row.style), is_needed=True)
    if found is None:
        return datetime.min  # noqa: DTZ901 - never used: something is wrong with the row
    day, rest = found
    at = row.read("time", lambda value: _clock_of(value, row.style))
    if at is None and not row.text("time"):
        if not rest or (rest == "00:00:00" and row.has("time")):  # a date alone, as programs write it
            row.say("time", gettext_noop("{field} is empty."))
            return datetime.min  # noqa: DTZ901
        try:
            at = cells.read_time("date", rest)
        except Malformed as wrong:
            row.wrong.append(wrong)
    return datetime.combine(day, at or time())


def _clock_of(value: str, style: str) -> time:
    """Spreadsheets give a time alone a date, the thirtieth of December 1899 or such."""
    try:
        _day, rest = cells.read_date("time", value, style)
    except Malformed:
        return cells.read_time("time", value)
    return cells.read_time("time", rest)


def _minutes(row: _Reader, wall: datetime) -> int | None:
    minutes = row.read("minutes", lambda value: cells.read_minutes("minutes", value))
    if minutes is not None or row.text("minutes"):
        return minutes
    until = row.read("until", lambda value: _clock_of(value, row.style))
    if until is None:
        if not row.text("until") and not row.text("protocol"):
            row.say("protocol", gettext_noop("Nothing says how long it lasts: no protocol, no minutes, no end."))
        return None
    ended = datetime.combine(date.min, until) - datetime.combine(date.min, wall.time())
    minutes = int((ended % timedelta(days=1)).total_seconds() // 60)  # over midnight, too
    if not 1 <= minutes <= cells.LONGEST_MINUTES:
        row.say("until", gettext_noop("It would last longer than 12 hours, or no time at all."))
        return None
    return minutes
