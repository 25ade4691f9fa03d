"""Tables sort by their headers, on the server: by a link, either way, and the page says which way it is."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path

import pytest
import time_machine
from django.core.mail import EmailMessage, get_connection
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from scheduler.domain.permissions import INTEGRATION
from scheduler.models import Import
from scheduler.services import api_keys, import_files, imports, waitlist
from scheduler.web.door import Desk
from scheduler.web.sorting import Column, arrange
from tests import factories as make
from tests.web.conftest import NOW, Clinic


def heads(page: str) -> dict[str, tuple[str, str]]:
    """By the header's words: its aria-sort, and where it leads."""
    found = re.findall(
        r'<th scope="col"(?: class="num")?(?: aria-sort="(\w+)")?><a class="sorts" href="([^"]+)">(.+?)</a>', page
    )
    return {label: (state, url.replace("&amp;", "&")) for state, url, label in found}


def in_page_order(page: str, *words: str) -> list[str]:
    return sorted(words, key=page.index)


class TestArrange:
    COLUMNS = (
        Column("name", "Name", lambda row: row[0]),
        Column("count", "Count", lambda row: row[1], falls=True, is_number=True),
        Column("steps", "Steps"),
    )
    ROWS = (("Örn", 3), ("zoe", None), ("Adam", 7), ("ola", 3))

    def sorted(self, query: str, **values):
        desk = Desk.__new__(Desk)
        object.__setattr__(desk, "request", RequestFactory().get(f"/list/{query}"))
        return arrange(desk, self.ROWS, self.COLUMNS, **values)

    @pytest.mark.parametrize(
        ("query", "names"),
        [
            ("", ["Örn", "zoe", "Adam", "ola"]),
            ("?sort=name", ["Adam", "ola", "Örn", "zoe"]),
            ("?sort=-name", ["zoe", "Örn", "ola", "Adam"]),
            ("?sort=count", ["Örn", "ola", "Adam", "zoe"]),
            ("?sort=-count", ["Adam", "Örn", "ola", "zoe"]),
            ("?sort=steps", ["Örn", "zoe", "Adam", "ola"]),
            ("?sort=--name", ["Örn", "zoe", "Adam", "ola"]),
            ("?sort=nonsense", ["Örn", "zoe", "Adam", "ola"]),
        ],
    )
    def test_accents_and_case_do_not_count_and_what_is_missing_stands_last_either_way(self, query, names):
        assert [name for name, _count in self.sorted(query).rows] == names

    def test_a_second_press_turns_it_round_and_numbers_begin_with_the_greatest(self):
        name, count, steps = self.sorted("").heads
        assert (name.state, name.url, count.url, steps.url) == ("", "/list/?sort=name", "/list/?sort=-count", "")
        name, count, _steps = self.sorted("?sort=name").heads
        assert (name.state, name.url, count.state) == ("ascending", "/list/?sort=-name", "")
        _name, count, _steps = self.sorted("?sort=-count").heads
        assert (count.state, count.url) == ("descending", "/list/?sort=count")

    def test_how_the_page_comes_by_itself_is_said_too(self):
        name, _count, _steps = self.sorted("", usual="name").heads
        assert (name.state, name.url) == ("ascending", "/list/?sort=-name")

    def test_what_else_the_address_asks_for_stays(self):
        assert self.sorted("?kind=late&sort=name").heads[0].url == "/list/?kind=late&sort=-name"

    def test_two_tables_of_a_page_sort_apart(self):
        other = self.sorted("?sort=name&keys=-count", field="keys")
        assert [name for name, _count in other.rows] == ["Adam", "Örn", "ola", "zoe"]
        assert other.heads[0].url == "/list/?sort=name&keys=name"


def test_figures_sort_by_protocol_and_by_every_number(clinic: Clinic):
    for day in ("16", "17", "18"):
        clinic.book(f"2026-11-{day}T10:00-05:00")
    clinic.book("2026-11-19T10:00-05:00", protocol=None, minutes=30)
    client = clinic.client("manager")
    url = "/figures/day/2026/11/"
    page = client.get(url).content.decode()
    assert heads(page)["Protocol"] == ("", f"{url}?sort=protocol#by-protocol")
    few, many = "Without a protocol", clinic.rescue.name
    most = client.get(f"{url}?sort=-not-given").content.decode()
    assert heads(most)["Not given"] == ("descending", f"{url}?sort=not-given#by-protocol")
    falling = client.get(f"{url}?sort=-protocol").content.decode()
    assert heads(falling)["Protocol"][0] == "descending"
    assert in_page_order(falling, f"<td>{few}", f"<td>{many}") == [f"<td>{few}", f"<td>{many}"]
    rising = client.get(f"{url}?sort=protocol").content.decode()
    assert in_page_order(rising, f"<td>{few}", f"<td>{many}") == [f"<td>{many}", f"<td>{few}"]


