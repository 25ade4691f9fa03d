"""Looking for a patient: what is found, and that it takes an index and the same few statements among any number."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.db import connection

from scheduler.models import Center, SearchKey
from scheduler.queries import people
from tests import factories as make
from tests.support import crowd_of_patients

MANY = 5_000
SEARCHES = {
    "the beginning of a name": "szab",
    "two letters": "ma",
    "three letters": "mar",
    "first and last name": "mar kovacsne",
    "two beginnings that many have": "ma b",
    "an MRN": "104 711",
    "the beginning of an MRN": "1047",
    "a whole phone number": "(212) 555-0137",
    "its last digits": "0137",
    "its first digits": "2125",
    "a birth date": "1979-09-08",
    "a birth date that may be read in two ways": "9/8/1979",
    "nobody": "qqqq",
}


@pytest.fixture
def center(db) -> Center:
    return make.make_center(code="city")


@pytest.fixture
def katalin(center: Center):
    return make.make_patient(
        center,
        first_name="Katalin Mária",
        last_name="Szabó-Kovácsné",
        search_text="szabo kovacsne katalin maria",
        birth_date=date(1979, 9, 8),
        mrn="K-203 551",
        phone="+1 (212) 555-0137",
    )


def found(center: Center, query: str) -> list[str]:
    return [each.full_name for each in people.search(center=center, query=query)]


@pytest.mark.parametrize(
    "query",
    [
        "sza", "szabó", "SZABO", "kov", "kat", "maria", "mária kovács", "kovacsne szabo", "katalin szab",
        "K-203 551", "k203551", "K-203", "k20", "8 9 1979", "1979-09-08", "8.9.1979", "8 Sep 1979", "9/8/1979",
        "+1 212 555 0137", "2125550137", "212 555", "555 0137", "0137", "1 212", "001 212 555 0137", " sza ",
    ],
)  # fmt: skip
def test_she_is_found_by_the_beginning_of_any_name_her_number_her_birth_date_and_her_phone(center, katalin, query):
    assert found(center, query) == ["Katalin Mária Szabó-Kovácsné"]


@pytest.mark.parametrize(
    "query",
    ["zabo", "ovacs", "szabo anna", "s", "203", "9 9 1979", "137", "2120", "555", "%", "__", "🙂", "\u200b\u200b"],
)
def test_what_is_not_the_beginning_of_anything_finds_nobody(center, katalin, query):
    assert found(center, query) == []


def test_marks_that_nobody_sees_neither_hide_her_nor_have_to_be_typed(center):
    make.make_patient(center, last_name="Sza\u200bbó", search_text="szabo")
    assert len(found(center, "szabo")) == len(found(center, "\u202eSza\u0301bo\u200d")) == 1


def test_another_centers_patients_are_not_found(center, katalin):
    other = make.make_center(code="harbor")
    for query in ("szabo", "K-203 551", "0137", "8 9 1979"):
        assert found(other, query) == []


def test_a_list_that_is_cut_has_the_shortest_words_in_the_order_of_names(center):
    for name in ("Marlow", "Mar", "Marbach", "Ma", "Marin"):
        make.make_patient(center, first_name="", last_name=name, search_text=name.lower())
    assert [each.last_name for each in people.search(center=center, query="mar", limit=2)] == ["Mar", "Marbach"]


def test_a_name_that_begins_alike_twice_counts_once(center):
    make.make_patient(center, first_name="Maria", last_name="Martinez", search_text="martinez maria")
    assert len(found(center, "mar")) == 1


def test_no_search_reads_a_whole_table(center, katalin):
    crowd_of_patients.register(center, MANY)
    for name, query in SEARCHES.items():
        for statement, plan in plans(center, query):
            assert not whole_tables(plan), (name, statement, plan)


def test_a_search_takes_the_same_few_statements_among_few_and_many(center, katalin):
    few = {query: len(statements(center, query)) for query in SEARCHES.values() if found(center, query)}
    assert few
    assert max(few.values()) <= 6
    crowd_of_patients.register(center, 300)
    assert {query: len(statements(center, query)) for query in few} == few


def test_there_are_no_keys_of_others_than_patients_who_are_registered(center, katalin):
    assert {row.patient_id for row in SearchKey.objects.all()} == {katalin.pk}


def statements(center: Center, query: str) -> list[tuple[str, Any]]:
    seen: list[tuple[str, Any]] = []

    def keep(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        seen.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(keep):
        people.search(center=center, query=query)
    return seen


def plans(center: Center, query: str) -> list[tuple[str, str]]:
    explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
    read = []
    with connection.cursor() as cursor:
        for sql, params in statements(center, query):
            cursor.execute(f"{explain} {sql}", params)
            read.append((sql, "\n".join(str(row[-1]) for row in cursor.fetchall())))
    return read


def whole_tables(plan: str) -> list[str]:
    scans = "SCAN" if connection.vendor == "sqlite" else "Seq Scan"
    return [line for line in plan.splitlines() if scans in line]
