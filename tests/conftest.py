"""Fixtures for every test. The databases are chosen in tests/support/databases.py, before settings are read.

- `db` (pytest-django): one transaction, rolled back. The usual choice.
- `committed_db`: commits are real; for threads, HTTP servers, workers. Restored from a template afterwards.
- `broker`, `smtp_server`: real servers, to be stopped, killed and brought back.
- `celery_worker(...)`, `web_server(...)`: real child processes over `committed_db`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Generator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from django.core import mail
from django.db import connections
from django.test.utils import setup_databases, teardown_databases
from playwright.sync_api import Browser, sync_playwright
from pytest_django.plugin import DjangoDbBlocker

from tests.security.net import Net
from tests.support import traces
from tests.support.broker import Broker
from tests.support.committed import Template
from tests.support.processes import CeleryWorker, WebServer
from tests.support.smtp import SmtpServer

CHROMIUM = os.environ.get("CHROMIUM") or "/usr/bin/chromium"


def pytest_configure(config: pytest.Config) -> None:
    """Property tests draw the same examples on every run of the suite, and new ones in `make drill` (--full): what
    a drill finds becomes a test, and nobody's unrelated change is stopped by luck."""
    hypothesis.settings.register_profile("suite", derandomize=True, deadline=None, print_blob=True)
    hypothesis.settings.register_profile("drill", deadline=None, print_blob=True)
    hypothesis.settings.load_profile("drill" if config.getoption("--full") else "suite")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """tests/races are about several web processes on one server: PostgreSQL's."""
    return True if collection_path.name == "races" and config.getoption("--database") == "sqlite" else None


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


@pytest.fixture(scope="session")
def _net() -> Generator[Net]:
    net = Net()
    logging.getLogger().addHandler(net)
    yield net
    logging.getLogger().removeHandler(net)


@pytest.fixture(autouse=True)
def _nothing_leaks(_net: Net) -> Generator[None]:
    """No log, mail or broker of any test shows whom it is about: tests/security/net.py."""
    yield
    _net.files(path for path in traces.files if path.exists())
    for message, sender, recipients in traces.mails:
        _net.sent(message, sender, recipients)
    for text in traces.texts:
        _net.texted(text)
    _net.outbox(mail.outbox)
    traces.forget()
    assert _net.empty() == []


@pytest.fixture
def broker(tmp_path: Path) -> Generator[Broker]:
    """A running Redis-protocol server: `.url .pid .stop() .cont() .kill() .restart() .client()`."""
    server = Broker(tmp_path / "broker")
    server.start()
    yield server
    server.kill()


@pytest.fixture
def smtp_server() -> Generator[SmtpServer]:
    """A running mail server: `.url .messages .answers .refused .settings .stop() .start() .hang() .go_on()`."""
    server = SmtpServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def celery_worker(committed_db: None, broker: Broker, tmp_path: Path) -> Generator[Callable[..., CeleryWorker]]:
    """Call it to start a worker: `celery_worker(concurrency=1, beat=False, environment={})`; many are allowed.

    A worker has `.kill() .terminate() .wait_until(condition, seconds) .send(task) .output()`.
    """
    with ExitStack() as stack:

        def start(**options: Any) -> CeleryWorker:
            log = tmp_path / f"worker-{len(list(tmp_path.glob('worker-*.log')))}.log"
            worker = CeleryWorker(broker.url, log, **options)
            stack.callback(worker.kill)
            return worker

        yield start


@pytest.fixture
def web_server(committed_db: None, tmp_path: Path) -> Generator[Callable[..., WebServer]]:
    """Call it to start uvicorn over the committed database: `web_server(environment={}).url`."""
    with ExitStack() as stack:

        def start(**options: Any) -> WebServer:
            log = tmp_path / f"web-{len(list(tmp_path.glob('web-*.log')))}.log"
            server = WebServer(log, **options)
            stack.callback(server.kill)
            return server

        yield start


@pytest.fixture(scope="session")
def browser() -> Generator[Browser]:
    """A real Chromium, for tests/browser and for drills with open pages."""
    # Playwright's own loop runs in this thread from here on, and Django would take every query for an async one.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield chromium
        chromium.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def rounds(request: pytest.FixtureRequest) -> Callable[[int, int], int]:
    """`rounds(3, 200)`: how often a drill goes round, first number in the suite, second in `make drill`."""
    return lambda reduced, full: full if request.config.getoption("--full") else reduced
