"""Which visits to move so that the load fits."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from scheduler.domain import relief
from scheduler.domain.relief import fewest


def test_nothing_moves_where_nothing_is_over():
    assert fewest({}, {"a": {1: 1}}, {"a": 0.0}) == []


def test_one_that_helps_everywhere_beats_two_that_help_in_part():
    found = fewest({1: 1, 2: 1}, {"a": {1: 1}, "b": {2: 1}, "c": {1: 1, 2: 1}}, {"a": 0.0, "b": 0.0, "c": 9.0})
    assert found == ["c"]


def test_of_as_many_the_nearest_moves():
    assert fewest({1: 1}, {"far": {1: 1}, "near": {1: 1}}, {"far": 3.0, "near": 0.25}) == ["near"]


def test_what_nobody_can_take_away_moves_nobody_for_it():
    assert fewest({1: 5, 2: 1}, {"a": {2: 1}}, {"a": 0.0}) == ["a"]
    assert fewest({1: 5}, {"a": {2: 1}}, {"a": 0.0}) == []


def test_one_by_one_drops_what_became_needless(monkeypatch):
    monkeypatch.setattr(relief, "MOST_CHOICES", 0)
    given_relief = {"big": {1: 1, 2: 1, 3: 1}, "left": {1: 1, 2: 1, 4: 1}, "right": {3: 1, 5: 1}}
    found = fewest(dict.fromkeys((1, 2, 3, 4, 5), 1), given_relief, dict.fromkeys(given_relief, 0.0))
    assert found == ["left", "right"]


@given(
    over=st.dictionaries(st.integers(0, 4), st.integers(1, 3), max_size=4),
    helps=st.lists(st.dictionaries(st.integers(0, 4), st.integers(1, 2), min_size=1, max_size=3), max_size=6),
)
def test_no_smaller_set_does_as_much(over, helps):
    known = dict(enumerate(helps))

    def left(chosen) -> dict[int, int]:
        return {spot: max(much - sum(known[each].get(spot, 0) for each in chosen), 0) for spot, much in over.items()}

    found = fewest(over, known, dict.fromkeys(known, 0.0))
    assert left(found) == left(known), "what can be taken away is"
    assert not any(left(smaller) == left(known) for size in range(len(found)) for smaller in combinations(known, size))
