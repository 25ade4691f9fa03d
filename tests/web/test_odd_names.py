"""Names as no form expects them: every page shows them as text, says them whole, and nothing breaks."""

from __future__ import annotations

import csv
import io
from email import policy
from email.parser import BytesParser

import pytest
from django.core import mail as outbox
from django.utils.html import escape

from scheduler.domain.permissions import MANAGER
from scheduler.models import Patient
from scheduler.services.sending import send_due
from tests import factories as make
from tests.web.conftest import EARLY, NOW, Clinic
from tests.web.signing import person, sign_in

NAMES = {
    "200 signs": "W" * 200,
    "200 signs with blanks": ("Abcdefghi " * 20).strip(),
    "Hebrew": "שרה כהן-לוי",
    "Arabic": "محمد العبدالله",
    "combining": "Z" + "\u0301\u0322\u0336\u030a" * 40 + "oë",
    "decomposed": "Szabo\u0301",
    "no width": "Sza\u200bbó\u2060\ufeffNagy",
    "turned round": "\u202eSzabó\u2066",
    "emoji": "Ana 👩🏽‍⚕️🇭🇺",
    "far planes": "𝒮𝓏𝒶𝒷ó 𠜎",
    "a script": "<script>alert(1)</script>",
    "the end of an attribute": '"><img src=x onerror=alert(1)>',
    "a single quote": "' onmouseover='alert(1)' O’Rourke",
    "a comment's end": "--></style></title></textarea><svg onload=alert(1)>",
    "a template": "{{ 7|add:7 }}{% debug %}",
    "placeholders": "%s %(name)s {0} {name} \\n &amp; &lt;b&gt;",
    "SQL": "Robert'); DROP TABLE scheduler_patient;--",
    "a formula": '=HYPERLINK("https://evil.example";"x")',
    "an address": "javascript:alert(1)//https://evil.example",
    "a header of mail": "Ana =?utf-8?q?=0d=0aBcc:x?= Bcc: x@example.org",
}
MARKUP = ("<script>alert", "<img src=x", "<svg onload", "onmouseover='alert", "Debug", "\nBcc:")
ON_PAGES = (  # where the name stands today, and where it may
    "/patients/{patient}/", "/board/{unit}/2026-11-24/", "/floor/{unit}/", "/sheet/{unit}/2026-11-24/",
    "/book/?patient={patient}", "/patients/{patient}/merge/", "/patients/{patient}/erase/",
    "/patients/{patient}/course/", "/worklist/",
)  # fmt: skip
ANYWHERE = ("/", "/wall/{unit}/", "/record/", "/waitlist/", "/messages/", "/handover/{unit}/", "/capacity/{unit}/")


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return NAMES[request.param]


def register(clinic: Clinic, **values: str):
    form = {"first_name": "Ana", "birth_date": "31 3 1980", "mrn": "K-17", "somebody_else": "1", **values}
    return clinic.client().post("/patients/new/", form)


@pytest.fixture
def patient(clinic: Clinic, name: str) -> Patient:
    """Everything about her that is free text is her name."""
    answer = register(
        clinic, first_name=name, last_name=name, allergies=name, needs=name, desk_notes=name, contact_name=name,
        email="ana@example.org", phone="212 555 0142", may_be_mailed="1",
    )  # fmt: skip
    assert answer.status_code == 302, answer.content.decode()
    return Patient.objects.get()


def test_every_page_shows_it_as_text(clinic: Clinic, patient: Patient, name: str):
    clinic.book("2026-11-24T11:00-05:00", patient=patient)
    clinic.book("2026-11-25T10:00-05:00", patient=patient)
    assert patient.last_name == name
    client = clinic.client()
    for address in (*ON_PAGES, *ANYWHERE):
        url = address.format(patient=patient.pk, unit=clinic.day.code)
        answer = client.get(url, follow=True)
        page = answer.content.decode()
        assert answer.status_code == 200, url
        assert [each for each in MARKUP if each in page] == [], url
        assert str(escape(name)) in page or address in ANYWHERE, url


def test_who_looks_for_it_sees_it_as_text(clinic: Clinic, patient: Patient, name: str):
    make.make_patient(clinic.center, mrn="K-18", first_name=name, last_name=name)
    for url, fields in (("/patients/", {"q": "K-1"}), ("/book/", {"q": "K-1", "do": "find"})):
        page = clinic.client().post(url, fields).content.decode()
        assert page.count(str(escape(name))) >= 2
        assert [each for each in MARKUP if each in page] == []
    page = clinic.client().post("/patients/", {"q": name}).content.decode()
    assert [each for each in MARKUP if each in page] == []


def test_a_file_holds_it_as_text(clinic: Clinic, patient: Patient, name: str):
    answer = sign_in(person(clinic.center, MANAGER)).post("/patients/export/")
    [_head, row] = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert row[1] in (name, f"'{name}")
    assert not row[1].startswith("=")


def test_a_mail_greets_by_it_as_text(clinic: Clinic, patient: Patient, name: str):
    clinic.book("2026-11-27T11:00-05:00", patient=patient)
    send_due(now=EARLY)
    send_due(now=NOW)
    assert outbox.outbox
    for sent in outbox.outbox:
        read = BytesParser(policy=policy.default).parsebytes(sent.message().as_bytes())
        assert read["Bcc"] is None
        assert name not in str(read["Subject"])
        html = read.get_body(("html",)).get_content()
        assert [each for each in MARKUP if each in html] == []
        assert str(escape(name)) in html
        assert name in read.get_body(("plain",)).get_content().replace("\r\n", "\n")


@pytest.mark.parametrize("field", ["first_name", "last_name", "allergies", "needs", "contact_name"])
def test_more_than_200_signs_are_said_at_the_field(clinic: Clinic, field):
    answer = register(clinic, **{"last_name": "Szabó", field: "é" * 201})
    assert answer.status_code == 400
    assert "This is longer than 200 signs." in answer.content.decode()
    assert not Patient.objects.exists()


@pytest.mark.parametrize("sign", ["\n", "\x1b", "\r\nBcc: x@example.org"])
def test_what_steers_a_printer_or_a_mail_is_no_part_of_a_name(clinic: Clinic, sign):
    answer = register(clinic, last_name=f"Sza{sign}bó")
    assert answer.status_code == 400
    assert "There are signs in it that can’t be shown." in answer.content.decode()


@pytest.mark.parametrize("empty", ["", "  ", "\u200b", "\u202e \u2060"])
def test_a_name_that_nobody_can_see_is_missing(clinic: Clinic, empty):
    answer = register(clinic, last_name=empty)
    assert answer.status_code == 400
    assert "The last name is missing." in answer.content.decode()
