"""A file of separated values, whatever program wrote it: its encoding, its delimiter, its rows."""

from __future__ import annotations

import codecs
import csv
import io

from scheduler.domain.errors import Malformed, gettext_noop

DELIMITERS = (",", ";", "\t", "|")
_NOT_TABLES = (
    (b"%PDF", gettext_noop("This is a PDF. Save the table as CSV or XLSX where it comes from.")),
    (b"\xd0\xcf\x11\xe0", gettext_noop("This is an old or a locked Excel file. Save it as .xlsx without a password.")),
    (b"\x89PNG", gettext_noop("This is a picture. Save the table as CSV or XLSX where it comes from.")),
    (b"\xff\xd8\xff", gettext_noop("This is a picture. Save the table as CSV or XLSX where it comes from.")),
    (b"{\\rtf", gettext_noop("This is a text document. Save the table as CSV or XLSX where it comes from.")),
)
_PAGES = ("<!doctype", "<html", "<table", "<?xml")


def decode(content: bytes) -> str:
    """UTF-8 or UTF-16 with a mark, UTF-8, else Windows-1252. Raises Malformed for what is no text."""
    for begins, sentence in _NOT_TABLES:
        if content.startswith(begins):
            raise Malformed("file", sentence)
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encodings = ["utf-16"]
    else:
        encodings = ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        if text.lstrip().lower().startswith(_PAGES):
            raise Malformed("file", gettext_noop("This is a web page, not a table. Save it as CSV or XLSX."))
        return text
    raise Malformed("file", gettext_noop("This is no table that can be read. Save it as CSV or XLSX."))


def rows(text: str, *, most: int) -> list[tuple[int, list[str]]]:
    """Rows by the number of the line they begin on, from 1, without empty ones. Raises Malformed beyond `most`."""
    found: list[tuple[int, list[str]]] = []
    begins = 1
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
        for cells in reader:
            if any(cell.strip() for cell in cells):
                found.append((begins, cells))
            if len(found) > most:
                raise too_many(most - 1)
            begins = reader.line_num + 1
    except csv.Error as wrong:
        raise Malformed(
            "file", gettext_noop("Row {line} has too much text, or a quotation mark that is not closed."), line=begins
        ) from wrong
    return found


def too_many(most: int) -> Malformed:
    return Malformed("file", gettext_noop("There are more than {most} rows. Split the file in two."), most=f"{most:,}")


def _delimiter(text: str) -> str:
    """The one that makes the most columns of the headings."""
    heading = next((line for line in io.StringIO(text) if line.strip()), "")
    return max(DELIMITERS, key=lambda sign: _columns(heading, sign))


def _columns(heading: str, sign: str) -> int:
    try:
        return len(next(csv.reader([heading], delimiter=sign), []))
    except csv.Error:  # what stands between two of these signs is longer than any heading
        return 0
