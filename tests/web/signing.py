"""Steps of signing in, for the tests of accounts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import time_machine
from django.contrib.auth.models import User
from django.test import Client
from django_otp.oath import TOTP

from scheduler.models import Event
from scheduler.services import second_factor
from tests import factories as make
from tests.web.conftest import NOW

PASSWORD = "pass-for-tests"
KEY = "3132333435363738393031323334353637383930"


def person(center: Any, role: str = "nurse", **values: Any) -> User:
    """Somebody who has been here before: who has never signed in gets invitations."""
    return make.make_user(center, role, **{"last_login": NOW - timedelta(days=1)} | values)


def sign_in(user: User, *, client: Client | None = None, **post: str) -> Client:
    """A browser in which `user` has gone through the page, as far as her password takes her."""
    client = client or Client()
    client.post("/sign-in/", {"username": user.get_username(), "password": PASSWORD, **post})
    return client


def is_in(client: Client) -> bool:
    return client.get("/account/").status_code == 200


def later(**passed: float) -> Any:
    """The clock that much after the test's now."""
    return time_machine.travel(NOW + timedelta(**passed), tick=False)


def code(steps: int = 0, key: str = KEY) -> str:
    """What the app shows now, or some steps of 30 s from now."""
    totp = TOTP(bytes.fromhex(key))
    totp.time = totp.time + 30 * steps
    return f"{totp.token():06d}"


def with_factor(user: User) -> list[str]:
    """Her recovery codes, after she set her app up a minute ago."""
    before = NOW - timedelta(minutes=1)
    with time_machine.travel(before, tick=False):
        codes = second_factor.set_up(user=user, key=KEY, code=code(), now=before)
    assert codes is not None
    return codes


def verbs(user: User | None = None) -> list[str]:
    """What the record tells about a user, in order."""
    return list(Event.objects.filter(subject="user", subject_id=user.pk if user else 0).values_list("verb", flat=True))
