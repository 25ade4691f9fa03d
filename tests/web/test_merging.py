"""The page that merges: candidates, side by side, what speaks against it; the gone one's page leads to the kept one."""

from __future__ import annotations

import pytest

from scheduler.models import Patient
from tests import factories as make


@pytest.fixture
def pair(clinic):
    values = {"first_name": "Ana", "search_text": "rivera ana"}
    return (
        make.make_patient(clinic.center, last_name="Rivera", mrn="K-1", **values),
        make.make_patient(clinic.center, last_name="Rivéra", mrn="G-1", allergies="latex", **values),
    )


def test_the_whole_way(clinic, pair):
    kept, gone = pair
    client, url = clinic.client(), f"/patients/{kept.pk}/merge/"
    page = client.get(url).content.decode()
    assert "Rivéra, Ana" in page
    page = client.post(url, {"other": gone.pk}).content.decode()
    assert "Nobody can undo this." in page
    assert "latex" in page
    assert Patient.objects.get(pk=gone.pk).merged_into is None
    assert client.post(url, {"other": gone.pk, "do": "merge"})["Location"] == f"/patients/{kept.pk}/"
    assert client.get(f"/patients/{gone.pk}/")["Location"] == f"/patients/{kept.pk}/"
    assert client.get(f"/patients/{gone.pk}/merge/").status_code == 404


def test_what_speaks_against_it_is_said_before(clinic, pair):
    kept, gone = pair
    clinic.book("2026-11-25T10:00-05:00", patient=kept)
    clinic.book("2026-11-25T10:00-05:00", patient=gone, chair=1)
    client, url = clinic.client(), f"/patients/{kept.pk}/merge/"
    page = client.post(url, {"other": gone.pk}).content.decode()
    assert "Both have a visit at one time" in page
    assert "Merge for good" not in page
    assert client.post(url, {"other": gone.pk, "do": "merge"}).status_code == 409


def test_looking_for_the_other_one(clinic, pair):
    page = clinic.client().post(f"/patients/{pair[0].pk}/merge/", {"q": "nobody"}).content.decode()
    assert "Nobody found" in page


def test_another_centers_patient_is_nowhere(clinic, stranger, pair):
    theirs = make.make_patient(stranger.center)
    assert clinic.client().post(f"/patients/{pair[0].pk}/merge/", {"other": theirs.pk}).status_code == 404
    assert clinic.client().get(f"/patients/{theirs.pk}/merge/").status_code == 404
    assert clinic.client("front-desk").get(f"/patients/{pair[0].pk}/merge/").status_code == 403
