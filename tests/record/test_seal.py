"""The record is sealed in chained batches, so that a change behind the services' back shows."""

from __future__ import annotations

import contextlib
import threading
from functools import partial

import pytest
from django.db import connection, transaction

from scheduler.models import Access, Event, Seal
from scheduler.services import seal
from tests.factories import NOW
from tests.support.threads import together
from tests.support.waiting import wait_for


def event(number: int = 1) -> Event:
    return Event.objects.create(at=NOW, actor="user:1", verb="book", subject="appointment", subject_id=number)


def lift_the_guards() -> None:
    """What an intruder with the database's own rights would do first."""
    with connection.cursor() as cursor:
        for when in ("update", "delete"):
            on = "" if connection.vendor == "sqlite" else " ON scheduler_event"
            cursor.execute(f"DROP TRIGGER scheduler_event_no_{when}{on}")


@pytest.mark.django_db
class TestSealing:
    def test_new_rows_are_sealed_once(self):
        event()
        Access.objects.create(at=NOW, actor="user:1", what="patient")
        assert seal.seal_new(now=NOW) == {"event": 1, "access": 1}
        assert seal.seal_new(now=NOW) == {"event": 0, "access": 0}
        assert seal.verify() == []

    def test_batches_are_chained(self, monkeypatch):
        monkeypatch.setattr(seal, "ROWS_A_SEAL", 2)
        for number in range(5):
            event(number)
        seal.seal_new(now=NOW)
        seals = list(Seal.objects.filter(table="event").order_by("id"))
        assert [one.rows for one in seals] == [2, 2, 1]
        assert [one.previous for one in seals[1:]] == [one.digest for one in seals[:-1]]
        assert seal.verify() == []

    def test_one_run_is_bounded(self, monkeypatch):
        monkeypatch.setattr(seal, "ROWS_A_SEAL", 1)
        monkeypatch.setattr(seal, "SEALS_A_TICK", 3)
        for number in range(5):
            event(number)
        assert seal.seal_new(now=NOW)["event"] == 3
        assert seal.seal_new(now=NOW)["event"] == 2

    def test_a_changed_row_shows(self):
        row = event()
        seal.seal_new(now=NOW)
        lift_the_guards()
        Event.objects.filter(pk=row.pk).update(actor="user:2")
        assert seal.verify() == [f"event: rows 1 to {row.pk} are not what was sealed"]

    def test_a_deleted_row_shows(self):
        row = event()
        event(2)
        seal.seal_new(now=NOW)
        lift_the_guards()
        Event.objects.filter(pk=row.pk).delete()
        assert len(seal.verify()) == 1

    def test_what_is_not_sealed_yet_is_no_problem(self):
        event()
        assert seal.verify() == []


class TestConcurrent:
    def test_two_sealers_make_one_chain(self, committed_db):
        for number in range(20):
            event(number)
        sealed = together([lambda: seal.seal_new(now=NOW)] * 4)
        assert sum(result["event"] for result in sealed) == 20
        assert seal.verify() == []

    def test_a_row_that_commits_late_is_never_below_a_seal(self, committed_db):
        """Ids are given out before their transactions commit."""
        if connection.vendor == "sqlite":  # one writer at a time: nobody can commit late
            event()
            assert seal.seal_new(now=NOW)["event"] == 1
            return
        written, may_commit = threading.Event(), threading.Event()

        def slow() -> None:
            with transaction.atomic():
                event(1)
                written.set()
                assert may_commit.wait(30)

        def quick() -> int:
            assert written.wait(30)
            event(2)
            first = seal.seal_new(now=NOW)["event"]
            may_commit.set()
            return first

        _, while_open = together([slow, quick])
        assert while_open == 0
        assert seal.seal_new(now=NOW)["event"] == 2
        assert seal.verify() == []

    def test_every_row_is_in_one_seal_though_writers_commit_late_or_not_at_all(self, committed_db, monkeypatch):
        monkeypatch.setattr(seal, "ROWS_A_SEAL", 7)
        written = threading.Barrier(4)  # in each round everybody has an id before anybody commits
        finished: list[int] = []
        passes: list[int] = []

        def write(writer: int) -> None:
            try:
                for number in range(8):
                    with contextlib.suppress(_Undone), transaction.atomic():
                        event(number)
                        if connection.vendor == "postgresql":  # SQLite lets them in one by one
                            written.wait(30)
                            if number % 4 == writer:  # late: the sealers have been here since the others committed
                                seen = len(passes)
                                wait_for(partial(_is_longer, passes, seen + 2), 30, every=0.01)
                        if (writer + number) % 4 == 1:
                            raise _Undone
            finally:
                finished.append(writer)

        def seal_all_the_while() -> None:
            while len(finished) < 4:
                passes.append(seal.seal_new(now=NOW)["event"])

        told = together([*(partial(write, writer) for writer in range(4)), seal_all_the_while, seal_all_the_while])
        assert told == [None] * 6
        seal.seal_new(now=NOW)
        seals = list(Seal.objects.filter(table="event").order_by("first_id"))
        ids = list(Event.objects.values_list("pk", flat=True))
        assert len(ids) == 24
        assert [sum(one.first_id <= pk <= one.last_id for one in seals) for pk in ids] == [1] * 24
        assert sum(one.rows for one in seals) == 24
        assert seal.verify() == []


def _is_longer(passes: list[int], than: int) -> bool:
    return len(passes) > than


class _Undone(Exception):
    """A writer changes her mind."""
