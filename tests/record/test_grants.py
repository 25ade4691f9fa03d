"""PostgreSQL with two roles: the owner migrates, the service can't change the record, whatever it does to the triggers.

Real roles on the tests' server and real processes: what is granted is what `manage.py migrate` grants.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scheduler.models import backstop, grants
from tests.support.databases import SERVER

ROOT = Path(__file__).resolve().parents[2]
SERVICE, OWNER = "record_service", "record_owner"
DENIED = psycopg.errors.InsufficientPrivilege


def administer(*statements: str, database: str = "postgres") -> None:
    with psycopg.connect(f"{os.environ[SERVER]}/{database}", autocommit=True) as server:
        for statement in statements:
            server.execute(statement)


class Site:
    """A database of its own, with an owner and a service."""

    def __init__(self, directory: Path) -> None:
        worker = os.environ.get("PYTEST_XDIST_WORKER", "main")  # roles belong to the whole server
        self.database = f"two_roles_{worker}"
        self.service, self.owner = f"{SERVICE}_{worker}", f"{OWNER}_{worker}"
        self.directory = directory

    def url(self, role: str) -> str:
        return f"postgresql://{role}@{os.environ[SERVER].rpartition('@')[2]}/{self.database}"

    def manage(self, *command: str, owner: bool = False) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": os.environ["PATH"], "DATA_DIR": str(self.directory), "SECRET_KEY": "only-for-tests-" * 4,
            "DATABASE_URL": self.url(self.service),
        }  # fmt: skip
        if owner:
            environment["MIGRATION_DATABASE_URL"] = self.url(self.owner)
        return subprocess.run(
            [sys.executable, "manage.py", *command], cwd=ROOT, env=environment, capture_output=True, text=True
        )

    def make(self) -> None:
        self.remove()
        administer(f"CREATE ROLE {self.service} LOGIN", f"CREATE ROLE {self.owner} LOGIN")
        administer(f"CREATE DATABASE {self.database} OWNER {self.owner}")

    def remove(self) -> None:
        administer(
            f"DROP DATABASE IF EXISTS {self.database} WITH (FORCE)",
            f"DROP ROLE IF EXISTS {self.service}",
            f"DROP ROLE IF EXISTS {self.owner}",
        )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Migrated under the owner's role; the demo clinic loaded and sealed under the service's."""
    made = Site(tmp_path_factory.mktemp("site"))
    made.make()
    for command, owner in ((["migrate"], True), (["load_demo"], False), (["run_job", "seal-audit"], False)):
        done = made.manage(*command, owner=owner)
        assert done.returncode == 0, done.stdout + done.stderr
    yield made
    made.remove()


@pytest.fixture
def service(site: Site) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(site.url(site.service), autocommit=True) as connection:
        yield connection


def count(service: psycopg.Connection[Any], table: str) -> int:
    row = service.execute(f"SELECT count(*) FROM {table}").fetchone()
    assert row
    return int(row[0])


def grants_of(site: Site) -> set[str]:
    with psycopg.connect(f"{os.environ[SERVER]}/{site.database}") as server:
        held = server.execute(
            "SELECT privilege_type FROM information_schema.table_privileges"
            " WHERE table_name = 'scheduler_event' AND grantee = %s",
            [site.service],
        )
        return {row[0] for row in held}


def test_the_service_does_its_work_and_seals_the_record_under_its_own_role(
    site: Site, service: psycopg.Connection[Any]
) -> None:
    assert count(service, "scheduler_event") > 0
    assert count(service, "scheduler_seal") > 0
    done = site.manage("verify_record")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("table", backstop.APPEND_ONLY)
