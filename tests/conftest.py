"""Fixtures for every test. The databases are chosen in tests/support/databases.py, before settings are read.

- `db` (pytest-django): one transaction, rolled back. The usual choice.
- `committed_db`: commits are real; for threads, HTTP servers, workers. Restored from a template afterwards.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest
from django.db import connections
from django.test.utils import setup_databases, teardown_databases
from pytest_django.plugin import DjangoDbBlocker

from tests.support.committed import Template


@pytest.fixture(scope="session")
def django_db_setup(
    request: pytest.FixtureRequest, django_test_environment: None, django_db_blocker: DjangoDbBlocker
) -> Generator[None]:
    """The test database of this process. Ours, because pytest-django's makes none where only committed_db is used."""
    config: dict[str, Any] = connections["default"].settings_dict
    worker = getattr(request.config, "workerinput", {}).get("workerid", "main")
    if connections["default"].vendor == "sqlite":
        config["TEST"]["NAME"] = f"{config['NAME']}.test"
        config["OPTIONS"]["init_command"] += "; PRAGMA synchronous=OFF"
    else:
        config["TEST"]["NAME"] = f"test_{worker}"
        # Databases come and go here, and 50 threads want 50 connections.
        config["OPTIONS"].pop("pool", None)
    with django_db_blocker.unblock():
        before = setup_databases(verbosity=0, interactive=False, aliases={"default"})
    yield
    with django_db_blocker.unblock():
        connections.close_all()
        teardown_databases(before, verbosity=0)


@pytest.fixture(scope="session")
def _template(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Template:
    with django_db_blocker.unblock():
        return Template()


@pytest.fixture
def committed_db(_template: Template, django_db_blocker: DjangoDbBlocker) -> Generator[None]:
    """A database whose commits are real; what the test committed is gone afterwards."""
    with django_db_blocker.unblock():
        yield
        _template.restore()


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
