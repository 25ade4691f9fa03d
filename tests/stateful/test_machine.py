"""Random sequences over all services, held against the oracle after every step."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.stateful.steps_day import DaySteps
from tests.stateful.steps_world import WorldSteps
from tests.stateful.world import SCENES, build


class Schedule(WorldSteps, DaySteps):
    """All steps together."""


def profile(examples: int, steps: int, *, derandomize: bool = True, shrinks: bool = True) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        derandomize=derandomize,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink) if shrinks else (Phase.generate,),
        report_multiple_bugs=False,
        print_blob=True,
    )


def wanted_profile(*, is_full: bool) -> settings:
    """Small and always alike in the suite; long and never alike in `make drill`, or with HYPOTHESIS_PROFILE=drill."""
    if is_full or os.environ.get("HYPOTHESIS_PROFILE") == "drill":
        return profile(600, 60, derandomize=False)
    if os.environ.get("HYPOTHESIS_PROFILE") == "look":
        return profile(int(os.environ.get("N", "100")), 50, derandomize=False, shrinks=False)
    return profile(40, 40)


@pytest.mark.django_db
def test_no_sequence_of_calls_breaks_a_promise(request: pytest.FixtureRequest) -> None:
    Schedule.worlds = [build(*scene) for scene in SCENES]
    run_state_machine_as_test(Schedule, settings=wanted_profile(is_full=request.config.getoption("--full")))
