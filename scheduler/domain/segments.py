"""How long a text message is. A phone network carries 160 signs of its own alphabet (GSM 03.38), or 70 of any other
(UCS-2); a longer one goes in parts of 153 and 67, and each part is paid for."""

from __future__ import annotations

import unicodedata
from math import ceil

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_TWO_PLACES = frozenset("^{}\\[~]|€\f")
# What looks the same to a reader and has a place in the alphabet.
_LIKE = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "...", "\u00a0": " ", "ç": "c"})

ONE_GSM, PART_GSM = 160, 153
ONE_UCS2, PART_UCS2 = 70, 67


def is_gsm(text: str) -> bool:
    """Whether every sign is of the phone networks' own alphabet."""
    return all(sign in _BASIC or sign in _TWO_PLACES for sign in text)


def plain(text: str) -> str:
    """The text with the accents that the alphabet doesn't have taken off (`á` is `a`, `é` stays), where that is all it
    takes to write it in the alphabet; else the text as it is, so that no other script is torn apart."""
    composed = unicodedata.normalize("NFC", text).translate(_LIKE)
    folded = "".join(sign if is_gsm(sign) else _bare(sign) for sign in composed)
    return folded if is_gsm(folded) else composed


def segments(text: str) -> int:
    """In how many parts a network carries it; none for an empty one."""
    if is_gsm(text):
        places = len(text) + sum(sign in _TWO_PLACES for sign in text)
        return _parts(places, ONE_GSM, PART_GSM)
    return _parts(len(text.encode("utf-16-le")) // 2, ONE_UCS2, PART_UCS2)


def _parts(places: int, one: int, part: int) -> int:
    if not places:
        return 0
    return 1 if places <= one else ceil(places / part)


def _bare(sign: str) -> str:
    return "".join(each for each in unicodedata.normalize("NFD", sign) if not unicodedata.combining(each))
