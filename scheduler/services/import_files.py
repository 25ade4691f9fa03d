"""A file that somebody chose, as headings and rows of text, judged by what is in it and not by its name.

Nothing of it touches the disk. An XLSX is a ZIP archive of XML: how much comes out is known, and limited, before it
is unpacked (import_archive.py); entities of its own are refused by defusedxml, which openpyxl uses where it is there.
"""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time

import openpyxl
from defusedxml.common import DefusedXmlException
from openpyxl.utils.exceptions import InvalidFileException

from scheduler.domain import import_text
from scheduler.domain.errors import Malformed, gettext_noop
from scheduler.services import import_archive

MOST_BYTES = 8 * 1024 * 1024  # 50,000 appointments as CSV are about 5 MB
MOST_ROWS = 50_000
MOST_COLUMNS = 60
MOST_SIGNS = 2_000  # of a cell: more is no value of ours, and is cut

_NOT_READABLE = gettext_noop("This Excel file can’t be read. Open it there, save it as CSV, and choose that.")


@dataclass(frozen=True, slots=True)
class Table:
    """The first row that isn't empty, and the others by their numbers in the file."""

    headings: list[str]
    rows: list[tuple[int, list[str]]]


def read(content: bytes) -> Table:
    """Raises Malformed for `file` in words, whatever is in it."""
    if len(content) > MOST_BYTES:
        raise Malformed(
            "file", gettext_noop("The file is larger than {most} MB. Split it in two."), most=MOST_BYTES >> 20
        )
    if content.startswith(b"PK"):
        found = _of_workbook(content)
    else:
        found = import_text.rows(import_text.decode(content), most=MOST_ROWS + 1)
    if not found:
        raise Malformed("file", gettext_noop("The file is empty."))
    (_number, headings), *rows = [(number, [_clean(cell) for cell in cells]) for number, cells in found]
    if not rows:
        raise Malformed(
            "file", gettext_noop("There is one row only. The first row has the headings, the others follow.")
        )
    if len(headings) > MOST_COLUMNS:
        raise Malformed("file", gettext_noop("There are more than {most} columns. Leave out some."), most=MOST_COLUMNS)
    return Table(headings, [(number, cells[:MOST_COLUMNS]) for number, cells in rows])


def _clean(cell: str) -> str:
    """No NULs and no halves of signs: databases hold neither."""
    return cell[:MOST_SIGNS].replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _of_workbook(content: bytes) -> list[tuple[int, list[str]]]:
    try:
        import_archive.check(content)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about styles and extensions that don't matter here
            book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
            try:
                return _rows(book)
            finally:
                book.close()
    except Malformed:
        raise
    except (
        zipfile.BadZipFile, InvalidFileException, DefusedXmlException, SyntaxError, KeyError, ValueError, TypeError,
        AttributeError, IndexError, EOFError, OSError, OverflowError, NotImplementedError, RuntimeError,
    ) as wrong:  # fmt: skip  # whatever a file made by hand leads openpyxl to; a SyntaxError is XML that is none
        raise Malformed("file", _NOT_READABLE) from wrong


def _rows(book: openpyxl.Workbook) -> list[tuple[int, list[str]]]:
    """Of the first sheet. A sheet may say that it has a million rows: what counts is what is in them, and how many
    empty ones come in a row."""
    if not book.worksheets:
        raise Malformed("file", _NOT_READABLE)
    found: list[tuple[int, list[str]]] = []
    for number, cells in enumerate(_cells(book), start=1):
        if any(cell.strip() for cell in cells):
            found.append((number, cells))
        if len(found) > MOST_ROWS + 1:
            raise import_text.too_many(MOST_ROWS)
        if number - (found[-1][0] if found else 0) > MOST_ROWS:
            break
    return found


def _cells(book: openpyxl.Workbook) -> Iterator[list[str]]:
    for row in book.worksheets[0].iter_rows(max_col=MOST_COLUMNS + 1):
        cells = [_text(cell) for cell in row]
        while cells and not cells[-1]:
            cells.pop()
        yield cells


def _text(cell: object) -> str:
    """As people see it, with dates year first. A formula is what it came to when the file was saved."""
    value = getattr(cell, "value", None)
    if value is None:
        return ""
    if isinstance(value, datetime):
        shows_time = "h" in str(getattr(cell, "number_format", "")).lower() or value.time() != time()
        return f"{value:%Y-%m-%d %H:%M}" if shows_time else f"{value:%Y-%m-%d}"
    if isinstance(value, time):
        return f"{value:%H:%M}"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
