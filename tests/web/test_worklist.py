"""The worklist's page."""

from __future__ import annotations

import re

import pytest

from scheduler.models import Visit, WorklistMark
from scheduler.queries import worklist
from scheduler.queries.course_request import CourseRequest
from scheduler.services import courses
from scheduler.services.placing import place_visit
from tests import factories as make
from tests.factories import utc
from tests.web.conftest import EARLY, NOW, Clinic


@pytest.fixture
def late(clinic: Clinic):
    patient = make.make_patient(clinic.center, first_name="Lucille", last_name="Abbott")
    return clinic.book("2026-11-24T10:20-05:00", patient=patient)


@pytest.fixture
def homeless(clinic: Clinic) -> Visit:
    """A visit that the job found no place for."""
    make.make_closure(
        clinic.center, "2026-11-23T00:00-05:00", "2026-12-20T00:00-05:00", unit=clinic.day, reason="Works"
    )
    course = courses.create(
        actor=clinic.actor,
        center=clinic.center,
        request=CourseRequest(
            patient=make.make_patient(clinic.center, first_name="Noor", last_name="Aziz"),
            protocol=clinic.quarterly,
            unit=clinic.day,
            start=utc("2026-11-30T10:00-05:00"),
            doses=1,
        ),
        now=EARLY,
    )
    visit = course.visits.get()
    place_visit(actor=clinic.actor, visit=visit, now=EARLY)
    return visit


def shown(clinic: Clinic, query: str = "", role: str = "front-desk") -> str:
    return clinic.client(role).get(f"/worklist/{query}").content.decode()


def mark(clinic: Clinic, **data):
    return clinic.client("front-desk").post("/worklist/mark/", data)


def test_what_is_urgent_stands_first_with_its_next_step(clinic: Clinic, late, homeless):
    page = shown(clinic)
    assert "Lucille Abbott has not come" in page
    assert "22 min late" in page
    assert page.index("Lucille Abbott") < page.index("Noor Aziz")
    count = len(worklist.items(center=clinic.center, now=NOW))
    assert f'class="count is-alert">{count}<' in page.split("</header>")[0], "the bar counts"


def test_kinds_and_units_narrow_it(clinic: Clinic, late, homeless):
    only = shown(clinic, "?kind=unplaced")
    assert "Noor Aziz" in only
    assert "Lucille Abbott" not in only
    assert "Nothing here" in shown(clinic, "?unit=suite-24")


def test_an_unplaced_visit_says_why_and_what_would_work(clinic: Clinic, homeless):
    page = shown(clinic, f"?item=unplaced:{homeless.pk}")
    assert "Why it has no place" in page
    assert "Works" in page or "closed" in page
    offers = re.findall(r'name="slot" value="([^"]+)"', page)
    assert offers == [] or "2026-12-2" in offers[0], "only days after the works are offered"


def test_claim_and_give_back(clinic: Clinic, late):
    item = f"late:{late.pk}"
    location = mark(clinic, item=item, do="claim", back="?whose=free")["Location"]
    assert location == f"/worklist/?item=late%3A{late.pk}", "it stands open, ready for its next step"
    assert "Lucille Abbott" in shown(clinic, "?whose=mine")
    assert "Lucille Abbott" not in shown(clinic, "?whose=free")
    mark(clinic, item=item, do="release", back="?whose=mine")
    assert "Lucille Abbott" not in shown(clinic, "?whose=mine")


def test_snooze_needs_a_reason_and_wakes_again(clinic: Clinic, late):
    item = f"late:{late.pk}"
    answer = mark(clinic, item=item, do="snooze", until="2026-11-25", reason="")
    assert answer.status_code == 400
    assert "Say why it is put off." in answer.content.decode()
    mark(clinic, item=item, do="snooze", until="2026-11-25", reason="called, on her way")
    assert "Lucille Abbott" not in shown(clinic)
    put_off = shown(clinic, "?kind=snoozed")
    assert "Lucille Abbott" in put_off
    assert "called, on her way" in put_off
    mark(clinic, item=item, do="wake")
    assert "Lucille Abbott" in shown(clinic)


def test_a_mark_of_one_center_is_not_another_ones(clinic: Clinic, stranger: Clinic, late):
    stranger.client().post("/worklist/mark/", {"item": f"late:{late.pk}", "do": "claim"})
    assert WorklistMark.objects.get().center == stranger.center
    assert "Lucille Abbott" in shown(clinic, "?whose=free")


def test_an_unknown_mark_is_refused(clinic: Clinic, late):
    assert mark(clinic, item=f"late:{late.pk}", do="delete").status_code == 400
    assert mark(clinic, item="x" * 80, do="claim").status_code == 400


def test_an_empty_list_says_so(clinic: Clinic):
    page = shown(clinic)
    assert "Nothing needs a person now." in page
    assert "To the board" in page


def test_who_is_late_came_or_did_not_without_leaving_the_list(clinic: Clinic, late):
    item = f"late:{late.pk}"
    page = shown(clinic, f"?item={item}")
    assert 'value="arrive"' in page
    assert mark(clinic, item=item, do="arrive", appointment=late.pk)["Location"] == "/worklist/"
    late.refresh_from_db()
    assert late.status == "arrived"
    assert mark(clinic, item=item, do="no-show", appointment=late.pk).status_code == 409


def test_tomorrows_are_confirmed_one_by_one_from_the_list(clinic: Clinic):
    names = ("Abbott", "Berg")
    rows = [
        clinic.book(
            f"2026-11-25T{hour}:00-05:00",
            patient=make.make_patient(clinic.center, last_name=name, phone=f"212 555 01{hour}"),
        )
        for hour, name in zip(("10", "13"), names, strict=True)
    ]
    item = f"unconfirmed:{clinic.day.pk}:2026-11-25"
    page = shown(clinic, f"?item={item}")
    for said in (*names, "212 555 0110", "212 555 0113"):
        assert said in page
    mark(clinic, item=item, do="confirm", appointment=rows[0].pk)
    left = re.findall(r'name="appointment" value="(\d+)"', shown(clinic, f"?item={item}"))
    assert left == [str(rows[1].pk)]


def test_another_centers_visit_is_not_marked(clinic: Clinic, stranger: Clinic, late):
    theirs = stranger.book("2026-11-25T10:00-05:00")
    assert mark(clinic, item=f"late:{late.pk}", do="confirm", appointment=theirs.pk).status_code == 404
    theirs.refresh_from_db()
    assert theirs.confirmed_at is None


def test_a_booking_on_closed_time_is_one_click_from_another_place(clinic: Clinic, late):
    row = clinic.book("2026-11-25T10:00-05:00")
    make.make_closure(clinic.center, "2026-11-25T08:00-05:00", "2026-11-25T12:00-05:00", chair=row.chair, unit=row.unit)
    assert f'href="/appointments/{row.pk}/move/"' in shown(clinic, "?kind=clash")
