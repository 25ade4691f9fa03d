"""What gets installed is what was compiled: pinned, with hashes, the owner's six among it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def pins(name: str) -> dict[str, str]:
    text = (ROOT / name).read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    assert all(re.match(r"[a-z0-9.-]+(\[[a-z,]+\])?==\S+", line) for line in lines)
    assert all("--hash=sha256:" in line for line in lines)
    return {re.split(r"[=\[]", line)[0]: line.split("==")[1].split()[0] for line in lines}


def test_the_owners_six_are_there() -> None:
    six = {"django", "djangorestframework", "celery", "redis", "python-dateutil", "pytest-django"}
    assert six <= pins("requirements.txt").keys()


def test_django_is_the_long_term_release() -> None:
    assert pins("requirements.txt")["django"].startswith("5.2.")


def test_tests_run_on_the_versions_that_the_service_runs_on() -> None:
    service, tests = pins("requirements.txt"), pins("requirements-dev.txt")
    assert {name: tests.get(name) for name in service} == service


@pytest.mark.parametrize("name", ["requirements", "requirements-dev"])
def test_every_input_was_compiled(name: str) -> None:
    wanted = re.findall(r"^([A-Za-z][A-Za-z0-9-]*)", (ROOT / f"{name}.in").read_text(), re.MULTILINE)
    assert {each.lower() for each in wanted} <= pins(f"{name}.txt").keys()
