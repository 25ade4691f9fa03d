"""The proof is worth its time only if it notices: each planted fault is caught by a play that passes without it, and
the lock's by the race. Which test catches which fault stands in docs/mutants.md, and that page is held to this."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import IntegrityError, transaction

from tests.stateful import test_lock
from tests.stateful.mutants import LOCKS, MUTANTS
from tests.stateful.scripts import SCRIPTS
from tests.stateful.test_machine import Schedule
from tests.stateful.world import SCENES, build

NEVER = 1_000_000
PAGE = Path(__file__).parents[2] / "docs" / "mutants.md"


@pytest.fixture
def play(db: None) -> Iterator[Schedule]:
    """The machine without its dice, in New York before the clocks go forward."""
    Schedule.worlds = [build(*SCENES[0])]
    with transaction.atomic():
        machine = Schedule()
        machine.by_api_every = NEVER
        machine.begin(scene=0)
        yield machine
        machine.roll_back()


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_play_keeps_every_promise(name: str, play: Schedule) -> None:
    SCRIPTS[name][0](play)


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_play_keeps_every_promise_through_the_api(name: str, play: Schedule) -> None:
    play.by_api_every = 1
    SCRIPTS[name][0](play)


@pytest.mark.parametrize("name", MUTANTS)
def test_the_play_catches(name: str, play: Schedule, monkeypatch: pytest.MonkeyPatch) -> None:
    script, said = SCRIPTS[name]
    MUTANTS[name](monkeypatch)
    with pytest.raises((AssertionError, IntegrityError)) as caught:
        script(play)
    assert re.search(said, str(caught.value)), caught.value


def test_every_fault_has_its_play_and_its_row() -> None:
    assert MUTANTS.keys() == SCRIPTS.keys()
    rows = dict(re.findall(r"^\| `(\w+)` \|(.*)\|$", PAGE.read_text(), re.MULTILINE))
    assert list(rows) == [*MUTANTS, *LOCKS]
    for name, (script, _) in SCRIPTS.items():
        assert f"`{script.__name__}`" in rows[name], f"{name} meets another play"


def test_the_rows_of_the_lock_name_tests_that_exist() -> None:
    for name in LOCKS:
        (line,) = (line for line in PAGE.read_text().splitlines() if line.startswith(f"| `{name}` |"))
        (test,) = re.findall(r"test_lock\.py::TestPlanted::(\w+)`", line)
        assert hasattr(test_lock.TestPlanted, test)
