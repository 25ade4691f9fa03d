"""More than two hundred planted values go through a week of the service, and come out nowhere they don't belong: not in
envelopes, subjects, logs, tracebacks, the broker's keys and files, tasks' arguments or addresses."""

from __future__ import annotations

from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

import pytest
from django.apps import apps

from tests.security.journey import TEXTED, TOKEN, Journey
from tests.security.markers import Marker, find, in_addresses, in_broker, in_files, in_mail
from tests.support.broker import Broker
from tests.support.processes import CeleryWorker, WebServer
from tests.support.smtp import SmtpServer
from tests.support.texts import BACKEND, WHERE, TextServer

SECRETS = {"token", "API key", "password", "session"}


def test_planted_values_come_out_nowhere(
    web_server: Callable[..., WebServer],
    celery_worker: Callable[..., CeleryWorker],
    smtp_server: SmtpServer,
    broker: Broker,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    texts = TextServer()
    texts.start()
    request.addfinalizer(texts.stop)
    environment = {
        "EMAIL_URL": smtp_server.url, "REDIS_URL": broker.url, "API_RATE": "off",
        "SMS_BACKEND": BACKEND, WHERE: str(texts.port),
    }  # fmt: skip
    web = web_server(environment=environment)
    worker = celery_worker(beat=True, environment=environment | {"BASE_URL": web.url})
    journey = Journey(web, worker, smtp_server, texts)
    journey.walk()
    markers = journey.markers
    assert len({marker.value for marker in markers}) >= 200

    for server in (web, worker):
        assert "Error" in server.output(), "the planted failures were logged"
        assert find(markers, server.output()) == set(), server.output()
    everything = in_broker(broker.client())
    assert everything, "the worker's own keys at least"
    for key, value in everything.items():
        assert find(markers, value) == set(), key
    written = in_files(tmp_path / "broker")
    assert any(b"scheduler.send_reminders" in value for value in written.values())
    for name, value in written.items():
        assert find(markers, value) == set(), name
    for visitor in journey.visitors:
        for asked, page in visitor.seen:
            found = {marker for marker in find(markers, in_addresses(page)) if f'"tel:{marker.value}"' not in page}
            assert found <= find(markers, asked), "an address of ours holds what she didn't write into it herself"
    check_mails(journey)
    check_texts(journey)
    check_tables(markers)


def check_mails(journey: Journey) -> None:
    """Her first name, her address and her own links: nothing else, and nobody else's; none of it in the subject."""
    by_address = {facts["email"]: facts for facts in journey.people}
    tokens_seen: set[Marker] = set()
    assert len(journey.smtp.messages) > len(by_address)
    for message, (sender, recipients) in zip(journey.smtp.messages, journey.smtp.envelopes, strict=True):
        [recipient] = recipients
        facts = by_address.get(recipient, {})
        own = {Marker("e-mail", recipient)}
        found = {place: find(journey.markers, text) for place, text in in_mail(message, sender, recipients).items()}
        tokens = {marker for marker in found["body"] if marker.kind == "token"}
        assert found["envelope"] <= own
        assert found["subject"] == set()
        assert found["headers"] <= own | {marker for marker in tokens if is_stop(message, marker)}
        assert found["body"] <= own | tokens | {Marker("first name", facts.get("first_name", ""))}
        assert not tokens & tokens_seen, "each mail has links of its own"
        tokens_seen |= tokens
    assert tokens_seen


def check_texts(journey: Journey) -> None:
    """To her number, with one link of its own, and not even her first name: it shows on a locked screen."""
    numbers = {f"+{journey.people[number]['phone']}" for number in TEXTED}
    assert {text["to"] for text in journey.texts.tries} == numbers
    assert len(journey.texts.texts) > len(numbers)
    seen: set[str] = set()
    for text in journey.texts.tries:
        found = find(journey.markers, text["text"])
        assert {marker.kind for marker in found} <= {"token"}
        [link] = TOKEN.findall(text["text"])
        assert link not in seen, "each text has a link of its own"
        seen.add(link)
    assert not {facts["email"] for number, facts in enumerate(journey.people) if number in TEXTED} & {
        recipient for _sender, recipients in journey.smtp.envelopes for recipient in recipients
    }


def is_stop(message: EmailMessage, marker: Marker) -> bool:
    return marker.value in message.get("List-Unsubscribe", "")


def check_tables(markers: list[Marker]) -> None:
    """Tokens, keys and passwords are in no row of any table: what is kept of them can't be used."""
    secrets = [marker for marker in markers if marker.kind in SECRETS and marker.kind != "session"]
    assert len(secrets) > 50
    for model in apps.get_models():
        if model._meta.db_table in ("scheduler_registration", "scheduler_link"):
            continue  # things_fail has taken them apart
        assert find(secrets, repr(list(model._default_manager.values_list()))) == set(), model
