"""Mails while workers are killed and mail servers misbehave: none is lost, and nobody waits for somebody else's."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import datetime, timedelta

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from django.core import mail as outbox
from django.utils import timezone

from scheduler.models import LedgerEntry
from scheduler.services import booking
from scheduler.services.mail import message_id
from scheduler.services.sending import LEASE, send_due
from tests.factories import NOW, utc
from tests.support.clinic import Clinic, entries
from tests.support.smtp import SmtpServer

BEDS = 4  # one for each nurse: all begin at the same time


def due_reminders(clinic: Clinic, count: int, now: datetime) -> set[str]:
    """So many visits from next week on, each with a reminder that is due now; the Message-IDs of these."""
    first = (now + timedelta(days=7)).replace(minute=0, second=0, microsecond=0)
    for number in range(count):
        booking.book(
            actor=clinic.actor,
            chair=clinic.beds[number % BEDS],
            start=first + timedelta(minutes=30 * (number // BEDS)),
            patient=clinic.patient(f"p{number}@example.org"),
            minutes=30,
            now=now,
        )
    LedgerEntry.objects.exclude(kind="reminder", offset_days=3).delete()
    LedgerEntry.objects.update(due=now)
    return {message_id(entry) for entry in LedgerEntry.objects.all()}


def test_workers_killed_while_reminders_leave_lose_none(committed_db, celery_worker, smtp_server, rounds, note):
    count, kills = rounds(40, 2_000), rounds(2, 20)
    clinic = Clinic(chairs=1, beds=BEDS, mails_a_minute=10_000)
    wanted = due_reminders(clinic, count, timezone.now())
    assert len(wanted) == count
    mails = smtp_server.messages
    for round_ in range(kills):
        worker = celery_worker(environment={"EMAIL_URL": smtp_server.url})
        worker.send("scheduler.send_reminders")
        goal = count * (2 * round_ + 1) // (2 * kills)
        worker.wait_until(lambda goal=goal: len(mails) >= goal, 60)
        worker.kill()
        # The lease of what was in flight is over.
        LedgerEntry.objects.filter(state="claimed").update(claimed_at=timezone.now() - LEASE - timedelta(seconds=1))
    worker = celery_worker(environment={"EMAIL_URL": smtp_server.url})
    sent = LedgerEntry.objects.filter(state="sent")
    while (before := sent.count()) < count:
        worker.send("scheduler.send_reminders")
        worker.wait_until(lambda before=before: sent.count() >= min(count, before + 50), 60)
    times = Counter(message["Message-ID"] for message in mails)
    assert set(times) == wanted
    assert sum(times.values()) <= count + kills
    assert max(times.values()) <= 2
    note(f"{count} reminders, {kills} kills, {sum(times.values()) - count} came twice")


class Moody(SmtpServer):
    """What it does with the first mail to `victim`: drops the connection after the dot, or stalls until `wake`."""

    def __init__(self) -> None:
        super().__init__()
        self.mood = ""
        self.victim = "p0@example.org"
        self.wake = threading.Event()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        mood = self.mood if self.victim in envelope.rcpt_tos else ""
        if mood:
            self.mood = ""
        if mood == "stall":
            await server.loop.run_in_executor(None, self.wake.wait)
        if mood[:1].isdigit():
            return mood
        answer = await super().handle_DATA(server, session, envelope)
        if mood == "drop":
            assert server.transport is not None
            server.transport.abort()
        return answer


@pytest.fixture
def moody(settings):
    server = Moody()
    for name, value in server.settings.items():
        setattr(settings, name, value)
    settings.EMAIL_TIMEOUT = 1
    server.start()
    yield server
    server.wake.set()
    server.stop()


@pytest.mark.django_db
@pytest.mark.parametrize("mood", ["421 busy", "451 later", "550 no", "drop", "stall"])
def test_one_mail_s_trouble_is_nobody_else_s(moody, mood):
    clinic = Clinic(chairs=4)
    for number in range(4):
        clinic.book(clinic.patient(f"p{number}@example.org"), chair=number)
    moody.mood = mood
    first = send_due(now=NOW)
    assert first == ({"failed": 1, "sent": 3} if mood[0] == "5" else {"later": 1, "sent": 3})
    moody.wake.set()
    send_due(now=NOW + timedelta(minutes=5))
    assert send_due(now=NOW + timedelta(hours=2)) == {}
    to = Counter(message["To"] for message in moody.messages)
    assert {to[f"p{number}@example.org"] for number in (1, 2, 3)} == {1}
    if mood[0] == "5":
        assert to["p0@example.org"] == 0
        assert ("booked", "call", 0, "due") in entries()
        return
    hers = [message["Message-ID"] for message in moody.messages if message["To"] == "p0@example.org"]
    # The server had the mail before it dropped, or while it stalled: the repeat is known by its id.
    assert 1 <= len(hers) <= (1 if mood[0] == "4" else 2)
    assert len(set(hers)) == 1


@pytest.mark.django_db
def test_after_two_days_without_a_worker_only_what_makes_sense_is_sent():
    """Down from Monday 10:00 to Wednesday 10:00."""
    clinic = Clinic(chairs=4)
    gone = clinic.book(clinic.patient("gone@example.org"), "2026-11-17T10:00-05:00", chair=0)
    off = clinic.book(clinic.patient("off@example.org"), "2026-11-19T10:00-05:00", chair=1)
    clinic.book(clinic.patient("soon@example.org"), "2026-11-19T11:00-05:00", chair=2)
    clinic.book(clinic.patient("later@example.org"), "2026-12-10T10:00-05:00", chair=3)
    clinic.cancel(off)
    back = utc("2026-11-18T10:00-05:00")
    send_due(now=back)
    told = Counter(message.to[0] for message in outbox.outbox)
    # The confirmation, and of the two reminders only the nearer one.
    assert told == {"soon@example.org": 2, "later@example.org": 1}
    assert entries(kind="reminder", patient__contacts__email="soon@example.org") == [("reminder", "email", 1, "sent")]
    assert not LedgerEntry.objects.filter(appointment=gone, state="sent").exists()
    assert not any(row.done_at >= row.appointment_start for row in LedgerEntry.objects.filter(state="sent"))
    assert {row[-1] for row in entries(appointment=off)} == {"superseded"}  # who never heard of it isn't told it is off
