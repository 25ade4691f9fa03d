"""Protocol versions come in once, and published ones are left alone."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from scheduler.domain.errors import Malformed, Refused
from scheduler.domain.permissions import Actor
from scheduler.models import Center, Event, Protocol
from scheduler.services import protocols

NOW = datetime(2026, 11, 24, 15, tzinfo=UTC)
MANAGER = Actor(who="user:1", role="manager", center_id=None)
ROW: dict[str, Any] = {
    "code": "quarterly",
    "version": 1,
    "name": "Quarterly",
    "short_name": "Quarterly",
    "abbreviation": "QRT",
    "cadence_kind": "calendar",
    "cadence_every": 3,
    "cadence_unit": "months",
    "visit_minutes": 30,
    "counts_in": "days",
    "window_before": 5,
    "window_after": 7,
    "substance": "eptinezumab",
    "dose_mg": "100",
    "sources": {"visit_minutes": "[S:V1] about 30 minutes"},
}

pytestmark = pytest.mark.django_db


def row(**changes: Any) -> dict[str, Any]:
    return copy.deepcopy(ROW) | changes


def test_an_absent_version_is_published() -> None:
    loaded = protocols.load(rows=[row()], now=NOW)
    assert [protocol.key for protocol in loaded.inserted] == ["quarterly v1"]
    assert Protocol.objects.get().published_at == NOW
    assert Event.objects.get(subject="protocol").verb == "publish"


def test_loading_twice_changes_nothing() -> None:
    protocols.load(rows=[row()], now=NOW)
    again = protocols.load(rows=[row()], now=NOW)
    assert (len(again.inserted), len(again.present)) == (0, 1)
    assert Protocol.objects.count() == 1


def test_a_new_version_stands_beside_the_old_one() -> None:
    protocols.load(rows=[row(), row(version=2, visit_minutes=45)], now=NOW)
    assert list(Protocol.objects.values_list("version", "visit_minutes")) == [(2, 45), (1, 30)]


def test_another_content_under_the_same_version_is_refused_and_names_the_fields() -> None:
    protocols.load(rows=[row()], now=NOW)
    changed = [row(visit_minutes=45, dose_mg="300"), row(code="other")]
    with pytest.raises(Refused) as refused:
        protocols.load(rows=changed, now=NOW)
    [refusal] = refused.value.refusals
    assert refusal.code == "published_protocol_is_kept"
    assert refusal.detail == (
        "quarterly v1 is here with another visit_minutes, dose_mg. Give the change a new version."
    )
    assert not Protocol.objects.filter(code="other").exists()


def test_a_centers_own_version_stands_beside_the_shared_one() -> None:
    center = Center.objects.create(code="here", name="Here", mail_name="Here", time_zone="Europe/Oslo", phone="1")
    protocols.load(rows=[row(), row(center="here", visit_minutes=60)], now=NOW)
    assert Protocol.objects.get(center=center).visit_minutes == 60
    assert Protocol.objects.get(center=None).visit_minutes == 30


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"colour": "red"}, "colour"),
        ({"visit_minutes": "30"}, "visit_minutes"),
        ({"visit_minutes": True}, "visit_minutes"),
        ({"visit_minutes": -5}, "visit_minutes"),
        ({"visit_minutes": None}, "visit_minutes"),
        ({"needs_bed": 1}, "needs_bed"),
        ({"dose_mg": "plenty"}, "dose_mg"),
        ({"dose_mg": "0"}, "dose_mg"),
        ({"dose_mg": "NaN"}, "dose_mg"),
        ({"code": "no blanks here"}, "code"),
        ({"name": ""}, "name"),
        ({"cadence_unit": "hours"}, "cadence_unit"),
        ({"cadence_within_day": [60, 30]}, "cadence_within_day"),
        ({"doses": [3, 3]}, "doses"),
        ({"doses": [3], "default_doses": 4}, "default_doses"),
        ({"days": {"one": 3}}, "days"),
        ({"doses": [3], "days": {"1": 4}}, "days"),
        ({"caps": [{"counts": "doses", "limit": 3}]}, "caps"),
        ({"components": [{"name": "Fluid"}]}, "components"),
        (
            {"checklist": [{"code": "a", "question": "?", "needs_prescriber_if": "often", "source": "[P]"}]},
            "checklist",
        ),
        ({"sources": {"visit_lenght": "[P]"}}, "sources"),
        ({"center": "nowhere"}, "center"),
    ],
)
def test_a_crooked_value_is_said_with_its_row_and_field(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(Malformed) as malformed:
        protocols.load(rows=[row(code="fine"), row(**changes)], now=NOW)
    assert malformed.value.field.startswith("2 (")
    assert malformed.value.field.endswith(f": {field}")
    assert malformed.value.detail
    assert not Protocol.objects.exists()


@pytest.mark.parametrize("changes", [{"cadence_kind": "sometimes"}, {"visit_minutes": 0}, {"acuity": 9}])
def test_what_the_database_would_refuse_is_said_before(changes: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        protocols.load(rows=[row(**changes)], now=NOW)


def test_a_missing_field_is_named() -> None:
    without = row()
    del without["counts_in"]
    with pytest.raises(Malformed) as malformed:
        protocols.load(rows=[without], now=NOW)
    assert malformed.value.field == "1 (quarterly): counts_in"


def test_one_version_twice_in_a_file_is_said() -> None:
    with pytest.raises(Malformed) as malformed:
        protocols.load(rows=[row(), row()], now=NOW)
    assert malformed.value.field == "2 (quarterly): version"


def test_a_draft_is_published_once() -> None:
    draft = Protocol.objects.create(**{**ROW, "code": "draft"})
    protocols.publish(actor=MANAGER, protocol=draft, now=NOW)
    with pytest.raises(Refused):
        protocols.publish(actor=MANAGER, protocol=draft, now=NOW)


def test_a_draft_that_makes_no_sense_is_not_published() -> None:
    draft = Protocol.objects.create(**{**ROW, "code": "draft", "caps": [{"counts": "pills"}]})
    with pytest.raises(Malformed):
        protocols.publish(actor=MANAGER, protocol=draft, now=NOW)
    draft.refresh_from_db()
    assert draft.published_at is None


def test_the_database_keeps_a_published_version_as_it_is() -> None:
    protocols.load(rows=[row()], now=NOW)
    with pytest.raises(DatabaseError), transaction.atomic():
        Protocol.objects.update(visit_minutes=31)
    with pytest.raises(DatabaseError), transaction.atomic():
        Protocol.objects.all().delete()
