"""Two tests here are about PostgreSQL's roles, of which SQLite knows nothing."""

from __future__ import annotations

from pathlib import Path

import pytest


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    of_roles = collection_path.name == "test_grants.py"
    return True if of_roles and config.getoption("--database") == "sqlite" else None
