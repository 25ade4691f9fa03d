"""Writers of SQLite wait for each other in this process and not by sleeping; PostgreSQL's own queue is left alone."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest

from scheduler.domain.errors import Busy
from scheduler.services import turns


@pytest.fixture
def database(monkeypatch):
    """What the turns look at of the connection."""
    seen = SimpleNamespace(vendor="sqlite", in_atomic_block=False)
    monkeypatch.setattr(turns, "connection", seen)
    return seen


def test_one_writer_waits_for_the_other_and_not_for_ever(database, monkeypatch):
    monkeypatch.setattr(turns, "LONGEST_WAIT_SECONDS", 0.05)
    said = []

    def other() -> None:
        try:
            with turns.turn():
                said.append("written")
        except Busy:
            said.append("busy")

    def run_other() -> None:
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()

    with turns.turn():
        run_other()
    run_other()
    assert said == ["busy", "written"]


def test_a_transaction_inside_another_needs_no_second_turn(database):
    with turns.turn():
        database.in_atomic_block = True
        with turns.turn():
            pass
        assert turns._turn.locked()
    assert not turns._turn.locked()


def test_the_turn_is_given_back_when_the_writer_fails(database):
    with pytest.raises(RuntimeError), turns.turn():
        raise RuntimeError
    assert not turns._turn.locked()


def test_postgresql_needs_no_turn(database):
    database.vendor = "postgresql"
    with turns.turn():
        assert not turns._turn.locked()
