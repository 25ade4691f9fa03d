"""Races over live HTTP: real web processes on one PostgreSQL, and a crowd of clients. SQLite has one writer and one
host; `--database sqlite` leaves this directory out (see pytest_ignore_collect in tests/conftest.py)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.races.site import Site
from tests.support.processes import WebServer

PROCESSES = 3


@pytest.fixture
def servers(web_server: Callable[..., WebServer]) -> list[WebServer]:
    """As many web processes as a small center would run, none of which knows of the others."""
    return [web_server(environment={"API_RATE": "off"}) for _ in range(PROCESSES)]


@pytest.fixture
def site(committed_db: None, servers: list[WebServer]) -> Site:
    return Site([server.port for server in servers])
