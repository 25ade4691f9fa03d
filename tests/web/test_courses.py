"""Start a course with its preview; a course with its visits."""

from __future__ import annotations

import re

import pytest
import time_machine

from scheduler.models import Appointment, Course, Visit
from scheduler.services import attendance, booking, courses
from tests import factories as make
from tests.factories import utc
from tests.web.conftest import NOW, Clinic


@pytest.fixture
def hanne(clinic: Clinic):
    return make.make_patient(clinic.center, first_name="Hanne", last_name="Vik", email="h@example.org")


def quarterly(clinic: Clinic, **values):
    return {
        "protocol": clinic.quarterly.pk,
        "unit": "day",
        "start_date": "2026-11-30",
        "start_time": "10:00",
        "doses": "4",
        "do": "preview",
        **values,
    }


def stay(clinic: Clinic, **values):
    return {
        "protocol": clinic.dhe.pk,
        "unit": "suite-24",
        "start_date": "2027-03-13",
        "start_time": "09:00",
        "days": "3",
        "attested_by": "Dr Osborne",
        "attestation_reference": "7702",
        "do": "preview",
        **values,
    }


def post(clinic: Clinic, patient, data: dict, role: str = "front-desk", status: int = 200) -> str:
    answer = clinic.client(role).post(f"/patients/{patient.pk}/course/", data)
    assert answer.status_code == status, answer.content.decode()[:2000]
    return answer.content.decode()


def fields(page: str) -> dict[str, list[str]]:
    """What the preview's form would post, besides its buttons."""
    found: dict[str, list[str]] = {}
    main = page.split("<main")[1]
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', main):
        if name != "csrfmiddlewaretoken":
            found.setdefault(name, []).append(value.replace("&amp;", "&"))
    return found


def test_the_preview_explains_every_visit_and_writes_nothing(clinic: Clinic, hanne):
    make.make_closure(
        clinic.center, "2027-05-31T00:00-04:00", "2027-06-01T00:00-04:00", unit=clinic.day, reason="Memorial Day"
    )
    page = post(clinic, hanne, quarterly(clinic))
    for said in ("Mon 30 Nov, 10:00", "Mon 1 Mar 2027, 10:00", "Tue 1 Jun 2027, 10:00", "Mon 30 Aug 2027, 10:00"):
        assert said in page, said
    assert "1 day after due" in page
    assert "2 days after due" in page
    assert "Book 4 visits" in page
    assert page.count('class="line-svg month"') >= 4
    assert not Course.objects.exists()
    assert not Visit.objects.exists()


def test_book_books_all_that_the_preview_showed(clinic: Clinic, hanne):
    page = post(clinic, hanne, quarterly(clinic))
    answer = clinic.client("front-desk").post(f"/patients/{hanne.pk}/course/", {**fields(page), "do": "book"})
    course = Course.objects.get()
    assert answer["Location"] == f"/courses/{course.pk}/"
    assert course.visits.filter(state="booked").count() == 4
    shown = clinic.client("front-desk").get(answer["Location"]).content.decode()
    assert "Mon 1 Mar 2027, 10:00" in shown


def test_a_place_taken_meanwhile_books_nothing_and_says_why(clinic: Clinic, hanne):
    page = post(clinic, hanne, quarterly(clinic))
    carried = fields(page)
    ordinal, chair, start = carried["place"][1].split("@")
    booking.book(
        actor=clinic.actor,
        chair=next(each for each in clinic.chairs if each.pk == int(chair)),
        start=utc(start),
        patient=make.make_patient(clinic.center),
        protocol=clinic.rescue,
        now=NOW,
    )
    again = post(clinic, hanne, {**carried, "do": "book"}, status=409)
    assert "Nothing was booked" in again
    assert f"Visit {ordinal}" in again
    assert not Course.objects.exists()
    assert Appointment.objects.count() == 1


def test_a_stay_across_the_clock_change(clinic: Clinic, hanne):
    page = post(clinic, hanne, stay(clinic))
    for said in (
        "Sun 14 Mar 2027, 01:00",
        "Sun 14 Mar 2027, 10:00",
        "Sun 14 Mar 2027, 18:00",
        "Tue 16 Mar 2027, 02:00",
    ):
        assert said in page, said
    clinic.client("front-desk").post(f"/patients/{hanne.pk}/course/", {**fields(page), "do": "book"})
    assert Course.objects.get().visits.filter(state="booked").count() == 9
    assert Appointment.objects.values("chair").distinct().count() == 1


