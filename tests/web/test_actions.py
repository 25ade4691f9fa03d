"""The steps of a visit, from the panel's buttons."""

from __future__ import annotations

import pytest

from scheduler.models import Appointment, Course, Occupancy
from scheduler.services import attendance, booking
from tests import factories as make
from tests.factories import utc
from tests.services.steps import live, place_all, start_course
from tests.web.conftest import EARLY, NOW, Clinic


def press(clinic: Clinic, appointment: Appointment, action: str, role: str = "nurse", **data):
    answer = clinic.client(role).post(f"/appointments/{appointment.pk}/{action}/", data)
    appointment.refresh_from_db()
    return answer


def test_from_the_door_to_the_end(clinic: Clinic):
    visit = clinic.book("2026-11-24T11:00-05:00")
    for action, data, status in (
        ("confirm", {}, "booked"),
        ("arrive", {}, "arrived"),
        ("check-in", {}, "checked-in"),
        ("start", {}, "checked-in"),
        ("phase", {"value": "observing"}, "checked-in"),
        ("complete", {}, "fulfilled"),
    ):
        answer = press(clinic, visit, action, **data)
        assert answer.status_code == 302, action
        assert answer["Location"] == f"/board/day/2026-11-24/?visit={visit.pk}"
        assert visit.status == status
    assert visit.outcome == "given"


def test_the_front_desk_receives_but_does_not_treat(clinic: Clinic):
    visit = clinic.book("2026-11-24T11:00-05:00")
    press(clinic, visit, "arrive", role="front-desk")
    press(clinic, visit, "check-in", role="front-desk")
    assert press(clinic, visit, "start", role="front-desk").status_code == 403
    assert visit.status == "checked-in"
    assert visit.actual_start is None
    url, step = f"/board/day/2026-11-24/?visit={visit.pk}", f"/appointments/{visit.pk}/start/"
    assert step not in clinic.client("front-desk").get(url).content.decode()
    assert step in clinic.client("nurse").get(url).content.decode()


def test_a_visit_is_cancelled_with_a_reason_and_the_question_comes_first(clinic: Clinic):
    visit = clinic.book("2026-11-24T15:00-05:00")
    client = clinic.client("front-desk")
    asked = client.get(f"/board/day/2026-11-24/?visit={visit.pk}&ask=cancel").content.decode()
    assert "Cancel Tue 24 Nov, 15:00?" in asked
    assert "Keep it" in asked
    answer = press(clinic, visit, "cancel", role="front-desk", reason="patient", more="moved away")
    assert answer["Location"] == "/board/day/2026-11-24/"
    assert (visit.status, visit.reason) == ("cancelled", "Patient asked: moved away")


def test_a_cancel_without_a_reason_says_so_at_the_spot(clinic: Clinic):
    visit = clinic.book("2026-11-24T15:00-05:00")
    answer = press(clinic, visit, "cancel", reason="other", more=" ")
    assert answer.status_code == 409
    assert "Say why it is cancelled." in answer.content.decode()
    assert "Keep it" in answer.content.decode()
    assert visit.status == "booked"


def test_not_given_needs_a_reason(clinic: Clinic):
    visit = clinic.book("2026-11-24T10:50-05:00")
    attendance.start(actor=clinic.actor, appointment=visit, now=NOW)
    assert press(clinic, visit, "complete", outcome="not-given", reason="other", more="").status_code == 409
    press(clinic, visit, "complete", outcome="partial", reason="other", more="line blocked")
    assert (visit.status, visit.outcome, visit.reason) == ("fulfilled", "partial", "line blocked")


def test_a_step_out_of_turn_is_refused_in_words(clinic: Clinic):
    visit = clinic.book("2026-11-24T11:00-05:00")
    press(clinic, visit, "arrive")
    answer = press(clinic, visit, "arrive")
    assert answer.status_code == 409
    assert "This visit is arrived" in answer.content.decode()


def test_a_stale_page_is_told_and_nothing_is_saved(clinic: Clinic):
    visit = clinic.book("2026-11-24T11:00-05:00")
    seen = visit.version
    booking.confirm(actor=clinic.actor, appointment=visit, now=NOW)
    answer = press(clinic, visit, "arrive", version=seen)
    assert answer.status_code == 409
    assert "Somebody has changed this visit" in answer.content.decode()
    assert visit.status == "booked"


def test_undo_pressed_twice_goes_one_step_back(clinic: Clinic):
    visit = clinic.book("2026-11-24T10:40-05:00")
    press(clinic, visit, "arrive")
    press(clinic, visit, "check-in")
    seen = visit.version
    for _ in range(2):
        assert press(clinic, visit, "undo", version=seen).status_code == 302
        assert visit.status == "arrived"


@pytest.mark.parametrize("action", ["arrive", "cancel", "no-show", "confirm"])
def test_the_last_step_stands_in_the_foot_and_can_be_undone(clinic: Clinic, action):
    visit = clinic.book("2026-11-24T10:40-05:00")
    press(clinic, visit, action, reason="ill")
    page = clinic.client("nurse").get("/board/day/2026-11-24/").content.decode()
    assert visit.patient.full_name in page.split('class="toast"')[1]
    assert press(clinic, visit, "undo", next="/board/day/2026-11-24/")["Location"] == "/board/day/2026-11-24/"
    assert (visit.status, visit.confirmed_at) == ("booked", None)


def test_a_booking_is_undone_by_who_just_made_it(clinic: Clinic):
    patient = make.make_patient(clinic.center)
    slot = f"{clinic.chairs[0].pk}@2026-11-24T15:00-05:00"
    form = {"patient": patient.pk, "what": f"protocol:{clinic.rescue.pk}", "slot": slot}
    clinic.client("nurse").post("/book/", form)
    visit = Appointment.objects.get()
    assert press(clinic, visit, "undo", role="manager").status_code == 409, (
        "somebody else's booking is cancelled, with a reason"
    )
    assert press(clinic, visit, "undo").status_code == 302
    assert visit.status == "entered-in-error", "nobody cancelled, and no figure says so"
    assert not Occupancy.objects.exists()


