"""/healthz, /readyz and /metrics: each part by name, and nothing personal."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection
from django.utils import timezone

from scheduler.queries import health
from scheduler.services import breaker, heartbeats
from tests.support.clinic import Clinic, place


@pytest.fixture
def alive(db, broker, settings):
    settings.REDIS_URL = broker.url
    for name in ("worker", "beat"):
        heartbeats.beat(name, now=timezone.now())


def failing(client) -> list[str]:
    answer = client.get("/readyz")
    body = answer.json()
    bad = [name for name, check in body["checks"].items() if not check["ok"]]
    assert answer.status_code == (503 if bad else 200)
    assert body["ready"] is not bool(bad)
    return bad


def test_healthz_needs_nothing(client):
    assert client.get("/healthz").content == b"ok\n"


class TestReadyz:
    def test_is_ready_when_every_part_is(self, client, alive):
        assert failing(client) == []

    def test_names_what_it_looked_at(self, client, alive):
        assert set(client.get("/readyz").json()["checks"]) == {
            "backstop", "beat", "broker", "clock_skew", "database", "worker",
        }  # fmt: skip

    def test_a_broker_that_is_gone(self, client, alive, broker):
        broker.kill()
        assert failing(client) == ["broker"]

    def test_a_broker_that_hangs(self, client, alive, broker):
        broker.stop()
        assert failing(client) == ["broker"]
        broker.cont()

    @pytest.mark.parametrize("name", ["worker", "beat"])
    def test_a_process_that_was_not_seen_for_long(self, client, alive, name):
        heartbeats.beat(name, now=timezone.now() - timedelta(minutes=5))
        assert failing(client) == [name]

    def test_a_constraint_that_is_gone(self, client, alive):
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                cursor.execute("DROP TRIGGER occupancy_chair_is_free_insert")
            else:
                cursor.execute("ALTER TABLE scheduler_occupancy DROP CONSTRAINT occupancy_chair_is_free")
        assert failing(client) == ["backstop"]

    def test_a_clock_that_differs_from_the_database_s(self, alive):
        found = health.checks(now=timezone.now() + timedelta(seconds=30))
        assert [check.name for check in found if not check.ok] == ["clock_skew"]

    def test_a_database_that_does_not_answer_is_not_a_crash(self, client, alive, monkeypatch):
        def down() -> None:
            raise DatabaseError("host db.internal is down")

        monkeypatch.setattr(health, "_database", down)
        assert "database" in failing(client)
        assert b"db.internal" not in client.get("/readyz").content


def test_metrics_are_counts_and_nothing_personal(client, db):
    clinic = Clinic()
    place(clinic.quarterly_course(), now=timezone.now())
    text = client.get("/metrics").content.decode()
    assert 'scheduler_visits{state="unplaced"}' in text or 'scheduler_visits{state="booked"}' in text
    assert "scheduler_mail_lag_seconds" in text
    assert "scheduler_server_down_seconds" not in text
    for _ in range(breaker.FAULTS_IN_A_ROW):
        breaker.Line("email").faulted("TimeoutError", at=timezone.now() - timedelta(seconds=90))
    text = client.get("/metrics").content.decode()
    [down] = re.findall(r'^scheduler_server_down_seconds{channel="email"} (\S+)$', text, re.MULTILINE)
    assert float(down) >= 90
    for marker in ("rivera", "example.org", "eptinezumab"):
        assert marker not in text.lower()
