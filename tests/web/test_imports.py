"""The pages of an import: file, columns, dry run, bar, undo; only for managers, and only text comes out."""

from __future__ import annotations

import io

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from scheduler.models import Access, Appointment, Import, Patient
from scheduler.services import import_work
from tests import factories as make
from tests.web.conftest import NOW

TEXT = (
    "MRN,Last name,First name,DOB\n1,Rivera,Ana,3/14/1985\n2,<script>alert(1)</script>,كرم,3/15/1985\n3,Szabó,,soon\n"
)
COLUMNS = {"column-mrn": "0", "column-last_name": "1", "column-first_name": "2", "column-birth_date": "3"}


def upload(clinic, content: bytes | str = TEXT, kind: str = "patients", role: str = "manager"):
    content = content.encode() if isinstance(content, str) else content
    return clinic.client(role).post("/imports/", {"kind": kind, "file": SimpleUploadedFile("x.csv", content)})


def work() -> None:
    while import_work.work(now=NOW).get("batches"):
        pass


def test_the_whole_way(clinic):
    client = clinic.client()
    answer = upload(clinic)
    source = Import.objects.get()
    url = f"/imports/{source.pk}/"
    assert (answer.status_code, answer["Location"]) == (302, url)
    page = client.get(url).content.decode()
    assert '<option value="0" selected>MRN: 1, 2, 3</option>' in page
    assert client.post(f"{url}check/", {**COLUMNS, "date_style": "us"}).status_code == 302
    assert "Nothing is imported yet" in client.get(url).content.decode()
    bar = client.get(url, headers={"HX-Request": "true"})
    assert "<html" not in bar.content.decode()
    assert "HX-Refresh" not in bar
    work()
    assert client.get(url, headers={"HX-Request": "true"})["HX-Refresh"] == "true"
    page = client.get(url).content.decode()
    assert "2 rows can be imported." in page
    assert "“soon” is no date like 11/24/2026." in page
    page = client.get(f"{url}?show=ready").content.decode()
    assert "<script>alert" not in page
    assert "<bdi>&lt;script&gt;alert(1)&lt;/script&gt;</bdi>" in page
    assert client.post(f"{url}start/").status_code == 302
    work()
    assert Patient.objects.count() == 2
    page = client.get(url).content.decode()
    assert "2 rows are imported." in page
    assert client.post(f"{url}undo/", {"batch": "1"}).status_code == 302
    assert not Patient.objects.exists()
    assert client.post(f"{url}close/").status_code == 302
    assert "This import is closed" in client.get(url).content.decode()
    assert Access.objects.filter(what="import").exists()


def test_columns_that_lack_something_are_said_at_the_field(clinic):
    upload(clinic)
    url = f"/imports/{Import.objects.get().pk}/check/"
    answer = clinic.client().post(url, {**COLUMNS, "column-mrn": "", "date_style": "us"})
    assert answer.status_code == 400
    assert 'id="mrn-wrong"' in answer.content.decode()
    answer = clinic.client().post(url, COLUMNS)
    assert "Choose how the dates are written." in answer.content.decode()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "The file is empty."),
        (b"\n\n", "The file is empty."),
        (b"a,b\n", "There is one row only."),
        (b"%PDF-1.7", "This is a PDF."),
        (b"PK\x03\x04 no archive", "can’t be read"),
        (b"a,b\n1,\0", "This is no table that can be read."),
        (b"<html><table></table>", "This is a web page"),
    ],
)
def test_what_is_no_table_is_said_and_nothing_is_kept(clinic, content, sentence):
    answer = upload(clinic, content)
    assert answer.status_code == 400
    assert sentence in answer.content.decode()
    assert not Import.objects.exists()


def test_no_file_and_no_kind(clinic):
    assert clinic.client().post("/imports/", {"kind": "patients"}).status_code == 400
    assert upload(clinic, kind="shoes").status_code == 400


def test_an_excel_file_whatever_it_is_called(clinic):
    book = openpyxl.Workbook()
    for row in (["MRN", "Patient", "DOB"], [1.0, "Rivera, Ana", NOW.date()], ["=1+1", "Formula", "x"]):
        book.active.append(row)
    content = io.BytesIO()
    book.save(content)
    upload(clinic, content.getvalue())
    rows = list(Import.objects.get().rows.order_by("number").values_list("raw", flat=True))
    assert rows == [["1", "Rivera, Ana", "2026-11-24"], ["", "Formula", "x"]]


@pytest.mark.parametrize("role", ["front-desk", "nurse", "auditor"])
def test_others_see_nothing_of_it(clinic, role):
    upload(clinic)
    source = Import.objects.get()
    assert clinic.client(role).get("/imports/").status_code == 403
    assert upload(clinic, role=role).status_code == 403
    assert clinic.client(role).get(f"/imports/{source.pk}/").status_code == 403
    assert clinic.client(role).post(f"/imports/{source.pk}/close/").status_code == 403


def test_another_centers_import_is_nowhere(clinic, stranger):
    upload(clinic)
    source = Import.objects.get()
    assert stranger.client().get(f"/imports/{source.pk}/").status_code == 404
    assert stranger.client().post(f"/imports/{source.pk}/close/").status_code == 404


def test_pressed_twice_it_says_so(clinic):
    upload(clinic)
    url = f"/imports/{Import.objects.get().pk}/start/"
    answer = clinic.client().post(url)
    assert answer.status_code == 409
    assert "This import has gone on meanwhile." in answer.content.decode()
    assert clinic.client().post(url.replace("start", "dance")).status_code == 404


def test_appointments_are_shown_by_day_and_undone_by_day(clinic):
    make.make_patient(clinic.center, mrn="1")
    text = "MRN,Date,Time,Chair,Minutes\n1,11/25/2026,10:00,Chair 1,30\n1,11/26/2026,10:00,Chair 1,30\n"
    upload(clinic, text, kind="appointments")
    source = Import.objects.get()
    url = f"/imports/{source.pk}/"
    columns = {f"column-{field}": str(column) for field, column in source.columns.items()}
    clinic.client().post(f"{url}check/", {**columns, "date_style": "us", "unit": "day"})
    work()
    clinic.client().post(f"{url}start/", {"doubtful": "1"})
    work()
    page = clinic.client().get(url).content.decode()
    assert "Wed 25 Nov, Day suite" in page
    clinic.client().post(f"{url}undo/", {"batch": "1"})
    assert list(Appointment.objects.order_by("start").values_list("status", flat=True)) == [
        "entered-in-error",
        "booked",
    ]


def test_the_page_asks_the_database_no_more_for_more_rows(clinic, django_assert_max_num_queries):
    upload(clinic, "MRN,Last name,DOB\n" + "".join(f"{n},Name{n},soon\n" for n in range(300)))
    url = f"/imports/{Import.objects.get().pk}/"
    clinic.client().post(
        f"{url}check/", {"column-mrn": "0", "column-last_name": "1", "column-birth_date": "2", "date_style": "us"}
    )
    work()
    with django_assert_max_num_queries(22):
        page = clinic.client().get(url)
    assert page.content.decode().count("<tr>") == 51