def test_a_stay_that_does_not_fit_says_why_and_what_works(clinic: Clinic, hanne):
    make.make_bed(clinic.day)
    page = post(clinic, hanne, stay(clinic, unit="day", start_date="2027-03-15"))
    assert "This course does not fit Day suite" in page
    assert "it would end at 18:30" in page
    assert "does not fit: 2, 3, 5, 6, 8, 9" in page
    assert 'aria-disabled="true"' in page
    way = re.search(r'name="use" value="(suite-24[^"]+)"', page)
    assert way, "the 24-hour suite is offered"
    other = post(clinic, hanne, {**fields(page), "use": way.group(1)})
    assert "Book 9 doses" in other
    assert "does not fit" not in other


def test_change_something_brings_the_form_back_as_it_was(clinic: Clinic, hanne):
    page = post(clinic, hanne, quarterly(clinic, prescriber="Dr Osborne", preferred_weekdays=["0", "1"]))
    form = post(clinic, hanne, {**fields(page), "do": "edit"})
    assert 'value="Dr Osborne"' in form
    assert 'value="2026-11-30"' in form
    assert form.count('name="preferred_weekdays" value="0" checked') == 1


def test_visits_without_a_place_may_stay_on_the_worklist(clinic: Clinic, hanne):
    page = post(clinic, hanne, quarterly(clinic, authorization_until="2027-06-15"))
    assert "Visit 4 needs your decision first" in page
    clinic.client("front-desk").post(f"/patients/{hanne.pk}/course/", {**fields(page), "do": "book"})
    assert Course.objects.get().visits.filter(state="unplaced").count() == 1


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"protocol": ""}, "Choose a protocol"),
        ({"protocol": "999999"}, "Choose a protocol"),
        ({"unit": "nowhere"}, "Choose a unit"),
        ({"start_date": "2027-02-29"}, "on which day"),
        ({"start_time": "25:00"}, "at what time"),
        ({"doses": "0"}, "from 1 to 60 doses"),
        ({"doses": "1000"}, "from 1 to 60 doses"),
        ({"doses": "four"}, "whole number"),
        ({"doses": "4", "days": "3"}, "not both"),
        ({"start_date": "2026-11-01"}, "today or later"),
        ({"order_from": "2027-01-01", "order_until": "2026-01-01"}, "The order ends before it begins"),
        ({"dose_mg": "much"}, "number of mg"),
        ({"dose_mg": "NaN"}, "number of mg"),
        ({"attested_by": "Dr Osborne"}, "An attestation has"),
    ],
)
def test_what_makes_no_sense_is_said_on_the_form(clinic: Clinic, hanne, changed, sentence):
    page = post(clinic, hanne, quarterly(clinic, **changed), status=400)
    assert sentence in page
    assert "Show the visits" in page
    assert not Course.objects.exists()


def test_another_centers_protocol_is_not_offered(clinic: Clinic, stranger: Clinic, hanne):
    assert "Choose a protocol" in post(clinic, hanne, quarterly(clinic, protocol=stranger.quarterly.pk), status=400)


def test_the_auditor_starts_no_course(clinic: Clinic, hanne):
    post(clinic, hanne, quarterly(clinic), role="auditor", status=403)


@pytest.fixture
def course(clinic: Clinic, hanne) -> Course:
    page = post(clinic, hanne, quarterly(clinic))
    clinic.client("front-desk").post(f"/patients/{hanne.pk}/course/", {**fields(page), "do": "book"})
    return Course.objects.get()


def step(clinic: Clinic, course: Course, action: str, status: int = 302, role: str = "front-desk", **data) -> str:
    answer = clinic.client(role).post(f"/courses/{course.pk}/{action}/", data)
    assert answer.status_code == status
    course.refresh_from_db()
    return answer.content.decode()


def accept(clinic: Clinic, course: Course, action: str, **data) -> str:
    """Look at what would happen, then say yes to it; returns what was shown."""
    before = course.status, list(course.visits.values_list("state", flat=True))
    page = step(clinic, course, action, status=200, **data)
    assert (course.status, list(course.visits.values_list("state", flat=True))) == before, "it is only shown"
    step(clinic, course, action, **fields(page))
    return page


