"""The search of test_markers.py finds what leaks: a value planted in each place, as that place would write it."""

from __future__ import annotations

import json
import smtplib
from datetime import date
from email.message import EmailMessage
from email.mime.text import MIMEText
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from celery import Celery

from tests.security.markers import Marker, find, in_addresses, in_broker, in_files, in_mail
from tests.support.broker import Broker
from tests.support.smtp import SmtpServer

NAME = Marker("last name", "Ødqavoriz")
MRN = Marker("MRN", "71234567897")
BORN = Marker("birth date", "1937-03-14")
TOKEN = Marker("token", "bcdfghjklmnpqrstvwxzbcdfghjkl")
ALL = (NAME, MRN, BORN, TOKEN)


@pytest.mark.parametrize("born", [
    "1937-03-14", "19370314", "14 Mar 1937", "14 March 1937", "Mar 14, 1937", "March 14, 1937", "14/03/1937",
    "03/14/1937", "14.03.1937", "14 3 1937", repr(date(1937, 3, 14)),
])  # fmt: skip
def test_a_birth_date_is_found_however_it_is_written(born: str) -> None:
    assert find(ALL, f"ERROR nobody: {born}!") == {BORN}


@pytest.mark.parametrize("line", [
    f"WARNING django.request: Not Found: /x/?{urlencode({'q': NAME.value})}",
    f"ERROR x: {json.dumps({'name': NAME.value})}",
    f"ERROR x: {NAME.value.upper()}",
    "ERROR x: &#216;dqavoriz",
    f"  File x.py, line 3, in y\n    name = {NAME.value!r}\nKeyError: {NAME.value!r}",
])  # fmt: skip
def test_a_name_in_a_log_is_found(line: str) -> None:
    assert find(ALL, line.encode()) == {NAME}


def test_what_is_not_there_is_not_found() -> None:
    assert (
        find(ALL, "INFO scheduler.tasks: send-reminders: 3 sent, 1 failed in 7123456 ms at 2037-03-14T19:37") == set()
    )


def planted_mail(place: str) -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = f"Your visit, {NAME.value}" if place == "subject" else "Your visit"
    message["To"] = "ana@example.org"
    message["X-About"] = f"Visit of {NAME.value}, {'long ' * 20}" if place == "headers" else "nobody"
    message.set_content("Hello.")
    message.add_alternative(f"<p>{NAME.value if place == 'body' else 'Ana'}</p>", subtype="html", cte="base64")
    return message


@pytest.mark.parametrize("place", ["subject", "headers", "body"])
def test_a_name_in_a_mail_is_found_and_where(place: str) -> None:
    message = planted_mail(place)
    places = in_mail(message, "a@example.org", ["ana@example.org"])
    assert {name for name, text in places.items() if find(ALL, text)} == {place}


def test_a_name_in_an_envelope_is_found(smtp_server: SmtpServer) -> None:
    with smtplib.SMTP("127.0.0.1", smtp_server.port) as client:
        client.sendmail(f"bounce+{MRN.value}@example.org", [f"{TOKEN.value}@example.org"], MIMEText("x").as_bytes())
    [(sender, recipients)] = smtp_server.envelopes
    places = in_mail(smtp_server.messages[0], sender, recipients)
    assert find(ALL, places["envelope"]) == {MRN, TOKEN}


def test_arguments_of_a_task_are_found_in_the_brokers_queue_and_in_its_file(broker: Broker, tmp_path: Path) -> None:
    with Celery(broker=broker.url) as app:
        app.send_task("scheduler.tell", args=[{"mrn": MRN.value}], kwargs={"who": NAME.value}, ignore_result=True)
    keys = in_broker(broker.client())
    assert find(ALL, keys["celery"]) == {MRN, NAME}
    written = b"".join(in_files(tmp_path / "broker").values())
    assert {MRN, NAME} <= find(ALL, written)


def test_every_type_of_the_brokers_values_is_read(broker: Broker) -> None:
    client = broker.client()
    client.set("a", MRN.value)
    client.rpush("b", "x", MRN.value)
    client.sadd("c", MRN.value)
    client.zadd("d", {MRN.value: 1})
    client.hset("e", "x", MRN.value)
    client.hset("f", MRN.value, "x")
    client.xadd("g", {"x": MRN.value})
    client.set(f"seen:{MRN.value}", "x")
    found = in_broker(client)
    assert {name for name, value in found.items() if find(ALL, value)} == {*"abcdefg", f"seen:{MRN.value}"}


@pytest.mark.parametrize("page", [
    f'<a href="/patients/?q={quote(NAME.value)}">x</a>',
    f"<form hx-post='/find/{quote(NAME.value)}/'>",
    f"Location: /book/?name={quote(NAME.value)}",
    json.dumps({"next": f"https://s.example.org/?q={quote(NAME.value)}"}),
])  # fmt: skip
def test_a_name_in_an_address_is_found_and_one_in_a_page_is_none(page: str) -> None:
    assert find(ALL, in_addresses(page)) == {NAME}
    assert find(ALL, in_addresses(f"<h1>{NAME.value}</h1>")) == set()
