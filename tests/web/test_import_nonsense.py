"""Files that are not what they say, or hold far more than they weigh: one sentence, little memory, and nothing kept."""

from __future__ import annotations

import codecs
import gzip
import io
import random
import tracemalloc
import zipfile

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from scheduler.models import Event, Import, ImportRow, Patient
from tests.web.conftest import Clinic

MOST_MEMORY = 160 << 20  # bytes, at most, for any of them
READABLE = "mrn,last name,birth date\n1,Szabó,1979-09-08\n"
TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType='
    '"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
    "{more}</Types>"
)
STRINGS = (
    '<Override PartName="/xl/sharedStrings.xml" ContentType='
    '"application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"/>'
)
RELATIONS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}" Target="{target}"/>'
    "</Relationships>"
)
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
WORKBOOK = (
    f'<workbook {MAIN} xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
    "<sheets>{sheets}</sheets></workbook>"
)
ONE_SHEET = '<sheet name="a" sheetId="1" r:id="rId1"/>'
LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in zip("abcdefghi", "bcdefghij", strict=True)
) + "]>"  # fmt: skip


def sheet(inside: str, before: str = "") -> str:
    return f"{before}<worksheet {MAIN}><sheetData>{inside}</sheetData></worksheet>"


def cells(*texts: str) -> str:
    return "<row>" + "".join(f'<c t="inlineStr"><is><t>{text}</t></is></c>' for text in texts) + "</row>"


