"""The test bench itself: commits are real in `committed_db` and gone afterwards, on both databases."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import connection

from tests.support.threads import together


@pytest.mark.parametrize("round_", [1, 2])
def test_other_threads_see_what_is_committed_and_the_next_test_does_not(committed_db: None, round_: int) -> None:
    assert User.objects.count() == 0
    User.objects.create(username="nora")
    assert together([User.objects.count] * 8) == [1] * 8


def test_an_ordinary_test_starts_with_an_empty_database(db: None) -> None:
    assert User.objects.count() == 0
    User.objects.create(username="nora")


def test_the_database_is_the_chosen_one(db: None, request: pytest.FixtureRequest) -> None:
    assert connection.vendor == request.config.getoption("--database")


def test_events_stay_append_only_after_a_restore(committed_db: None) -> None:
    from scheduler.models import backstop

    assert backstop.missing(connection) == []
