"""Rows as centers have them: three date styles, names in one column or two, stray signs."""

from __future__ import annotations

from datetime import date, time

import pytest

from scheduler.domain import import_cells as cells
from scheduler.domain import import_fields as fields
from scheduler.domain.errors import Malformed
from scheduler.domain.import_rows import AppointmentRow, ChairRow, PatientRow, parse

PATIENT = {"mrn": 0, "last_name": 1, "first_name": 2, "birth_date": 3}
VISIT = {"mrn": 0, "date": 1, "time": 2, "chair": 3, "minutes": 4}


def said(wrong: list[Malformed]) -> list[str]:
    return [f"{one.field}: {one.sentence}" for one in wrong]


@pytest.mark.parametrize(
    ("style", "cell"),
    [
        ("iso", "1980-03-04"),
        ("us", "3/4/1980"),
        ("us", "03-04-1980"),
        ("day-first", "4.3.1980"),
        ("day-first", "04/03/1980"),
    ],
)
def test_a_date_is_read_in_the_style_of_the_file(style, cell):
    assert cells.read_date("d", cell, style) == (date(1980, 3, 4), "")


@pytest.mark.parametrize("style", fields.DATE_STYLES)
def test_year_first_is_read_in_every_style(style):
    assert cells.read_date("d", "1980-03-04T10:30:00", style) == (date(1980, 3, 4), "10:30:00")


def test_the_style_is_never_guessed_from_the_row():
    with pytest.raises(Malformed, match="d"):
        cells.read_date("d", "31/3/1980", "us")


@pytest.mark.parametrize("cell", ["31.2.2026", "4.3.80", "gestern", "45987", "4.3.19800", "2026-13-01", "", "٤/٣/١٩٨"])
def test_what_is_no_date_is_said(cell):
    with pytest.raises(Malformed):
        cells.read_date("d", cell, "day-first")


@pytest.mark.parametrize(
    ("cell", "meant"),
    [("10:30", time(10, 30)), ("9.05", time(9, 5)), ("10h30", time(10, 30)), ("3 pm", time(15)),
     ("12:15 AM", time(0, 15)), ("12 p.m.", time(12)), ("23:59:59", time(23, 59)), ("10:30 Uhr", time(10, 30))],
)  # fmt: skip
def test_times_as_people_write_them(cell, meant):
    assert cells.read_time("t", cell) == meant


@pytest.mark.parametrize("cell", ["24:00", "10", "13 pm", "0 am", "10:60", "noon", "-1:00"])
def test_what_is_no_time_is_said(cell):
    with pytest.raises(Malformed):
        cells.read_time("t", cell)


@pytest.mark.parametrize(
    ("cell", "meant"), [("60", 60), ("60 min", 60), ("1:30", 90), ("1h", 60), ("1 h 15 min", 75), ("720", 720)]
)
def test_lengths_as_people_write_them(cell, meant):
    assert cells.read_minutes("m", cell) == meant


@pytest.mark.parametrize("cell", ["0", "721", "", "long", "-5", "1.5"])
def test_what_is_no_length_is_said(cell):
    with pytest.raises(Malformed):
        cells.read_minutes("m", cell)


@pytest.mark.parametrize(
    ("whole", "last", "first"),
    [("Rivera, Ana", "Rivera", "Ana"), ("Ana María Rivera", "Rivera", "Ana María"), ("Rivera", "Rivera", ""),
     ("van der Berg, Jan", "van der Berg", "Jan"), ("", "", "")],
)  # fmt: skip
def test_one_column_holds_both_names(whole, last, first):
    assert cells.split_name(whole) == (last, first)


def test_a_patient_with_stray_blanks_in_two_columns():
    row, wrong = parse("patients", ["  M 1 ", " Szabó\u00a0Nagy ", "Kata  lin", " 4/3/1980 "], PATIENT, "us")
    assert wrong == []
    assert row == PatientRow("M 1", "Szabó Nagy", "Kata lin", date(1980, 4, 3))


def test_last_name_column_with_a_comma_holds_both():
    columns = {"mrn": 0, "last_name": 1, "birth_date": 2}
    row, _wrong = parse("patients", ["1", "Rivera, Ana", "1980-04-03"], columns, "iso")
    assert isinstance(row, PatientRow)
    assert (row.last_name, row.first_name) == ("Rivera", "Ana")


def test_all_that_is_wrong_is_said_at_once():
    row, wrong = parse("patients", ["", "", "", "soon"], PATIENT, "us")
    assert row is None
    assert {one.field for one in wrong} == {"mrn", "last_name", "birth_date"}


def test_a_row_that_is_too_short_lacks_what_is_missing():
    row, wrong = parse("patients", ["1"], PATIENT, "iso")
    assert row is None
    assert {one.field for one in wrong} == {"last_name", "birth_date"}


