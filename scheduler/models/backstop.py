"""What must never be false, kept by the database itself, on PostgreSQL and SQLite with one meaning.

- No chair and no patient is taken twice: exclusion constraints on PostgreSQL, triggers on SQLite.
- Events, accesses and seals are append-only.
- A published protocol never changes and is never deleted.

And one thing that the service's role can't do by itself on PostgreSQL (grants.py), so that a function of the tables'
owner does it: to see up to which id the record is settled.

`install` runs after every migrate (apps.py): SQLite drops a table's triggers silently when a migration
rebuilds the table. `missing` names what is not there; `/readyz` and `check_schedule` ask it.
"""

from __future__ import annotations

from django.db.backends.base.base import BaseDatabaseWrapper

CHAIR_OVERLAP = "occupancy_chair_is_free"
PATIENT_OVERLAP = "occupancy_patient_is_free"
APPEND_ONLY = ("scheduler_event", "scheduler_access", "scheduler_seal")
SETTLED = "scheduler_settled"


def _sqlite_overlap(name: str, what: str, when: str) -> str:
    return f"""
        CREATE TRIGGER {name}_{when.lower()} BEFORE {when} ON scheduler_occupancy
        WHEN NEW.{what}_id IS NOT NULL AND EXISTS (
            SELECT 1 FROM scheduler_occupancy o
            WHERE o.{what}_id = NEW.{what}_id AND o.id IS NOT NEW.id
              AND o.{what}_from < NEW.{what}_until AND NEW.{what}_from < o.{what}_until)
        BEGIN SELECT RAISE(ABORT, '{name}'); END"""


def _sqlite_refuse(name: str, table: str, what: str, when: str = "") -> str:
    return f"""
        CREATE TRIGGER {name} BEFORE {what} ON {table} {when}
        BEGIN SELECT RAISE(ABORT, '{name}'); END"""


def _sqlite_no_replace(name: str, table: str, which: str = "") -> str:
    """INSERT OR REPLACE deletes the old row without asking its delete triggers."""
    return _sqlite_refuse(name, table, "INSERT", f"WHEN EXISTS (SELECT 1 FROM {table} o WHERE o.id = NEW.id {which})")


def _sqlite() -> dict[str, str]:
    triggers: dict[str, str] = {}
    for name, what in ((CHAIR_OVERLAP, "chair"), (PATIENT_OVERLAP, "patient")):
        for when in ("INSERT", "UPDATE"):
            triggers[f"{name}_{when.lower()}"] = _sqlite_overlap(name, what, when)
    for table in APPEND_ONLY:
        for when in ("UPDATE", "DELETE"):
            name = f"{table}_no_{when.lower()}"
            triggers[name] = _sqlite_refuse(name, table, when)
        triggers[f"{table}_no_replace"] = _sqlite_no_replace(f"{table}_no_replace", table)
    for when in ("UPDATE", "DELETE"):
        name = f"published_protocol_no_{when.lower()}"
        triggers[name] = _sqlite_refuse(name, "scheduler_protocol", when, "WHEN OLD.published_at IS NOT NULL")
    name = "published_protocol_no_replace"
    triggers[name] = _sqlite_no_replace(name, "scheduler_protocol", "AND o.published_at IS NOT NULL")
    return triggers


def _postgresql_exclusion(name: str, what: str) -> str:
    # int8range instead of btree_gist's "=": no extension is needed. A range over NULL would be unbounded
    # and block everybody, hence the WHERE.
    return f"""
        ALTER TABLE scheduler_occupancy ADD CONSTRAINT {name} EXCLUDE USING gist (
            int8range({what}_id, {what}_id, '[]') WITH &&,
            tstzrange({what}_from, {what}_until) WITH &&) WHERE ({what}_id IS NOT NULL)"""


_POSTGRESQL_REFUSE = """
    CREATE OR REPLACE FUNCTION scheduler_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION '%', TG_NAME USING ERRCODE = 'integrity_constraint_violation'; END $$"""

# Ids are given out before their transactions commit. The SHARE lock waits for every transaction that has written to
# the table and holds off new ones until the caller's transaction ends; what is there then is all up to this id. To take
# it needs a right to change the table, hence SECURITY DEFINER. The caller sets lock_timeout. Each statement in here
# has its own snapshot (READ COMMITTED), so that the second sees what the first has waited for.
_POSTGRESQL_SETTLED = """
    CREATE FUNCTION {name}(what text) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS $$
    DECLARE newest bigint;
    BEGIN
        IF what NOT IN ('scheduler_event', 'scheduler_access') THEN
            RAISE EXCEPTION '% is not sealed', what;
        END IF;
        EXECUTE format('LOCK TABLE %I.%I IN SHARE MODE', '{schema}', what);
        EXECUTE format('SELECT coalesce(max(id), 0) FROM %I.%I', '{schema}', what) INTO newest;
        RETURN newest;
    END $$;
    REVOKE ALL ON FUNCTION {name}(text) FROM PUBLIC"""


def _postgresql(schema: str) -> dict[str, str]:
    statements = {
        SETTLED: _POSTGRESQL_SETTLED.format(name=SETTLED, schema=schema),
        CHAIR_OVERLAP: _postgresql_exclusion(CHAIR_OVERLAP, "chair"),
        PATIENT_OVERLAP: _postgresql_exclusion(PATIENT_OVERLAP, "patient"),
    }
    for table in APPEND_ONLY:
        for when, each in (("UPDATE", "ROW"), ("DELETE", "ROW"), ("TRUNCATE", "STATEMENT")):
            name = f"{table}_no_{when.lower()}"
            statements[name] = (
                f"CREATE TRIGGER {name} BEFORE {when} ON {table} "
                f"FOR EACH {each} EXECUTE FUNCTION scheduler_refuse_change()"
            )
    for when in ("UPDATE", "DELETE"):
        name = f"published_protocol_no_{when.lower()}"
        statements[name] = (
            f"CREATE TRIGGER {name} BEFORE {when} ON scheduler_protocol FOR EACH ROW "
            "WHEN (OLD.published_at IS NOT NULL) EXECUTE FUNCTION scheduler_refuse_change()"
        )
    return statements


def _wanted(connection: BaseDatabaseWrapper) -> dict[str, str]:
    if connection.vendor != "postgresql":
        return _sqlite()
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        return _postgresql(cursor.fetchone()[0])


def _present(connection: BaseDatabaseWrapper) -> set[str]:
    if connection.vendor == "postgresql":
        query = (
            "SELECT conname FROM pg_constraint WHERE contype = 'x' "
            "UNION SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D' "
            f"UNION SELECT proname FROM pg_proc WHERE proname = '{SETTLED}' AND prosecdef"
        )
    else:
        query = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    with connection.cursor() as cursor:
        cursor.execute(query)
        return {row[0] for row in cursor.fetchall()}


def missing(connection: BaseDatabaseWrapper) -> list[str]:
    """Names of constraints and triggers that ought to be there and are not (or are switched off)."""
    return sorted(set(_wanted(connection)) - _present(connection))


def install(connection: BaseDatabaseWrapper) -> list[str]:
    """Create what is missing; returns its names. Safe to repeat. Does nothing while the tables are not there."""
    tables = set(connection.introspection.table_names())
    if not {"scheduler_occupancy", "scheduler_protocol", *APPEND_ONLY} <= tables:
        return []
    absent = missing(connection)
    wanted = _wanted(connection)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql" and absent:
            cursor.execute(_POSTGRESQL_REFUSE)
        for name in absent:
            cursor.execute(wanted[name])
    return absent
