"""Files as programs write them, and files that are something else."""

from __future__ import annotations

import pytest

from scheduler.domain.errors import Malformed
from scheduler.domain.import_text import decode, rows


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_the_encoding_is_found(encoding):
    assert decode("Szabó;Ana".encode(encoding)) == "Szabó;Ana"


@pytest.mark.parametrize(
    "content",
    [b"%PDF-1.7", b"\xd0\xcf\x11\xe0\xa1", b"\x89PNG\r\n", b"\xff\xd8\xff\xe0", b"{\\rtf1", b"a,b\0c", b"\x81\x8d",
     b"\n<!DOCTYPE html><table>", b"<?xml version='1.0'?>"],
)  # fmt: skip
def test_what_is_no_table_is_said(content):
    with pytest.raises(Malformed) as wrong:
        decode(content)
    assert wrong.value.field == "file"


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_in_the_headings(sign):
    text = f'mrn{sign}"last, first"{sign}born\n1{sign}x{sign}y\n'
    assert rows(text, most=9) == [(1, ["mrn", "last, first", "born"]), (2, ["1", "x", "y"])]


def test_rows_keep_the_number_of_their_line_and_empty_ones_go():
    assert rows('a,b\n\n , \n"x\ny",2\n3,4\n', most=9) == [(1, ["a", "b"]), (4, ["x\ny", "2"]), (6, ["3", "4"])]


def test_too_many_rows_are_refused():
    assert len(rows("a\n1\n2\n", most=3)) == 3
    with pytest.raises(Malformed):
        rows("a\n1\n2\n3\n", most=3)


def test_a_field_without_end_is_refused_and_not_read_for_ever():
    with pytest.raises(Malformed) as wrong:
        rows('a,b\n1,"' + "x" * 200_000, most=9)
    assert wrong.value.facts == {"line": 2}


def test_an_empty_file_has_no_rows():
    assert rows("", most=9) == []
    assert rows("\n \n", most=9) == []