def workbook(inside: str, *, sheets: str = ONE_SHEET, strings: str = "", **parts: str) -> bytes:
    """By hand, as no spreadsheet program would write it."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", TYPES.format(more=STRINGS if strings else ""))
        archive.writestr("_rels/.rels", RELATIONS.format(kind="officeDocument", target="xl/workbook.xml"))
        archive.writestr("xl/_rels/workbook.xml.rels", RELATIONS.format(kind="worksheet", target="worksheets/a.xml"))
        archive.writestr("xl/workbook.xml", WORKBOOK.format(sheets=sheets))
        archive.writestr("xl/worksheets/a.xml", inside)
        if strings:
            archive.writestr("xl/sharedStrings.xml", strings)
        for name, text in parts.items():
            archive.writestr(name, text)
    return content.getvalue()


def lying() -> bytes:
    """Says of itself that it is small."""
    content = bytearray(workbook(sheet(cells("a", "b") + " " * (200 << 20))))
    end = content.rindex(b"PK\x05\x06")
    at = content.index(b"PK\x01\x02")
    while 0 <= at < end:
        content[at + 24 : at + 28] = (1_000).to_bytes(4, "little")
        at = content.find(b"PK\x01\x02", at + 4)
    return bytes(content)


def locked() -> bytes:
    content = bytearray(workbook(sheet(cells("a"))))
    at = content.find(b"PK\x01\x02")
    while at >= 0:
        content[at + 8] |= 1
        at = content.find(b"PK\x01\x02", at + 4)
    return bytes(content)


TOO_MUCH = "There is too much in this Excel file."
NO_TABLE = "This is no table that can be read."
UNREADABLE = "This Excel file can’t be read."
NONSENSE = {
    "nothing": (lambda: b"", "The file is empty."),
    "blanks": (lambda: b" \r\n\t\r\n" * 1_000, "The file is empty."),
    "only a mark of its encoding": (lambda: codecs.BOM_UTF8, "The file is empty."),
    "a picture": (lambda: b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 50, "This is a picture."),
    "a photograph": (lambda: b"\xff\xd8\xff\xe0\0\x10JFIF" + bytes(200), "This is a picture."),
    "a PDF": (lambda: b"%PDF-1.7\n1 0 obj", "This is a PDF."),
    "an old Excel file, or one with a password": (
        lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "This is an old or a locked Excel file.",
    ),
    "noise": (lambda: random.Random(1).randbytes(100_000), NO_TABLE),
    "a packed CSV": (lambda: gzip.compress(READABLE.encode()), NO_TABLE),
    "NULs": (lambda: bytes(10_000), NO_TABLE),
    "a NUL in a cell": (lambda: READABLE.encode() + b"2,\0,1979-09-08\n", NO_TABLE),
    "UTF-16 without its mark": (lambda: READABLE.encode("utf-16-le"), NO_TABLE),
    "half a sign of UTF-16": (lambda: READABLE.encode("utf-16") + b"\0", NO_TABLE),
    "a web page": (lambda: b"\xef\xbb\xbf <!DOCTYPE html><table></table>", "This is a web page"),
    "headings only": (lambda: b"mrn,last name,birth date\n", "There is one row only."),
    "one long line": (lambda: b"x" * (7 << 20), "too much text"),
    "one line that is too long for any": (lambda: b"x" * (8 << 20) + b"x", "larger than 8 MB"),
    "a quotation mark that is never closed": (lambda: b'mrn,name\n1,"' + b"a\n" * 200_000, "too much text"),
    "100,000 columns": (lambda: b"a," * 100_000 + b"\n" + b"b," * 100_000, "There are more than 60 columns."),
    "4,000,000 columns": (lambda: b"a," * 4_000_000, "There is one row only."),
    "50,001 rows": (lambda: b"mrn,name\n" + b"1,a\n" * 50_001, "There are more than 50,000 rows."),
    "an archive of something else": (lambda: other_archive(), "This is an archive, no Excel file."),
    "half an Excel file": (lambda: workbook(sheet(cells("a", "b") * 50))[:-200], UNREADABLE),
    "an Excel file that is a CSV behind the letters PK": (lambda: b"PK" + READABLE.encode(), UNREADABLE),
    "an Excel file with a password": (locked, "This Excel file has a password."),
    "an Excel file without a sheet": (lambda: workbook("", sheets=""), UNREADABLE),
    "a sheet that is no XML": (lambda: workbook("<<<>>"), UNREADABLE),
    "a sheet without rows": (lambda: workbook(sheet("")), "The file is empty."),
    "entities that grow": (lambda: workbook(sheet(cells("&j;"), LAUGHS)), UNREADABLE),
    "an entity of the server's files": (
        lambda: workbook(sheet(cells("&f;"), '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>')), UNREADABLE,
    ),
    "100,000 columns in Excel": (lambda: workbook(sheet(cells(*["a"] * 100_000))), TOO_MUCH),
    "a row of 20,000,000 empty cells": (lambda: workbook(sheet(f"<row>{'<c/>' * 20_000_000}</row>")), TOO_MUCH),
    "1,200,000 empty rows": (lambda: workbook(sheet("<row/>" * 1_200_000)), TOO_MUCH),
    "a cell of 100 MB": (lambda: workbook(sheet(cells("x" * (100 << 20)))), TOO_MUCH),
    "1,200,000 shared strings": (
        lambda: workbook(sheet(cells("a")), strings=f"<sst {MAIN}>{'<si><t/></si>' * 1_200_000}</sst>"), TOO_MUCH,
    ),
    "300 MB in 300 KB": (lambda: workbook(sheet(" " * (300 << 20))), TOO_MUCH),
    "more than it says": (lying, UNREADABLE),
}  # fmt: skip


def other_archive() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
    return content.getvalue()


def upload(clinic: Clinic, content: bytes, name: str = "patients.xlsx"):
    return clinic.client("manager").post("/imports/", {"kind": "patients", "file": SimpleUploadedFile(name, content)})


@pytest.mark.parametrize("name", NONSENSE)
def test_what_is_no_table_is_said_in_one_sentence_and_nothing_is_kept(clinic: Clinic, name):
    make, sentence = NONSENSE[name]
    content = make()
    client = clinic.client("manager")
    events = Event.objects.count()
    tracemalloc.start()
    try:
        answer = client.post("/imports/", {"kind": "patients", "file": SimpleUploadedFile("patients.csv", content)})
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    page = answer.content.decode()
    assert answer.status_code == (413 if len(content) > 9 << 20 else 400)
    assert page.count(sentence) == 1
    for model in (Import, ImportRow, Patient):
        assert not model.objects.exists()
    assert Event.objects.count() == events
    assert peak < MOST_MEMORY, f"{peak >> 20} MB"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1", "cp1252"])
@pytest.mark.parametrize("name", ["patients.xlsx", "patients.csv", "patients.png", "patients"])
def test_a_csv_is_read_whatever_it_is_called_and_however_it_is_encoded(clinic: Clinic, encoding, name):
    assert upload(clinic, READABLE.encode(encoding), name).status_code == 302
    assert ImportRow.objects.get().raw == ["1", "Szabó", "1979-09-08"]


def test_a_formula_is_what_it_came_to_and_in_a_csv_it_is_text(clinic: Clinic):
    book = openpyxl.Workbook()
    for row in (["mrn", "last name"], ["1", '=HYPERLINK("https://evil.example","x")'], ["2", "Szabó"]):
        book.active.append(row)
    content = io.BytesIO()
    book.save(content)
    upload(clinic, content.getvalue())
    assert [row.raw for row in ImportRow.objects.order_by("pk")] == [["1"], ["2", "Szabó"]]
    ImportRow.objects.all().delete()
    upload(clinic, b"mrn,last name\n1,=1+1\n", "x.csv")
    assert ImportRow.objects.get().raw == ["1", "=1+1"]


def test_a_sheet_that_is_laid_out_to_its_last_row_is_read_all_the_same(clinic: Clinic):
    """Spreadsheet programs write a million empty rows where somebody gave a whole column a colour."""
    content = workbook(sheet(cells("mrn", "last name") + cells("1", "Szabó") + "<row/>" * 1_048_574))
    assert upload(clinic, content).status_code == 302
    assert ImportRow.objects.get().raw == ["1", "Szabó"]
