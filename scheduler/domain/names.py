"""Names, numbers and dates as people type them when they look for somebody."""

from __future__ import annotations

import difflib
import re
import unicodedata
from contextlib import suppress
from datetime import date

# Letters that carry no combining mark and still are typed without it.
_PLAIN = str.maketrans({"ø": "o", "đ": "d", "ł": "l", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th"})
LIKE_ENOUGH = 0.85  # one wrong letter in seven
_MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1
    )
}


def plain(text: str) -> str:
    """Casefolded, accents stripped, every run of other signs one blank: "Szabó-Nagy" becomes "szabo nagy"."""
    folded = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(sign for sign in folded if not _is_unseen(sign)).translate(_PLAIN)
    return " ".join(re.findall(r"\w+", letters))


def _is_unseen(sign: str) -> bool:
    """Accents, and what has no width: marks of direction, joiners, what was copied along from a web page."""
    return bool(unicodedata.combining(sign)) or unicodedata.category(sign) == "Cf"


def is_seen(text: str) -> bool:
    """Whether anything of it shows: marks of direction and joiners alone are nobody's name."""
    return any(not sign.isspace() and not _is_unseen(sign) for sign in text)


def search_text(first_name: str, last_name: str) -> str:
    """What a patient is found by: both names, plain."""
    return plain(f"{last_name} {first_name}")[:450]


def share_a_word(one: str, other: str) -> bool:
    """Whether two search texts have any name in common."""
    return bool(set(one.split()) & set(other.split()))


def are_similar(one: str, other: str) -> bool:
    """Whether two search texts are probably one person's: the same names in any order, all names of one among those of
    the other (a second name left out), or a slip of the finger in one of them."""
    mine, others = sorted(one.split()), sorted(other.split())
    if not mine or not others:
        return False
    if set(mine) <= set(others) or set(others) <= set(mine):
        return min(len(mine), len(others)) > 1 or mine == others
    return difflib.SequenceMatcher(None, " ".join(mine), " ".join(others)).ratio() >= LIKE_ENOUGH


def birth_date(text: str) -> date | None:
    """1980-03-31, 31 3 1980, 31.3.1980, 31 Mar 1980; 3/31/1980 too, where the day can be no month. Else None."""
    return next(iter(birth_dates(text)), None)


def birth_dates(text: str) -> list[date]:
    """All that it may mean, day first before month first: somebody who looks for 4/3/1980 may mean either."""
    parts = re.findall(r"\d+|[^\W\d_]+", text.casefold())
    if len(parts) != 3:
        return []
    numbers = [_MONTHS.get(part[:3], 0) if not part.isdigit() else int(part) for part in parts]
    if len(parts[0]) == 4 and parts[0].isdigit():
        year, month, day = numbers
        meant = [(year, month, day)]
    else:
        day, month, year = numbers
        meant = [(year, month, day), (year, day, month)] if parts[1].isdigit() else [(year, month, day)]
        if not parts[0].isdigit():
            meant = [(year, day, month)]
    found = []
    for one in meant:
        with suppress(ValueError):
            found.append(date(*one))
    return list(dict.fromkeys(found)) if len(str(year)) == 4 else []