@pytest.mark.parametrize("statement", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {}"])
def test_the_record_is_never_changed_by_the_service_even_where_the_triggers_are_gone(
    site: Site, service: psycopg.Connection[Any], table: str, statement: str
) -> None:
    before = count(service, table)
    administer(f"ALTER TABLE {table} DISABLE TRIGGER ALL", database=site.database)
    try:
        with pytest.raises(DENIED):
            service.execute(statement.format(table))
    finally:
        administer(f"ALTER TABLE {table} ENABLE TRIGGER ALL", database=site.database)
    assert count(service, table) == before


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE {table} DISABLE TRIGGER ALL",
        "DROP TRIGGER {table}_no_update ON {table}",
        "DROP TABLE {table}",
        "ALTER TABLE {table} RENAME TO elsewhere",
        "CREATE TRIGGER quiet BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION scheduler_refuse_change()",
        "CREATE RULE quiet AS ON INSERT TO {table} DO INSTEAD NOTHING",
        "CREATE TABLE child (parent bigint REFERENCES {table})",
        "SET session_replication_role = replica",
        "SET ROLE {owner}",
        "BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE",
        "DROP FUNCTION scheduler_refuse_change() CASCADE",
        "ALTER FUNCTION scheduler_settled(text) SET search_path = public",
        "SELECT setval(pg_get_serial_sequence('{table}', 'id'), 1)",
        "DROP SCHEMA public CASCADE",
        "UPDATE django_migrations SET name = name",
    ],
)
def test_nor_does_the_service_reach_the_guards(site: Site, service: psycopg.Connection[Any], statement: str) -> None:
    statement = statement.format(table="scheduler_event", owner=site.owner)
    with pytest.raises(DENIED):
        service.execute(statement)


def test_what_the_service_grants_itself_is_nothing(site: Site, service: psycopg.Connection[Any]) -> None:
    service.execute(f"GRANT UPDATE, DELETE ON scheduler_event TO {site.service}")  # a warning only
    assert grants_of(site) == {"SELECT", "INSERT"}


def test_what_was_granted_by_hand_is_taken_back_by_the_next_migrate(site: Site) -> None:
    administer(f"GRANT UPDATE, TRIGGER ON scheduler_event TO {site.service}", database=site.database)
    assert site.manage("migrate", owner=True).returncode == 0
    assert grants_of(site) == {"SELECT", "INSERT"}


@pytest.mark.parametrize(
    ("give", "take", "said"),
    [
        ("ALTER ROLE {service} SUPERUSER", "ALTER ROLE {service} NOSUPERUSER", "is a superuser"),
        ("ALTER ROLE {service} CREATEROLE", "ALTER ROLE {service} NOCREATEROLE", "may make roles"),
        ("GRANT {owner} TO {service}", "REVOKE {owner} FROM {service}", "who owns scheduler_event"),
        ("GRANT pg_write_all_data TO {service}", "REVOKE pg_write_all_data FROM {service}", "has DELETE on"),
        (
            "GRANT pg_execute_server_program TO {service}",
            "REVOKE pg_execute_server_program FROM {service}",
            "is a pg_ex",
        ),
        ("ALTER DATABASE {database} OWNER TO {service}", "ALTER DATABASE {database} OWNER TO {owner}", "the database"),
        (
            "ALTER TABLE scheduler_event OWNER TO {service}",
            "ALTER TABLE scheduler_event OWNER TO {owner}",
            "who owns scheduler_event",
        ),
    ],
)
def test_migrating_says_what_would_let_the_service_change_the_record(
    site: Site, give: str, take: str, said: str
) -> None:
    words = {"service": site.service, "owner": site.owner, "database": site.database}
    administer(give.format(**words), database=site.database)
    try:
        done = site.manage("migrate", owner=True)
        assert done.returncode == 1
        assert f'The role of DATABASE_URL, "{site.service}", could change the record' in done.stderr
        assert said in done.stderr
    finally:
        administer(take.format(**words), database=site.database)


def test_a_role_that_is_not_there_and_cannot_be_made_is_named(site: Site) -> None:
    other = Site(site.directory)
    other.service = "nobody_yet"
    done = other.manage("migrate", owner=True)
    assert done.returncode == 1
    assert '"nobody_yet", is not there' in done.stderr


@pytest.mark.django_db
def test_an_owner_who_may_make_roles_makes_the_services_and_no_log_has_its_password() -> None:
    with CaptureQueriesContext(connection) as asked:
        assert grants.make(connection, "quite new", "wisteria-tin-9")
        assert grants.make(connection, "quite new", "another-one-7")
    assert "wisteria-tin-9" not in str(asked.captured_queries)
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolcanlogin, rolpassword FROM pg_authid WHERE rolname = 'quite new'")
        may_sign_in, secret = cursor.fetchone()
    assert may_sign_in
    assert secret.startswith("SCRAM-SHA-256$")
    assert grants.reaches(connection, "quite new") == []


@pytest.mark.django_db
def test_what_is_granted_by_hand_on_a_column_is_seen_too() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE ROLE one_column")
        assert grants.holds(connection, "one_column") == []
        cursor.execute("GRANT UPDATE (reason) ON scheduler_event TO one_column")
    assert grants.holds(connection, "one_column") == ["has UPDATE on columns of scheduler_event"]
