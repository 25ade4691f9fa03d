"""The net of tests/security/net.py catches what the suite's own values would leave, and lets through what may be."""

from __future__ import annotations

import base64
import logging
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from django.core.mail import EmailMultiAlternatives

from scheduler.models import Registration
from tests import factories as make
from tests.security.net import Net

KEY = "ick_" + "a1B2c3D4" * 4
LINK = "https://s.example.org/v/bcdfghjklmnpqrstvwxz/"


@pytest.fixture
def net() -> Net:
    return Net()


@pytest.fixture
def log(net: Net) -> Iterator[logging.Logger]:
    """Of the service, with this test's net on it instead of the suite's."""
    logger = logging.getLogger("scheduler.planted")
    logger.addHandler(net)
    logger.propagate = False
    yield logger
    logger.removeHandler(net)
    logger.propagate = True


@pytest.mark.parametrize("value", ["Rivera12", "MRN-7", "1985-03-14", "14 Mar 1985", "pass-for-tests"])
def test_a_value_in_a_log_line_is_caught(net: Net, log: logging.Logger, value: str):
    log.warning("Nobody is called %s here", value)
    assert net.empty() == [f"log of scheduler.planted: {value}"]
    assert net.empty() == []


def test_what_the_service_cuts_out_of_its_lines_is_no_leak(net: Net, log: logging.Logger):
    log.warning("Not Found: /v/bcdfghjklmnpqrstvwxz/?who=Rivera12")
    try:
        raise ValueError("Rivera12")
    except ValueError:
        log.exception("It failed with %s", KEY)
    assert net.empty() == []


def test_the_test_patient_is_what_is_looked_for(net: Net, log: logging.Logger, db: None):
    patient = make.make_patient(make.make_center())
    mrn = Registration.objects.get().mrn
    log.info("%s %s %s", patient.last_name, patient.birth_date, mrn)
    assert len(net.empty()) == 3


def test_a_value_in_a_file_of_a_server_is_caught_wrapped_as_it_may_be(net: Net, tmp_path: Path):
    (tmp_path / "broker").mkdir()
    body = base64.b64encode(b'[["MRN-7"], {}, {}]').decode()
    (tmp_path / "broker" / "appendonly.aof").write_text(f'*3 $5 lpush $6 celery {{"body": "{body}"}}')
    (tmp_path / "web-0.log").write_text(f"WARNING django.request: {KEY}")
    net.files([tmp_path / "broker", tmp_path / "web-0.log"])
    assert net.empty() == ["appendonly.aof: MRN-7", f"web-0.log: {KEY}"]


def mail(**headers: str) -> EmailMessage:
    message = EmailMessage()
    for name, value in {"Subject": "Your visit", "To": "a@example.org", **headers}.items():
        message[name] = value
    message.set_content(f"Hello Ana, {LINK}")
    return message


def test_a_mail_may_hold_its_links_and_a_first_name(net: Net):
    net.sent(mail(**{"List-Unsubscribe": f"<{LINK}>"}), "desk@example.org", ["a@example.org"])
    assert net.empty() == []


def test_a_link_in_a_subject_and_a_name_anywhere_in_a_mail_are_caught(net: Net):
    message = mail(Subject=f"Your visit {LINK}")
    message.add_alternative("<p>Rivera12</p>", subtype="html", cte="base64")
    net.sent(message, "desk+MRN-7@example.org", ["a@example.org"])
    assert net.empty() == [
        "envelope of a mail: MRN-7",
        "subject of a mail: /v/bcdfghjklmnpqrstvwxz",
        "body of a mail: Rivera12",
    ]


def test_a_mail_in_djangos_outbox_is_read_too(net: Net):
    sent = EmailMultiAlternatives("Your visit", "Hello.", "desk@example.org", ["a@example.org"])
    sent.attach_alternative("<p>Born 14 March 1985</p>", "text/html")
    net.outbox([sent])
    assert net.empty() == ["body of a mail: 14 March 1985"]
