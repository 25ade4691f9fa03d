"""`--database sqlite|postgresql`: chooses the database before Django's settings are read.

Loaded by `-p` (pyproject.toml) in the main process and in every xdist worker. The main process starts one PostgreSQL
server and hands its address down by environment; each worker makes its own database there. SQLite is a file, not
memory, because threads and child processes must see it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.support.postgresql import PostgreSQL

SERVER = "SCHEDULER_TEST_POSTGRESQL"  # address of a server that runs already

_data_dir = pytest.StashKey[Path]()
_server = pytest.StashKey[PostgreSQL]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database",
        choices=("sqlite", "postgresql"),
        default="sqlite",
        help="which database the tests run on (default: sqlite)",
    )
    parser.addoption("--full", action="store_true", help="drills at full counts (fixture `rounds`)")


# A wrapper runs before pytest-django's own hook, which reads the settings.
@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    # /tmp on purpose: the path of a unix socket must stay below 104 characters.
    data_dir = Path(tempfile.mkdtemp(prefix="scheduler-"))
    early_config.stash[_data_dir] = data_dir
    theirs = "REDIS_URL EMAIL_URL BASE_URL ALLOWED_HOSTS TRUSTED_PROXIES WEB_CONCURRENCY DEBUG MIGRATION_DATABASE_URL"
    for name in theirs.split():
        os.environ.pop(name, None)
    os.environ["DATA_DIR"] = str(data_dir)
    os.environ["SECRET_KEY"] = "only-for-tests-" * 4
    if early_config.known_args_namespace.database == "postgresql":
        if SERVER not in os.environ:
            server = early_config.stash[_server] = PostgreSQL(data_dir / "pg")
            server.start()
            os.environ[SERVER] = server.url
        os.environ["DATABASE_URL"] = f"{os.environ[SERVER]}/scheduler"
    else:
        os.environ["DATABASE_URL"] = f"sqlite:///{data_dir}/scheduler.db"
    yield


def pytest_report_header(config: pytest.Config) -> str:
    return f"database: {config.getoption('--database')}"


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    if server := config.stash.get(_server, None):
        server.stop()
        os.environ.pop(SERVER, None)
    if data_dir := config.stash.get(_data_dir, None):
        shutil.rmtree(data_dir, ignore_errors=True)
