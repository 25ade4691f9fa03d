"""Names and dates as people type them."""

from __future__ import annotations

from datetime import date

import pytest

from scheduler.domain import names


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ("Szabó", "szabo"),
        ("O’Rourke", "o rourke"),
        ("Müller-Ødegård", "muller odegard"),
        ("  Trần   Linh ", "tran linh"),
        ("Łukasz", "lukasz"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("محمد", "محمد"),
        ("", ""),
    ],
)
def test_case_accents_and_signs_do_not_matter(typed, plain):
    assert names.plain(typed) == plain


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("31 3 1980", date(1980, 3, 31)),
        ("31.3.1980", date(1980, 3, 31)),
        ("1980-03-31", date(1980, 3, 31)),
        ("31 Mar 1980", date(1980, 3, 31)),
        ("March 31, 1980", date(1980, 3, 31)),
        ("3/31/1980", date(1980, 3, 31)),
        ("29 2 2000", date(2000, 2, 29)),
    ],
)
def test_a_birth_date_is_read_in_several_ways(typed, meant):
    assert names.birth_date(typed) == meant


@pytest.mark.parametrize(
    "typed", ["", "31 13 1980", "29 2 1900", "31 3 80", "203 551", "Anna Maria Berg", "1980", "0 0 2000"]
)
def test_what_is_no_date_is_none(typed):
    assert names.birth_date(typed) is None
