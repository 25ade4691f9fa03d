"""Schemathesis against the running server with each role: no failure, whatever is sent.

A few hundred cases in the suite; with `--full` (make drill) at least 10,000 over all roles.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from scheduler.domain.permissions import ROLES, Actor, scopes_of
from scheduler.models import Center, Unit
from scheduler.queries import integrity
from scheduler.services import api_keys
from tests import factories as make

CONFIG = Path(__file__).with_name("schemathesis.toml")
# In the suite, in `make drill`; for each role.
EXAMPLES = (1, 10)  # of each call
PHASES = ("fuzzing", "coverage,fuzzing,stateful")
LEAST_CASES = (40, 2_000)


@pytest.fixture(autouse=True)
def clock() -> None:
    """The server is another process, with the clock of this machine."""


def a_clinic() -> Center:
    """Something of everything, so that ids and codes that are guessed sometimes hit."""
    center = make.make_center()
    unit: Unit = make.make_day_suite(center)
    for _ in range(3):
        make.make_chair(unit)
    make.make_bed(make.make_night_suite(center))
    make.make_quarterly()
    make.make_dhe()
    for _ in range(3):
        make.make_patient(center)
    center.nurses.create(name="Ines Falk")
    return center


@pytest.mark.parametrize("role", [role for role in ROLES if scopes_of(role)])  # a wall screen can have no key
def test_nothing_that_is_sent_makes_the_service_break_its_word(
    web_server: Callable[..., Any],
    rounds: Callable[[int, int], int],
    note: Callable[[str], None],
    tmp_path: Path,
    role: str,
) -> None:
    center = a_clinic()
    key = api_keys.issue(
        actor=Actor.job("test"),
        name=role,
        center_code=center.code,
        role=role,
        now=timezone.now() - timedelta(days=1),
    )
    server = web_server(environment={"API_RATE": "off"})
    is_drill = rounds(0, 1)
    done = subprocess.run(
        [
            sys.executable, "-m", "schemathesis.cli", "--no-color", "--config-file", str(CONFIG), "run",
            f"{server.url}/api/v1/schema/?format=json", "--header", f"Authorization: Bearer {key}",
            "--max-examples", str(EXAMPLES[is_drill]), "--phases", PHASES[is_drill], "--seed", "3",
            "--continue-on-failure", "--generation-database", "none", "--warnings", "off",
        ],
        capture_output=True,
        text=True,
        timeout=3600 if is_drill else 180,
        cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:] + server.output()[-2000:]
    sent = re.search(r"(\d+) generated, (\d+) passed", done.stdout)
    assert sent is not None, done.stdout[-2000:]
    assert sent[1] == sent[2]
    assert int(sent[1]) >= LEAST_CASES[is_drill]
    assert integrity.check(now=timezone.now()) == []
    note(f"{sent[1]} cases as {role}, no failure; check_schedule finds nothing")
