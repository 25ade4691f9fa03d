"""The heat map: a number in every cell, and a colour that says the same from afar. Drawn on the server."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from scheduler.queries.capacity import Capacity, CapacityDay, Cell
from scheduler.web import words

LEFT, TOP, WIDTH = 52.0, 30.0, 1088.0
TALL, FLAT = 36.0, 26.0  # a row, where there are few of them and where there are many
MANY_ROWS = 20
SHADES = 5
LETTER = 6.2  # about as wide as one of the words in a closed column
WEEK_GAP = 8.0


@dataclass(frozen=True, slots=True)
class Box:
    """`css` says how much room there is; without `url` nothing can begin there."""

    x: str
    y: str
    middle: str
    baseline: str
    text: str
    css: str
    shade: int
    url: str
    label: str
    row: int
    column: int


@dataclass(frozen=True, slots=True)
class Head:
    middle: str
    text: str
    closed: str  # why, in the middle of an empty column
    x: str
    is_upright: bool


@dataclass(frozen=True, slots=True)
class Heat:
    """`plenty` chairs and more have the darkest shade: half of those there are."""

    plenty: int
    height: str
    cell_width: str
    cell_height: str
    hours: tuple[tuple[str, str], ...]  # baseline, words
    heads: tuple[Head, ...]
    boxes: tuple[Box, ...]
    body_height: str
    body_middle: str


def draw(found: Capacity) -> Heat:
    tall = FLAT if len(found.rows) > MANY_ROWS else TALL
    gaps = [index for index, day in enumerate(found.days) if index and _is_new_week(found.days[index - 1], day)]
    width = (WIDTH - len(gaps) * WEEK_GAP) / max(len(found.days), 1)
    boxes, heads = [], []
    plenty = max(found.chairs // 2, 1)
    for column, day in enumerate(found.days):
        closed = "" if day.opened else (day.closed_for or _("closed"))
        x = LEFT + column * width + sum(WEEK_GAP for gap in gaps if gap <= column)
        is_narrow = width < 80
        heads.append(
            Head(
                f"{x + width / 2:.1f}",
                str(day.date.day) if is_narrow and not _begins(found.days, column) else _head(day),
                closed,
                f"{x:.1f}",
                len(closed) * LETTER > width,
            )
        )
        for row, cell in enumerate(day.cells):
            boxes.append(_box(found, day, cell, plenty, row, column, x, TOP + row * tall, width, tall))
    body = len(found.rows) * tall
    return Heat(
        plenty=plenty,
        height=f"{TOP + body + 8:.0f}",
        cell_width=f"{width:.1f}",
        cell_height=f"{tall:.0f}",
        hours=tuple(
            (f"{TOP + row * tall + tall / 2 + 5:.0f}", f"{minute // 60:02}:00")
            for row, minute in enumerate(found.rows)
            if minute % 60 == 0
        ),
        heads=tuple(heads),
        boxes=tuple(boxes),
        body_height=f"{body:.0f}",
        body_middle=f"{TOP + body / 2:.0f}",
    )


def _is_new_week(before: CapacityDay, day: CapacityDay) -> bool:
    return before.date.isocalendar().week != day.date.isocalendar().week


def _begins(days: tuple[CapacityDay, ...], column: int) -> bool:
    """The weekday is named where a week begins; between, the number is enough."""
    return column == 0 or _is_new_week(days[column - 1], days[column])


def _head(day: CapacityDay) -> str:
    return words.short_label(day.date)


def _box(
    found: Capacity,
    day: CapacityDay,
    cell: Cell,
    plenty: int,
    row: int,
    column: int,
    x: float,
    y: float,
    width: float,
    tall: float,
) -> Box:
    zone = found.unit.center.zone
    shade, text, url, label = 0, "", "", ""
    css = "closed"
    if cell.chairs is not None:
        shade = min(-(-cell.chairs * SHADES // plenty), SHADES)
        css, text = f"h{shade}", str(cell.chairs) if cell.chairs else "–"
        if cell.chairs:
            url = reverse("board", kwargs={"unit": found.unit.code, "date": day.date})
            label = ngettext("%(day)s, %(time)s: %(count)s chair", "%(day)s, %(time)s: %(count)s chairs", cell.chairs)
            label %= {
                "day": words.short_label(day.date),
                "time": words.clock(cell.start.astimezone(zone)),
                "count": cell.chairs,
            }
    return Box(
        x=f"{x:.1f}",
        y=f"{y:.0f}",
        middle=f"{x + width / 2:.1f}",
        baseline=f"{y + tall / 2 + 5:.0f}",
        text=text,
        css=css,
        shade=shade,
        url=url,
        label=label,
        row=row,
        column=column,
    )
