"""`If-Match`: an edit of what somebody else has changed since it was read is refused, and never lost silently."""

from __future__ import annotations

from typing import Any

import pytest

from scheduler.models import Course
from tests import factories as make
from tests.api.conftest import Client, client_of
from tests.support.threads import together

PAIRS = 6


def a_course(client: Client, center: Any, unit: Any) -> dict[str, Any]:
    body = {"patient": make.make_patient(center).pk, "protocol": "eptinezumab-quarterly", "unit": unit.code}
    made = client.post("/courses/", body | {"start": "2026-11-30T10:00-05:00"})
    assert made.status_code == 201, made.json()
    return made.json()


@pytest.fixture
def course(center, day_suite, desk) -> dict[str, Any]:
    make.make_quarterly()
    return a_course(desk, center, day_suite)


@pytest.mark.django_db
class TestCourses:
    def test_every_answer_about_a_course_has_its_etag(self, desk, course):
        path = f"/courses/{course['id']}/"
        assert desk.get(path)["ETag"] == '"1"'
        assert desk.patch(path, {"indication": "chronic"}, HTTP_IF_MATCH='"1"')["ETag"] == '"2"'
        paused = desk.post(f"{path}pause/", {"reason": "x"}, HTTP_IF_MATCH='"2"')
        assert (paused.status_code, paused["ETag"]) == (200, '"3"')

    @pytest.mark.parametrize("tag", ['"1"', 'W/"2"', '"nonsense"', ""])
    def test_an_old_reading_changes_nothing(self, desk, course, tag):
        path = f"/courses/{course['id']}/"
        assert desk.patch(path, {"indication": "chronic"}).status_code == 200
        for call in (
            lambda: desk.patch(path, {"indication": "other"}, HTTP_IF_MATCH=tag),
            lambda: desk.post(f"{path}pause/", {"reason": "x"}, HTTP_IF_MATCH=tag),
            lambda: desk.post(f"{path}discontinue/", {"reason": "x"}, HTTP_IF_MATCH=tag),
        ):
            assert (call().status_code, call().json()["code"]) == (412, "stale")
        assert desk.get(path).json()["indication"] == "chronic"

    @pytest.mark.parametrize("tag", ["*", '"1"', '"7", "1"'])
    def test_a_reading_that_holds_changes(self, desk, course, tag):
        changed = desk.patch(f"/courses/{course['id']}/", {"indication": "chronic"}, HTTP_IF_MATCH=tag)
        assert changed.status_code == 200


def test_of_two_simultaneous_edits_the_second_learns_of_the_first(committed_db):
    center = make.make_center()
    unit = make.make_day_suite(center)
    make.make_chair(unit)
    make.make_quarterly()
    client = client_of(center)
    for _ in range(PAIRS):
        course = a_course(client, center, unit)
        path = f"/courses/{course['id']}/"
        answers = together(
            [
                lambda word=word, path=path: client.patch(path, {"indication": word}, HTTP_IF_MATCH='"1"')
                for word in ("first", "second")
            ]
        )
        assert sorted(answer.status_code for answer in answers) == [200, 412]
        [won] = [answer.json() for answer in answers if answer.status_code == 200]
        row = Course.objects.get(pk=course["id"])
        assert (row.indication, row.version) == (won["indication"], 2)


def test_of_two_simultaneous_edits_of_a_patient_the_second_learns_of_the_first(committed_db):
    center = make.make_center()
    client = client_of(center)
    for _ in range(PAIRS):
        path = f"/patients/{make.make_patient(center).pk}/"
        tag = client.get(path)["ETag"]
        answers = together(
            [
                lambda word=word, path=path, tag=tag: client.patch(path, {"needs": word}, HTTP_IF_MATCH=tag)
                for word in ("first", "second")
            ]
        )
        assert sorted(answer.status_code for answer in answers) == [200, 412]


def test_two_simultaneous_edits_of_different_fields_both_stay(committed_db):
    center = make.make_center()
    client = client_of(center)
    path = f"/patients/{make.make_patient(center).pk}/"
    for number in range(PAIRS):
        said = {"needs": f"needs {number}", "desk_notes": f"notes {number}"}
        together([lambda name=name, word=word: client.patch(path, {name: word}) for name, word in said.items()])
        now_there = client.get(path).json()
        assert {name: now_there[name] for name in said} == said
