"""What stands in a cell, as people write it: dates in the file's one style, times, names in one column, minutes.

Everything that can't be read raises Malformed with a plain sentence.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date, time

from scheduler.domain.errors import Malformed, gettext_noop
from scheduler.domain.import_fields import DAY_FIRST, ISO, US

# Marks that turn the writing direction or take no room: in a name they only hide what it is. The two joiners stay,
# Persian and Hindi are written with them.
_UNSEEN = dict.fromkeys([0x200B, 0x200E, 0x200F, 0xFEFF, *range(0x202A, 0x202F), *range(0x2066, 0x206A)])
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?!\d)")
_THREE = re.compile(r"(\d{1,2})\s*[./-]\s*(\d{1,2})\s*[./-]\s*(\d+)(?!\d)")
_CLOCK = re.compile(r"(\d{1,2})(?:[:.h](\d{2})(?::\d{2}(?:\.\d+)?)?)?\s*([ap]\.?m\.?)?(?:\s*uhr|\s*h)?", re.I)
_MINUTES = re.compile(r"(?:(\d{1,2})\s*(?::|h(?:ours?|rs?)?)\s*)?(?:(\d{1,3})\s*(?:m|min|mins|minutes?)?\.?)?", re.I)
LONGEST_MINUTES = 12 * 60  # as services/booking.py has it


def tidy(cell: str) -> str:
    """Stray blanks gone, letters and their marks composed, nothing unseen left."""
    return " ".join(unicodedata.normalize("NFC", cell.translate(_UNSEEN)).split())


def read_date(field: str, cell: str, style: str) -> tuple[date, str]:
    """The date at the beginning of the cell, and what stands behind it. Year first is read in every style: nothing
    else begins with four digits, and a spreadsheet's own dates come like that."""
    found = _ISO.match(cell)
    if found is not None:
        year, month, day = (int(part) for part in found.groups())
    else:
        found = _THREE.match(cell) if style != ISO else None
        if found is None:
            raise Malformed(field, _LOOKS[style], value=_short(cell))
        if len(found[3]) != 4:
            raise Malformed(field, gettext_noop("“{value}”: write the year with four digits."), value=_short(cell))
        first, second, year = (int(part) for part in found.groups())
        day, month = (second, first) if style == US else (first, second)
    try:
        return date(year, month, day), cell[found.end() :].strip(" ,T\t")
    except ValueError as wrong:
        raise Malformed(field, gettext_noop("There is no day “{value}”."), value=_short(cell)) from wrong


_LOOKS = {
    ISO: gettext_noop("“{value}” is no date like 2026-11-24."),
    US: gettext_noop("“{value}” is no date like 11/24/2026."),
    DAY_FIRST: gettext_noop("“{value}” is no date like 24.11.2026."),
}


def read_time(field: str, cell: str) -> time:
    """10:30, 10.30, 10:30:00, 10h30, 10:30 pm, 3 pm."""
    found = _CLOCK.fullmatch(cell.strip())
    if found is not None and (found[2] or found[3]):
        hour, minute = int(found[1]), int(found[2] or 0)
        half = (found[3] or "").lower()
        if half and not 1 <= hour <= 12:
            hour = 99
        elif half:
            hour = hour % 12 + (12 if half.startswith("p") else 0)
        if hour < 24 and minute < 60:
            return time(hour, minute)
    raise Malformed(field, gettext_noop("“{value}” is no time like 10:30."), value=_short(cell))


def read_minutes(field: str, cell: str) -> int:
    """60, 60 min, 1:30, 1h 30."""
    found = _MINUTES.fullmatch(cell.strip())
    minutes = int(found[1] or 0) * 60 + int(found[2] or 0) if found is not None else 0
    if not 1 <= minutes <= LONGEST_MINUTES:
        raise Malformed(field, gettext_noop("“{value}” is no length from 1 minute to 12 hours."), value=_short(cell))
    return minutes


def split_name(whole: str) -> tuple[str, str]:
    """Last and first name. "Rivera, Ana" has the last one before the comma, "Ana María Rivera" at the end."""
    last, comma, first = whole.partition(",")
    if not comma:
        first, _blank, last = whole.rpartition(" ")
    return last.strip(), first.strip()


def _short(cell: str) -> str:
    return cell if len(cell) <= 40 else f"{cell[:40]}…"
