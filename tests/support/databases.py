"""`--database sqlite|postgresql`: chooses the database before Django's settings are read."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database", choices=("sqlite", "postgresql"), default="sqlite")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    directory = Path(tempfile.mkdtemp(prefix="scheduler-tests-"))
    os.environ["DATA_DIR"] = str(directory)
    os.environ["SECRET_KEY"] = "only-for-tests-" * 4
    os.environ.pop("DATABASE_URL", None)