def test_pause_and_go_on(clinic: Clinic, course: Course):
    assert "Say why" in step(clinic, course, "pause", status=400, reason=" ")
    assert "waits" in accept(clinic, course, "pause", reason="pregnant")
    assert course.status == "on-hold"
    page = clinic.client().get(f"/courses/{course.pk}/").content.decode()
    assert "pregnant" in page
    assert "Go on with the course" in page
    assert "Waits until" in page
    step(clinic, course, "resume")
    assert course.status == "active"


def test_discontinue_is_for_good(clinic: Clinic, course: Course):
    shown = accept(clinic, course, "discontinue", reason="moved away")
    assert shown.count("goes, and is cancelled") == course.visits.count()
    assert course.status == "discontinued"
    assert set(course.visits.values_list("state", flat=True)) == {"waived"}
    assert "cannot be" in step(clinic, course, "pause", status=409, reason="x")


def test_a_visit_is_waived_with_a_reason(clinic: Clinic, course: Course):
    visit = course.visits.get(ordinal=2)
    client = clinic.client("front-desk")
    assert client.post(f"/visits/{visit.pk}/waive/", {"reason": ""}).status_code == 400
    assert client.post(f"/visits/{visit.pk}/waive/", {"reason": "travels"}).status_code == 302
    visit.refresh_from_db()
    assert (visit.state, visit.reason) == ("waived", "travels")


def test_another_centers_course_is_not_found(clinic: Clinic, stranger: Clinic, course: Course):
    client = stranger.client()
    assert client.get(f"/courses/{course.pk}/").status_code == 404
    assert client.post(f"/courses/{course.pk}/pause/", {"reason": "x"}).status_code == 404
    assert client.post(f"/visits/{course.visits.first().pk}/waive/", {"reason": "x"}).status_code == 404


def test_a_move_that_makes_later_visits_too_early_asks_first(clinic: Clinic, course: Course):
    """Moved to 15 March the next one would be 77 days later: proposed again, accepted together."""
    second = Appointment.objects.get(visit__course=course, visit__ordinal=2)
    slot = f"{second.chair_id}@2027-03-15T10:00-04:00"
    client = clinic.client("nurse")
    page = client.post(f"/appointments/{second.pk}/move/", {"slot": slot}).content.decode()
    assert "Later visits no longer fit" in page or "Move anyway" in page
    second.refresh_from_db()
    assert second.start == utc("2027-03-01T10:00-05:00"), "nothing moves before the yes"


def test_what_reality_moved_is_proposed_and_accepted(clinic: Clinic, course: Course):
    first = Appointment.objects.get(visit__course=course, visit__ordinal=1)
    late = utc("2026-12-14T10:00-05:00")
    attendance.complete(actor=clinic.actor, appointment=first, actual_start=late, actual_end=late, now=late)
    with time_machine.travel(late, tick=False):
        page = clinic.client().get(f"/courses/{course.pk}/").content.decode()
        assert "Proposed: other times" in page
        assert "Accept, move" in page
        step(clinic, course, "accept", role="manager")
        assert "Proposed: other times" not in clinic.client().get(f"/courses/{course.pk}/").content.decode()


def test_amending_without_a_newer_version_is_refused(clinic: Clinic, course: Course):
    assert "newer version" in step(clinic, course, "amend", status=400, reason="x")


def test_create_from_the_service_shows_unplaced_visits(clinic: Clinic, hanne):
    made = courses.create(
        actor=clinic.actor,
        center=clinic.center,
        request=courses.CourseRequest(
            patient=hanne, protocol=clinic.quarterly, unit=clinic.day, start=utc("2026-11-30T10:00-05:00")
        ),
        now=NOW,
    )
    page = clinic.client().get(f"/courses/{made.pk}/").content.decode()
    assert page.count("No place yet") == 4
    assert "Find a place" in page


def as_it_stands(clinic: Clinic, course: Course) -> dict[str, str]:
    """What the form "Change" would post untouched."""
    page = clinic.client("front-desk").get(f"/courses/{course.pk}/").content.decode()
    form = page.split(f'action="/courses/{course.pk}/change/"')[1].split("</form>")[0]
    return dict(re.findall(r'<input class="input" id="[^"]+" name="([^"]+)"[^>]*? value="([^"]*)"', form))


