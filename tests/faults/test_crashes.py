"""Workers killed in the middle of their work: after a restart everything is there once."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import pytest
from django.db.models import Count
from django.utils import timezone

from scheduler.models import Appointment, Event, LedgerEntry, Visit
from scheduler.queries import integrity
from scheduler.services.mail import message_id
from scheduler.services.sending import LEASE
from tests.support.clinic import Clinic
from tests.support.waiting import wait_for

KILLS = 3


def next_month(now: datetime) -> datetime:
    """A weekday four weeks ahead, 15:00 UTC: open and not on a weekend."""
    day = now + timedelta(days=28)
    return (day + timedelta(days=-day.weekday() % 7)).replace(hour=15, minute=0, second=0, microsecond=0)


@pytest.fixture
def clinic(committed_db) -> Clinic:
    return Clinic(chairs=4)


def test_killed_while_placing_every_visit_is_booked_once(clinic, celery_worker):
    now = timezone.now()
    for number in range(8):
        clinic.quarterly_course(clinic.patient(f"p{number}@example.org"), start=next_month(now), now=now)
    total = Visit.objects.count()
    booked = Visit.objects.filter(state="booked")
    for round_ in range(KILLS):
        worker = celery_worker()
        worker.send("scheduler.place_visits")
        worker.wait_until(lambda wanted=round_ * 4 + 2: booked.count() >= wanted)
        worker.kill()
    worker = celery_worker()
    worker.send("scheduler.place_visits")
    worker.wait_until(lambda: booked.count() == total, 60)
    live = Appointment.objects.filter(status="booked").values("visit").annotate(count=Count("pk"))
    assert {row["count"] for row in live} == {1}
    assert live.count() == total
    assert Event.objects.filter(verb="book").count() == total
    assert LedgerEntry.objects.filter(kind="overview").count() == 8
    assert integrity.check(now=timezone.now()) == []


def test_killed_while_sending_at_most_the_mail_in_flight_is_repeated(clinic, celery_worker, smtp_server):
    now = timezone.now()
    for number in range(12):
        clinic.book(
            clinic.patient(f"p{number}@example.org"),
            (next_month(now) + timedelta(minutes=30 * (number // 4))).isoformat(),
            chair=number % 4,
            now=now,
        )
    for round_ in range(KILLS):
        worker = celery_worker(environment={"EMAIL_URL": smtp_server.url})
        worker.send("scheduler.send_reminders")
        worker.wait_until(lambda wanted=round_ * 3 + 2: len(smtp_server.messages) >= wanted)
        smtp_server.hang()
        worker.wait_until(lambda: LedgerEntry.objects.filter(state="claimed").exists())
        worker.kill()
        smtp_server.go_on()  # the server had the mail already: this is the one that may come twice
        LedgerEntry.objects.filter(state="claimed").update(claimed_at=timezone.now() - LEASE - timedelta(seconds=1))
    worker = celery_worker(environment={"EMAIL_URL": smtp_server.url})
    worker.send("scheduler.send_reminders")
    due_now = LedgerEntry.objects.filter(kind="booked")
    worker.wait_until(lambda: due_now.filter(state="sent").count() == 12, 60)
    sent = Counter(message["Message-ID"] for message in smtp_server.messages)
    assert set(sent) == {message_id(entry) for entry in due_now}
    assert sum(sent.values()) <= 12 + KILLS
    assert max(sent.values()) <= 2


def test_beat_and_worker_place_and_tell_by_themselves(clinic, celery_worker, smtp_server):
    now = timezone.now()
    celery_worker(beat=True, concurrency=2, environment={"EMAIL_URL": smtp_server.url})
    course = clinic.quarterly_course(clinic.patient("ana@example.org"), start=next_month(now), now=now)
    wait_for(lambda: Visit.objects.filter(course=course, state="booked").count() == 4, 30)
    wait_for(lambda: smtp_server.messages, 60)
    assert smtp_server.messages[0]["Subject"].startswith("Your visits from ")