def test_people_and_keys_sort_apart(clinic: Clinic):
    for first, last, role in (("Zora", "Able", "nurse"), ("Abe", "Young", "auditor")):
        make.make_user(clinic.center, role, first_name=first, last_name=last)
    for name in ("Lab", "Billing"):
        api_keys.issue(actor=clinic.actor, name=name, center_code=clinic.center.code, role=INTEGRATION, now=NOW)
    client = clinic.client("manager")
    page = client.get("/people/?sort=-name&keys=name").content.decode()
    assert in_page_order(page, "Zora Able", "Abe Young") == ["Zora Able", "Abe Young"]
    assert in_page_order(page, "<b>Lab", "<b>Billing") == ["<b>Billing", "<b>Lab"]
    page = client.get("/people/?sort=role").content.decode()
    assert in_page_order(page, "Zora Able", "Abe Young") == ["Abe Young", "Zora Able"]
    assert heads(page)["Role"][0] == "ascending"


def test_imports_come_newest_first_and_sort_by_what_they_are(clinic: Clinic):
    for hours, kind, text in (
        (2, "chairs", b"Unit,Chair\nday,A\n"),
        (1, "patients", b"MRN,Last name,DOB\n1,Nobody,soon\n"),
    ):
        imports.create(
            actor=clinic.actor, center=clinic.center, kind=kind, table=import_files.read(text),
            now=NOW - timedelta(hours=hours),
        )  # fmt: skip
    first, second = (f'href="/imports/{each.pk}/"' for each in Import.objects.order_by("pk"))
    client = clinic.client("manager")
    page = client.get("/imports/").content.decode()
    assert in_page_order(page, first, second) == [second, first]
    assert heads(page)["When"][0] == "descending"
    page = client.get("/imports/?sort=what").content.decode()
    assert in_page_order(page, first, second) == [first, second]


def test_the_outbox_sorts_by_who_it_went_to(clinic: Clinic, settings, tmp_path: Path):
    settings.MAIL_DIR, settings.EMAIL_URL = tmp_path / "mail", ""
    for seconds, to in enumerate(("maren@example.org", "abe@example.org", "zoe@example.org")):
        later = time_machine.travel(NOW + timedelta(seconds=seconds), tick=False)
        with later, get_connection("scheduler.services.eml.EmailBackend") as backend:
            EmailMessage("Your visit", "On Wednesday.", "desk@example.org", [to], connection=backend).send()
    client = clinic.client(is_staff=True)
    everybody = ("abe@example.org", "maren@example.org", "zoe@example.org")
    page = client.get("/outbox/").content.decode()
    assert in_page_order(page, *everybody) == ["zoe@example.org", "abe@example.org", "maren@example.org"]
    assert heads(page)["Sent"] == ("descending", "/outbox/?sort=sent")
    assert in_page_order(client.get("/outbox/?sort=to").content.decode(), *everybody) == [*everybody]


def test_the_worklist_is_by_urgency_unless_asked_by_due_or_by_patient(clinic: Clinic):
    for number, (first, last, when) in enumerate(
        (("Abe", "Zorn", "2026-11-24T09:30-05:00"), ("Zora", "Abel", "2026-11-24T10:10-05:00"))
    ):
        patient = make.make_patient(clinic.center, first_name=first, last_name=last)
        clinic.book(when, chair=number, patient=patient)
    client = clinic.client("front-desk")
    names = ("Abe Zorn has not come", "Zora Abel has not come")
    page = client.get("/worklist/?kind=late").content.decode()
    assert in_page_order(page, *names) == [*names]
    assert 'href="/worklist/?kind=late&amp;sort=patient"' in page
    assert re.search(r'aria-current="true">Most urgent first', page)
    page = client.get("/worklist/?kind=late&sort=patient").content.decode()
    assert in_page_order(page, *names) == [*names[::-1]]
    assert re.search(r'aria-current="true">By patient', page)
    assert in_page_order(client.get("/worklist/?sort=due").content.decode(), *names) == [*names]


