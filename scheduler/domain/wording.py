"""A center's own words in messages: which placeholders they may hold, what they must not tell, and how they are filled.

Texts are never given to a template language: `{date}` is looked up by its name in a fixed table, and nothing else in
braces means anything. What is filled in is not read again, so a name with braces in it stays a name.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_BLANK_LINES = re.compile(r"\n\s*\n")

# Parts of words that tell why somebody comes, in the languages that patients are written to in; without accents.
TELLING = (
    "migrain", "migrana", "headache", "cefale", "cephal", "jaqueca", "dolor de cabeza", "neurolog", "infusi", "infuse",
    "inject", "inyec", "intraven", "chemo", "quimio", "botox", "botulin", "triptan", "cgrp",
    "anti-nausea", "steroid", "esteroid",
)  # fmt: skip
_SHORTEST_PART = 5  # a shorter word of a protocol's name counts only where it stands alone
# Words of protocol names that say nothing: "Rescue, standard, every 3 months".
_PLAIN = frozenset(
    [
        "every", "month", "months", "week", "weeks", "day", "days", "hour", "hours", "with", "and", "without",
        "the", "for", "first", "next", "standard", "once", "twice", "short", "long", "daily", "monthly",
        "weekly", "quarterly", "course", "suite", "extra", "full", "half", "start", "evening", "morning",
        "repeated", "repeat", "after", "before", "plain", "wait", "minimal", "extended", "observed", "line",
    ]
)  # fmt: skip


class Unfit(Exception):
    """Words that can't be kept. `code` is one of line-break, control, brace, placeholder or telling; `what` is the
    placeholder or word."""

    def __init__(self, code: str, what: str = "") -> None:
        super().__init__(code, what)
        self.code, self.what = code, what


def check(text: str, *, allowed: Iterable[str], telling: Iterable[str], one_line: bool) -> None:
    """Raises Unfit for the first thing in `text` that may not stand in a message. `allowed` are the placeholders of its
    kind, `telling` the words of `words_of` for this center's protocols."""
    if one_line and any(sign in text for sign in "\r\n"):
        raise Unfit("line-break")
    for sign in text:
        # Cf: signs that nobody sees, which turn text around or hide a word from the check below.
        if unicodedata.category(sign) in ("Cc", "Cf", "Zl", "Zp") and sign != "\n":
            raise Unfit("control")
    names = set(allowed)
    for name in _PLACEHOLDER.findall(text):
        if name not in names:
            raise Unfit("placeholder", name)
    if any(sign in _PLACEHOLDER.sub("", text) for sign in "{}"):
        raise Unfit("brace")
    if (word := told_by(_PLACEHOLDER.sub(" ", text), telling)) is not None:
        raise Unfit("telling", word)


def told_by(text: str, telling: Iterable[str]) -> str | None:
    """The word in `text` that would tell why she comes, None where there is none."""
    parts = [*TELLING, *(word for word in telling if len(word) >= _SHORTEST_PART)]
    alone = {word for word in telling if len(word) < _SHORTEST_PART}
    plain = _plain(text)
    for word in re.findall(r"[a-z0-9]+", plain):
        if word in alone or any(part in word for part in parts):
            return str(word)
    return next((part for part in parts if part in plain), None)  # of several words, or with a hyphen


def words_of(names: Iterable[str]) -> frozenset[str]:
    """The words of protocols, drugs and components that no message may hold."""
    found: set[str] = set()
    for name in names:
        found |= {word for word in re.findall(r"[a-z0-9]+", _plain(name)) if len(word) >= 3 and not word.isdigit()}
    return frozenset(found - _PLAIN)


def fill(text: str, values: Mapping[str, str]) -> str:
    """`text` with its placeholders replaced, in one go. Raises KeyError for one that is not in `values`."""
    return _PLACEHOLDER.sub(lambda found: values[found[1]], text)


def paragraphs(text: str) -> list[str]:
    """Parted by empty lines; line breaks inside stay."""
    return [part.strip() for part in _BLANK_LINES.split(text) if part.strip()]


def tidy(text: str, *, one_line: bool) -> str:
    """As it is kept: one kind of line break, no spaces at the ends, no more than one empty line between."""
    text = text.replace("\r\n", "\n").strip()
    return text if one_line else "\n\n".join(paragraphs(text))


def _plain(text: str) -> str:
    """Small letters without accents, full-width and other look-alikes as what they look like."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(sign for sign in apart if not unicodedata.combining(sign))
