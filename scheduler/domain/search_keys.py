"""What a patient is found by: short keys, of which a search asks for a beginning.

A key is bytes (UTF-8 behind a sign for its kind), because both databases put bytes into one and the same order, in
whatever language they sort text: the beginning of a word is then a range of an ordinary index.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from scheduler.domain import names

FEWEST_DIGITS = 4  # of a phone number: fewer are half the center's
LAST_DIGITS = 9  # those of two numbers that are the same, one of them written with its country
MOST_SIGNS = 40  # of a word
MOST_WORDS = 12  # of a name
MOST_ASKED = 6  # words of a search
_COUNTRY_DIGITS = 3  # at most: a number written with + is found without them, too
_NAME, _MRN, _PHONE, _PHONE_END = b"n", b"m", b"p", b"e"


@dataclass(frozen=True, slots=True)
class Asked:
    """Beginnings of keys: a patient has one of each of `names`, or one of `numbers`."""

    names: tuple[bytes, ...]
    numbers: tuple[bytes, ...]


def of(*, search_text: str, mrns: Iterable[str], phones: Iterable[str]) -> set[bytes]:
    """All keys of a patient at one center; `search_text` is that of names.search_text."""
    found = {_key(_NAME, word) for word in search_text.split()[:MOST_WORDS]}
    found |= {_key(_MRN, number(mrn)) for mrn in mrns}
    for phone in phones:
        found |= _of_phone(phone)
    return found


def asked(text: str) -> Asked:
    """A text as somebody types it: words of a name, or an MRN, or four digits and more of a phone number, its first or
    its last ones."""
    words = sorted(set(names.plain(text).split()), key=lambda word: (-len(word), word))[:MOST_ASKED]
    numbers = [_key(_MRN, number(text))] if number(text) else []
    said = digits(text)
    if len(said) >= FEWEST_DIGITS and not re.search(r"[^\W\d_]", text):
        numbers.append(_key(_PHONE, said))
        numbers.append(_key(_PHONE_END, said[::-1][:LAST_DIGITS]))
    return Asked(tuple(_key(_NAME, word) for word in words), tuple(numbers))


def of_number(phone: str) -> bytes:
    """The key that a number has as a whole, written in whatever way."""
    return _key(_PHONE, digits(phone))


def end(beginning: bytes) -> bytes:
    """All keys that begin so are from `beginning` to here, exclusive. No UTF-8 text has this byte."""
    return beginning + b"\xff"


def number(text: str) -> str:
    """Case, blanks and other signs don't matter: "K-203 551" and "k203551" are one MRN."""
    return "".join(names.plain(text).split()) or "".join(text.casefold().split())


def digits(phone: str) -> str:
    """A phone number without what people put between its digits."""
    return "".join(sign for sign in phone if sign.isascii() and sign.isdigit())


def _of_phone(phone: str) -> set[bytes]:
    said = digits(phone)
    if len(said) < FEWEST_DIGITS:
        return set()
    dropped = range(_COUNTRY_DIGITS + 1 if phone.strip().startswith("+") else 1)
    return {_key(_PHONE, said[count:]) for count in dropped} | {_key(_PHONE_END, said[::-1])}


def _key(kind: bytes, text: str) -> bytes:
    return kind + text[:MOST_SIGNS].encode("utf-8", "replace")