def test_the_waiting_list_sorts_by_patient_and_comes_most_urgent_first(clinic: Clinic):
    for number, (last, priority) in enumerate((("Zorn", 2), ("Abel", 0))):
        row = clinic.book(
            "2026-11-27T10:00-05:00", chair=number, patient=make.make_patient(clinic.center, last_name=last)
        )
        waitlist.add(actor=clinic.actor, appointment=row, priority=priority, now=NOW)
    client = clinic.client("front-desk")
    assert in_page_order(client.get("/waitlist/").content.decode(), "Zorn, Ana", "Abel, Ana") == [
        "Zorn, Ana",
        "Abel, Ana",
    ]
    page = client.get("/waitlist/?sort=patient").content.decode()
    assert in_page_order(page, "Zorn, Ana", "Abel, Ana") == ["Abel, Ana", "Zorn, Ana"]
    assert heads(page)["Patient"] == ("ascending", "/waitlist/?sort=-patient")
    refused = client.post("/waitlist/act/", {"do": "nonsense"})
    assert heads(refused.content.decode())["Patient"][1] == "/waitlist/?sort=patient", "where it can be read"


def test_stuck_messages_sort_by_every_column(clinic: Clinic):
    for number, (last, tries) in enumerate((("Zorn", 1), ("Abel", 5))):
        patient = make.make_patient(clinic.center, last_name=last, email="a@example.org")
        row = clinic.book("2026-11-27T10:00-05:00", chair=number, patient=patient)
        row.ledger.update(state="failed", attempts=tries, error="refused", done_at=NOW, due=NOW)
    client = clinic.client("front-desk")
    page = client.get("/messages/").content.decode()
    assert heads(page)["Tries"] == ("", "/messages/?sort=-tries#stuck")
    page = client.get("/messages/?sort=-tries").content.decode().split('id="stuck"')[1]
    assert in_page_order(page, "Zorn, Ana", "Abel, Ana") == ["Abel, Ana", "Zorn, Ana"]
    page = client.get("/messages/?sort=-patient").content.decode().split('id="stuck"')[1]
    assert in_page_order(page, "Zorn, Ana", "Abel, Ana") == ["Zorn, Ana", "Abel, Ana"]


def test_patients_found_sort_by_a_post_so_that_no_address_holds_who_was_looked_for(clinic: Clinic):
    for first, born, mrn in (("Zora", date(1990, 5, 1), "17"), ("Åse", date(1955, 2, 3), "42")):
        make.make_patient(
            clinic.center,
            first_name=first,
            last_name="Novak",
            search_text=f"novak {first}".lower(),
            birth_date=born,
            mrn=mrn,
        )
    client = clinic.client("front-desk")
    names = ("Novak, Zora", "Novak, Åse")

    def order(sort: str) -> list[str]:
        page = client.post("/patients/", {"q": "nov"} | ({"sort": sort} if sort else {})).content.decode()
        assert "?sort" not in page
        return in_page_order(page, *names)

    assert order("") == order("name") == ["Novak, Åse", "Novak, Zora"]
    assert order("-name") == order("mrn") == ["Novak, Zora", "Novak, Åse"]
    assert order("born") == ["Novak, Åse", "Novak, Zora"]
    page = client.post("/patients/", {"q": "nov", "sort": "-born"}).content.decode()
    assert re.search(r'value="born" aria-pressed="true" data-sorted="descending">Born', page)


@pytest.mark.parametrize(
    ("path", "role"), [("/people/", "manager"), ("/figures/day/2026/11/", "manager"), ("/worklist/", "front-desk")]
)
def test_sorting_costs_no_query(clinic: Clinic, django_assert_num_queries, path: str, role: str):
    clinic.book("2026-11-24T09:30-05:00")
    client = clinic.client(role)
    client.get(path)
    with CaptureQueriesContext(connection) as plain:
        client.get(path)
    column = {"/people/": "name", "/worklist/": "patient"}.get(path, "protocol")
    with django_assert_num_queries(len(plain)):
        client.get(f"{path}?sort={column}")
