"""What a service does when the database refuses a lock, and when it is gone."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
from django.db import OperationalError, connection

from scheduler.domain.errors import Busy, Unavailable
from scheduler.services.locking import TRIES, retrying

# In a test's transaction nothing is tried again: that is left to who began it.
pytestmark = pytest.mark.usefixtures("committed_db")


def failing(cause: BaseException, calls: list[str]) -> Callable[[], None]:
    @retrying
    def service() -> None:
        calls.append(str(cause))
        raise OperationalError(str(cause)) from cause

    return service


@pytest.mark.parametrize(
    "cause",
    [
        psycopg.OperationalError("server closed the connection unexpectedly"),
        psycopg.errors.AdminShutdown("terminating connection"),
        psycopg.errors.CannotConnectNow("the database system is starting up"),
    ],
)
def test_a_database_that_is_gone_is_asked_once_and_nothing_is_promised(cause):
    calls: list[str] = []
    with pytest.raises(Unavailable):
        failing(cause, calls)()
    assert len(calls) == 1


def test_a_lock_that_is_not_given_is_asked_for_again_and_then_it_is_busy():
    calls: list[str] = []
    with pytest.raises(Busy) as raised:
        failing(psycopg.errors.LockNotAvailable("canceling statement due to lock timeout"), calls)()
    assert not isinstance(raised.value, Unavailable)
    assert len(calls) == (TRIES if connection.vendor == "postgresql" else 1)