def booked_by_hand(clinic: Clinic) -> Appointment:
    slot = f"{clinic.chairs[0].pk}@2026-11-24T15:00-05:00"
    form = {"patient": make.make_patient(clinic.center).pk, "what": f"protocol:{clinic.rescue.pk}", "slot": slot}
    clinic.client("nurse").post("/book/", form)
    return Appointment.objects.get()


def test_a_booking_that_somebody_has_changed_since_is_not_undone(clinic: Clinic):
    visit = booked_by_hand(clinic)
    booking.confirm(actor=clinic.actor, appointment=visit, now=NOW)
    answer = press(clinic, visit, "undo")
    assert answer.status_code == 409
    assert "nothing was undone" in answer.content.decode()
    assert (visit.status, visit.confirmed_at) == ("booked", NOW)


def test_undo_pressed_twice_takes_a_booking_back_once(clinic: Clinic):
    visit = booked_by_hand(clinic)
    for _ in range(2):
        assert press(clinic, visit, "undo", version=visit.version).status_code == 302
        assert visit.status == "entered-in-error"
        visit.version -= 1  # the second tap sends what the first one sent


def test_the_foot_offers_to_undo_what_it_says_and_nothing_that_came_after(clinic: Clinic):
    visit = clinic.book("2026-11-24T10:40-05:00")
    press(clinic, visit, "arrive")
    attendance.check_in(actor=clinic.actor, appointment=visit, now=NOW)
    page = clinic.client("nurse").get("/board/day/2026-11-24/").content.decode()
    assert f'name="version" value="{visit.version}"' in page.split('class="toast"')[1].split("</form>")[0]
    assert press(clinic, visit, "undo", version=visit.version).status_code == 409
    assert visit.status == "checked-in"


@pytest.fixture
def moved(clinic: Clinic) -> tuple[Course, list[object]]:
    """A course whose first visit was moved eleven days on, and the second along with it; its starts before."""
    protocol = make.make_quarterly(
        code="wide", window_before=14, window_after=14, tolerance_before=14, tolerance_after=14
    )
    course = start_course(clinic.actor, clinic.day, protocol, utc("2026-12-01T10:00-05:00"), now=EARLY)
    before = [row.start for row in place_all(course, clinic.actor, now=EARLY)]
    first = live(course)[0]
    target = f"{first.chair_id}@2026-12-14T10:00-05:00"
    answer = clinic.client("nurse").post(f"/appointments/{first.pk}/move/", {"slot": target, "accept_slot": target})
    assert answer.status_code == 302
    assert [row.start for row in live(course)][0:2] != before[0:2]
    return course, before


def test_what_moved_along_comes_back_along_and_the_foot_says_so(clinic: Clinic, moved):
    course, before = moved
    page = clinic.client("nurse").get("/board/day/2026-11-24/").content.decode()
    assert "with 1 other visit" in page.split('class="toast"')[1]
    assert press(clinic, live(course)[0], "undo").status_code == 302
    assert [row.start for row in live(course)] == before
    page = clinic.client("nurse").get("/board/day/2026-11-24/").content.decode()
    assert "Undone" in page.split('class="toast"')[1]
    assert "with 1 other visit" in page.split('class="toast"')[1]


def test_nothing_comes_back_where_what_moved_along_was_changed_since(clinic: Clinic, moved):
    course, _before = moved
    booking.confirm(actor=clinic.actor, appointment=live(course)[1], now=NOW)
    after = [row.start for row in live(course)]
    answer = press(clinic, live(course)[0], "undo")
    assert answer.status_code == 409
    assert "Several visits were moved together, and the one at" in answer.content.decode()
    assert [row.start for row in live(course)] == after


def test_a_cancelled_visit_is_booked_again(clinic: Clinic):
    visit = clinic.book("2026-11-24T15:00-05:00")
    booking.cancel(actor=clinic.actor, appointment=visit, reason="ill", now=NOW)
    press(clinic, visit, "reopen")
    assert visit.status == "booked"


def test_an_unknown_step_is_no_page(clinic: Clinic):
    visit = clinic.book("2026-11-24T15:00-05:00")
    assert press(clinic, visit, "explode").status_code == 404


def test_move_offers_places_and_moves(clinic: Clinic):
    visit = clinic.book("2026-11-24T15:00-05:00")
    client = clinic.client("front-desk")
    page = client.get(f"/appointments/{visit.pk}/move/?day=2026-11-25&time=09:00").content.decode()
    assert "Wed 25 Nov" in page
    target = f"{clinic.chairs[1].pk}@2026-11-25T10:00-05:00"
    answer = client.post(f"/appointments/{visit.pk}/move/", {"slot": target, "version": visit.version})
    visit.refresh_from_db()
    assert answer["Location"] == f"/board/day/2026-11-25/?visit={visit.pk}"
    assert (visit.chair, visit.start) == (clinic.chairs[1], utc("2026-11-25T10:00-05:00"))


def test_a_move_to_a_taken_chair_is_refused_with_alternatives(clinic: Clinic):
    clinic.book("2026-11-25T10:00-05:00", chair=1)
    visit = clinic.book("2026-11-24T15:00-05:00")
    answer = clinic.client().post(
        f"/appointments/{visit.pk}/move/", {"slot": f"{clinic.chairs[1].pk}@2026-11-25T10:00-05:00"}
    )
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "Chair 2 is taken" in page
    assert "What would work" in page
    assert 'name="slot"' in page
