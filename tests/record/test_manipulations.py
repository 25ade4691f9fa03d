"""A hundred ways to falsify the record behind the service's back, by somebody who owns the database: all are found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, transaction

from scheduler.models import Access, Event, Seal, backstop
from scheduler.services import seal
from tests.factories import NOW

ROWS = 60
A_SEAL = 10

Falsify = Callable[[], None]

EDITS = {
    "event": {
        "at": NOW + timedelta(minutes=1), "actor": "user:9", "role": "nurse", "address": "192.0.2.9", "center_id": 77,
        "patient_id": 78, "subject": "visit", "subject_id": 79, "verb": "cancel", "before": {"start": "x"},
        "after": {"start": "y"}, "reason": "Another.",
    },
    "access": {
        "at": NOW + timedelta(minutes=1), "actor": "user:9", "role": "nurse", "address": "192.0.2.9", "center_id": 77,
        "patient_id": 78, "what": "export",
    },
    "seal": {
        "table": "other", "first_id": 3, "last_id": 4, "rows": 7, "digest": "a" * 64, "previous": "b" * 64,
        "sealed_at": NOW + timedelta(days=1), "form": 1,
    },
}  # fmt: skip
MODELS = {"event": Event, "access": Access, "seal": Seal}


def planted() -> Iterator[tuple[str, Falsify]]:
    for name, edits in EDITS.items():
        for column, value in edits.items():
            for which in (1, 3, 6):
                yield f"{name} {which}: another {column}", lambda n=name, c=column, v=value, w=which: edit(n, w, c, v)
    for name in ("event", "access"):
        for which in (1, 2, A_SEAL, A_SEAL + 1, ROWS - 1, ROWS):
            yield f"{name} {which} removed", lambda n=name, w=which: remove(n, w)
        yield f"the first rows of {name} cut off, with their seal", lambda n=name: cut_off_the_beginning(n)
        yield f"the last rows of {name} cut off, with their seal", lambda n=name: cut_off_the_end(n)
        for number in (0, -5):
            yield f"{name} {number} smuggled in before the first", lambda n=name, to=number: smuggle(n, to)
        yield f"the last seal of {name} removed", lambda n=name: last_seal(n).delete()
        yield f"{name} sealed anew after an edit", lambda n=name: seal_anew(n)
    for which in (1, 25, ROWS - 1):
        yield f"event {which} and the next exchanged", lambda w=which: exchange(w)
        yield f"event {which} replaced by a forged one", lambda w=which: forge(w)


def edit(name: str, which: int, column: str, value: object) -> None:
    MODELS[name]._default_manager.filter(pk=nth(name, which)).update(**{column: value})


def nth(name: str, which: int) -> int:
    return list(MODELS[name]._default_manager.order_by("pk").values_list("pk", flat=True))[which - 1]


def remove(name: str, which: int) -> None:
    MODELS[name]._default_manager.filter(pk=nth(name, which)).delete()


def last_seal(name: str) -> Seal:
    return Seal.objects.filter(table=name).order_by("-pk")[0]


def cut_off_the_beginning(name: str) -> None:
    first = Seal.objects.filter(table=name).order_by("pk")[0]
    MODELS[name]._default_manager.filter(pk__lte=first.last_id).delete()
    first.delete()


def cut_off_the_end(name: str) -> None:
    last = last_seal(name)
    MODELS[name]._default_manager.filter(pk__gte=last.first_id).delete()
    last.delete()


def seal_anew(name: str) -> None:
    """The whole chain: nothing in this database can show it, but the head that was kept elsewhere."""
    edit(name, 2, "actor", "user:9")
    Seal.objects.filter(table=name).delete()
    seal.seal_new(now=NOW)


def exchange(which: int) -> None:
    one, other = (Event.objects.get(pk=nth("event", each)) for each in (which, which + 1))
    one.pk, other.pk = other.pk, one.pk
    one.save(force_update=True)
    other.save(force_update=True)


def forge(which: int) -> None:
    row = Event.objects.get(pk=nth("event", which))
    Event.objects.filter(pk=row.pk).delete()
    row.reason = "As it should have been."
    row.save(force_insert=True)


def smuggle(name: str, number: int) -> None:
    row = MODELS[name]._default_manager.get(pk=nth(name, 1))
    row.pk = number
    row.save(force_insert=True)


def lift_the_guards() -> None:
    with connection.cursor() as cursor:
        for table in backstop.APPEND_ONLY:
            if connection.vendor == "postgresql":
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
                continue
            for what in ("update", "delete", "replace"):
                cursor.execute(f"DROP TRIGGER {table}_no_{what}")


@pytest.fixture
def sealed(db: None, monkeypatch: pytest.MonkeyPatch) -> str:
    """Sixty rows in each table, in seals of ten; and the head that somebody kept."""
    monkeypatch.setattr(seal, "ROWS_A_SEAL", A_SEAL)
    for number in range(ROWS):
        Event.objects.create(
            at=NOW, actor="user:1", role="manager", center_id=1, patient_id=number, subject="appointment",
            subject_id=number, verb="book", after={"start": number}, address="192.0.2.1",
        )  # fmt: skip
        Access.objects.create(at=NOW, actor="user:1", role="manager", center_id=1, patient_id=number, what="patient")
    seal.seal_new(now=NOW)
    return seal.head()


def test_a_hundred_of_a_hundred_planted_manipulations_are_found(sealed: str):
    tried, found = [], []
    assert seal.verify(sealed) == []
    for what, falsify in planted():
        with transaction.atomic():
            lift_the_guards()
            falsify()
            tried.append(what)
            if seal.verify(sealed):
                found.append(what)
            transaction.set_rollback(True)
    assert len(tried) >= 100
    assert [what for what in tried if what not in found] == []


def test_without_a_head_kept_elsewhere_all_but_a_new_or_shortened_chain_is_found(sealed: str):
    """What the help and the threat model say: a whole chain that is made anew looks sound from inside."""
    needs_head = []
    for what, falsify in planted():
        with transaction.atomic():
            lift_the_guards()
            falsify()
            if not seal.verify():
                needs_head.append(what.partition(" ")[2] if what.startswith("the") else what)
            transaction.set_rollback(True)
    assert needs_head == [
        "last rows of event cut off, with their seal",
        "last seal of event removed",
        "event sealed anew after an edit",
        "last rows of access cut off, with their seal",
        "last seal of access removed",
        "access sealed anew after an edit",
    ]


class TestCommand:
    def test_a_sound_record_says_how_many_rows_and_the_head(self, sealed: str):
        said = self.run()
        assert f"{2 * ROWS} sealed rows" in said
        assert sealed in said
        assert self.run("--print-head").strip() == sealed
        assert self.run("--head", sealed)

    def test_a_broken_one_names_the_place_and_ends_with_1(self, sealed: str):
        lift_the_guards()
        edit("event", 12, "actor", "user:9")
        out = StringIO()
        with pytest.raises(CommandError) as ended:
            call_command("verify_record", stdout=out)
        assert ended.value.returncode == 1
        place = f"event: rows {nth('event', 11)} to {nth('event', 20)} are not what was sealed"
        assert place in out.getvalue()

    @pytest.mark.parametrize("head", ["x", "event:1", "event:one:" + "a" * 64, "other:1:" + "a" * 64])
    def test_what_is_no_head_is_said_and_ends_with_2(self, db: None, head: str):
        with pytest.raises(CommandError) as ended:
            self.run("--head", head)
        assert ended.value.returncode == 2

    def run(self, *arguments: str) -> str:
        out = StringIO()
        call_command("verify_record", *arguments, stdout=out)
        return out.getvalue()


@pytest.mark.parametrize("table", backstop.APPEND_ONLY)
def test_update_delete_and_truncate_are_refused(sealed: str, table: str):
    statements = [f"UPDATE {table} SET id = id", f"DELETE FROM {table}"]
    if connection.vendor == "postgresql":
        statements.append(f"TRUNCATE {table}")
    else:
        statements.append(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table} LIMIT 1")
    for statement in statements:
        with pytest.raises(Exception, match=f"{table}_no_"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    assert seal.verify(sealed) == []
