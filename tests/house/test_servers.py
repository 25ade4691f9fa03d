"""The test bench itself: broker, mail server, worker and web server are real and do what the tests ask of them."""

from __future__ import annotations

import smtplib
import time
from collections.abc import Callable
from email.message import EmailMessage
from urllib.request import urlopen

import pytest
import redis
from django.contrib.auth.models import User
from django.core import mail

from tests.support.broker import Broker
from tests.support.processes import CeleryWorker, WebServer
from tests.support.smtp import SmtpServer
from tests.support.waiting import wait_for


def test_the_broker_keeps_its_queue_when_it_is_killed(broker: Broker) -> None:
    broker.client().lpush("queue", "work")
    # The append-only file is written once a second.
    wait_for(lambda: broker.client().info("persistence")["aof_pending_bio_fsync"] == 0)
    before = broker.pid
    broker.restart()
    assert broker.pid != before
    assert broker.client().lrange("queue", 0, -1) == [b"work"]


def test_a_stopped_broker_hangs_and_comes_back(broker: Broker) -> None:
    broker.stop()
    with pytest.raises(redis.TimeoutError):
        redis.Redis.from_url(broker.url, socket_timeout=0.2).ping()
    broker.cont()
    assert broker.client().ping()


def test_the_broker_asks_for_its_password(broker: Broker) -> None:
    with pytest.raises(redis.AuthenticationError):
        redis.Redis.from_url(f"redis://127.0.0.1:{broker.url.rsplit(':', 1)[1]}").ping()


def test_the_mail_server_keeps_what_it_accepts(smtp_server: SmtpServer, settings: object) -> None:
    for name, value in smtp_server.settings.items():
        setattr(settings, name, value)
    mail.send_mail("Your appointment", "Monday at 10:00", None, ["rivera@example.org"])
    assert [message["To"] for message in smtp_server.messages] == ["rivera@example.org"]


def test_the_mail_server_answers_as_told(smtp_server: SmtpServer) -> None:
    message = EmailMessage()
    message["From"], message["To"] = "a@example.org", "b@example.org"
    smtp_server.answers = ["451 later"]
    with smtplib.SMTP("127.0.0.1", smtp_server.port) as client:
        with pytest.raises(smtplib.SMTPDataError):
            client.send_message(message)
        client.send_message(message)
        smtp_server.refused = {"b@example.org"}
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            client.send_message(message)
    assert len(smtp_server.messages) == 1


def test_a_worker_takes_work_and_dies_with_its_pool(celery_worker: Callable[..., CeleryWorker]) -> None:
    worker = celery_worker(concurrency=2)
    worker.kill()
    started = time.monotonic()
    assert not worker.answers()
    assert time.monotonic() - started < 5


def test_the_web_server_sees_what_the_test_committed(web_server: Callable[..., WebServer]) -> None:
    User.objects.create(username="nora")
    server = web_server()
    with urlopen(f"{server.url}/healthz", timeout=5) as answer:
        assert answer.read() == b"ok\n"
