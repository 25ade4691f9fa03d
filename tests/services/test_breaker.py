"""A mail server that is down is tried by one message a minute, and answers to all again by itself."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model

from scheduler.models import AccountMail, Breaker, LedgerEntry
from scheduler.services import account_mail, breaker, sending
from scheduler.services.sending import send_due
from tests.factories import NOW
from tests.support.clinic import Clinic
from tests.support.smtp import SmtpServer
from tests.support.threads import together

MAILS = 8


@pytest.fixture
def server(smtp_server: SmtpServer, settings) -> SmtpServer:
    for name, value in smtp_server.settings.items():
        setattr(settings, name, value)
    return smtp_server


@pytest.fixture(autouse=True)
def _no_time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """While a sweep lasts, so that a busy machine shifts no try into the next minute."""
    monkeypatch.setattr(sending, "monotonic", lambda: 0.0)


@pytest.fixture
def clinic(db) -> Clinic:
    clinic = Clinic(chairs=4)
    for number in range(MAILS):
        start = f"2026-11-24T{10 + number // 4}:00-05:00"
        clinic.book(clinic.patient(f"p{number}@example.org"), start, chair=number % 4)
    return clinic


def tried() -> int:
    return sum(LedgerEntry.objects.values_list("attempts", flat=True))


def down(server: SmtpServer) -> Breaker:
    """Three tries in one sweep have found nobody there."""
    server.stop()
    assert send_due(now=NOW) == {"later": breaker.FAULTS_IN_A_ROW}
    return Breaker.objects.get()


def test_three_faults_in_a_row_open_it_and_the_next_sweeps_try_nothing(clinic, server):
    row = down(server)
    assert (row.channel, row.faults, row.open_since, row.try_at) == ("email", 3, NOW, NOW + breaker.INTERVAL)
    for seconds in (10, 20, 30, 40, 50):
        assert send_due(now=NOW + timedelta(seconds=seconds)) == {}
    assert tried() == 3


def test_each_minute_one_message_tries_and_it_stays_down_since_the_first_fault(clinic, server):
    down(server)
    for minute in range(1, 6):
        now = NOW + timedelta(minutes=minute)
        assert send_due(now=now) == {"later": 1}
        assert send_due(now=now + timedelta(seconds=30)) == {}
    row = Breaker.objects.get()
    assert (row.open_since, row.faults) == (NOW, 3)
    assert tried() == 3 + 5


def test_the_first_answer_closes_it_and_the_same_sweep_sends_the_rest(clinic, server):
    down(server)
    server.start()
    send_due(now=NOW + timedelta(minutes=1))
    send_due(now=NOW + timedelta(minutes=10))
    assert sorted(message["To"] for message in server.messages) == [f"p{n}@example.org" for n in range(MAILS)]
    row = Breaker.objects.get()
    assert (row.faults, row.open_since, row.try_at, row.error) == (0, None, None, "")


def test_a_refusal_is_an_answer_too(clinic, server):
    down(server)
    server.refused = {f"p{number}@example.org" for number in range(MAILS)}
    server.start()
    send_due(now=NOW + timedelta(minutes=10))
    assert Breaker.objects.get().open_since is None
    assert not LedgerEntry.objects.filter(channel="email", kind="booked").exclude(state="failed").exists()


def test_two_faults_and_an_answer_leave_it_closed(clinic, server):
    line = breaker.Line("email")
    for _ in range(2):
        line.faulted("TimeoutError", at=NOW)
    assert not line.is_down
    assert send_due(now=NOW) == {"sent": MAILS}
    assert Breaker.objects.get().faults == 0


def test_what_another_worker_found_counts(clinic, server):
    for _ in range(3):
        breaker.Line("email").faulted("TimeoutError", at=NOW)
    assert send_due(now=NOW) == {}


def test_a_try_that_died_is_followed_by_another_after_the_minute(clinic, server):
    down(server)
    assert breaker.lets_try("email", now=NOW + timedelta(minutes=1))  # and nothing is heard of it
    assert not breaker.lets_try("email", now=NOW + timedelta(minutes=1, seconds=59))
    assert breaker.lets_try("email", now=NOW + timedelta(minutes=2))


def test_mail_about_accounts_waits_with_the_others(clinic, server):
    down(server)
    user = get_user_model().objects.create_user("noor", email="noor@example.org", password="x")
    row = AccountMail.objects.create(user=user, kind="changed", created_at=NOW, due=NOW)
    assert account_mail.send_due(now=NOW + timedelta(seconds=30)) == {}
    server.start()
    assert account_mail.send_due(now=NOW + timedelta(minutes=1)) == {"account mail sent": 1}
    row.refresh_from_db()
    assert row.state == "sent"
    assert Breaker.objects.get().open_since is None


def test_where_nothing_is_due_nobody_takes_the_minutes_try(server, db):
    for _ in range(3):
        breaker.Line("email").faulted("TimeoutError", at=NOW)
    assert send_due(now=NOW + timedelta(minutes=1)) == {}
    assert breaker.lets_try("email", now=NOW + timedelta(minutes=1))


def test_texts_have_a_line_of_their_own(clinic, server):
    down(server)
    assert breaker.lets_try("text", now=NOW)


def test_of_many_workers_at_once_one_tries(committed_db):
    for _ in range(3):
        breaker.Line("email").faulted("TimeoutError", at=NOW)
    later = NOW + timedelta(minutes=1)
    assert sum(together([lambda: breaker.lets_try("email", now=later) for _ in range(10)])) == 1
