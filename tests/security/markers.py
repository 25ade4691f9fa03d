"""Values that nobody would write by chance, planted where patients' data and secrets go, and the search for them.

A leak is rarely written as it was typed: a broker carries base64 within JSON, a mail is quoted-printable, an address is
percent-encoded, a date has five ways to be written. `find` undoes what can be undone and looks for every way.
"""

from __future__ import annotations

import base64
import binascii
import html
import random
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import unquote_plus

import redis

_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")
_LETTERS = "abdefgiklmnoprstuvz"
_random = random.Random(164_312)


def word(sign: str = "") -> str:
    """A name that exists nowhere: Qa and ten letters, one of which may be `sign`."""
    return "Qa" + "".join(_random.choices(_LETTERS, k=5)) + sign + "".join(_random.choices(_LETTERS, k=5))


def number() -> str:
    """Nine digits with a 7 before and after, so that no count, id or time of day looks like it."""
    return f"7{_random.randrange(10**9):09d}7"


def birth_dates() -> Iterator[date]:
    """Days of the thirties: no visit is on one of them."""
    day = date(1931, 2, 3)
    while True:
        yield day
        day += timedelta(days=137)


@dataclass(frozen=True)
class Marker:
    """`kind` says what the value stands for, and so where it may be."""

    kind: str
    value: str

    @property
    def forms(self) -> tuple[str, ...]:
        """The ways it may be written, in small letters."""
        if self.kind != "birth date":
            return (self.value.casefold(),)
        day = date.fromisoformat(self.value)
        return (
            f"{day:%Y-%m-%d}", f"{day:%Y%m%d}", f"{day:%d/%m/%Y}", f"{day:%m/%d/%Y}", f"{day:%d.%m.%Y}",
            f"{day.day} {day:%b %Y}".casefold(), f"{day.day} {day:%B %Y}".casefold(),
            f"{day:%b} {day.day}, {day.year}".casefold(), f"{day:%B} {day.day}, {day.year}".casefold(),
            f"{day.year}, {day.month}, {day.day}", f"{day.day} {day.month} {day.year}",
        )  # fmt: skip


def find(markers: Iterable[Marker], raw: str | bytes) -> set[Marker]:
    """Those of `markers` that can be read in `raw`, however it was wrapped."""
    text = "\n".join(readings(raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw)).casefold()
    return {marker for marker in markers if any(form in text for form in marker.forms)}


def readings(text: str, depth: int = 2) -> Iterator[str]:
    """The text as it stands, unescaped, and what its base64 says (a task is base64 within JSON)."""
    yield text
    yield unquote_plus(text)
    yield html.unescape(text)
    yield _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
    if depth:
        for piece in _BASE64.findall(text):
            if (inner := _decoded(piece)) is not None:
                yield from readings(inner, depth - 1)


def _decoded(piece: str) -> str | None:
    bare = piece.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(bare[: len(bare) - (len(bare) % 4 == 1)] + "==").decode()
    except (binascii.Error, UnicodeDecodeError):  # a long word, not base64
        return None


# --- the places, each as texts by a name ---------------------------------------------------------------------------


def in_mail(message: EmailMessage, sender: str | None, recipients: Collection[str]) -> dict[str, str]:
    """`envelope`, `subject`, `headers` (all others, and those of the parts), `body` (every part, decoded)."""
    parts = list(message.walk())
    headers = [f"{name}: {value}" for part in parts for name, value in part.items() if name.lower() != "subject"]
    bodies = [str(part.get_content()) for part in parts if not part.is_multipart()]
    return {
        "envelope": "\n".join([sender or "", *recipients]),
        "subject": str(message["Subject"]),
        "headers": "\n".join(headers),
        "body": "\n".join(bodies),
    }


def in_broker(client: redis.Redis) -> dict[str, bytes]:
    """Every key and its value, of whatever type."""
    found = {}
    for key in client.scan_iter():
        read = {
            b"string": lambda key: [client.get(key)],
            b"list": lambda key: client.lrange(key, 0, -1),
            b"set": client.smembers,
            b"zset": lambda key: client.zrange(key, 0, -1),
            b"hash": lambda key: [part for pair in client.hgetall(key).items() for part in pair],
            b"stream": lambda key: [
                part for _id, fields in client.xrange(key) for pair in fields.items() for part in pair
            ],
        }[client.type(key)]
        found[key.decode()] = b"\n".join([key, *read(key)])
    return found


def in_files(directory: Path) -> dict[str, bytes]:
    """Every file below `directory`: for a broker, all that was ever written to it, tasks and their arguments too."""
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


_ADDRESS = re.compile(
    r"""(?:href|action|src|formaction|hx-(?:get|post|put|delete)|location)\s*[=:]\s*["']?([^"'\s>]+)""", re.I
)
_LINK = re.compile(r"https?://[^\s\"'<>]+")


def in_addresses(page: str) -> str:
    """The addresses that a page, an answer's headers or a JSON document hold, one a line."""
    return "\n".join([*_ADDRESS.findall(page), *_LINK.findall(page)])
