"""The two centers of the walks: built once for each module, and every test takes back what it wrote."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import time_machine
from django.core.cache import cache
from django.db import transaction
from django.test import override_settings
from pytest_django.plugin import DjangoDbBlocker

from scheduler.api import rate
from tests.security.world import World, make_world
from tests.web.conftest import NOW


@pytest.fixture(scope="module")
def whole_world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    with (
        django_db_blocker.unblock(),
        override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]),
        time_machine.travel(NOW, tick=False),
        transaction.atomic(),
    ):
        yield make_world()
        transaction.set_rollback(True)


@pytest.fixture
def world(whole_world: World) -> Iterator[World]:
    cache.clear()  # rows get the same ids in every test, and under a standing clock nothing expires
    rate.meter.forget()
    with transaction.atomic():
        yield whole_world
        transaction.set_rollback(True)
