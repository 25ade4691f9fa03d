"""The demo outbox."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.core.mail import EmailMessage, EmailMultiAlternatives, get_connection

from scheduler.services.text_outbox import Outbox
from tests.web.conftest import NOW, Clinic


@pytest.fixture
def folder(settings, tmp_path) -> Path:
    settings.MAIL_DIR = tmp_path / "mail"
    settings.EMAIL_URL = ""
    return settings.MAIL_DIR


def send(subject: str, body: str = "Your visit is on Wednesday.\n", *, after: int = 0) -> None:
    """So many seconds after NOW: mails are sorted by when they were sent."""
    later = time_machine.travel(NOW + timedelta(seconds=after), tick=False)
    with later, get_connection("scheduler.services.eml.EmailBackend") as connection:
        EmailMessage(subject, body, "desk@example.org", ["maren@example.org"], connection=connection).send()


def test_the_newest_mail_stands_first_and_can_be_read(clinic: Clinic, folder):
    send("First")
    send("Second", "Grüße <b>Maren</b>\n", after=1)
    client = clinic.client(is_staff=True)
    page = client.get("/outbox/").content.decode()
    assert page.index("Second") < page.index("First")
    name = sorted(folder.glob("*.eml"))[-1].stem
    mail = client.get(f"/outbox/{name}/").content.decode()
    assert "Grüße &lt;b&gt;Maren&lt;/b&gt;" in mail
    assert "maren@example.org" in mail


def test_a_mail_is_shown_as_a_mail_program_draws_it_and_without_a_style_inside(clinic: Clinic, folder):
    later = time_machine.travel(NOW, tick=False)
    with later, get_connection("scheduler.services.eml.EmailBackend") as connection:
        mail = EmailMultiAlternatives("Both", "plain", "desk@example.org", ["a@example.org"], connection=connection)
        mail.attach_alternative("<html><style>b { color: red }</style><b>Drawn</b></html>", "text/html")
        mail.send()
    send("Plain only", after=1)
    both, plain = (path.stem for path in sorted(folder.glob("*.eml")))
    client = clinic.client(is_staff=True)
    assert f"/outbox/{both}/html/" in client.get(f"/outbox/{both}/").content.decode()
    drawn = client.get(f"/outbox/{both}/html/").content.decode()
    assert "<b>Drawn</b>" in drawn
    assert "<style>" not in drawn
    assert "mail.css" in drawn
    assert f"/outbox/{plain}/html/" not in client.get(f"/outbox/{plain}/").content.decode()
    assert client.get(f"/outbox/{plain}/html/").status_code == 404
    assert clinic.client("manager").get(f"/outbox/{both}/html/").status_code == 404


def test_a_text_stands_among_the_mails_and_its_link_works(clinic: Clinic, folder):
    send("First")
    with time_machine.travel(NOW + timedelta(seconds=1), tick=False):
        Outbox().send("+12125550142", "Your visit: Tue 24 Nov. Answer: http://127.0.0.1:8000/v/abc/ <Call>", "id")
    client = clinic.client(is_staff=True)
    page = client.get("/outbox/").content.decode()
    assert page.index("+12125550142") < page.index("First")
    text = client.get(f"/outbox/{max(folder.glob('*.json')).stem}/").content.decode()
    assert '<a href="http://127.0.0.1:8000/v/abc/" rel="nofollow">' in text
    assert "&lt;Call&gt;" in text
    assert "Sent as 1 part." in text


def test_links_in_a_mail_work(clinic: Clinic, folder):
    send("First", "Confirm this visit:\nhttp://127.0.0.1:8000/v/abc/\n")
    mail = clinic.client(is_staff=True).get(f"/outbox/{next(folder.glob('*.eml')).stem}/").content.decode()
    assert '<a href="http://127.0.0.1:8000/v/abc/" rel="nofollow">' in mail


def test_an_empty_outbox_says_what_to_do(clinic: Clinic, folder):
    assert "No mail yet" in clinic.client(is_staff=True).get("/outbox/").content.decode()


def test_only_staff_and_only_where_mail_stays_here(clinic: Clinic, folder, settings):
    send("First")
    assert clinic.client("manager").get("/outbox/").status_code == 404
    settings.EMAIL_URL = "smtp://mail.example:25"
    assert clinic.client(is_staff=True).get("/outbox/").status_code == 404


@pytest.mark.parametrize("name", ["nothing", "..", "0" * 90])
def test_no_other_file_is_read(clinic: Clinic, folder, name):
    assert clinic.client(is_staff=True).get(f"/outbox/{name}/").status_code == 404
    assert clinic.client(is_staff=True).get(f"/outbox/{name}/html/").status_code == 404
