"""Properties of the suggestion, held against every assignment there is in small cases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.domain.assignment import suggest
from scheduler.domain.watching import Pause, Task, Watcher
from tests.domain.test_assignment import at, between, overs

QUARTERS = st.integers(0, 16).map(lambda quarter: 8 + quarter / 4)


@st.composite
def a_watcher(draw, number: int, others: list[int]) -> Watcher:
    first, hours = draw(QUARTERS), draw(st.integers(2, 20)) / 4
    pauses = []
    if draw(st.booleans()):
        begin = first + draw(st.integers(0, 6)) / 4
        pauses.append(Pause(between(begin, begin + 0.5), draw(st.sampled_from([*others, None]))))
    return Watcher(
        number, (between(first, first + hours),), draw(st.integers(1, 3)), draw(st.integers(2, 6)), tuple(pauses)
    )


@st.composite
def a_day(draw, most_tasks: int = 5) -> tuple[list[Watcher], list[Task]]:
    numbers = list(range(1, draw(st.integers(1, 3)) + 1))
    watchers = [draw(a_watcher(number, [each for each in numbers if each != number])) for number in numbers]
    tasks = []
    for key in range(1, draw(st.integers(1, most_tasks)) + 1):
        first, hours = draw(QUARTERS), draw(st.integers(1, 8)) / 4
        nurse = draw(st.sampled_from([None, *numbers, 9]))  # 9 is not there
        is_fixed = nurse is not None and draw(st.integers(0, 4)) == 0
        tasks.append(
            Task(key, between(first, first + hours), at(first), draw(st.integers(1, 4)), nurse=nurse, is_fixed=is_fixed)
        )
    return watchers, tasks


def is_there(watchers: list[Watcher], task: Task, nurse: int) -> bool:
    return any(shift.contains(task.interval.start) for each in watchers if each.nurse == nurse for shift in each.shifts)


def every(watchers: list[Watcher], tasks: list[Task]) -> Iterator[dict[int, int | None]]:
    """Every assignment within the limits, written without the code under test's own search."""
    choices = [
        [task.nurse]
        if task.is_fixed
        else [None, *(each.nurse for each in watchers if is_there(watchers, task, each.nurse))]
        for task in tasks
    ]
    for chosen in product(*choices):
        found = {task.key: nurse for task, nurse in zip(tasks, chosen, strict=True)}
        if not overs(watchers, tasks, found):
            yield found


def score(tasks: list[Task], nurses) -> tuple[int, int]:
    """(without a nurse, changed)"""
    return (
        sum(nurses[task.key] is None for task in tasks),
        sum(task.nurse is not None and nurses[task.key] != task.nurse for task in tasks),
    )


@settings(max_examples=150)
@given(a_day())
def test_no_legal_assignment_has_fewer_without_a_nurse_or_fewer_changes(day):
    watchers, tasks = day
    found = suggest(watchers, tasks)
    best = min((score(tasks, each) for each in every(watchers, tasks)), default=None)
    if best is not None:  # what was set by hand may be above the limits already
        assert overs(watchers, tasks, found.nurses) == []
        assert score(tasks, found.nurses) == best


@settings(max_examples=100)
@given(a_day(most_tasks=12))
def test_nobody_gets_more_than_she_can_beyond_what_was_set_by_hand(day):
    watchers, tasks = day
    by_hand = {task.key: task.nurse if task.is_fixed else None for task in tasks}
    assert set(overs(watchers, tasks, suggest(watchers, tasks).nurses)) == set(overs(watchers, tasks, by_hand))


@settings(max_examples=100)
@given(a_day(most_tasks=12))
def test_set_by_hand_is_never_changed(day):
    watchers, tasks = day
    found = suggest(watchers, tasks)
    assert all(found.nurses[task.key] == task.nurse for task in tasks if task.is_fixed)


@settings(max_examples=100)
@given(a_day(most_tasks=8))
def test_a_suggestion_that_was_accepted_is_suggested_again(day):
    watchers, tasks = day
    found = suggest(watchers, tasks)
    accepted = [replace(task, nurse=found.nurses[task.key]) for task in tasks]
    assert suggest(watchers, accepted).nurses == found.nurses


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_order_in_which_facts_come_changes_nothing(order):
    watchers = [Watcher(number, (between(8, 16),), 3, 6) for number in (1, 2, 3)]
    tasks = [Task(key, between(9 + key / 4, 11 + key / 4), at(9 + key / 4), 1 + key % 2) for key in range(3)]
    mixed = suggest([watchers[place] for place in order], [tasks[place] for place in order])
    assert mixed == suggest(watchers, tasks)