def test_other_scripts_and_marks_stay_and_unseen_turners_go():
    row, wrong = parse("patients", ["1", "\u202eكرم\u202c", "e\u0301va", "1980-04-03"], PATIENT, "iso")
    assert wrong == []
    assert isinstance(row, PatientRow)
    assert (row.last_name, row.first_name) == ("كرم", "éva")


@pytest.mark.parametrize("signs", [200, 201])
def test_a_name_has_two_hundred_signs_at_most(signs):
    row, wrong = parse("patients", ["1", "x" * signs, "", "1980-04-03"], PATIENT, "iso")
    assert (row is not None) is (signs == 200)
    assert len(wrong) == signs - 200


def test_a_long_name_in_one_column_is_cut_by_nobody():
    columns = {"mrn": 0, "full_name": 1, "birth_date": 2}
    _row, wrong = parse("patients", ["1", "x" * 201 + ", Ana", "1980-04-03"], columns, "iso")
    assert [one.field for one in wrong] == ["last_name"]


def test_signs_that_cant_be_shown_are_said():
    _row, wrong = parse("patients", ["1", "Ri\x07vera", "", "1980-04-03"], PATIENT, "iso")
    assert [one.field for one in wrong] == ["last_name"]


def test_an_appointment_from_two_columns():
    row, wrong = parse("appointments", ["1", "24.11.2026", "3 pm", "Chair 2", "45"], VISIT, "day-first")
    assert wrong == []
    assert isinstance(row, AppointmentRow)
    assert (row.wall.isoformat(), row.minutes, row.chair, row.status) == ("2026-11-24T15:00:00", 45, "Chair 2", "")


def test_date_and_time_in_one_column_and_an_end_over_midnight():
    columns = {"mrn": 0, "date": 1, "until": 2, "chair": 3, "status": 4}
    row, wrong = parse("appointments", ["1", "11/24/2026 11:30 PM", "00:30", "Bed 1", "No-show"], columns, "us")
    assert wrong == []
    assert isinstance(row, AppointmentRow)
    assert (row.wall.isoformat(), row.minutes, row.status) == ("2026-11-24T23:30:00", 60, "noshow")


@pytest.mark.parametrize(
    ("cells_", "field"),
    [
        (["", "2026-11-24", "10:00", "Chair 1", "60"], "mrn"),
        (["1", "", "10:00", "Chair 1", "60"], "date"),
        (["1", "2026-11-24", "", "Chair 1", "60"], "time"),
        (["1", "2026-11-24", "10:00", "", "60"], "chair"),
        (["1", "2026-11-24", "10:00", "Chair 1", ""], "protocol"),
        (["1", "2026-11-24", "late", "Chair 1", "60"], "time"),
    ],
)
def test_what_an_appointment_needs(cells_, field):
    row, wrong = parse("appointments", cells_, VISIT, "iso")
    assert row is None
    assert [one.field for one in wrong] == [field]


def test_an_unknown_status_is_said():
    _row, wrong = parse(
        "appointments", ["1", "2026-11-24", "10:00", "C", "60", "perhaps"], VISIT | {"status": 5}, "iso"
    )
    assert said(wrong) == ["status: {field}: “{value}” is not known here."]


def test_a_chair_and_its_kind():
    columns = {"unit": 0, "chair": 1, "chair_kind": 2}
    assert parse("chairs", ["Day", "Chair 9", "Bed"], columns, "iso") == (ChairRow("Chair 9", "Day", "bed"), [])
    assert parse("chairs", ["Day", "Chair 9", "sofa"], columns, "iso")[0] is None


def test_the_same_row_twice_has_the_same_key():
    first = parse("appointments", ["m1", "2026-11-24", "10:00", "A", "60"], VISIT, "iso")[0]
    second = parse("appointments", [" M1", "2026-11-24", "10.00", "B", "30"], VISIT, "iso")[0]
    assert first is not None
    assert second is not None
    assert first.key == second.key


def test_headings_are_guessed_in_any_case_and_order():
    guessed = fields.guess("patients", ["D.O.B.", "SURNAME ", "Given name", "Phone number", "Chart #", "whatever"])
    assert guessed == {"birth_date": 0, "last_name": 1, "first_name": 2, "phone": 3, "mrn": 4}
    assert fields.guess("patients", ["MRN", "Patient name", "DOB"]) == {"mrn": 0, "full_name": 1, "birth_date": 2}
    assert fields.guess("chairs", ["Unit", "Name", "Type"]) == {"unit": 0, "chair": 1, "chair_kind": 2}


def test_columns_are_checked():
    fields.check_columns("patients", PATIENT, 4)
    for columns in ({**PATIENT, "mrn": 4}, {**PATIENT, "shoe": 1}, {**PATIENT, "phone": 1}, {"mrn": 0}):
        with pytest.raises(Malformed):
            fields.check_columns("patients", columns, 4)