def test_fewer_doses_show_which_go_and_cancel_only_those(clinic: Clinic, course: Course):
    page = accept(clinic, course, "change", **as_it_stands(clinic, course) | {"doses": "2", "reason": "new order"})
    assert page.count("goes, and is cancelled") == 2
    assert page.count("stays") >= 2
    assert course.doses == 2
    assert list(course.visits.values_list("state", flat=True)) == ["booked", "booked", "waived", "waived"]


def test_another_dose_and_order_stay_booked(clinic: Clinic, course: Course):
    changed = {"dose_mg": "300", "order_reference": "7781", "preferred_time": "09:00", "reason": "new order"}
    accept(clinic, course, "change", **as_it_stands(clinic, course) | changed)
    assert course.dose_mg == 300
    assert (course.order_reference, course.preferred_minute) == ("7781", 540)
    assert set(course.visits.values_list("state", flat=True)) == {"booked"}


def test_nothing_different_and_no_reason_are_said(clinic: Clinic, course: Course):
    untouched = as_it_stands(clinic, course)
    assert "Nothing is different" in step(clinic, course, "change", status=400, **untouched | {"reason": "x"})
    assert "Say why" in step(clinic, course, "change", status=400, **untouched | {"doses": "3", "reason": ""})


def test_a_change_that_would_now_do_something_else_is_shown_again(clinic: Clinic, course: Course):
    page = step(clinic, course, "pause", status=200, reason="travels")
    visit = course.visits.get(ordinal=3)
    courses.waive(actor=clinic.actor, visit=visit, reason="travels", now=NOW)
    again = step(clinic, course, "pause", status=409, **fields(page))
    assert "Something has changed since this was shown." in again
    assert course.status == "active"


def test_a_visit_of_the_preview_goes_to_another_place_of_the_rules(clinic: Clinic, hanne):
    sent = fields(post(clinic, hanne, quarterly(clinic)))
    page = post(clinic, hanne, {**sent, "alter": "2"})
    assert "Other places that every rule allows:" in page
    offered = re.findall(r'name="choose" value="(2@[^"]+)"', page)
    assert offered
    assert sent["place"][1] not in offered, "it has that one"
    page = post(clinic, hanne, {**fields(page), "choose": offered[0]})
    assert "Chosen by you." in page
    assert offered[0] in fields(page)["place"]
    clinic.client("front-desk").post(f"/patients/{hanne.pk}/course/", {**fields(page), "do": "book"})
    _two, chair, start = offered[0].split("@")
    row = Appointment.objects.get(visit__ordinal=2)
    assert (row.chair_id, row.start) == (int(chair), utc(start))


def own(clinic: Clinic, day: str, time: str, chair: int = 0) -> dict:
    return {"check": "2", "own_date": day, "own_time": time, "own_chair": clinic.chairs[chair].pk}


def test_a_time_of_ones_own_is_checked_and_taken(clinic: Clinic, hanne):
    sent = fields(post(clinic, hanne, quarterly(clinic)))
    page = post(clinic, hanne, {**sent, **own(clinic, "2027-03-02", "11:30", chair=2)})
    assert "Tue 2 Mar 2027, 11:30" in page
    assert "Chosen by you." in page
    clinic.client("front-desk").post(f"/patients/{hanne.pk}/course/", {**fields(page), "do": "book"})
    assert Appointment.objects.get(visit__ordinal=2).start == utc("2027-03-02T11:30-05:00")
    assert Appointment.objects.count() == 4


def test_a_time_the_rules_refuse_says_why_with_ways_one_click_away(clinic: Clinic, hanne):
    sent = fields(post(clinic, hanne, quarterly(clinic)))
    page = post(clinic, hanne, {**sent, **own(clinic, "2027-02-02", "11:30")})
    assert "84 days" in page
    assert re.findall(r'name="choose" value="2@[^"]+"', page)
    assert "Chosen by you." not in page
    assert not Course.objects.exists()


def test_another_centers_chair_is_no_place(clinic: Clinic, stranger: Clinic, hanne):
    sent = fields(post(clinic, hanne, quarterly(clinic)))
    theirs = f"2@{stranger.chairs[0].pk}@2027-03-02T11:30-05:00"
    assert theirs not in post(clinic, hanne, {**sent, "choose": theirs})
