"""Whether an XLSX file may be unpacked: how much would come out of it, and what of it has to be in memory at once.

It is a ZIP archive of XML. What it says about its own size is what is read of it at most; and parts are read as a
stream, but each row and each of the shared strings becomes a tree of its own first. So the marks of XML are counted
before anything is parsed: a small file can hold millions of them.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from typing import IO

from scheduler.domain.errors import Malformed, gettext_noop

MOST_UNPACKED = 120 * 1024 * 1024
MOST_PARTS = 500
MOST_MARKS = 8_000_000  # 50,000 rows of 25 cells have 5 million: four for each cell
MOST_TOGETHER = 200_000  # of one row, or of what follows the last: 16,384 cells, or 50,000 links to addresses
MOST_IN_SETTINGS = 500_000  # of all other parts, which become trees as a whole
MOST_UNITS = 1_100_000  # rows or shared strings: Excel itself has 1,048,576 rows
MOST_TEXT = 200_000  # bytes without a mark; a cell holds 32,767 signs
_AT_ONCE = 1 << 18  # bytes: fewer marks than MOST_TOGETHER, each of them with its name
_UNIT = re.compile(rb"<(?:[A-Za-z0-9_.-]{1,30}:)?(?:row|si)[\s/>]")

_TOO_MUCH = gettext_noop("There is too much in this Excel file. Save the one table as CSV.")


def check(content: bytes) -> None:
    """Raises Malformed for `file` in words, and what zipfile raises for what is no archive."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = archive.infolist()
        if not any(part.filename == "xl/workbook.xml" for part in parts):
            raise Malformed("file", gettext_noop("This is an archive, no Excel file. Choose a CSV or XLSX file."))
        if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > MOST_UNPACKED:
            raise Malformed("file", _TOO_MUCH)
        if any(part.flag_bits & 1 for part in parts):
            raise Malformed("file", gettext_noop("This Excel file has a password. Save it without one."))
        for part in parts:
            if not part.is_dir() and not part.filename.startswith("xl/media/"):
                with archive.open(part) as stream:
                    _check_part(stream)


def _check_part(stream: IO[bytes]) -> None:
    marks = units = together = 0
    for text in _whole_marks(stream):
        marks += text.count(b"<")
        begun = _UNIT.findall(text)
        units += len(begun)
        # What is read at once holds no unit that is too large as a whole: only those count that it cuts.
        before = text.find(begun[0]) if begun else len(text)
        together += text.count(b"<", 0, before)
        if together > MOST_TOGETHER or units > MOST_UNITS or marks > (MOST_MARKS if units else MOST_IN_SETTINGS):
            raise Malformed("file", _TOO_MUCH)
        if begun:
            together = text.count(b"<", text.rfind(begun[-1]))


def _whole_marks(stream: IO[bytes]) -> Iterator[bytes]:
    """What is read, cut before a mark, so that none of them is in two halves."""
    kept = b""
    while read := stream.read(_AT_ONCE):
        read = kept + read
        if max(map(len, read.split(b"<"))) > MOST_TEXT:
            raise Malformed("file", _TOO_MUCH)
        cut = max(read.rfind(b"<"), 0)
        yield read[:cut]
        kept = read[cut:]
    yield kept
